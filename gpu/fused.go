package gpu

import (
	"math"

	"bitnet-gpu/gpu/driver"
	"bitnet-gpu/shaders"
)

// fusedLayer adds a layer for a batch of one token in five dispatches. Each group
// of a BitLinear norms its vector for itself, and the attention rotates and
// stores on its way, so that only five times all have to wait for all.
func (l *list) fusedLayer(y *layer) {
	s, m, k := &l.bufs, l.model, &l.kernels
	q := m.Heads * m.HeadDim
	h, kqv, gate := l.of(s.h, 0, m.Hidden), l.of(s.kqv, 0, q), l.of(s.gate, 0, m.FFN)

	l.fusedQKV(y)
	l.dispatch(k.attendOne, m.Heads, l.chunks(),
		append(params(m.Heads, m.KVHeads, m.HeadDim, l.context, l.slots), math.Float32bits(scoreScale(m.HeadDim)), uint32(s.kAt/4), uint32(s.vAt/4), uint32(l.chunks())),
		driver.Whole(s.qkv), driver.Whole(y.cache), kqv, l.used(s.batch), driver.Whole(s.rope), driver.Whole(s.partial))
	l.bitLinear(k.o, q, &y.o, nil, kqv, y.attnSubNorm, h, l.used(s.batch), y.o.words)
	l.bitLinear(k.gate, m.Hidden, &y.gate, []uint32{math.Float32bits(y.up.scale), uint32(l.silu())},
		h, y.ffnNorm, gate, l.used(s.batch), y.gate.words, y.up.words)
	l.bitLinear(k.down, m.FFN, &y.down, nil, gate, y.ffnSubNorm, h, l.used(s.batch), y.down.words)
}

// chunks returns how many chunks of 64 positions a slot has. Groups of those that
// are not filled return at once.
func (b *backend) chunks() int { return (b.context + 63) / 64 }

// fusedQKV computes queries, keys and values, whose matrices are in one buffer.
func (l *list) fusedQKV(y *layer) {
	s, m := &l.bufs, l.model
	tile := tileRows * 16 * y.q.steps // bytes
	kTile, vTile := y.k.words.Offset/tile, y.v.words.Offset/tile
	p := append(l.normParams(m.Hidden, y.attnNorm), uint32(y.q.rows), math.Float32bits(y.q.scale),
		uint32(y.k.rows), uint32(kTile), uint32(s.kAt/4), math.Float32bits(y.k.scale),
		uint32(vTile), uint32(s.vAt/4), math.Float32bits(y.v.scale))
	l.dispatch(l.kernels.qkv, l.groups(vTile*tileRows+y.v.rows), 1, p,
		l.of(s.h, 0, m.Hidden), driver.Whole(y.attnNorm), driver.Whole(s.qkv), l.used(s.batch), driver.Whole(y.q.words.Buffer))
}

// bitLinear multiplies a matrix with the norm of a vector of length n.
func (l *list) bitLinear(k *shaders.Kernel, n int, m *matrix, more []uint32, h driver.Range, g driver.Buffer, others ...driver.Range) {
	p := append(l.normParams(n, g), uint32(m.rows), math.Float32bits(m.scale))
	l.dispatch(k, l.groups(m.rows), 1, append(p, more...), append([]driver.Range{h, {Buffer: g, Size: 4 * n}}, others...)...)
}

// groups returns how many groups compute so many rows.
func (l *list) groups(rows int) int {
	return (rows + l.groupRows() - 1) / l.groupRows()
}
