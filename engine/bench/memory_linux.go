package bench

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// resetPeak lets the process's peak of resident memory begin anew (proc(5),
// clear_refs).
func resetPeak() error {
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		return fmt.Errorf("the peak cannot be reset: %w", err)
	}
	return nil
}

// peakMemory returns the most bytes that were resident since resetPeak, the
// process's pages of files among them.
func peakMemory() (int64, error) {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("no VmHWM in /proc/self/status")
}
