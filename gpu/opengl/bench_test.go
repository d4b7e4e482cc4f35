//go:build cgo && opengl && (linux || windows)

package opengl

import (
	"os"
	"testing"

	"bitnet-gpu/gpu/driver"
)

// benchmarkRun runs a list on the device that BITNET_GPU_DEVICE names, or the
// best one.
func benchmarkRun(b *testing.B, list func(d *device) *driver.List) {
	b.Setenv("XDG_CACHE_HOME", b.TempDir())
	d, err := open(Options{Device: os.Getenv("BITNET_GPU_DEVICE"), Software: true})
	if err != nil {
		b.Skip(err)
	}
	b.Cleanup(func() { d.Close() })
	l := list(d)
	mustRun(b, d, l)
	b.ReportAllocs()
	for b.Loop() {
		mustRun(b, d, l)
	}
}

// BenchmarkRun runs a hundred dispatches, each of which needs the one before it.
func BenchmarkRun(b *testing.B) {
	benchmarkRun(b, func(d *device) *driver.List { return chain(b, d, 100) })
}

// BenchmarkCalls runs them on no work group at all: what is left is the price of
// the calls.
func BenchmarkCalls(b *testing.B) {
	benchmarkRun(b, func(d *device) *driver.List {
		l := chain(b, d, 100)
		none := newBuffer(b, d, "none", 3)
		if err := none.Write(0, make([]byte, 12)); err != nil {
			b.Fatal(err)
		}
		for i, c := range l.Commands {
			if c, ok := c.(driver.Dispatch); ok {
				c.Indirect = driver.Whole(none)
				l.Commands[i] = c
			}
		}
		return l
	})
}
