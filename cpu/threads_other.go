//go:build !linux

package cpu

import "runtime"

func allowedCores() int { return 0 }

// yieldThread lets another goroutine have this one's processor.
func yieldThread() { runtime.Gosched() }
