package engine_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"bitnet-gpu/cpu"
	"bitnet-gpu/engine"
	"bitnet-gpu/engine/chat"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/engine/sample"
	"bitnet-gpu/test/tiny"
	"bitnet-gpu/weights"
)

const model = "../test/testdata/golden/tinyA-i2_s.gguf"

func greedy() sample.Params { return sample.Greedy() }

func open(t *testing.T, opt engine.Options) *engine.Engine {
	t.Helper()
	e, err := engine.Open(model, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// text runs a request to its end.
func text(t *testing.T, e *engine.Engine, r engine.Request) (string, engine.Piece) {
	t.Helper()
	var b strings.Builder
	var last engine.Piece
	for piece, err := range e.Generate(context.Background(), r) {
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(piece.Text)
		last = piece
	}
	if last.Finish == "" {
		t.Error("the last piece says not why the text ended")
	}
	return b.String(), last
}

// TestPrefix continues a conversation in the cache and from nothing.
func TestPrefix(t *testing.T) {
	e := open(t, engine.Options{Slots: 2})
	r := engine.Request{Prompt: "The quick brown fox jumps", Max: 12, Sampling: sample.Defaults()}
	first, last := text(t, e, r)
	if last.Stats.Cached != 0 {
		t.Errorf("%d tokens of a first prompt were cached", last.Stats.Cached)
	}
	again, last := text(t, e, r)
	if again != first || last.Stats.Cached != last.Stats.Prompt-1 {
		t.Errorf("again %q with %d of %d cached, first %q", again, last.Stats.Cached, last.Stats.Prompt, first)
	}
	r.Prompt += " over"
	longer, last := text(t, e, r)
	if want, _ := text(t, open(t, engine.Options{}), r); longer != want || last.Stats.Cached < last.Stats.Prompt-6 {
		t.Errorf("in the cache %q (%d cached), from nothing %q", longer, last.Stats.Cached, want)
	}
}

// TestConversations keeps each in a slot of its own, although all begin with the
// same token.
func TestConversations(t *testing.T) {
	e := open(t, engine.Options{Slots: 3})
	prompts := []string{"The quick brown fox jumps", "A quite different thing", "Nothing of all this"}
	for round := range 3 {
		for _, prompt := range prompts {
			_, last := text(t, e, engine.Request{Prompt: prompt, Max: 3})
			if want := min(round, 1) * (last.Stats.Prompt - 1); last.Stats.Cached != want {
				t.Errorf("round %d, %q: %d of %d tokens cached, expected %d", round, prompt, last.Stats.Cached, last.Stats.Prompt, want)
			}
		}
	}
}

// TestConcurrent runs more generations than there are slots.
func TestConcurrent(t *testing.T) {
	e := open(t, engine.Options{Slots: 2, Threads: 2})
	request := func(i int) engine.Request {
		return engine.Request{Prompt: fmt.Sprint("Number ", i), Max: 10, Sampling: sample.Defaults()}
	}
	var want []string
	for i := range 6 {
		s, _ := text(t, e, request(i))
		want = append(want, s)
	}
	got := make([]string, len(want))
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() { got[i], _ = text(t, e, request(i)) })
	}
	wg.Wait()
	if !slices.Equal(got, want) {
		t.Errorf("together %q, one by one %q", got, want)
	}
}

func TestStop(t *testing.T) {
	e := open(t, engine.Options{})
	r := engine.Request{Prompt: "Hello", Max: 30, Sampling: greedy()}
	all, last := text(t, e, r)
	if last.Finish != engine.FinishLength || last.Stats.Generated != 30 {
		t.Errorf("finish %q after %d tokens", last.Finish, last.Stats.Generated)
	}
	for n := 1; n <= 6; n++ { // stops that begin within one token and end in others
		for i := 0; i+n <= len(all); i++ {
			r.Stop = []string{"never there", all[i : i+n], ""}
			got, last := text(t, e, r)
			if want := all[:strings.Index(all, all[i:i+n])]; got != want || last.Finish != engine.FinishStop {
				t.Fatalf("stop %q: %q (%s), expected %q", r.Stop, got, last.Finish, want)
			}
		}
	}
}

// TestContext fills a context to its last position.
func TestContext(t *testing.T) {
	e := open(t, engine.Options{Context: 16})
	r := engine.Request{Tokens: []int32{1, 2, 3}, Sampling: greedy()}
	r.Sampling.LogitBias = map[int32]float32{510: -1e9, 511: -1e9} // no end
	if _, last := text(t, e, r); last.Finish != engine.FinishLength || last.Stats.Generated != 13 {
		t.Errorf("finish %q after %d tokens of 3+13", last.Finish, last.Stats.Generated)
	}
}

