package engine

import "bitnet-gpu/cpu"

// A Device is something a model can run on, or the reason why it cannot.
type Device struct {
	Backend string `json:"backend"`
	Chosen  bool   `json:"chosen"` // by "auto"
	Problem string `json:"problem,omitempty"`
	cpu.Device
}

// Devices lists the devices of every backend, in the order of preference.
func Devices() []Device {
	var all []Device
	for _, b := range backends {
		if b.open == nil {
			all = append(all, Device{Backend: b.name, Problem: "not in this build"})
		}
	}
	d := Device{Backend: "cpu"}
	var err error
	if d.Device, err = cpu.Describe(); err != nil {
		d.Problem = err.Error()
	} else {
		d.Chosen = true
	}
	return append(all, d)
}
