package cpu

import (
	"math"
	"slices"

	"bitnet-gpu/cpu/kernel"
	"bitnet-gpu/engine/compute"
)

// A screen finds the rows of the head that may hold the best logits without
// reading the head: from a copy of it in four-bit codes, a quarter of the bytes
// of float16 (kernel.Coder, which shows why none is missed). The candidates are
// those of the reference, from the stored rows.
//
// The input x is taken as 16-bit numbers q, x = s*q + f, whose error is known:
// |d*(c-u).f| <= |d*(c-u)|*|f|. Last, the band has room for the roundings of the
// float32 sums.
type screen struct {
	words   []uint32  // (tiles, Hidden/8, 64), kernel.Path.NibbleVecs
	quantum []float32 // (rows in tiles) d
	length  []float32 // (rows in tiles) see kernel.Coder.Code
	dither  []float32 // (Hidden) u

	inputs []*screenInput // of tokens; the first n are the batch's
	n      int
	x      []float32           // (Hidden) the input whose open rows are computed
	open   []int32             // rows whose logit can be among the best
	logits []float32           // (len(open))
	least  []compute.Candidate // the rows whose logit is at least the highest

	from, to int // of open, which are computed next
	rescored int // rows, since their pages were released
}

// screenInput is the head's input for one token, 256*high + low in units of s,
// and what the logits can be.
type screenInput struct {
	t         int     // token of the batch
	high, low []int8  // (Hidden)
	sum       float64 // of (8+u)*q: what the codes, stored plus 8, are too much
	s         float64
	// The band of a row is quantum*alpha + length*beta.
	alpha, beta  float32
	upper, lower []float32 // (rows in tiles) most and least that a row's logit can be
}

const (
	// screenSmallest is what smaller inputs count as.
	screenSmallest = 1. / (1 << 40)
	// screenSlop covers the roundings of the reference's sums, 46 for a row of
	// 2,560, of the codes and of the estimate, relative to |r|*|x|.
	screenSlop = 1. / (1 << 16)
	// screenShare is the part of the head's rows that may stay open; beyond it
	// all of them are read in order.
	screenShare = 1. / 8
	// screenRange is how far the numbers of the input go: high stays an int8.
	screenRange = 32000
	// screenTokens is how many tokens of a batch go through the screen: a draft.
	// Each takes a megabyte.
	screenTokens = 16
)

// useScreen reports whether the batch finds its candidates through the screen. The
// first batch that asks for some reads the whole head, which takes a fifth of the
// time of making a screen; the next makes it. Without memory for it there is none.
func (b *backend) useScreen() bool {
	switch {
	case b.memory.Screen == 0 || b.trace != nil: // a tracer sees whole rows
		return false
	case b.screen != nil:
		return true
	case !b.ranked:
		b.ranked = true
		return false
	}
	words, err := b.room(&b.codes, int64(tiles(b.model.VocabSize)*kernel.TileRows*b.model.Hidden/2))
	if err != nil {
		b.memory.Screen = 0
		return false
	}
	b.screen = b.newScreen(words)
	return true
}

// newScreen makes the codes of the head in words, all workers at once.
func (b *backend) newScreen(words []uint32) *screen {
	n, rows := b.model.Hidden, tiles(b.model.VocabSize)*kernel.TileRows
	s := &screen{
		words:   words,
		quantum: make([]float32, rows), length: make([]float32, rows),
		dither: kernel.Dither(n),
	}
	b.pool.run(func(worker int) {
		coder, line := b.NewCoder(s.dither), b.scratch.worker[worker].line[:n]
		codes := make([]int8, kernel.TileRows*n)
		const part = headPart / kernel.TileRows
		for lo, hi := b.pool.take(rows/kernel.TileRows, part); lo < hi; lo, hi = b.pool.take(rows/kernel.TileRows, part) {
			for ; lo < hi; lo += part {
				last := min(lo+part, hi)
				for t := lo; t < last; t++ {
					b.codeTile(s, coder, t, codes, line)
				}
				b.releaseHead(lo*kernel.TileRows, last*kernel.TileRows)
			}
		}
	})
	b.releaseHead(0, rows)
	return s
}

// codeTile makes the codes of a tile of rows, by way of codes and line.
func (b *backend) codeTile(s *screen, coder *kernel.Coder, tile int, codes []int8, line []float32) {
	n := b.model.Hidden
	clear(codes)
	for r := range kernel.TileRows {
		if id := tile*kernel.TileRows + r; id < b.model.VocabSize {
			b.widenHead(line, id)
			s.quantum[id], s.length[id] = coder.Code(codes[r*n:(r+1)*n], line)
		}
	}
	size := kernel.TileRows * n / 8
	b.Nibbles(s.words[tile*size:(tile+1)*size], codes)
}

// screened finds the candidates of all tokens that ask for them, and for nothing
// else. Tokens of which the screen leaves too many rows open get room for a whole
// row of logits instead. It reports false where a logit is not finite.
func (b *backend) screened() (ok bool) {
	s := b.screen
	s.n = 0
	for t := range b.scratch.rows {
		if b.scratch.rows[t].ranked() {
			b.screenInput(t)
		}
	}
	b.pool.run(b.regions.screen)
	ok = true
	for _, in := range s.inputs[:s.n] {
		r := &b.scratch.rows[in.t]
		if !b.narrow(in, len(r.top)) {
			r.logits = b.spareRow()
			continue
		}
		ok = compute.Best(r.top, s.logits, s.open) && ok
	}
	return ok
}

