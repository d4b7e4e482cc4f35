package sample

import (
	"math"
	"reflect"
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

// TestNotSet fills in the defaults, and nothing where a 0 is meant.
func TestNotSet(t *testing.T) {
	with := func(change func(*Params)) Params {
		p := Defaults()
		change(&p)
		return p
	}
	zero := with(func(p *Params) { p.Temp, p.TopK, p.MinP, p.RepeatLast = 0, 0, 0, 0 })
	for _, c := range []struct{ p, want Params }{
		{Params{}, Defaults()},
		{Params{Seed: 7}, with(func(p *Params) { p.Seed = 7 })},
		{Params{Temp: 0.5}, with(func(p *Params) { p.Temp = 0.5 })},
		{Params{TopK: -1}, with(func(p *Params) { p.TopK = -1 })},
		{Params{TopP: 1, RepeatPenalty: 1.1}, with(func(p *Params) { p.RepeatPenalty, p.TopP = 1.1, 1 })},
		{Params{RepeatLast: -1, FrequencyPenalty: 1}, with(func(p *Params) { p.RepeatLast, p.FrequencyPenalty = -1, 1 })},
		{Greedy(), with(func(p *Params) { p.Temp = 0 })},
		{zero, zero},
	} {
		s, err := New(c.p, 10)
		if err != nil || !reflect.DeepEqual(s.p, c.want) {
			t.Errorf("%+v: %+v, %v, expected %+v", c.p, s.p, err, c.want)
		}
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		change func(*Params)
		want   string
	}{
		{func(p *Params) { p.Temp = -1 }, "the temperature is -1: it must be 0 (greedy) or more"},
		{func(p *Params) { p.Temp = nan }, "the temperature is NaN"},
		{func(p *Params) { p.Temp = inf }, "the temperature is +Inf"},
		{func(p *Params) { p.TopP = 0 }, "top-p is 0: it must be above 0 and at most 1"},
		{func(p *Params) { p.TopP = 2 }, "top-p is 2"},
		{func(p *Params) { p.TopP = nan }, "top-p is NaN"},
		{func(p *Params) { p.MinP = -0.1 }, "min-p is -0.1: it must be between 0 and 1"},
		{func(p *Params) { p.MinP = 1.5 }, "min-p is 1.5"},
		{func(p *Params) { p.MinP = nan }, "min-p is NaN"},
		{func(p *Params) { p.RepeatPenalty = 0 }, "the repeat penalty is 0: it must be above 0"},
		{func(p *Params) { p.RepeatPenalty = inf }, "the repeat penalty is +Inf"},
		{func(p *Params) { p.PresencePenalty = nan }, "the presence penalty is NaN"},
		{func(p *Params) { p.FrequencyPenalty = -inf }, "the frequency penalty is -Inf"},
		{func(p *Params) { p.RepeatLast = -2 }, "the penalties look at the last -2 tokens: it must be -1"},
		{func(p *Params) { p.LogitBias = map[int32]float32{3: inf} }, "the logit bias of token 3 is +Inf"},
		{func(p *Params) { p.LogitBias = map[int32]float32{9: nan, 7: nan} }, "the logit bias of token 7 is NaN"},
		{func(p *Params) { p.LogitBias = map[int32]float32{100: 1} }, "the logit bias of token 100: the vocabulary has 100 tokens"},
		{func(p *Params) { p.LogitBias = map[int32]float32{-1: 1} }, "the logit bias of token -1: the vocabulary"},
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
