//go:build !linux

package cpu

// MemoryLeft returns -1: these systems are not asked.
func MemoryLeft() (left int64, where string) { return -1, "" }
