//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

// #include "shim.h"
import "C"

import (
	"fmt"

	"bitnet-gpu/engine/compute"
)

// results names the codes that a call may fail with, and what they mean to a
// caller.
var results = map[int]struct {
	text string
	kind error
}{
	-1:          {"out of host memory", compute.ErrMemory},
	-2:          {"out of device memory", compute.ErrMemory},
	-3:          {"initialisation failed", compute.ErrUnavailable},
	-4:          {"device lost", compute.ErrLost},
	-5:          {"memory map failed", compute.ErrMemory},
	-6:          {"layer not present", compute.ErrUnavailable},
	-7:          {"extension not present", compute.ErrUnavailable},
	-8:          {"feature not present", compute.ErrUnavailable},
	-9:          {"incompatible driver", compute.ErrUnavailable},
	-10:         {"too many objects", compute.ErrMemory},
	-12:         {"fragmented pool", compute.ErrMemory},
	-1000069000: {"out of pool memory", compute.ErrMemory},
}

// check returns nil or the error of a failed call. Codes that are not listed
// say nothing to go by, and the device is not to be trusted: compute.ErrLost.
func check(r C.result) error {
	if r.code == C.VK_SUCCESS {
		return nil
	}
	known, ok := results[int(r.code)]
	if !ok {
		known.text, known.kind = fmt.Sprintf("error %d", r.code), compute.ErrLost
	}
	return fmt.Errorf("vulkan: %s: %s: %w", C.GoString(r.call), known.text, known.kind)
}
