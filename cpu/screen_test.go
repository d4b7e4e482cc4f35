package cpu

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"bitnet-gpu/cpu/kernel"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/test/tiny"
	"bitnet-gpu/weights"
)

// screened opens a backend whose head has many rows.
func screened(t testing.TB, embd weights.DType) *backend {
	t.Helper()
	t.Setenv("BITNET_HEAD", "screen")
	m := tiny.New(tiny.Shape{
		Name: "head", Hidden: 512, FFN: 64, Blocks: 1, Heads: 4, KVHeads: 2, HeadDim: 64,
		Vocab: 20011, Context: 64, Embd: embd, Tied: true,
	}, 1)
	b, err := New(m, compute.Options{Slots: 1, Context: 8, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b.(*backend)
}

// structure gives rows of the head few values, the kind whose rounding errors
// would all point one way if nothing were done about it.
func structure(b *backend, t *testing.T) {
	out := &b.model.Output
	if out.Type != weights.F32 {
		t.Fatal("rows are written as float32")
	}
	r := rand.New(rand.NewPCG(8, 0))
	for id := 100; id < 200; id++ {
		share := r.Float64()
		levels := []float64{0, 0.48 + 0.02*r.Float64(), 1, -1, 0.07}[:2+r.IntN(4)]
		for i := range out.Cols {
			v := levels[0]
			if r.Float64() < share {
				v = levels[1+r.IntN(len(levels)-1)]
			}
			if id%2 == 0 && r.IntN(2) == 0 {
				v = -v
			}
			binary.LittleEndian.PutUint32(out.Bytes(id)[4*i:], math.Float32bits(float32(v)))
		}
	}
	b.onPool(func() { b.screen = b.newScreen(b.screen.words) })
}

// inputs are vectors that the head may meet: of all sizes, with outliers, and
// near to a row.
func inputs(b *backend, r *rand.Rand) map[string][]float32 {
	n := b.model.Hidden
	vector := func(value func(i int) float64) []float32 { return make32(n, value) }
	row, few := make([]float32, n), make([]float32, n)
	b.widenHead(row, 12345)
	b.widenHead(few, 100+r.IntN(100))
	return map[string][]float32{
		"normal":     vector(func(int) float64 { return r.NormFloat64() }),
		"large":      vector(func(int) float64 { return 1e6 * r.NormFloat64() }),
		"small":      vector(func(int) float64 { return 1e-6 * r.NormFloat64() }),
		"outliers":   vector(func(i int) float64 { return r.NormFloat64() * math.Pow(40, float64(i%97/96)) }),
		"one":        vector(func(i int) float64 { return float64(i / 511) }),
		"steps":      vector(func(i int) float64 { return float64(i%3 - 1) }),
		"near a row": vector(func(i int) float64 { return 20*float64(row[i]) + r.NormFloat64() }),
		"a row":      vector(func(i int) float64 { return float64(row[i]) }),
		"few values": vector(func(i int) float64 { return float64(few[i]) }),
		"near few":   vector(func(i int) float64 { return float64(few[i]) + 0.5*r.NormFloat64() }),
	}
}

func make32(n int, value func(i int) float64) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = kernel.FZ(float32(value(i)))
	}
	return x
}

// candidates finds the k best of tokens with such inputs of the head. open says how
// many rows were computed for the last of them, ok that all numbers were finite.
// Tokens without candidates are those of which all rows would be read.
func (b *backend) candidates(k int, inputs ...[]float32) (best [][]compute.Candidate, open int, ok bool) {
	s := &b.scratch
	s.rows, s.spare = s.rows[:0], 0
	for t, x := range inputs {
		copy(vector(s.x, t, len(x)), x)
		s.rows = append(s.rows, row{top: make([]compute.Candidate, k)})
	}
	b.onPool(func() { ok = b.screened() })
	for _, r := range s.rows {
		if r.logits != nil {
			r.top = nil
		}
		best = append(best, r.top)
	}
	return best, len(b.screen.open), ok
}

// onPool runs f where regions may be run.
func (b *backend) onPool(f func()) {
	b.pool.begin()
	defer b.pool.end()
	f()
}

// TestScreen compares the candidates of the screen with those of all rows, and
// every row's logit with its bounds.
func TestScreen(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 0))
	types, rounds := []weights.DType{weights.F32, weights.F16, weights.BF16, weights.Q8_0, weights.Q6_K}, 2
	if testing.Short() {
		types, rounds = types[:1], 1
	}
	for _, embd := range types {
		t.Run(fmt.Sprint(embd), func(t *testing.T) {
			b := screened(t, embd)
			if embd == weights.F32 {
				structure(b, t)
			}
			worst, narrowed := 0.0, 0
			for round := range rounds {
				named := inputs(b, r)
				names := slices.Sorted(maps.Keys(named))
				var xs [][]float32
				for _, name := range names {
					xs = append(xs, named[name])
				}
				for _, k := range []int{1, 40, 300} {
					got, _, ok := b.candidates(k, xs...)
					if !ok {
						t.Error("not finite")
					}
					for i, x := range xs {
						name := fmt.Sprintf("round %d, %s, %d best", round, names[i], k)
						if got[i] == nil {
							t.Logf("%s: all rows are read", name)
							continue
						}
						narrowed++
						logits := make([]float32, b.model.VocabSize)
						for id := range logits {
							logits[id] = b.logit(0, id, x)
						}
						want := make([]compute.Candidate, k)
						compute.Best(want, logits, nil)
						if !slices.Equal(got[i], want) {
							t.Errorf("%s: %v, expected %v", name, got[i], want)
						}
						worst = max(worst, b.checkBounds(t, name, b.screen.inputs[i], logits))
					}
				}
			}
			t.Logf("largest error: %.2f of its band", worst)
			if narrowed == 0 {
				t.Error("the screen left too many rows open, whatever the input")
			}
			if worst > 0.8 {
				t.Errorf("an error of %.2f of its band: eight deviations are not as far away as thought", worst)
			}
		})
	}
}

