package engine

import (
	"errors"
	"strconv"
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

// gpuDevices lists the GPUs that were found, or says why there are none. Each is
// opened and tested: what fails is not chosen.
func gpuDevices(backend string, found []driver.Candidate, err error, open func(device string) (driver.Device, error)) []Device {
	if err != nil || len(found) == 0 {
		d := Device{Backend: backend, Problem: "no device"}
		if err != nil {
			d.Problem = strings.TrimPrefix(strip(err), backend+": ")
		}
		return []Device{d}
	}
	var devices []Device
	for i, c := range found {
		d := Device{Backend: backend, Name: c.Info.Device, Chosen: c.Chosen, Problem: c.Why, GPU: newGPU(c.Info)}
		if err := selfTest(func() (driver.Device, error) { return open(strconv.Itoa(i)) }); err != nil {
			d.GPU.SelfTest = strip(err)
			if d.Chosen {
				d.Chosen, d.Problem = false, d.GPU.SelfTest
			}
		}
		devices = append(devices, d)
	}
	return devices
}

// selfTest opens a device and tests it.
func selfTest(open func() (driver.Device, error)) error {
	dev, err := open()
	if err != nil {
		return err
	}
	return errors.Join(gpu.SelfTest(dev), dev.Close())
}

func newGPU(i driver.Info) *GPU {
	return &GPU{
		Driver: i.Driver, API: i.API, ID: i.ID, Type: i.Type.String(), Memory: i.Memory, Free: i.Free,
		SelfTest: "passed", Range: int64(i.Limits.Range), GroupSize: i.Limits.GroupSize, Subgroup: i.Subgroup, Dot: i.Dot, FastDot: i.FastDot,
	}
}
