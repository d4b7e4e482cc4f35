//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"errors"
	"fmt"
	"unsafe"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"
	"bitnet-gpu/shaders"

	vk "github.com/vulkan-go/vulkan"
)

// device is a driver.Device.
type device struct {
	physical vk.PhysicalDevice
	handle   vk.Device
	queue    vk.Queue
	commands vk.CommandPool
	facts    facts
	info     driver.Info
	types    memoryTypes

	pools [32]*pool // by memory type
	taken [16]int64 // bytes allocated of each heap

	begin     vk.CommandBufferBeginInfo // of every recording
	pipelines map[*shaders.Kernel]*pipeline
	cache     pipelineCache
	lists     map[*driver.List]*recorded
	fence     fence
	ring      ring // on its way to memory that the host does not see

	fault  driver.Fault
	closed bool
	lost   error // of the call that found the device gone
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

func open(opt Options) (*device, error) {
	fault, err := driver.FaultFromEnv()
	if err != nil {
		return nil, err
	}
	if err := acquire(); err != nil {
		return nil, err
	}
	d, err := openBest(opt)
	if err != nil {
		release()
		return nil, err
	}
	d.fault = fault
	return d, nil
}

// openBest tries the next best device where one cannot be opened.
func openBest(opt Options) (*device, error) {
	found, err := find()
	if err != nil {
		return nil, err
	}
	for {
		i, err := driver.Chosen("vulkan", candidates(found, opt))
		if err != nil {
			return nil, err
		}
		d, err := newDevice(found[i])
		if err == nil {
			return d, nil
		}
		found[i].reject = err
	}
}

func newDevice(p physical) (*device, error) {
	d := &device{
		physical:  p.handle,
		facts:     p.facts,
		info:      p.info,
		pipelines: map[*shaders.Kernel]*pipeline{},
		lists:     map[*driver.List]*recorded{},
	}
	if err := d.create(); err != nil {
		return nil, err
	}
	if err := d.start(); err != nil {
		d.destroy()
		return nil, err
	}
	return d, nil
}

// create makes the device itself, with one queue and the extensions that it has
// of those that are used.
func (d *device) create() error {
	names, free := cStrings(d.extensions())
	defer free()
	var handle vk.Device
	r := C.shim_device_new(raw(d.physical), C.uint32_t(d.facts.queueFamily), truth(d.facts.dot), &names[0], C.uint32_t(len(names)-1), out(&handle))
	if err := check("vkCreateDevice", vk.Result(r)); err != nil {
		return err
	}
	d.handle = handle
	var queue vk.Queue
	vk.GetDeviceQueue(handle, uint32(d.facts.queueFamily), 0, &queue)
	d.queue = queue
	return nil
}

// cStrings returns C's copies of strings, and a null behind them.
func cStrings(list []string) (copies []*C.char, free func()) {
	copies = make([]*C.char, len(list)+1)
	for i, s := range list {
		copies[i] = C.CString(s)
	}
	return copies, func() {
		for _, s := range copies {
			C.free(unsafe.Pointer(s))
		}
	}
}

func (d *device) extensions() (names []string) {
	if d.facts.dot && d.facts.dotExtension {
		names = append(names, dotExtension)
	}
	if d.facts.budget {
		names = append(names, budgetExtension)
	}
	return names
}

// start makes what every device has.
func (d *device) start() error {
	info := vk.CommandPoolCreateInfo{
		SType:            vk.StructureTypeCommandPoolCreateInfo,
		Flags:            vk.CommandPoolCreateFlags(vk.CommandPoolCreateResetCommandBufferBit),
		QueueFamilyIndex: uint32(d.facts.queueFamily),
	}
	defer info.Free()
	var pool vk.CommandPool
	if err := check("vkCreateCommandPool", vk.CreateCommandPool(d.handle, &info, nil, &pool)); err != nil {
		return err
	}
	d.commands = pool
	d.begin.SType = vk.StructureTypeCommandBufferBeginInfo
	var err error
	if d.fence, err = d.newFence(); err != nil {
		return err
	}
	b, need, err := d.newVkBuffer(granule) // the types that can hold buffers are the same for all
	if err != nil {
		return err
	}
	vk.DestroyBuffer(d.handle, b, nil)
	if d.types, err = pickTypes(d.facts.types, d.facts.heaps, need.MemoryTypeBits); err != nil {
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
func (d *device) check(call string, r vk.Result) error { return d.note(check(call, r)) }

func (d *device) note(err error) error {
	if errors.Is(err, compute.ErrLost) {
		d.lost = err
	}
	return err
}

// submit hands a command buffer to the device, to signal the fence behind it.
func (d *device) submit(commands vk.CommandBuffer, f fence) error {
	if d.lost != nil {
		return d.lost
	}
	if d.fault.Hit("lost") {
		d.lost = fmt.Errorf("vulkan: injected fault: %w", compute.ErrLost)
		return d.lost
	}
	return d.check("vkQueueSubmit", vk.Result(C.shim_submit(raw(d.queue), raw(commands), raw(f[0]))))
}

// Close implements driver.Device.
func (d *device) Close() error {
	if d.closed {
		return nil
	}
	d.destroy()
	release()
	d.closed, d.lost = true, fmt.Errorf("vulkan: device is closed: %w", compute.ErrLost)
	return nil
}

// destroy frees all but the instance. Vulkan passes over what was never made.
func (d *device) destroy() {
	vk.DeviceWaitIdle(d.handle)
	for l := range d.lists {
		d.Forget(l)
	}
	d.ring.free(d)
	for _, p := range d.pipelines {
		p.free(d)
	}
	vk.DestroyPipelineCache(d.handle, d.cache.handle, nil)
	for _, p := range d.pools {
		for p != nil && len(p.blocks) > 0 {
			p.drop(p.blocks[0])
		}
	}
	d.fence.free(d)
	d.begin.Free()
	vk.DestroyCommandPool(d.handle, d.commands, nil)
	vk.DestroyDevice(d.handle, nil)
}
