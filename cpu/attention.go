package cpu

import (
	"math"

	"bitnet-gpu/cpu/kernel"
)

// rope rotates the queries and keys of its tokens and stores keys and values in
// the cache: points 5 and 6 of the contract.
func (b *backend) rope(worker int) {
	ok := true
	for lo, hi := b.tokens(); lo < hi; lo, hi = b.tokens() {
		for t := lo; t < hi; t++ {
			ok = b.ropeToken(t) && ok
		}
	}
	if !ok {
		b.scratch.worker[worker].numeric = true
	}
}

// ropeToken reports false where a key or value does not fit float16.
func (b *backend) ropeToken(t int) (ok bool) {
	s, m, c := &b.scratch, b.model, &b.cache
	row := &s.rows[t]
	half := m.HeadDim / 2
	cos, sin := b.cos[row.pos*half:][:half], b.sin[row.pos*half:][:half]
	q := vector(s.q, t, m.Heads*m.HeadDim)
	for j := range m.Heads {
		rotate(vector(q, j, m.HeadDim), cos, sin)
	}
	k, v := vector(s.k, t, m.KVHeads*m.HeadDim), vector(s.v, t, m.KVHeads*m.HeadDim)
	ok = true
	for j := range m.KVHeads {
		rotate(vector(k, j, m.HeadDim), cos, sin)
		at := c.at(s.l, row.slot, j, row.pos)
		ok = toHalf(c.k[at:at+m.HeadDim], vector(k, j, m.HeadDim)) && ok
		ok = toHalf(c.v[at:at+m.HeadDim], vector(v, j, m.HeadDim)) && ok
	}
	return ok
}

// rotate turns the pairs (i, i+d/2) of one head.
func rotate(x, cos, sin []float32) {
	x, y := x[:len(cos)], x[len(cos):][:len(cos)]
	for i, c := range cos {
		a, b, s := x[i], y[i], sin[i]
		x[i] = kernel.FZ(float32(a*c) - float32(b*s))
		y[i] = kernel.FZ(float32(b*c) + float32(a*s))
	}
}

// toHalf rounds a vector to float16 and reports whether all of it is finite.
func toHalf(dst []uint16, x []float32) bool {
	top := uint16(0)
	for i, v := range x {
		dst[i] = kernel.ToHalf(v)
		top = max(top, dst[i]&0x7FFF)
	}
	return top < 0x7C00
}

// attended is the attention of one query head so far: the running maximum, the
// sum of the weights and the weighted values.
type attended struct {
	m, l float32
	o    []float32 // (HeadDim)
}

func newAttended(heads, dim int) []attended {
	a := make([]attended, heads)
	for j := range a {
		a[j].o = make([]float32, dim)
	}
	return a
}

// attend computes the attention of every token and key head.
func (b *backend) attend(worker int) {
	kvHeads := b.model.KVHeads
	items := len(b.scratch.rows) * kvHeads
	for lo, hi := b.pool.take(items, 1); lo < hi; lo, hi = b.pool.take(items, 1) {
		for i := lo; i < hi; i++ {
			b.attendHead(&b.scratch.worker[worker], i/kvHeads, i%kvHeads)
		}
	}
}

// attendHead computes the attention of token t and key head kv. The query heads
// that share its keys go through a chunk together, while it is near.
func (b *backend) attendHead(w *workerScratch, t, kv int) {
	s, m := &b.scratch, b.model
	row, group := &s.rows[t], len(w.head)
	q := vector(s.q, t, m.Heads*m.HeadDim)[kv*group*m.HeadDim:][:group*m.HeadDim]
	for pos := 0; pos <= row.pos; pos += kernel.Chunk {
		n := min(kernel.Chunk, row.pos+1-pos)
		at := b.cache.at(s.l, row.slot, kv, pos)
		keys, values := b.cache.k[at:at+n*m.HeadDim], b.cache.v[at:at+n*m.HeadDim]
		for j := range w.head {
			b.chunk(w, &w.head[j], vector(q, j, m.HeadDim), keys, values, pos == 0)
		}
	}
	out := vector(s.kqv, t, m.Heads*m.HeadDim)[kv*group*m.HeadDim:]
	for j := range w.head {
		a := &w.head[j]
		inv := kernel.Recip(a.l)
		for i, o := range a.o {
			out[j*m.HeadDim+i] = kernel.FZ(o * inv)
		}
	}
}

// chunk adds up to 64 positions to the attention of one query head: point 7 of
// the contract.
func (b *backend) chunk(w *workerScratch, a *attended, q []float32, keys, values []uint16, first bool) {
	p := w.score[:len(keys)/len(q)]
	b.Scores(p, q, keys, b.scoreScale)
	m := p[0]
	for _, score := range p {
		m = max(m, score)
	}
	l := b.Exps(p, m)
	if first {
		a.m, a.l = m, l
		b.WeightedSum(a.o, p, values)
		return
	}
	b.WeightedSum(w.o, p, values)
	top := max(a.m, m)
	old, now := kernel.Exp2(a.m-top), kernel.Exp2(m-top)
	for i := range a.o {
		a.o[i] = kernel.FZ(kernel.FZ(a.o[i]*old) + kernel.FZ(w.o[i]*now))
	}
	a.m, a.l = top, float32(a.l*old)+float32(l*now)
}

// scoreScale returns log2(e)/sqrt(d), rounded to float32 once.
func scoreScale(dim int) float32 { return float32(math.Log2E / math.Sqrt(float64(dim))) }
