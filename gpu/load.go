package gpu

import (
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"bitnet-gpu/cpu/kernel"
	"bitnet-gpu/gpu/driver"
	"bitnet-gpu/weights"
	"bitnet-gpu/weights/ternary"
)

// A layer is one transformer block on the device.
type layer struct {
	attnNorm, attnSubNorm, ffnNorm, ffnSubNorm driver.Buffer
	q, k, v                                    matrix // in one buffer where all are ternary
	o, gate, up, down                          matrix
	ternary                                    bool          // all are
	cache                                      driver.Buffer // (2, slots, KVHeads, context, HeadDim) float16: keys, values
}

// A matrix is a dense one, or a ternary one in tiles of 8 rows x 4 kernel words, as
// ternary.comp reads them: (tiles, steps, 8, 4).
type matrix struct {
	rows, steps int
	scale       float32
	words       driver.Range
	dense       *dense // not nil: it and rows count
}

const (
	tileRows    = 8
	stepWeights = 4 * ternary.WordWeights
)

// steps returns how many steps of 64 weights, the last one padded, make a row.
func steps(cols int) int { return (cols + stepWeights - 1) / stepWeights }

func tiles(rows int) int { return (rows + tileRows - 1) / tileRows }

// tiledBytes returns the bytes of a matrix. Their number of tiles is even, so
// that what follows in the same buffer is aligned.
func tiledBytes(t *weights.Ternary) int {
	return (tiles(t.Rows) + 1) &^ 1 * tileRows * steps(t.Cols) * 16
}

// A dense matrix is an embedding, a head or a layer's, in parts that the device can
// bind.
type dense struct {
	typ      weights.DType
	cols     int
	partRows int // rows of each part but the last
	parts    []driver.Buffer
}

// A loader copies a model to the device.
type loader struct {
	*backend
	progress    func(done, total int64)
	done, total int64
	words       []uint32 // host side of what is written
	err         error    // the first
}

// load copies the weights and makes the cache.
func (b *backend) load(progress func(done, total int64)) error {
	l := &loader{backend: b, progress: progress}
	l.total, _ = b.memory()
	m := b.model
	cache := int(cacheBytes(m, b.slots, b.context))
	if !m.SubNorms {
		b.ones = l.floats("ones", slices.Repeat([]float32{1}, max(m.FFN, m.Heads*m.HeadDim)))
	}
	for i := range m.Layers {
		from := &m.Layers[i]
		qkv := l.linears(&from.Q, &from.K, &from.V)
		b.layers = append(b.layers, layer{
			attnNorm: l.floats("attn_norm", from.AttnNorm), attnSubNorm: l.subNorm("attn_sub_norm", from.AttnSubNorm),
			ffnNorm: l.floats("ffn_norm", from.FFNNorm), ffnSubNorm: l.subNorm("ffn_sub_norm", from.FFNSubNorm),
			q: qkv[0], k: qkv[1], v: qkv[2], o: l.linears(&from.O)[0],
			gate: l.linears(&from.Gate)[0], up: l.linears(&from.Up)[0], down: l.linears(&from.Down)[0],
			ternary: len(from.Tensors()) == len(from.Matrices()),
			cache:   l.buffer("cache", cache, driver.Local),
		})
	}
	b.norm = l.floats("output_norm", m.OutputNorm)
	b.head = l.dense(&m.Output, driver.Local)
	if b.screening {
		b.screen = l.newScreen()
	}
	b.embd = b.head
	if !m.Tied {
		b.embd = l.dense(&m.TokenEmbd, driver.Host)
	}
	return l.err
}

// buffer returns a new buffer, nil once something failed.
func (l *loader) buffer(label string, size int, use driver.Use) driver.Buffer {
	if l.err != nil {
		return nil
	}
	buf, err := l.dev.NewBuffer(label, size, use)
	if err != nil {
		l.err = fmt.Errorf("%s: %w", label, err)
		return nil
	}
	return buf
}

func (l *loader) write(buf driver.Buffer, offset int, data []byte) {
	if l.err != nil {
		return
	}
	if err := buf.Write(offset, data); err != nil {
		l.err = fmt.Errorf("%s: %w", buf.Label(), err)
	}
}

func (l *loader) floats(label string, x []float32) driver.Buffer {
	buf := l.buffer(label, 4*len(x), driver.Local)
	l.write(buf, 0, driver.Bytes(x))
	return buf
}

// subNorm copies the weights of a norm that not every model has.
func (l *loader) subNorm(label string, x []float32) driver.Buffer {
	if x == nil {
		return l.ones
	}
	return l.floats(label, x)
}

// host returns room for n words.
func (l *loader) host(n int) []uint32 {
	if len(l.words) < n {
		l.words = make([]uint32, n)
	}
	return l.words[:n]
}

// linears copies matrices of a layer: to one buffer where all are ternary.
func (l *loader) linears(from ...*weights.Linear) []matrix {
	var all []matrix
	var tensors []*weights.Ternary
	for _, m := range from {
		if !m.IsDense() {
			tensors = append(tensors, &m.Ternary)
		}
	}
	if len(tensors) == len(from) {
		return l.matrices(tensors...)
	}
	for _, m := range from {
		if m.IsDense() {
			d := l.dense(&m.Dense, driver.Local)
			all = append(all, matrix{rows: m.Dense.Rows, dense: &d})
		} else {
			all = append(all, l.matrices(&m.Ternary)...)
		}
	}
	return all
}

