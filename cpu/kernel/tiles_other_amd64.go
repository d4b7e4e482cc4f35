//go:build !linux

package kernel

// mayUseTiles: other systems are not asked for AMX's tile registers.
func mayUseTiles() bool { return false }
