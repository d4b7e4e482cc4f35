//go:build cgo && opengl && (linux || windows)

package opengl

// #include "context.h"
import "C"

import (
	"errors"
	"fmt"

	"github.com/go-gl/gl/v4.3-core/gl"

	"bitnet-gpu/engine/compute"
)

// failures names what a call may end with, and what it means to a caller.
var failures = map[uint32]struct {
	text string
	kind error
}{
	C.MISSING: {"is not there", compute.ErrUnavailable},

	gl.OUT_OF_MEMORY: {"out of memory", compute.ErrMemory},
	gl.CONTEXT_LOST:  {"context lost", compute.ErrLost},

	gl.GUILTY_CONTEXT_RESET:   {"the device was reset", compute.ErrLost},
	gl.INNOCENT_CONTEXT_RESET: {"the device was reset", compute.ErrLost},
	gl.UNKNOWN_CONTEXT_RESET:  {"the device was reset", compute.ErrLost},

	gl.LINK_STATUS: {"failed", compute.ErrUnavailable},
	gl.WAIT_FAILED: {"the wait failed", compute.ErrLost},

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

// failure returns the error of a failed call. Codes that are not listed say
// nothing to go by, and the device is not to be trusted: compute.ErrLost.
func failure(call string, code uint32) error {
	known, ok := failures[code]
	if !ok {
		known.text, known.kind = fmt.Sprintf("error %#x", code), compute.ErrLost
	}
	return fmt.Errorf("opengl: %s: %s: %w", call, known.text, known.kind)
}

// check returns the first error since the last check, which it says is the
// call's, and remembers when the device is lost.
func (d *device) check(call string) error {
	if code := d.code(call); code != 0 {
		return d.fail(call, code)
	}
	return nil
}

func (d *device) fail(call string, code uint32) error {
	err := failure(call, code)
	if errors.Is(err, compute.ErrLost) {
		d.lost = err
	}
	return err
}

// code returns the first error since the last time, or 0. The driver keeps
// several, and a lost context may keep them for ever.
func (d *device) code(call string) (code uint32) {
	if d.context.resetStatus != nil {
		code = d.context.resetStatus()
	}
	for range 16 {
		next := gl.GetError()
		if code == 0 {
			code = next
		}
		if next == 0 {
			break
		}
	}
	if d.inject != nil {
		code = d.inject(call, code)
	}
	return code
}
