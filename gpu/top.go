package gpu

import (
	"math"

	"bitnet-gpu/engine/compute"
)

// greedy returns the token of the highest logit, the lowest id among equals, and
// false where a logit is NaN or infinite.
func greedy(logits []float32) (id int32, ok bool) {
	best := 0
	for id, v := range logits {
		if v > logits[best] {
			best = id
		}
		if v-v != 0 {
			return 0, false
		}
	}
	return int32(best), true
}

// top fills best with the highest logits: highest first, ties to the lowest id.
// It reports false where a logit is NaN or infinite.
func top(best []compute.Candidate, logits []float32) (ok bool) {
	n := 0
	for id, v := range logits {
		if v-v != 0 {
			return false
		}
		if n == len(best) && v <= best[n-1].Logit {
			continue
		}
		i := min(n, len(best)-1)
		for ; i > 0 && best[i-1].Logit < v; i-- {
			best[i] = best[i-1]
		}
		best[i] = compute.Candidate{ID: int32(id), Logit: v}
		n = min(n+1, len(best))
	}
	for i := n; i < len(best); i++ {
		best[i] = compute.Candidate{ID: -1, Logit: float32(math.Inf(-1))}
	}
	return true
}
