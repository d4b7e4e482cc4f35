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
	mu   *sync.Mutex
	free *sync.Cond
	all  []slot
	turn int
}

func newSlots(n int) slots {
	s := slots{mu: new(sync.Mutex), all: make([]slot, n)}
	s.free = sync.NewCond(s.mu)
	for i := range s.all {
		s.all[i].index = i
	}
	return s
}

// take waits for a free slot and returns the one with the longest prefix in
// common with the prompt; among equals the one unused for longest. Its tokens
// are still the old ones. It returns nil if ctx ends first.
func (s *slots) take(ctx context.Context, prompt []int32) *slot {
	defer context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.free.Broadcast()
	})()
	s.mu.Lock()
	defer s.mu.Unlock()
	for ctx.Err() == nil {
		var best *slot
		for i := range s.all {
			c := &s.all[i]
			if c.busy {
				continue
			}
			if best == nil {
				best = c
				continue
			}
			if a, b := common(c.tokens, prompt), common(best.tokens, prompt); a > b || a == b && c.used < best.used {
				best = c
			}
		}
		if best != nil {
			s.turn++
			best.busy, best.used = true, s.turn
			return best
		}
		s.free.Wait()
	}
	return nil
}

func (s *slots) give(c *slot) {
	s.mu.Lock()
	c.busy = false
	s.mu.Unlock()
	s.free.Signal()
}

// common returns the length of the prefix that two sequences share.
func common(a, b []int32) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
