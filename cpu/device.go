package cpu

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"bitnet-gpu/cpu/kernel"
	"bitnet-gpu/engine/compute"
)

// deviceName returns the processor's own name where the system tells it.
func deviceName() string {
	data, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(data)) {
		if key, name, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(name)
		}
	}
	return runtime.GOARCH + " processor"
}

// A Device says what the CPU backend would run on.
type Device struct {
	Name     string   `json:"name"`
	Threads  int      `json:"threads"`
	Features []string `json:"features"` // that kernels ask for
	Paths    []string `json:"paths"`    // kernels it can run, the best first
	Path     string   `json:"path"`     // those in use
}

// Describe returns this machine's processor. ErrUnavailable: BITNET_CPU names
// kernels that it cannot run.
func Describe() (Device, error) {
	d := Device{Name: deviceName(), Threads: runtime.NumCPU(), Features: kernel.Features()}
	for _, p := range kernel.Paths() {
		d.Paths = append(d.Paths, p.Name)
	}
	path, err := pickPath()
	if err == nil {
		d.Path = path.Name
	}
	return d, err
}

// pickPath returns the kernels to use: the best, or those BITNET_CPU names.
func pickPath() (*kernel.Path, error) {
	path, err := kernel.Pick(os.Getenv("BITNET_CPU"))
	if err != nil {
		return nil, fmt.Errorf("BITNET_CPU: %w: %w", err, compute.ErrUnavailable)
	}
	return path, nil
}
