package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"bitnet-gpu/cpu"
	"bitnet-gpu/engine"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/engine/sample"
	"bitnet-gpu/test/tiny"
	"bitnet-gpu/weights"
)

const model = "../test/testdata/golden/tinyA-i2_s.gguf"

// How another program uses the engine.
func Example() {
	e, err := engine.Open(model, engine.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer e.Close()
	request := engine.Request{Prompt: "Hello", Max: 4, Sampling: sample.Params{Temp: 0, TopP: 1, RepeatPenalty: 1}}
	for piece, err := range e.Generate(context.Background(), request) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%q ", piece.Text)
	}
	// Output: "gz" "hz" "ion" "hz"
}

func greedy() sample.Params {
	p := sample.Defaults()
	p.Temp = 0
	return p
}

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
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 5 {
			cancel()
		}
		if n > 5 && piece.Finish != engine.FinishCancelled {
			t.Fatalf("piece %d after the end: %+v", n, piece)
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
		if err != nil || piece.Finish != engine.FinishCancelled {
			t.Errorf("waiting: %+v, %v", piece, err)
		}
	}
	close(release)
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
	} {
		for _, err := range e.Generate(context.Background(), r) {
			if !errors.Is(err, engine.ErrUsage) {
				t.Errorf("%s: %v, expected ErrUsage", name, err)
			}
		}
	}
	if _, err := engine.Open(model, engine.Options{Backend: "vulkan"}); !errors.Is(err, compute.ErrUnavailable) {
		t.Errorf("a backend that is not there: %v", err)
	}
	for _, opt := range []engine.Options{{Context: 1<<20 + 1}, {Context: -1}, {Batch: 1 << 62}, {Threads: 20000}, {Slots: 1 << 62}} {
		if _, err := engine.Open(model, opt); !errors.Is(err, engine.ErrUsage) {
			t.Errorf("%+v: %v", opt, err)
		}
	}
}

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
