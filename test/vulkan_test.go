package test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"bitnet-gpu/cpu"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu"
	"bitnet-gpu/gpu/vulkan"
	"bitnet-gpu/test/backends"
	"bitnet-gpu/test/tiny"
	"bitnet-gpu/weights"
)

// openVulkan opens the backend on the first Vulkan device, a software one too.
func openVulkan(t *testing.T) backends.Open {
	dev, err := vulkan.Open(vulkan.Options{Software: true})
	if errors.Is(err, compute.ErrUnavailable) {
		need(t, "vulkan", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	entry(t, "Vulkan", dev.Info().Device)
	dev.Close()
	return func(m *weights.Model, opt compute.Options) (compute.Backend, error) {
		dev, err := vulkan.Open(vulkan.Options{Software: true})
		if err != nil {
			return nil, err
		}
		return gpu.New(dev, m, opt)
	}
}

// TestVulkan runs the suite on synthetic models of every shape.
func TestVulkan(t *testing.T) {
	t.Setenv("BITNET_HEAD", "screen") // small as it is
	backends.Run(t, reference(t), openVulkan(t))
}

// TestVulkanRelatives runs it on models like those of the 2B4T's relatives.
func TestVulkanRelatives(t *testing.T) {
	backends.Relatives(t, reference(t), openVulkan(t))
}

// TestVulkanDense runs it on models with dense matrices.
func TestVulkanDense(t *testing.T) { backends.Dense(t, reference(t), openVulkan(t)) }

// TestVulkanNumeric runs it on numbers out of range.
func TestVulkanNumeric(t *testing.T) { backends.Numeric(t, openVulkan(t)) }

// TestVulkanGolden runs it on the model of the golden data.
func TestVulkanGolden(t *testing.T) {
	m, prompt := tinyA(t)
	ids := append(append(append([]int32{}, prompt...), prompt...), prompt...)
	backends.Model(t, "tinyA", m, ids, reference(t), openVulkan(t))
}

// TestVulkanDemo compares the trained model in the program.
func TestVulkanDemo(t *testing.T) { runDemo(t, openVulkan(t)) }

// TestVulkanHead compares a model whose head is large enough to be screened.
func TestVulkanHead(t *testing.T) { largeHead(t, openVulkan(t)) }

// largeHead runs the suite on a model of which most is its head.
func largeHead(t *testing.T, open backends.Open) {
	m := tiny.New(tiny.Shape{
		Name: "head", Hidden: 512, FFN: 64, Blocks: 1, Heads: 4, KVHeads: 2, HeadDim: 64,
		Vocab: 20011, Context: 128, Embd: weights.F16, Tied: true,
	}, 1)
	ids := make([]int32, 40)
	for i := range ids {
		ids[i] = int32(i * i * i % m.VocabSize)
	}
	backends.Model(t, "large head", m, ids, reference(t), open)
}

// TestVulkanVariants forces each arithmetic of the ternary product, and the
// separate dispatches of a token's layers.
func TestVulkanVariants(t *testing.T) {
	open := openVulkan(t)
	for _, v := range []struct{ variant, fused string }{{"dot", "1"}, {"i32", "1"}, {"f32", "1"}, {"dot", "0"}, {"i32", "0"}, {"f32", "0"}} {
		n := 70
		if testing.Short() && v.variant != "dot" { // the attention, whose chunks 70 meet, is the same
			n = 20
		}
		t.Run(v.variant+", fused "+v.fused, func(t *testing.T) {
			t.Setenv("BITNET_GPU_VARIANT", v.variant)
			t.Setenv("BITNET_GPU_FUSED", v.fused)
			for _, shape := range append(tiny.Shapes(), tiny.Dense()[2:4]...) {
				ids := make([]int32, n)
				for i := range ids {
					ids[i] = int32(i * i % shape.Vocab)
				}
				backends.Logits(t, fmt.Sprint("variants ", shape.Name, n), tiny.New(shape, 1), ids, reference(t), open)
			}
		})
	}
}

// TestVulkanLong decodes at lengths round the chunks of the attention.
func TestVulkanLong(t *testing.T) {
	if testing.Short() {
		t.Skip("short: takes a minute on a CPU")
	}
	shape := tiny.Shapes()[2]
	shape.Context = 4200
	m := tiny.New(shape, 1)
	ids := make([]int32, 4096)
	for i := range ids {
		ids[i] = int32(i * i % shape.Vocab)
	}
	opt := compute.Options{Slots: 1, Context: 4100}
	want, err := cpu.New(m, opt)
	if err != nil {
		t.Fatal(err)
	}
	defer want.Close()
	got, err := openVulkan(t)(m, opt)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	fed := 0
	for _, n := range []int{1, 2, 63, 64, 65, 128, 129, 500, 4096} {
		var logits [2][]float32
		for i, b := range []compute.Backend{want, got} {
			logits[i] = make([]float32, m.VocabSize)
			if fed < n-1 {
				if err := b.Forward([]compute.Step{{Pos: fed, Tokens: ids[fed : n-1]}}); err != nil {
					t.Fatal(err)
				}
			}
			if err := b.Forward([]compute.Step{{Pos: n - 1, Tokens: ids[n-1 : n], Logits: logits[i]}}); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(logits[0], logits[1]) {
			t.Errorf("logits differ after %d tokens", n)
		}
		fed = n
	}
}

// TestVulkanWide compares a model of two layers with the widths of the 2B4T.
func TestVulkanWide(t *testing.T) {
	if testing.Short() {
		t.Skip("short: the model takes 2 GB")
	}
	open := openVulkan(t)
	backends.Logits(t, "2B4T of 2 layers", tiny.Big(2), wide, reference(t), open)
}

// TestVulkanFull compares a model of all 30 layers for three tokens.
func TestVulkanFull(t *testing.T) {
	if testing.Short() {
		t.Skip("short: the model takes 4 GB")
	}
	open := openVulkan(t)
	onCPU := func(m *weights.Model) (compute.Backend, error) { // portable kernels would take minutes
		return cpu.New(m, compute.Options{Slots: 1, Context: 64})
	}
	backends.Logits(t, "2B4T", tiny.Big(30), wide[:3], onCPU, open)
}

// wide is a sequence of tokens of the 2B4T.
var wide = []int32{128000, 9906, 11, 1917, 0, 220, 72803, 25, 791, 6864, 315, 9822, 374, 128009}

// need skips a test for what is not there, or fails it where
// BITNET_TEST_REQUIRE names it.
func need(t *testing.T, what string, err error) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("BITNET_TEST_REQUIRE"), ","), what) {
		t.Fatal(err)
	}
	t.Skipf("%s: %v", what, err)
}
