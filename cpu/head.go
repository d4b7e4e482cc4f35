package cpu

import (
	"slices"

	"bitnet-gpu/engine/compute"
)

// output computes the logits and candidates that the rows of the batch ask for.
// It reports false where one is not finite.
func (b *backend) output() (ok bool) {
	s := &b.scratch
	wanted, ranked := false, 0
	for i := range s.rows {
		r := &s.rows[i]
		wanted = wanted || r.logits != nil || len(r.top) > 0
		if r.ranked() {
			ranked++
		}
	}
	if !wanted {
		return true
	}
	b.byToken(b.regions.outNorm)
	ok = true
	if ranked > 0 && ranked <= screenTokens && b.useScreen() {
		ok = b.screened()
	} else {
		for i := range s.rows {
			if s.rows[i].ranked() {
				s.rows[i].logits = b.spareRow()
			}
		}
	}
	return b.wholeRows() && ok
}

// ranked reports whether the row wants candidates and nobody its logits.
func (r *row) ranked() bool { return r.logits == nil && len(r.top) > 0 }

// wholeRows computes the logits of the rows that have room for them, and the
// candidates from these.
func (b *backend) wholeRows() (ok bool) {
	s := &b.scratch
	if !slices.ContainsFunc(s.rows, func(r row) bool { return r.logits != nil }) {
		return true
	}
	b.pool.run(b.regions.logits)
	b.tapLogits()
	ok = true
	for t := range s.rows {
		if r := &s.rows[t]; r.logits != nil && len(r.top) > 0 {
			ok = compute.Best(r.top, r.logits, nil) && ok
		}
	}
	return ok
}

// spareRow returns room for the logits of one more row of the batch.
func (b *backend) spareRow() []float32 {
	s := &b.scratch
	if s.spare == len(s.logits) {
		s.logits = append(s.logits, make([]float32, b.model.VocabSize))
	}
	s.spare++
	return s.logits[s.spare-1]
}

// outNorm makes the input of the head: point 9 of the contract.
func (b *backend) outNorm(worker int) {
	s, w := &b.scratch, &b.scratch.worker[worker]
	for lo, hi := b.tokens(); lo < hi; lo, hi = b.tokens() {
		for t := lo; t < hi; t++ {
			if s.rows[t].logits == nil && len(s.rows[t].top) == 0 {
				continue
			}
			x := vector(s.x, t, b.model.Hidden)
			_, r := b.norm(w, x, vector(s.h, t, b.model.Hidden), b.model.OutputNorm)
			b.Times(x, x, r)
		}
	}
}

// headGrain is the least number of rows of the head that a worker takes: enough
// for the memory to stream.
const headGrain = 64

// headPart is how many rows are read before their pages are released, where the
// head is read once.
const headPart = 1024

// head computes the logits, one pass over the rows for all tokens. The pass before
// the screen is made lets go of what it has read.
func (b *backend) head(worker int) {
	vocab, last := b.model.VocabSize, b.ranked && b.screen == nil && b.memory.Screen > 0
	for lo, hi := b.pool.take(vocab, headGrain); lo < hi; lo, hi = b.pool.take(vocab, headGrain) {
		for first := lo; first < hi; first += headPart {
			next := min(first+headPart, hi)
			b.headRows(worker, first, next)
			if last {
				b.releaseHead(first, next)
			}
		}
	}
}

// headRows computes the logits of rows [lo, hi).
func (b *backend) headRows(worker, lo, hi int) {
	s, out := &b.scratch, &b.model.Output
	for id := lo; id < hi; id++ {
		row := b.row(worker, out, id)
		for t := range s.rows {
			if logits := s.rows[t].logits; logits != nil {
				logits[id] = b.dot(row, vector(s.x, t, out.Cols))
			}
		}
	}
	for t := range s.rows {
		if logits := s.rows[t].logits; logits != nil && !compute.Finite(logits[lo:hi]) {
			s.worker[worker].numeric = true
		}
	}
}

// releaseHead releases rows [lo, hi) of the head, of which few are read again.
func (b *backend) releaseHead(lo, hi int) {
	out, row := &b.model.Output, b.model.Output.RowBytes()
	b.model.Release(out.Data[lo*row : min(hi*row, len(out.Data))])
}

// widenHead stores a row of the head as float32, small values flushed.
func (b *backend) widenHead(line []float32, id int) { b.widen(line, &b.model.Output, id) }

// logit computes one reference logit.
func (b *backend) logit(worker, id int, x []float32) float32 {
	return b.dot(b.row(worker, &b.model.Output, id), x)
}
