//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

import (
	"fmt"

	"bitnet-gpu/engine/compute"

	vk "github.com/vulkan-go/vulkan"
)

// Properties of a memory type.
const (
	deviceLocal = vk.MemoryPropertyDeviceLocalBit
	hostVisible = vk.MemoryPropertyHostVisibleBit
	coherent    = vk.MemoryPropertyHostCoherentBit
	cached      = vk.MemoryPropertyHostCachedBit
	ordinary    = deviceLocal | hostVisible | coherent | cached // others are for special purposes

	seen = hostVisible | coherent // the host may read and write it as it stands
)

type memoryType struct {
	flags vk.MemoryPropertyFlagBits
	heap  int
}

// memoryTypes are the memory types for each purpose.
type memoryTypes struct {
	local   int // driver.Local: in the largest heap of the device's own, seen by the host if that heap can be
	host    int // driver.Host: not of the device's own, where there is such
	staging int // of the host, cached, to be read back from
}

// pickTypes chooses among a device's memory types, given the heaps' sizes and a
// bit for each type that can hold buffers. Where several serve, the
// specification puts the fastest first.
func pickTypes(types []memoryType, heaps []int64, bits uint32) (m memoryTypes, err error) {
	largest := -1 // heap
	for i, t := range types {
		if bits&(1<<i) != 0 && t.flags&deviceLocal != 0 && (largest < 0 || heaps[t.heap] > heaps[largest]) {
			largest = t.heap
		}
	}
	first := func(want, without vk.MemoryPropertyFlagBits, heap int) int {
		for i, t := range types {
			if bits&(1<<i) != 0 && t.flags&want == want && t.flags&without == 0 && t.flags&^ordinary == 0 && (heap < 0 || t.heap == heap) {
				return i
			}
		}
		return -1
	}
	m.local = firstOf(first(deviceLocal|seen, 0, largest), first(deviceLocal, 0, largest))
	m.host = firstOf(first(seen, deviceLocal, -1), first(seen, 0, -1))
	m.staging = firstOf(first(seen|cached, deviceLocal, -1), first(seen|cached, 0, -1), m.host)
	if m.local < 0 || m.host < 0 {
		return m, fmt.Errorf("vulkan: no usable memory types: %w", compute.ErrUnavailable)
	}
	return m, nil
}

func firstOf(candidates ...int) int {
	for _, c := range candidates {
		if c >= 0 {
			return c
		}
	}
	return -1
}
