//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

// #include "shim.h"
import "C"

import (
	"fmt"
	"unsafe"

	"bitnet-gpu/gpu/driver"
)

// recorded is what the device keeps of a list: a command buffer, recorded once
// and submitted at each run.
type recorded struct {
	buffer   C.VkCommandBuffer
	sets     C.VkDescriptorPool
	commands []C.command
	words    []uint32      // the parameters of all dispatches, as recorded
	queries  C.VkQueryPool // as recorded
	staging  *buffer       // uploads and downloads, or nil
	offsets  []int         // of a command's data in it
	fresh    bool          // not yet recorded
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
	if err := d.check(C.shim_commands_new(d.c, &r.buffer)); err != nil {
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
func (r *recorded) describe(d *device, l *driver.List) ([]C.VkDescriptorSet, error) {
	var layouts []C.VkDescriptorSetLayout
	var counts []C.uint32_t
	var infos []C.VkDescriptorBufferInfo
	for _, c := range l.Commands {
		c, ok := c.(driver.Dispatch)
		if !ok {
			continue
		}
		p, ok := d.pipelines[c.Kernel]
		if !ok {
			panic(fmt.Sprintf("BUG: list %s: kernel %s was not loaded", l.Label, c.Kernel.Name))
		}
		layouts = append(layouts, p.set_layout)
		counts = append(counts, C.uint32_t(len(c.Buffers)))
		for _, b := range c.Buffers {
			handle, offset := place(b)
			infos = append(infos, C.VkDescriptorBufferInfo{buffer: handle, offset: offset, _range: C.VkDeviceSize(b.Size)})
		}
	}
	if len(layouts) == 0 {
		return nil, nil
	}
	infos = append(infos, C.VkDescriptorBufferInfo{}) // so that there is a first
	sets := make([]C.VkDescriptorSet, len(layouts))
	var pool C.VkDescriptorPool
	if err := d.check(C.shim_sets_new(d.c, C.uint32_t(len(layouts)), &layouts[0], &counts[0], &infos[0], &pool, &sets[0])); err != nil {
		return nil, err
	}
	r.sets = pool
	return sets, nil
}

// place returns where a range lies for Vulkan.
func place(r driver.Range) (C.VkBuffer, C.VkDeviceSize) {
	b := r.Buffer.(*buffer)
	if b.block == nil {
		panic("BUG: buffer " + b.label + " was released")
	}
	return b.block.c.buffer, C.VkDeviceSize(b.offset + r.Offset)
}

// translate makes the commands. Before the first stands a barrier behind all
// that was submitted earlier, and behind downloads one before the host.
func (r *recorded) translate(d *device, l *driver.List, sets []C.VkDescriptorSet) {
	const device = C.STAGE_COMPUTE | C.STAGE_TRANSFER
	r.commands = append(r.commands, C.command{from: device, to: device | C.STAGE_INDIRECT})
	barriers := l.Barriers()
	downloads := false
	for i, c := range l.Commands {
		o := C.command{from: C.uint32_t(barriers[i].From), to: C.uint32_t(barriers[i].To)}
		switch c := c.(type) {
		case driver.Upload:
			o.src, o.src_offset = r.staging.block.c.buffer, C.uint64_t(r.staging.offset+r.offsets[i])
			o.dst, o.dst_offset = place(c.To)
			o.size = C.uint64_t(c.To.Size)
		case driver.Download:
			o.src, o.src_offset = place(c.From)
			o.dst, o.dst_offset = r.staging.block.c.buffer, C.uint64_t(r.staging.offset+r.offsets[i])
			o.size = C.uint64_t(c.From.Size)
			downloads = true
		case driver.Dispatch:
			p := d.pipelines[c.Kernel]
			o.pipeline, o.layout, o.set = p.pipeline, p.layout, sets[0]
			sets = sets[1:]
			o.params, o.nparams = C.uint32_t(len(r.words)), C.uint32_t(len(c.Params))
			r.words = append(r.words, c.Params...)
			if c.Indirect.Buffer != nil {
				o.indirect, o.indirect_offset = place(c.Indirect)
			}
			for i, n := range c.Groups {
				o.groups[i] = C.uint32_t(n)
			}
		}
		r.commands = append(r.commands, o)
	}
	if downloads {
		r.commands = append(r.commands, C.command{from: C.STAGE_TRANSFER, to: C.STAGE_HOST})
	}
}

// gatherParams reads the parameters of all dispatches, and says whether they
// are not as they were recorded.
func (r *recorded) gatherParams(l *driver.List) (changed bool) {
	words := r.words
	for _, c := range l.Commands {
		if c, ok := c.(driver.Dispatch); ok {
			for i, p := range c.Params {
				changed = changed || words[i] != p
				words[i] = p
			}
			words = words[len(c.Params):]
		}
	}
	return changed || r.fresh
}

func (r *recorded) record(d *device, queries C.VkQueryPool) error {
	r.fresh = true
	words := append(r.words, 0) // so that there is a first
	err := d.check(C.shim_record(d.c, r.buffer, &r.commands[0], C.uint32_t(len(r.commands)), (*C.uint32_t)(unsafe.Pointer(&words[0])), queries))
	if err != nil {
		return err
	}
	r.queries = queries
	r.fresh = queries != 0 // the queries end with their run
	return nil
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
	C.shim_sets_free(d.c, r.sets)
	if r.buffer != nil {
		C.shim_commands_free(d.c, r.buffer)
	}
}
