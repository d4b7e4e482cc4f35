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

// attended is the attention of one query head so far: the running maximum and the
// sum of the weights. Its weighted values are in workerScratch.o.
type attended struct{ m, l float32 }

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
	row, group, d := &s.rows[t], len(w.head), m.HeadDim
	q := vector(s.q, t, m.Heads*d)[kv*group*d:][:group*d]
	for pos := 0; pos <= row.pos; pos += kernel.Chunk {
		n := min(kernel.Chunk, row.pos+1-pos)
		at := b.cache.at(s.l, row.slot, kv, pos)
		keys, values := b.cache.k[at:at+n*d], b.cache.v[at:at+n*d]
		for j := 0; j < group; {
			heads := b.together(group-j, n)
			b.chunk(w, j, heads, q[j*d:][:heads*d], keys, values, pos == 0)
			j += heads
		}
	}
	out := vector(s.kqv, t, m.Heads*d)[kv*group*d:][:group*d]
	for j := range w.head {
		inv := kernel.Recip(w.head[j].l)
		for i, o := range vector(w.o, j, d) {
			out[j*d+i] = kernel.FZ(o * inv)
		}
	}
}

// together is how many of so many heads go through a chunk of n positions at once.
func (b *backend) together(heads, n int) int {
	if b.Scores4 != nil && heads >= 4 && n >= 4 && b.model.HeadDim%16 == 0 {
		return 4
	}
	return 1
}

// chunk adds up to 64 positions to the attention of one or four query heads from
// head j on: point 7 of the contract.
func (b *backend) chunk(w *workerScratch, j, heads int, q []float32, keys, values []uint16, first bool) {
	d := b.model.HeadDim
	n := len(keys) / d
	if heads == 1 {
		b.Scores(w.score[:n], q, keys, b.scoreScale)
	} else {
		b.Scores4(w.score, q, keys, b.scoreScale)
	}
	var now [4]attended
	for i := range heads {
		p := w.score[i*kernel.Chunk:][:n]
		now[i].m = b.Highest(p)
		now[i].l = b.Exps(p, now[i].m)
	}
	sum := w.o[j*d:][:heads*d]
	if !first {
		sum = w.next[:heads*d]
	}
	if heads == 1 {
		b.WeightedSum(sum, w.score[:n], values)
	} else {
		b.WeightedSum4(sum, w.score, values)
	}
	for i := range heads {
		if first {
			w.head[j+i] = now[i]
		} else {
			b.merge(&w.head[j+i], now[i], vector(w.o, j+i, d), vector(sum, i, d))
		}
	}
}

// merge adds a chunk to the attention of a head: o and next are their weighted
// values.
func (b *backend) merge(a *attended, now attended, o, next []float32) {
	top := max(a.m, now.m)
	fresh, old := kernel.Exp2(now.m-top), kernel.Exp2(a.m-top)
	b.Blend(o, next, old, fresh)
	a.m, a.l = top, float32(a.l*old)+float32(now.l*fresh)
}

// scoreScale returns log2(e)/sqrt(d), rounded to float32 once.
func scoreScale(dim int) float32 { return float32(math.Log2E / math.Sqrt(float64(dim))) }
