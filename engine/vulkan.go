package engine

import (
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"
	"bitnet-gpu/gpu/vulkan"
	"bitnet-gpu/weights"
)

// openVulkan opens the backend on the Vulkan device of that name, or the best.
func openVulkan(m *weights.Model, opt compute.Options, device string) (compute.Backend, error) {
	return openGPU(m, opt, func() (driver.Device, error) { return vulkan.Open(vulkan.Options{Device: device}) })
}

func vulkanDevices() []Device {
	found, err := vulkan.Devices(vulkan.Options{})
	return gpuDevices("vulkan", found, err, func(device string) (driver.Device, error) {
		return vulkan.Open(vulkan.Options{Device: device})
	})
}
