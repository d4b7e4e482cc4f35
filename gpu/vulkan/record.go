//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

// #include "shim.h"
import "C"

import (
	"fmt"
	"runtime"
	"slices"

	"bitnet-gpu/gpu/driver"

	vk "github.com/vulkan-go/vulkan"
)

// recorded is what the device keeps of a list: a command buffer, recorded once
// and submitted at each run.
type recorded struct {
	buffer   []vk.CommandBuffer // one
	sets     vk.DescriptorPool
	commands []command
	queries  vk.QueryPool // as recorded
	staging  *buffer      // uploads and downloads, or nil
	offsets  []int        // of a command's data in it
	fresh    bool         // not yet recorded
}

// A command is a copy where size is not 0, and a dispatch where it has a
// pipeline, behind a barrier if it has one. Neither is a barrier alone.
type command struct {
	barrier barrier

	src, dst             vk.Buffer
	srcOffset, dstOffset vk.DeviceSize
	size                 vk.DeviceSize

	pipeline       *pipeline
	set            []vk.DescriptorSet // one
	params         []uint32           // as recorded
	groups         [3]uint32
	indirect       vk.Buffer // null: groups counts
	indirectOffset vk.DeviceSize
}

// recorded returns the list as recorded, or prepares it.
func (d *device) recorded(l *driver.List) (*recorded, error) {
	if d.lost != nil {
		return nil, d.lost
	}
	if r, ok := d.lists[l]; ok {
		return r, nil
	}
	if err := l.Check(d.info.Limits); err != nil {
		panic("BUG: " + err.Error())
	}
	r := &recorded{fresh: true}
	if err := r.prepare(d, l); err != nil {
		r.free(d)
		return nil, err
	}
	d.lists[l] = r
	return r, nil
}

func (r *recorded) prepare(d *device, l *driver.List) error {
	var err error
	if r.buffer, err = d.newCommands(); err != nil {
		return err
	}
	if err := r.reserve(d, l); err != nil {
		return err
	}
	sets, err := r.describe(d, l)
	if err != nil {
		return err
	}
	r.translate(d, l, sets)
	return nil
}

// newCommands makes a command buffer, as the slice of one that its freeing takes.
func (d *device) newCommands() ([]vk.CommandBuffer, error) {
	info := vk.CommandBufferAllocateInfo{
		SType:              vk.StructureTypeCommandBufferAllocateInfo,
		CommandPool:        d.commands,
		Level:              vk.CommandBufferLevelPrimary,
		CommandBufferCount: 1,
	}
	defer info.Free()
	b := make([]vk.CommandBuffer, 1)
	if err := d.check("vkAllocateCommandBuffers", vk.AllocateCommandBuffers(d.handle, &info, b)); err != nil {
		return nil, err
	}
	return b, nil
}

// reserve takes staging memory for all uploads and downloads.
func (r *recorded) reserve(d *device, l *driver.List) error {
	size := 0
	r.offsets = make([]int, len(l.Commands))
	for i, c := range l.Commands {
		r.offsets[i] = size
		switch c := c.(type) {
		case driver.Upload:
			size += len(c.Data)
		case driver.Download:
			size += len(c.Data)
		}
	}
	if size == 0 {
		return nil
	}
	var err error
	r.staging, err = d.pool(d.types.staging).take("staging of list "+l.Label, size)
	return err
}

// describe makes the descriptor sets, one for each dispatch in turn.
func (r *recorded) describe(d *device, l *driver.List) ([]vk.DescriptorSet, error) {
	var layouts []vk.DescriptorSetLayout
	var ranges [][]C.buffer_range
	buffers := 1 // a pool of none is not allowed
	for _, c := range l.Commands {
		c, ok := c.(driver.Dispatch)
		if !ok {
			continue
		}
		p, ok := d.pipelines[c.Kernel]
		if !ok {
			panic(fmt.Sprintf("BUG: list %s: kernel %s was not loaded", l.Label, c.Kernel.Name))
		}
		layouts = append(layouts, p.set)
		ranges = append(ranges, rangesOf(c.Buffers))
		buffers += len(c.Buffers)
	}
	if len(layouts) == 0 {
		return nil, nil
	}
	r0 := C.shim_descriptor_pool_new(raw(d.handle), C.uint32_t(len(layouts)), C.uint32_t(buffers), out(&r.sets))
	if err := d.check("vkCreateDescriptorPool", vk.Result(r0)); err != nil {
		return nil, err
	}
	sets, err := d.newSets(r.sets, layouts)
	if err != nil {
		return nil, err
	}
	for i, s := range sets {
		if n := len(ranges[i]); n > 0 {
			C.shim_write_set(raw(d.handle), raw(s), C.uint32_t(n), &ranges[i][0])
		}
	}
	return sets, nil
}

