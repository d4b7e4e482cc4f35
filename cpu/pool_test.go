package cpu

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/weights"
)

// TestTake takes items in parts: each once, in order, however many workers.
func TestTake(t *testing.T) {
	for workers := 1; workers <= 5; workers++ {
		for _, n := range []int{0, 1, 2, 63, 64, 1000} {
			for _, grain := range []int{1, 7, 64} {
				p := newPool(workers)
				seen := make([]counter, n)
				p.begin()
				for range 3 {
					p.run(func(int) {
						for lo, hi := p.take(n, grain); lo < hi; lo, hi = p.take(n, grain) {
							for i := lo; i < hi; i++ {
								seen[i].Add(1)
							}
						}
					})
				}
				p.end()
				p.close()
				for i := range seen {
					if seen[i].Load() != 3 {
						t.Fatalf("%d workers, %d items, parts of %d: item %d was taken %d times in 3 regions", workers, n, grain, i, seen[i].Load())
					}
				}
			}
		}
	}
}

// TestWorkerPanics raises the panic of any worker in the caller, and the pool
// works on.
func TestWorkerPanics(t *testing.T) {
	p := newPool(3)
	defer p.close()
	for who := range 3 {
		func() {
			defer func() {
				if v := recover(); v != "help" {
					t.Errorf("worker %d: recovered %v", who, v)
				}
			}()
			for w := range p.worker {
				p.worker[w].rested = 0 // however crowded the machine is
			}
			p.begin()
			defer p.end()
			var fell atomic.Bool
			p.run(func(worker int) {
				switch {
				case worker == who:
					fell.Store(true)
					panic("help")
				case worker == 0: // who comes late finds the region closed
					for !fell.Load() {
						runtime.Gosched()
					}
				}
			})
			t.Error("the region returned")
		}()
	}
	p.begin()
	p.run(func(int) {})
	p.end()
}

// lonely is a pool whose second worker never comes.
func lonely() *pool {
	p := &pool{workers: 2, start: time.Now(), worker: make([]worker, 2)}
	p.worker[1].wake = make(chan struct{}, 1)
	return p
}

// TestAbsent does not wait for a worker that never comes, nor count on one that rests.
func TestAbsent(t *testing.T) {
	p := lonely()
	c := &p.worker[1]
	for i, rested := range []time.Duration{0, time.Hour, 0} {
		c.rested = rested
		p.begin()
		if c.awake.Load() != (rested == 0) {
			t.Errorf("round %d: awake is %v", i, c.awake.Load())
		}
		items, parts := 0, 0
		p.run(func(int) {
			for lo, hi := p.take(100, 1); lo < hi; lo, hi = p.take(100, 1) {
				items, parts = items+hi-lo, parts+1
			}
		})
		if items != 100 || (parts == 1) != (rested > 0) {
			t.Errorf("round %d: %d items of 100 in %d parts", i, items, parts)
		}
		c.rested = 0 // it is over
		p.run(func(int) {})
		if !c.awake.Load() || p.resting != 0 {
			t.Errorf("round %d: not roused", i)
		}
		p.end()
	}
	p.begin()
	c.away.Store(int64(time.Second))
	p.run(func(int) {})
	if c.awake.Load() || p.resting != 1 || c.rests != longestRest {
		t.Errorf("awake %v after an absence", c.awake.Load())
	}
	p.end()
}

// TestRest: a worker that was away rests for a while, for longer if it was so soon again.
func TestRest(t *testing.T) {
	const ms = time.Millisecond
	p := lonely()
	c := &p.worker[1]
	for i, round := range []struct {
		soon       bool
		away, want time.Duration
	}{
		{false, 3 * ms, 6 * ms},
		{true, 3 * ms, 12 * ms},
		{true, 10 * ms, 24 * ms},
		{true, 30 * ms, 60 * ms},
		{false, 3 * ms, 6 * ms},
		{true, 200 * ms, 400 * ms},
		{true, 1 * ms, 64 * ms},
		{true, 300 * ms, longestRest},
		{false, time.Hour, longestRest},
	} {
		p.begun = p.now()
		if p.active = c.fell + time.Hour; round.soon {
			p.active = c.fell - time.Hour // as near as can be
		}
		c.awake.Store(true)
		p.resting = 0
		p.rest(c, round.away)
		if c.awake.Load() || p.resting != 1 || c.rests != round.want {
			t.Fatalf("round %d: awake %v, a rest of %v, expected %v", i, c.awake.Load(), c.rests, round.want)
		}
	}
}

