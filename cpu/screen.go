package cpu

import (
	"math"
	"os"
	"slices"

	"bitnet-gpu/cpu/kernel"
	"bitnet-gpu/engine/compute"
)

// A screen finds the rows of the head that may hold the best logits without
// reading the head: from a copy of it in four-bit codes, a quarter of the bytes
// of float16. It decides which rows are computed and never a value: the
// candidates are those of the reference, from the stored rows.
//
// A row r is d*c with codes c from -7 to 7, plus an error uniform in [-d/2, d/2]
// for each element; the input x is s*q with int8 codes, plus one in [-s/2, s/2].
// So r.x = d*s*(c.q) with an error of the standard deviation
// sqrt((d^2*|x|^2 + s^2*|d*c|^2)/12), which is at most (d*|x| + s*|d*c|)/sqrt(12).
// The band allows eight of these (one row in 10^15 lies outside, and a sum of
// bounded terms less often), and on top what the float32 sums of the reference
// may be off, 46 roundings.
type screen struct {
	words   []uint32  // (tiles, Hidden/8, 64), kernel.Path.NibbleVec
	quantum []float32 // (rows in tiles) d
	length  []float32 // (rows in tiles) |d*c|

	x      quantisedInput
	upper  []float32           // (rows in tiles) most that a row's logit can be
	lower  []float32           // and least
	open   []int32             // rows whose logit can be among the best
	logits []float32           // (len(open))
	least  []compute.Candidate // the rows whose logit is at least the highest
}

// quantisedInput is the head's input for the screen.
type quantisedInput struct {
	exact []float32 // (Hidden)
	codes []int8    // (Hidden)
	sum   int32     // of the codes
	s     float32   // quantum
	// The band of a row is quantum*alpha + length*beta.
	alpha, beta float32
}

const (
	screenLevels = 7.49 // codes of a row lie within, after rounding -7 to 7
	screenSigmas = 8
	// screenSlop covers the rounding of the reference's sums and of the
	// estimate, relative to |r|*|x|.
	screenSlop = 1. / (1 << 16)
	// screenShare is the part of the head's rows that may stay open; beyond it
	// all of them are read in order.
	screenShare = 1. / 8
)

// headFull says that the environment wants the head without a screen.
func headFull() bool { return os.Getenv("BITNET_HEAD") == "full" }

// screenBytes is the memory of a screen for the model's head.
func (b *backend) screenBytes() int64 {
	if headFull() {
		return 0
	}
	rows := int64(tiles(b.model.VocabSize) * kernel.TileRows)
	return rows * (int64(b.model.Hidden)/2 + 4*4)
}

// newScreen makes the codes of the head, all workers at once. It is called when
// candidates are first asked for: whole rows of logits need none.
func (b *backend) newScreen() *screen {
	n, rows := b.model.Hidden, tiles(b.model.VocabSize)*kernel.TileRows
	s := &screen{
		words:   make([]uint32, rows*n/8),
		quantum: make([]float32, rows), length: make([]float32, rows),
		upper: make([]float32, rows), lower: make([]float32, rows),
	}
	s.x.codes = make([]int8, n)
	ones := make([]float32, n)
	for i := range ones {
		ones[i] = 1
	}
	b.pool.run(func(worker int) {
		w := &b.scratch.worker[worker]
		tile := make([]int8, kernel.TileRows*n)
		for lo, hi := b.pool.take(rows/kernel.TileRows, 1); lo < hi; lo, hi = b.pool.take(rows/kernel.TileRows, 1) {
			for t := lo; t < hi; t++ {
				clear(tile)
				for r := range kernel.TileRows {
					if id := t*kernel.TileRows + r; id < b.model.VocabSize {
						b.widenHead(w.line, id)
						s.quantum[id], s.length[id] = b.screenRow(tile[r*n:(r+1)*n], w.line, ones, w.y)
					}
				}
				nibbles(s.words[t*kernel.TileRows*n/8:(t+1)*kernel.TileRows*n/8], tile, n)
			}
		}
	})
	return s
}

