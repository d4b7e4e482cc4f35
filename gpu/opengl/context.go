//go:build cgo && opengl && (linux || windows)

package opengl

// #cgo linux LDFLAGS: -ldl
// #cgo windows LDFLAGS: -lgdi32
// #include <stdlib.h>
// #include "context.h"
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"github.com/go-gl/gl/v4.3-core/gl"

	"bitnet-gpu/engine/compute"
)

var libraryName = map[string]string{"linux": "libEGL.so.1", "windows": "opengl32.dll"}[runtime.GOOS]

// loadLibrary opens the library, once for the process: drivers do not like to
// be unloaded.
var loadLibrary = sync.OnceValue(func() error { return load(libraryName) })

func load(name string) error {
	s := C.CString(name)
	defer C.free(unsafe.Pointer(s))
	if why := C.ogl_load(s); why != nil {
		return fmt.Errorf("opengl: no library: %s: %w", C.GoString(why), compute.ErrUnavailable)
	}
	return nil
}

// A place is where a context can be made.
type place struct{ platform, index int }

// places returns the places of each platform.
func places() [][]place {
	devices := []place{}
	for i := range int(C.ogl_devices()) {
		devices = append(devices, place{C.PLATFORM_DEVICE, i})
	}
	return [][]place{devices, {{C.PLATFORM_SURFACELESS, 0}}, {{C.PLATFORM_DEFAULT, 0}}}
}

// A context is OpenGL's state, and what is known of its device. All calls of
// package gl go to the one that is current in their thread.
type context struct {
	c *C.context
	facts
}

// newContext makes a context, current in the calling thread.
func newContext(p place) (*context, error) {
	var c *C.context
	if r := C.ogl_context_new(C.int(p.platform), C.int(p.index), &c); r.code != 0 {
		return nil, unavailable(failure(C.GoString(r.call), uint32(r.code)))
	}
	x := &context{c: c}
	callable, missing := loadFunctions()
	if callable {
		x.facts = ask()
	}
	if missing != nil && (!callable || x.supported()) {
		x.free()
		return nil, fmt.Errorf("opengl: %s is not there: %w", missing, compute.ErrUnavailable)
	}
	return x, nil
}

func (x *context) free() { C.ogl_context_free(x.c) }

// unavailable makes an error before there is a device one of having none.
func unavailable(err error) error {
	if errors.Is(err, compute.ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%v: %w", err, compute.ErrUnavailable)
}

// loadFunctions looks up OpenGL's functions, once for the process: package gl
// keeps one set of them. EGL has them serve all contexts; Windows has them serve
// all of one pixel format, and ours have one.
var loadFunctions = sync.OnceValues(func() (callable bool, missing error) { return lookUp(function) })

// lookUp returns the first function of version 4.3 that is missing. Older ones
// are callable in spite of it, so that it can be said which version there is:
// package gl stops at what is missing, so once more, with a function that every
// version has in the place of each that is missing.
func lookUp(function func(name string) unsafe.Pointer) (callable bool, missing error) {
	bufferSubData, getBufferSubData = function("glBufferSubData"), function("glGetBufferSubData")
	if missing = gl.InitWithProcAddrFunc(function); missing == nil {
		return true, nil
	}
	again := gl.InitWithProcAddrFunc(func(name string) unsafe.Pointer {
		if f := function(name); f != nil {
			return f
		}
		return function("glGetError")
	})
	return again == nil, missing
}

// function returns the address of a function of OpenGL, or nil.
func function(name string) unsafe.Pointer {
	s := C.CString(name)
	defer C.free(unsafe.Pointer(s))
	return C.ogl_proc(s)
}

// failContext has the n-th call that makes a context fail, for tests.
func failContext(n int) { C.ogl_fail_at = C.int(n) }
