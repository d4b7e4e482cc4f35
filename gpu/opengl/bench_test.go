//go:build cgo && opengl && (linux || windows)

package opengl

import (
	"os"
	"testing"
)

// BenchmarkRun runs a list of a hundred dispatches with next to nothing to do,
// each behind a barrier: what is left is the price of the calls.
func BenchmarkRun(b *testing.B) {
	b.Setenv("XDG_CACHE_HOME", b.TempDir())
	d, err := open(Options{Device: os.Getenv("BITNET_GPU_DEVICE"), Software: true})
	if err != nil {
		b.Skip(err)
	}
	b.Cleanup(func() { d.Close() })
	l := chain(b, d, 100)
	mustRun(b, d, l)
	b.ReportAllocs()
	for b.Loop() {
		mustRun(b, d, l)
	}
}
