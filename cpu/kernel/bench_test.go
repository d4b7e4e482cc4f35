package kernel

import (
	"testing"
	"time"
)

// The streamed benchmarks read more than the caches hold, once a round, so
// what they measure is memory; beside it they print what a pass that only
// reads gets in the same run.
const streamed = 640 << 20 // bytes

// readOnly returns the bytes/s of reading all of w, on the best path there is:
// DotF32 of rows that stay long, with a short x that never leaves the cache.
func readOnly(p *Path, w []uint32) float64 {
	best := time.Duration(1 << 62)
	for range 3 {
		start := time.Now()
		readAll(w)
		best = min(best, time.Since(start))
	}
	return float64(4*len(w)) / best.Seconds()
}

func BenchmarkTernaryVec(b *testing.B) {
	const n = 2560
	rows := streamed / (n / 4) / TileRows * TileRows
	w, x, acc := make([]uint32, rows*n/16), make([]int8, n), make([]int32, rows)
	fill(w, 0x12121212)
	fill(x, 3)
	for _, p := range Paths()[:max(1, len(Paths())-1)] {
		b.Run(p.Name, func(b *testing.B) {
			limit := readOnly(p, w)
			for b.Loop() {
				p.TernaryVec(acc, w, x)
			}
			report(b, float64(4*len(w)), limit)
		})
	}
}
