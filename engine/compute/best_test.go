package compute

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestBest(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 0))
	for range 200 {
		logits, ids := make([]float32, 1+r.IntN(600)), []int32(nil)
		for i := range logits {
			logits[i] = float32(r.IntN(50))
		}
		if r.IntN(2) == 0 {
			for i := range logits {
				ids = append(ids, int32(3*i+5))
			}
		}
		best := make([]Candidate, 1+r.IntN(400))
		if !Best(best, logits, ids) {
			t.Fatal("finite logits are said not to be")
		}
		want := make([]Candidate, len(best))
		sortBest(want, logits, ids)
		if !slices.Equal(best, want) {
			t.Fatalf("%v, expected %v", best, want)
		}
	}
}

func TestFinite(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		for at := range 5 {
			x := []float32{1, -math.MaxFloat32, 0, math.MaxFloat32, 1e-45}
			if !Finite(x) || !Best(make([]Candidate, 2), x, nil) {
				t.Errorf("%v is said not to be finite", x)
			}
			x[at] = float32(bad)
			if Finite(x) || Best(make([]Candidate, 2), x, nil) {
				t.Errorf("%v is said to be finite", x)
			}
		}
	}
}
