package cpu

import (
	"fmt"
	"os"
	"sync/atomic"

	"bitnet-gpu/cpu/kernel"
	"bitnet-gpu/weights"
	"bitnet-gpu/weights/ternary"
)

// A layer is one transformer block and its matrices.
type layer struct {
	*weights.Layer             // the norms
	q, k, v, o, gate, up, down *matrix
	qkvIn, oIn, ffnIn, downIn  kinds // what the norms make
}

// kinds are those of the matrices behind a norm.
type kinds struct {
	codes bool // ternary ones, which multiply codes
	x     bool // dense ones, which multiply floats
}

func kindsOf(matrices ...*matrix) (in kinds) {
	for _, m := range matrices {
		in.codes = in.codes || m.dense == nil
		in.x = in.x || m.dense != nil
	}
	return in
}

// A matrix is a dense one, which stays in the file, or a ternary one in tiles of 64
// rows x 1 word, of trits where the path has kernels for them
// (kernel.Path.TritsVec), else kernel words (kernel.Path.TernaryVec). Rows that pad
// the last tile are never read.
type matrix struct {
	rows, cols int
	dense      *weights.Dense // nil: what follows counts
	scale      float32
	from       *weights.Ternary
	tile       int      // words of a tile
	words      []uint32 // (tiles, words of a row, 64), or nil while it is read from the file
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

// load makes the model ready for the first batch. Where tiles can be had from the
// file at the speed of memory that batch does so, and load only sees to it that the
// file is in memory. Before the second batch comes what all others profit from: the
// copy of the matrices, and the screen of the head (useScreen).
func (b *backend) load(progress func(done, total int64)) error {
	for i := range b.model.Layers {
		l := &b.model.Layers[i]
		y := layer{
			Layer: l,
			q:     b.newMatrix(&l.Q), k: b.newMatrix(&l.K), v: b.newMatrix(&l.V), o: b.newMatrix(&l.O),
			gate: b.newMatrix(&l.Gate), up: b.newMatrix(&l.Up), down: b.newMatrix(&l.Down),
		}
		y.qkvIn, y.oIn = kindsOf(y.q, y.k, y.v), kindsOf(y.o)
		y.ffnIn, y.downIn = kindsOf(y.gate, y.up), kindsOf(y.down)
		b.layers = append(b.layers, y)
	}
	screen := os.Getenv("BITNET_HEAD") == "screen"
	if b.direct() && !screen {
		b.fetch(progress)
		return nil
	}
	b.pool.begin()
	defer b.pool.end()
	if screen {
		b.ranked = true
		b.useScreen()
	}
	return b.copy(progress)
}

func (b *backend) newMatrix(l *weights.Linear) *matrix {
	if l.IsDense() {
		return &matrix{rows: l.Dense.Rows, cols: l.Dense.Cols, dense: &l.Dense}
	}
	t := &l.Ternary
	return &matrix{rows: t.Rows, cols: t.Cols, scale: t.Scale, from: t, tile: tileWords(b.Path, t.Cols)}
}

// direct reports whether all ternary matrices are whole tiles of I2_S's blocks, which
// kernel.Path.Blocks turns into kernel words.
func (b *backend) direct() bool {
	for m := range b.matrices {
		if b.Blocks == nil || !m.from.InBlocks() || m.rows%kernel.TileRows != 0 {
			return false
		}
	}
	return true
}

// fetch reads those matrices of the file that are not in memory, which may take long:
// the first batch would find no way to tell of it.
func (b *backend) fetch(progress func(done, total int64)) {
	done := int64(0)
	for m := range b.matrices {
		if !resident(m.from.Data) {
			b.touched += touch(m.from.Data)
		}
		done += int64(4 * m.tile * m.tiles())
		if progress != nil {
			progress(done, b.memory.Weights)
		}
	}
}

// touch reads a byte of every page, and is a fault where the file lacks some. Their
// sum keeps the compiler from leaving them out.
func touch(data []byte) (sum byte) {
	const page = 4096 // at most
	for ; len(data) > 0; data = data[min(page, len(data)):] {
		sum += data[0]
	}
	return sum
}

// copy copies the matrices into tiles, all workers at once. Behind the last of a
// matrix the file's pages are of no more use.
func (b *backend) copy(progress func(done, total int64)) error {
	words, err := b.room(&b.tiles, b.memory.Weights)
	if err != nil {
		return err
	}
	copies := map[*matrix][]uint32{}
	left := map[*matrix]*atomic.Int64{} // tiles to copy
	for m := range b.matrices {
		n := m.tiles() * m.tile
		copies[m], words = words[:n:n], words[n:]
		left[m] = new(atomic.Int64)
		left[m].Store(int64(m.tiles()))
	}
	err = b.eachTile(progress, func(worker int, m *matrix, tile int) error {
		to := copies[m][tile*m.tile:][:m.tile]
		words := to
		if b.TritsVec != nil {
			words = b.scratch.worker[worker].unpacked(m)
		}
		if err := b.interleave(words, m, tile); err != nil {
			return err
		}
		if b.TritsVec != nil {
			b.PackTrits(to, words)
		}
		if left[m].Add(-1) == 0 {
			b.model.Release(m.from.Data)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for m := range b.matrices {
		m.words = copies[m]
	}
	b.copied = true
	return nil
}

// room returns memory for weights, in words, until Close. It is kept in of: a batch
// that fails, for the file's fault, asks for the same again.
func (b *backend) room(of *[]uint32, bytes int64) ([]uint32, error) {
	if *of == nil && bytes > 0 {
		words, free, err := pages(int(bytes / 4))
		if err != nil {
			return nil, err
		}
		*of, b.free = words, append(b.free, free)
	}
	return *of, nil
}

// matrices calls yield for every ternary matrix, in the order of the file.
func (b *backend) matrices(yield func(m *matrix) bool) {
	for i := range b.layers {
		l := &b.layers[i]
		for _, m := range []*matrix{l.q, l.k, l.v, l.o, l.gate, l.up, l.down} {
			if m.dense == nil && !yield(m) {
				return
			}
		}
	}
}

// interleave stores a tile of a matrix as kernel words.
func (b *backend) interleave(words []uint32, m *matrix, tile int) error {
	first := tile * kernel.TileRows
	last := min(first+kernel.TileRows, m.rows)
	if b.Blocks != nil && m.from.InBlocks() && last-first == kernel.TileRows {
		stride := m.cols / 4
		if b.Blocks(words, m.from.Data[first*stride:last*stride], int32(stride)) == 0 {
			return nil
		} // else Interleave says where
	}
	if err := ternary.Interleave(words, &m.from.Matrix, kernel.TileRows, 1, first, last); err != nil {
		return fmt.Errorf("tensor %s: %w", m.from.Name, err)
	}
	return nil
}

// eachTile runs f for every tile of every matrix, all workers at once, up to the
// first error. progress hears of the bytes of the tiles.
func (b *backend) eachTile(progress func(done, total int64), f func(worker int, m *matrix, tile int) error) error {
	type piece struct {
		m    *matrix
		tile int
	}
	var pieces []piece
	for m := range b.matrices {
		for tile := range m.tiles() {
			pieces = append(pieces, piece{m, tile})
		}
	}
	var failed atomic.Pointer[error]
	var next, done atomic.Int64
	b.pool.run(func(worker int) {
		for failed.Load() == nil {
			i := int(next.Add(1)) - 1
			if i >= len(pieces) {
				return
			}
			p := &pieces[i]
			if err := f(worker, p.m, p.tile); err != nil {
				failed.CompareAndSwap(nil, &err)
				return
			}
			if n := done.Add(int64(4 * p.m.tile)); progress != nil {
				progress(n, b.memory.Weights)
			}
		}
	})
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}
