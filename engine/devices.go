package engine

import (
	"slices"
	"strings"

	"bitnet-gpu/cpu"
	"bitnet-gpu/engine/compute"
)

// A Device is something a model can run on, or the reason why it cannot.
type Device struct {
	Backend string      `json:"backend"`
	Name    string      `json:"name,omitempty"`
	Chosen  bool        `json:"chosen"`            // by "auto"
	Problem string      `json:"problem,omitempty"` // why not
	CPU     *cpu.Device `json:"cpu,omitempty"`
	GPU     *GPU        `json:"gpu,omitempty"`
}

// A GPU says what a device of a graphics interface is and can do.
type GPU struct {
	Driver    string `json:"driver"`
	API       string `json:"api"`
	ID        string `json:"id"` // stays the same over starts
	Type      string `json:"type"`
	Memory    int64  `json:"memory"`     // bytes, 0 where the driver does not tell
	Free      int64  `json:"free"`       // bytes that may be used now, or 0
	Range     int64  `json:"range"`      // most bytes of one binding
	GroupSize int    `json:"group_size"` // invocations of a work group
	Subgroup  int    `json:"subgroup"`
	Dot       bool   `json:"dot"`       // has the integer dot product
	FastDot   bool   `json:"fast_dot"`  // in hardware
	SelfTest  string `json:"self_test"` // "passed", or what went wrong
}

// Devices lists the devices of every backend, in the order of preference. Which
// is chosen for a model depends on the model's size too.
func Devices() []Device {
	all := slices.Concat(vulkanDevices(), openGLDevices(), []Device{cpuDevice()})
	best := ""
	for i := range all {
		d := &all[i]
		if d.Chosen && best != "" {
			d.Chosen = false
			if d.GPU != nil {
				d.Problem = best + " goes first"
			}
		} else if d.Chosen {
			best = d.Backend
		}
	}
	return all
}

func cpuDevice() Device {
	about, err := cpu.Describe()
	d := Device{Backend: "cpu", Name: about.Name, CPU: &about, Chosen: err == nil}
	if err != nil {
		d.Problem = strip(err)
	}
	return d
}

// strip is an error without the words that only sort it.
func strip(err error) string {
	text := strings.TrimSuffix(err.Error(), ": "+compute.ErrUnavailable.Error())
	return strings.TrimSuffix(text, ": "+compute.ErrMemory.Error())
}
