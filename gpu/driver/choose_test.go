package driver

import (
	"errors"
	"strings"
	"testing"

	"bitnet-gpu/engine/compute"
)

func TestMark(t *testing.T) {
	t.Setenv("BITNET_GPU_SOFTWARE", "")
	found := []Candidate{
		{Info: Info{Device: "llvmpipe", ID: "6d657361", Type: Software, Memory: 64}},
		{Info: Info{Device: "Iris", ID: "868680c0ffee", Type: Integrated, Memory: 32}},
		{Info: Info{Device: "GeForce 1030", ID: "de101030aaaa", Type: Discrete, Memory: 2}},
		{Info: Info{Device: "GeForce 4090", ID: "de104090aaaa", Type: Discrete, Memory: 24}},
		{Info: Info{Device: "old", Type: Discrete, Memory: 99}, Why: "version 1.0"},
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
		var list []Candidate
		for _, i := range test.devices {
			list = append(list, found[i])
		}
		Mark(list, test.name, test.software)
		i, err := Chosen("vulkan", list)
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

// TestSoftwareFromEnv lets the environment allow what runs on the CPU.
func TestSoftwareFromEnv(t *testing.T) {
	for _, value := range []string{"", "0", "1"} {
		t.Setenv("BITNET_GPU_SOFTWARE", value)
		list := []Candidate{{Info: Info{Device: "llvmpipe", Type: Software}}}
		if Mark(list, "", false); list[0].Chosen != (value == "1") {
			t.Errorf("%q: %+v", value, list[0])
		}
	}
}
