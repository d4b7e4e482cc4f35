//go:build !linux

package bench

import (
	"fmt"
	"runtime"
)

func resetPeak() error { return fmt.Errorf("not measured on %s", runtime.GOOS) }

func peakMemory() (int64, error) { return 0, resetPeak() }
