package cpu

import (
	"math"

	"bitnet-gpu/cpu/kernel"
	"bitnet-gpu/weights"
)

// Dense matrices, the head among them, stay in the file: a row is read where it is
// multiplied, point 9 of the contract.

// A denseRow is a row of a dense matrix, as its kernel takes it.
type denseRow struct {
	halves []uint16  // of float16, as it lies in the file
	wide   []float32 // of other types
}

// row reads a row of a dense matrix, by way of the worker's line, which the next one
// overwrites.
func (b *backend) row(worker int, d *weights.Dense, row int) denseRow {
	if d.Type == weights.F16 {
		return denseRow{halves: d.F16(row)}
	}
	line := b.scratch.worker[worker].line[:d.Cols]
	b.widen(line, d, row)
	return denseRow{wide: line}
}

// dot returns the product of a row and a vector.
func (b *backend) dot(r denseRow, x []float32) float32 {
	if r.halves != nil {
		return b.DotF16(r.halves, x)
	}
	return b.DotF32(r.wide, x)
}

// one is a factor of 1, see widen.
var one = []float32{1}

// widen stores a row of a dense matrix as float32, small values flushed.
func (b *backend) widen(line []float32, d *weights.Dense, row int) {
	if d.Type == weights.F16 {
		b.WeightedSum(line, one, d.F16(row)) // times 1: only widened, and fast
		return
	}
	d.Row(line, row)
	if d.Type == weights.F32 || d.Type == weights.BF16 { // the others hold nothing that small
		for i := range line {
			line[i] = kernel.FZ(line[i])
		}
	}
}

// denseProduct multiplies rows [lo, hi) of a dense matrix with the vectors of all
// tokens. Row r of token t goes to out (tokens, d.Rows) at [t, r], or is added to it.
func (b *backend) denseProduct(worker int, d *weights.Dense, lo, hi int, out []float32, add bool) {
	s := &b.scratch
	for r := lo; r < hi; r++ {
		row := b.row(worker, d, r)
		for t := range s.rows {
			v := b.dot(row, vector(s.x, t, d.Cols))
			if math.Float32bits(v)&^(1<<31) >= tooLarge {
				s.worker[worker].numeric = true
			}
			if at := &out[t*d.Rows+r]; add {
				*at = kernel.FZ(*at + v)
			} else {
				*at = v
			}
		}
	}
}
