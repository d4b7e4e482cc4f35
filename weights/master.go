package weights

import (
	"fmt"
	"sync/atomic"

	"bitnet-gpu/weights/ternary"
)

// masters lists the matrices of master weights, which become ternary as they are
// read (package ternary, master.go).
func (m *Model) masters() []*Ternary {
	var list []*Ternary
	for _, t := range m.ternaries() {
		if t.isMaster() {
			list = append(list, t)
		}
	}
	return list
}

func (t *Ternary) isMaster() bool { return t.Format >= ternary.F32 }

// absmean finds the scales of master weights: the mean of their magnitudes. It
// reads all of them, on all processors.
func (m *Model) absmean(list []*Ternary, progress func(done, total int64)) error {
	const rows = 64 // at a time
	type piece struct {
		t    *Ternary
		sums []float64
		row  int
	}
	var pieces []piece
	sums := make([][]float64, len(list))
	total, done := int64(0), atomic.Int64{}
	for i, t := range list {
		sums[i] = make([]float64, t.Rows)
		total += int64(len(t.Data))
		for row := 0; row < t.Rows; row += rows {
			pieces = append(pieces, piece{t, sums[i], row})
		}
	}
	err := m.parallel(len(pieces), func(i int) error {
		p := pieces[i]
		last := min(p.row+rows, p.t.Rows)
		for row := p.row; row < last; row++ {
			p.sums[row] = p.t.AbsSum(row)
		}
		if n := done.Add(int64((last - p.row) * len(p.t.Data) / p.t.Rows)); progress != nil {
			progress(n, total)
		}
		return nil
	})
	for i, t := range list {
		if err != nil {
			return err
		}
		err = invalid(m.Path, t.setAbsmean(sums[i]))
	}
	return err
}

// setAbsmean folds the sums of rows in their order.
func (t *Ternary) setAbsmean(rows []float64) error {
	total := 0.0
	for _, sum := range rows {
		total += sum
	}
	t.Scale = float32(max(total/float64(t.Rows*t.Cols), 1e-5))
	if !(t.Scale >= minScale && t.Scale <= maxScale) {
		return fmt.Errorf("tensor %q has a mean magnitude of %v, expected one up to 2^18", t.Name, t.Scale)
	}
	t.SetAbsmean(t.Scale)
	return nil
}
