package sample

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// A candidate is a token with its logit.
type candidate struct {
	id    int32
	logit float32
}

// compare puts the higher logit first, then the lower id.
func compare(a, b candidate) int {
	switch {
	case a.logit > b.logit:
		return -1
	case a.logit < b.logit:
		return 1
	}
	return cmp.Compare(a.id, b.id)
}

// weight is the probability of a logit, relative to that of the top one.
func weight(logit, top float32) float64 { return exp(float64(logit) - float64(top)) }

// cut leaves in candidates what top-k, top-p and min-p leave of the logits:
// the highest first if one of the first two is on, else in the order of ids.
// It returns the highest logit, which always stays.
func (s *Sampler) cut(logits []float32) (top float32, err error) {
	if s.p.TopK > 0 && s.p.TopK < s.vocab {
		top, err = s.cutTopK(logits)
	} else {
		top, err = s.cutTopP(logits)
	}
	if err != nil {
		return 0, err
	}
	if s.p.MinP > 0 {
		s.candidates = slices.DeleteFunc(s.candidates, func(c candidate) bool {
			return weight(c.logit, top) < float64(s.p.MinP)
		})
	}
	return top, nil
}

// cutTopK leaves in candidates what top-k and then top-p leave.
func (s *Sampler) cutTopK(logits []float32) (top float32, err error) {
	if err := s.highest(logits, s.p.TopK); err != nil {
		return 0, err
	}
	top = s.candidates[0].logit
	if s.p.TopP < 1 {
		total := 0.0
		for _, c := range s.candidates {
			total += weight(c.logit, top)
		}
		s.shorten(total)
	}
	return top, nil
}

// highest leaves in candidates the k highest logits above -Inf, sorted.
func (s *Sampler) highest(logits []float32, k int) error {
	list, floor := s.candidates[:0], negInf
	// Once k are known, an equal one further on would lose to them by its id.
	for id := above(logits, 0, floor); id < len(logits); id = above(logits, id+1, floor) {
		logit := logits[id]
		if !finite(logit) {
			return errNotFinite(id, logit)
		}
		list = append(list, candidate{int32(id), logit})
		if len(list) == 2*k {
			slices.SortFunc(list, compare)
			list = list[:k]
			floor = list[k-1].logit
		}
	}
	if len(list) == 0 {
		return errNothingLeft
	}
	slices.SortFunc(list, compare)
	s.candidates = list[:min(k, len(list))]
	return nil
}

// shorten cuts the sorted candidates behind the first that make up the share
// TopP of total.
func (s *Sampler) shorten(total float64) {
	share, sum := float64(float64(s.p.TopP)*total), 0.0
	for i, c := range s.candidates {
		sum += weight(c.logit, s.candidates[0].logit)
		if sum >= share {
			s.candidates = s.candidates[:i+1]
			return
		}
	}
}

// cutTopP leaves in candidates what top-p leaves of all tokens.
func (s *Sampler) cutTopP(logits []float32) (top float32, err error) {
	best, err := argmax(logits)
	if err != nil {
		return 0, err
	}
	s.candidates = s.candidates[:0]
	if s.p.TopP == 1 {
		for id, logit := range logits {
			s.candidates = append(s.candidates, candidate{int32(id), logit})
		}
		return best.logit, nil
	}

	// Sorting everything would be slow, and mostly a few tokens hold the
	// share. So first find the power of two above which their weights lie.
	var mass [1024]float64 // of the weights in [2^-n, 2^(1-n))
	total := 0.0
	s.weights = s.weights[:0]
	for _, logit := range logits {
		w := weight(logit, best.logit)
		s.weights = append(s.weights, w)
		mass[octave(w)] += w
		total += w
	}
	share, last := float64(float64(s.p.TopP)*total), 0
	for sum := mass[0]; sum < share && last < len(mass)-2; sum += mass[last] {
		last++
	}
	for id, w := range s.weights {
		if octave(w) <= last {
			s.candidates = append(s.candidates, candidate{int32(id), logits[id]})
		}
	}
	slices.SortFunc(s.candidates, compare)
	s.shorten(total)
	return best.logit, nil
}

// octave returns n for 2^-n <= w < 2^(1-n), and 1023 for 0. w <= 1
func octave(w float64) int { return 1023 - int(math.Float64bits(w)>>52) }

// argmax returns the first of the highest logits, or an error if there is none
// above -Inf or one is no number.
func argmax(logits []float32) (candidate, error) {
	best := candidate{-1, negInf}
	for id := above(logits, 0, best.logit); id < len(logits); id = above(logits, id+1, best.logit) {
		logit := logits[id]
		if !finite(logit) {
			return best, errNotFinite(id, logit)
		}
		best = candidate{int32(id), logit}
	}
	if best.id < 0 {
		return best, errNothingLeft
	}
	return best, nil
}

// above returns the first index from i on whose logit is above floor or NaN,
// or else the number of logits. Most of a row passes through here.
func above(logits []float32, i int, floor float32) int {
	for ; i+4 <= len(logits); i += 4 {
		if l := logits[i : i+4 : i+4]; !(l[0] <= floor && l[1] <= floor && l[2] <= floor && l[3] <= floor) {
			break
		}
	}
	for i < len(logits) && logits[i] <= floor {
		i++
	}
	return i
}

var errNothingLeft = errors.New("no token is left to draw: every logit is -Inf")

func errNotFinite(id int, logit float32) error {
	return fmt.Errorf("the logit of token %d is %v: no token can be drawn", id, logit)
}
