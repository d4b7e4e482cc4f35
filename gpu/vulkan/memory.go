//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

import (
	"fmt"
	"slices"
	"unsafe"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"

	vk "github.com/vulkan-go/vulkan"
)

// Memory comes in blocks that grow with what there is already, each under one
// VkBuffer; a buffer is part of a block, or has its own if it is large. Few
// allocations are kind to drivers, which may allow no more than 4096 in all.
const (
	smallestBlock = 16 << 20
	largestBlock  = 128 << 20 // shared by several buffers
	largeBuffer   = largestBlock / 4
)

// A pool is all memory of one of the device's memory types.
type pool struct {
	d      *device
	kind   int  // index of the memory type
	heap   int  // the heap it comes from
	mapped bool // the host sees it
	blocks []*block
}

// A block is memory under one buffer of Vulkan's.
type block struct {
	buffer vk.Buffer
	memory vk.DeviceMemory
	size   int
	arena  arena
	bytes  []byte // its memory, where mapped
}

// buffer is a driver.Buffer.
type buffer struct {
	pool   *pool
	block  *block
	label  string
	offset int // in the block
	size   int
}

func (b *buffer) Label() string { return b.label }
func (b *buffer) Size() int     { return b.size }

// bytes is the buffer's memory; only where the pool is mapped.
func (b *buffer) bytes() []byte { return b.block.bytes[b.offset:][:b.size] }

func (b *buffer) Release() {
	if b.block == nil || b.pool.d.closed { // released, or its device closed
		return
	}
	b.block.arena.give(b.offset, b.size)
	if b.block.arena.whole(b.block.size) {
		b.pool.drop(b.block)
	}
	b.block = nil
}

func (b *buffer) Write(offset int, data []byte) error {
	if offset < 0 || offset > b.size-len(data) || (offset|len(data))%4 != 0 {
		panic(fmt.Sprintf("BUG: write of [%d:%d] to buffer %s, which has %d bytes", offset, offset+len(data), b.label, b.size))
	}
	if err := b.pool.d.lost; err != nil {
		return err
	}
	if b.pool.mapped {
		copy(b.bytes()[offset:], data)
		return nil
	}
	return b.pool.d.stage(b, offset, data)
}

// take makes a buffer in the first block with room, or in a new one.
func (p *pool) take(label string, size int) (*buffer, error) {
	if p.d.lost != nil {
		return nil, p.d.lost
	}
	if p.d.fault.Hit("oom") {
		return nil, fmt.Errorf("vulkan: injected fault: buffer %s: %w", label, compute.ErrMemory)
	}
	for _, b := range p.blocks {
		if offset, ok := b.arena.take(size); ok {
			return &buffer{p, b, label, offset, size}, nil
		}
	}
	b, err := p.grow(roundUp(size))
	if err != nil {
		return nil, fmt.Errorf("buffer %s of %d MiB: %w", label, size>>20, err)
	}
	offset, _ := b.arena.take(size)
	return &buffer{p, b, label, offset, size}, nil
}

// grow adds a block with room for need bytes: for a small buffer one as large as
// all there are, within the bounds, or just large enough where such a one is not
// to be had.
func (p *pool) grow(need int) (*block, error) {
	have := 0
	for _, b := range p.blocks {
		have += b.size
	}
	size := need
	if need < largeBuffer {
		size = max(need, min(max(have, smallestBlock), largestBlock))
	}
	b, err := p.allocate(size)
	if err != nil && size > need && p.d.lost == nil {
		b, err = p.allocate(need)
	}
	if err != nil {
		return nil, err
	}
	p.blocks = append(p.blocks, b)
	return b, nil
}

func (p *pool) allocate(size int) (*block, error) {
	if largest := p.d.facts.maxAllocation; size > largest {
		return nil, fmt.Errorf("vulkan: the device allocates at most %d MiB at once: %w", largest>>20, compute.ErrMemory)
	}
	if free := p.d.free(p.heap); int64(size) > free {
		return nil, fmt.Errorf("vulkan: %d MiB free: %w", free>>20, compute.ErrMemory)
	}
	b := &block{size: size, arena: newArena(size)}
	if err := p.fill(b); err != nil {
		b.free(p.d)
		return nil, err
	}
	p.d.taken[p.heap] += int64(size)
	return b, nil
}

