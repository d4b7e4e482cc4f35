package cpu

import (
	"runtime"
	"runtime/debug"
	"sync/atomic"
)

// A pool runs regions: functions that all workers execute at once, worker 0
// being the caller. Between begin and end the other workers are OS threads that
// spin on an atomic word, since a token has hundreds of regions of a few
// microseconds and a channel costs more than it saves; between requests they
// sleep.
type pool struct {
	workers int
	crowded bool             // from begin to end: more workers than processors, so that some always wait for one
	region  func(worker int) // of the current epoch; nil sends the workers to sleep
	wake    []chan struct{}
	failed  atomic.Pointer[any] // first panic of a worker
	epoch   counter             // of the regions; the workers spin on it
	taken   counter             // items of the region that workers have taken, see take
	done    []counter           // (workers) last epoch each has finished
}

// A counter has a cache line to itself.
type counter struct {
	atomic.Uint64
	_ [56]byte
}

func newPool(workers int) *pool {
	p := &pool{workers: workers, done: make([]counter, workers)}
	for w := 1; w < workers; w++ {
		wake := make(chan struct{}, 1)
		p.wake = append(p.wake, wake)
		go p.work(w, wake)
	}
	return p
}

// close ends the workers. It must not be called between begin and end.
func (p *pool) close() {
	for _, wake := range p.wake {
		close(wake)
	}
}

// begin wakes the workers for the regions up to end.
func (p *pool) begin() {
	p.crowded = p.workers > runtime.GOMAXPROCS(0)
	for _, wake := range p.wake {
		wake <- struct{}{}
	}
}

// end sends the workers back to sleep.
func (p *pool) end() {
	if p.workers > 1 {
		p.wait() // a panic of the caller may have left them at work
		p.region = nil
		p.epoch.Add(1)
		p.wait()
	}
	p.raise()
}

// raise goes on with the panic of a worker, if there was one.
func (p *pool) raise() {
	if v := p.failed.Swap(nil); v != nil {
		panic(*v)
	}
}

// run executes region on every worker and returns when all have finished. A
// panic of one of them is raised here.
func (p *pool) run(region func(worker int)) {
	p.taken.Store(0)
	if p.workers > 1 {
		p.region = region
		p.epoch.Add(1)
	}
	region(0)
	p.wait()
	p.raise()
}

// alone executes a region on worker 0 only, while the others spin.
func (p *pool) alone(region func(worker int)) {
	p.taken.Store(0)
	region(0)
}

func (p *pool) wait() {
	epoch := p.epoch.Load()
	for w := 1; w < p.workers; w++ {
		for n := 0; p.done[w].Load() != epoch; n++ {
			p.relax(n)
		}
	}
}

// relax is turn n of a spinning loop, of about a nanosecond each. Regions follow
// one another within microseconds, so at first only the word is looked at: to
// offer the processor earlier costs two threads on an idle machine a fifth of the
// 2B4T's speed, and seven eighths of a small model's. Later others may run: what
// is waited for may wait itself for this processor.
func (p *pool) relax(n int) {
	switch {
	case p.crowded && n&(1<<8-1) == 0, n&(1<<18-1) == 1<<17:
		runtime.Gosched()
	case n&(1<<16-1) == 1<<15:
		yieldThread()
	}
}

func (p *pool) work(w int, wake <-chan struct{}) {
	debug.SetPanicOnFault(true) // the head and the embedding lie in a file's map
	for range wake {
		if p.crowded { // goroutines take turns faster than threads
			p.turns(w)
			continue
		}
		runtime.LockOSThread()
		p.turns(w)
		runtime.UnlockOSThread()
	}
}

// turns runs regions up to the nil one.
func (p *pool) turns(w int) {
	for p.turn(w) {
	}
}

// turn waits for the next region and runs it. It reports false after the nil
// region.
func (p *pool) turn(w int) (more bool) {
	last := p.done[w].Load()
	for n := 0; p.epoch.Load() == last; n++ {
		p.relax(n)
	}
	epoch := p.epoch.Load()
	defer func() {
		if v := recover(); v != nil {
			p.fail(v)
			more = true
		}
		p.done[w].Store(epoch)
	}()
	if p.region == nil {
		return false
	}
	p.region(w)
	return true
}

// fail keeps the first panic of a worker.
func (p *pool) fail(v any) { p.failed.CompareAndSwap(nil, &v) }

// take gives a worker its next part [lo, hi) of the n items of a region, of at
// least grain items, and an empty one when all are taken. Parts shrink towards
// the end, so that workers finish together also where one is slower, as beside
// other programs or on cores of two kinds.
func (p *pool) take(n, grain int) (lo, hi int) {
	for {
		lo = int(p.taken.Load())
		part := max((n-lo)/(2*p.workers), grain)
		if p.workers == 1 {
			part = n
		}
		hi = min(lo+part, n)
		if lo >= n || p.taken.CompareAndSwap(uint64(lo), uint64(hi)) {
			return lo, hi
		}
	}
}
