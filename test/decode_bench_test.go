package test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"
	"unsafe"

	"bitnet-gpu/cpu"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/test/tiny"
	"bitnet-gpu/weights"
)

// BenchmarkDecode decodes with a model of the 2B4T's shape, read from a GGUF
// file, and prints beside the rate what the machine's memory allowed in the
// same run: the bytes that a token must read (weights of two bits, the head as
// it is stored) over the bandwidth of a loop that only reads.
func BenchmarkDecode(b *testing.B) {
	m := bigGGUF(b)
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("threads=%d", threads), func(b *testing.B) {
			backend, err := cpu.New(m, compute.Options{Slots: 1, Context: 512, Threads: threads})
			if err != nil {
				b.Fatal(err)
			}
			defer backend.Close()
			logits := make([]float32, m.VocabSize)
			pos := 0
			forward := func(n int) {
				step := compute.Step{Pos: pos, Tokens: make([]int32, n), Logits: logits}
				if err := backend.Forward([]compute.Step{step}); err != nil {
					b.Fatal(err)
				}
				pos += n
			}
			forward(16)
			var tokens, bandwidths []float64
			read := float64(backend.Info().Weights) + float64(len(m.Output.Data))
			for b.Loop() {
				bandwidths = append(bandwidths, readBandwidth(m.Output.Data, threads))
				for range 4 {
					start := time.Now()
					forward(1)
					tokens = append(tokens, time.Since(start).Seconds())
				}
				pos = 16
			}
			rate, limit := 1/median(tokens), median(bandwidths)/read
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(rate, "tok/s")
			b.ReportMetric(median(bandwidths)/1e9, "GB/s-read")
			b.ReportMetric(read/1e6, "MB/token")
			b.ReportMetric(100*rate/limit, "%-of-limit")
		})
	}
}

// BenchmarkPrefill feeds prompts of 128 tokens.
func BenchmarkPrefill(b *testing.B) {
	m := bigGGUF(b)
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("threads=%d", threads), func(b *testing.B) {
			backend, err := cpu.New(m, compute.Options{Slots: 1, Context: 512, Threads: threads})
			if err != nil {
				b.Fatal(err)
			}
			defer backend.Close()
			const n = 128
			var runs []float64
			for b.Loop() {
				start := time.Now()
				if err := backend.Forward([]compute.Step{{Tokens: make([]int32, n)}}); err != nil {
					b.Fatal(err)
				}
				runs = append(runs, time.Since(start).Seconds())
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(n/median(runs), "tok/s")
		})
	}
}

// bigGGUF writes the model of the 2B4T's shape to a file and opens that.
func bigGGUF(b *testing.B) *weights.Model {
	path := filepath.Join(b.TempDir(), "big.gguf")
	if err := tiny.Big(30).WriteGGUF(path, weights.WriteOptions{}); err != nil {
		b.Fatal(err)
	}
	m, err := weights.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { m.Close() })
	return m
}

// readBandwidth returns the bytes/s at which threads read data that no cache
// holds.
func readBandwidth(data []byte, threads int) float64 {
	start := time.Now()
	done := make(chan uint64)
	for i := range threads {
		go func() { done <- sum(data[len(data)*i/threads : len(data)*(i+1)/threads]) }()
	}
	for range threads {
		sink += <-done
	}
	return float64(len(data)) / time.Since(start).Seconds()
}

var sink uint64

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/2]
}

// sum reads data, in four strands so that only memory limits it.
func sum(data []byte) uint64 {
	words := unsafe.Slice((*[8]uint64)(unsafe.Pointer(unsafe.SliceData(data))), len(data)/64)
	var a, b, c, d uint64
	for i := range words {
		w := &words[i]
		a += w[0] + w[4]
		b += w[1] + w[5]
		c += w[2] + w[6]
		d += w[3] + w[7]
	}
	return a + b + c + d
}
