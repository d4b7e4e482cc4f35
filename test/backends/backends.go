// Package backends is one suite for every backend: whatever it is and however
// it is asked, its numbers are those of the reference, bit for bit. The
// reference is the CPU backend on portable kernels, one thread and one token
// at a time.
package backends

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/test/tiny"
	"bitnet-gpu/weights"
)

// An Open opens the backend under test.
type Open func(m *weights.Model, opt compute.Options) (compute.Backend, error)

// Reference opens the reference; tests set it up, since the choice of kernels is
// the environment's.
type Reference func(m *weights.Model) (compute.Backend, error)

// Run runs the suite on the synthetic models.
func Run(t *testing.T, reference Reference, open Open) {
	run(t, tiny.Shapes(), reference, open)
}

// Relatives runs it on those of the 2B4T's relatives.
func Relatives(t *testing.T, reference Reference, open Open) {
	run(t, tiny.Relatives(), reference, open)
}

// Dense runs it on those with dense matrices.
func Dense(t *testing.T, reference Reference, open Open) {
	run(t, tiny.Dense(), reference, open)
}

func run(t *testing.T, shapes []tiny.Shape, reference Reference, open Open) {
	n := 100
	if testing.Short() {
		n = 70 // past a chunk of the attention, too
	}
	for _, shape := range shapes {
		t.Run(shape.Name, func(t *testing.T) {
			Model(t, fmt.Sprint("tiny ", shape.Name), tiny.New(shape, 1), tokens(shape.Vocab, n, 1), reference, open)
		})
	}
}

// Numeric feeds a token whose embedding is NaN: the batch is an error, and the
// next one as if nothing had been.
func Numeric(t *testing.T, open Open) {
	m := tiny.New(tiny.Shapes()[2], 1) // an untied head
	const bad = 7
	embedding := m.TokenEmbd.Bytes(bad)
	saved := slices.Clone(embedding)
	for i := range embedding {
		embedding[i] = 0xFF
	}
	b, err := open(m, compute.Options{Slots: 2, Context: 64})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	forward := func(ids ...int32) ([]float32, error) {
		logits := make([]float32, m.VocabSize)
		err := b.Forward([]compute.Step{{Slot: 1, Tokens: ids, Logits: logits}})
		return logits, err
	}
	want, err := forward(1, 2, 3)
	must(t, err)
	for range 2 {
		if _, err := forward(1, bad, 3); !errors.Is(err, compute.ErrNumeric) {
			t.Errorf("error %v, expected ErrNumeric", err)
		}
		got, err := forward(1, 2, 3)
		must(t, err)
		if !slices.Equal(got, want) {
			t.Error("the batch behind the error has other logits")
		}
	}
	copy(embedding, saved)
	numericDense(t, open)
}

// numericDense has a row in the dense matrix of queries that makes infinities, which
// an attention to one position would hide.
func numericDense(t *testing.T, open Open) {
	m := tiny.New(tiny.Dense()[0], 1)
	copy(m.Layers[0].Q.Dense.Bytes(9), bytes.Repeat([]byte{0, 0, 0x7F, 0x7F}, m.Hidden))
	b, err := open(m, compute.Options{Slots: 1, Context: 64})
	must(t, err)
	defer b.Close()
	for _, n := range []int{1, 5} {
		err := b.Forward([]compute.Step{{Tokens: []int32{1, 2, 3, 4, 5}[:n], Logits: make([]float32, m.VocabSize)}})
		if !errors.Is(err, compute.ErrNumeric) {
			t.Errorf("%d tokens: error %v, expected ErrNumeric", n, err)
		}
	}
}

// Model runs the suite on one model and one sequence, of at least 70 tokens if
// chunks of attention are to meet. Name tells the model from others.
func Model(t *testing.T, name string, m *weights.Model, ids []int32, reference Reference, open Open) {
	s := &suite{m: m, ids: ids, want: expected(t, name, m, ids, reference), open: open}
	t.Run("all at once", s.allAtOnce)
	t.Run("one by one", s.oneByOne)
	t.Run("random parts", s.randomParts)
	t.Run("two slots", s.twoSlots)
	t.Run("roll back", s.rollBack)
	t.Run("candidates", s.candidates)
	t.Run("drafts", s.drafts)
	t.Run("greedy", s.greedy)
}

// Logits compares only the logits of one sequence, all at once and token by
// token: for models that are too slow for the whole suite.
func Logits(t *testing.T, name string, m *weights.Model, ids []int32, reference Reference, open Open) {
	s := &suite{m: m, ids: ids, want: expected(t, name, m, ids, reference), open: open}
	s.allAtOnce(t)
	s.oneByOne(t)
}

