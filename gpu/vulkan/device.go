//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

// #include "shim.h"
import "C"

import (
	"errors"
	"fmt"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"
	"bitnet-gpu/shaders"
)

// device is a driver.Device.
type device struct {
	in       *C.instance
	physical C.VkPhysicalDevice
	c        *C.device
	facts    C.facts
	info     driver.Info
	types    memoryTypes

	pools [32]*pool // by memory type
	taken [16]int64 // bytes allocated of each heap

	pipelines map[*shaders.Kernel]C.pipeline
	cache     pipelineCache
	lists     map[*driver.List]*recorded
	fence     C.VkFence
	ring      ring // on its way to memory that the host does not see

	fault driver.Fault
	lost  error // of the call that found the device gone
}

// Open opens the best device there is, see Devices. compute.ErrUnavailable:
// there is no library, or no device to use.
func Open(opt Options) (driver.Device, error) {
	d, err := open(opt)
	if err != nil {
		return nil, err // and not a nil *device in an interface
	}
	return d, nil
}

// open tries the next best device where one cannot be opened.
func open(opt Options) (*device, error) {
	fault, err := driver.FaultFromEnv()
	if err != nil {
		return nil, err
	}
	in, found, err := find()
	if err != nil {
		return nil, err
	}
	for {
		i, err := driver.Chosen("vulkan", candidates(found, opt))
		if err != nil {
			C.shim_instance_free(in)
			return nil, err
		}
		d, err := newDevice(in, found[i])
		if err == nil {
			d.fault = fault
			return d, nil
		}
		found[i].reject = err
	}
}

func newDevice(in *C.instance, p physical) (*device, error) {
	d := &device{
		in:        in,
		physical:  p.handle,
		facts:     p.facts,
		info:      p.info,
		pipelines: map[*shaders.Kernel]C.pipeline{},
		lists:     map[*driver.List]*recorded{},
	}
	if err := check(C.shim_device_new(in, p.handle, &d.facts, &d.c)); err != nil {
		return nil, err
	}
	if err := d.start(); err != nil {
		d.destroy()
		return nil, err
	}
	return d, nil
}

// start makes what every device has.
func (d *device) start() error {
	if err := check(C.shim_fence_new(d.c, &d.fence)); err != nil {
		return err
	}
	var b C.VkBuffer
	var need C.VkMemoryRequirements // the types that can hold buffers are the same for all
	if err := check(C.shim_buffer_new(d.c, granule, &b, &need)); err != nil {
		return err
	}
	C.shim_block_free(d.c, C.block{buffer: b})
	var err error
	if d.types, err = typesOf(&d.facts, uint32(need.memoryTypeBits)); err != nil {
		return err
	}
	return d.cache.open(d)
}

// Info implements driver.Device.
func (d *device) Info() driver.Info {
	info := d.info
	info.Free = d.free(d.pool(d.types.local).heap)
	return info
}

// check is check, and remembers when the device is lost.
func (d *device) check(r C.result) error { return d.note(check(r)) }

func (d *device) note(err error) error {
	if errors.Is(err, compute.ErrLost) {
		d.lost = err
	}
	return err
}

// submit hands a command buffer to the device, to signal the fence behind it.
func (d *device) submit(commands C.VkCommandBuffer, fence C.VkFence) error {
	if d.lost != nil {
		return d.lost
	}
	if d.fault.Hit("lost") {
		d.lost = fmt.Errorf("vulkan: injected fault: %w", compute.ErrLost)
		return d.lost
	}
	return d.check(C.shim_submit(d.c, commands, fence))
}

// Close implements driver.Device.
func (d *device) Close() error {
	if d.c == nil {
		return nil
	}
	d.destroy()
	C.shim_instance_free(d.in)
	d.c, d.lost = nil, fmt.Errorf("vulkan: device is closed: %w", compute.ErrLost)
	return nil
}

// destroy frees all but the instance.
func (d *device) destroy() {
	C.shim_idle(d.c)
	for l := range d.lists {
		d.Forget(l)
	}
	d.ring.free(d)
	for _, p := range d.pipelines {
		C.shim_pipeline_free(d.c, p)
	}
	d.cache.free(d)
	for _, p := range d.pools {
		for p != nil && len(p.blocks) > 0 {
			p.drop(p.blocks[0])
		}
	}
	C.shim_fence_free(d.c, d.fence)
	C.shim_device_free(d.c)
}