func TestCancel(t *testing.T) {
	e := open(t, engine.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r := engine.Request{Prompt: "Hello", Sampling: greedy()}
	r.Sampling.LogitBias = map[int32]float32{510: -1e9, 511: -1e9}
	n := 0
	for piece, err := range e.Generate(ctx, r) {
		if n++; n == 5 {
			cancel()
		}
		if ended := piece.Finish == engine.FinishCancelled; ended != (n > 5) || ended != errors.Is(err, context.Canceled) || !ended && err != nil {
			t.Fatalf("piece %d: %+v, %v", n, piece, err)
		}
	}
	if n != 6 {
		t.Errorf("%d pieces, expected 6", n)
	}
	// A generation that waits for a slot ends too.
	held := make(chan struct{})
	release := make(chan struct{})
	go func() {
		for range e.Generate(context.Background(), r) {
			close(held)
			<-release
			break
		}
	}()
	<-held
	for piece, err := range e.Generate(ctx, r) {
		if !errors.Is(err, context.Canceled) || piece.Finish != engine.FinishCancelled {
			t.Errorf("waiting: %+v, %v", piece, err)
		}
	}
	close(release)
	late, end := context.WithTimeout(context.Background(), 0)
	defer end()
	for piece, err := range e.Generate(late, r) {
		if !errors.Is(err, context.DeadlineExceeded) || piece.Finish != engine.FinishCancelled {
			t.Errorf("too late: %+v, %v", piece, err)
		}
	}
	if err := e.Logits(ctx, []int32{1, 2}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("logits: %v", err)
	}
}

// TestCancelHeldBack: what a stop string held back is in the last piece.
func TestCancelHeldBack(t *testing.T) {
	e := open(t, engine.Options{})
	r := engine.Request{Prompt: "Hello", Max: 6, Sampling: greedy()}
	all, _ := text(t, e, r)
	r.Stop = []string{all + "never there"}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	got, n := "", 0
	for piece := range e.Generate(ctx, r) {
		got += piece.Text
		if n++; n == 3 {
			cancel()
		}
	}
	if want, _ := text(t, e, engine.Request{Prompt: "Hello", Max: 3, Sampling: greedy()}); got != want {
		t.Errorf("%q, without a stop %q", got, want)
	}
}

// TestBreak: a loop that is left, also by a panic, leaves its slot.
func TestBreak(t *testing.T) {
	e := open(t, engine.Options{})
	r := engine.Request{Prompt: "Hello", Max: 4, Sampling: greedy()}
	want, _ := text(t, e, r)
	before := runtime.NumGoroutine()
	for range 3 {
		for range e.Generate(context.Background(), r) {
			break
		}
		func() {
			defer func() { recover() }()
			for range e.Generate(context.Background(), r) {
				panic("the loop's own")
			}
		}()
		pieces := e.Generate(context.Background(), r)
		for range 2 { // a sequence is the request as often as it is ranged over
			got := ""
			for piece, err := range pieces {
				if err != nil {
					t.Fatal(err)
				}
				got += piece.Text
			}
			if got != want {
				t.Errorf("%q, before %q", got, want)
			}
		}
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines, before %d", n, before)
	}
}

// TestClose closes an engine twice, and what is asked of it then has one error.
func TestClose(t *testing.T) {
	e, err := engine.Open(model, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := engine.Request{Prompt: "Hello", Max: 4}
	text(t, e, r)
	for range 2 {
		if err := e.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	}
	n := 0
	for piece, err := range e.Generate(context.Background(), r) {
		if n++; !errors.Is(err, engine.ErrClosed) || piece.Text != "" {
			t.Errorf("%+v, %v", piece, err)
		}
	}
	if n != 1 {
		t.Errorf("%d values", n)
	}
	if err := e.Logits(context.Background(), []int32{1, 2}, nil); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("logits: %v", err)
	}
	_, _, _, _ = e.Info(), e.Context(), e.Reasons(), e.Model().Arch
}

// TestCloseMeanwhile closes an engine that is at work for one, while others wait.
func TestCloseMeanwhile(t *testing.T) {
	e, err := engine.Open(model, engine.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	r := engine.Request{Prompt: "Hello", Sampling: greedy()}
	r.Sampling.LogitBias = map[int32]float32{510: -1e9, 511: -1e9} // no end
	begun := make(chan struct{}, 4)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var last error
			for _, err := range e.Generate(context.Background(), r) {
				select {
				case begun <- struct{}{}:
				default:
				}
				last = err
			}
			if last != nil && !errors.Is(last, engine.ErrClosed) {
				t.Error(last)
			}
		})
	}
	<-begun
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	in, err := engine.Open(model, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range in.Generate(context.Background(), r) { // and from within the loop
		if n++; n == 3 {
			in.Close()
		}
		if closed := errors.Is(err, engine.ErrClosed); closed != (n == 4) {
			t.Errorf("piece %d: %v", n, err)
		}
	}
}

// TestSeedOnly: what is not set is the default.
func TestSeedOnly(t *testing.T) {
	e := open(t, engine.Options{})
	p := sample.Defaults()
	p.Seed = 11
	want, _ := text(t, e, engine.Request{Prompt: "Hello", Max: 12, Sampling: p})
	got, _ := text(t, e, engine.Request{Prompt: "Hello", Max: 12, Sampling: sample.Params{Seed: 11}})
	other, _ := text(t, e, engine.Request{Prompt: "Hello", Max: 12, Sampling: sample.Params{Seed: 12}})
	if got != want || other == want {
		t.Errorf("%q and with another seed %q, expected %q", got, other, want)
	}
}

