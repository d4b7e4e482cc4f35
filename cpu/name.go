package cpu

import (
	"os"
	"runtime"
	"strings"
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
