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
// file, and prints beside the rate what the machine's memory allowed in the same
// run: the bytes that a token must read over the bandwidth of the best of some
// loops that only read. A token reads the weights as the backend holds them, at
// 1.6 bits or at two, and the head: as it is stored for whole rows of logits, in
// four-bit codes for the best 40.
func BenchmarkDecode(b *testing.B) {
	m := bigGGUF(b)
	for _, head := range []string{"whole", "best 40"} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("head=%s/threads=%d", head, threads), func(b *testing.B) { decode(b, m, head == "whole", threads) })
		}
	}
}

func decode(b *testing.B, m *weights.Model, whole bool, threads int) {
	opt := compute.Options{Slots: 1, Context: 512, Batch: 16, Threads: threads}
	backend, err := cpu.New(m, opt)
	if err != nil {
		b.Fatal(err)
	}
	defer backend.Close()
	step := compute.Step{Tokens: make([]int32, 16)}
	read := int(cpu.MemoryFor(m, opt).Weights)
	if whole {
		step.Logits = make([]float32, m.VocabSize)
		read += len(m.Output.Data)
	} else {
		step.Top = [][]compute.Candidate{make([]compute.Candidate, 40)}
		read += m.VocabSize * m.Hidden / 2
	}
	forward := func() {
		if err := backend.Forward([]compute.Step{step}); err != nil {
			b.Fatal(err)
		}
		step.Pos += len(step.Tokens)
	}
	forward()
	step.Tokens = step.Tokens[:1]
	var tokens []float64
	bandwidths := map[int][]float64{} // by streams
	for b.Loop() {
		for _, streams := range []int{1, 4, 16} {
			bandwidths[streams] = append(bandwidths[streams], readBandwidth(m.Output.Data, threads, streams))
		}
		for range 4 {
			start := time.Now()
			forward()
			tokens = append(tokens, time.Since(start).Seconds())
		}
		step.Pos = 16
	}
	best := 0.0
	for _, b := range bandwidths {
		best = max(best, median(b))
	}
	rate, limit := 1/median(tokens), best/float64(read)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(rate, "tok/s")
	b.ReportMetric(best/1e9, "GB/s-read")
	b.ReportMetric(float64(read)/1e6, "MB/token")
	b.ReportMetric(100*rate/limit, "%-of-limit")
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
// holds, each at several places at once.
func readBandwidth(data []byte, threads, streams int) float64 {
	start := time.Now()
	done := make(chan uint64)
	for i := range threads {
		go func() { done <- sum(data[len(data)*i/threads:len(data)*(i+1)/threads], streams) }()
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

// sum reads the lines of data, a word of each, so that only memory limits it.
func sum(data []byte, streams int) (total uint64) {
	lines := unsafe.Slice((*[8]uint64)(unsafe.Pointer(unsafe.SliceData(data))), len(data)/64)
	n := len(lines) / streams
	for i := range n {
		for s := range streams {
			total += lines[s*n+i][0]
		}
	}
	return total
}
