//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

import (
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestFacts compares what is asked of each device with what Khronos' own tool
// prints, to which the structures' layout is the specification's.
func TestFacts(t *testing.T) {
	if _, err := exec.LookPath("vulkaninfo"); err != nil {
		if slices.Contains(strings.Split(os.Getenv("BITNET_TEST_REQUIRE"), ","), "vulkan") {
			t.Fatalf("BITNET_TEST_REQUIRE has vulkan: %v", err)
		}
		t.Skip("needs vulkaninfo (vulkan-tools)")
	}
	text, err := exec.Command("vulkaninfo").Output()
	if err != nil {
		t.Skipf("vulkaninfo: %v", err)
	}
	told := regexp.MustCompile(`(?m)^GPU\d+:\n`).Split(string(text), -1)[1:]
	told = slices.DeleteFunc(told, func(s string) bool { return !strings.Contains(s, "deviceName") })
	if err := acquire(); err != nil {
		t.Fatal(err)
	}
	defer release()
	found, err := find()
	if err != nil || len(found) != len(told) {
		t.Fatalf("%d devices, vulkaninfo has %d: %v", len(found), len(told), err)
	}
	for i, p := range found {
		f := &p.facts
		uuid := hex.EncodeToString(f.uuid[:])
		for name, value := range map[string]any{
			"deviceName":                                     f.name,
			"vendorID":                                       fmt.Sprintf("%#04x", f.vendorID),
			"deviceUUID":                                     strings.Join([]string{uuid[:8], uuid[8:12], uuid[12:16], uuid[16:20], uuid[20:]}, "-"),
			"maxStorageBufferRange":                          f.limits.Range,
			"maxComputeWorkGroupInvocations":                 f.limits.GroupSize,
			"maxComputeSharedMemorySize":                     f.limits.Shared,
			"timestampPeriod":                                f.timestampPeriod,
			"timestampValidBits":                             f.timestampBits,
			"maxMemoryAllocationSize":                        fmt.Sprintf("%#08x", f.maxAllocation),
			"subgroupSize":                                   f.subgroup,
			"shaderRoundingModeRTEFloat32":                   f.roundsToEven,
			"shaderIntegerDotProduct":                        f.dot,
			"integerDotProduct4x8BitPackedSignedAccelerated": f.fastDot,
		} {
			want := regexp.MustCompile(`(?m)^\s*` + name + `\s*= (.*)$`).FindStringSubmatch(told[i])
			if want == nil {
				t.Logf("%s: vulkaninfo does not say its %s", f.name, name)
			} else if got := fmt.Sprint(value); got != strings.TrimSpace(want[1]) {
				t.Errorf("%s: %s is %s, vulkaninfo says %s", f.name, name, got, want[1])
			}
		}
	}
}