// fill makes a block's buffer and the memory behind it. Where it fails, what was
// made stands in the block.
func (p *pool) fill(b *block) error {
	handle, need, err := p.d.newVkBuffer(b.size)
	if err != nil {
		return err
	}
	b.buffer = handle
	if need.MemoryTypeBits&(1<<p.kind) == 0 {
		return fmt.Errorf("vulkan: memory type %d holds no buffers: %w", p.kind, compute.ErrUnavailable)
	}
	info := vk.MemoryAllocateInfo{
		SType:           vk.StructureTypeMemoryAllocateInfo,
		AllocationSize:  need.Size,
		MemoryTypeIndex: uint32(p.kind),
	}
	defer info.Free()
	var memory vk.DeviceMemory
	if err := p.d.check("vkAllocateMemory", vk.AllocateMemory(p.d.handle, &info, nil, &memory)); err != nil {
		return err
	}
	b.memory = memory
	if err := p.d.check("vkBindBufferMemory", vk.BindBufferMemory(p.d.handle, handle, memory, 0)); err != nil {
		return err
	}
	if !p.mapped {
		return nil
	}
	var mapped unsafe.Pointer
	if err := p.d.check("vkMapMemory", vk.MapMemory(p.d.handle, memory, 0, need.Size, 0, &mapped)); err != nil {
		return err
	}
	b.bytes = unsafe.Slice((*byte)(mapped), b.size)
	return nil
}

// newVkBuffer makes a buffer without memory, and says what memory it needs.
func (d *device) newVkBuffer(size int) (b vk.Buffer, need vk.MemoryRequirements, err error) {
	info := vk.BufferCreateInfo{
		SType: vk.StructureTypeBufferCreateInfo,
		Size:  vk.DeviceSize(size),
		Usage: vk.BufferUsageFlags(vk.BufferUsageStorageBufferBit | vk.BufferUsageTransferSrcBit |
			vk.BufferUsageTransferDstBit | vk.BufferUsageIndirectBufferBit),
	}
	defer info.Free()
	if err := d.check("vkCreateBuffer", vk.CreateBuffer(d.handle, &info, nil, &b)); err != nil {
		return b, need, err
	}
	vk.GetBufferMemoryRequirements(d.handle, b, &need)
	need.Deref()
	need.Free()
	return b, need, nil
}

func (p *pool) drop(b *block) {
	p.blocks = slices.DeleteFunc(p.blocks, func(o *block) bool { return o == b })
	p.d.taken[p.heap] -= int64(b.size)
	b.free(p.d)
}

func (b *block) free(d *device) {
	b.bytes = nil
	vk.DestroyBuffer(d.handle, b.buffer, nil)
	vk.FreeMemory(d.handle, b.memory, nil) // unmaps it
}

// NewBuffer implements driver.Device.
func (d *device) NewBuffer(label string, size int, use driver.Use) (driver.Buffer, error) {
	if size <= 0 || size%4 != 0 {
		panic(fmt.Sprintf("BUG: buffer %s of %d bytes", label, size))
	}
	kind := d.types.local
	if use == driver.Host {
		kind = d.types.host
	}
	b, err := d.pool(kind).take(label, size)
	if err != nil {
		return nil, err // and not a nil *buffer in an interface
	}
	return b, nil
}

// pool returns the pool of a memory type.
func (d *device) pool(kind int) *pool {
	if d.pools[kind] == nil {
		t := d.facts.types[kind]
		d.pools[kind] = &pool{d: d, kind: kind, heap: t.heap, mapped: t.flags&seen == seen}
	}
	return d.pools[kind]
}

// free is freeOf a heap of the device.
func (d *device) free(heap int) int64 { return freeOf(d.physical, &d.facts, heap, d.taken[heap]) }
