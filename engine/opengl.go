package engine

import (
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"
	"bitnet-gpu/gpu/opengl"
	"bitnet-gpu/weights"
)

// openOpenGL opens the backend on the OpenGL device of that name, or the best.
func openOpenGL(m *weights.Model, opt compute.Options, device string) (compute.Backend, error) {
	return openGPU(m, opt, func() (driver.Device, error) { return opengl.Open(opengl.Options{Device: device}) })
}

func openGLDevices() []Device {
	found, err := opengl.Devices(opengl.Options{})
	return gpuDevices("opengl", found, err, func(device string) (driver.Device, error) {
		return opengl.Open(opengl.Options{Device: device})
	})
}
