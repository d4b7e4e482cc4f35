//go:build cgo && opengl && (linux || windows)

package opengl

// #include "shim.h"
import "C"

import (
	"fmt"

	"bitnet-gpu/engine/compute"
)

// results names the errors that a call may end with, and what they mean to a
// caller.
var results = map[uint32]struct {
	text string
	kind error
}{
	C.MISSING: {"is not there", compute.ErrUnavailable},
	C.RESET:   {"the device was reset", compute.ErrLost},
	C.WAIT:    {"the wait failed", compute.ErrLost},

	0x0505: {"out of memory", compute.ErrMemory},
	0x0507: {"context lost", compute.ErrLost},

	C.GL_LINK_STATUS: {"failed", compute.ErrUnavailable},

	// Of EGL.
	0x3001: {"not initialised", compute.ErrUnavailable},
	0x3003: {"out of memory", compute.ErrUnavailable},
	0x3004: {"bad attribute", compute.ErrUnavailable},
	0x3005: {"bad configuration", compute.ErrUnavailable},
	0x3008: {"bad display", compute.ErrUnavailable},
	0x3009: {"bad match", compute.ErrUnavailable},
	0x300C: {"bad parameter", compute.ErrUnavailable},
	0x300E: {"context lost", compute.ErrLost},
}

// check returns nil or the error of a failed call. Codes that are not listed
// say nothing to go by, and the device is not to be trusted: compute.ErrLost.
func check(r C.result) error {
	if r.code == 0 {
		return nil
	}
	known, ok := results[uint32(r.code)]
	if !ok {
		known.text, known.kind = fmt.Sprintf("error %#x", uint32(r.code)), compute.ErrLost
	}
	return fmt.Errorf("opengl: %s: %s: %w", C.GoString(r.call), known.text, known.kind)
}
