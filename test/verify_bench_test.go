package test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"bitnet-gpu/cpu"
	"bitnet-gpu/engine/compute"
)

// BenchmarkVerify computes batches of 1 to 16 tokens in turn, each with the best
// candidates of every token, as the verification of drafts does, on a model of
// the 2B4T's shape. It prints what each costs relative to one token: the figures
// behind the lengths in engine/draft.go.
func BenchmarkVerify(b *testing.B) {
	m := bigGGUF(b)
	for _, best := range []int{1, 40} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("best=%d/threads=%d", best, threads), func(b *testing.B) {
				backend, err := cpu.New(m, compute.Options{Slots: 1, Context: 64, Threads: threads})
				if err != nil {
					b.Fatal(err)
				}
				defer backend.Close()
				const most = 16
				sizes := []int{1, 2, 3, 4, 6, 8, 12, most}
				r := rand.New(rand.NewPCG(8, 0))
				step := compute.Step{Tokens: make([]int32, most)}
				top := make([][]compute.Candidate, most)
				for i := range top {
					top[i] = make([]compute.Candidate, best)
				}
				var seconds [most + 1][]float64
				for b.Loop() {
					for _, n := range sizes {
						for i := range step.Tokens {
							step.Tokens[i] = r.Int32N(int32(m.VocabSize))
						}
						step.Pos, step.Tokens, step.Top = 16, step.Tokens[:n], top[:n]
						start := time.Now()
						if err := backend.Forward([]compute.Step{step}); err != nil {
							b.Fatal(err)
						}
						seconds[n] = append(seconds[n], time.Since(start).Seconds())
						step.Tokens = step.Tokens[:cap(step.Tokens)]
					}
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(1e3*median(seconds[1]), "ms/1")
				for _, n := range sizes[1:] {
					b.ReportMetric(median(seconds[n])/median(seconds[1]), fmt.Sprintf("x1/%d", n))
				}
			})
		}
	}
}
