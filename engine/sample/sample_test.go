package sample

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// plain is sampling without any stage but the draw.
func plain() Params { return Params{Temp: 1, TopP: 1, RepeatPenalty: 1} }

// mustNew takes a 0 as it stands.
func mustNew(t testing.TB, p Params, vocab int) *Sampler {
	t.Helper()
	p.set = true
	s, err := New(p, vocab)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustSample(t testing.TB, s *Sampler, logits []float32, history ...int32) int32 {
	t.Helper()
	id, err := s.Sample(logits, history)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func normal(r *rand.Rand, n int, spread float64) []float32 {
	logits := make([]float32, n)
	for i := range logits {
		logits[i] = float32(r.NormFloat64() * spread)
	}
	return logits
}

func TestGreedy(t *testing.T) {
	for _, c := range []struct {
		name    string
		p       Params
		logits  []float32
		history []int32
		want    int32
	}{
		{"highest", Params{}, []float32{1, 3, 2}, nil, 1},
		{"ties to the lowest id", Params{}, []float32{1, 3, 3, 3}, nil, 1},
		{"signed zeros tie", Params{}, []float32{-1, float32(math.Copysign(0, -1)), 0}, nil, 1},
		{"masked", Params{}, []float32{negInf, -1e30, negInf}, nil, 1},
		{"banned", Params{LogitBias: map[int32]float32{1: negInf}}, []float32{1, 3, 2}, nil, 2},
		{"raised", Params{LogitBias: map[int32]float32{0: 2.5}}, []float32{1, 3, 2}, nil, 0},
		{"top-k of 1", Params{Temp: 5, TopK: 1}, []float32{1, 3, 3}, nil, 1},

		// 3 / 1.6 = 1.875 < 2
		{"repeat", Params{RepeatPenalty: 1.6, RepeatLast: 64}, []float32{1, 3, 2}, []int32{1}, 2},
		{"repeat, once for all times", Params{RepeatPenalty: 1.4, RepeatLast: 64}, []float32{1, 3, 2}, []int32{1, 1, 1}, 1},
		// -1 * 2.1 < -2
		{"repeat, negative", Params{RepeatPenalty: 2.1, RepeatLast: 64}, []float32{-3, -1, -2}, []int32{1}, 2},
		{"presence", Params{PresencePenalty: 1.1, RepeatLast: 64}, []float32{1, 3, 2}, []int32{1}, 2},
		{"presence, once for all times", Params{PresencePenalty: 0.9, RepeatLast: 64}, []float32{1, 3, 2}, []int32{1, 1}, 1},
		{"frequency", Params{FrequencyPenalty: 0.6, RepeatLast: 64}, []float32{1, 3, 2}, []int32{1, 1}, 2},
		{"frequency, too few", Params{FrequencyPenalty: 0.6, RepeatLast: 64}, []float32{1, 3, 2}, []int32{1}, 1},
		{"frequency, outside the window", Params{FrequencyPenalty: 0.6, RepeatLast: 2}, []float32{1, 3, 2}, []int32{1, 1, 0}, 1},
		{"no window", Params{FrequencyPenalty: 9, RepeatLast: 0}, []float32{1, 3, 2}, []int32{1, 1, 1}, 1},
		{"the whole history", Params{FrequencyPenalty: 0.011, RepeatLast: -1}, []float32{1, 3, 2}, slices.Repeat([]int32{1}, 100), 2},
		{"reward", Params{PresencePenalty: -2.5, RepeatLast: 64}, []float32{1, 3, 2}, []int32{0}, 0},
		// llama.cpp's order: (1 + 1) * 2 - 0.5; the other way round it would be 1 * 2 - 0.5 + 1
		{"bias before penalties", Params{RepeatPenalty: 0.5, PresencePenalty: 0.5, RepeatLast: 64, LogitBias: map[int32]float32{0: 1}}, []float32{1, 3, 2}, []int32{0}, 0},
	} {
		p := c.p
		p.TopP = 1
		if p.RepeatPenalty == 0 {
			p.RepeatPenalty = 1
		}
		before := slices.Clone(c.logits)
		s := mustNew(t, p, len(c.logits))
		for range 2 { // nothing is left behind from one call to the next
			if got := mustSample(t, s, c.logits, c.history...); got != c.want {
				t.Errorf("%s: token %d, want %d", c.name, got, c.want)
			}
		}
		if !slices.Equal(before, c.logits) {
			t.Errorf("%s: the logits were changed", c.name)
		}
	}
}

func TestGreedyMeansArgmax(t *testing.T) {
	for _, c := range []struct {
		p    Params
		want bool
	}{
		{Params{}, true},
		{Params{Temp: 1}, false},
		{Params{Temp: 1, TopK: 1}, true},
		{Params{Temp: 1, TopK: 2}, false},
		{Params{LogitBias: map[int32]float32{0: 1}}, false},
		{Params{PresencePenalty: 1, RepeatLast: 64}, false},
		{Params{FrequencyPenalty: 1, RepeatLast: -1}, false},
		{Params{PresencePenalty: 1, RepeatLast: 0}, true},
	} {
		c.p.TopP, c.p.RepeatPenalty = 1, 1
		if got := mustNew(t, c.p, 10).Greedy(); got != c.want {
			t.Errorf("%+v: greedy is %v, want %v", c.p, got, c.want)
		}
	}
}

func TestErrors(t *testing.T) {
	penalties := plain()
	penalties.PresencePenalty, penalties.RepeatLast = 1, 2
	for _, c := range []struct {
		name    string
		p       Params
		logits  []float32
		history []int32
		want    string
	}{
		{"NaN", plain(), []float32{1, nan, 2}, nil, "the logit of token 1 is NaN"},
		{"NaN first", plain(), []float32{nan, 1, 2}, nil, "the logit of token 0 is NaN"},
		{"NaN, greedy", Params{TopP: 1, RepeatPenalty: 1}, []float32{3, 2, nan}, nil, "the logit of token 2 is NaN"},
		{"+Inf", plain(), []float32{1, 2, inf}, nil, "the logit of token 2 is +Inf"},
		{"all masked", plain(), []float32{negInf, negInf, negInf}, nil, "no token is left"},
		{"short row", plain(), []float32{1, 2}, nil, "2 logits for a vocabulary of 3 tokens"},
		{"history", penalties, []float32{1, 2, 3}, []int32{1, 3}, "token 3 in the history: the vocabulary has 3 tokens"},
		{"negative history", penalties, []float32{1, 2, 3}, []int32{-1, 1}, "token -1 in the history"},
	} {
		s := mustNew(t, c.p, 3)
		id, err := s.Sample(c.logits, c.history)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: token %d, error %v, want one with %q", c.name, id, err, c.want)
		}
		if s.drawn != 0 {
			t.Errorf("%s: a failed draw was counted", c.name)
		}
	}
	// Tokens before the window do not matter.
	mustSample(t, mustNew(t, penalties, 3), []float32{1, 2, 3}, 99, 1, 2)
}

// Draws follow the softmax: chi-square over 20 tokens, whose 99.9 % point for
// 19 degrees of freedom is 43.8. The seeds are fixed, so this never flickers.
func TestDistribution(t *testing.T) {
	const n, draws = 20, 100_000
	logits := normal(rand.New(rand.NewPCG(5, 5)), n, 1)
	for _, temp := range []float32{0.7, 1, 3} {
		for _, topK := range []int{0, n - 1} { // in the order of ids, and sorted
			p := plain()
			p.Temp, p.TopK, p.Seed = temp, topK, 11
			s := mustNew(t, p, n+1)
			row := append(slices.Clone(logits), -1000) // so that n-1 cuts something
			if topK > 0 {
				s = mustNew(t, p, n)
				row = logits
			}
			want := naive(p, row)
			count := make([]float64, len(row))
			for range draws {
				count[mustSample(t, s, row)]++
			}
			chi2 := 0.0
			for id, share := range want {
				if share*draws < 1e-9 {
					if count[id] > 0 {
						t.Errorf("temp %g, top-k %d: token %d was drawn", temp, topK, id)
					}
					continue
				}
				d := count[id] - share*draws
				chi2 += d * d / (share * draws)
			}
			if chi2 > 43.8 {
				t.Errorf("temp %g, top-k %d: chi-square %.1f, want at most 43.8", temp, topK, chi2)
			}
		}
	}
}

// naive returns the probability of each token as the definitions have it.
func naive(p Params, logits []float32) []float64 {
	ids := make([]int, len(logits))
	for i := range ids {
		ids[i] = i
	}
	slices.SortStableFunc(ids, func(a, b int) int { return int(sign(logits[b] - logits[a])) })
	if p.TopK > 0 {
		ids = ids[:min(p.TopK, len(ids))]
	}
	top := float64(logits[ids[0]])
	total := 0.0
	for _, id := range ids {
		total += math.Exp(float64(logits[id]) - top)
	}
	if p.TopP < 1 {
		sum := 0.0
		for n, id := range ids {
			sum += math.Exp(float64(logits[id])-top) / total
			if sum >= float64(p.TopP) {
				ids = ids[:n+1]
				break
			}
		}
	}
	out, total := make([]float64, len(logits)), 0.0
	for _, id := range ids {
		if math.Exp(float64(logits[id])-top) >= float64(p.MinP) {
			out[id] = math.Exp((float64(logits[id]) - top) / float64(p.Temp))
			total += out[id]
		}
	}
	for id := range out {
		out[id] /= total
	}
	return out
}

func sign(x float32) float32 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}