// TestSlow: a worker that was waited for longer than the caller has worked rests.
func TestSlow(t *testing.T) {
	p := newPool(2)
	defer p.close()
	c := &p.worker[1]
	for range 20 { // the caller itself may be away
		c.rested = 0
		p.begin()
		p.run(func(worker int) {
			for worker == 0 && !c.inside.Load() {
				runtime.Gosched()
			}
			for worker == 1 && p.epoch.Load()&1 == 1 {
				runtime.Gosched()
			}
			if worker == 1 {
				time.Sleep(5*time.Millisecond + 3*(p.now()-p.began))
			}
		})
		rests := !c.awake.Load()
		p.end()
		if rests {
			return
		}
	}
	t.Error("it never rests")
}

// TestGaps tells a thread that was away from a clock that goes in steps.
func TestGaps(t *testing.T) {
	const us, ms = time.Microsecond, time.Millisecond
	for name, c := range map[string]struct{ times, want []time.Duration }{
		"fine":   {[]time.Duration{us, 2 * us, 3 * us, 9 * ms, 9*ms + us}, []time.Duration{0, 0, 0, 9*ms - 3*us, 0}},
		"short":  {[]time.Duration{us, 2 * us, 900 * us, 901 * us}, []time.Duration{0, 0, 0, 0}},
		"coarse": {[]time.Duration{0, 0, 0, 16 * ms, 16 * ms, 16 * ms, 32 * ms}, make([]time.Duration, 7)},
	} {
		var g gaps
		var got []time.Duration
		for i, now := range c.times {
			got = append(got, g.next(now, i == 0))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, expected %v", name, got, c.want)
		}
		if g.next(time.Hour, true) != 0 {
			t.Errorf("%s: a region counts as absence", name)
		}
	}
}

// burn names the variable that makes the test binary a program which computes without
// end, or nearly.
const burn = "BITNET_TEST_BURN"

func TestMain(m *testing.M) {
	if os.Getenv(burn) != "" {
		for start := time.Now(); time.Since(start) < time.Minute; {
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestCrowded decodes beside a program for each processor that computes without end:
// two threads are not much slower than one. They are about as fast; threads that wait
// for each other's processors made a tenth of it.
func TestCrowded(t *testing.T) {
	if runtime.NumCPU() < 2 || runtime.GOMAXPROCS(0) < 2 {
		t.Skip("skipped: one processor")
	}
	for range runtime.NumCPU() {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), burn+"=1")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer cmd.Wait()
		defer cmd.Process.Kill()
	}
	m, err := weights.Open("demo")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	backends := map[int]compute.Backend{}
	for threads := 1; threads <= 2; threads++ {
		if backends[threads], err = New(m, compute.Options{Slots: 1, Context: 100, Threads: threads}); err != nil {
			t.Fatal(err)
		}
		defer backends[threads].Close()
	}
	said := ""
	for range 3 { // the system is free to share as it likes for a while
		took := map[int]time.Duration{}
		for start := time.Now(); len(took) == 0 || time.Since(start) < 3*time.Second; {
			for threads, b := range backends {
				took[threads] += decodes(t, b)
			}
		}
		said = fmt.Sprintf("one thread %v, two %v", took[1], took[2])
		if took[2] < 2*took[1] {
			t.Log(said)
			return
		}
	}
	t.Error(said)
}

// decodes returns how long some tokens take.
func decodes(t *testing.T, b compute.Backend) time.Duration {
	next := []int32{0}
	start := time.Now()
	for pos := range 100 {
		if err := b.Forward([]compute.Step{{Pos: pos, Tokens: []int32{int32(pos)}, Next: next}}); err != nil {
			t.Fatal(err)
		}
	}
	return time.Since(start)
}
