package sample

import (
	"cmp"
	"fmt"
	"math"
)

// Params choose how a token is drawn. Names, meanings and defaults are llama.cpp's.
//
// What is not set is the default: Params{Seed: 7} or Params{Temp: 0.5} say all there
// is to say. A 0 that is meant begins with Defaults or Greedy, where every field is
// set:
//
//	p := sample.Defaults()
//	p.TopK, p.MinP = 0, 0
type Params struct {
	Temp float32 // temperature; 0: greedy, always the likeliest token
	TopK int     // keep this many of the highest logits; 0 or less: all
	TopP float32 // keep the highest that hold this share of the probability; 1: all
	MinP float32 // keep those at least this fraction as probable as the highest; 0: all

	RepeatLast       int     // tokens of the history that the penalties look at; -1: all of it
	RepeatPenalty    float32 // divides positive logits and multiplies negative ones; 1: off
	PresencePenalty  float32 // subtracted where a token occurred; 0: off
	FrequencyPenalty float32 // subtracted for each time it did; 0: off

	LogitBias map[int32]float32 // added to the logits of tokens; -Inf bans one

	Seed uint64

	set bool // 0 is meant
}

// Defaults returns the default of every field: temperature 0.8, the 40 likeliest
// tokens, of these 95 % of the probability and what is at least 0.05 as likely as the
// likeliest, and no penalties, which look at 64 tokens.
func Defaults() Params {
	return Params{Temp: 0.8, TopK: 40, TopP: 0.95, MinP: 0.05, RepeatLast: 64, RepeatPenalty: 1, set: true}
}

// Greedy returns the defaults at temperature 0: always the likeliest token.
func Greedy() Params {
	p := Defaults()
	p.Temp = 0
	return p
}

// filled returns the parameters with the defaults in place of what is not set.
func (p Params) filled() Params {
	if p.set {
		return p
	}
	d := Defaults()
	p.Temp = cmp.Or(p.Temp, d.Temp)
	p.TopK = cmp.Or(p.TopK, d.TopK)
	p.TopP = cmp.Or(p.TopP, d.TopP)
	p.MinP = cmp.Or(p.MinP, d.MinP)
	p.RepeatLast = cmp.Or(p.RepeatLast, d.RepeatLast)
	p.RepeatPenalty = cmp.Or(p.RepeatPenalty, d.RepeatPenalty)
	p.set = true
	return p
}

// Validate returns an error that names the first parameter out of its range.
func (p Params) Validate() error {
	p = p.filled()
	for _, c := range []struct {
		name  string
		value float32
		ok    bool
		want  string
	}{
		{"temperature", p.Temp, p.Temp >= 0, "0 (greedy) or more"},
		{"top-p", p.TopP, p.TopP > 0 && p.TopP <= 1, "above 0 and at most 1"},
		{"min-p", p.MinP, p.MinP >= 0 && p.MinP <= 1, "between 0 and 1"},
		{"repeat penalty", p.RepeatPenalty, p.RepeatPenalty > 0, "above 0"},
		{"presence penalty", p.PresencePenalty, true, "a number"},
		{"frequency penalty", p.FrequencyPenalty, true, "a number"},
	} {
		if !c.ok || !finite(c.value) {
			return fmt.Errorf("the %s is %v: it must be %s", c.name, c.value, c.want)
		}
	}
	if p.RepeatLast < -1 {
		return fmt.Errorf("the penalties look at the last %d tokens: it must be -1 (the whole history) or more", p.RepeatLast)
	}
	for _, id := range sortedIDs(p.LogitBias) {
		if bias := p.LogitBias[id]; !finite(bias) && bias != negInf {
			return fmt.Errorf("the logit bias of token %d is %v: it must be a number, or -Inf", id, bias)
		}
	}
	return nil
}

// penalises says whether the history matters.
func (p *Params) penalises() bool {
	return p.RepeatLast != 0 && (p.RepeatPenalty != 1 || p.PresencePenalty != 0 || p.FrequencyPenalty != 0)
}

var negInf = float32(math.Inf(-1))

func finite(x float32) bool { return x-x == 0 }
