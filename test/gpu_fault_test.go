package test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"bitnet-gpu/engine"
	"bitnet-gpu/engine/sample"
)

// TestVulkanFaults disturbs Vulkan, the first that is tried.
func TestVulkanFaults(t *testing.T) {
	openVulkan(t) // skips where there is none
	faults(t, "vulkan")
}

// TestOpenGLFaults disturbs OpenGL where Vulkan has no driver.
func TestOpenGLFaults(t *testing.T) {
	openOpenGL(t)
	t.Setenv("VK_DRIVER_FILES", "/nonexistent")
	t.Setenv("VK_ICD_FILENAMES", "/nonexistent")
	faults(t, "opengl")
}

// faults takes memory away at each allocation, and the device at each
// submission, of a generation of 60 tokens that was left to choose its backend:
// it ends in the text of an undisturbed run, and says once what happened.
func faults(t *testing.T, first string) {
	t.Setenv("BITNET_GPU_SOFTWARE", "1")
	t.Setenv("BITNET_HEAD", "screen") // small as it is
	want, backend, _ := generate(t, "cpu")
	if backend != "cpu" {
		t.Fatal(backend)
	}
	injected := func(said []string) int { return strings.Count(strings.Join(said, "\n"), first+": injected fault") }
	if got, backend, said := generate(t, "auto"); got != want || backend != first || injected(said) != 0 {
		t.Fatalf("undisturbed: %q by %s, which says %q; expected %q", got, backend, said, want)
	}
	for _, kind := range []string{"oom", "lost"} {
		failures := 0
		for n := 1; ; n += 1 + n/faultStep() {
			t.Setenv("BITNET_GPU_FAULT", fmt.Sprintf("%s@%d", kind, n))
			got, backend, said := generate(t, "auto")
			if got != want {
				t.Fatalf("%s@%d: %q by %s, which says %q; expected %q", kind, n, got, backend, said, want)
			}
			if backend == first { // fewer than n events
				break
			}
			if injected(said) != 1 {
				t.Errorf("%s@%d: says %q", kind, n, said)
			}
			failures++
		}
		if failures < 5 {
			t.Errorf("%s: only %d failures", kind, failures)
		}
	}
}

// faultStep is large where every event is tried, and small in short tests: the
// further events are, the fewer of them are tried.
func faultStep() int {
	if testing.Short() {
		return 3
	}
	return 1 << 30
}

// generate returns a text of 60 tokens, the backend that ended it, and what the
// engine says of backends that failed.
func generate(t *testing.T, backend string) (text, by string, said []string) {
	t.Helper()
	e, err := engine.Open("testdata/golden/tinyA-i2_s.gguf", engine.Options{
		Backend: backend,
		Notice:  func(line string) { said = append(said, line) },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	said = append(said, e.Reasons()...)
	p := sample.Defaults()
	p.LogitBias = map[int32]float32{510: -100, 511: -100} // the tokens that end a text
	for piece, err := range e.Generate(context.Background(), engine.Request{Prompt: "The quick brown fox", Max: 60, Sampling: p}) {
		if err != nil {
			t.Fatal(err)
		}
		text += piece.Text
	}
	return text, e.Info().Backend, said
}
