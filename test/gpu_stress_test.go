package test

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/test/backends"
)

func TestVulkanStress(t *testing.T) { stress(t, openVulkan(t)) }
func TestOpenGLStress(t *testing.T) { stress(t, openOpenGL(t)) }

// stress decodes 10,000 tokens while the garbage collector never rests, over and
// over the same text: its logits stay the same, and the process keeps its
// memory, files and threads.
func stress(t *testing.T, open backends.Open) {
	rounds := 100
	if testing.Short() {
		rounds = 4
	}
	m, _ := tinyA(t)
	b, err := open(m, compute.Options{Slots: 1, Context: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	defer collectAlways()()

	step := compute.Step{Tokens: make([]int32, 1), Logits: make([]float32, m.VocabSize)}
	text := make([][]float32, 100) // logits of each position
	var early usage
	for round := range rounds {
		if round == rounds/4 {
			early = used(t)
		}
		for step.Pos = range text {
			step.Tokens[0] = int32(37*step.Pos) % int32(m.VocabSize)
			if err := b.Forward([]compute.Step{step}); err != nil {
				t.Fatalf("round %d, position %d: %v", round, step.Pos, err)
			}
			if round == 0 {
				text[step.Pos] = slices.Clone(step.Logits)
			} else if !slices.Equal(text[step.Pos], step.Logits) {
				t.Fatalf("round %d, position %d: other logits", round, step.Pos)
			}
		}
	}
	late := used(t)
	t.Logf("after %d tokens %+v, after %d %+v", rounds/4*100, early, rounds*100, late)
	if late.kib > early.kib+8<<10 || late.files > early.files || late.threads > early.threads+2 { // Go may start threads for itself
		t.Error("the process has grown")
	}
}

// collectAlways collects garbage without rest until the function it returns is
// called.
func collectAlways() (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-end:
				return
			default:
				runtime.GC()
			}
		}
	}()
	return func() { close(end); <-ended }
}

// usage is what a process uses of the system, as Linux says.
type usage struct{ kib, files, threads int }

func used(t *testing.T) (u usage) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Log(err)
		return u
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	if _, err := fmt.Sscan(rest, &u.kib); err != nil {
		t.Fatal(err)
	}
	files, _ := os.ReadDir("/proc/self/fd")
	threads, _ := os.ReadDir("/proc/self/task")
	u.files, u.threads = len(files), len(threads)
	return u
}
