package cpu

import (
	"math"
	"unsafe"

	"bitnet-gpu/cpu/kernel"
)

// tooLarge are the bits of 2^100, where the contract's range ends; infinities
// and NaNs lie above it.
const tooLarge = (127 + 100) << 23

// quantised is a batch of int8 vectors, as the kernels read them: groups of Panel
// tokens, then of Few, then a single one. In a group of some width the four codes
// that meet one field of a word lie together: (n/4, width, 4). Where there is
// TritsMat, a batch of more than Few tokens is in its blocks instead. A group that is
// not full multiplies what an earlier batch has left in it, for nothing.
type quantised struct {
	panel, few int       // tokens of a group; few is 0 where there is one kind only
	blocks     bool      // for TritsMat
	n          int       // length of each vector
	codes      []int8    // (tokens of the groups, n)
	sum        []int32   // (batch) sum of the codes of a token
	scale      []float32 // (batch) (A*r)*(1/127)
}

func newQuantised(batch, width int, path *kernel.Path) quantised {
	padded := (batch + path.Panel - 1) / path.Panel * path.Panel
	few := 0
	if path.TernaryFew != nil {
		few = path.Few
	}
	return quantised{
		panel: path.Panel, few: few, blocks: path.TritsMat != nil,
		codes: make([]int8, padded*blocked(width)),
		sum:   make([]int32, batch),
		scale: make([]float32, batch),
	}
}

// blocked is the width of vectors in blocks.
func blocked(n int) int { return (n + 63) / 64 * 64 }

// group returns the first token and the width of the group that token t of a
// batch is in. Two groups of Few cost less than a panel.
func (x *quantised) group(t, tokens int) (first, width int) {
	panels, rest := tokens/x.panel*x.panel, tokens%x.panel
	switch {
	case t < panels || rest > max(2*x.few, 1):
		return t - t%x.panel, x.panel
	case rest > 1:
		return t - (t-panels)%x.few, x.few
	}
	return t, 1
}

// inBlocks reports whether a batch of so many tokens is in blocks.
func (x *quantised) inBlocks(tokens int) bool { return x.blocks && tokens > max(x.few, 1) }

// part returns the codes of a group.
func (x *quantised) part(first, width int) []int8 {
	return x.codes[first*x.n : (first+width)*x.n]
}

// matGroup is how many tokens TritsMat takes at once: the sums of half a tile stay in
// the first cache.
const matGroup = 128

// blockPart returns the codes of tokens from first on, and of those that fill up the
// last 16.
func (x *quantised) blockPart(first, tokens int) []int8 {
	n := blocked(x.n)
	return x.codes[first*n : (first+tokens+15)/16*16*n]
}

// set stores the codes of token t of a batch of so many tokens.
func (x *quantised) set(t, tokens int, codes []int8) {
	if x.inBlocks(tokens) {
		n := blocked(x.n)
		for k := 0; k < n; k += 64 {
			to := x.codes[kernel.TokenBlock(t, k, n):][:64]
			clear(to[copy(to, codes[k:]):])
		}
		return
	}
	first, width := x.group(t, tokens)
	to, from := fours(x.part(first, width)), fours(codes)
	for k, four := range from {
		to[k*width+t-first] = four
	}
}

// get widens the codes of token t into dst.
func (x *quantised) get(dst []float32, t, tokens int) {
	first, width := x.group(t, tokens)
	for k := range dst {
		at := first*x.n + (k/4*width+t-first)*4 + k%4
		if x.inBlocks(tokens) {
			at = kernel.TokenBlock(t, k, blocked(x.n))
		}
		dst[k] = float32(x.codes[at])
	}
}

// fours views codes as groups of four. len(codes) is a multiple of 16.
func fours(codes []int8) [][4]int8 {
	return unsafe.Slice((*[4]int8)(unsafe.Pointer(unsafe.SliceData(codes))), len(codes)/4)
}

