//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

import (
	"errors"
	"strings"
	"testing"

	"bitnet-gpu/engine/compute"
)

func TestNoLibrary(t *testing.T) {
	if err := load("libnothing-of-this-name.so"); !errors.Is(err, compute.ErrUnavailable) || !strings.Contains(err.Error(), "no library: libnothing") {
		t.Error(err)
	}
}

// TestNoDevice has a library and no driver, which the library reports in its
// own ways.
func TestNoDevice(t *testing.T) {
	if err := loadLibrary(); err != nil {
		t.Skip(err)
	}
	t.Setenv("VK_DRIVER_FILES", "/nonexistent")
	t.Setenv("VK_ICD_FILENAMES", "/nonexistent")
	d, err := Open(Options{Software: true})
	if !errors.Is(err, compute.ErrUnavailable) || d != nil {
		t.Errorf("%v, %v", d, err)
	}
}

// TestFaultInEnv refuses what is no fault.
func TestFaultInEnv(t *testing.T) {
	t.Setenv("BITNET_GPU_FAULT", "fire@1")
	if _, err := Open(Options{}); err == nil || !strings.Contains(err.Error(), "want oom@N or lost@N") {
		t.Error(err)
	}
}
