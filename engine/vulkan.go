package engine

import (
	"fmt"
	"strings"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu"
	"bitnet-gpu/gpu/driver"
	"bitnet-gpu/gpu/vulkan"
	"bitnet-gpu/weights"
)

// openVulkan opens the backend on the Vulkan device of that name, or the best.
func openVulkan(m *weights.Model, opt compute.Options, device string) (compute.Backend, error) {
	if m.Activation != weights.ReLU2 || !m.SubNorms {
		return nil, fmt.Errorf("vulkan: no kernels yet for models with %s, sub-norms: %v: %w", m.Activation, m.SubNorms, compute.ErrUnavailable)
	}
	dev, err := vulkan.Open(vulkan.Options{Device: device})
	if err != nil {
		return nil, err
	}
	return gpu.New(dev, m, opt)
}

// vulkanDevices lists the GPUs, or says why there are none.
func vulkanDevices() []Device {
	found, err := vulkan.Devices(vulkan.Options{})
	if err != nil || len(found) == 0 {
		d := Device{Backend: "vulkan", Problem: "no device"}
		if err != nil {
			d.Problem = strings.TrimPrefix(strip(err), "vulkan: ")
		}
		return []Device{d}
	}
	var devices []Device
	for _, c := range found {
		d := Device{Backend: "vulkan", Name: c.Info.Device, Chosen: c.Chosen, Problem: c.Why, GPU: newGPU(c.Info)}
		devices = append(devices, d)
	}
	return devices
}

func newGPU(i driver.Info) *GPU {
	return &GPU{
		Driver: i.Driver, API: i.API, ID: i.ID, Type: i.Type.String(), Memory: i.Memory, Free: i.Free,
		Range: int64(i.Limits.Range), GroupSize: i.Limits.GroupSize, Subgroup: i.Subgroup, Dot: i.Dot, FastDot: i.FastDot,
	}
}
