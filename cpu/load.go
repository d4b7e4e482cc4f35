package cpu

import (
	"fmt"
	"os"
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

// A matrix is a ternary matrix in tiles of 64 rows x 1 word, of trits where the
// path has kernels for them (kernel.Path.TritsVec), else kernel words
// (kernel.Path.TernaryVec). Rows that pad the last tile are never read.
type matrix struct {
	rows, cols int
	scale      float32
	tile       int      // words of a tile
	words      []uint32 // (tiles, words of a row, 64)
}

func tiles(rows int) int { return (rows + kernel.TileRows - 1) / kernel.TileRows }

// tileWords returns the words of a tile of that width.
func tileWords(path *kernel.Path, cols int) int {
	weights := ternary.WordWeights
	if path.TritsVec != nil {
		weights = kernel.TritWeights
	}
	return kernel.TileRows * ((cols + weights - 1) / weights)
}

func (m *matrix) tiles() int { return tiles(m.rows) }

// part returns the words of tiles [lo, hi).
func (m *matrix) part(lo, hi int) []uint32 { return m.words[lo*m.tile : hi*m.tile] }

// load copies the ternary weights into tiles, all workers at once. The screen of the
// head is not made before its second use (useScreen), unless the first is to have it.
func (b *backend) load(progress func(done, total int64)) error {
	p := loading{b: b, progress: progress, total: b.memory.Weights}
	var err error
	if p.words, err = b.pages(b.memory.Weights); err != nil {
		return err
	}
	for i := range b.model.Layers {
		l := &b.model.Layers[i]
		b.layers = append(b.layers, layer{
			Layer: l,
			q:     p.add(&l.Q), k: p.add(&l.K), v: p.add(&l.V), o: p.add(&l.O),
			gate: p.add(&l.Gate), up: p.add(&l.Up), down: p.add(&l.Down),
		})
	}
	b.pool.begin()
	defer b.pool.end()
	b.pool.run(p.work)
	if err := p.failed.Load(); err != nil {
		return *err
	}
	if os.Getenv("BITNET_HEAD") == "screen" {
		b.ranked = true
		b.useScreen()
	}
	return nil
}

// pages returns zeroed memory for weights, in words, until Close.
func (b *backend) pages(bytes int64) ([]uint32, error) {
	words, free, err := pages(int(bytes / 4))
	if err != nil {
		return nil, err
	}
	b.free = append(b.free, free)
	return words, nil
}

// loading is the copying of the ternary weights, tile by tile.
type loading struct {
	b        *backend
	words    []uint32 // for the matrices that are still to come
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

// add gives a matrix its tiles and notes them to be filled.
func (p *loading) add(t *weights.Ternary) *matrix {
	m := &matrix{rows: t.Rows, cols: t.Cols, scale: t.Scale, tile: tileWords(p.b.Path, t.Cols)}
	n := m.tiles() * m.tile
	m.words, p.words = p.words[:n:n], p.words[n:]
	left := new(atomic.Int64)
	left.Store(int64(m.tiles()))
	for tile := range m.tiles() {
		p.pieces = append(p.pieces, piece{t, m, tile, left})
	}
	return m
}

// work copies pieces until there are none. Behind the last of a matrix the
// file's pages are of no more use.
func (p *loading) work(worker int) {
	for p.failed.Load() == nil {
		i := int(p.next.Add(1)) - 1
		if i >= len(p.pieces) {
			return
		}
		c := &p.pieces[i]
		first := c.tile * kernel.TileRows
		last := min(first+kernel.TileRows, c.from.Rows)
		to := c.to.part(c.tile, c.tile+1)
		words := to
		if p.b.TritsVec != nil {
			words = p.b.scratch.worker[worker].unpacked(c.to)
		}
		if err := p.b.interleave(words, &c.from.Matrix, first, last); err != nil {
			err = fmt.Errorf("tensor %s: %w", c.from.Name, err)
			p.failed.CompareAndSwap(nil, &err)
			return
		}
		if p.b.TritsVec != nil {
			p.b.PackTrits(to, words)
		}
		if c.left.Add(-1) == 0 {
			p.b.model.Release(c.from.Data)
		}
		p.tell(int64(4 * len(to)))
	}
}

// interleave stores rows [first, last) of a matrix, at most 64, as a tile of kernel
// words.
func (b *backend) interleave(words []uint32, m *ternary.Matrix, first, last int) error {
	if b.Blocks != nil && m.InBlocks() && last-first == kernel.TileRows {
		stride := m.Cols / 4
		if b.Blocks(words, m.Data[first*stride:last*stride], int32(stride)) == 0 {
			return nil
		} // else Interleave says where
	}
	return ternary.Interleave(words, m, kernel.TileRows, 1, first, last)
}

// tell counts bytes that are done.
func (p *loading) tell(bytes int64) {
	done := p.done.Add(bytes)
	if p.progress != nil {
		p.progress(done, p.total)
	}
}
