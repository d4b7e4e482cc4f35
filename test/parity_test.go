package test

import (
	"fmt"
	"slices"
	"testing"

	"bitnet-gpu/cpu"
	"bitnet-gpu/cpu/kernel"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/test/backends"
	"bitnet-gpu/test/tiny"
	"bitnet-gpu/weights"
)

// reference opens the reference of the parity suite: portable kernels, one
// thread, one token at a time.
func reference(t *testing.T) backends.Reference {
	return func(m *weights.Model) (compute.Backend, error) {
		t.Setenv("BITNET_CPU", "portable")
		return cpu.New(m, compute.Options{Slots: 1, Context: m.Context, Threads: 1, Batch: 1})
	}
}

// A split is a way to divide the work that must not change a bit of it.
type split struct {
	threads, batch int
	head           string // BITNET_HEAD: when the screen of the head is made
}

// eachPath runs a test on every path of this machine, with threads and batches
// that divide nothing evenly.
func eachPath(t *testing.T, test func(t *testing.T, open backends.Open)) {
	for i, path := range kernel.Paths() {
		if i > 0 && path.Name == "portable" && testing.Short() {
			continue // slow, and the reference is portable already
		}
		splits := []split{{3, 7, "screen"}}
		if i == 0 && !testing.Short() { // how work is divided is the same code for all paths
			splits = []split{{3, 7, ""}, {3, 7, "screen"}, {1, 1, ""}, {1, 0, "screen"}, {2, 64, "full"}}
		}
		for _, s := range splits {
			t.Run(fmt.Sprintf("%s, %d threads, batch %d, head %q", path.Name, s.threads, s.batch, s.head), func(t *testing.T) {
				entry(t, "CPU", path.Name)
				test(t, func(m *weights.Model, opt compute.Options) (compute.Backend, error) {
					t.Setenv("BITNET_CPU", path.Name)
					t.Setenv("BITNET_HEAD", s.head)
					opt.Threads, opt.Batch = s.threads, s.batch
					return cpu.New(m, opt)
				})
			})
		}
	}
}

// TestCPU runs the suite on synthetic models of every shape.
func TestCPU(t *testing.T) {
	eachPath(t, func(t *testing.T, open backends.Open) { backends.Run(t, reference(t), open) })
}

// TestCPURelatives runs it on models like those of the 2B4T's relatives.
func TestCPURelatives(t *testing.T) {
	eachPath(t, func(t *testing.T, open backends.Open) { backends.Relatives(t, reference(t), open) })
}

// TestCPUDense runs it on models with dense matrices.
func TestCPUDense(t *testing.T) {
	eachPath(t, func(t *testing.T, open backends.Open) { backends.Dense(t, reference(t), open) })
}

// TestCPUNumeric runs it on numbers out of range.
func TestCPUNumeric(t *testing.T) { eachPath(t, backends.Numeric) }

// TestCPUGolden runs it on the model of the golden data.
func TestCPUGolden(t *testing.T) {
	m, prompt := tinyA(t)
	ids := append(append(append([]int32{}, prompt...), prompt...), prompt...)
	eachPath(t, func(t *testing.T, open backends.Open) { backends.Model(t, "tinyA", m, ids, reference(t), open) })
}

// TestCPUDemo compares the trained model in the program.
func TestCPUDemo(t *testing.T) { eachPath(t, runDemo) }

// TestCPUWide compares a model of two layers with the widths of the 2B4T.
func TestCPUWide(t *testing.T) {
	if testing.Short() {
		t.Skip("short: the model takes 1.4 GB")
	}
	m := tiny.Big(2)
	ids := []int32{128000, 9906, 11, 1917, 0, 220, 72803, 25, 791, 6864, 315, 9822, 374, 128009}
	eachPath(t, func(t *testing.T, open backends.Open) {
		backends.Logits(t, "2B4T of 2 layers", m, ids, reference(t), open)
	})
}

// TestNoGarbage decodes without an allocation, by whole rows of logits, by
// candidates and greedily.
func TestNoGarbage(t *testing.T) {
	m := tiny.New(tiny.Shapes()[1], 1)
	for name, step := range map[string]compute.Step{
		"logits":     {Logits: make([]float32, m.VocabSize)},
		"candidates": {Top: [][]compute.Candidate{make([]compute.Candidate, 10)}},
		"greedy":     {Next: make([]int32, 1)},
	} {
		b, err := cpu.New(m, compute.Options{Slots: 1, Context: 256, Threads: 2})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		step.Tokens = make([]int32, 1)
		steps := []compute.Step{step}
		for range 2 { // the second token makes the screen
			if err := b.Forward(steps); err != nil {
				t.Fatal(err)
			}
		}
		allocations := testing.AllocsPerRun(100, func() {
			if err := b.Forward(steps); err != nil {
				t.Fatal(err)
			}
			steps[0].Pos++
		})
		if allocations != 0 {
			t.Errorf("%s: a token makes %v allocations, expected none", name, allocations)
		}
	}
}

// TestTaps shows every intermediate under its name, the same on every path and
// however a prompt is divided.
func TestTaps(t *testing.T) {
	m := tiny.New(tiny.Shapes()[1], 1)
	ids := make([]int32, 70)
	taps := func(batch int) map[string][]float32 {
		seen := map[string][]float32{}
		b, err := cpu.New(m, compute.Options{Slots: 1, Context: 80, Batch: batch, Trace: func(tap compute.Tap) {
			name := fmt.Sprint(tap.Name, " ", tap.Layer, " ", tap.Pos)
			if seen[name] != nil {
				t.Errorf("%s comes twice", name)
			}
			seen[name] = append([]float32{}, tap.Data...)
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		if err := b.Forward([]compute.Step{{Tokens: ids, Logits: make([]float32, len(ids)*m.VocabSize)}}); err != nil {
			t.Fatal(err)
		}
		return seen
	}
	want := taps(1)
	for _, name := range []string{"inp_embd -1", "attn_norm 0", "Qcur 2", "Kcur 0", "Vcur 1", "kqv_out 0", "attn_sub_norm 0", "ffn_inp 0",
		"ffn_norm 0", "ffn_out 2", "ffn_sub_norm 0", "l_out 2", "result_norm -1", "result_output -1"} {
		if want[name+" 69"] == nil {
			t.Errorf("no tap %s", name)
		}
	}
	for _, path := range kernel.Paths() {
		t.Setenv("BITNET_CPU", path.Name)
		got := taps(0)
		if len(got) != len(want) {
			t.Errorf("%s: %d taps, expected %d", path.Name, len(got), len(want))
		}
		for name, data := range want {
			if !slices.Equal(got[name], data) {
				t.Fatalf("%s: %s differs", path.Name, name)
			}
		}
	}
}
