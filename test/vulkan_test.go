package test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu"
	"bitnet-gpu/gpu/vulkan"
	"bitnet-gpu/test/backends"
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
	t.Logf("%+v", dev.Info())
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
	backends.Run(t, reference(t), openVulkan(t))
}

// TestVulkanGolden runs it on the model of the golden data.
func TestVulkanGolden(t *testing.T) {
	m, prompt := tinyA(t)
	ids := append(append(append([]int32{}, prompt...), prompt...), prompt...)
	backends.Model(t, "tinyA", m, ids, reference(t), openVulkan(t))
}

// need skips a test for what is not there, or fails it where
// BITNET_TEST_REQUIRE names it.
func need(t *testing.T, what string, err error) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("BITNET_TEST_REQUIRE"), ","), what) {
		t.Fatal(err)
	}
	t.Skipf("%s: %v", what, err)
}
