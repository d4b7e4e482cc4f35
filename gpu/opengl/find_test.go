//go:build cgo && opengl && (linux || windows)

package opengl

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"
)

func TestDeviceType(t *testing.T) {
	for renderer, want := range map[string]driver.Type{
		"llvmpipe (LLVM 15.0.6, 256 bits)":          driver.Software,
		"softpipe":                                  driver.Software,
		"SWR (LLVM 11.0, 256 bits)":                 driver.Software,
		"zink (llvmpipe)":                           driver.Software,
		"GDI Generic":                               driver.Software,
		"Mesa Intel(R) HD Graphics 4000 (IVB GT2)":  driver.Other,
		"NVIDIA GeForce GTX 680/PCIe/SSE2":          driver.Other,
		"AMD RAVEN (DRM 3.42.0, LLVM 12.0.0)":       driver.Other,
		"NV106":                                     driver.Other,
		"D3D12 (Intel(R) UHD Graphics 620 (WHL U))": driver.Other,
	} {
		if got := deviceType(renderer); got != want {
			t.Errorf("%s: %v, want %v", renderer, got, want)
		}
	}
}

// TestSoftwareIsNamed opens software only where it is allowed or named.
func TestSoftwareIsNamed(t *testing.T) {
	t.Setenv("BITNET_GPU_SOFTWARE", "")
	eachDevice(t, func(t *testing.T, d *device) {
		if d.Info().Type != driver.Software {
			t.Skip("not software")
		}
		if _, err := Open(Options{Device: d.Info().Device[:4]}); err != nil {
			t.Error(err)
		}
		list, err := Devices(Options{})
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(list, func(c driver.Candidate) bool { return c.Info.ID == d.Info().ID })
		if list[i].Chosen || !strings.Contains(list[i].Why, "runs on the CPU") {
			t.Errorf("%+v", list[i])
		}
		if d, err := Open(Options{Device: "Voodoo"}); !errors.Is(err, compute.ErrUnavailable) || d != nil {
			t.Errorf("%v, %v", d, err)
		}
	})
}
