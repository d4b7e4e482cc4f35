package compute

// CheckSteps panics where a batch breaks the contract of Forward, for a backend
// of so many slots and positions and a model of so many tokens.
func CheckSteps(steps []Step, slots, context, vocab int) {
	for i := range steps {
		s := &steps[i]
		switch {
		case s.Slot < 0 || s.Slot >= slots:
			panic("BUG: compute: slot out of range")
		case s.Pos < 0 || len(s.Tokens) == 0 || s.Pos+len(s.Tokens)+max(len(s.Next)-1, 0) > context:
			panic("BUG: compute: positions outside the context")
		case len(s.Logits) != 0 && len(s.Logits) != vocab && len(s.Logits) != vocab*len(s.Tokens):
			panic("BUG: compute: room for logits is neither one row nor one for each token")
		case len(s.Top) != 0 && len(s.Top) != 1 && len(s.Top) != len(s.Tokens):
			panic("BUG: compute: candidates are neither of one row nor of each token")
		case min(len(s.Logits), 1)+min(len(s.Top), 1)+min(len(s.Next), 1) > 1:
			panic("BUG: compute: a step asks for two outputs")
		}
		for _, id := range s.Tokens {
			if id < 0 || int(id) >= vocab {
				panic("BUG: compute: token outside the vocabulary")
			}
		}
		for j := range steps[:i] {
			if steps[j].Slot == s.Slot {
				panic("BUG: compute: slot twice in a batch")
			}
		}
	}
}

// Output returns what the step asks for behind its token j: a row of logits
// (vocab), or candidates, or with next the first token of the continuation, or
// nothing.
func (s *Step) Output(j, vocab int) (logits []float32, top []Candidate, next bool) {
	last := j == len(s.Tokens)-1
	switch {
	case len(s.Logits) == vocab && last:
		return s.Logits, nil, false
	case len(s.Logits) > vocab:
		return s.Logits[j*vocab : (j+1)*vocab], nil, false
	case len(s.Top) == 1 && last:
		return nil, s.Top[0], false
	case len(s.Top) > 1:
		return nil, s.Top[j], false
	}
	return nil, nil, len(s.Next) > 0 && last
}
