// Package sample draws tokens from logits.
//
// The stages and their order are llama.cpp's: logit bias, penalties, top-k,
// top-p, min-p, temperature, draw. Equal logits are told apart by the lower id.
//
// The same logits, parameters and seed give the same token on every machine:
// sums have one order, sorting leaves no choice, the exponential is written
// out, and the generator has no state but the number of tokens drawn.
package sample

import (
	"fmt"
	"maps"
	"slices"
)

// A Sampler draws the tokens of one sequence. It is not for concurrent use.
type Sampler struct {
	p     Params
	bias  []candidate // of Params.LogitBias, in the order of ids
	vocab int
	drawn uint64

	// Memory that calls share. What a Sampler's parameters do not need stays nil.
	changed    []float32   // the logits behind bias and penalties (vocab)
	counts     []int32     // how often a token occurred; 0 between calls (vocab)
	candidates []candidate // what is left to draw from
	weights    []float64   // probabilities, not normalised: of all tokens (vocab), then of the candidates
}

// New returns a sampler for rows of vocab logits. It returns an error if a
// parameter is out of range, or a biased token outside the vocabulary.
func New(p Params, vocab int) (*Sampler, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	p = p.filled()
	s := &Sampler{p: p, vocab: vocab}
	for _, id := range sortedIDs(p.LogitBias) {
		if id < 0 || int(id) >= vocab {
			return nil, fmt.Errorf("the logit bias of token %d: the vocabulary has %d tokens", id, vocab)
		}
		s.bias = append(s.bias, candidate{id, p.LogitBias[id]})
	}
	if len(s.bias) > 0 || p.penalises() {
		s.changed = make([]float32, vocab)
	}
	if p.penalises() {
		s.counts = make([]int32, vocab)
	}
	return s, nil
}

// Greedy says whether Sample just returns the token of the highest logit, so
// that a backend may choose it as well.
func (s *Sampler) Greedy() bool {
	return s.changed == nil && (s.p.Temp == 0 || s.p.TopK == 1)
}

// Seek goes to where n tokens of the sequence have been drawn.
func (s *Sampler) Seek(n int) { s.drawn = uint64(n) }

// Sample draws a token from a row of logits. (vocab) The penalties look at the
// end of history: the tokens of the sequence so far, the prompt's among them.
// A logit of -Inf masks a token; NaN and +Inf are errors, and so is a row
// without any token left. Neither slice is changed.
func (s *Sampler) Sample(logits []float32, history []int32) (int32, error) {
	if len(logits) != s.vocab {
		return 0, fmt.Errorf("%d logits for a vocabulary of %d tokens", len(logits), s.vocab)
	}
	if s.changed != nil {
		copy(s.changed, logits)
		logits = s.changed
		if err := s.change(logits, history); err != nil {
			return 0, err
		}
	}
	id, err := s.choose(logits)
	if err != nil {
		return 0, err
	}
	s.drawn++
	return id, nil
}

func (s *Sampler) choose(logits []float32) (int32, error) {
	if s.p.Temp == 0 || s.p.TopK == 1 {
		best, err := argmax(logits)
		return best.id, err
	}
	top, err := s.cut(logits)
	if err != nil {
		return 0, err
	}
	return s.draw(top), nil
}

// change adds the bias and applies the penalties.
func (s *Sampler) change(logits []float32, history []int32) error {
	for _, b := range s.bias {
		logits[b.id] += b.logit
	}
	if s.counts == nil {
		return nil
	}
	last := history
	if n := s.p.RepeatLast; n >= 0 && n < len(last) {
		last = last[len(last)-n:]
	}
	for _, id := range last {
		if id < 0 || int(id) >= s.vocab {
			return fmt.Errorf("token %d in the history: the vocabulary has %d tokens", id, s.vocab)
		}
	}
	for _, id := range last {
		s.counts[id]++
	}
	for _, id := range last {
		if n := s.counts[id]; n > 0 {
			logits[id] = s.penalised(logits[id], n)
			s.counts[id] = 0
		}
	}
	return nil
}

// penalised returns the logit of a token that occurred n times.
func (s *Sampler) penalised(logit float32, n int32) float32 {
	if logit > 0 {
		logit /= s.p.RepeatPenalty
	} else {
		logit = float32(logit * s.p.RepeatPenalty)
	}
	return logit - float32(float32(n)*s.p.FrequencyPenalty) - s.p.PresencePenalty
}

// draw draws from the candidates, whose highest logit is top.
func (s *Sampler) draw(top float32) int32 {
	s.weights = s.weights[:0]
	total := 0.0
	for _, c := range s.candidates {
		w := exp((float64(c.logit) - float64(top)) / float64(s.p.Temp))
		s.weights = append(s.weights, w)
		total += w
	}
	at, sum, last := float64(uniform(s.p.Seed, s.drawn)*total), 0.0, 0
	for i, w := range s.weights {
		if w == 0 {
			continue
		}
		sum += w
		if at < sum {
			return s.candidates[i].id
		}
		last = i
	}
	return s.candidates[last].id // at was rounded up to total
}

func sortedIDs(bias map[int32]float32) []int32 {
	return slices.Sorted(maps.Keys(bias))
}
