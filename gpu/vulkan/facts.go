//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"fmt"
	"unsafe"

	"bitnet-gpu/gpu/driver"

	vk "github.com/vulkan-go/vulkan"
)

// facts describe a physical device.
type facts struct {
	api, driverVersion, vendorID, deviceID uint32

	kind            vk.PhysicalDeviceType
	name, driver    string
	uuid, cacheUUID [vk.UuidSize]byte

	limits          driver.Limits
	timestampPeriod float32 // nanoseconds of a tick
	timestampBits   uint32
	queueFamily     int // -1: none computes
	maxAllocation   int // bytes

	subgroup     uint32
	dot, fastDot bool // integer dot product
	roundsToEven bool // float32 rounding mode may be asked for
	budget       bool // the driver says what of its memory is free
	dotExtension bool // dot must be enabled by its name
	types        []memoryType
	heaps        []int64 // bytes
}

// Extensions that are used where the device has them.
const (
	driverExtension = "VK_KHR_driver_properties"
	dotExtension    = "VK_KHR_shader_integer_dot_product"
	budgetExtension = "VK_EXT_memory_budget"
)

// ask asks all of a device whose version is high enough, and of others their
// names.
func ask(p vk.PhysicalDevice) facts {
	f := facts{queueFamily: -1}
	var base vk.PhysicalDeviceProperties
	vk.GetPhysicalDeviceProperties(p, &base)
	f.base(&base)
	base.Free()
	if f.api < vk.MakeVersion(1, 1, 0) {
		return f
	}
	usable := min(f.api, instance.version)
	floats, core := usable >= vk.MakeVersion(1, 2, 0), usable >= vk.MakeVersion(1, 3, 0)
	dots := core || has(p, dotExtension)
	f.dotExtension = dots && !core
	f.budget = has(p, budgetExtension)
	f.properties(p, floats || has(p, driverExtension), floats, dots)
	f.queueFamily = int(C.shim_compute_queue(raw(p), (*C.uint32_t)(&f.timestampBits)))
	f.memory(p)
	return f
}

func has(p vk.PhysicalDevice, extension string) bool {
	s := C.CString(extension)
	defer C.free(unsafe.Pointer(s))
	return C.shim_has_extension(raw(p), s) != 0
}

func (f *facts) base(p *vk.PhysicalDeviceProperties) {
	p.Deref()
	p.Limits.Deref()
	f.api, f.driverVersion, f.vendorID, f.deviceID = p.ApiVersion, p.DriverVersion, p.VendorID, p.DeviceID
	f.kind, f.name, f.cacheUUID = p.DeviceType, vk.ToString(p.DeviceName[:]), p.PipelineCacheUUID
	f.limits, f.timestampPeriod = limits(&p.Limits), p.Limits.TimestampPeriod
	// Until the driver says what it is called: its version as it stands, since
	// every maker splits that number in its own way.
	f.driver = fmt.Sprintf("version %#x", f.driverVersion)
}

func limits(l *vk.PhysicalDeviceLimits) driver.Limits {
	lim := driver.Limits{
		Range:     int(l.MaxStorageBufferRange) &^ 3,
		Align:     int(max(l.MinStorageBufferOffsetAlignment, 4)),
		Bindings:  min(int(l.MaxPerStageDescriptorStorageBuffers), 32),
		Params:    min(int(l.MaxPushConstantsSize)/4, 64),
		GroupSize: int(min(l.MaxComputeWorkGroupInvocations, l.MaxComputeWorkGroupSize[0])),
		Shared:    int(l.MaxComputeSharedMemorySize),
	}
	for i, n := range l.MaxComputeWorkGroupCount {
		lim.Groups[i] = int(n)
	}
	return lim
}

// properties asks what came to Vulkan after its first version; driver, floats and
// dots say which of it the device can be asked.
func (f *facts) properties(p vk.PhysicalDevice, driver, floats, dots bool) {
	// The binding makes a chain from its end: each structure is C's once it is
	// referred to.
	id := vk.PhysicalDeviceIDProperties{SType: vk.StructureTypePhysicalDeviceIdProperties}
	defer id.Free()
	idRef, _ := id.PassRef()
	subgroup := vk.PhysicalDeviceSubgroupProperties{SType: vk.StructureTypePhysicalDeviceSubgroupProperties, PNext: unsafe.Pointer(idRef)}
	defer subgroup.Free()
	subgroupRef, _ := subgroup.PassRef()
	m3 := vk.PhysicalDeviceMaintenance3Properties{SType: vk.StructureTypePhysicalDeviceMaintenance3Properties, PNext: unsafe.Pointer(subgroupRef)}
	defer m3.Free()
	m3Ref, _ := m3.PassRef()
	names := vk.PhysicalDeviceDriverProperties{SType: vk.StructureTypePhysicalDeviceDriverProperties, PNext: unsafe.Pointer(m3Ref)}
	defer names.Free()
	namesRef, _ := names.PassRef()
	head := vk.PhysicalDeviceProperties2{SType: vk.StructureTypePhysicalDeviceProperties2, PNext: unsafe.Pointer(m3Ref)}
	if driver {
		head.PNext = unsafe.Pointer(namesRef)
	}
	defer head.Free()
	headRef, _ := head.PassRef()

	var newer C.newer
	C.shim_properties(raw(p), unsafe.Pointer(headRef), truth(floats), truth(dots), &newer)
	id.Deref()
	subgroup.Deref()
	m3.Deref()
	names.Deref()
	f.uuid, f.subgroup, f.maxAllocation = id.DeviceUUID, subgroup.SubgroupSize, int(min(m3.MaxMemoryAllocationSize, 1<<62))
	if name := vk.ToString(names.DriverName[:]); name != "" {
		f.driver = name + " " + vk.ToString(names.DriverInfo[:])
	}
	f.dot, f.fastDot, f.roundsToEven = newer.dot != 0, newer.fast_dot != 0, newer.rte != 0
}

func truth(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

func (f *facts) memory(p vk.PhysicalDevice) {
	var m vk.PhysicalDeviceMemoryProperties
	vk.GetPhysicalDeviceMemoryProperties(p, &m)
	defer m.Free()
	m.Deref()
	for i := range m.MemoryTypeCount {
		t := &m.MemoryTypes[i]
		t.Deref()
		f.types = append(f.types, memoryType{vk.MemoryPropertyFlagBits(t.PropertyFlags), int(t.HeapIndex)})
	}
	for i := range m.MemoryHeapCount {
		h := &m.MemoryHeaps[i]
		h.Deref()
		f.heaps = append(f.heaps, int64(h.Size))
	}
}
