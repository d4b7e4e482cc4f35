package sample

// Enough returns how many of the highest logits decide what Sample draws behind
// a history of n tokens: in a row where all others are masked (-Inf) it draws
// the same token. It reports false where every logit counts: without top-k, or
// where a bias or penalty could raise a token from below.
func (s *Sampler) Enough(n int) (highest int, ok bool) {
	p := &s.p
	highest = p.TopK
	if p.Temp == 0 {
		highest = 1
	}
	if highest <= 0 {
		return 0, false
	}
	for _, b := range s.bias {
		if b.logit > 0 {
			return 0, false
		}
		highest++ // it may fall out of the top
	}
	if p.penalises() {
		if p.RepeatPenalty < 1 || p.PresencePenalty < 0 || p.FrequencyPenalty < 0 {
			return 0, false
		}
		if p.RepeatLast >= 0 {
			n = min(n, p.RepeatLast)
		}
		highest += n
	}
	return min(highest, s.vocab), true
}
