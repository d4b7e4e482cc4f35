package gpu

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"bitnet-gpu/cpu"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"
	"bitnet-gpu/test/backends"
	"bitnet-gpu/test/tiny"
	"bitnet-gpu/weights"
)

// ids is a sequence of n tokens.
func ids(n int) []int32 {
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32(i * i % 251)
	}
	return ids
}

// TestLists runs the suite of the backends on the device in Go: all of it for
// small models, some of it for the others.
func TestLists(t *testing.T) { lists(t, limits) }

// TestFusedLists runs it where a token takes five dispatches a layer, and the head
// is screened.
func TestFusedLists(t *testing.T) {
	t.Setenv("BITNET_HEAD", "screen")
	lists(t, fusedLimits)
}

func lists(t *testing.T, limits driver.Limits) {
	reference := func(m *weights.Model) (compute.Backend, error) {
		t.Setenv("BITNET_CPU", "portable")
		return cpu.New(m, compute.Options{Slots: 1, Context: m.Context, Threads: 1, Batch: 1})
	}
	open := func(m *weights.Model, opt compute.Options) (compute.Backend, error) {
		opt.Batch = 50
		d := newDevice(t)
		d.limits = limits
		return New(d, m, opt)
	}
	for i, shape := range append(tiny.Shapes(), tiny.Relatives()...) {
		t.Run(shape.Name, func(t *testing.T) {
			m := tiny.New(shape, 1)
			if i == 0 || i == 2 {
				backends.Model(t, shape.Name, m, ids(80), reference, open)
			} else {
				backends.Logits(t, shape.Name, m, ids(5), reference, open)
			}
		})
	}
}

// TestCount counts what a token of a model with the widths of the 2B4T takes:
// five dispatches a layer and as many barriers, and little more to read than
// packed weights, cache and head.
func TestCount(t *testing.T) {
	t.Setenv("BITNET_HEAD", "screen")
	d := newDevice(t)
	d.limits = driver.Least
	d.limits.Bindings = fusedLimits.Bindings
	m := tiny.New(tiny.Shape{
		Name: "wide", Hidden: 2560, FFN: 6912, Blocks: 3, Heads: 20, KVHeads: 5, HeadDim: 128,
		Vocab: 1000, Context: 1024, Embd: weights.F16, Tied: true,
	}, 1)
	g, err := New(d, m, compute.Options{Slots: 1, Context: 1024})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []struct {
		shape
		tail int // dispatches
	}{
		{shape{tokens: 1, rows: 1}, 3},           // embedding, norm, head
		{shape{tokens: 1, rows: 1, chain: 1}, 9}, // embedding, norm, what the screen knows of the input, screen, best, bound, rescored rows, best, pick
	} {
		l := g.(*backend).list(s.shape)
		c := l.Count()
		if c.Dispatches != 5*m.Blocks+s.tail || c.Barriers > 5*m.Blocks+s.tail+1 { // one behind the upload
			t.Errorf("%s: %d dispatches and %d barriers of %d layers", l.Label, c.Dispatches, c.Barriers, m.Blocks)
		}
		const pos = 500
		total := 0
		for _, c := range l.Commands {
			if d, ok := c.(driver.Dispatch); ok {
				total += reads(l, &d, pos)
			}
		}
		if least := least(l, pos); total < least || float64(total) > 1.05*float64(least) {
			t.Errorf("%s: %d bytes to read, weights, cache and head are %d", l.Label, total, least)
		}
	}
}

