package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/engine/sample"
	"bitnet-gpu/weights"
)

func TestLookup(t *testing.T) {
	for _, c := range []struct {
		sequence []int32
		n        int
		want     []int32
	}{
		{[]int32{}, 3, nil},
		{[]int32{1}, 3, nil},
		{[]int32{1, 2, 3, 4}, 3, nil},
		{[]int32{1, 2, 3, 9, 2}, 3, nil}, // one token says too little
		{[]int32{1, 2, 3, 4, 5, 1, 2}, 3, []int32{3, 4, 5}},
		{[]int32{1, 2, 3, 4, 5, 1, 2}, 0, nil},
		{[]int32{1, 2, 3, 4, 5, 1, 2}, -1, nil},
		{[]int32{1, 2, 3, 1, 2, 4, 1, 2}, 1, []int32{4}},             // the last place
		{[]int32{7, 1, 2, 3, 8, 1, 2, 4, 7, 1, 2}, 2, []int32{3, 8}}, // the longer match
		{[]int32{5, 1, 2, 3, 4, 6, 9, 1, 2, 3, 4, 7, 5, 1, 2, 3, 4}, 1, []int32{7}},
		{[]int32{1, 2, 1, 2}, 5, []int32{1, 2, 1, 2, 1}}, // the draft repeats itself
		{[]int32{3, 3, 3}, 4, []int32{3, 3, 3, 3}},
		{[]int32{3, 3}, 4, nil},
	} {
		if got := lookup(nil, c.sequence, c.n); !slices.Equal(got, c.want) {
			t.Errorf("%d behind %v: %v, expected %v", c.n, c.sequence, got, c.want)
		}
	}
}

// FuzzLookup compares with the plain definition.
func FuzzLookup(f *testing.F) {
	f.Add([]byte("abcabcab"), byte(4))
	f.Add([]byte("abcdabxcdab"), byte(9))
	f.Add([]byte{}, byte(1))
	f.Fuzz(func(t *testing.T, text []byte, n byte) {
		var sequence, want []int32
		for _, b := range text {
			sequence = append(sequence, int32(b%5))
		}
		end := len(sequence)
	search:
		for match := longestMatch; match >= shortestMatch; match-- {
			for at := end - 1; at >= match; at-- {
				if match <= end && slices.Equal(sequence[at-match:at], sequence[end-match:]) {
					long := slices.Clone(sequence)
					for len(want) < int(n) {
						want = append(want, long[at])
						long = append(long, long[at])
						at++
					}
					break search
				}
			}
		}
		if got := lookup(nil, sequence, int(n)); !slices.Equal(got, want) {
			t.Errorf("%d behind %v: %v, expected %v", n, sequence, got, want)
		}
	})
}

// TestPauses: drafts that always fail become few, and one that is right ends
// that; drafts that are right grow; and none of it makes garbage.
func TestPauses(t *testing.T) {
	sequence := slices.Repeat([]int32{1, 2, 3}, 400)
	var d drafter
	count := func(tokens int) (drafts int) {
		for range tokens {
			if len(d.next(sequence, 4, 1000)) > 0 {
				drafts++
			}
		}
		return drafts
	}
	if n := count(64); n > 9 {
		t.Errorf("%d drafts in 64 tokens, although all failed", n)
	}
	if n := count(3200); n > 101 {
		t.Errorf("%d drafts in 3200 more", n)
	}
	for len(d.next(sequence, 4, 1000)) == 0 {
	}
	d.accept(1)
	for _, want := range []int{3, 7, 7} {
		got := d.next(sequence, 4, 1000)
		if len(got) != want {
			t.Errorf("a draft of %d tokens, expected %d", len(got), want)
		}
		for _, id := range got {
			if d.accept(4) || !d.accept(id) {
				t.Fatalf("token %d of %v is not the next", id, got)
			}
		}
		if d.accept(1) {
			t.Error("a draft has no end")
		}
	}
	if n := testing.AllocsPerRun(100, func() { d.next(sequence, 4, 7) }); n > 0 {
		t.Errorf("a draft makes %v allocations, expected none", n)
	}
}

