//go:build cgo && opengl && (linux || windows)

package opengl

// #include "shim.h"
import "C"

import (
	"fmt"
	"strings"
	"unsafe"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/shaders"
)

// Load implements driver.Device. What has to be compiled is begun all together,
// since drivers that have threads for it work side by side.
func (d *device) Load(kernels ...*shaders.Kernel) error {
	if d.lost != nil {
		return d.lost
	}
	for _, k := range kernels {
		if err := d.supports(k); err != nil {
			return fmt.Errorf("kernel %s: %w", k.Name, err)
		}
	}
	return d.thread.do(func() error {
		begun := map[*shaders.Kernel]C.GLuint{}
		for _, k := range kernels {
			if d.programs[k] != 0 || begun[k] != 0 {
				continue
			}
			if p := d.cache.program(d, k); p != 0 {
				d.programs[k] = p
				continue
			}
			s := []byte(source(k))
			begun[k] = C.ogl_program_start(d.c, (*C.char)(unsafe.Pointer(&s[0])), C.GLint(len(s)))
		}
		return d.end(begun)
	})
}

// end waits for what was begun, and returns one of the errors.
func (d *device) end(begun map[*shaders.Kernel]C.GLuint) (err error) {
	log := make([]byte, 4096)
	for k, p := range begun {
		clear(log)
		if e := d.check(C.ogl_program_end(d.c, p, (*C.char)(unsafe.Pointer(&log[0])), C.GLsizei(len(log)))); e != nil {
			text, _, _ := strings.Cut(string(log), "\x00")
			err = fmt.Errorf("kernel %s: %w: %s", k.Name, e, strings.Join(strings.Fields(text), " "))
			C.ogl_program_free(d.c, p)
			continue
		}
		d.programs[k] = p
		d.cache.add(d, k, p)
	}
	if len(begun) > 0 {
		d.cache.save()
	}
	return err
}

// source is a kernel's text with its constants behind the line of the version.
func source(k *shaders.Kernel) string {
	version, rest, _ := strings.Cut(k.Source, "\n")
	var b strings.Builder
	b.WriteString(version + "\n")
	for _, c := range k.Consts {
		fmt.Fprintf(&b, "#define %s %du\n", c.Name, c.Value)
	}
	b.WriteString(rest)
	return b.String()
}

// supports says whether the device has what a kernel needs.
func (d *device) supports(k *shaders.Kernel) error {
	lim := d.info.Limits
	switch {
	case !strings.HasPrefix(k.Source, "#version ") || len(k.Consts) == 0:
		panic(fmt.Sprintf("BUG: kernel %s: %d bytes of source, %d constants", k.Name, len(k.Source), len(k.Consts)))
	case k.Dot:
		return fmt.Errorf("OpenGL has no integer dot product: %w", compute.ErrUnavailable)
	case k.GroupSize() > lim.GroupSize:
		return fmt.Errorf("work groups of %d, the device has %d: %w", k.GroupSize(), lim.GroupSize, compute.ErrUnavailable)
	case len(k.Bindings) > lim.Bindings:
		return fmt.Errorf("%d bindings, the device has %d: %w", len(k.Bindings), lim.Bindings, compute.ErrUnavailable)
	case k.Params > lim.Params:
		return fmt.Errorf("%d parameters, the device has %d: %w", k.Params, lim.Params, compute.ErrUnavailable)
	}
	return nil
}
