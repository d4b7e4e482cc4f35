package test

import (
	"fmt"
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
type split struct{ threads, batch int }

// eachPath runs a test on every path of this machine, with threads and batches
// that divide nothing evenly.
func eachPath(t *testing.T, test func(t *testing.T, open backends.Open)) {
	for _, path := range kernel.Paths() {
		splits := []split{{1, 1}, {1, 0}, {3, 7}, {2, 64}}
		if path.Name == "portable" || testing.Short() {
			splits = splits[2:3] // it is slow, and the reference is it already
		}
		for _, s := range splits {
			t.Run(fmt.Sprintf("%s, %d threads, batch %d", path.Name, s.threads, s.batch), func(t *testing.T) {
				test(t, func(m *weights.Model, opt compute.Options) (compute.Backend, error) {
					t.Setenv("BITNET_CPU", path.Name)
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

// TestCPUGolden runs it on the model of the golden data.
func TestCPUGolden(t *testing.T) {
	m, prompt := tinyA(t)
	ids := append(append(append([]int32{}, prompt...), prompt...), prompt...)
	eachPath(t, func(t *testing.T, open backends.Open) { backends.Model(t, "tinyA", m, ids, reference(t), open) })
}

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

// TestNoGarbage decodes without an allocation.
func TestNoGarbage(t *testing.T) {
	m := tiny.New(tiny.Shapes()[1], 1)
	b, err := cpu.New(m, compute.Options{Slots: 1, Context: 256, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	steps := []compute.Step{{Tokens: make([]int32, 1), Logits: make([]float32, m.VocabSize)}}
	allocations := testing.AllocsPerRun(100, func() {
		if err := b.Forward(steps); err != nil {
			t.Fatal(err)
		}
		steps[0].Pos++
	})
	if allocations != 0 {
		t.Errorf("a token makes %v allocations, expected none", allocations)
	}
}
