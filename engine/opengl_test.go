package engine

import (
	"errors"
	"strings"
	"testing"

	"bitnet-gpu/engine/compute"
)

// TestOpenGLNamed has a backend that is named replaced by no other.
func TestOpenGLNamed(t *testing.T) {
	t.Setenv("BITNET_GPU_SOFTWARE", "")
	e, err := Open(tinyA, Options{Backend: "opengl"})
	if err == nil { // there is hardware
		defer e.Close()
		if e.Info().Backend != "opengl" {
			t.Errorf("opened %+v", e.Info())
		}
		return
	}
	if !errors.Is(err, compute.ErrUnavailable) || !strings.Contains(err.Error(), "opengl: ") {
		t.Error(err)
	}
}

// TestOneDeviceIsChosen lists every backend, and one choice.
func TestOneDeviceIsChosen(t *testing.T) {
	for _, software := range []string{"", "1"} {
		t.Setenv("BITNET_GPU_SOFTWARE", software)
		listed, chosen := map[string]bool{}, 0
		for _, d := range Devices() {
			listed[d.Backend] = true
			if d.GPU != nil && d.GPU.SelfTest != "passed" {
				t.Errorf("%s: self-test %q", d.Name, d.GPU.SelfTest)
			}
			if d.Chosen {
				chosen++
			} else if d.Backend != "cpu" && d.Problem == "" {
				t.Errorf("%+v: neither chosen nor why not", d)
			}
		}
		if chosen != 1 || !listed["vulkan"] || !listed["opengl"] || !listed["cpu"] {
			t.Errorf("%d chosen of %v", chosen, listed)
		}
	}
}
