package kernel

import (
	"bytes"
	"testing"
	"time"
	"unsafe"
)

// streamed is how much the benchmarks of memory-bound kernels read in a round:
// more than caches hold.
const streamed = 640 << 20

// readOnly returns the bytes a second of a pass that only reads, the best of
// five: looking for a byte that is not there.
func readOnly[T any](b *testing.B, data []T) float64 {
	mem := unsafe.Slice((*byte)(unsafe.Pointer(&data[0])), len(data)*int(unsafe.Sizeof(data[0])))
	best := time.Duration(1 << 62)
	for range 5 {
		start := time.Now()
		if bytes.IndexByte(mem, 0xFF) >= 0 {
			b.Fatal("found what should not be there")
		}
		best = min(best, time.Since(start))
	}
	return float64(len(mem)) / best.Seconds()
}

// reportStream prints GB/s over read bytes a round, and their share of limit.
func reportStream(b *testing.B, read int, limit float64) {
	rate := float64(read) * float64(b.N) / b.Elapsed().Seconds()
	b.ReportMetric(rate/1e9, "GB/s")
	b.ReportMetric(100*rate/limit, "%ofread")
	b.ReportMetric(0, "ns/op")
}

// The portable path takes minutes for what the others do in a second.
func fastPaths() []*Path { return native() }

func BenchmarkTernaryVec(b *testing.B) {
	const n = 2560
	rows := streamed / (n / 4) / TileRows * TileRows
	w, x, acc := make([]uint32, rows*n/16), make([]int8, n), make([]int32, rows)
	fill(w, 0x12121212)
	fill(x, 3)
	for _, p := range fastPaths() {
		b.Run(p.Name, func(b *testing.B) {
			limit := readOnly(b, w)
			for b.Loop() {
				p.TernaryVec(acc, w, x)
			}
			reportStream(b, 4*len(w), limit)
		})
	}
}

func BenchmarkTernaryMat(b *testing.B) {
	const n, rows = 2560, 2560
	w := make([]uint32, rows*n/16)
	fill(w, 0x12121212)
	for _, p := range fastPaths() {
		b.Run(p.Name, func(b *testing.B) {
			x, acc := make([]int8, p.Panel*n), make([]int32, p.Panel*rows)
			fill(x, 3)
			for b.Loop() {
				p.TernaryMat(acc, w, x)
			}
			macs := float64(p.Panel*n*rows) * float64(b.N)
			b.ReportMetric(macs/b.Elapsed().Seconds()/1e9, "GMAC/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func BenchmarkDotF16(b *testing.B) {
	const n = 2560
	rows := streamed / (2 * n)
	head, x := make([]uint16, rows*n), make([]float32, n)
	fill(head, 0x3C00)
	fill(x, 0.5)
	for _, p := range fastPaths() {
		b.Run(p.Name, func(b *testing.B) {
			limit := readOnly(b, head)
			for b.Loop() {
				for row := range rows {
					p.DotF16(head[row*n:][:n], x)
				}
			}
			reportStream(b, 2*len(head), limit)
		})
	}
}
