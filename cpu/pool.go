package cpu

import (
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// A pool runs regions: functions that workers execute at once, worker 0 being the
// caller. They share items (take), so that it does not matter which workers come and
// when: the caller never waits for one that has not begun, only for those that are in
// the middle of a part.
//
// Between begin and end the others are OS threads that spin on an atomic word, since a
// token has hundreds of regions of a few microseconds and a channel costs more than it
// saves; between requests they sleep. On a crowded machine the system takes the
// processor away from them for milliseconds, in the middle of a part too. A worker whom
// that happened to sleeps for a while (rest), which leaves the caller's processor to
// the caller: so several threads are not slower than one, and on a quiet machine
// nothing is lost.
type pool struct {
	workers int
	tooMany atomic.Bool         // more workers than processors, so that some always wait for one
	failed  atomic.Pointer[any] // first panic of a worker
	start   time.Time           // of the pool's clock
	began   time.Duration       // when the region did
	begun   time.Duration       // when begin was called
	active  time.Duration       // between begin and end, up to the last end
	resting int                 // workers that sleep between begin and end
	region  func(worker int)    // of the current epoch
	sharers int                 // workers that may take items of it
	epoch   counter             // odd while a region is open to workers, which spin on it
	taken   counter             // items of the region that workers have taken, see take
	worker  []worker            // (workers); of the caller's nothing is used
}

// A counter has a cache line to itself.
type counter struct {
	atomic.Uint64
	_ [56]byte
}

// A worker is the caller's view of another thread.
type worker struct {
	awake  atomic.Bool  // it looks for regions; else it sleeps, or is about to
	inside atomic.Bool  // it is in a region, or about to find that this has closed
	called atomic.Int64 // when it was last woken, in nanoseconds of the pool's clock
	away   atomic.Int64 // nanoseconds that it came late, or its processor was taken away while it looked
	wake   chan struct{}

	rests  time.Duration // how long it rested last
	rested time.Duration // when that ended or will, on the pool's clock
	fell   time.Duration // the pool's active time when it began
	_      [8]byte
}

func newPool(workers int) *pool {
	p := &pool{workers: workers, start: time.Now(), worker: make([]worker, workers)}
	for w := 1; w < workers; w++ {
		p.worker[w].wake = make(chan struct{}, 1)
		go p.work(w)
	}
	return p
}

// close ends the workers. It must not be called between begin and end.
func (p *pool) close() {
	for w := 1; w < p.workers; w++ {
		close(p.worker[w].wake)
	}
}

// begin wakes the workers for the regions up to end.
func (p *pool) begin() {
	p.tooMany.Store(p.workers > runtime.GOMAXPROCS(0))
	p.resting = p.workers - 1
	p.begun = p.now()
	p.rouse()
}

// rouse wakes the workers that have rested long enough.
func (p *pool) rouse() {
	if p.resting == 0 {
		return
	}
	now := p.now()
	for w := 1; w < p.workers; w++ {
		if c := &p.worker[w]; !c.awake.Load() && now >= c.rested {
			p.resting--
			c.called.Store(int64(now))
			c.awake.Store(true)
			select {
			case c.wake <- struct{}{}:
			default: // it has not yet slept
			}
		}
	}
}

func (p *pool) now() time.Duration { return time.Since(p.start) }

// end sends the workers back to sleep.
func (p *pool) end() {
	if p.epoch.Load()&1 == 1 { // the caller has left a region by a panic
		p.epoch.Add(1)
	}
	for w := 1; w < p.workers; w++ {
		p.wait(w)
		p.worker[w].awake.Store(false)
	}
	p.active += p.now() - p.begun
	p.raise()
}

// raise goes on with the panic of a worker, if there was one.
func (p *pool) raise() {
	if v := p.failed.Swap(nil); v != nil {
		panic(*v)
	}
}

// run executes region on the caller and on every worker that comes in time, and
// returns when all have finished. A panic of one of them is raised here.
func (p *pool) run(region func(worker int)) {
	p.rouse()
	if p.resting == p.workers-1 {
		p.alone(region)
		return
	}
	p.taken.Store(0)
	p.region, p.sharers = region, p.workers
	p.began = p.now()
	p.epoch.Add(1)
	region(0)
	p.epoch.Add(1) // who comes now stays outside
	for w := 1; w < p.workers; w++ {
		p.wait(w)
	}
	p.raise()
}

// alone executes a region on worker 0 only, while the others spin.
func (p *pool) alone(region func(worker int)) {
	p.taken.Store(0)
	p.sharers = 1
	region(0)
}

// wait waits until a worker has left the region.
func (p *pool) wait(w int) {
	c := &p.worker[w]
	for n := 0; c.inside.Load(); n++ {
		if n == longTurns {
			p.waitLong(c)
			break
		}
		p.relax(n)
	}
	if c.away.Load() > 0 {
		p.rest(c, time.Duration(c.away.Swap(0)))
	}
}

// longTurns are a few microseconds of spinning.
const longTurns = 1 << 12

// waitLong goes on waiting for a worker, which rests if it takes too long: longer than
// the caller itself has worked in the region. A wait of few turns was the clock's step,
// or the caller's own absence.
func (p *pool) waitLong(c *worker) {
	from, n := p.now(), 0
	for ; c.inside.Load(); n++ {
		p.relax(n)
	}
	if waited := p.now() - from; n > longTurns && waited > from-p.began+longAway {
		p.rest(c, waited)
	}
}

// rest lets a worker sleep for twice what its processor was away for, and for twice
// what it last rested if it was away again before it had worked for so long: seldom
// absences cost little, and a processor that is wanted all the time is tried a few times
// a second.
func (p *pool) rest(c *worker, away time.Duration) {
	if !c.awake.Load() {
		return
	}
	now, next := p.now(), 2*away
	active := p.active + now - p.begun
	if active-c.fell < 3*c.rests { // of which one was the rest
		next = max(next, min(2*c.rests, 64*away))
	}
	c.rests = min(next, longestRest)
	c.rested, c.fell = now+c.rests, active
	c.awake.Store(false)
	p.resting++
}

const longestRest = 500 * time.Millisecond

// relax is turn n of a spinning loop, of about a nanosecond each. Regions follow
// one another within microseconds, so at first only the word is looked at: to
// offer the processor earlier costs two threads on an idle machine a fifth of the
// 2B4T's speed, and seven eighths of a small model's. Later others may run: what
// is waited for may wait itself for this processor.
func (p *pool) relax(n int) {
	switch {
	case n&(1<<8-1) == 0 && p.tooMany.Load(), n&(1<<18-1) == 1<<17:
		runtime.Gosched()
	case n&(1<<16-1) == 1<<15:
		yieldThread()
	}
}

func (p *pool) work(w int) {
	debug.SetPanicOnFault(true) // the head and the embedding lie in a file's map
	c := &p.worker[w]
	for range c.wake {
		if late := int64(p.now()) - c.called.Load(); late > int64(longAway) && c.awake.Load() {
			c.away.Store(late)
		}
		if p.tooMany.Load() { // goroutines take turns faster than threads
			p.turns(w)
			continue
		}
		runtime.LockOSThread()
		p.turns(w)
		runtime.UnlockOSThread()
	}
}

// turns runs regions as long as the worker is to be awake, and lingers for the next
// token: it comes within microseconds, and to wake a thread takes more of them.
func (p *pool) turns(w int) {
	const linger = 1 << 14 // turns
	c, last, late := &p.worker[w], uint64(0), 0
	var clock gaps
	for n := 0; late < linger; n++ {
		late++
		if c.awake.Load() {
			late = 0
			if epoch := p.epoch.Load(); epoch&1 == 1 && epoch != last {
				p.turn(w, epoch)
				last, n = epoch, 0
			}
		}
		if n&(1<<6-1) == 0 {
			if away := clock.next(p.now(), n == 0); away > 0 {
				c.away.Store(int64(away))
			}
		}
		p.relax(n)
	}
}

// gaps tell from the clock whether a spinning thread's processor was taken away.
type gaps struct {
	seen   time.Duration
	coarse bool // the clock stood still
}

// next takes the time a few turns after the last one, or after who knows what, and
// returns how long the thread was away between. The clock of some systems goes in
// steps of milliseconds: one that has just stood still tells nothing.
func (g *gaps) next(now time.Duration, unknown bool) (away time.Duration) {
	gap := now - g.seen
	g.seen = now
	if unknown {
		return 0
	}
	if gap > longAway && !g.coarse {
		away = gap
	}
	g.coarse = gap == 0
	return away
}

// longAway is more than the system's own work takes, and less than another program's
// turn.
const longAway = time.Millisecond

// turn runs the region of an epoch, if this is still open.
func (p *pool) turn(w int, epoch uint64) {
	c := &p.worker[w]
	c.inside.Store(true)
	defer func() {
		if v := recover(); v != nil {
			p.fail(v)
		}
		c.inside.Store(false)
	}()
	if p.epoch.Load() == epoch {
		p.region(w)
	}
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
		part := max((n-lo)/(2*p.sharers), grain)
		if p.sharers == 1 {
			part = n
		}
		hi = min(lo+part, n)
		if lo >= n || p.taken.CompareAndSwap(uint64(lo), uint64(hi)) {
			return lo, hi
		}
	}
}
