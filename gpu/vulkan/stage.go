//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

import (
	"bitnet-gpu/gpu/driver"

	vk "github.com/vulkan-go/vulkan"
)

// stageSize is how much one transfer carries: the host fills one part while
// the device copies the other.
const stageSize = 16 << 20

// A ring is two parts of staging memory, used in turn.
type ring struct {
	parts [2]part
	next  int
}

type part struct {
	memory   *buffer            // nil until first used
	commands []vk.CommandBuffer // one
	fence    fence
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
func (p *part) ready(d *device) (err error) {
	if p.busy {
		p.busy = false
		return p.fence.wait(d)
	}
	if p.memory != nil {
		return nil
	}
	if p.fence, err = d.newFence(); err != nil {
		return err
	}
	if p.commands, err = d.newCommands(); err != nil {
		return err
	}
	p.memory, err = d.pool(d.types.staging).take("staging", stageSize)
	return err
}

func (p *part) send(d *device, b *buffer, offset, n int) error {
	c := command{
		barrier: newBarrier(driver.Barrier{From: driver.Transfer | driver.Compute, To: driver.Transfer}),
		src:     p.memory.block.buffer, srcOffset: vk.DeviceSize(p.memory.offset),
		dst: b.block.buffer, dstOffset: vk.DeviceSize(b.offset + offset),
		size: vk.DeviceSize(n),
	}
	if err := d.record(p.commands[0], []command{c}, vk.NullQueryPool); err != nil {
		return err
	}
	if err := d.submit(p.commands[0], p.fence); err != nil {
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
		p.fence.free(d)
		*p = part{} // the command buffers go with their pool
	}
}