// checkBounds returns the largest error of an estimate as a part of its band.
func (b *backend) checkBounds(t *testing.T, name string, in *screenInput, logits []float32) (worst float64) {
	for id, logit := range logits {
		lower, upper := float64(in.lower[id]), float64(in.upper[id])
		if float64(logit) < lower || float64(logit) > upper {
			t.Fatalf("%s: logit %v of row %d lies outside of %v to %v", name, logit, id, lower, upper)
		}
		if upper > lower {
			worst = max(worst, math.Abs(float64(logit)-(lower+upper)/2)/((upper-lower)/2))
		}
	}
	return worst
}

// TestScreenOpens shows that few rows stay open where one stands out, and that
// a row which holds no numbers always does.
func TestScreenOpens(t *testing.T) {
	b := screened(t, weights.F16)
	row := make([]float32, b.model.Hidden)
	b.widenHead(row, 777)
	if _, open, _ := b.candidates(1, row); open > 10 || !slices.Contains(b.screen.open, 777) {
		t.Errorf("%d rows open beside one that stands out", open)
	}
	nan := b.model.Output.Bytes(4242)
	nan[2], nan[3] = 0xFF, 0x7F
	b.onPool(func() { b.screen = b.newScreen(b.screen.words) })
	if best, _, ok := b.candidates(1, row); best[0] != nil && ok {
		t.Error("a row with a NaN was passed over")
	}
}

// TestScreenLater asks for candidates again and again: the first batch reads the whole
// head, the second makes the screen, and all find the same.
func TestScreenLater(t *testing.T) {
	for _, c := range []struct {
		head string
		made []bool // after each batch
	}{{"", []bool{false, true, true}}, {"screen", []bool{true, true, true}}, {"full", []bool{false, false, false}}} {
		t.Setenv("BITNET_HEAD", c.head)
		opened, err := New(tiny.New(tiny.Shapes()[1], 1), compute.Options{Slots: 1, Context: 8, Threads: 2})
		if err != nil {
			t.Fatal(err)
		}
		defer opened.Close()
		b := opened.(*backend)
		var want []compute.Candidate
		for i, made := range c.made {
			got := make([]compute.Candidate, 20)
			if err := b.Forward([]compute.Step{{Tokens: []int32{5}, Top: [][]compute.Candidate{got}}}); err != nil {
				t.Fatal(err)
			}
			if (b.screen != nil) != made {
				t.Errorf("BITNET_HEAD=%s, batch %d: a screen: %v, expected %v", c.head, i, b.screen != nil, made)
			}
			if want == nil {
				want = got
			}
			if !slices.Equal(got, want) {
				t.Errorf("BITNET_HEAD=%s, batch %d: %v, expected %v", c.head, i, got, want)
			}
		}
	}
}

// BenchmarkHead finds the best 40 of a head of the 2B4T's shape, in all rows and
// through the screen, for random rows and for one that stands out.
func BenchmarkHead(b *testing.B) {
	b.Setenv("BITNET_HEAD", "screen")
	back, err := New(tiny.Big(1), compute.Options{Slots: 1, Context: 8, Threads: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer back.Close()
	h := back.(*backend)
	r := rand.New(rand.NewPCG(7, 0))
	row := make([]float32, h.model.Hidden)
	h.widenHead(row, 4711)
	length := 0.0
	for _, v := range row {
		length += float64(v) * float64(v)
	}
	// A cosine of 0.3 with one row.
	noise := math.Sqrt(length/float64(len(row))) * math.Sqrt(1/(0.3*0.3)-1)
	for _, c := range []struct {
		name string
		x    []float32
	}{
		{"random", make32(len(row), func(int) float64 { return r.NormFloat64() })},
		{"cosine of 0.3", make32(len(row), func(i int) float64 { return float64(row[i]) + noise*r.NormFloat64() })},
	} {
		for _, tokens := range []int{1, 4, 8} {
			xs := slices.Repeat([][]float32{c.x}, tokens)
			b.Run(fmt.Sprintf("screen, %s, %d tokens", c.name, tokens), func(b *testing.B) {
				open := 0
				for b.Loop() {
					_, open, _ = h.candidates(40, xs...)
				}
				b.ReportMetric(float64(open), "rows-open")
			})
		}
		b.Run("all, "+c.name, func(b *testing.B) {
			h.scratch.rows = append(h.scratch.rows[:0], row1(h, c.x))
			for b.Loop() {
				h.onPool(func() { h.pool.run(h.regions.logits) })
			}
		})
	}
}

// row1 is a row of a batch whose head's input is x.
func row1(b *backend, x []float32) row {
	copy(b.scratch.x, x)
	return row{logits: make([]float32, b.model.VocabSize)}
}
