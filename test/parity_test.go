package test

import (
	"fmt"
	"testing"

	"bitnet-gpu/cpu"
	"bitnet-gpu/cpu/kernel"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/test/backends"
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

// TestCPU runs the suite on every path of this machine, with threads and
// batches that divide nothing evenly.
func TestCPU(t *testing.T) {
	for _, path := range kernel.Paths() {
		for _, c := range []struct{ threads, batch int }{{1, 1}, {1, 0}, {2, 7}, {3, 64}} {
			t.Run(fmt.Sprintf("%s, %d threads, batch %d", path.Name, c.threads, c.batch), func(t *testing.T) {
				backends.Run(t, reference(t), func(m *weights.Model, opt compute.Options) (compute.Backend, error) {
					t.Setenv("BITNET_CPU", path.Name)
					opt.Threads, opt.Batch = c.threads, c.batch
					return cpu.New(m, opt)
				})
			})
		}
	}
}