// matrices copies ternary matrices to one buffer, one behind the other.
func (l *loader) matrices(tensors ...*weights.Ternary) []matrix {
	size := 0
	for _, t := range tensors {
		size += tiledBytes(t)
	}
	buf := l.buffer(tensors[0].Name, size, driver.Local)
	var all []matrix
	at := 0
	for _, t := range tensors {
		m := matrix{rows: t.Rows, steps: steps(t.Cols), scale: t.Scale}
		m.words = driver.Range{Buffer: buf, Offset: at, Size: tiledBytes(t)}
		l.tile(m.words, t, m.steps)
		at += tiledBytes(t)
		all = append(all, m)
	}
	return all
}

// tile copies a matrix in tiles.
func (l *loader) tile(to driver.Range, t *weights.Ternary, steps int) {
	if l.err != nil {
		return
	}
	words := l.host(tiledBytes(t) / 4)
	clear(words)
	n := tileRows * steps * 4
	err := l.parallel(tiles(t.Rows), func(lo, hi int) error {
		if err := ternary.Interleave(words[lo*n:hi*n], &t.Matrix, tileRows, 4, lo*tileRows, min(hi*tileRows, t.Rows)); err != nil {
			return fmt.Errorf("tensor %s: %w", t.Name, err)
		}
		return nil
	})
	if err != nil {
		l.err = err
		return
	}
	l.write(to.Buffer, to.Offset, driver.Bytes(words))
	l.add(to.Size)
}

// add reports progress.
func (l *loader) add(n int) {
	l.done += int64(n)
	if l.progress != nil && l.err == nil {
		l.progress(l.done, l.total)
	}
}

// part returns the first of the rows in part i of a matrix with that many, and how
// many there are.
func (d *dense) part(i, rows int) (first, n int) {
	return i * d.partRows, min(d.partRows, rows-i*d.partRows)
}

// dense copies a dense matrix.
func (l *loader) dense(d *weights.Dense, use driver.Use) dense {
	bytes := rowBytes(d)
	to := l.table(d.Name, d.Rows, bytes, use, func(words []uint32, first, n int) error {
		for i := range n {
			denseRow(words[i*bytes/4:(i+1)*bytes/4], d, first+i)
		}
		return nil
	})
	to.typ, to.cols = d.Type, d.Cols
	return to
}

// table copies rows of so many bytes, in pieces of some megabytes. fill stores n of
// them from the first on; it is called for several pieces at once.
func (l *loader) table(label string, rows, bytes int, use driver.Use, fill func(words []uint32, first, n int) error) dense {
	to := dense{partRows: min(rows, l.dev.Info().Limits.Range/bytes)}
	piece := max(1, 8<<20/bytes)
	for i := 0; i*to.partRows < rows && l.err == nil; i++ {
		first, n := to.part(i, rows)
		part := l.buffer(label, n*bytes, use)
		to.parts = append(to.parts, part)
		for at := 0; at < n && l.err == nil; at += piece {
			some := min(piece, n-at)
			words := l.host(some * bytes / 4)
			l.err = l.parallel(some, func(lo, hi int) error {
				return fill(words[lo*bytes/4:hi*bytes/4], first+at+lo, hi-lo)
			})
			l.write(part, at*bytes, driver.Bytes(words))
			l.add(some * bytes)
		}
	}
	return to
}

// rowBytes returns the bytes of a row of a dense matrix on the device:
// float16 and bfloat16 as they are, the others as float32.
func rowBytes(d *weights.Dense) int {
	if d.Type == weights.F16 || d.Type == weights.BF16 {
		return 2 * d.Cols
	}
	return 4 * d.Cols
}

// denseRow stores a row for the device, without small values (compute, rules).
func denseRow(dst []uint32, d *weights.Dense, row int) {
	switch d.Type {
	case weights.F16: // has none that small
		b := d.Bytes(row)
		for i := range dst {
			dst[i] = binary.LittleEndian.Uint32(b[4*i:])
		}
	case weights.BF16:
		b := d.Bytes(row)
		for i := range dst {
			lo := math.Float32frombits(uint32(binary.LittleEndian.Uint16(b[4*i:])) << 16)
			hi := math.Float32frombits(uint32(binary.LittleEndian.Uint16(b[4*i+2:])) << 16)
			dst[i] = math.Float32bits(kernel.FZ(lo))>>16 | math.Float32bits(kernel.FZ(hi))
		}
	default:
		x := make([]float32, d.Cols)
		d.Row(x, row)
		for i, v := range x {
			dst[i] = math.Float32bits(kernel.FZ(v))
		}
	}
}

// parallel runs f, which reads the model, on stretches of [0, n) on all
// processors, and returns one of its errors.
func (l *loader) parallel(n int, f func(lo, hi int) error) error {
	workers := min(runtime.GOMAXPROCS(0), n)
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			errs[i] = l.model.Guard(func() error { return f(i*n/workers, (i+1)*n/workers) })
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
