//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

// #include "shim.h"
import "C"

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/shaders"
)

// Load implements driver.Device. Kernels are compiled side by side: that is
// most of the time a start takes.
func (d *device) Load(kernels ...*shaders.Kernel) error {
	if d.lost != nil {
		return d.lost
	}
	var todo []*shaders.Kernel
	for _, k := range kernels {
		if _, ok := d.pipelines[k]; ok {
			continue
		}
		if err := d.supports(k); err != nil {
			return fmt.Errorf("kernel %s: %w", k.Name, err)
		}
		todo = append(todo, k)
	}
	made := make([]C.pipeline, len(todo))
	errs := make([]error, len(todo))
	var wg sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, k := range todo {
		slots <- struct{}{}
		wg.Go(func() {
			errs[i] = check(d.compile(k, &made[i]))
			<-slots
		})
	}
	wg.Wait()
	return d.keep(todo, made, errs)
}

// keep takes over what was compiled, and returns the first error.
func (d *device) keep(kernels []*shaders.Kernel, made []C.pipeline, errs []error) error {
	var first error
	for i, k := range kernels {
		_, twice := d.pipelines[k]
		switch {
		case errs[i] == nil && twice:
			C.shim_pipeline_free(d.c, made[i])
		case errs[i] == nil:
			d.pipelines[k] = made[i]
		case first == nil:
			first = fmt.Errorf("kernel %s: %w", k.Name, d.note(errs[i]))
		}
	}
	if first == nil && len(kernels) > 0 {
		d.cache.save(d)
	}
	return first
}

// supports says whether the device has what a kernel needs.
func (d *device) supports(k *shaders.Kernel) error {
	lim := d.info.Limits
	switch {
	case len(k.SPIRV) < 20 || len(k.SPIRV)%4 != 0 || len(k.Consts) == 0 || len(k.Consts) > 32:
		panic(fmt.Sprintf("BUG: kernel %s: %d bytes of SPIR-V, %d constants", k.Name, len(k.SPIRV), len(k.Consts)))
	case k.Dot && !d.info.Dot:
		return fmt.Errorf("the device has no integer dot product: %w", compute.ErrUnavailable)
	case k.GroupSize() > lim.GroupSize:
		return fmt.Errorf("work groups of %d, the device has %d: %w", k.GroupSize(), lim.GroupSize, compute.ErrUnavailable)
	case len(k.Bindings) > lim.Bindings:
		return fmt.Errorf("%d bindings, the device has %d: %w", len(k.Bindings), lim.Bindings, compute.ErrUnavailable)
	case k.Params > lim.Params:
		return fmt.Errorf("%d parameters, the device has %d: %w", k.Params, lim.Params, compute.ErrUnavailable)
	}
	return nil
}

// compile uses nothing of d that changes: it runs on several threads.
func (d *device) compile(k *shaders.Kernel, out *C.pipeline) C.result {
	code := make([]uint32, len(k.SPIRV)/4)
	for i := range code {
		code[i] = binary.LittleEndian.Uint32(k.SPIRV[4*i:])
	}
	if d.facts.rte != 0 {
		code = roundToEven(code)
	}
	consts := make([]uint32, len(k.Consts))
	for i, c := range k.Consts {
		consts[i] = c.Value
	}
	var p C.pipeline
	r := C.shim_pipeline_new(d.c, d.cache.handle, (*C.uint32_t)(unsafe.Pointer(&code[0])), C.size_t(len(code)),
		C.uint32_t(len(k.Bindings)), C.uint32_t(k.Params), (*C.uint32_t)(unsafe.Pointer(&consts[0])), C.uint32_t(len(consts)), &p)
	*out = p
	return r
}
