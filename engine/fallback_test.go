package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"bitnet-gpu/cpu"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/engine/sample"
	"bitnet-gpu/weights"
)

// A failing backend is the CPU's until its n-th batch, which fails.
type failing struct {
	compute.Backend
	n   int
	err error
}

func (f *failing) Info() compute.Info {
	return compute.Info{Backend: "failing", Batch: 4, Context: f.Backend.Info().Context}
}

func (f *failing) Forward(steps []compute.Step) error {
	if f.n--; f.n < 0 {
		return f.err
	}
	return f.Backend.Forward(steps)
}

// withFailing puts a failing backend before the CPU's.
func withFailing(t *testing.T, n int, err error) {
	old := backends
	t.Cleanup(func() { backends = old })
	backends = []choice{{"failing", func(m *weights.Model, opt compute.Options, _ string) (compute.Backend, error) {
		b, e := cpu.New(m, opt)
		return &failing{b, n, err}, e
	}}, {"cpu", openCPU}}
}

// TestFallbackHoldsContext loses a device: the next one may not take fewer
// positions than the text already counts on.
func TestFallbackHoldsContext(t *testing.T) {
	withFailing(t, 3, compute.ErrLost)
	least, context := -1, 0
	backends[1].open = func(m *weights.Model, opt compute.Options, _ string) (compute.Backend, error) {
		least, context = opt.Least, opt.Context
		return cpu.New(m, opt)
	}
	if _, notices, err := story(t, "auto"); err != nil || len(notices) != 1 || least != 0 || context == 0 {
		t.Errorf("%v, notices %q, least %d of %d", err, notices, least, context)
	}
}

// TestShortContext runs on a backend that has no room for all positions.
func TestShortContext(t *testing.T) {
	old := backends
	t.Cleanup(func() { backends = old })
	least := 0
	backends = []choice{{"short", func(m *weights.Model, opt compute.Options, _ string) (compute.Backend, error) {
		if least = opt.Least; least > 0 {
			opt.Context /= 2
		}
		return cpu.New(m, opt)
	}}}
	e, err := Open(tinyA, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	half := e.model.Context / 2
	if want := fmt.Sprintf("room for %d of %d positions", half, 2*half); e.Context() != half || least != min(2*half, leastContext) || !slices.Equal(e.Reasons(), []string{want}) {
		t.Errorf("context %d of %d, at least %d, reasons %q", e.Context(), 2*half, least, e.Reasons())
	}
	asked, err := Open(tinyA, Options{Context: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer asked.Close()
	if asked.Context() != 100 || least != 0 || len(asked.Reasons()) > 0 {
		t.Errorf("context %d of 100, at least %d, reasons %q", asked.Context(), least, asked.Reasons())
	}
}

const tinyA = "../test/testdata/golden/tinyA-i2_s.gguf"

// story generates with the backends as they are.
func story(t *testing.T, backend string) (text string, notices []string, err error) {
	t.Helper()
	e, err := Open(tinyA, Options{Backend: backend, Notice: func(line string) { notices = append(notices, line) }})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	p := sample.Defaults()
	p.LogitBias = map[int32]float32{510: -100, 511: -100}
	for piece, err := range e.Generate(context.Background(), Request{Prompt: "The quick brown fox", Max: 40, Sampling: p}) {
		if err != nil {
			return text, notices, err
		}
		text += piece.Text
	}
	return text, notices, nil
}

// TestFallback loses the device, and its memory, at every batch of a generation:
// the text is that of an undisturbed run.
func TestFallback(t *testing.T) {
	want, _, err := story(t, "cpu")
	if err != nil {
		t.Fatal(err)
	}
	for _, cause := range []error{compute.ErrLost, fmt.Errorf("layer 3: %w", compute.ErrMemory)} {
		for n := 0; ; n++ {
			withFailing(t, n, cause)
			got, notices, err := story(t, "auto")
			if len(notices) == 0 && n > 40 { // the text had ended
				break
			}
			if err != nil || got != want || len(notices) != 1 || !strings.Contains(notices[0], "going on with cpu") {
				t.Fatalf("%v at batch %d: %q, %v, notices %q; expected %q", cause, n, got, err, notices, want)
			}
		}
	}
	withFailing(t, 1000, compute.ErrLost)
	if got, notices, err := story(t, "auto"); err != nil || got != want || len(notices) != 0 {
		t.Errorf("undisturbed: %q, %v, notices %q", got, err, notices)
	}
}

// TestNoFallback: a backend that was named is not replaced, and other errors
// are no reason to.
func TestNoFallback(t *testing.T) {
	withFailing(t, 5, compute.ErrLost)
	if _, notices, err := story(t, "failing"); !errors.Is(err, compute.ErrLost) || len(notices) != 0 {
		t.Errorf("%v, notices %q", err, notices)
	}
	withFailing(t, 5, compute.ErrNumeric)
	if _, notices, err := story(t, "auto"); !errors.Is(err, compute.ErrNumeric) || len(notices) != 0 {
		t.Errorf("%v, notices %q", err, notices)
	}
}

// TestFallbackLogits loses the device in the middle of a list of logits.
func TestFallbackLogits(t *testing.T) {
	tokens := make([]int32, 23)
	for i := range tokens {
		tokens[i] = int32(7 * i)
	}
	logits := func() (all []float32) {
		e, err := Open(tinyA, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		if err := e.Logits(context.Background(), tokens, func(rows []float32) error {
			all = append(all, rows...)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return all
	}
	want := logits()
	for n := range 6 {
		withFailing(t, n, compute.ErrLost)
		if got := logits(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("lost at batch %d: other logits", n)
		}
	}
}
