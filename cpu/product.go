package cpu

import (
	"math"
	"unsafe"

	"bitnet-gpu/cpu/kernel"
)

// tooLarge are the bits of 2^100, where the contract's range ends; infinities
// and NaNs lie above it.
const tooLarge = (127 + 100) << 23

// quantised is a batch of int8 vectors, as the kernels read them: full panels of
// Panel tokens, then the tokens left over, one by one if they are few, else in a
// panel filled up with zeros.
type quantised struct {
	panel int
	n     int       // length of each vector
	codes []int8    // (panels, n/4, panel, 4), then (rest, n)
	sum   []int32   // (batch) sum of the codes of a token
	scale []float32 // (batch) (A*r)*(1/127)
}

func newQuantised(batch, width, panel int) quantised {
	padded := (batch + panel - 1) / panel * panel
	return quantised{
		panel: panel,
		codes: make([]int8, padded*width),
		sum:   make([]int32, batch),
		scale: make([]float32, batch),
	}
}

// groups splits tokens into panels: those of full width, the last of which may
// be padded, and single tokens behind them.
func (x *quantised) groups(tokens int) (panels, singles int) {
	panels, singles = tokens/x.panel, tokens%x.panel
	if singles > x.panel/4 {
		panels, singles = panels+1, 0
	}
	return panels, singles
}

// group returns the codes of a panel, or of a single token behind the panels.
func (x *quantised) group(i int) []int8 {
	return x.codes[i*x.panel*x.n : (i+1)*x.panel*x.n]
}

func (x *quantised) single(panels, i int) []int8 {
	at := panels*x.panel*x.n + i*x.n
	return x.codes[at : at+x.n]
}

// set stores the codes of token t of a batch of so many tokens.
func (x *quantised) set(t, tokens int, codes []int8) {
	panels, _ := x.groups(tokens)
	if t >= panels*x.panel {
		copy(x.single(panels, t-panels*x.panel), codes)
		return
	}
	to, from := fours(x.group(t/x.panel)), fours(codes)
	for k, four := range from {
		to[k*x.panel+t%x.panel] = four
	}
}

// get widens the codes of token t into dst.
func (x *quantised) get(dst []float32, t, tokens int) {
	panels, _ := x.groups(tokens)
	for k := range dst {
		if t >= panels*x.panel {
			dst[k] = float32(x.single(panels, t-panels*x.panel)[k])
		} else {
			dst[k] = float32(x.group(t / x.panel)[(k/4*x.panel+t%x.panel)*4+k%4])
		}
	}
}

// fours views codes as groups of four. len(codes) is a multiple of 16.
func fours(codes []int8) [][4]int8 {
	return unsafe.Slice((*[4]int8)(unsafe.Pointer(unsafe.SliceData(codes))), len(codes)/4)
}

// normQuantise makes the rows of (tokens, n) vectors the input of the next
// BitLinear: norm, with weights g (n) or none, and quantise, point 2 of the
// contract.
func (b *backend) normQuantise(worker int, vectors []float32, n int, g []float32) {
	s, w := &b.scratch, &b.scratch.worker[worker]
	x := &s.in
	for lo, hi := b.tokens(); lo < hi; lo, hi = b.tokens() {
		for t := lo; t < hi; t++ {
			h := vector(vectors, t, n)
			a, r := b.norm(w, w.y[:n], h, g)
			codes := w.codes[:n]
			if a == 0 {
				clear(codes)
				x.sum[t], x.scale[t] = 0, 0
			} else {
				x.sum[t] = b.Quantise(codes, w.y[:n], 127*kernel.Recip(a))
				x.scale[t] = float32(a*r) * (1. / 127)
			}
			x.set(t, len(s.rows), codes)
		}
	}
}

// norm stores y = fz(h*g) and returns A = max|y| and the RMS factor r; without g
// there is no norm, y is h and r is 1. Vectors out of the contract's range are
// reported once the batch has ended.
func (b *backend) norm(w *workerScratch, y, h, g []float32) (a, r float32) {
	if g == nil {
		bits := b.MulMax(y, h, b.ones[:len(h)])
		if bits >= tooLarge {
			w.numeric = true
			return 0, 0
		}
		return math.Float32frombits(bits), 1
	}
	bits := b.MulMax(y, h, g)
	sums := w.sums[:len(h)/16]
	b.BlockSquares(sums, h)
	ss := kernel.Halving(sums)
	if bits >= tooLarge || math.Float32bits(ss) >= tooLarge {
		w.numeric = true
		return 0, 0
	}
	mean := float32(ss * float32(1/float64(len(h))))
	return math.Float32frombits(bits), kernel.Rsqrt(mean + b.model.NormEps)
}

// product multiplies tiles [lo, hi) of a matrix, as far as it has them, with
// every token of the input. Row r of token t goes to out (tokens, m.rows) at
// [t, r], or is added to it.
func (b *backend) product(worker int, m *matrix, lo, hi int, out []float32, add bool) {
	lo, hi = max(lo, 0), min(hi, m.tiles())
	if lo >= hi {
		return
	}
	x, tokens := &b.scratch.in, len(b.scratch.rows)
	w := &b.scratch.worker[worker]
	acc := w.acc
	panels, singles := x.groups(tokens)
	for tile := lo; tile < hi && panels > 0; tile++ { // a tile stays in the cache for all panels
		words := m.part(tile, tile+1)
		if b.TritsVec != nil {
			words = w.unpacked(m)
			b.UnpackTrits(words, m.part(tile, tile+1))
		}
		for p := range panels {
			sums := acc[:x.panel*kernel.TileRows]
			b.TernaryMat(sums, words, x.group(p))
			for t := p * x.panel; t < min((p+1)*x.panel, tokens); t++ {
				at := t % x.panel * kernel.TileRows
				b.store(m, t, tile, sums[at:at+kernel.TileRows], out, add)
			}
		}
	}
	vec := b.TernaryVec
	if b.TritsVec != nil {
		vec = b.TritsVec
	}
	for i := range singles {
		sums := acc[:(hi-lo)*kernel.TileRows]
		vec(sums, m.part(lo, hi), x.single(panels, i))
		b.store(m, tokens-singles+i, lo, sums, out, add)
	}
}

// store scales the sums of the rows from a tile on: point 4 of the contract.
func (b *backend) store(m *matrix, t, tile int, sums []int32, out []float32, add bool) {
	x, first := &b.scratch.in, tile*kernel.TileRows
	last := min(first+len(sums), m.rows)
	rows := vector(out, t, m.rows)[first:last]
	scale := kernel.FZ(x.scale[t] * m.scale)
	if add {
		b.AddScaled(rows, sums[:last-first], x.sum[t], scale)
	} else {
		b.Scale(rows, sums[:last-first], x.sum[t], scale)
	}
}