// TestDraftLengths says how long the first draft is, and the longest.
func TestDraftLengths(t *testing.T) {
	sequence := slices.Repeat([]int32{1, 2, 3}, 20)
	for _, c := range []struct{ most, few, room, first, longest int }{
		{0, 4, 99, 3, 7},
		{0, 5, 99, 4, 9},
		{0, 1, 99, 0, 0}, // does not pay
		{0, 0, 99, 0, 0},
		{-1, 4, 99, 0, 0},
		{2, 4, 99, 2, 2},
		{20, 4, 99, 3, 20},
		{20, 0, 99, 3, 20}, // somebody wants to see it
		{20, 4, 5, 3, 5},
		{0, 4, 0, 0, 0},
		{0, 4, -1, 0, 0},
	} {
		d := drafter{most: c.most}
		var lengths []int
		for range 6 {
			draft := d.next(sequence, c.few, c.room)
			for _, id := range draft {
				d.accept(id)
			}
			lengths = append(lengths, len(draft))
		}
		if lengths[0] != c.first || slices.Max(lengths) != c.longest {
			t.Errorf("%+v: drafts of %v tokens", c, lengths)
		}
	}
}

// A chatterbox is a backend that repeats itself: what it says next depends on
// its last two tokens, and a little on all of them.
type chatterbox struct {
	vocab, context, few int
	period              int       // not 0: it says what it said so many tokens ago
	cache               [][]int32 // by slots
	batches             []int     // how many tokens each had
	fail                func(step compute.Step) error
}

const talk = 40 // tokens it has in mind, from 470 on: the end tokens 510 and 511 are not among them

func (c *chatterbox) Info() compute.Info {
	return compute.Info{Backend: "chatterbox", Batch: 16, Few: c.few, Context: c.context}
}
func (c *chatterbox) Close() error { return nil }

func (c *chatterbox) Forward(steps []compute.Step) error {
	compute.CheckSteps(steps, len(c.cache), c.context, c.vocab)
	for i := range steps {
		s := &steps[i]
		if c.fail != nil {
			if err := c.fail(*s); err != nil {
				return err
			}
		}
		c.batches = append(c.batches, len(s.Tokens))
		if s.Pos > len(c.cache[s.Slot]) {
			return fmt.Errorf("position %d behind %d", s.Pos, len(c.cache[s.Slot]))
		}
		for j, id := range s.Tokens {
			c.cache[s.Slot] = append(c.cache[s.Slot][:s.Pos+j], id)
			logits, top, _ := s.Output(j, c.vocab)
			row := c.logits(c.cache[s.Slot])
			copy(logits, row)
			if len(top) > 0 {
				compute.Best(top, row, nil)
			}
		}
	}
	return nil
}

func (c *chatterbox) logits(sequence []int32) []float32 {
	if c.period > 0 {
		row := make([]float32, c.vocab)
		if at := len(sequence) - c.period; at >= 0 {
			row[sequence[at]] = 1
		}
		return row
	}
	all, last := uint64(0), uint64(0)
	for i, id := range sequence {
		all = (all + uint64(id) + 1) * 0x9E3779B97F4A7C15
		if i >= len(sequence)-2 {
			last = (last + uint64(id) + 1) * 0x9E3779B97F4A7C15
		}
	}
	whim, habit := rand.New(rand.NewPCG(all, 1)), rand.New(rand.NewPCG(last, 2))
	row := make([]float32, c.vocab)
	for id := range row {
		row[id] = whim.Float32()
	}
	for range 3 {
		row[470+habit.IntN(talk)] += 2 + 4*habit.Float32()
	}
	return row
}

