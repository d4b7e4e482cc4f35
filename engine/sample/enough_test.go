package sample

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestEnough draws from whole rows and from rows of which only the highest are
// left: the tokens are the same.
func TestEnough(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 0))
	few := 0
	for range 3000 {
		const vocab = 200
		p := Params{
			Temp: []float32{0, 0.5, 1.5}[r.IntN(3)], TopK: 1 + r.IntN(20), TopP: 0.3 + 0.7*r.Float32(), MinP: 0.1 * r.Float32(),
			RepeatLast: []int{0, 5, -1}[r.IntN(3)], RepeatPenalty: 1 + r.Float32(),
			PresencePenalty: r.Float32(), FrequencyPenalty: r.Float32(), Seed: r.Uint64(), set: true,
		}
		p.LogitBias = map[int32]float32{r.Int32N(vocab): -3 * r.Float32(), r.Int32N(vocab): negInf}
		whole, err := New(p, vocab)
		if err != nil {
			t.Fatal(err)
		}
		part, _ := New(p, vocab)
		var history []int32
		for range r.IntN(12) {
			history = append(history, r.Int32N(vocab))
		}
		logits := make([]float32, vocab)
		for i := range logits {
			logits[i] = float32(r.IntN(60))/8 - 3 // with many ties
		}
		n, ok := part.Enough(len(history))
		if !ok {
			t.Fatalf("not enough for %+v", p)
		}
		if n < vocab {
			few++
		}
		masked := mask(logits, n)
		for draw := range 3 {
			want, err1 := whole.Sample(logits, history)
			got, err2 := part.Sample(masked, history)
			if err1 != nil || err2 != nil || got != want {
				t.Fatalf("draw %d of %+v behind %v: token %d (%v) of the highest %d, %d (%v) of all", draw, p, history, got, err2, n, want, err1)
			}
		}
	}
	if few < 2000 {
		t.Errorf("only %d rows were cut", few)
	}
}

// mask keeps the n highest, the lowest ids among equals.
func mask(logits []float32, n int) []float32 {
	ids := make([]int, len(logits))
	for i := range ids {
		ids[i] = i
	}
	slices.SortStableFunc(ids, func(a, b int) int {
		switch {
		case logits[a] > logits[b]:
			return -1
		case logits[a] < logits[b]:
			return 1
		}
		return 0
	})
	masked := make([]float32, len(logits))
	for i := range masked {
		masked[i] = float32(math.Inf(-1))
	}
	for _, id := range ids[:n] {
		masked[id] = logits[id]
	}
	return masked
}

func TestNotEnough(t *testing.T) {
	for name, p := range map[string]Params{
		"no top-k":           {Temp: 1, TopP: 1},
		"positive bias":      {Temp: 1, TopK: 5, TopP: 1, LogitBias: map[int32]float32{3: 1}},
		"negative penalty":   {Temp: 0, TopP: 1, RepeatLast: 4, RepeatPenalty: 1, PresencePenalty: -1},
		"negative frequency": {Temp: 0, TopP: 1, RepeatLast: 4, RepeatPenalty: 1, FrequencyPenalty: -1},
		"penalty below 1":    {Temp: 0, TopP: 1, RepeatLast: 4, RepeatPenalty: 0.5},
	} {
		if p.RepeatPenalty == 0 {
			p.RepeatPenalty = 1
		}
		p.set = true
		s, err := New(p, 10)
		if err != nil {
			t.Fatal(err)
		}
		if n, ok := s.Enough(3); ok {
			t.Errorf("%s: %d logits are said to be enough", name, n)
		}
	}
}
