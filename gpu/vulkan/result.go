//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

import (
	"fmt"

	"bitnet-gpu/engine/compute"

	vk "github.com/vulkan-go/vulkan"
)

// results names the codes that a call may fail with, and what they mean to a
// caller.
var results = map[vk.Result]struct {
	text string
	kind error
}{
	vk.ErrorOutOfHostMemory:      {"out of host memory", compute.ErrMemory},
	vk.ErrorOutOfDeviceMemory:    {"out of device memory", compute.ErrMemory},
	vk.ErrorInitializationFailed: {"initialisation failed", compute.ErrUnavailable},
	vk.ErrorDeviceLost:           {"device lost", compute.ErrLost},
	vk.ErrorMemoryMapFailed:      {"memory map failed", compute.ErrMemory},
	vk.ErrorLayerNotPresent:      {"layer not present", compute.ErrUnavailable},
	vk.ErrorExtensionNotPresent:  {"extension not present", compute.ErrUnavailable},
	vk.ErrorFeatureNotPresent:    {"feature not present", compute.ErrUnavailable},
	vk.ErrorIncompatibleDriver:   {"incompatible driver", compute.ErrUnavailable},
	vk.ErrorTooManyObjects:       {"too many objects", compute.ErrMemory},
	vk.ErrorFragmentedPool:       {"fragmented pool", compute.ErrMemory},
	vk.ErrorOutOfPoolMemory:      {"out of pool memory", compute.ErrMemory},
}

// check returns nil or the error of a failed call. Codes that are not listed
// say nothing to go by, and the device is not to be trusted: compute.ErrLost.
func check(call string, r vk.Result) error {
	if r == vk.Success {
		return nil
	}
	known, ok := results[r]
	if !ok {
		known.text, known.kind = fmt.Sprintf("error %d", r), compute.ErrLost
	}
	return fmt.Errorf("vulkan: %s: %s: %w", call, known.text, known.kind)
}
