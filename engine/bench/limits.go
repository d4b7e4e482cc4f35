package bench

import (
	"bytes"
	"slices"
	"sync/atomic"
	"time"
	"unsafe"

	"bitnet-gpu/cpu"
	"bitnet-gpu/cpu/kernel"
)

// Limits is what the processor did at best with as many threads, 0 where it was
// not measured: on GPUs, and products with the portable kernels.
type Limits struct {
	Read     float64 // bytes/s that loops read which do nothing else
	Products float64 // products of int8 a second that the kernels' instructions make on registers alone
}

// mostRead is the most that a reading loop goes over: more than caches hold.
const mostRead = 640 << 20

// leastRead is how much a reading loop goes over to be timed.
const leastRead = 64 << 20

// A machine measures limits.
type machine struct {
	threads int
	path    *kernel.Path
	data    []byte
	passes  int // over data, for at least leastRead
	rounds  int // of the products, for about peakTime
}

const peakTime = 20 * time.Millisecond

// newMachine prepares for the threads and the kernels of a load. The loops read as
// much as a token does, as far as there is memory, so that caches help both or
// neither.
func newMachine(l *Load) *machine {
	m := &machine{threads: max(l.Info.Threads, 1), rounds: 1 << 10}
	m.path, _ = kernel.Pick(l.Info.Path)
	n := min(l.TokenBytes, mostRead)
	if left, _ := cpu.MemoryLeft(); left >= 0 {
		n = min(n, left/2)
	}
	m.data = make([]byte, max(int(n)/lineBytes/m.threads, 64)*lineBytes*m.threads)
	m.passes = max(leastRead/len(m.data), 1)
	for i := 0; i < len(m.data); i += 1 << 10 { // else all pages are the same one of zeros
		m.data[i] = 1
	}
	if m.path == nil || m.path.Multiplies(1) == 0 {
		m.path = nil
		return m
	}
	for m.products(m.rounds) < peakTime {
		m.rounds *= 2
	}
	return m
}

// measure returns the best of all reading loops, and the products, now.
func (m *machine) measure() Limits {
	var l Limits
	for _, form := range readForms {
		took := m.each(func(i int) {
			part := len(m.data) / m.threads
			for range m.passes {
				sink.Add(form(m.data[part*i:][:part]))
			}
		})
		l.Read = max(l.Read, float64(m.passes*len(m.data))/took.Seconds())
	}
	if m.path != nil {
		n := m.path.Multiplies(1) * m.rounds * m.threads
		l.Products = float64(n) / m.products(m.rounds).Seconds()
	}
	return l
}

func (m *machine) products(rounds int) time.Duration {
	return m.each(func(int) { m.path.Multiplies(rounds) })
}

// each runs f on every thread and returns how long all of them took.
func (m *machine) each(f func(i int)) time.Duration {
	done := make(chan bool)
	start := time.Now()
	for i := 1; i < m.threads; i++ {
		go func() { f(i); done <- true }()
	}
	f(0)
	for range m.threads - 1 {
		<-done
	}
	return since(start)
}

// since is never 0: the clocks of some systems move in steps of milliseconds.
func since(start time.Time) time.Duration { return max(time.Since(start), time.Nanosecond) }

// sink keeps the sums of the loops, so that none can be left out.
var sink atomic.Uint64

const lineBytes = 64

// readForms are loops that only read: a word of each line, at one, four and
// sixteen places at once, and the library's search for a byte that is not there.
var readForms = []func(data []byte) uint64{
	func(data []byte) uint64 { return sumLines(data, 1) },
	func(data []byte) uint64 { return sumLines(data, 4) },
	func(data []byte) uint64 { return sumLines(data, 16) },
	func(data []byte) uint64 { return uint64(bytes.IndexByte(data, 0xFF)) },
}

// sumLines adds up the first words of the lines of data, in as many streams of
// equal length.
func sumLines(data []byte, streams int) (total uint64) {
	lines := unsafe.Slice((*[lineBytes / 8]uint64)(unsafe.Pointer(unsafe.SliceData(data))), len(data)/lineBytes)
	n := len(lines) / streams
	for i := range n {
		for s := range streams {
			total += lines[s*n+i][0]
		}
	}
	return total
}

// medianLimits returns the medians of what was measured.
func medianLimits(l []Limits) Limits {
	var read, products []float64
	for _, x := range l {
		read, products = append(read, x.Read), append(products, x.Products)
	}
	return Limits{Read: Median(read), Products: Median(products)}
}

// Median returns the middle of x, of two the mean, and 0 of nothing.
func Median(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	x = slices.Sorted(slices.Values(x))
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}

// TokenBytes returns the bytes that a decoded token of the test must read, 0 for
// tests with a prompt.
func (r *Result) TokenBytes() int64 {
	if r.Prompt > 0 {
		return 0
	}
	positions := float64(r.Depth) + float64(r.Gen+1)/2 // of the attention, on average
	return r.Load.TokenBytes + int64(positions*float64(r.Model.CacheBytes))
}

// ReadShare returns the part of the read bandwidth that decoding reached, 0 where
// it is not known.
func (r *Result) ReadShare() float64 {
	if r.Limits.Read == 0 {
		return 0
	}
	return Median(r.Rates()) * float64(r.TokenBytes()) / r.Limits.Read
}

// ProductShare returns the part of the peak of int8 products that a prompt
// reached, 0 where it is not known and for tests that decode.
func (r *Result) ProductShare() float64 {
	if r.Limits.Products == 0 || r.Gen > 0 {
		return 0
	}
	return Median(r.Rates()) * float64(r.Model.Products) / r.Limits.Products
}