// screenRow stores the codes of a row and returns its quantum and length. A row
// that holds no numbers has an endless length, so that it always stays open.
func (b *backend) screenRow(codes []int8, row, ones, y []float32) (quantum, length float32) {
	top := math.Float32frombits(b.MulMax(y[:len(row)], row, ones))
	switch {
	case top == 0:
		return 0, 0
	case !(top < math.MaxFloat32):
		return 0, float32(math.Inf(1))
	}
	b.Quantise(codes, y[:len(row)], screenLevels/top)
	squares := 0
	for _, c := range codes {
		squares += int(c) * int(c)
	}
	quantum = top / screenLevels
	return quantum, quantum * float32(math.Sqrt(float64(squares)))
}

// nibbles packs the codes of a tile (64, n), each plus 8, into words (n/8, 64).
func nibbles(words []uint32, codes []int8, n int) {
	for r := range kernel.TileRows {
		row := fours(codes[r*n : (r+1)*n])
		for b := range n / 8 {
			low, high := row[2*b], row[2*b+1]
			word := uint32(0)
			for j := range 4 {
				word |= uint32(low[j]+8)<<(8*j) | uint32(high[j]+8)<<(8*j+4)
			}
			words[b*kernel.TileRows+r] = word
		}
	}
}

// candidates fills best with the highest logits for the head's input x. It
// reports false where the screen leaves too many rows open.
func (b *backend) candidates(best []compute.Candidate, x []float32) (done bool) {
	if b.screen == nil {
		b.screen = b.newScreen()
	}
	s, vocab := b.screen, b.model.VocabSize
	if most := int(float64(vocab) * screenShare); len(best) > most {
		return false
	}
	b.screenInput(x)
	b.pool.run(b.regions.screen)
	s.least = slices.Grow(s.least[:0], len(best))[:len(best)]
	fillBest(s.least, s.lower[:vocab], nil)
	bound := s.least[len(best)-1].Logit
	s.open = s.open[:0]
	for id, upper := range s.upper[:vocab] {
		if !(upper < bound) {
			s.open = append(s.open, int32(id))
		}
	}
	if float64(len(s.open)) > float64(vocab)*screenShare {
		return false
	}
	s.logits = slices.Grow(s.logits[:0], len(s.open))[:len(s.open)]
	b.pool.run(b.regions.rescore)
	return true
}

// screenInput quantises the head's input and works out what the bands depend on.
func (b *backend) screenInput(x []float32) {
	in := &b.screen.x
	in.exact = x
	top, squares := float32(0), 0.0
	for _, v := range x {
		top = max(top, max(v, -v))
		squares += float64(v) * float64(v)
	}
	in.s, in.sum = 0, 0
	clear(in.codes)
	if top > 0 {
		in.s = top / 127
		in.sum = b.Quantise(in.codes, x, 127/top)
	}
	length := math.Sqrt(squares)
	const deviations = screenSigmas / 3.4641 // sqrt(12), rounded down
	in.alpha = float32(deviations*length + screenSlop*length*math.Sqrt(float64(len(x))))
	in.beta = float32(deviations*float64(in.s) + screenSlop*length)
}

// screenTiles bounds the logits of all rows.
func (b *backend) screenTiles(worker int) {
	s, in, n := b.screen, &b.screen.x, b.model.Hidden
	acc := b.scratch.worker[worker].acc[:kernel.TileRows]
	tiles := len(s.quantum) / kernel.TileRows
	for lo, hi := b.pool.take(tiles, 1); lo < hi; lo, hi = b.pool.take(tiles, 1) {
		for t := lo; t < hi; t++ {
			b.NibbleVec(acc, s.words[t*kernel.TileRows*n/8:(t+1)*kernel.TileRows*n/8], in.codes)
			for r, sum := range acc {
				id := t*kernel.TileRows + r
				estimate := float32(sum-8*in.sum) * (in.s * s.quantum[id])
				band := s.quantum[id]*in.alpha + s.length[id]*in.beta
				s.upper[id], s.lower[id] = estimate+band, estimate-band
			}
		}
	}
}

// rescore computes the reference logits of the open rows.
func (b *backend) rescore(worker int) {
	s := b.screen
	for lo, hi := b.pool.take(len(s.open), 4); lo < hi; lo, hi = b.pool.take(len(s.open), 4) {
		for i := lo; i < hi; i++ {
			s.logits[i] = b.logit(worker, int(s.open[i]), s.x.exact)
		}
	}
}
