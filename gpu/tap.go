package gpu

import (
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"
)

// A tap is an intermediate that the list downloads, for the tracer.
type tap struct {
	name  string
	layer int
	rows  bool      // of rows of logits, not of tokens
	codes bool      // quantised vectors
	n     int       // length of a vector
	words []float32 // (tokens or rows, ...) as downloaded
}

// tap notes a (tokens, n) intermediate.
func (l *list) tap(name string, layer int, r driver.Range) {
	l.download(tap{name: name, layer: layer, n: r.Size / 4 / l.tokens}, r)
}

// tapRows notes a (rows, n) intermediate.
func (l *list) tapRows(name string, r driver.Range) {
	l.download(tap{name: name, layer: -1, rows: true, n: r.Size / 4 / l.rows}, r)
}

// tapCodes notes the input of the next BitLinear.
func (l *list) tapCodes(name string, layer int, r driver.Range, n int) {
	l.download(tap{name: name, layer: layer, codes: true, n: n}, r)
}

func (l *list) download(t tap, r driver.Range) {
	if l.trace == nil {
		return
	}
	t.words = make([]float32, r.Size/4)
	l.Add(driver.Download{From: r, Data: driver.Bytes(t.words)})
	l.taps = append(l.taps, t)
}

// show calls the tracer with what a run of the list has downloaded.
func (l *list) show() {
	for i := range l.taps {
		t := &l.taps[i]
		for j, r := range l.queue {
			at := j
			if t.rows {
				if at = r.row; at < 0 {
					continue
				}
			}
			l.trace(compute.Tap{Name: t.name, Layer: t.layer, Slot: r.slot, Pos: r.pos, Data: t.vector(at)})
		}
	}
}

// vector returns one vector, of codes the widened ones.
func (t *tap) vector(i int) []float32 {
	if !t.codes {
		return t.words[i*t.n : (i+1)*t.n]
	}
	n := codesBytes(t.n)
	bytes := driver.Bytes(t.words)[i*n+16:][:t.n]
	x := make([]float32, t.n)
	for k, c := range bytes {
		x[k] = float32(int8(c))
	}
	return x
}
