// Package gpu is the backend on a GPU: the transformer as lists of dispatches,
// over any driver.Device.
//
// The weights are copied to the device at load (load.go). For every shape of a
// batch, that is how many tokens it has and how many rows of logits, a list is
// built once (forward.go) and run again with each batch of the shape; all that
// changes from one run to the next, tokens, slots and positions, is in one small
// buffer that the list uploads first (batch.go). So nothing is recorded anew as
// a context grows.
package gpu

import (
	"fmt"
	"math"
	"strings"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"
	"bitnet-gpu/weights"
)

// New opens the GPU backend for a model on a device, which Close closes too; so
// does New where it fails. The environment variable BITNET_GPU_VARIANT names
// the arithmetic of the ternary products (dot, f32, i32) instead of the fastest,
// and BITNET_HEAD=full leaves out the screen of the head.
//
// Errors: ErrMemory where weights and cache do not fit, ErrUnavailable where the
// device cannot run the kernels, computes something else than the contract says,
// or lacks what BITNET_GPU_VARIANT asks for, and the model's own where a matrix
// holds an invalid code.
func New(dev driver.Device, m *weights.Model, opt compute.Options) (compute.Backend, error) {
	b := &backend{dev: dev, model: m, trace: opt.Trace, lists: map[shape]*list{}}
	b.slots, b.context = opt.Slots, opt.Context
	if b.slots < 1 || b.context < 1 {
		panic("BUG: gpu.New: no slots or no context")
	}
	b.batch = opt.Batch
	if b.batch <= 0 {
		b.batch = defaultBatch
	}
	b.most = min(b.batch, maxRows)
	if err := b.open(opt); err != nil {
		dev.Close()
		return nil, err
	}
	return b, nil
}

const (
	defaultBatch = 128 // tokens
	maxRows      = 32  // of logits in a batch
)

func (b *backend) open(opt compute.Options) error {
	if err := b.pickKernels(); err != nil {
		return err
	}
	b.economise(opt.Least)
	if err := b.fits(); err != nil {
		return err
	}
	if err := SelfTest(b.dev); err != nil {
		return err
	}
	if err := b.allocate(); err != nil {
		return err
	}
	return b.load(opt.Progress)
}

// A backend's fields are set by New; what stands below lists changes with every
// batch.
type backend struct {
	dev       driver.Device
	model     *weights.Model
	kernels   kernels
	variant   string
	fused     bool // the layers of a batch of one token take five dispatches
	screening bool // the head is to be screened
	slots     int
	context   int
	batch     int // most tokens of a batch
	most      int // rows of logits of a batch
	trace     func(compute.Tap)

	layers []layer // (Blocks)
	embd   dense
	head   dense   // embd itself where it is tied
	screen *screen // of the head; nil: all of it is read
	norm   driver.Buffer
	ones   driver.Buffer // norm weights where the model has no sub-norms
	bufs   buffers

	lists   map[shape]*list
	oldest  []shape
	queue   []row       // of the current batch
	words   []uint32    // of the buffer batch
	logits  []float32   // (rows, VocabSize)
	ranked  [][2]uint32 // (rows, top) rank of the logit, see top.comp, and token
	chosen  [][2]uint32 // (chain, rows) token, and not 0 where numbers left the range
	numeric [1]uint32   // not 0: a vector left the contract's range
}

func (b *backend) Info() compute.Info {
	info := b.dev.Info()
	w, c := b.memory()
	head := int64(b.model.VocabSize) * int64(rowBytes(&b.model.Output))
	if b.screening {
		head = screenBytes(b.model)
	}
	return compute.Info{
		Backend: backendName(info),
		Device:  info.Device,
		Path:    b.variant,
		Batch:   b.batch,
		Weights: w,
		Cache:   c,
		Context: b.context,
		Read:    matrixBytes(b.model) + head,
	}
}

// backendName returns "vulkan" for "Vulkan 1.3.230".
func backendName(info driver.Info) string {
	name, _, _ := strings.Cut(info.API, " ")
	return strings.ToLower(name)
}

func (b *backend) Close() error { return b.dev.Close() }

