package bench

import (
	"errors"
	"time"

	"bitnet-gpu/engine"
	"bitnet-gpu/engine/compute"
)

// A session is a loaded model on one setting. Since a token belongs to its
// position, what the cache holds stays right from test to test.
type session struct {
	*runner
	engine  *engine.Engine
	backend compute.Backend
	load    *Load
	tokens  []int32 // (end)
	limits  *machine
	next    [1]int32
}

func (s *session) fail(err error) (*session, error) {
	return nil, errors.Join(err, s.engine.Close())
}

// warm fills the cache to the last position of all tests and decodes one token,
// so that nothing which is timed happens for the first time.
func (s *session) warm() error {
	for pos := 0; pos < s.end-1; {
		n := min(s.part(), s.end-1-pos)
		if err := s.prompt(pos, n, false); err != nil {
			return err
		}
		pos += n
		s.tell(n, "filling the context")
	}
	s.tell(1, "warm")
	return s.prompt(s.end-1, 1, true)
}

// part is how many tokens are fed at once, so that Ctrl-C and the bar need not
// wait for a whole prompt.
func (s *session) part() int { return max(s.load.Info.Batch, 1) }

// prompt feeds n tokens from a position on, and with pick finds the greedy
// choice behind them.
func (s *session) prompt(pos, n int, pick bool) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	step := compute.Step{Pos: pos, Tokens: s.tokens[pos : pos+n]}
	if pick {
		step.Next = s.next[:]
	}
	return s.backend.Forward([]compute.Step{step})
}

// run measures the tests of the session's head.
func (s *session) run(use func(*Result) error) error {
	if s.load.Info.Backend == "cpu" {
		s.limits = newMachine(s.load)
	}
	for _, t := range s.runner.tests(s.load.Head) {
		result, err := s.test(t)
		if err != nil {
			return err
		}
		if err := use(result); err != nil {
			return err
		}
	}
	return nil
}

// test repeats one test, each time behind a look at the machine's limits.
func (s *session) test(t Test) (*Result, error) {
	r := &Result{Test: t, Model: s.model, Info: s.load.Info, Head: s.load.Head, Start: time.Now(), Load: s.load}
	r.Energy.Reason = s.noMeter
	joules := energyOf{meter: s.meter, idle: s.idle}
	var limits []Limits
	for range s.plan.Repeats {
		s.tell(0, t.Name())
		if s.limits != nil {
			limits = append(limits, s.limits.measure())
		}
		joules.begin()
		start := time.Now()
		if err := s.once(t); err != nil {
			return nil, err
		}
		took := since(start)
		joules.end(took)
		r.Samples = append(r.Samples, took)
	}
	r.Limits = medianLimits(limits)
	if s.meter != nil {
		r.Energy = joules.per(s.plan.Repeats * (t.Prompt + t.Gen))
	}
	return r, nil
}

// once feeds the prompt of a test and decodes its tokens.
func (s *session) once(t Test) error {
	pos, end := t.Depth, t.Depth+t.Prompt
	for pos < end {
		n := min(s.part(), end-pos)
		if err := s.prompt(pos, n, pos+n == end); err != nil {
			return err
		}
		pos += n
		s.tell(n, t.Name())
	}
	for range t.Gen {
		if err := s.prompt(pos, 1, true); err != nil {
			return err
		}
		pos++
		s.tell(promptShare, t.Name())
	}
	return nil
}