// talker opens an engine on a chatterbox.
func talker(t *testing.T, c *chatterbox, context int) *Engine {
	old := backends
	defer func() { backends = old }()
	backends = []choice{{"chatterbox", func(m *weights.Model, opt compute.Options, _ string) (compute.Backend, error) {
		c.vocab, c.context, c.cache = m.VocabSize, opt.Context, make([][]int32, opt.Slots)
		return c, nil
	}}, {"cpu", openCPU}}
	e, err := Open(tinyA, Options{Context: context, Slots: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// said is a whole text, without what drafts may change.
type said struct {
	pieces []string
	stats  Stats
	tokens []int32
}

func (s said) String() string {
	return fmt.Sprintf("%q (prompt %d, cached %d, generated %d)", s.pieces, s.stats.Prompt, s.stats.Cached, s.stats.Generated)
}

func say(t *testing.T, e *Engine, r Request) said {
	t.Helper()
	var s said
	for p, err := range e.Generate(context.Background(), r) {
		if err != nil {
			t.Fatal(err)
		}
		s.pieces = append(s.pieces, fmt.Sprint(p.Text, " ", p.Token, " ", p.Finish, " ", p.Stats.Generated))
		s.stats = p.Stats
		if p.Token >= 0 {
			s.tokens = append(s.tokens, p.Token)
		}
	}
	return s
}

// samplers are ways to choose that need one candidate, a few, a growing number
// of them, and whole rows.
func samplers() map[string]sample.Params {
	greedy, plain, warm, penalties, all, bias := sample.Defaults(), sample.Defaults(), sample.Defaults(), sample.Defaults(), sample.Defaults(), sample.Defaults()
	greedy.Temp = 0
	plain.Temp = 0.3
	warm.Temp = 1.5
	penalties.RepeatPenalty, penalties.FrequencyPenalty, penalties.RepeatLast = 1.1, 0.1, -1
	all.TopK, all.TopP = 0, 0.9
	bias.LogitBias = map[int32]float32{471: 3, 480: -2, 510: 2}
	return map[string]sample.Params{"greedy": greedy, "defaults": plain, "warm": warm, "penalties": penalties, "all": all, "bias": bias}
}

// TestDraft compares texts with drafts of many lengths and without, of a backend
// that repeats itself: to the end of the context and to a number of tokens, with
// strings and tokens that end them inside a draft, and how much of them a second
// prompt finds in the cache.
func TestDraft(t *testing.T) {
	for name, p := range samplers() {
		t.Run(name, func(t *testing.T) {
			var drafted, accepted int
			e := talker(t, &chatterbox{few: 4}, 150)
			for seed := range uint64(6) {
				p.Seed = seed
				r := Request{Prompt: "The quick brown fox jumps over the lazy dog.", Sampling: p, Draft: -1}
				if seed%2 == 1 {
					r.Max = 30 + int(seed)
				}
				if seed >= 4 {
					whole := say(t, e, r)
					words := strings.Fields(strings.Join(whole.pieces, " "))
					r.Stop = []string{words[len(words)/2], words[len(words)*3/4]}
				}
				// three are a text, the same again, and one that begins with its tokens.
				three := func(draft int) (texts []said) {
					e.slots = newSlots(2) // as if nothing had been
					r := r
					r.Draft = draft
					first := say(t, e, r)
					texts = append(texts, first, say(t, e, r))
					r.Prompt, r.Tokens = "", append(e.tokenizer.Encode([]int32{e.tokenizer.BOS()}, r.Prompt), first.tokens...)
					if len(r.Tokens) > 100 {
						r.Tokens = r.Tokens[:100]
					}
					return append(texts, say(t, e, r))
				}
				want := three(-1)
				for _, most := range []int{0, 1, 2, 3, 7, 40} {
					for i, got := range three(most) {
						if got.String() != want[i].String() {
							t.Fatalf("seed %d, drafts of %d, text %d:\n%v\nexpected\n%v", seed, most, i, got, want[i])
						}
						drafted += got.stats.Drafted
						accepted += got.stats.Accepted
					}
				}
			}
			t.Logf("%d of %d drafted tokens were right", accepted, drafted)
			if drafted < 100 || accepted < 20 || accepted == drafted {
				t.Errorf("%d of %d drafted tokens were right: that shows nothing", accepted, drafted)
			}
		})
	}
}

// TestDraftSaves counts the batches of a text that repeats itself.
func TestDraftSaves(t *testing.T) {
	p := samplers()["greedy"]
	run := func(draft int) (said, []int) {
		c := &chatterbox{few: 4}
		s := say(t, talker(t, c, 400), Request{Prompt: "Again", Sampling: p, Draft: draft, Max: 300})
		return s, c.batches
	}
	want, plain := run(-1)
	got, drafts := run(0)
	if got.String() != want.String() || len(plain) != want.stats.Generated || want.stats.Drafted != 0 {
		t.Errorf("%v and %v, %d batches without drafts", got, want, len(plain))
	}
	if s := got.stats; len(drafts) != s.Generated-s.Accepted || slices.Max(drafts) > 8 || s.Accepted < s.Generated/8 {
		t.Errorf("%d batches of %v tokens for %d tokens, of which %d came with drafts of %d", len(drafts), drafts, s.Generated, s.Accepted, s.Drafted)
	}
}

// TestDraftModel compares texts of a real model, whose prompt repeats itself.
func TestDraftModel(t *testing.T) {
	e, err := Open(tinyA, Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	accepted := 0
	for name, p := range samplers() {
		p.Seed = 7
		r := Request{Prompt: strings.Repeat("to be or not to be ", 4), Sampling: p, Max: 60, Draft: -1}
		want := say(t, e, r)
		for _, most := range []int{3, 7} {
			r.Draft = most
			got := say(t, e, r)
			accepted += got.stats.Accepted
			got.stats.Cached = want.stats.Cached // the prompt's, from the second text on
			if got.String() != want.String() {
				t.Errorf("%s, drafts of %d: %v, expected %v", name, most, got, want)
			}
		}
	}
	if accepted == 0 {
		t.Error("no draft was ever right")
	}
}

// TestDraftEnd: an end token within a draft ends the text, wherever it stands.
func TestDraftEnd(t *testing.T) {
	const end = 510
	for at := 2; at < 12; at++ {
		prompt := []int32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1}
		prompt[at] = end
		for _, draft := range []int{-1, 0, 1, 7, 20} {
			c := &chatterbox{few: 4, period: 12}
			s := say(t, talker(t, c, 100), Request{Tokens: prompt, Sampling: samplers()["greedy"], Draft: draft})
			if !slices.Equal(s.tokens, prompt[1:at]) || s.stats.Generated != at || !strings.Contains(s.pieces[at-1], string(FinishStop)) {
				t.Errorf("the end at %d, drafts of %d: %v", at, draft, s)
			}
			if draft == 0 && at > 5 && (s.stats.Accepted == 0 || s.stats.Accepted == s.stats.Drafted) {
				t.Errorf("the end at %d: %d of %d tokens accepted", at, s.stats.Accepted, s.stats.Drafted)
			}
		}
	}
}

// TestDraftCancelled: a text that is cancelled within a draft ends at once.
func TestDraftCancelled(t *testing.T) {
	e := talker(t, &chatterbox{few: 4}, 400)
	for after := 1; after < 40; after++ {
		ctx, cancel := context.WithCancel(context.Background())
		n := 0
		for p, err := range e.Generate(ctx, Request{Prompt: "Again", Sampling: samplers()["greedy"], Max: 300}) {
			if n++; n == after {
				cancel()
			}
			if ended := n > after; ended != (p.Finish == FinishCancelled) || ended != errors.Is(err, context.Canceled) || !ended && err != nil {
				t.Fatalf("piece %d, cancelled after %d: %+v, %v", n, after, p, err)
			}
		}
		cancel()
		if n != after+1 {
			t.Fatalf("%d pieces, cancelled after %d", n, after)
		}
	}
}

// TestDraftLost loses the device at every batch, within drafts too: the text is
// that of an undisturbed run.
func TestDraftLost(t *testing.T) {
	p := sample.Defaults()
	p.Temp, p.LogitBias = 0, map[int32]float32{510: -100, 511: -100}
	r := Request{Prompt: strings.Repeat("to be or not to be ", 3), Max: 24, Sampling: p}
	tell := func(draft int) (s said, notices int) {
		e, err := Open(tinyA, Options{Threads: 1, Notice: func(string) { notices++ }})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		r.Draft = draft
		s = say(t, e, r)
		return s, notices
	}
	want, _ := tell(-1)
	lost := 0
	for n := 0; ; n++ {
		withFailing(t, n, compute.ErrLost)
		got, notices := tell(7)
		if got.String() != want.String() {
			t.Fatalf("lost at batch %d: %v, expected %v", n, got, want)
		}
		if notices == 0 {
			break
		}
		lost++
	}
	if lost < 10 || lost > 24+len(r.Prompt)/4 {
		t.Errorf("%d batches", lost)
	}
}

// TestDraftNumeric: numbers out of range behind a token that never comes are no
// error; those behind one that does are.
func TestDraftNumeric(t *testing.T) {
	r := Request{Prompt: "Again", Sampling: samplers()["greedy"], Max: 100}
	r.Draft = -1
	want := say(t, talker(t, &chatterbox{}, 400), r)
	r.Draft = 0
	drafts := 0
	c := &chatterbox{few: 4, fail: func(s compute.Step) error {
		if len(s.Top) > 1 {
			drafts++
			return compute.ErrNumeric
		}
		return nil
	}}
	got := say(t, talker(t, c, 400), r)
	if got.String() != want.String() || drafts != 1 || got.stats.Drafted != 0 {
		t.Errorf("%v after %d drafts, expected %v", got, drafts, want)
	}
}

// TestDraftTrace: a tracer sees no token that never comes.
func TestDraftTrace(t *testing.T) {
	seen := map[int]int{}
	e, err := Open(tinyA, Options{Threads: 1, Trace: func(tap compute.Tap) {
		if tap.Name == "inp_embd" {
			seen[tap.Pos]++
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	s := say(t, e, Request{Prompt: strings.Repeat("to be or not to be ", 3), Max: 40, Sampling: samplers()["greedy"], Draft: 7})
	for pos, n := range seen {
		if n != 1 {
			t.Errorf("position %d was computed %d times", pos, n)
		}
	}
	if len(seen) != s.stats.Prompt+s.stats.Generated-1 || s.stats.Drafted != 0 {
		t.Errorf("%d positions of %+v", len(seen), s.stats)
	}
}