// Generated compares n tokens that follow a prompt greedily.
func Generated(t *testing.T, name string, m *weights.Model, prompt []int32, n int, reference Reference, open Open) {
	want := continuation(t, name, m, prompt, n, reference)
	b, err := open(m, compute.Options{Slots: 1, Context: len(prompt) + n})
	must(t, err)
	defer b.Close()
	steps := []compute.Step{{Tokens: prompt, Next: make([]int32, n)}}
	must(t, b.Forward(steps))
	if got := steps[0].Next[:steps[0].N]; !slices.Equal(got, want) {
		t.Errorf("continuation %v, expected %v", got, want)
	}
}

// continuations are those of the reference, by its logits alone.
var continuations sync.Map // name -> []int32

func continuation(t *testing.T, name string, m *weights.Model, prompt []int32, n int, reference Reference) []int32 {
	if want, ok := continuations.Load(name); ok {
		return want.([]int32)
	}
	b, err := reference(m)
	must(t, err)
	defer b.Close()
	var want []int32
	logits := make([]float32, m.VocabSize)
	for pos, ids := 0, prompt; len(want) < n; pos, ids = pos+len(ids), want[len(want)-1:] {
		must(t, b.Forward([]compute.Step{{Pos: pos, Tokens: ids, Logits: logits}}))
		want = append(want, top(logits, 1)[0].ID)
	}
	continuations.Store(name, want)
	return want
}

// tokens returns n random ids.
func tokens(vocab, n int, seed uint64) []int32 {
	r := rand.New(rand.NewPCG(seed, 0))
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = r.Int32N(int32(vocab))
	}
	return ids
}

// references are the expected logits of each model, which are slow to make.
var references sync.Map // name -> []float32 (tokens, vocab)

func expected(t *testing.T, name string, m *weights.Model, ids []int32, reference Reference) []float32 {
	if want, ok := references.Load(name); ok {
		return want.([]float32)
	}
	b, err := reference(m)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	want := make([]float32, len(ids)*m.VocabSize)
	must(t, b.Forward([]compute.Step{{Tokens: ids, Logits: want}}))
	for i, v := range want {
		if v != v || math.IsInf(float64(v), 0) {
			t.Fatalf("reference: logit %d is %v", i, v)
		}
	}
	references.Store(name, want)
	return want
}

type suite struct {
	m    *weights.Model
	ids  []int32
	want []float32 // (len(ids), vocab)
	open Open
}

func (s *suite) backend(t *testing.T, slots int) compute.Backend {
	t.Helper()
	b, err := s.open(s.m, compute.Options{Slots: slots, Context: len(s.ids) + 40})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// rows returns the expected logits of positions [from, to).
func (s *suite) rows(from, to int) []float32 {
	return s.want[from*s.m.VocabSize : to*s.m.VocabSize]
}

// poisoned returns room for n rows, full of NaN.
func (s *suite) poisoned(n int) []float32 {
	x := make([]float32, n*s.m.VocabSize)
	for i := range x {
		x[i] = float32(math.NaN())
	}
	return x
}

func (s *suite) allAtOnce(t *testing.T) {
	got := s.poisoned(len(s.ids))
	must(t, s.backend(t, 1).Forward([]compute.Step{{Tokens: s.ids, Logits: got}}))
	s.same(t, got, 0)
}

func (s *suite) oneByOne(t *testing.T) {
	b := s.backend(t, 1)
	for pos := range s.ids {
		got := s.poisoned(1)
		must(t, b.Forward([]compute.Step{{Pos: pos, Tokens: s.ids[pos : pos+1], Logits: got}}))
		s.same(t, got, pos)
	}
}

func (s *suite) randomParts(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 0))
	b := s.backend(t, 1)
	for pos := 0; pos < len(s.ids); {
		n := min(1+r.IntN(40), len(s.ids)-pos)
		rows := []int{0, 1, n}[r.IntN(3)]
		got := s.poisoned(rows)
		must(t, b.Forward([]compute.Step{{Pos: pos, Tokens: s.ids[pos : pos+n], Logits: got}}))
		s.same(t, got, pos+n-rows)
		pos += n
	}
}

// twoSlots runs the sequence in one slot and its reverse in another.
func (s *suite) twoSlots(t *testing.T) {
	b := s.backend(t, 2)
	other := slices.Clone(s.ids)
	slices.Reverse(other)
	for pos := 0; pos < len(s.ids); {
		n := min(7, len(s.ids)-pos)
		got := s.poisoned(n)
		must(t, b.Forward([]compute.Step{
			{Slot: 1, Pos: pos, Tokens: other[pos : pos+n], Logits: s.poisoned(1)},
			{Slot: 0, Pos: pos, Tokens: s.ids[pos : pos+n], Logits: got},
		}))
		s.same(t, got, pos)
		pos += n
	}
}

// rollBack feeds a wrong continuation, then the right one over it.
func (s *suite) rollBack(t *testing.T) {
	b := s.backend(t, 1)
	half := len(s.ids) / 2
	wrong := slices.Repeat([]int32{1}, 20)
	must(t, b.Forward([]compute.Step{{Tokens: s.ids[:half]}}))
	must(t, b.Forward([]compute.Step{{Pos: half, Tokens: wrong, Logits: s.poisoned(1)}}))
	got := s.poisoned(len(s.ids) - half)
	must(t, b.Forward([]compute.Step{{Pos: half, Tokens: s.ids[half:], Logits: got}}))
	s.same(t, got, half)
}

