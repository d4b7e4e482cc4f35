package cpu

import (
	"fmt"
	"sync/atomic"

	"bitnet-gpu/cpu/kernel"
	"bitnet-gpu/weights"
	"bitnet-gpu/weights/ternary"
)

// A layer is one transformer block, its matrices in tiles.
type layer struct {
	*weights.Layer             // the norms
	q, k, v, o, gate, up, down *matrix
}

// A matrix is a ternary matrix in tiles of 64 rows x 1 kernel word, the layout
// of kernel.Path.TernaryVec. Rows that pad the last tile are never read.
type matrix struct {
	rows, cols int
	scale      float32
	words      []uint32 // (tiles, cols/16, 64)
}

func tiles(rows int) int { return (rows + kernel.TileRows - 1) / kernel.TileRows }

func (m *matrix) tiles() int { return tiles(m.rows) }

// part returns the words of tiles [lo, hi).
func (m *matrix) part(lo, hi int) []uint32 {
	n := kernel.TileRows * m.cols / ternary.WordWeights
	return m.words[lo*n : hi*n]
}

// load copies the ternary weights into tiles, all workers at once.
func (b *backend) load(progress func(done, total int64)) error {
	type piece struct {
		from *weights.Ternary
		to   *matrix
		tile int
	}
	var pieces []piece
	add := func(t *weights.Ternary) *matrix {
		m := &matrix{rows: t.Rows, cols: t.Cols, scale: t.Scale}
		m.words = make([]uint32, m.tiles()*kernel.TileRows*t.Cols/ternary.WordWeights)
		for tile := range m.tiles() {
			pieces = append(pieces, piece{t, m, tile})
		}
		return m
	}
	for i := range b.model.Layers {
		l := &b.model.Layers[i]
		b.layers = append(b.layers, layer{
			Layer: l,
			q:     add(&l.Q), k: add(&l.K), v: add(&l.V), o: add(&l.O),
			gate: add(&l.Gate), up: add(&l.Up), down: add(&l.Down),
		})
	}

	var next, done atomic.Int64
	var failed atomic.Pointer[error]
	b.parallel(func(int) {
		for failed.Load() == nil {
			i := int(next.Add(1)) - 1
			if i >= len(pieces) {
				return
			}
			p := pieces[i]
			first := p.tile * kernel.TileRows
			last := min(first+kernel.TileRows, p.from.Rows)
			if err := ternary.Interleave(p.to.part(p.tile, p.tile+1), &p.from.Matrix, kernel.TileRows, 1, first, last); err != nil {
				err = fmt.Errorf("tensor %s: %w", p.from.Name, err)
				failed.CompareAndSwap(nil, &err)
			}
			n := done.Add(int64((last - first) * p.from.Cols / 4))
			if progress != nil {
				progress(n, b.weightBytes())
			}
		}
	})
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// parallel runs f once on every worker.
func (b *backend) parallel(f func(worker int)) {
	b.pool.begin()
	defer b.pool.end()
	b.pool.run(f)
}
