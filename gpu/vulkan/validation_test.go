//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"bitnet-gpu/gpu/driver"
)

// TestValidation runs the tests of this package that run lists again, under the
// validation layer with synchronisation validation, which must find nothing.
// First it has to find a barrier that was left out.
func TestValidation(t *testing.T) {
	hazard := validate(t, "TestHazard", "BITNET_TEST_HAZARD=1")
	if !strings.Contains(hazard, "SYNC-HAZARD-READ-AFTER-WRITE") {
		if slices.Contains(strings.Split(os.Getenv("BITNET_TEST_REQUIRE"), ","), "vulkan") {
			t.Fatalf("BITNET_TEST_REQUIRE has vulkan: the validation layer does not see a missing barrier:\n%s", hazard)
		}
		t.Skip("needs a Vulkan device and its validation layer (vulkan-validationlayers)")
	}
	found := validate(t, "TestRun|TestRanges|TestDot|TestWrite|TestMemory|TestCache|TestTime|TestFault|TestOpenClose")
	for line := range strings.Lines(found) {
		if strings.Contains(line, "Validation ") || strings.Contains(line, "SYNC-") || strings.Contains(line, "VUID") {
			t.Errorf("%s", found)
			break
		}
	}
}

// validate runs tests of this binary under the layer, and returns what they and
// it say.
func validate(t *testing.T, tests string, env ...string) string {
	cmd := exec.Command(os.Args[0], "-test.run=^("+tests+")$", "-test.v")
	cmd.Env = append(os.Environ(), "VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation",
		"VK_LAYER_ENABLES=VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT")
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return string(out)
}

// TestHazard runs a list without its barriers. Only TestValidation has use for
// it.
func TestHazard(t *testing.T) {
	if os.Getenv("BITNET_TEST_HAZARD") == "" {
		t.Skip("part of TestValidation")
	}
	eachDevice(t, func(t *testing.T, d *device) {
		l := chain(t, d, 2)
		r, err := d.recorded(l)
		if err != nil {
			t.Fatal(err)
		}
		for i := range r.commands {
			r.commands[i].barrier = barrier{}
		}
		mustRun(t, d, l)
	})
}

// chain returns a list of n dispatches, each of which needs the one before it.
func chain(t testing.TB, d *device, n int) *driver.List {
	t.Helper()
	if err := d.Load(step); err != nil {
		t.Fatal(err)
	}
	var buffers [2]driver.Buffer
	for i := range buffers {
		b, err := d.NewBuffer("chain", 4*64, driver.Local)
		if err != nil {
			t.Fatal(err)
		}
		buffers[i] = b
	}
	l := &driver.List{Label: "chain"}
	l.Add(driver.Upload{To: driver.Whole(buffers[0]), Data: driver.Bytes(count(64))})
	for i := range n {
		l.Add(driver.Dispatch{
			Kernel:  step,
			Buffers: []driver.Range{driver.Whole(buffers[i%2]), driver.Whole(buffers[(i+1)%2])},
			Params:  []uint32{64, 1, 1},
			Groups:  [3]int{1, 1, 1},
		})
	}
	l.Add(driver.Download{From: driver.Whole(buffers[n%2]), Data: make([]byte, 4*64)})
	return l
}