// What top-k, top-p and min-p leave, and with which weights, against naive:
// over random rows with ties, all combinations, vocabularies of 1 to 1000.
func TestCutsAgainstNaive(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for i := range 4000 {
		n := 1 + r.IntN(1000)
		logits := normal(r, n, 0.2+4*r.Float64())
		if i%3 == 0 { // many ties
			for j := range logits {
				logits[j] = float32(math.Round(float64(logits[j])))
			}
		}
		if i%5 == 0 {
			logits[r.IntN(n)] = negInf
		}
		p := plain()
		p.Temp = []float32{0.3, 1, 2}[r.IntN(3)]
		p.TopK = []int{0, 1 + r.IntN(10), r.IntN(n + 5)}[r.IntN(3)]
		p.TopP = []float32{1, 0.9, 0.5, 0.999}[r.IntN(4)]
		p.MinP = []float32{0, 0.05, 0.9}[r.IntN(3)]
		s := mustNew(t, p, n)
		top, err := s.cut(logits)
		if err != nil {
			continue // the only token is masked
		}
		s.draw(top)
		got, total := make([]float64, n), 0.0
		for j, c := range s.candidates {
			got[c.id] = s.weights[j]
			total += s.weights[j]
		}
		for id, want := range naive(p, logits) {
			if math.Abs(got[id]/total-want) > 1e-12 {
				t.Fatalf("%d tokens, %+v: token %d has probability %.15f, want %.15f", n, p, id, got[id]/total, want)
			}
		}
	}
}