func rangesOf(buffers []driver.Range) []C.buffer_range {
	ranges := make([]C.buffer_range, len(buffers))
	for i, b := range buffers {
		handle, offset := place(b)
		ranges[i] = C.buffer_range{raw(handle), C.uint64_t(offset), C.uint64_t(b.Size)}
	}
	return ranges
}

func (d *device) newSets(pool vk.DescriptorPool, layouts []vk.DescriptorSetLayout) ([]vk.DescriptorSet, error) {
	var pin runtime.Pinner // the binding hands C its address within a structure
	defer pin.Unpin()
	pin.Pin(&layouts[0])
	info := vk.DescriptorSetAllocateInfo{
		SType:              vk.StructureTypeDescriptorSetAllocateInfo,
		DescriptorPool:     pool,
		DescriptorSetCount: uint32(len(layouts)),
		PSetLayouts:        layouts,
	}
	defer info.Free()
	sets := make([]vk.DescriptorSet, len(layouts))
	return sets, d.check("vkAllocateDescriptorSets", vk.AllocateDescriptorSets(d.handle, &info, &sets[0]))
}

// place returns where a range lies for Vulkan.
func place(r driver.Range) (vk.Buffer, vk.DeviceSize) {
	b := r.Buffer.(*buffer)
	if b.block == nil {
		panic("BUG: buffer " + b.label + " was released")
	}
	return b.block.buffer, vk.DeviceSize(b.offset + r.Offset)
}

// translate makes the commands. Before the first stands a barrier behind all
// that was submitted earlier, and behind downloads one before the host.
func (r *recorded) translate(d *device, l *driver.List, sets []vk.DescriptorSet) {
	const device = driver.Compute | driver.Transfer
	r.commands = append(r.commands, command{barrier: newBarrier(driver.Barrier{From: device, To: device | driver.Indirect})})
	barriers := l.Barriers()
	downloads := false
	for i, c := range l.Commands {
		o := command{barrier: newBarrier(barriers[i])}
		switch c := c.(type) {
		case driver.Upload:
			o.src, o.srcOffset = r.staged(i)
			o.dst, o.dstOffset = place(c.To)
			o.size = vk.DeviceSize(c.To.Size)
		case driver.Download:
			o.src, o.srcOffset = place(c.From)
			o.dst, o.dstOffset = r.staged(i)
			o.size = vk.DeviceSize(c.From.Size)
			downloads = true
		case driver.Dispatch:
			p := d.pipelines[c.Kernel]
			o.pipeline, o.params = p, slices.Clone(c.Params)
			o.set, sets = sets[:1:1], sets[1:]
			if c.Indirect.Buffer != nil {
				o.indirect, o.indirectOffset = place(c.Indirect)
			}
			for i, n := range c.Groups {
				o.groups[i] = uint32(n)
			}
		}
		r.commands = append(r.commands, o)
	}
	if downloads {
		r.commands = append(r.commands, command{barrier: beforeHost})
	}
}

// staged returns where the data of command i lie.
func (r *recorded) staged(i int) (vk.Buffer, vk.DeviceSize) {
	return r.staging.block.buffer, vk.DeviceSize(r.staging.offset + r.offsets[i])
}

// gatherParams reads the parameters of all dispatches, and says whether they
// are not as they were recorded.
func (r *recorded) gatherParams(l *driver.List) (changed bool) {
	for i, c := range l.Commands {
		if c, ok := c.(driver.Dispatch); ok {
			recorded := r.commands[i+1].params // the command before the first is a barrier
			changed = changed || !slices.Equal(recorded, c.Params)
			copy(recorded, c.Params)
		}
	}
	return changed || r.fresh
}

func (r *recorded) upload(l *driver.List) {
	for i, c := range l.Commands {
		if c, ok := c.(driver.Upload); ok {
			copy(r.staging.bytes()[r.offsets[i]:], c.Data)
		}
	}
}

func (r *recorded) download(l *driver.List) {
	for i, c := range l.Commands {
		if c, ok := c.(driver.Download); ok {
			copy(c.Data, r.staging.bytes()[r.offsets[i]:])
		}
	}
}

// Forget implements driver.Device.
func (d *device) Forget(l *driver.List) {
	if r, ok := d.lists[l]; ok {
		delete(d.lists, l)
		r.free(d)
	}
}

func (r *recorded) free(d *device) {
	if r.staging != nil {
		r.staging.Release()
	}
	vk.DestroyDescriptorPool(d.handle, r.sets, nil)
	if r.buffer != nil {
		vk.FreeCommandBuffers(d.handle, d.commands, 1, r.buffer)
	}
}
