package synthetic_test

import (
	"math"
	"slices"
	"testing"

	"bitnet-gpu/cpu"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/weights"
	"bitnet-gpu/weights/synthetic"
)

// TestKnown makes one narrow model of each known shape, for what it checks.
func TestKnown(t *testing.T) {
	if want := []string{"2b-4t", "0.7b", "3b", "8b"}; !slices.Equal(synthetic.Names(), want) {
		t.Errorf("names %v, expected %v", synthetic.Names(), want)
	}
	if _, ok := synthetic.Known("2B4T"); ok {
		t.Error("a shape of a name that is none")
	}
	params := map[string]float64{"2b-4t": 2.08, "0.7b": 0.68, "3b": 3.22, "8b": 6.98} // of the blocks, 10^9
	for name, want := range params {
		s, _ := synthetic.Known(name)
		blocks := s.Blocks
		s.Vocab, s.Blocks = 512, 1
		n := 0
		m := synthetic.New(s, 1)
		for _, w := range m.Layers[0].Tensors() {
			n += blocks * w.Rows * w.Cols
		}
		if got := float64(n) / 1e9; math.Abs(got-want) > 0.01 {
			t.Errorf("%s: %.2f * 10^9 ternary weights, expected %.2f", name, got, want)
		}
	}
}

// TestPlant looks for the winners of planted models, and at what they are in
// models as they come.
func TestPlant(t *testing.T) {
	for _, tied := range []bool{true, false} {
		shape := synthetic.Shape{
			Name: "plant", Hidden: 1024, FFN: 2048, Blocks: 4, Heads: 8, KVHeads: 2, HeadDim: 128,
			Vocab: 3000, Context: 64, Embd: weights.F16, Tied: tied, NoSubNorms: !tied,
		}
		random := synthetic.New(shape, 1)
		size := len(random.Output.Data)
		if won, _ := winners(t, random); won > 1 {
			t.Errorf("tied %v: %d tokens win before anything is planted", tied, won)
		}
		synthetic.Plant(random)
		won, cosine := winners(t, random)
		if won != 20 || math.Abs(cosine-synthetic.WinnerCosine) > 0.02 {
			t.Errorf("tied %v: %d of 20 tokens win, with a mean cosine of %.3f", tied, won, cosine)
		}
		if len(random.Output.Data) != size || random.Output.Name == "" || random.Tied != tied {
			t.Errorf("tied %v: the head changed its size, name or kind", tied)
		}
	}
}

// winners feeds 20 tokens and returns how many have their own row as the best,
// and the mean cosine of the head's input with it.
func winners(t *testing.T, m *weights.Model) (won int, cosine float64) {
	t.Helper()
	b, err := cpu.New(m, compute.Options{Slots: 1, Context: 32, Threads: 1, Trace: func(tap compute.Tap) {
		if tap.Name == "result_norm" {
			row := make([]float32, m.Hidden)
			m.Output.Row(row, token(tap.Pos))
			cosine += dot(row, tap.Data) / math.Sqrt(dot(row, row)*dot(tap.Data, tap.Data)) / 20
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	step := compute.Step{Top: make([][]compute.Candidate, 20)}
	for i := range step.Top {
		step.Tokens = append(step.Tokens, int32(token(i)))
		step.Top[i] = make([]compute.Candidate, 1)
	}
	if err := b.Forward([]compute.Step{step}); err != nil {
		t.Fatal(err)
	}
	for i, best := range step.Top {
		if best[0].ID == int32(token(i)) {
			won++
		}
	}
	return won, cosine
}

func token(pos int) int { return 400 + 97*pos }

func dot(a, b []float32) (sum float64) {
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}