func TestCutsByExample(t *testing.T) {
	half := []float32{0, 0, 0, 0, 0, 0}
	for id, p := range []float64{0.05, 0.4, 0.1, 0.3, 0.1, 0.05} {
		half[id] = float32(math.Log(p))
	}
	for _, c := range []struct {
		k    int
		p, m float32
		want string
	}{
		{0, 1, 0, "[0 1 2 3 4 5]"},
		{3, 1, 0, "[1 3 2]"},
		{100, 1, 0, "[0 1 2 3 4 5]"},
		{0, 0.69, 0, "[1 3]"},
		{0, 0.71, 0, "[1 3 2]"},
		{0, 1e-9, 0, "[1]"},
		{0, 1, 0.5, "[1 3]"},
		{0, 1, 0.2, "[1 2 3 4]"},
		{0, 1, 1, "[1]"},
		{3, 0.8, 0, "[1 3]"},    // 0.7 of 0.8
		{3, 0.88, 0, "[1 3 2]"}, // 0.7/0.8 = 0.875
		{3, 0.88, 0.3, "[1 3]"}, // 0.1/0.4 = 0.25
	} {
		p := plain()
		p.TopK, p.TopP, p.MinP = c.k, c.p, c.m
		s := mustNew(t, p, len(half))
		if top, err := s.cut(half); top != half[1] || err != nil {
			t.Errorf("the highest logit is %g, error %v", top, err)
		}
		ids := []int32{}
		for _, c := range s.candidates {
			ids = append(ids, c.id)
		}
		if got := fmt.Sprint(ids); got != c.want {
			t.Errorf("top-k %d, top-p %g, min-p %g leave %s, want %s", c.k, c.p, c.m, got, c.want)
		}
	}
}