// TestScreen asks for the best rows of a head of many, of which most must stay
// unread, and shows that a head is screened by its size and where there is room.
func TestScreen(t *testing.T) {
	m := tiny.New(tiny.Shape{
		Name: "head", Hidden: 512, FFN: 64, Blocks: 1, Heads: 4, KVHeads: 2, HeadDim: 64,
		Vocab: 20011, Context: 64, Embd: weights.F16, Tied: true,
	}, 1)
	needs, cache := (&backend{model: m, slots: 1, context: 64, screening: true}).memory()
	needs += cache
	for _, c := range []struct {
		name     string
		head     string
		bindings int
		free     int64
		screened bool
	}{
		{"by its size", "", 8, 0, true},
		{"turned off", "full", 8, 0, false},
		{"too few bindings", "", 4, 0, false},
		{"room", "", 8, needs, true},
		{"too little room", "", 8, needs - 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("BITNET_HEAD", c.head)
			d := newDevice(t)
			d.limits.Bindings, d.limits.Range, d.free = c.bindings, 8<<20, c.free
			g, err := New(d, m, compute.Options{Slots: 1, Context: 64})
			if err != nil {
				t.Fatal(err)
			}
			best := [][]compute.Candidate{make([]compute.Candidate, 8), make([]compute.Candidate, 8)}
			logits, next := make([]float32, 2*m.VocabSize), make([]int32, 1)
			for _, s := range []compute.Step{{Tokens: ids(2), Logits: logits}, {Tokens: ids(2), Top: best}, {Tokens: ids(2), Next: next}} {
				d.opened = 0
				if err := g.Forward([]compute.Step{s}); err != nil {
					t.Fatal(err)
				}
				switch tokens := len(s.Top) + len(s.Next); {
				case c.screened && tokens > 0 && (d.opened < tokens || d.opened > tokens*m.VocabSize/5),
					!c.screened && tokens > 0 && d.opened != tokens*m.VocabSize:
					t.Errorf("%d rows computed for %d tokens", d.opened, tokens)
				}
			}
			for i := range best {
				want := make([]compute.Candidate, 8)
				compute.Best(want, logits[i*m.VocabSize:(i+1)*m.VocabSize], nil)
				if !slices.Equal(best[i], want) {
					t.Errorf("candidates %v, expected %v", best[i], want)
				}
			}
			if next[0] != best[1][0].ID {
				t.Errorf("token %d, expected %d", next[0], best[1][0].ID)
			}
		})
	}
}

// small is a model for tests that need any.
func small() *weights.Model { return tiny.New(tiny.Shapes()[0], 1) }

// TestProbe opens the backend on a device whose self-test fails.
func TestProbe(t *testing.T) {
	d := newDevice(t)
	d.wrong = "probe"
	b, err := New(d, small(), compute.Options{Slots: 1, Context: 64})
	if !errors.Is(err, compute.ErrUnavailable) || !strings.Contains(err.Error(), "the self-test of test device fails: a product of") {
		t.Errorf("backend %v, error %v", b, err)
	}
	if !d.closed {
		t.Error("the device is still open")
	}
}

// TestNoMemory lets each allocation fail in turn.
func TestNoMemory(t *testing.T) {
	m := small()
	for n := 1; ; n++ {
		d := newDevice(t)
		d.noMemory = n
		b, err := New(d, m, compute.Options{Slots: 1, Context: 64})
		if err == nil {
			b.Close()
			if n < 10 {
				t.Errorf("only %d allocations", n)
			}
			return
		}
		if !errors.Is(err, compute.ErrMemory) || errors.Is(err, weights.ErrInvalid) || b != nil || !d.closed {
			t.Fatalf("allocation %d fails: backend %v, error %v, device closed: %v", n, b, err, d.closed)
		}
	}
}

// TestLost lets each run fail in turn.
func TestLost(t *testing.T) {
	m := small()
	for n := 1; n < 8; n++ {
		d := newDevice(t)
		d.lost = n
		b, err := New(d, m, compute.Options{Slots: 1, Context: 64})
		for pos := 0; err == nil && pos < 10; pos++ {
			err = b.Forward([]compute.Step{{Pos: pos, Tokens: []int32{1}}})
		}
		if !errors.Is(err, compute.ErrLost) {
			t.Errorf("run %d fails: error %v", n, err)
		}
	}
}

// TestTooLarge asks for more than the device has or binds.
func TestTooLarge(t *testing.T) {
	for _, test := range []struct {
		free    int64
		context int
		want    string
	}{
		{100 << 10, 64, "do not fit the 0 MB that the GPU has free"},
		{0, 32768, "the cache of a layer for 1 x 32768 positions takes 8 MB, the device binds 3 MB at most; ask for a smaller context"},
	} {
		d := newDevice(t)
		d.free = test.free
		_, err := New(d, small(), compute.Options{Slots: 1, Context: test.context})
		if !errors.Is(err, compute.ErrMemory) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, expected %s", err, test.want)
		}
	}
}

