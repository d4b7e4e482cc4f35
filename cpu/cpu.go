// Package cpu is the backend that runs everywhere: the transformer on the
// processor, with the inner loops of cpu/kernel.
//
// The ternary matrices are copied at load into tiles of 64 rows (load.go), the
// embedding and the head stay where they are, in the file's map. A batch of
// tokens goes through each layer together (forward.go); worker threads share
// the rows of a matrix, the heads of the attention and the rows of the head, and
// never a sum, so that no number depends on how many they are.
package cpu

import (
	"fmt"
	"runtime"

	"bitnet-gpu/cpu/kernel"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/weights"
)

// New opens the CPU backend for a model. The environment variable BITNET_CPU
// names the kernels to use (portable, avx2, avx512, neon) instead of the best.
//
// Errors: ErrMemory where the copied weights and the cache do not fit,
// ErrUnavailable where BITNET_CPU asks for what the machine has not, and the
// model's own where a matrix holds an invalid code.
func New(m *weights.Model, opt compute.Options) (compute.Backend, error) {
	path, err := pickPath()
	if err != nil {
		return nil, err
	}
	b := &backend{model: m, Path: path, trace: opt.Trace}
	b.workers = opt.Threads
	if b.workers <= 0 {
		b.workers = runtime.NumCPU()
	}
	b.batch = opt.Batch
	if b.batch <= 0 {
		b.batch = max(128/path.Panel, 1) * path.Panel
	}
	b.slots, b.context = opt.Slots, opt.Context
	if b.slots < 1 || b.context < 1 {
		panic("BUG: cpu.New: no slots or no context")
	}
	if err := checkMemory(b.need()); err != nil {
		return nil, err
	}
	b.pool = newPool(b.workers)
	if err := m.Guard(func() error { return b.load(opt.Progress) }); err != nil {
		b.pool.close()
		return nil, err
	}
	b.allocate()
	return b, nil
}

// A backend's fields are set by New; scratch and cache change with every batch.
type backend struct {
	*kernel.Path
	model   *weights.Model
	layers  []layer // (Blocks)
	cos     []float32
	sin     []float32 // (context, HeadDim/2), compute.RopeTable
	workers int
	batch   int
	slots   int
	context int
	trace   func(compute.Tap)

	scoreScale float32 // log2(e)/sqrt(HeadDim)
	pool       *pool
	regions    regions
	alone      bool           // a byToken region runs on worker 0 only
	screen     *screen        // of the head; nil until candidates are asked for
	steps      []compute.Step // of the batch
	used       []bool         // (slots) by the steps of the batch, see check
	guarded    func() error   // forwardSteps
	cache      cache
	scratch    scratch
}

func (b *backend) Info() compute.Info {
	return compute.Info{
		Backend: "cpu",
		Device:  fmt.Sprintf("%s, %d of %d threads", deviceName(), b.workers, runtime.NumCPU()),
		Path:    b.Path.Name,
		Threads: b.workers,
		Batch:   b.batch,
		Weights: b.weightBytes(),
		Cache:   b.cacheBytes(),
	}
}

func (b *backend) Close() error {
	b.pool.close()
	return nil
}

// need returns the bytes that the backend will hold beside the file's map.
func (b *backend) need() int64 {
	return b.weightBytes() + b.cacheBytes() + b.scratchBytes() + b.screenBytes()
}

func (b *backend) weightBytes() int64 {
	weights, _ := b.memory()
	return weights
}

func (b *backend) cacheBytes() int64 {
	_, cache := b.memory()
	return cache
}

func (b *backend) memory() (weights, cache int64) {
	return Memory(b.model, compute.Options{Slots: b.slots, Context: b.context})
}

// Memory returns the bytes of ternary weights and of KV cache that a backend
// for the model would keep.
func Memory(m *weights.Model, opt compute.Options) (weights, cache int64) {
	for i := range m.Layers {
		for _, t := range m.Layers[i].Tensors() {
			weights += int64(tiles(t.Rows) * kernel.TileRows * t.Cols / 4)
		}
	}
	cache = 2 * 2 * int64(m.Blocks) * int64(opt.Slots) * int64(opt.Context) * int64(m.KVHeads*m.HeadDim)
	return weights, cache
}

func (b *backend) scratchBytes() int64 {
	m := b.model
	rope := 2 * 4 * int64(b.context) * int64(m.HeadDim/2)
	row := 4*(3*m.Hidden+2*m.Heads*m.HeadDim+2*m.KVHeads*m.HeadDim+3*m.FFN) + max(m.Hidden, m.FFN)
	return rope + int64(b.batch)*int64(row)
}
