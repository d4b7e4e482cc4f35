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

// halfInf is float16's infinity, above which there are NaNs only.
const halfInf = 0x7C00

// ropeToken reports false where a key or value does not fit float16.
func (b *backend) ropeToken(t int) (ok bool) {
	s, m, c := &b.scratch, b.model, &b.cache
	row := &s.rows[t]
	half := m.HeadDim / 2
	cos, sin := b.cos[row.pos*half:][:half], b.sin[row.pos*half:][:half]
	q := vector(s.q, t, m.Heads*m.HeadDim)
	for j := range m.Heads {
		b.Rotate(vector(q, j, m.HeadDim), cos, sin)
	}
	k, v := vector(s.k, t, m.KVHeads*m.HeadDim), vector(s.v, t, m.KVHeads*m.HeadDim)
	ok = true
	for j := range m.KVHeads {
		b.Rotate(vector(k, j, m.HeadDim), cos, sin)
		at := c.at(s.l, row.slot, j, row.pos)
		ok = b.Halves(c.k[at:at+m.HeadDim], vector(k, j, m.HeadDim)) < halfInf && ok
		ok = b.Halves(c.v[at:at+m.HeadDim], vector(v, j, m.HeadDim)) < halfInf && ok
	}
	return ok
}

// attended is the attention of the query heads that share keys to some of the
// positions.
type attended struct {
	m, l []float32 // (heads) highest score, sum of the weights
	o    []float32 // (heads, HeadDim) weighted values
}

func newAttended(heads, dim int) attended {
	return attended{m: make([]float32, heads), l: make([]float32, heads), o: make([]float32, heads*dim)}
}

// spread reports whether a batch is a single token whose heads are too few to
// keep the workers busy: then these share its positions too.
func (b *backend) spread() bool {
	rows := b.scratch.rows
	return b.scratch.parts != nil && len(rows) == 1 && rows[0].pos >= 2*kernel.Chunk
}

// spreadChunks is how many chunks of positions a token that is spread may have; 0
// where none ever is.
func (b *backend) spreadChunks() int {
	if b.workers == 1 || b.model.KVHeads >= 4*b.workers {
		return 0
	}
	return (b.context + kernel.Chunk - 1) / kernel.Chunk
}

// attend computes the attention of every token and key head.
func (b *backend) attend(worker int) {
	w, kvHeads := &b.scratch.worker[worker], b.model.KVHeads
	items := len(b.scratch.rows) * kvHeads
	for lo, hi := b.pool.take(items, 1); lo < hi; lo, hi = b.pool.take(items, 1) {
		for i := lo; i < hi; i++ {
			t, kv := i/kvHeads, i%kvHeads
			b.chunk(w, w.sum, t, kv, 0)
			for c := 1; c <= b.scratch.rows[t].pos/kernel.Chunk; c++ {
				b.chunk(w, w.next, t, kv, c)
				b.merge(w.sum, w.next)
			}
			b.storeAttention(t, kv, w.sum)
		}
	}
}

// attendParts computes the attention of one token to every chunk by itself.
func (b *backend) attendParts(worker int) {
	chunks := b.scratch.rows[0].pos/kernel.Chunk + 1
	items := chunks * b.model.KVHeads
	for lo, hi := b.pool.take(items, 1); lo < hi; lo, hi = b.pool.take(items, 1) {
		for i := lo; i < hi; i++ {
			b.chunk(&b.scratch.worker[worker], b.scratch.parts[i], 0, i/chunks, i%chunks)
		}
	}
}

// attendJoin joins them, in the order of the positions.
func (b *backend) attendJoin(int) {
	chunks := b.scratch.rows[0].pos/kernel.Chunk + 1
	for lo, hi := b.pool.take(b.model.KVHeads, 1); lo < hi; lo, hi = b.pool.take(b.model.KVHeads, 1) {
		for kv := lo; kv < hi; kv++ {
			parts := b.scratch.parts[kv*chunks:][:chunks]
			for _, part := range parts[1:] {
				b.merge(parts[0], part)
			}
			b.storeAttention(0, kv, parts[0])
		}
	}
}

// chunk computes the attention of token t and key head kv to chunk c of the
// positions: point 7 of the contract. The query heads that share the keys go
// through it together, while it is near.
func (b *backend) chunk(w *workerScratch, to attended, t, kv, c int) {
	s, d, group := &b.scratch, b.model.HeadDim, len(to.m)
	row, pos := &s.rows[t], c*kernel.Chunk
	n := min(kernel.Chunk, row.pos+1-pos)
	at := b.cache.at(s.l, row.slot, kv, pos)
	keys, values := b.cache.k[at:at+n*d], b.cache.v[at:at+n*d]
	q := vector(s.q, t, b.model.Heads*d)[kv*group*d:][:group*d]
	for j := 0; j < group; {
		heads := b.together(group-j, n)
		q, o := q[j*d:][:heads*d], to.o[j*d:][:heads*d]
		if heads == 1 {
			b.Scores(w.score[:n], q, keys, b.scoreScale)
		} else {
			b.Scores4(w.score, q, keys, b.scoreScale)
		}
		for i := range heads {
			p := w.score[i*kernel.Chunk:][:n]
			to.m[j+i] = b.Highest(p)
			to.l[j+i] = b.Exps(p, to.m[j+i])
		}
		if heads == 1 {
			b.WeightedSum(o, w.score[:n], values)
		} else {
			b.WeightedSum4(o, w.score, values)
		}
		j += heads
	}
}

// together is how many of so many heads go through n positions at once.
func (b *backend) together(heads, n int) int {
	if b.Scores4 != nil && heads >= 4 && n >= 4 && b.model.HeadDim%16 == 0 {
		return 4
	}
	return 1
}

// merge adds what comes next to the attention so far.
func (b *backend) merge(a, next attended) {
	for j := range a.m {
		top := max(a.m[j], next.m[j])
		old, now := kernel.Exp2(a.m[j]-top), kernel.Exp2(next.m[j]-top)
		b.Blend(vector(a.o, j, b.model.HeadDim), vector(next.o, j, b.model.HeadDim), old, now)
		a.m[j], a.l[j] = top, float32(a.l[j]*old)+float32(next.l[j]*now)
	}
}

// storeAttention stores the output of token t and key head kv.
func (b *backend) storeAttention(t, kv int, a attended) {
	d, group := b.model.HeadDim, len(a.m)
	out := vector(b.scratch.kqv, t, b.model.Heads*d)[kv*group*d:][:group*d]
	for j := range a.l {
		b.Times(vector(out, j, d), vector(a.o, j, d), kernel.Recip(a.l[j]))
	}
}

// scoreScale returns log2(e)/sqrt(d), rounded to float32 once.
func scoreScale(dim int) float32 { return float32(math.Log2E / math.Sqrt(float64(dim))) }
