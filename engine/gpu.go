package engine

import (
	"strings"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu"
	"bitnet-gpu/gpu/driver"
	"bitnet-gpu/weights"
)

// openGPU opens the backend on a device of a graphics interface.
func openGPU(m *weights.Model, opt compute.Options, open func() (driver.Device, error)) (compute.Backend, error) {
	dev, err := open()
	if err != nil {
		return nil, err
	}
	return gpu.New(dev, m, opt)
}

// gpuDevices lists the GPUs that were found, or says why there are none.
func gpuDevices(backend string, found []driver.Candidate, err error) []Device {
	if err != nil || len(found) == 0 {
		d := Device{Backend: backend, Problem: "no device"}
		if err != nil {
			d.Problem = strings.TrimPrefix(strip(err), backend+": ")
		}
		return []Device{d}
	}
	var devices []Device
	for _, c := range found {
		devices = append(devices, Device{Backend: backend, Name: c.Info.Device, Chosen: c.Chosen, Problem: c.Why, GPU: newGPU(c.Info)})
	}
	return devices
}

func newGPU(i driver.Info) *GPU {
	return &GPU{
		Driver: i.Driver, API: i.API, ID: i.ID, Type: i.Type.String(), Memory: i.Memory, Free: i.Free,
		Range: int64(i.Limits.Range), GroupSize: i.Limits.GroupSize, Subgroup: i.Subgroup, Dot: i.Dot, FastDot: i.FastDot,
	}
}