// These draws must be the same on every machine and in every version.
func TestGoldenDraws(t *testing.T) {
	logits := make([]float32, 1000)
	for i := range logits {
		logits[i] = float32(i*7919%1000) / 100
	}
	wide := plain()
	nucleus := plain()
	nucleus.TopP, nucleus.Temp = 0.9, 1.5
	defaults := Defaults()
	penalties := Defaults()
	penalties.RepeatPenalty, penalties.PresencePenalty, penalties.FrequencyPenalty = 1.1, 0.5, 0.25
	penalties.LogitBias = map[int32]float32{321: 3, 79: negInf}
	for _, c := range []struct {
		name string
		p    Params
		want string
	}{
		{"wide", wide, "[778 321 519 507 828 817 976 719 531 889 624 383 385 346 470 707 840 633 642 422 866 149 857 445]"},
		{"nucleus", nucleus, "[940 124 717 75 76 434 620 446 1 780 742 334 655 729 828 804 718 705 347 581 570 778 928 544]"},
		{"defaults", defaults, "[988 531 778 457 630 630 877 346 778 593 62 173 173 852 136 346 951 383 383 494 272 605 272 815]"},
		{"penalties", penalties, "[321 889 457 136 272 593 482 988 99 519 704 531 852 210 420 235 124 630 951 815 50 642 371 741]"},
	} {
		c.p.Seed = 0x123456789ABCDEF
		s := mustNew(t, c.p, len(logits))
		var ids []int32
		for range 24 {
			ids = append(ids, mustSample(t, s, logits, ids...))
		}
		if got := fmt.Sprint(ids); got != c.want {
			t.Errorf("%s: drew %s, want %s", c.name, got, c.want)
		}
	}
}

func TestSeek(t *testing.T) {
	logits := normal(rand.New(rand.NewPCG(7, 7)), 500, 1)
	a, b := mustNew(t, plain(), 500), mustNew(t, plain(), 500)
	var ids []int32
	for range 50 {
		ids = append(ids, mustSample(t, a, logits))
	}
	for _, n := range []int{30, 0, 49, 7} {
		b.Seek(n)
		for i := n; i < 50; i++ {
			if got := mustSample(t, b, logits); got != ids[i] {
				t.Fatalf("from %d on, draw %d is %d, want %d", n, i, got, ids[i])
			}
		}
	}
}

