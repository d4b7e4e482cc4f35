package engine

import (
	"context"
	"sync"
)

// A slot is a sequence whose keys and values the backend holds.
type slot struct {
	index  int
	tokens []int32 // what its cache holds, from position 0 on
	epoch  int     // of the backend that holds them, see Engine.forward
	busy   bool
	used   int // turn of its last use
}

// slots hands out sequences, to each prompt the one that shares most with it.
type slots struct {
	mu     *sync.Mutex
	free   *sync.Cond
	all    []slot
	turn   int
	closed bool
}

func newSlots(n int) slots {
	s := slots{mu: new(sync.Mutex), all: make([]slot, n)}
	s.free = sync.NewCond(s.mu)
	for i := range s.all {
		s.all[i].index = i
	}
	return s
}

// take waits for a free slot: the one that shares most with the prompt, if that
// is more than half of the prompt or of what it holds, else the one unused for
// longest, so that other conversations keep theirs. Its tokens are still the old
// ones. Errors are ErrClosed, and that of ctx if it ends first.
func (s *slots) take(ctx context.Context, prompt []int32) (*slot, error) {
	defer context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.free.Broadcast()
	})()
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if s.closed {
			return nil, ErrClosed
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if best := s.best(prompt); best != nil {
			s.turn++
			best.busy, best.used = true, s.turn
			return best, nil
		}
		s.free.Wait()
	}
}

// close lets nobody have a slot any more.
func (s *slots) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.free.Broadcast()
}

func (s *slots) best(prompt []int32) (best *slot) {
	shared := 0
	for i := range s.all {
		c := &s.all[i]
		if c.busy {
			continue
		}
		n := common(c.tokens, prompt)
		if 2*n <= min(len(c.tokens), len(prompt)) {
			n = 0 // the beginning that all prompts have
		}
		if best == nil || n > shared || n == shared && c.used < best.used {
			best, shared = c, n
		}
	}
	return best
}

func (s *slots) give(c *slot) {
	s.mu.Lock()
	c.busy = false
	s.mu.Unlock()
	s.free.Broadcast()
}

// common returns the length of the prefix that two sequences share.
func common(a, b []int32) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
