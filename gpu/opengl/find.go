//go:build cgo && opengl && (linux || windows)

package opengl

// #cgo linux LDFLAGS: -ldl
// #cgo windows LDFLAGS: -lgdi32
// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"unsafe"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"
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

// A found is a device that was found.
type found struct {
	place  place
	info   driver.Info
	reject error // why it cannot be used at all
}

// find lists the devices. A platform is asked only where no one before it has a
// device to use that is more than software: of the same hardware one would give
// another name, another driver, or none.
func find() ([]found, error) {
	if err := loadLibrary(); err != nil {
		return nil, err
	}
	var all []found
	var problems []error
	for _, platform := range places() {
		var some []found
		for _, p := range platform {
			f, err := describe(p)
			if err != nil {
				problems = append(problems, err)
			} else if !slices.ContainsFunc(all, func(o found) bool { return o.info.ID == f.info.ID }) {
				some = append(some, f)
			}
		}
		all = append(all, some...)
		if slices.ContainsFunc(some, func(f found) bool { return f.reject == nil && f.info.Type != driver.Software }) {
			break
		}
	}
	if len(all) == 0 && len(problems) > 0 {
		return nil, problems[0]
	}
	return all, nil
}

// places returns the places of each platform.
func places() [][]place {
	devices := []place{}
	for i := range int(C.ogl_devices()) {
		devices = append(devices, place{C.PLATFORM_DEVICE, i})
	}
	return [][]place{devices, {{C.PLATFORM_SURFACELESS, 0}}, {{C.PLATFORM_DEFAULT, 0}}}
}

// describe makes a context for a moment.
func describe(p place) (f found, err error) {
	t := newThread()
	defer t.stop()
	err = t.do(func() error {
		c, facts, err := newContext(p)
		if err != nil {
			return err
		}
		defer C.ogl_context_free(c)
		f = found{place: p, info: newInfo(facts), reject: usable(facts)}
		return nil
	})
	return f, err
}

// newContext makes a context current in the calling thread.
func newContext(p place) (*C.context, *C.facts, error) {
	var c *C.context
	if err := check(C.ogl_context_new(C.int(p.platform), C.int(p.index), &c)); err != nil {
		return nil, nil, unavailable(err)
	}
	facts := new(C.facts)
	if err := check(C.ogl_facts(c, facts)); err != nil {
		C.ogl_context_free(c)
		return nil, nil, unavailable(err)
	}
	return c, facts, nil
}

// unavailable makes an error before there is a device one of having none.
func unavailable(err error) error {
	if errors.Is(err, compute.ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%v: %w", err, compute.ErrUnavailable)
}

func newInfo(f *C.facts) driver.Info {
	vendor, renderer, version := C.GoString(&f.vendor[0]), C.GoString(&f.renderer[0]), C.GoString(&f.version[0])
	_, maker, ok := strings.Cut(version, " ") // behind the number is what the maker likes
	if !ok {
		maker = vendor
	}
	id := sha256.Sum256([]byte(vendor + "\n" + renderer))
	return driver.Info{
		API:    fmt.Sprintf("OpenGL %d.%d", f.major, f.minor),
		Device: renderer,
		Driver: maker,
		ID:     hex.EncodeToString(id[:8]),
		Type:   deviceType(renderer),
		Memory: int64(f.memory),
		Free:   int64(f.free),
		Limits: limits(f),
	}
}

// deviceType tells software by the names it is known by. More OpenGL does not
// tell.
func deviceType(renderer string) driver.Type {
	lower := strings.ToLower(renderer)
	for _, name := range []string{"llvmpipe", "softpipe", "swr", "swrast", "software", "basic render", "gdi generic", "swiftshader"} {
		if strings.Contains(lower, name) {
			return driver.Software
		}
	}
	return driver.Other
}

func limits(f *C.facts) driver.Limits {
	lim := driver.Limits{
		Range:     int(min(int64(f._range), math.MaxInt32)) &^ 255,
		Align:     int(max(f.align, 4)),
		Bindings:  min(int(f.bindings), C.MAX_BINDINGS),
		Params:    64, // of the 4096 words that a uniform block has at least
		GroupSize: int(f.group_size),
		Shared:    int(f.shared),
	}
	for i, n := range f.groups {
		lim.Groups[i] = int(n)
	}
	return lim
}

// least is what every driver of version 4.3 should have: driver.Least, but for
// the ranges.
var least = func() driver.Limits {
	l := driver.Least
	l.Range = 16 << 20
	return l
}()

func usable(f *C.facts) error {
	lim := limits(f)
	switch {
	case f.major < 4 || f.major == 4 && f.minor < 3:
		return fmt.Errorf("opengl: version %d.%d, 4.3 is needed: %w", f.major, f.minor, compute.ErrUnavailable)
	case lim.Range < least.Range, lim.Align > least.Align, lim.Bindings < least.Bindings,
		lim.GroupSize < least.GroupSize, lim.Shared < least.Shared,
		lim.Groups[0] < least.Groups[0], lim.Groups[1] < least.Groups[1], lim.Groups[2] < least.Groups[2]:
		return fmt.Errorf("opengl: limits %+v, needed are %+v: %w", lim, least, compute.ErrUnavailable)
	}
	return nil
}
