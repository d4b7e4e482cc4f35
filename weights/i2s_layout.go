package weights

import (
	"math"
	"math/bits"

	"bitnet-gpu/weights/ternary"
)

// looksARM reports whether the I2_S matrices are, by all appearances, in the
// layout of ARM builds and not the one they were read in. Nothing in a file says
// so, and no code is wrong: columns are in the wrong places within blocks of
// 128. But channels of the residual stream differ in how much they are used, and
// that shows in the rows that write a channel, which are in the right places in
// any layout, and in the columns that read it: how many weights are not 0. The
// two belong together in the right layout only. Random weights show nothing.
//
// It looks at the first block and takes a few milliseconds for each million of
// its weights.
func (m *Model) looksARM() bool {
	l := &m.Layers[0]
	readers := inI2S(&l.Q, &l.K, &l.V, &l.Gate, &l.Up)
	if len(readers) == 0 || m.Hidden%128 != 0 {
		return false
	}
	writers := [][]float64{m.embedded()}
	for _, t := range inI2S(&l.O, &l.Down) {
		if t.Cols%128 == 0 {
			writers = append(writers, rowDensity(t))
		}
	}
	here, arm := 0.0, 0.0
	a, b := columnDensity(readers, ternary.I2S), columnDensity(readers, ternary.I2S64)
	for _, w := range writers {
		here = max(here, math.Abs(correlation(a, w)))
		arm = max(arm, math.Abs(correlation(b, w)))
	}
	// By chance a correlation is about 1/sqrt(n).
	return arm > max(0.2, 6/math.Sqrt(float64(m.Hidden))) && arm > 2*here
}

// inI2S returns those matrices that are.
func inI2S(matrices ...*Linear) (list []*Ternary) {
	for _, m := range matrices {
		if !m.IsDense() && m.Ternary.Format == ternary.I2S {
			list = append(list, &m.Ternary)
		}
	}
	return list
}

// sampled is how many rows of a matrix are looked at.
const sampled = 128

// embedded returns the mean magnitude of each column of the embedding, of some
// rows from all of it.
func (m *Model) embedded() []float64 {
	sums, row := make([]float64, m.Hidden), make([]float32, m.Hidden)
	for id := 0; id < m.VocabSize; id += m.VocabSize/sampled + 1 {
		m.TokenEmbd.Row(row, id)
		for i, x := range row {
			sums[i] += math.Abs(float64(x))
		}
	}
	return sums
}

// zeros are 16 weights of 0, as codes.
const zeros = 0x55555555

// rowDensity counts the weights of each row that are not 0.
func rowDensity(t *Ternary) []float64 {
	counts, words := make([]float64, t.Rows), make([]uint32, t.Cols/ternary.WordWeights)
	for row := range counts {
		if t.Row(words, row) != nil {
			continue // which a backend reports
		}
		for _, word := range words {
			other := word ^ zeros
			counts[row] += float64(bits.OnesCount32((other | other>>1) & zeros))
		}
	}
	return counts
}

// columnDensity counts the weights of each column that are not 0, in some rows
// of matrices that are read in a format.
func columnDensity(matrices []*Ternary, f ternary.Format) []float64 {
	n := matrices[0].Cols
	counts, words, trits := make([]float64, n), make([]uint32, n/ternary.WordWeights), make([]int8, n)
	for _, t := range matrices {
		other := t.Matrix
		other.Format = f
		for row := 0; row < t.Rows; row += t.Rows/sampled + 1 {
			if other.Row(words, row) != nil {
				continue
			}
			ternary.Unpack(trits, words)
			for i, x := range trits {
				counts[i] += float64(x * x)
			}
		}
	}
	return counts
}

// correlation is Pearson's.
func correlation(x, y []float64) float64 {
	mx, my := mean(x), mean(y)
	var xy, xx, yy float64
	for i := range x {
		dx, dy := x[i]-mx, y[i]-my
		xy += dx * dy
		xx += dx * dx
		yy += dy * dy
	}
	if !(xx*yy > 0) { // all the same, or no numbers
		return 0
	}
	return xy / math.Sqrt(xx*yy)
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}
