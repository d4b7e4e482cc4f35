package sample

import (
	"math"
	"strings"
	"testing"
)

var nan, inf = float32(math.NaN()), float32(math.Inf(1))

func TestDefaultsAreValid(t *testing.T) {
	p := Defaults()
	if err := p.Validate(); err != nil {
		t.Error(err)
	}
	want := Params{Temp: 0.8, TopK: 40, TopP: 0.95, MinP: 0.05, RepeatLast: 64, RepeatPenalty: 1}
	if p.Temp != want.Temp || p.TopK != want.TopK || p.TopP != want.TopP || p.MinP != want.MinP ||
		p.RepeatLast != want.RepeatLast || p.RepeatPenalty != want.RepeatPenalty ||
		p.PresencePenalty != 0 || p.FrequencyPenalty != 0 || p.LogitBias != nil || p.Seed != 0 {
		t.Errorf("got %+v, want %+v", p, want)
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		change func(*Params)
		want   string
	}{
		{func(p *Params) { p.Temp = -1 }, "temp is -1: it must be 0 (greedy) or more"},
		{func(p *Params) { p.Temp = nan }, "temp is NaN"},
		{func(p *Params) { p.Temp = inf }, "temp is +Inf"},
		{func(p *Params) { p.TopP = 0 }, "top-p is 0: it must be above 0 and at most 1"},
		{func(p *Params) { p.TopP = 2 }, "top-p is 2"},
		{func(p *Params) { p.TopP = nan }, "top-p is NaN"},
		{func(p *Params) { p.MinP = -0.1 }, "min-p is -0.1: it must be between 0 and 1"},
		{func(p *Params) { p.MinP = 1.5 }, "min-p is 1.5"},
		{func(p *Params) { p.MinP = nan }, "min-p is NaN"},
		{func(p *Params) { p.RepeatPenalty = 0 }, "repeat-penalty is 0: it must be above 0"},
		{func(p *Params) { p.RepeatPenalty = inf }, "repeat-penalty is +Inf"},
		{func(p *Params) { p.PresencePenalty = nan }, "presence-penalty is NaN"},
		{func(p *Params) { p.FrequencyPenalty = -inf }, "frequency-penalty is -Inf"},
		{func(p *Params) { p.RepeatLast = -2 }, "repeat-last-n is -2: it must be -1"},
		{func(p *Params) { p.LogitBias = map[int32]float32{3: inf} }, "logit-bias of token 3 is +Inf"},
		{func(p *Params) { p.LogitBias = map[int32]float32{9: nan, 7: nan} }, "logit-bias of token 7 is NaN"},
		{func(p *Params) { p.LogitBias = map[int32]float32{100: 1} }, "logit-bias of token 100: the vocabulary has 100 tokens"},
		{func(p *Params) { p.LogitBias = map[int32]float32{-1: 1} }, "logit-bias of token -1: the vocabulary"},
	} {
		p := Defaults()
		c.change(&p)
		_, err := New(p, 100)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want one line with %q", err, c.want)
		}
	}
	for _, p := range []Params{
		{Temp: 1e9, TopP: 1e-30, MinP: 1, RepeatPenalty: 1e-30, PresencePenalty: -2, RepeatLast: -1, TopK: -5},
		{TopP: 1, RepeatPenalty: 1, LogitBias: map[int32]float32{0: negInf, 99: -100}},
	} {
		if _, err := New(p, 100); err != nil {
			t.Errorf("%+v: %v", p, err)
		}
	}
}