// normLayer makes the rows of (tokens, n) vectors the input of the next matrices:
// norm, with weights g (n) or none, and quantise, points 2 and 9 of the contract.
func (b *backend) normLayer(worker int, vectors []float32, n int, g []float32, in kinds) {
	s, w := &b.scratch, &b.scratch.worker[worker]
	x := &s.in
	for lo, hi := b.tokens(); lo < hi; lo, hi = b.tokens() {
		for t := lo; t < hi; t++ {
			h := vector(vectors, t, n)
			a, r := b.norm(w, w.y[:n], h, g)
			if in.x {
				b.Times(vector(s.x, t, n), w.y[:n], r)
			}
			if !in.codes {
				continue
			}
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
	if m.dense != nil {
		b.denseProduct(worker, m.dense, lo*kernel.TileRows, min(hi*kernel.TileRows, m.rows), out, add)
		return
	}
	x, tokens := &b.scratch.in, len(b.scratch.rows)
	w := &b.scratch.worker[worker]
	if tokens == 1 && m.words != nil {
		vec := b.TernaryVec
		if b.TritsVec != nil {
			vec = b.TritsVec
		}
		sums := w.acc[:(hi-lo)*kernel.TileRows]
		vec(sums, m.part(lo, hi), x.part(0, 1))
		b.store(m, 0, lo, sums, out, add)
		return
	}
	for tile := lo; tile < hi; tile++ { // a tile stays in the cache for all groups
		switch {
		case x.inBlocks(tokens):
			words := b.trits(w, m, tile)
			for first := 0; first < tokens; first += matGroup {
				n := min(tokens-first, matGroup)
				b.productBlocks(w, w.acc, words, first, n)
				b.storeGroup(w, m, first, n, tile, out, add)
			}
		case tokens <= x.few && b.TritsFew != nil && m.words != nil:
			b.TritsFew(w.acc[:x.few*kernel.TileRows], m.part(tile, tile+1), x.part(0, x.few))
			b.storeGroup(w, m, 0, tokens, tile, out, add)
		default:
			words := b.kernelWords(w, m, tile)
			for first := 0; first < tokens; {
				width := b.productGroup(w, words, first)
				b.storeGroup(w, m, first, min(width, tokens-first), tile, out, add)
				first += width
			}
		}
	}
}

// productBlocks multiplies a tile with n tokens from first on, in blocks. The sums go
// to acc (n, 64).
func (b *backend) productBlocks(w *workerScratch, acc []int32, words []uint32, first, n int) {
	b.TritsMat(acc[:(n+15)/16*16*kernel.TileRows], words, b.scratch.in.blockPart(first, n), w.room)
}

// gateUpBlocks stores the activated product of a tile of both matrices, of tokens in
// blocks, while the sums are near.
func (b *backend) gateUpBlocks(w *workerScratch, gate, up *matrix, tile int, out []float32) {
	x, tokens := &b.scratch.in, len(b.scratch.rows)
	for first := 0; first < tokens; first += matGroup {
		n := min(tokens-first, matGroup)
		b.productBlocks(w, w.acc, b.trits(w, gate, tile), first, n)
		b.productBlocks(w, w.up, b.trits(w, up, tile), first, n)
		scales := w.scales[:2*n]
		for t, scale := range x.scale[first : first+n] {
			scales[t], scales[n+t] = kernel.FZ(scale*gate.scale), kernel.FZ(scale*up.scale)
		}
		rows := out[first*gate.rows+tile*kernel.TileRows : (first+n-1)*gate.rows+(tile+1)*kernel.TileRows]
		b.ReLU2Tile(rows, w.acc[:n*kernel.TileRows], w.up[:n*kernel.TileRows], x.sum[first:first+n], scales, int32(gate.rows))
	}
}

// kernelWords returns a tile as kernel words.
func (b *backend) kernelWords(w *workerScratch, m *matrix, tile int) []uint32 {
	if m.words != nil && b.TritsVec == nil {
		return m.part(tile, tile+1)
	}
	words := w.unpacked(m)
	if m.words != nil {
		b.UnpackTrits(words, m.part(tile, tile+1))
		return words
	}
	if err := b.interleave(words, m, tile); err != nil {
		w.failed = err
	}
	return words
}

// trits returns a tile as trits.
func (b *backend) trits(w *workerScratch, m *matrix, tile int) []uint32 {
	if m.words != nil {
		return m.part(tile, tile+1)
	}
	words := w.trits[:m.tile]
	b.PackTrits(words, b.kernelWords(w, m, tile))
	return words
}

// productGroup multiplies a tile with the group of tokens that begins with first
// and returns its width. The sums go to w.acc (width, 64).
func (b *backend) productGroup(w *workerScratch, words []uint32, first int) (width int) {
	x := &b.scratch.in
	first, width = x.group(first, len(b.scratch.rows))
	acc, codes := w.acc[:width*kernel.TileRows], x.part(first, width)
	switch width {
	case 1:
		b.TernaryVec(acc, words, codes)
	case x.few:
		b.TernaryFew(acc, words, codes)
	default:
		b.TernaryMat(acc, words, codes)
	}
	return width
}

// storeGroup scales the sums of a tile of the tokens from first on: point 4 of the
// contract.
func (b *backend) storeGroup(w *workerScratch, m *matrix, first, tokens, tile int, out []float32, add bool) {
	x, row := &b.scratch.in, tile*kernel.TileRows
	if row+kernel.TileRows > m.rows {
		for t := range tokens {
			b.store(m, first+t, tile, w.acc[t*kernel.TileRows:][:kernel.TileRows], out, add)
		}
		return
	}
	scales := w.scales[:tokens]
	for t := range scales {
		scales[t] = kernel.FZ(x.scale[first+t] * m.scale)
	}
	scale := b.ScaleTile
	if add {
		scale = b.AddScaledTile
	}
	last := first + tokens - 1
	scale(out[first*m.rows+row:last*m.rows+row+kernel.TileRows], w.acc[:tokens*kernel.TileRows],
		x.sum[first:first+tokens], scales, int32(m.rows))
}

// store does so for one token and its rows from a tile on.
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