func TestNoAllocations(t *testing.T) {
	logits := normal(rand.New(rand.NewPCG(8, 8)), 5000, 3)
	history := []int32{1, 2, 3, 2, 1}
	nucleus, all, penalties := plain(), plain(), Defaults()
	nucleus.TopP, all.MinP = 0.9, 0.01
	penalties.RepeatPenalty, penalties.LogitBias = 1.2, map[int32]float32{5: 1}
	for name, p := range map[string]Params{
		"defaults": Defaults(), "greedy": {TopP: 1, RepeatPenalty: 1}, "plain": plain(),
		"nucleus": nucleus, "min-p": all, "penalties": penalties,
	} {
		s := mustNew(t, p, len(logits))
		if n := testing.AllocsPerRun(20, func() { mustSample(t, s, logits, history...) }); n != 0 {
			t.Errorf("%s: %v allocations for a token", name, n)
		}
	}
}

// Whatever the parameters and logits, Sample returns an error or a token that
// was allowed, the same one again from the same place.
func FuzzSample(f *testing.F) {
	f.Add(float32(0.8), 40, float32(0.95), float32(0.05), 64, float32(1), float32(0), float32(0), uint64(1), int32(3), float32(-1), []byte("some logits"))
	f.Add(float32(0), 0, float32(1), float32(0), -1, float32(1.3), float32(0.5), float32(0.2), uint64(2), int32(0), negInf, []byte{0, 0, 0x80, 0xFF, 1, 2, 3, 4})
	f.Add(float32(1e9), -1, float32(1e-9), float32(1), 0, float32(1e-30), float32(-1e38), float32(1e38), uint64(3), int32(-1), nan, []byte{0xFF, 0xFF, 0x7F, 0x7F, 0xFF, 0xFF, 0x7F, 0xFF})
	f.Add(float32(1e-45), 2, float32(0.5), float32(0), 3, float32(2), float32(0), float32(0), uint64(4), int32(1), float32(5), make([]byte, 40))
	f.Fuzz(func(t *testing.T, temp float32, topK int, topP, minP float32, last int, repeat, presence, frequency float32,
		seed uint64, biased int32, bias float32, raw []byte) {
		p := Params{temp, topK, topP, minP, last, repeat, presence, frequency, map[int32]float32{biased: bias}, seed, true}
		logits := make([]float32, len(raw)/4)
		history := make([]int32, len(raw))
		for i := range logits {
			logits[i] = math.Float32frombits(uint32(raw[4*i]) | uint32(raw[4*i+1])<<8 | uint32(raw[4*i+2])<<16 | uint32(raw[4*i+3])<<24)
		}
		for i, b := range raw {
			history[i] = int32(b) % int32(max(1, len(logits)))
		}
		s, err := New(p, len(logits))
		if err != nil {
			return
		}
		for n := range 4 {
			id, err := s.Sample(logits, history)
			if err != nil {
				return
			}
			if id < 0 || int(id) >= len(logits) {
				t.Fatalf("token %d of %d", id, len(logits))
			}
			if logits[id] == negInf || id == biased && bias == negInf {
				t.Fatalf("token %d was banned", id)
			}
			s.Seek(n)
			if again, err := s.Sample(logits, history); again != id || err != nil {
				t.Fatalf("token %d, then %d from the same place, error %v", id, again, err)
			}
		}
	})
}

func BenchmarkSample(b *testing.B) {
	logits := normal(rand.New(rand.NewPCG(9, 9)), 128256, 3)
	nucleus, minP, penalties := plain(), plain(), Defaults()
	nucleus.TopP, minP.MinP = 0.95, 0.05
	penalties.RepeatPenalty = 1.1
	for _, c := range []struct {
		name string
		p    Params
	}{
		{"greedy", Params{TopP: 1, RepeatPenalty: 1}},
		{"defaults", Defaults()},
		{"penalties", penalties},
		{"top-p", nucleus},
		{"min-p", minP},
		{"plain", plain()},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := mustNew(b, c.p, len(logits))
			for b.Loop() {
				mustSample(b, s, logits, 1, 2, 3)
			}
		})
	}
}