// matrixBytes returns the bytes of the layers' matrices on the device.
func matrixBytes(m *weights.Model) (n int64) {
	for i := range m.Layers {
		for _, matrix := range m.Layers[i].Matrices() {
			if d := &matrix.Dense; matrix.IsDense() {
				n += int64(d.Rows) * int64(rowBytes(d))
			} else {
				n += int64(tiledBytes(&matrix.Ternary))
			}
		}
	}
	return n
}

// memory returns the bytes of weights and of KV cache that the backend keeps.
func (b *backend) memory() (weights, cache int64) {
	m := b.model
	weights = matrixBytes(m) + int64(m.VocabSize)*int64(rowBytes(&m.Output))
	if !m.Tied {
		weights += int64(m.VocabSize) * int64(rowBytes(&m.TokenEmbd))
	}
	if b.screening {
		weights += screenBytes(m)
	}
	return weights, int64(m.Blocks) * cacheBytes(m, b.slots, b.context)
}

// cacheBytes returns the bytes of keys and values of one layer.
func cacheBytes(m *weights.Model, slots, context int) int64 {
	return 2 * 2 * int64(slots) * int64(context) * int64(m.KVHeads*m.HeadDim)
}

// What the kernels can do.
const (
	maxWidth = 32768 // norm.comp
	maxDim   = 512   // rope.comp, attention.comp
)

// economise gives up what a model can do without where the device has too little
// room: the codes that screen the head, and positions down to the least that will
// do, half of them at a time.
func (b *backend) economise(least int) {
	shorten := func(enough func() bool) {
		for !enough() && least > 0 && b.context/2 >= least {
			b.context /= 2
		}
	}
	shorten(b.binds)
	b.screening = b.screening && b.holds()
	shorten(b.holds)
}

// binds reports whether the device can bind the cache of a layer.
func (b *backend) binds() bool {
	return cacheBytes(b.model, b.slots, b.context) <= int64(b.dev.Info().Limits.Range)
}

// holds reports whether weights and cache fit the device's memory, as far as it
// tells.
func (b *backend) holds() bool {
	w, c := b.memory()
	free := b.dev.Info().Free
	return free == 0 || w+c <= free
}

// fits refuses models that the kernels or the device cannot hold.
func (b *backend) fits() error {
	m, lim := b.model, b.dev.Info().Limits
	width := max(m.Hidden, m.FFN, m.Heads*m.HeadDim)
	if width > maxWidth || m.HeadDim > maxDim || m.HeadDim < 16 {
		return fmt.Errorf("rows of %d and heads of %d are more than the GPU's kernels take (%d and %d): %w", width, m.HeadDim, maxWidth, maxDim, compute.ErrUnavailable)
	}
	if n := cacheBytes(m, b.slots, b.context); !b.binds() {
		return fmt.Errorf("the cache of a layer for %d x %d positions takes %d MB, the device binds %d MB at most; ask for a smaller context: %w",
			b.slots, b.context, n>>20, lim.Range>>20, compute.ErrMemory)
	}
	if w, c := b.memory(); !b.holds() {
		return fmt.Errorf("weights of %d MB and a cache of %d MB do not fit the %d MB that the GPU has free: %w",
			w>>20, c>>20, b.dev.Info().Free>>20, compute.ErrMemory)
	}
	for i := range m.Layers {
		for _, t := range m.Layers[i].Tensors() {
			if 2*tiledBytes(t) > lim.Range { // queries, keys and values stand together
				return fmt.Errorf("tensor %s takes %d MB, the device binds %d MB at most: %w", t.Name, tiledBytes(t)>>20, lim.Range>>20, compute.ErrUnavailable)
			}
		}
	}
	b.most = min(b.most, lim.Range/(4*m.VocabSize))
	b.batch = min(b.batch, lim.Range/(4*width))
	b.most = min(b.most, b.batch)
	return nil
}

// scoreScale returns log2(e)/sqrt(d), rounded to float32 once.
func scoreScale(dim int) float32 { return float32(math.Log2E / math.Sqrt(float64(dim))) }
