package cpu

import (
	"slices"

	"bitnet-gpu/engine/compute"
)

// Forward implements compute.Backend.
func (b *backend) Forward(steps []compute.Step) error {
	compute.CheckSteps(steps, b.slots, b.context, b.model.VocabSize)
	b.steps = steps
	return b.model.Guard(b.guarded)
}

// forwardSteps is Forward, where a fault of the model's file is an error.
func (b *backend) forwardSteps() error {
	b.pool.begin()
	defer b.pool.end()
	if err := b.prompts(b.steps); err != nil {
		return err
	}
	return b.continuations(b.steps)
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
		fed := false
		for i := range steps {
			s := &steps[i]
			if s.N == len(s.Next) || slices.Contains(s.Stop, s.Next[s.N-1]) {
				continue
			}
			fed = true
			r := row{slot: s.Slot, pos: s.Pos + len(s.Tokens) + s.N - 1, token: s.Next[s.N-1], next: s}
			if err := b.feed(r); err != nil {
				return err
			}
		}
		if !fed {
			return nil
		}
		if err := b.flush(); err != nil {
			return err
		}
	}
}

// feed adds a row to the batch, which it computes first if it is full.
func (b *backend) feed(r row) error {
	s := &b.scratch
	if len(s.rows) == b.batch {
		if err := b.flush(); err != nil {
			return err
		}
	}
	if r.next != nil {
		r.top = s.one[len(s.rows)][:]
	}
	s.rows = append(s.rows, r)
	return nil
}

// flush computes the rows of the batch and hands out what they ask for.
func (b *backend) flush() error {
	s := &b.scratch
	defer func() { s.rows, s.spare = s.rows[:0], 0 }()
	if len(s.rows) == 0 {
		return nil
	}
	if b.begun && !b.copied {
		if err := b.copy(nil); err != nil {
			return err
		}
	}
	b.begun = true
	for i := range s.worker {
		s.worker[i].numeric, s.worker[i].failed = false, nil
	}
	ok := b.forward()
	for i := range s.worker {
		if err := s.worker[i].failed; err != nil {
			return err
		}
		ok = ok && !s.worker[i].numeric
	}
	if !ok {
		return compute.ErrNumeric
	}
	for i := range s.rows {
		if r := &s.rows[i]; r.next != nil {
			r.next.Next[r.next.N] = r.top[0].ID
			r.next.N++
		}
	}
	return nil
}
