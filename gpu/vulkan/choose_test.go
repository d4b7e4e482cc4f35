//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

import (
	"errors"
	"strings"
	"testing"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"
)

func TestCandidates(t *testing.T) {
	found := []physical{
		{info: driver.Info{Device: "llvmpipe", ID: "6d657361", Type: driver.Software, Memory: 64}},
		{info: driver.Info{Device: "Iris", ID: "868680c0ffee", Type: driver.Integrated, Memory: 32}},
		{info: driver.Info{Device: "GeForce 1030", ID: "de101030aaaa", Type: driver.Discrete, Memory: 2}},
		{info: driver.Info{Device: "GeForce 4090", ID: "de104090aaaa", Type: driver.Discrete, Memory: 24}},
		{info: driver.Info{Device: "old", Type: driver.Discrete, Memory: 99}, reject: errors.New("version 1.0")},
	}
	tests := []struct {
		name     string
		devices  []int
		software bool
		want     int    // -1: none
		why      string // of devices[0], or of the error
	}{
		{"", []int{0, 1, 2, 3, 4}, false, 3, "runs on the CPU"},
		{"", []int{2, 1, 0, 3, 4}, false, 3, "GeForce 4090 goes first"},
		{"", []int{1, 0}, false, 1, ""},
		{"", []int{0}, false, -1, "no device to use: 0 llvmpipe: runs on the CPU"},
		{"", []int{0}, true, 0, ""},
		{"", []int{0, 1}, true, 1, "Iris goes first"},
		{"", []int{4}, true, -1, "0 old: version 1.0"},
		{"", nil, true, -1, "vulkan: no device: "},
		{"LLVM", []int{0, 1, 2}, false, 0, ""},
		{"geforce", []int{2, 3, 1}, false, 3, "GeForce 4090 goes first"},
		{"geforce 10", []int{2, 3}, false, 2, ""},
		{"DE101030", []int{3, 2}, false, 2, ""},
		{"1", []int{3, 2}, false, 2, "is not \"1\""},
		{"1030", []int{3, 2}, false, -1, "is not \"1030\""}, // digits are an index
		{"old", []int{3, 4}, false, -1, "1 old: version 1.0"},
		{"Voodoo", []int{3}, false, -1, "0 GeForce 4090: is not \"Voodoo\""},
	}
	for _, test := range tests {
		var some []physical
		for _, i := range test.devices {
			some = append(some, found[i])
		}
		list := candidates(some, test.name, test.software)
		i, err := choose(list)
		if test.want < 0 {
			if !errors.Is(err, compute.ErrUnavailable) || !strings.Contains(err.Error(), test.why) {
				t.Errorf("%q of %v: %v, want %q", test.name, test.devices, err, test.why)
			}
			continue
		}
		if err != nil || test.devices[i] != test.want {
			t.Errorf("%q of %v: %d, %v, want %d", test.name, test.devices, i, err, test.want)
			continue
		}
		if !strings.Contains(list[0].Why, test.why) || (list[0].Why == "") != list[0].Chosen {
			t.Errorf("%q of %v: first is chosen: %v, because %q, want %q", test.name, test.devices, list[0].Chosen, list[0].Why, test.why)
		}
	}
}

func TestNoLibrary(t *testing.T) {
	if err := load("libnothing-of-this-name.so"); !errors.Is(err, compute.ErrUnavailable) || !strings.Contains(err.Error(), "no library: libnothing") {
		t.Error(err)
	}
}

// TestNoDevice has a library and no driver, which the library reports in its
// own ways.
func TestNoDevice(t *testing.T) {
	if err := loadLibrary(); err != nil {
		t.Skip(err)
	}
	t.Setenv("VK_DRIVER_FILES", "/nonexistent")
	t.Setenv("VK_ICD_FILENAMES", "/nonexistent")
	d, err := Open(Options{Software: true})
	if !errors.Is(err, compute.ErrUnavailable) || d != nil {
		t.Errorf("%v, %v", d, err)
	}
}

func TestFaultFromEnv(t *testing.T) {
	for _, bad := range []string{"oom", "oom@", "oom@0", "oom@-1", "lost@x", "fire@1", "@1"} {
		t.Setenv("BITNET_GPU_FAULT", bad)
		if _, err := Open(Options{}); err == nil || !strings.Contains(err.Error(), "want oom@N or lost@N") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	t.Setenv("BITNET_GPU_FAULT", "lost@3")
	f, err := faultFromEnv()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{false, false, true, false} {
		if f.hit("oom") || f.hit("lost") != want {
			t.Errorf("event %d: want %v", i+1, want)
		}
	}
}
