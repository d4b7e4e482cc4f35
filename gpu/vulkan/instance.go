//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

// #cgo linux LDFLAGS: -ldl
// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"encoding/hex"
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"
)

// libraryName is what drivers install, and not the link that only their
// development packages have.
var libraryName = map[string]string{"linux": "libvulkan.so.1", "windows": "vulkan-1.dll"}[runtime.GOOS]

// loadLibrary opens the library, once for the process: drivers do not like to
// be unloaded.
var loadLibrary = sync.OnceValue(func() error { return load(libraryName) })

func load(name string) error {
	s := C.CString(name)
	defer C.free(unsafe.Pointer(s))
	if why := C.shim_load(s); why != nil {
		return fmt.Errorf("vulkan: no library: %s: %w", C.GoString(why), compute.ErrUnavailable)
	}
	return nil
}

// A physical is a device that was found.
type physical struct {
	handle C.VkPhysicalDevice
	facts  C.facts
	info   driver.Info
	reject error // why it cannot be used at all
}

// find opens an instance and lists its devices. The caller frees the instance.
func find() (*C.instance, []physical, error) {
	if err := loadLibrary(); err != nil {
		return nil, nil, err
	}
	var in *C.instance
	if err := check(C.shim_instance_new(&in)); err != nil {
		return nil, nil, err
	}
	n := C.uint32_t(64)
	handles := make([]C.VkPhysicalDevice, n)
	if err := check(C.shim_devices(in, &n, &handles[0])); err != nil {
		C.shim_instance_free(in)
		return nil, nil, err
	}
	found := make([]physical, n)
	for i := range found {
		found[i] = describe(in, handles[i])
	}
	return in, found, nil
}

func describe(in *C.instance, handle C.VkPhysicalDevice) physical {
	p := physical{handle: handle}
	f := &p.facts
	C.shim_facts(in, handle, f)
	p.info = driver.Info{
		API:      "Vulkan " + version(f.api),
		Device:   C.GoString(&f.name[0]),
		Driver:   driverName(f),
		ID:       hex.EncodeToString(C.GoBytes(unsafe.Pointer(&f.uuid[0]), C.int(len(f.uuid)))),
		Type:     deviceType(int(f._type)),
		Subgroup: int(f.subgroup),
		Dot:      f.dot != 0,
		FastDot:  f.dot != 0 && f.fast_dot != 0,
		Limits:   limits(&f.limits),
	}
	if p.reject = usable(f, p.info.Limits); p.reject != nil {
		return p
	}
	types, err := typesOf(f, ^uint32(0))
	if err != nil {
		p.reject = err
		return p
	}
	heap := f.type_of[types.local].heapIndex
	p.info.Memory = int64(f.heap_of[heap].size)
	p.info.Free = freeOf(in, handle, f, int(heap), 0)
	p.info.Unified = p.info.Type == driver.Integrated || p.info.Type == driver.Software
	return p
}

// typesOf is pickTypes of a device's.
func typesOf(f *C.facts, bits uint32) (memoryTypes, error) {
	types := make([]memoryType, f.types)
	for i := range types {
		types[i] = memoryType{int(f.type_of[i].propertyFlags), int(f.type_of[i].heapIndex)}
	}
	heaps := make([]int64, f.heaps)
	for i := range heaps {
		heaps[i] = int64(f.heap_of[i].size)
	}
	return pickTypes(types, heaps, bits)
}

func version(v C.uint32_t) string {
	return fmt.Sprintf("%d.%d.%d", v>>22&0x7f, v>>12&0x3ff, v&0xfff)
}

// driverName is what the driver calls itself, or where it does not the number
// of its version as it stands, since every maker splits it in its own way.
func driverName(f *C.facts) string {
	if f.driver[0] == 0 {
		return fmt.Sprintf("version %#x", uint32(f.driver_version))
	}
	return C.GoString(&f.driver[0]) + " " + C.GoString(&f.driver_info[0])
}

func deviceType(t int) driver.Type {
	types := map[int]driver.Type{1: driver.Integrated, 2: driver.Discrete, 3: driver.Virtual, 4: driver.Software}
	if known, ok := types[t]; ok {
		return known
	}
	return driver.Other
}

func limits(l *C.VkPhysicalDeviceLimits) driver.Limits {
	lim := driver.Limits{
		Range:     int(l.maxStorageBufferRange) &^ 3,
		Align:     int(max(l.minStorageBufferOffsetAlignment, 4)),
		Bindings:  min(int(l.maxPerStageDescriptorStorageBuffers), 32),
		Params:    min(int(l.maxPushConstantsSize)/4, 64),
		GroupSize: int(min(l.maxComputeWorkGroupInvocations, l.maxComputeWorkGroupSize[0])),
		Shared:    int(l.maxComputeSharedMemorySize),
	}
	for i, n := range l.maxComputeWorkGroupCount {
		lim.Groups[i] = int(n)
	}
	return lim
}

// usable says what a device lacks that every device of version 1.1 should have.
func usable(f *C.facts, lim driver.Limits) error {
	least := driver.Least
	switch {
	case f.api < 1<<22|1<<12:
		return fmt.Errorf("vulkan: version %s, 1.1 is needed: %w", version(f.api), compute.ErrUnavailable)
	case f.queue_family < 0:
		return fmt.Errorf("vulkan: no compute queue: %w", compute.ErrUnavailable)
	case lim.Range < least.Range, lim.Align > least.Align, lim.Bindings < least.Bindings, lim.Params < least.Params,
		lim.GroupSize < least.GroupSize, lim.Shared < least.Shared,
		lim.Groups[0] < least.Groups[0], lim.Groups[1] < least.Groups[1], lim.Groups[2] < least.Groups[2]:
		return fmt.Errorf("vulkan: limits %+v, needed are %+v: %w", lim, least, compute.ErrUnavailable)
	}
	return nil
}
