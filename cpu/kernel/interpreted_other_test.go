//go:build !amd64

package kernel

// interpreted returns nothing: the interpreter knows amd64, and NEON runs under qemu.
func interpreted() []*Path { return nil }
