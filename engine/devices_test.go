package engine

import (
	"errors"
	"testing"

	"bitnet-gpu/gpu/driver"
)

// TestBrokenDevice lists a GPU that was chosen and cannot be opened.
func TestBrokenDevice(t *testing.T) {
	found := []driver.Candidate{
		{Info: driver.Info{Device: "other"}, Why: "broken goes first"},
		{Info: driver.Info{Device: "broken"}, Chosen: true},
	}
	opened := ""
	devices := gpuDevices("vulkan", found, nil, func(device string) (driver.Device, error) {
		opened += device
		return nil, errors.New("smoke")
	})
	if len(devices) != 2 || opened != "01" {
		t.Fatalf("%d devices, opened %s", len(devices), opened)
	}
	if d := devices[1]; d.Chosen || d.Problem != "smoke" || d.GPU.SelfTest != "smoke" {
		t.Errorf("%+v, %+v", d, d.GPU)
	}
	if d := devices[0]; d.Chosen || d.Problem != "broken goes first" || d.GPU.SelfTest != "smoke" {
		t.Errorf("%+v, %+v", d, d.GPU)
	}
}