// narrow notes the rows that can be among the n best and computes their logits.
// It reports false where they are too many.
func (b *backend) narrow(in *screenInput, n int) (few bool) {
	s, vocab := b.screen, b.model.VocabSize
	s.x = vector(b.scratch.x, in.t, b.model.Hidden)
	most := int(float64(vocab) * screenShare)
	if n > most {
		return false
	}
	s.least = slices.Grow(s.least[:0], n)[:n]
	compute.Best(s.least, in.lower[:vocab], nil)
	s.open = s.open[:0]
	for _, c := range s.least {
		s.open = append(s.open, c.ID)
	}
	b.rescoreOpen()
	bound := slices.Min(s.logits) // so many logits are at least this; NaN leaves all rows open
	s.open = s.open[:0]
	for id, upper := range in.upper[:vocab] {
		if !(upper < bound) {
			s.open = append(s.open, int32(id))
		}
	}
	if len(s.open) > most {
		return false
	}
	b.rescoreOpen()
	return true
}

// rescoreOpen computes the reference logits of the open rows.
func (b *backend) rescoreOpen() {
	s := b.screen
	s.logits = slices.Grow(s.logits[:0], len(s.open))[:len(s.open)]
	for s.from = 0; s.from < len(s.open); s.from = s.to {
		s.to = min(s.from+screenMapped-s.rescored, len(s.open))
		b.pool.run(b.regions.rescore)
		if s.rescored += s.to - s.from; s.rescored == screenMapped {
			b.model.Release(b.model.Output.Data)
			s.rescored = 0
		}
	}
}

// screenMapped is after how many rescored rows their pages of the file are
// released: the system maps up to 64 KiB around each, which would end in all of
// the head. They stay in the page cache.
const screenMapped = 256

// input returns room for one more input.
func (s *screen) input() *screenInput {
	if s.n == len(s.inputs) {
		n, rows := len(s.dither), len(s.quantum)
		s.inputs = append(s.inputs, &screenInput{
			high: make([]int8, n), low: make([]int8, n),
			upper: make([]float32, rows), lower: make([]float32, rows),
		})
	}
	s.n++
	return s.inputs[s.n-1]
}

// screenInput takes the head's input of a token as 16-bit numbers and works out
// what the bands depend on.
func (b *backend) screenInput(t int) {
	s, x := b.screen, vector(b.scratch.x, t, b.model.Hidden)
	in := s.input()
	in.t = t
	top, squares := float32(0), 0.0
	for _, v := range x {
		top = max(top, v, -v)
		squares += float64(v) * float64(v)
	}
	in.s = max(float64(top), screenSmallest) / screenRange
	in.sum = 0
	errors := 0.0
	for i, v := range x {
		q := math.RoundToEven(float64(v) / in.s)
		high := math.RoundToEven(q / 256)
		in.high[i], in.low[i] = int8(high), int8(min(q-256*high, 127)) // 128 is a tie
		q = 256*float64(in.high[i]) + float64(in.low[i])
		in.sum += (8 + float64(s.dither[i])) * q
		errors += (float64(v) - q*in.s) * (float64(v) - q*in.s)
	}
	length := math.Sqrt(squares)
	in.alpha = float32(kernel.ScreenBand * length)
	in.beta = float32(math.Sqrt(errors) + screenSlop*length)
}

// screenTiles bounds the logits of all rows. A tile is read from memory once:
// all inputs but the first find it in the cache.
func (b *backend) screenTiles(worker int) {
	s, n := b.screen, b.model.Hidden
	acc := b.scratch.worker[worker].acc
	high, low := acc[:kernel.TileRows], acc[kernel.TileRows:2*kernel.TileRows]
	tiles := len(s.quantum) / kernel.TileRows
	for lo, hi := b.pool.take(tiles, 1); lo < hi; lo, hi = b.pool.take(tiles, 1) {
		for t := lo; t < hi; t++ {
			words := s.words[t*kernel.TileRows*n/8 : (t+1)*kernel.TileRows*n/8]
			for _, in := range s.inputs[:s.n] {
				b.NibbleVecs(high, low, words, in.high, in.low)
				s.bound(in, t*kernel.TileRows, high, low)
			}
		}
	}
}

// bound stores what the logits of the rows from first on can be, of which high
// and low are the products.
func (s *screen) bound(in *screenInput, first int, high, low []int32) {
	for r := range high {
		id := first + r
		codes := float64(256*int64(high[r])+int64(low[r])) - in.sum
		estimate := float32(codes * in.s * float64(s.quantum[id]))
		band := s.quantum[id]*in.alpha + s.length[id]*in.beta
		in.upper[id], in.lower[id] = estimate+band, estimate-band
	}
}

// rescore is rescoreOpen's part of a worker.
func (b *backend) rescore(worker int) {
	s := b.screen
	n := s.to - s.from
	for lo, hi := b.pool.take(n, 4); lo < hi; lo, hi = b.pool.take(n, 4) {
		for i := s.from + lo; i < s.from+hi; i++ {
			s.logits[i] = b.logit(worker, int(s.open[i]), s.x)
		}
	}
}