// TestEconomy opens a model on devices with less and less room, which give up the
// screen of the head before positions, and no more positions than was allowed.
func TestEconomy(t *testing.T) {
	t.Setenv("BITNET_HEAD", "screen")
	m := small()
	bytes := func(context int, screening bool) int64 {
		w, c := (&backend{model: m, slots: 1, context: context, screening: screening}).memory()
		return w + c
	}
	for _, c := range []struct {
		free      int64
		least     int
		context   int // 0: ErrMemory
		screening bool
	}{
		{bytes(64, true), 16, 64, true},
		{bytes(64, true) - 1, 16, 64, false},
		{bytes(64, false) - 1, 16, 32, false},
		{bytes(64, false) - 1, 0, 0, false},
		{bytes(32, false) - 1, 16, 16, false},
		{bytes(32, false) - 1, 17, 0, false},
		{bytes(16, false) - 1, 16, 0, false},
	} {
		d := newDevice(t)
		d.limits, d.free = fusedLimits, c.free
		g, err := New(d, m, compute.Options{Slots: 1, Context: 64, Least: c.least})
		if c.context == 0 {
			if !errors.Is(err, compute.ErrMemory) {
				t.Errorf("%+v: error %v", c, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		if got := g.Info().Context; got != c.context || (g.(*backend).screen != nil) != c.screening {
			t.Errorf("%+v: context %d, screen %v", c, got, g.(*backend).screen)
		}
		if err := g.Forward([]compute.Step{{Tokens: ids(c.context), Next: make([]int32, 1)}}); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
	d := newDevice(t) // one that binds 3 MB
	g, err := New(d, small(), compute.Options{Slots: 1, Context: 32768, Least: 1024})
	if err != nil || g.Info().Context != 8192 {
		t.Errorf("%v, %v", g, err)
	}
}

// TestNumeric feeds a vector of which an element is infinite.
func TestNumeric(t *testing.T) {
	m := small()
	m.Layers[1].AttnNorm[5] = float32(math.Inf(1))
	b, err := New(newDevice(t), m, compute.Options{Slots: 1, Context: 64})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Forward([]compute.Step{{Tokens: []int32{1, 2}}}); !errors.Is(err, compute.ErrNumeric) {
		t.Errorf("error %v, expected %v", err, compute.ErrNumeric)
	}
}

// TestVariant asks for arithmetic by the environment.
func TestVariant(t *testing.T) {
	for name, want := range map[string]string{"": "f32", "i32": "i32", "dot": "dot", "f32": "f32", "f64": ""} {
		t.Setenv("BITNET_GPU_VARIANT", name)
		b, err := New(newDevice(t), small(), compute.Options{Slots: 1, Context: 64})
		if want == "" {
			if !errors.Is(err, compute.ErrUnavailable) || !strings.Contains(err.Error(), `BITNET_GPU_VARIANT is "f64", expected dot, f32 or i32`) {
				t.Errorf("%s: error %v", name, err)
			}
			continue
		}
		if err != nil || b.Info().Path != want {
			t.Errorf("%s: %v, %v", name, b.Info().Path, err)
		}
	}
}

// TestTaps compares every intermediate with the CPU's.
func TestTaps(t *testing.T) {
	m, tokens := tiny.New(tiny.Shapes()[2], 1), ids(9)
	type key struct {
		name       string
		layer, pos int
	}
	trace := func(open func(compute.Options) (compute.Backend, error)) map[key][]float32 {
		taps := map[key][]float32{}
		b, err := open(compute.Options{Slots: 1, Context: 64, Trace: func(tap compute.Tap) {
			taps[key{tap.Name, tap.Layer, tap.Pos}] = slices.Clone(tap.Data)
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		if err := b.Forward([]compute.Step{{Tokens: tokens, Logits: make([]float32, m.VocabSize)}}); err != nil {
			t.Fatal(err)
		}
		return taps
	}
	want := trace(func(opt compute.Options) (compute.Backend, error) { return cpu.New(m, opt) })
	got := trace(func(opt compute.Options) (compute.Backend, error) { return New(newDevice(t), m, opt) })
	if len(got) != len(want) || len(want) != len(tokens)*(1+m.Blocks*11)+2 {
		t.Errorf("%d taps, the CPU has %d", len(got), len(want))
	}
	for k, data := range want {
		if !slices.Equal(got[k], data) {
			t.Errorf("%v differs", k)
		}
	}
}
