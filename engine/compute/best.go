package compute

import (
	"cmp"
	"math"
	"slices"
)

// None stands where there are fewer candidates than asked for.
var None = Candidate{ID: -1, Logit: float32(math.Inf(-1))}

// manyBest is how many candidates are sorted rather than inserted one by one.
const manyBest = 256

// Best fills best with the highest logits: highest first, ties to the lowest id.
// ids (len(logits)) rises; nil stands for 0, 1, 2, ... It reports false where a
// logit is NaN or infinite.
func Best(best []Candidate, logits []float32, ids []int32) (finite bool) {
	if len(best) > manyBest {
		sortBest(best, logits, ids)
		return Finite(logits)
	}
	n, least := 0, float32(math.NaN()) // least of a full list
	for i, v := range logits {
		if v <= least {
			continue
		}
		at := min(n, len(best)-1)
		for ; at > 0 && best[at-1].Logit < v; at-- {
			best[at] = best[at-1]
		}
		best[at] = candidate(v, ids, i)
		if n = min(n+1, len(best)); n == len(best) {
			least = best[n-1].Logit
		}
	}
	for i := n; i < len(best); i++ {
		best[i] = None
	}
	return Finite(logits)
}

// Finite reports whether no number is NaN or infinite.
func Finite(x []float32) bool {
	const exponent = 0xFF << 23
	for _, v := range x {
		if math.Float32bits(v)&exponent == exponent {
			return false
		}
	}
	return true
}

func candidate(logit float32, ids []int32, i int) Candidate {
	if ids == nil {
		return Candidate{ID: int32(i), Logit: logit}
	}
	return Candidate{ID: ids[i], Logit: logit}
}

func sortBest(best []Candidate, logits []float32, ids []int32) {
	all := make([]Candidate, len(logits))
	for i, v := range logits {
		all[i] = candidate(v, ids, i)
	}
	slices.SortFunc(all, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(b.Logit, a.Logit), cmp.Compare(a.ID, b.ID))
	})
	for i := copy(best, all); i < len(best); i++ {
		best[i] = None
	}
}
