package gpu

import (
	"math"
	"slices"

	"bitnet-gpu/engine/compute"
)

// A row is one token of a batch.
type row struct {
	slot, pos int
	token     int32
	row       int // of its logits, -1 where they are not needed

	logits []float32 // (VocabSize) to fill
	top    []compute.Candidate
	next   *compute.Step // to continue with the best token
}

func (r *row) wantsLogits() bool { return r.logits != nil || len(r.top) > 0 || r.next != nil }

// batchHeader is the number of words before the tokens in the buffer batch. The
// first is set by kernels that meet numbers out of the contract's range.
const batchHeader = 4

// Forward implements compute.Backend.
func (b *backend) Forward(steps []compute.Step) error {
	compute.CheckSteps(steps, b.slots, b.context, b.model.VocabSize)
	b.queue = b.queue[:0]
	if err := b.prompts(steps); err != nil {
		return err
	}
	return b.continuations(steps)
}

// prompts feeds the tokens of all steps, as many at a time as a batch has rows.
func (b *backend) prompts(steps []compute.Step) error {
	for i := range steps {
		s := &steps[i]
		s.N = 0
		for j, token := range s.Tokens {
			r := row{slot: s.Slot, pos: s.Pos + j, token: token}
			var next bool
			if r.logits, r.top, next = s.Output(j, b.model.VocabSize); next {
				r.next = s
			}
			if err := b.feed(r); err != nil {
				return err
			}
		}
	}
	return b.flush()
}

// continuations lets the steps that ask for it go on greedily, all together.
func (b *backend) continuations(steps []compute.Step) error {
	for {
		b.queue = b.queue[:0]
		chain := mostChain
		for i := range steps {
			s := &steps[i]
			if s.N == len(s.Next) || slices.Contains(s.Stop, s.Next[s.N-1]) || len(b.queue) == b.most {
				continue
			}
			for chain > len(s.Next)-s.N {
				chain /= 2
			}
			pos := s.Pos + len(s.Tokens) + s.N - 1
			b.queue = append(b.queue, row{slot: s.Slot, pos: pos, token: s.Next[s.N-1], row: len(b.queue), next: s})
		}
		if len(b.queue) == 0 {
			return nil
		}
		if err := b.run(shape{chain: chain}); err != nil {
			return err
		}
	}
}

// feed adds a row to the batch, which it computes first if it is full.
func (b *backend) feed(r row) error {
	rows := 0
	for i := range b.queue {
		rows = max(rows, b.queue[i].row+1)
	}
	if len(b.queue) == b.batch || r.wantsLogits() && rows == b.most {
		if err := b.flush(); err != nil {
			return err
		}
		rows = 0
	}
	r.row = -1
	if r.wantsLogits() {
		r.row = rows
	}
	b.queue = append(b.queue, r)
	return nil
}

// flush computes the rows of the batch and hands out what they ask for. Where
// that is nothing but the best tokens, the device finds them.
func (b *backend) flush() error {
	defer func() { b.queue = b.queue[:0] }()
	if len(b.queue) == 0 {
		return nil
	}
	next, top, others := false, 0, false
	for i := range b.queue {
		r := &b.queue[i]
		next = next || r.next != nil
		top = max(top, len(r.top))
		others = others || r.logits != nil
	}
	switch {
	case next && top == 0 && !others:
		return b.run(shape{chain: 1})
	case top > 0 && top <= mostTop && !next && !others:
		n := 8
		for n < top { // few kinds of lists
			n *= 4
		}
		return b.run(shape{top: n})
	}
	return b.run(shape{})
}

// run computes the batch and hands out what the shape, whose tokens and rows it
// counts, says.
func (b *backend) run(s shape) error {
	if b.trace != nil {
		s = shape{} // the tracer sees one batch at a time, and its logits
	}
	s.tokens = len(b.queue)
	for t := range b.queue {
		r := &b.queue[t]
		copy(b.words[batchHeader+4*t:], []uint32{uint32(r.token), uint32(r.slot), uint32(r.pos)})
		if r.row >= 0 {
			b.words[batchHeader+4*r.row+3] = uint32(t)
			s.rows++
		}
	}
	l := b.list(s)
	if err := b.dev.Run(&l.List); err != nil {
		return err
	}
	if b.trace != nil {
		l.show()
	}
	ok := s.chain > 0 || b.numeric[0] == 0
	for i := range b.queue {
		r := &b.queue[i]
		switch {
		case s.chain > 0:
			ok = l.handOn(r) && ok
		case s.top > 0:
			l.handCandidates(r)
		default:
			ok = b.handOut(r) && ok
		}
	}
	if !ok {
		return compute.ErrNumeric
	}
	return nil
}

// handOn gives a row's step the tokens of the chain, until one stops it. What
// the device made beyond that stands where the next tokens will be written.
func (l *list) handOn(r *row) (ok bool) {
	s := r.next
	for c := range l.chain {
		if s == nil || s.N > 0 && slices.Contains(s.Stop, s.Next[s.N-1]) {
			break
		}
		chosen := l.chosen[c*l.rows+r.row]
		if chosen[1] != 0 {
			return false
		}
		s.Next[s.N] = int32(chosen[0])
		s.N++
	}
	return true
}

// handCandidates gives a row its candidates.
func (l *list) handCandidates(r *row) {
	for i := range r.top {
		c := l.ranked[r.row*l.top+i]
		u := c[0] ^ 1<<31
		if c[0]>>31 == 0 {
			u = ^c[0]
		}
		r.top[i] = compute.Candidate{ID: int32(c[1]), Logit: math.Float32frombits(u)}
		if c[1] == 1<<32-1 { // there are no more tokens
			r.top[i] = compute.None
		}
	}
}

// handOut gives a row what it asks for, and reports false where a logit that it
// looked at is NaN or infinite.
func (b *backend) handOut(r *row) (ok bool) {
	if r.row < 0 {
		return true
	}
	v := b.model.VocabSize
	logits := b.logits[r.row*v : (r.row+1)*v]
	switch {
	case r.logits != nil:
		copy(r.logits, logits)
		return compute.Finite(logits)
	case r.next != nil:
		var best [1]compute.Candidate
		ok = compute.Best(best[:], logits, nil)
		r.next.Next[r.next.N] = best[0].ID
		r.next.N++
		return ok
	}
	return compute.Best(r.top, logits, nil)
}
