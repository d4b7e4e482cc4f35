package test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bitnet-gpu/cpu"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/test/backends"
	"bitnet-gpu/weights"
	"bitnet-gpu/weights/demo"
)

// demoGolden is what the framework that trained the demo model makes of some
// prompts (weights/demo/train/measure.py), and held-out text of the length of its
// context.
type demoGolden struct {
	Prompts []struct {
		Tokens []int32
		Best   []int32   // the likeliest token behind each
		Margin []float32 // of its logit over the next
		Logit  []float32
	}
	Text []int32
}

func openDemo(t *testing.T) (*weights.Model, demoGolden) {
	t.Helper()
	m, err := weights.Open(demo.Name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	data, err := os.ReadFile(filepath.Join("testdata", "demo.json"))
	if err != nil {
		t.Fatal(err)
	}
	var golden demoGolden
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	return m, golden
}

// runDemo compares text that means something: 512 tokens of held-out stories and
// conversations, all at once and one by one, and 200 generated ones.
func runDemo(t *testing.T, open backends.Open) {
	m, golden := openDemo(t)
	if len(golden.Text) != 512 {
		t.Fatalf("the text has %d tokens", len(golden.Text))
	}
	backends.Logits(t, "demo", m, golden.Text, reference(t), open)
	t.Run("generated", func(t *testing.T) {
		backends.Generated(t, "demo", m, golden.Prompts[0].Tokens, 200, reference(t), open)
	})
}

// TestDemoGolden holds the engine to the framework that trained the model: the
// likeliest token is the same wherever the framework's margin is above 0.1.
// Less is within what a code that flips can move.
func TestDemoGolden(t *testing.T) {
	m, golden := openDemo(t)
	if len(golden.Prompts) != 5 {
		t.Fatalf("%d prompts", len(golden.Prompts))
	}
	clear, total, far := 0, 0, 0.0
	for _, p := range golden.Prompts {
		b, err := cpu.New(m, compute.Options{Slots: 1, Context: len(p.Tokens)})
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float32, len(p.Tokens)*m.VocabSize)
		if err := b.Forward([]compute.Step{{Tokens: p.Tokens, Logits: got}}); err != nil {
			t.Fatal(err)
		}
		b.Close()
		for i, want := range p.Best {
			row := got[i*m.VocabSize:][:m.VocabSize]
			best := slices.Index(row, slices.Max(row))
			total++
			far = max(far, float64(abs(row[want]-p.Logit[i])))
			if p.Margin[i] <= 0.1 {
				continue
			}
			clear++
			if int32(best) != want {
				t.Errorf("prompt %v, position %d: token %d (%v), the framework has %d (%v) by a margin of %v",
					p.Tokens, i, best, row[best], want, row[want], p.Margin[i])
			}
		}
	}
	t.Logf("%d of %d positions with a margin above 0.1, all equal; the likeliest logit at most %.3f away", clear, total, far)
	if far > 0.5 {
		t.Errorf("a logit is %v away from the framework's", far)
	}
}

func abs(x float32) float32 { return max(x, -x) }

// TestDemoFigures measures on the demo model's text what README.md of package
// demo tells: how many of the codes that enter ffn_down are zero, and how the
// margins between the two likeliest tokens are distributed.
func TestDemoFigures(t *testing.T) {
	m, golden := openDemo(t)
	zeros, codes := make([]int, m.Blocks), make([]int, m.Blocks)
	b, err := cpu.New(m, compute.Options{Slots: 1, Context: m.Context, Threads: 1, Trace: func(tap compute.Tap) {
		if tap.Name != "ffn_sub_norm" {
			return
		}
		for _, code := range tap.Data {
			codes[tap.Layer]++
			if code == 0 {
				zeros[tap.Layer]++
			}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	best := make([][]compute.Candidate, len(golden.Text))
	for i := range best {
		best[i] = make([]compute.Candidate, 2)
	}
	if err := b.Forward([]compute.Step{{Tokens: golden.Text, Top: best}}); err != nil {
		t.Fatal(err)
	}
	var layers []string
	for i := range zeros {
		share := 100 * float64(zeros[i]) / float64(codes[i])
		layers = append(layers, fmt.Sprintf("%.1f %%", share))
		if share < 20 || share > 99.9 { // the gate alone zeroes about half
			t.Errorf("layer %d: %.1f %% of the codes before ffn_down are zero", i, share)
		}
	}
	var margins []float64
	for _, two := range best {
		margins = append(margins, float64(two[0].Logit-two[1].Logit))
	}
	slices.Sort(margins)
	var quantiles []string
	for _, q := range []int{1, 5, 10, 25, 50, 75, 90} {
		quantiles = append(quantiles, fmt.Sprintf("%d %%: %.3f", q, margins[len(margins)*q/100]))
	}
	t.Logf("zero codes before ffn_down, by layer: %s", strings.Join(layers, ", "))
	t.Logf("margins of the likeliest token, quantiles: %s", strings.Join(quantiles, ", "))
}