func (s *suite) candidates(t *testing.T) {
	n := len(s.ids)
	best := make([][]compute.Candidate, n)
	for i := range best {
		best[i] = make([]compute.Candidate, 1+i%20)
	}
	b := s.backend(t, 1)
	must(t, b.Forward([]compute.Step{{Tokens: s.ids, Top: best}}))
	for pos := range best {
		if want := top(s.rows(pos, pos+1), len(best[pos])); !slices.Equal(best[pos], want) {
			t.Fatalf("position %d: candidates %v, expected %v", pos, best[pos], want)
		}
	}
	last := [][]compute.Candidate{make([]compute.Candidate, 3)}
	must(t, b.Forward([]compute.Step{{Tokens: s.ids, Top: last}}))
	if want := top(s.rows(n-1, n), 3); !slices.Equal(last[0], want) {
		t.Fatalf("last: candidates %v, expected %v", last[0], want)
	}
}

// drafts feeds tokens of the second half, each with a draft of what follows, of
// which some is wrong, and asks for the outputs of all, in one slot as candidates
// and in another as logits. What is wrong is fed over.
func (s *suite) drafts(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 0))
	b := s.backend(t, 2)
	half := len(s.ids) / 2
	must(t, b.Forward([]compute.Step{{Slot: 0, Tokens: s.ids[:half]}, {Slot: 1, Tokens: s.ids[:half]}}))
	for pos := half; pos < min(half+30, len(s.ids)); {
		n := 1 + r.IntN(9)
		right := min(1+r.IntN(n), len(s.ids)-pos)
		tokens := append(slices.Clone(s.ids[pos:pos+right]), slices.Repeat([]int32{2}, n-right)...)
		best := make([][]compute.Candidate, n)
		for i := range best {
			best[i] = make([]compute.Candidate, 1+r.IntN(20))
		}
		got := s.poisoned(n)
		must(t, b.Forward([]compute.Step{{Slot: 1, Pos: pos, Tokens: tokens, Top: best}}))
		must(t, b.Forward([]compute.Step{{Slot: 0, Pos: pos, Tokens: tokens, Logits: got}}))
		s.same(t, got[:right*s.m.VocabSize], pos)
		for i := range right {
			if want := top(s.rows(pos+i, pos+i+1), len(best[i])); !slices.Equal(best[i], want) {
				t.Fatalf("position %d in a batch of %d: candidates %v, expected %v", pos+i, n, best[i], want)
			}
		}
		pos += right
	}
}

// top is the plain definition of the best candidates.
func top(logits []float32, n int) []compute.Candidate {
	var all []compute.Candidate
	for id, v := range logits {
		all = append(all, compute.Candidate{ID: int32(id), Logit: v})
	}
	slices.SortStableFunc(all, func(a, b compute.Candidate) int {
		switch {
		case a.Logit > b.Logit:
			return -1
		case a.Logit < b.Logit:
			return 1
		}
		return 0
	})
	return all[:n]
}

// greedy compares the backend's own continuation with one made from logits, in
// two slots at once, of which one meets a stop token.
func (s *suite) greedy(t *testing.T) {
	const n = 20
	b := s.backend(t, 2)
	prompt := s.ids[:30]
	var want []int32
	ids := slices.Clone(prompt)
	for range n {
		logits := s.poisoned(1)
		fed := 0
		if len(want) > 0 {
			fed = len(ids) - 1
		}
		must(t, b.Forward([]compute.Step{{Pos: fed, Tokens: ids[fed:], Logits: logits}}))
		best := top(logits, 1)[0].ID
		want, ids = append(want, best), append(ids, best)
	}
	stop := want[n/2]
	short := slices.Index(want, stop) + 1
	steps := []compute.Step{
		{Slot: 0, Tokens: prompt, Next: make([]int32, n)},
		{Slot: 1, Tokens: prompt, Next: make([]int32, n), Stop: []int32{stop}},
	}
	must(t, b.Forward(steps))
	if got := steps[0].Next[:steps[0].N]; !slices.Equal(got, want) {
		t.Errorf("continuation %v, expected %v", got, want)
	}
	if got := steps[1].Next[:steps[1].N]; !slices.Equal(got, want[:short]) {
		t.Errorf("continuation to %d: %v, expected %v", stop, got, want[:short])
	}
}

// same compares logits from a position on, bit for bit.
func (s *suite) same(t *testing.T, got []float32, pos int) {
	t.Helper()
	want := s.rows(pos, pos+len(got)/s.m.VocabSize)
	for i := range got {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("position %d, token %d: logit %v (%08x), expected %v (%08x)", pos+i/s.m.VocabSize, i%s.m.VocabSize,
				got[i], math.Float32bits(got[i]), want[i], math.Float32bits(want[i]))
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
