//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

// #include "shim.h"
import "C"

// stageSize is how much one transfer carries: the host fills one part while
// the device copies the other.
const stageSize = 16 << 20

// A ring is two parts of staging memory, used in turn.
type ring struct {
	parts [2]part
	next  int
}

type part struct {
	memory   *buffer // nil until first used
	commands C.VkCommandBuffer
	fence    C.VkFence
	busy     bool // the device may be copying from it
}

// stage copies data to a buffer that the host does not see. The device may
// still be copying when it returns; every list starts behind that.
func (d *device) stage(b *buffer, offset int, data []byte) error {
	for len(data) > 0 {
		p := &d.ring.parts[d.ring.next]
		d.ring.next ^= 1
		if err := p.ready(d); err != nil {
			return err
		}
		n := copy(p.memory.bytes(), data)
		if err := p.send(d, b, offset, n); err != nil {
			return err
		}
		offset, data = offset+n, data[n:]
	}
	return nil
}

// ready waits until the part may be written.
func (p *part) ready(d *device) error {
	if p.busy {
		p.busy = false
		return d.check(C.shim_wait(d.c, p.fence))
	}
	if p.memory != nil {
		return nil
	}
	if err := d.check(C.shim_fence_new(d.c, &p.fence)); err != nil {
		return err
	}
	if err := d.check(C.shim_commands_new(d.c, &p.commands)); err != nil {
		return err
	}
	memory, err := d.pool(d.types.staging).take("staging", stageSize)
	if err != nil {
		return err
	}
	p.memory = memory
	return nil
}

func (p *part) send(d *device, b *buffer, offset, n int) error {
	c := C.command{
		from: C.STAGE_TRANSFER | C.STAGE_COMPUTE, to: C.STAGE_TRANSFER,
		src: p.memory.block.c.buffer, src_offset: C.uint64_t(p.memory.offset),
		dst: b.block.c.buffer, dst_offset: C.uint64_t(b.offset + offset),
		size: C.uint64_t(n),
	}
	if err := d.check(C.shim_record(d.c, p.commands, &c, 1, nil, 0)); err != nil {
		return err
	}
	if err := d.submit(p.commands, p.fence); err != nil {
		return err
	}
	p.busy = true
	return nil
}

func (r *ring) free(d *device) {
	for i := range r.parts {
		p := &r.parts[i]
		if p.memory != nil {
			p.memory.Release()
		}
		C.shim_fence_free(d.c, p.fence)
		*p = part{} // the command buffers go with their pool
	}
}
