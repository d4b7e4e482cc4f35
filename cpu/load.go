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

// load copies the ternary weights into tiles and makes the screen of the head,
// all workers at once.
func (b *backend) load(progress func(done, total int64)) error {
	p := loading{b: b, progress: progress, total: b.memory.Weights + b.memory.Screen}
	for i := range b.model.Layers {
		l := &b.model.Layers[i]
		b.layers = append(b.layers, layer{
			Layer: l,
			q:     p.add(&l.Q), k: p.add(&l.K), v: p.add(&l.V), o: p.add(&l.O),
			gate: p.add(&l.Gate), up: p.add(&l.Up), down: p.add(&l.Down),
		})
	}
	b.parallel(p.work)
	if err := p.failed.Load(); err != nil {
		return *err
	}
	if b.memory.Screen > 0 {
		b.screen = b.newScreen(func(bytes int) { p.tell(int64(bytes)) })
	}
	return nil
}

// loading is the copying of the ternary weights, tile by tile.
type loading struct {
	b        *backend
	pieces   []piece
	next     atomic.Int64 // piece to take
	failed   atomic.Pointer[error]
	done     atomic.Int64 // bytes
	total    int64
	progress func(done, total int64)
}

// A piece is one tile of a matrix.
type piece struct {
	from *weights.Ternary
	to   *matrix
	tile int
	left *atomic.Int64 // tiles of the matrix that are not copied yet
}

// add allocates the tiles of a matrix and notes them to be filled.
func (p *loading) add(t *weights.Ternary) *matrix {
	m := &matrix{rows: t.Rows, cols: t.Cols, scale: t.Scale}
	m.words = make([]uint32, m.tiles()*kernel.TileRows*t.Cols/ternary.WordWeights)
	left := new(atomic.Int64)
	left.Store(int64(m.tiles()))
	for tile := range m.tiles() {
		p.pieces = append(p.pieces, piece{t, m, tile, left})
	}
	return m
}

// work copies pieces until there are none. Behind the last of a matrix the
// file's pages are of no more use.
func (p *loading) work(int) {
	for p.failed.Load() == nil {
		i := int(p.next.Add(1)) - 1
		if i >= len(p.pieces) {
			return
		}
		c := &p.pieces[i]
		first := c.tile * kernel.TileRows
		last := min(first+kernel.TileRows, c.from.Rows)
		words := c.to.part(c.tile, c.tile+1)
		if err := ternary.Interleave(words, &c.from.Matrix, kernel.TileRows, 1, first, last); err != nil {
			err = fmt.Errorf("tensor %s: %w", c.from.Name, err)
			p.failed.CompareAndSwap(nil, &err)
		}
		if c.left.Add(-1) == 0 {
			p.b.model.Release(c.from.Data)
		}
		p.tell(int64(4 * len(words)))
	}
}

// tell counts bytes that are done.
func (p *loading) tell(bytes int64) {
	done := p.done.Add(bytes)
	if p.progress != nil {
		p.progress(done, p.total)
	}
}

// parallel runs f once on every worker.
func (b *backend) parallel(f func(worker int)) {
	b.pool.begin()
	defer b.pool.end()
	b.pool.run(f)
}