func TestErrors(t *testing.T) {
	e := open(t, engine.Options{Context: 8})
	for name, r := range map[string]engine.Request{
		"too long":           {Prompt: strings.Repeat("word ", 9)},
		"no tokens":          {Tokens: []int32{}},
		"token out of range": {Tokens: []int32{512}},
		"negative token":     {Tokens: []int32{-1}},
		"negative length":    {Prompt: "x", Max: -1},
		"temperature":        {Prompt: "x", Sampling: sample.Params{Temp: -1}},
		"top-p":              {Prompt: "x", Sampling: sample.Params{TopP: 2}},
		"history":            {Prompt: "x", Sampling: sample.Params{RepeatLast: -2}},
		"bias":               {Prompt: "x", Sampling: sample.Params{LogitBias: map[int32]float32{512: 1}}},
		"no prompt":          {Max: 3},
		"empty conversation": {Messages: []chat.Message{}},
		"two prompts":        {Prompt: "x", Tokens: []int32{1}},
		"three prompts":      {Prompt: "x", Tokens: []int32{1}, Messages: []chat.Message{{Role: "user", Content: "x"}}},
	} {
		n := 0
		for _, err := range e.Generate(context.Background(), r) {
			if n++; !errors.Is(err, engine.ErrUsage) || flag.MatchString(err.Error()) {
				t.Errorf("%s: %v, expected ErrUsage in the words of a library", name, err)
			}
		}
		if n != 1 {
			t.Errorf("%s: %d values", name, n)
		}
	}
	if _, err := engine.Open(model, engine.Options{Backend: "vulkan"}); !errors.Is(err, compute.ErrUnavailable) {
		t.Errorf("a backend that is not there: %v", err)
	}
	for _, opt := range []engine.Options{{Context: 1<<20 + 1}, {Context: -1}, {Batch: 1 << 62}, {Threads: 20000}, {Slots: 1 << 62}} {
		if _, err := engine.Open(model, opt); !errors.Is(err, engine.ErrUsage) || flag.MatchString(err.Error()) {
			t.Errorf("%+v: %v", opt, err)
		}
	}
}

// flag finds flags of a command line.
var flag = regexp.MustCompile(`(^|[ (])--?[a-z]`)

// TestDamaged gives NaN weights, which end in an error and not in token 0.
func TestDamaged(t *testing.T) {
	m := tiny.New(tiny.Shapes()[1], 1)
	for i := range m.Output.Data {
		m.Output.Data[i] = 0xFF // NaN in float16
	}
	e, err := engine.New(m, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	failed := false
	for _, err := range e.Generate(context.Background(), engine.Request{Tokens: []int32{1, 2}, Sampling: greedy()}) {
		failed = failed || err != nil
	}
	if !failed {
		t.Error("text came out of NaN")
	}
	if err := e.Logits(context.Background(), []int32{1, 2}, func([]float32) error { return nil }); !errors.Is(err, compute.ErrNumeric) {
		t.Errorf("logits: %v, expected ErrNumeric", err)
	}
}

// TestShrunk cuts a model's file short while it is in use.
func TestShrunk(t *testing.T) {
	path := t.TempDir() + "/shrunk.gguf"
	m := tiny.New(tiny.Shapes()[1], 1)
	if err := m.WriteGGUF(path, weights.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	e, err := engine.Open(path, engine.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	r := engine.Request{Tokens: []int32{1, 2, 3}, Max: 3, Sampling: greedy()}
	text(t, e, r)
	truncate(t, path)
	for _, err := range e.Generate(context.Background(), r) {
		if !errors.Is(err, weights.ErrInvalid) || !strings.Contains(err.Error(), "shrank") {
			t.Errorf("error %v, expected one that the file shrank", err)
		}
	}
}

// TestTooManyThreads: more threads than cores are a warning, as many are none.
func TestTooManyThreads(t *testing.T) {
	for _, c := range []struct{ threads, want int }{{0, 0}, {1, 0}, {cpu.Cores(), 0}, {cpu.Cores() + 1, 1}} {
		var lines []string
		open(t, engine.Options{Backend: "cpu", Threads: c.threads, Notice: func(line string) { lines = append(lines, line) }})
		if len(lines) != c.want || c.want > 0 && !strings.Contains(lines[0], fmt.Sprintf("%d threads and the cores or processor time for %d", c.threads, cpu.Cores())) {
			t.Errorf("%d threads: %q", c.threads, lines)
		}
	}
}

// TestBackend: what was computed behind the engine's back does not change a text.
func TestBackend(t *testing.T) {
	e := open(t, engine.Options{})
	r := engine.Request{Prompt: "The quick brown fox jumps", Max: 12, Sampling: greedy()}
	want, _ := text(t, e, r)
	if err := e.Backend().Forward([]compute.Step{{Tokens: []int32{1, 2, 3, 4, 5, 6}}}); err != nil {
		t.Fatal(err)
	}
	if got, _ := text(t, e, r); got != want {
		t.Errorf("%q, before %q", got, want)
	}
}
