package test

import (
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestVulkanValidation runs the suite on one model again under the validation
// layer with synchronisation validation, which must find nothing to say. That
// it would is tested in gpu/vulkan.
func TestVulkanValidation(t *testing.T) {
	openVulkan(t) // skips where there is none
	cmd := exec.Command(os.Args[0], "-test.run=^TestVulkanGolden$", "-test.v")
	cmd.Env = append(os.Environ(), "VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation", "VK_LOADER_DEBUG=layer",
		"VK_LAYER_ENABLES=VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !regexp.MustCompile(`(?i)insert.*VK_LAYER_KHRONOS_validation`).Match(out) {
		need(t, "vulkan", errors.New("no validation layer (vulkan-validationlayers)"))
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "Validation Error") || strings.Contains(line, "SYNC-HAZARD") || strings.Contains(line, "VUID-") {
			t.Fatal(line)
		}
	}
}
