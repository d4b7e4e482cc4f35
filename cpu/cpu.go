// Package cpu is the backend that runs everywhere: the transformer on the
// processor, with the inner loops of cpu/kernel.
//
// The embedding, the head and matrices that are dense stay where they are, in the
// file's map. The ternary
// matrices are copied into tiles of 64 rows and the head gets a screen of four-bit
// codes, both before the second batch where the first can do with the file: so a
// token is there before what makes the others fast (load.go, screen.go). A batch of
// tokens goes through each layer together (forward.go); worker threads share the rows
// of a matrix, the heads of the attention (of a single token its chunks of positions
// too) and the rows of the head, and never a sum, so that no number depends on how
// many they are.
package cpu

import (
	"os"
	"sync"

	"bitnet-gpu/cpu/kernel"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/weights"
)

// New opens the CPU backend for a model. Of the environment it reads BITNET_CPU,
// which names the kernels to use (portable, avx2, avxvnni, avx512, avx512vbmi,
// amx, neon) instead of the best, and BITNET_HEAD, which with "full" leaves out the
// screen of the head and with "screen" has it, and the copies, made at load.
//
// Errors: ErrMemory where the copied weights and the cache do not fit,
// ErrUnavailable where BITNET_CPU asks for what the machine has not, and the
// model's own where a matrix holds an invalid code, which the first Forward may find.
func New(m *weights.Model, opt compute.Options) (compute.Backend, error) {
	path, err := pickPath()
	if err != nil {
		return nil, err
	}
	b := &backend{model: m, Path: path, trace: opt.Trace}
	b.workers = opt.Threads
	if b.workers <= 0 {
		b.workers = Cores()
	}
	b.batch = opt.Batch
	if b.batch <= 0 {
		b.batch = (128 + path.Panel - 1) / path.Panel * path.Panel // 128 tokens in one batch
	}
	b.slots, b.context = opt.Slots, opt.Context
	if b.slots < 1 || b.context < 1 {
		panic("BUG: cpu.New: no slots or no context")
	}
	b.memory = MemoryFor(m, compute.Options{Slots: b.slots, Context: b.context, Batch: b.batch, Threads: b.workers})
	if err := checkMemory(b.memory.Total()); err != nil {
		return nil, err
	}
	b.pool = newPool(b.workers)
	b.allocate()
	var rotations sync.WaitGroup
	rotations.Go(func() { b.cos, b.sin = compute.RopeTable(b.context, m.HeadDim, m.RopeBase) })
	defer rotations.Wait()
	if err := m.Guard(func() error { return b.load(opt.Progress) }); err != nil {
		b.Close()
		return nil, err
	}
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
	memory  Memory
	tiles   []uint32 // room for the copies of the matrices
	codes   []uint32 // and for the screen's
	free    []func() // of both
	trace   func(compute.Tap)

	scoreScale float32   // log2(e)/sqrt(HeadDim)
	ones       []float32 // (max width), where a model has no norm; nil where it has all
	pool       *pool
	regions    regions
	alone      bool           // a byToken region runs on worker 0 only
	screen     *screen        // of the head; nil until candidates are asked for twice
	ranked     bool           // they have been asked for
	begun      bool           // there has been a batch
	copied     bool           // the matrices are in tiles, and not only in the file
	touched    byte           // see touch
	steps      []compute.Step // of the batch
	guarded    func() error   // forwardSteps
	cache      cache
	scratch    scratch
}

func (b *backend) Info() compute.Info {
	head := b.memory.Screen
	if head == 0 {
		head = int64(len(b.model.Output.Data))
	}
	return compute.Info{
		Backend: "cpu",
		Device:  deviceName(),
		Path:    b.Path.Name,
		Threads: b.workers,
		Batch:   b.batch,
		Few:     b.few(),
		Weights: b.memory.Weights + b.memory.Screen,
		Cache:   b.memory.Cache,
		Context: b.context,
		Read:    b.memory.Weights + b.model.DenseBytes() + head,
	}
}

// few is how many tokens cost a batch little more than one: those that are computed
// while the weights come from memory. Weights that a cache may hold come faster.
func (b *backend) few() int {
	const caches = 64 << 20
	if b.memory.Weights+b.memory.Screen < caches {
		return 0
	}
	return min(b.Few, b.batch)
}

func (b *backend) Close() error {
	b.pool.close()
	for _, free := range b.free {
		free()
	}
	b.free = nil
	return nil
}

// Memory is what a backend holds beside the model's file, in bytes.
type Memory struct {
	Weights int64 `json:"weights"` // ternary matrices in tiles
	Screen  int64 `json:"screen"`  // four-bit codes of the head
	Cache   int64 `json:"cache"`   // keys and values
	Scratch int64 `json:"scratch"` // intermediates of a batch, rotations
}

// Total returns all of it.
func (m Memory) Total() int64 { return m.Weights + m.Screen + m.Cache + m.Scratch }

// MemoryFor returns the memory of a backend with these options, none of them 0.
func MemoryFor(m *weights.Model, opt compute.Options) (mem Memory) {
	path, err := pickPath()
	if err != nil { // New says so
		path = new(kernel.Path)
	}
	for i := range m.Layers {
		for _, t := range m.Layers[i].Tensors() {
			mem.Weights += int64(tiles(t.Rows)) * 4 * int64(tileWords(path, t.Cols))
		}
	}
	if os.Getenv("BITNET_HEAD") != "full" {
		rows := int64(tiles(m.VocabSize) * kernel.TileRows)
		mem.Screen = rows * (int64(m.Hidden)/2 + 4*4)
	}
	heads, kv := m.Heads*m.HeadDim, m.KVHeads*m.HeadDim
	mem.Cache = 2 * 2 * int64(m.Blocks) * int64(opt.Slots) * int64(opt.Context) * int64(kv)
	width := max(m.Hidden, m.FFN, heads)
	row := 4*(m.Hidden+max(m.Hidden, m.DenseWidth())+2*heads+2*kv+2*m.FFN) + width
	worker := 9*width + kernel.TileRows*(width/4+m.Hidden) // a tile of a matrix, and the codes of one of the screen
	if path.TritsMat != nil {
		worker += kernel.TileRows*width/4 + kernel.TritsMatRoom + 2*matGroup*kernel.TileRows*4
	}
	rotations, spread := 2*4*int64(opt.Context)*int64(m.HeadDim/2), int64(0)
	if opt.Threads > 1 && m.KVHeads < 4*opt.Threads {
		spread = int64(opt.Context+kernel.Chunk-1) / kernel.Chunk * int64(4*heads+8*m.Heads)
	}
	mem.Scratch = rotations + spread + int64(opt.Batch)*int64(row) + int64(opt.Threads)*int64(worker)
	return mem
}
