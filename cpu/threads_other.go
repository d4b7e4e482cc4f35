//go:build !linux

package cpu

func allowedCores() int { return 0 }
