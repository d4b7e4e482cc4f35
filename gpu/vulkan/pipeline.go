//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

// #include "shim.h"
import "C"

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/shaders"

	vk "github.com/vulkan-go/vulkan"
)

// A pipeline is a compiled kernel with the layouts of what it is given.
type pipeline struct {
	set      vk.DescriptorSetLayout
	layout   vk.PipelineLayout
	pipeline vk.Pipeline
}

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
	made := make([]*pipeline, len(todo))
	errs := make([]error, len(todo))
	var wg sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, k := range todo {
		slots <- struct{}{}
		wg.Go(func() {
			made[i], errs[i] = d.compile(k)
			<-slots
		})
	}
	wg.Wait()
	return d.keep(todo, made, errs)
}

// keep takes over what was compiled, and returns the first error.
func (d *device) keep(kernels []*shaders.Kernel, made []*pipeline, errs []error) error {
	var first error
	for i, k := range kernels {
		_, twice := d.pipelines[k]
		switch {
		case errs[i] == nil && twice:
			made[i].free(d)
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
func (d *device) compile(k *shaders.Kernel) (*pipeline, error) {
	module, err := d.newModule(k)
	if err != nil {
		return nil, err
	}
	defer vk.DestroyShaderModule(d.handle, module, nil)
	p := &pipeline{}
	if err := p.fill(d, k, module); err != nil {
		p.free(d)
		return nil, err
	}
	return p, nil
}

func (d *device) newModule(k *shaders.Kernel) (module vk.ShaderModule, err error) {
	code := make([]uint32, len(k.SPIRV)/4)
	for i := range code {
		code[i] = binary.LittleEndian.Uint32(k.SPIRV[4*i:])
	}
	if d.facts.roundsToEven {
		code = roundToEven(code)
	}
	var pin runtime.Pinner // the binding hands C its address within a structure
	defer pin.Unpin()
	pin.Pin(&code[0])
	info := vk.ShaderModuleCreateInfo{SType: vk.StructureTypeShaderModuleCreateInfo, CodeSize: uint(4 * len(code)), PCode: code}
	defer info.Free()
	err = check("vkCreateShaderModule", vk.CreateShaderModule(d.handle, &info, nil, &module))
	return module, err
}

// fill makes all that a pipeline is. Where it fails, what was made stands in it.
func (p *pipeline) fill(d *device, k *shaders.Kernel, module vk.ShaderModule) error {
	device := raw(d.handle)
	r := C.shim_set_layout_new(device, C.uint32_t(len(k.Bindings)), out(&p.set))
	if err := check("vkCreateDescriptorSetLayout", vk.Result(r)); err != nil {
		return err
	}
	r = C.shim_pipeline_layout_new(device, raw(p.set), C.uint32_t(k.Params), out(&p.layout))
	if err := check("vkCreatePipelineLayout", vk.Result(r)); err != nil {
		return err
	}
	consts := make([]C.uint32_t, len(k.Consts))
	for i, c := range k.Consts {
		consts[i] = C.uint32_t(c.Value)
	}
	r = C.shim_compute_pipeline_new(device, raw(d.cache.handle), raw(module), raw(p.layout), &consts[0], C.uint32_t(len(consts)), out(&p.pipeline))
	return check("vkCreateComputePipelines", vk.Result(r))
}

func (p *pipeline) free(d *device) {
	vk.DestroyPipeline(d.handle, p.pipeline, nil)
	vk.DestroyPipelineLayout(d.handle, p.layout, nil)
	vk.DestroyDescriptorSetLayout(d.handle, p.set, nil)
}
