package test

import (
	"testing"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu"
	"bitnet-gpu/gpu/vulkan"
	"bitnet-gpu/test/tiny"
)

// BenchmarkVulkan decodes tokens of a model of two layers with the widths of the
// 2B4T, and feeds prompts of 64.
func BenchmarkVulkan(b *testing.B) {
	dev, err := vulkan.Open(vulkan.Options{Software: true})
	if err != nil {
		b.Skip(err)
	}
	m := tiny.Big(2)
	backend, err := gpu.New(dev, m, compute.Options{Slots: 1, Context: 1024})
	if err != nil {
		b.Fatal(err)
	}
	defer backend.Close()
	b.Logf("%+v", backend.Info())
	ids := make([]int32, 64)
	for i := range ids {
		ids[i] = int32(i * 1000)
	}
	run := func(b *testing.B, s compute.Step, tokens int) {
		for range b.N {
			if err := backend.Forward([]compute.Step{s}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N*tokens)/b.Elapsed().Seconds(), "tokens/s")
	}
	logits := make([]float32, m.VocabSize)
	b.Run("layers", func(b *testing.B) { run(b, compute.Step{Tokens: ids[:1]}, 1) })
	b.Run("layers at 500", func(b *testing.B) { run(b, compute.Step{Pos: 500, Tokens: ids[:1]}, 1) })
	b.Run("token", func(b *testing.B) { run(b, compute.Step{Tokens: ids[:1], Logits: logits}, 1) })
	b.Run("prompt", func(b *testing.B) { run(b, compute.Step{Tokens: ids}, 64) })
}
