package gpu

import (
	"testing"

	"bitnet-gpu/cpu"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/test/backends"
	"bitnet-gpu/test/tiny"
	"bitnet-gpu/weights"
)

// ids is a sequence of n tokens.
func ids(n int) []int32 {
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32(i * i % 251)
	}
	return ids
}

// TestLists runs the suite of the backends on the device in Go: all of it for
// small models, some of it for the others.
func TestLists(t *testing.T) {
	reference := func(m *weights.Model) (compute.Backend, error) {
		t.Setenv("BITNET_CPU", "portable")
		return cpu.New(m, compute.Options{Slots: 1, Context: m.Context, Threads: 1, Batch: 1})
	}
	open := func(m *weights.Model, opt compute.Options) (compute.Backend, error) {
		opt.Batch = 50
		return New(newDevice(t), m, opt)
	}
	for i, shape := range tiny.Shapes() {
		t.Run(shape.Name, func(t *testing.T) {
			m := tiny.New(shape, 1)
			if i == 0 || i == 2 {
				backends.Model(t, shape.Name, m, ids(80), reference, open)
			} else {
				backends.Logits(t, shape.Name, m, ids(5), reference, open)
			}
		})
	}
}
