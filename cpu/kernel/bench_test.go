package kernel

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
	"unsafe"
)

// The benchmarks report the fastest round: a round that shared its core or the
// memory with a neighbour says nothing about a kernel. They leave out the
// portable path, which takes minutes for what the others do in a second.

// streamed is how many bytes a round of a memory-bound kernel reads: more than
// caches hold.
const streamed = 640 << 20

// fastest runs rounds and returns the seconds of the fastest.
func fastest(b *testing.B, round func()) float64 {
	best := time.Duration(1 << 62)
	for b.Loop() {
		start := time.Now()
		round()
		best = min(best, time.Since(start))
	}
	b.ReportMetric(0, "ns/op")
	return best.Seconds()
}

// stream reports the GB/s of a kernel that reads data once a round, and their
// share of what looking for a byte that is not there reaches, turn by turn.
func stream[T any](b *testing.B, data []T, kernel func()) {
	mem := unsafe.Slice((*byte)(unsafe.Pointer(&data[0])), len(data)*int(unsafe.Sizeof(data[0])))
	only, best := time.Duration(1<<62), time.Duration(1<<62)
	for b.Loop() {
		start := time.Now()
		if bytes.IndexByte(mem, 0xFF) >= 0 {
			b.Fatal("found what should not be there")
		}
		only = min(only, time.Since(start))
		start = time.Now()
		kernel()
		best = min(best, time.Since(start))
	}
	b.ReportMetric(float64(len(mem))/best.Seconds()/1e9, "GB/s")
	b.ReportMetric(float64(len(mem))/only.Seconds()/1e9, "read-GB/s")
	b.ReportMetric(100*only.Seconds()/best.Seconds(), "%ofread")
	b.ReportMetric(0, "ns/op")
}

func BenchmarkTernaryVec(b *testing.B) {
	const n = 2560
	rows := streamed / (n / 4) / TileRows * TileRows
	w, x, acc := make([]uint32, rows*n/16), make([]int8, n), make([]int32, rows)
	fill(w, 0x12121212)
	fill(x, 3)
	for _, p := range native() {
		b.Run(p.Name, func(b *testing.B) {
			stream(b, w, func() { p.TernaryVec(acc, w, x) })
		})
	}
}

func BenchmarkDotF16(b *testing.B) {
	const n = 2560
	rows := streamed / (2 * n)
	head, x := make([]uint16, rows*n), make([]float32, n)
	fill(head, 0x3C00)
	fill(x, 0.5)
	for _, p := range native() {
		b.Run(p.Name, func(b *testing.B) {
			stream(b, head, func() {
				for row := range rows {
					p.DotF16(head[row*n:][:n], x)
				}
			})
		})
	}
}

func BenchmarkTernaryMat(b *testing.B) {
	const n, rows = 2560, 640
	w := make([]uint32, rows*n/16)
	fill(w, 0x12121212)
	for _, p := range native() {
		for tokens, run := range products(p) {
			b.Run(fmt.Sprintf("%s, %d tokens", p.Name, tokens), func(b *testing.B) {
				x, acc := make([]int8, tokens*n), make([]int32, tokens*rows)
				fill(x, 3)
				seconds := fastest(b, func() { run(acc, w, x) })
				b.ReportMetric(float64(tokens*n*rows)/seconds/1e9, "GMAC/s")
			})
		}
	}
}

// BenchmarkSmall times what stands between the products: a vector of 2560, and
// a chunk of 64 positions of a head of 128.
func BenchmarkSmall(b *testing.B) {
	const n, size = 2560, 128
	h, g, y, v := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
	fill(h, 0.5)
	fill(g, 0.25)
	acc, q, keys := make([]int32, n), make([]int8, n), make([]uint16, Chunk*size)
	p64 := make([]float32, Chunk)
	q4, p4 := make([]float32, 4*size), make([]float32, 4*Chunk)
	for _, p := range Paths() {
		for _, kernel := range []struct {
			name string
			run  func()
		}{
			{"Blend", func() { p.Blend(v[:size], h, 0.5, 0.25) }},
			{"Scores4", func() { p.Scores4(p4, q4, keys, 0.1) }},
			{"WeightedSum4", func() { p.WeightedSum4(q4, p4, keys) }},
			{"MulMax", func() { p.MulMax(y, h, g) }},
			{"BlockSquares", func() { p.BlockSquares(v[:n/16], h) }},
			{"Quantise", func() { p.Quantise(q, y, 127) }},
			{"Scale", func() { p.Scale(v, acc, 7, 0.5) }},
			{"AddScaled", func() { p.AddScaled(v, acc, 7, 0.5) }},
			{"ReLU2", func() { p.ReLU2(v, h, g) }},
			{"Scores", func() { p.Scores(p64, h[:size], keys, 0.1) }},
			{"Exps", func() { p.Exps(p64, 0.5) }},
			{"WeightedSum", func() { p.WeightedSum(v[:size], p64, keys) }},
		} {
			if strings.HasSuffix(kernel.name, "4") && p.Scores4 == nil {
				continue
			}
			b.Run(kernel.name+"/"+p.Name, func(b *testing.B) {
				b.ReportMetric(1e9*fastest(b, func() {
					for range 16 {
						kernel.run()
					}
				})/16, "ns")
			})
		}
	}
}
