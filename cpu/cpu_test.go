package cpu

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"bitnet-gpu/cpu/kernel"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/test/tiny"
)

// TestBugs: what breaks the contract panics and says so.
func TestBugs(t *testing.T) {
	m := tiny.New(tiny.Shapes()[0], 1)
	v := m.VocabSize
	b, err := New(m, compute.Options{Slots: 2, Context: 8, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	token := []int32{1}
	for name, steps := range map[string][]compute.Step{
		"slot below":       {{Slot: -1, Tokens: token}},
		"slot above":       {{Slot: 2, Tokens: token}},
		"slot twice":       {{Slot: 1, Tokens: token}, {Slot: 1, Tokens: token}},
		"no tokens":        {{}},
		"position below":   {{Pos: -1, Tokens: token}},
		"past the context": {{Pos: 8, Tokens: token}},
		"next past it":     {{Pos: 7, Tokens: token, Next: make([]int32, 2)}},
		"token below":      {{Tokens: []int32{-1}}},
		"token above":      {{Tokens: []int32{int32(v)}}},
		"odd logits":       {{Tokens: []int32{1, 2, 3}, Logits: make([]float32, 2*v)}},
		"odd candidates":   {{Tokens: []int32{1, 2, 3}, Top: make([][]compute.Candidate, 2)}},
		"two outputs":      {{Tokens: token, Logits: make([]float32, v), Next: make([]int32, 1)}},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if text := fmt.Sprint(recover()); !strings.HasPrefix(text, "BUG: compute: ") {
					t.Errorf("recovered %s", text)
				}
			}()
			b.Forward(steps)
		})
	}
	if err := b.Forward([]compute.Step{{Slot: 1, Pos: 7, Tokens: token, Next: make([]int32, 1)}}); err != nil {
		t.Errorf("the last position: %v", err)
	}
}

// TestFew: a batch of few tokens is cheap where the weights come from memory.
func TestFew(t *testing.T) {
	for _, c := range []struct {
		path    string
		batch   int
		weights int64
		want    int
	}{
		{"avx512", 0, 1 << 30, 4},
		{"avx512vbmi", 0, 1 << 30, 4},
		{"avx512", 3, 1 << 30, 3},
		{"avx512", 0, 1 << 20, 0},
		{"avx2", 0, 1 << 30, 0},
		{"portable", 0, 1 << 30, 0},
	} {
		t.Setenv("BITNET_CPU", c.path)
		back, err := New(tiny.New(tiny.Shapes()[0], 1), compute.Options{Slots: 1, Context: 8, Batch: c.batch, Threads: 1})
		if errors.Is(err, compute.ErrUnavailable) {
			continue // another machine's
		}
		if err != nil {
			t.Fatal(err)
		}
		defer back.Close()
		b := back.(*backend)
		b.memory.Weights, b.memory.Screen = c.weights, 0
		if got := b.Info().Few; got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

// TestSpread: a token whose positions the workers share has the logits that it has
// in a batch, where each head is one worker's.
func TestSpread(t *testing.T) {
	for _, shape := range tiny.Shapes() {
		if shape.Name != "three to one" && shape.Name != "heads of 128" {
			continue
		}
		m := tiny.New(shape, 1)
		tokens := make([]int32, 2*kernel.Chunk+70)
		for i := range tokens {
			tokens[i] = int32(i*i) % int32(m.VocabSize)
		}
		logits := func(threads, batch int) []float32 {
			b, err := New(m, compute.Options{Slots: 1, Context: len(tokens), Batch: batch, Threads: threads})
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			out := make([]float32, len(tokens)*m.VocabSize)
			if err := b.Forward([]compute.Step{{Tokens: tokens, Logits: out}}); err != nil {
				t.Fatal(err)
			}
			if spread := b.(*backend).scratch.parts != nil; spread != (threads > 1) {
				t.Errorf("%s, %d threads: spread is %v", shape.Name, threads, spread)
			}
			return out
		}
		want := logits(1, len(tokens))
		for _, threads := range []int{2, 3} {
			if got := logits(threads, 1); !slices.Equal(got, want) {
				t.Errorf("%s, %d threads: other logits token by token", shape.Name, threads)
			}
		}
	}
}
