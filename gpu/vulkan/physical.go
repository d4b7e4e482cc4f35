//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

// #include "shim.h"
import "C"

import (
	"encoding/hex"
	"fmt"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"

	vk "github.com/vulkan-go/vulkan"
)

// A physical is a device that was found.
type physical struct {
	handle vk.PhysicalDevice
	facts  facts
	info   driver.Info
	reject error // why it cannot be used at all
}

// find lists the devices of the instance, which its caller has acquired.
func find() ([]physical, error) {
	n := uint32(64)
	handles := make([]vk.PhysicalDevice, n)
	r := vk.EnumeratePhysicalDevices(instance.handle, &n, handles)
	if err := check("vkEnumeratePhysicalDevices", r); err != nil && r != vk.Incomplete {
		return nil, err
	}
	found := make([]physical, n)
	for i := range found {
		found[i] = describe(handles[i])
	}
	return found, nil
}

func describe(handle vk.PhysicalDevice) physical {
	p := physical{handle: handle, facts: ask(handle)}
	f := &p.facts
	p.info = driver.Info{
		API:      "Vulkan " + vk.Version(f.api).String(),
		Device:   f.name,
		Driver:   f.driver,
		ID:       hex.EncodeToString(f.uuid[:]),
		Type:     deviceType(f.kind),
		Subgroup: int(f.subgroup),
		Dot:      f.dot,
		FastDot:  f.dot && f.fastDot,
		Limits:   f.limits,
	}
	if p.reject = usable(f); p.reject != nil {
		return p
	}
	types, err := pickTypes(f.types, f.heaps, ^uint32(0))
	if err != nil {
		p.reject = err
		return p
	}
	heap := f.types[types.local].heap
	p.info.Memory = f.heaps[heap]
	p.info.Free = freeOf(handle, f, heap, 0)
	p.info.Unified = p.info.Type == driver.Integrated || p.info.Type == driver.Software
	return p
}

func deviceType(t vk.PhysicalDeviceType) driver.Type {
	switch t {
	case vk.PhysicalDeviceTypeIntegratedGpu:
		return driver.Integrated
	case vk.PhysicalDeviceTypeDiscreteGpu:
		return driver.Discrete
	case vk.PhysicalDeviceTypeVirtualGpu:
		return driver.Virtual
	case vk.PhysicalDeviceTypeCpu:
		return driver.Software
	}
	return driver.Other
}

// usable says what a device lacks that every device of version 1.1 should have.
func usable(f *facts) error {
	least, lim := driver.Least, f.limits
	switch {
	case f.api < vk.MakeVersion(1, 1, 0):
		return fmt.Errorf("vulkan: version %s, 1.1 is needed: %w", vk.Version(f.api), compute.ErrUnavailable)
	case f.queueFamily < 0:
		return fmt.Errorf("vulkan: no compute queue: %w", compute.ErrUnavailable)
	case lim.Range < least.Range, lim.Align > least.Align, lim.Bindings < least.Bindings, lim.Params < least.Params,
		lim.GroupSize < least.GroupSize, lim.Shared < least.Shared,
		lim.Groups[0] < least.Groups[0], lim.Groups[1] < least.Groups[1], lim.Groups[2] < least.Groups[2]:
		return fmt.Errorf("vulkan: limits %+v, needed are %+v: %w", lim, least, compute.ErrUnavailable)
	}
	return nil
}

// freeOf returns how many bytes of a heap may still be allocated: what the driver
// says, or four fifths of the heap without what was taken.
func freeOf(p vk.PhysicalDevice, f *facts, heap int, taken int64) int64 {
	if !f.budget {
		return f.heaps[heap]/5*4 - taken
	}
	var heaps [32]C.uint64_t
	C.shim_budget(raw(p), &heaps[0])
	return max(int64(heaps[heap])-int64(heaps[16+heap]), 0)
}
