//go:build cgo && opengl && (linux || windows)

package opengl

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"bitnet-gpu/gpu/driver"
)

// TestGarbage runs lists while the garbage collector never rests. Lists come
// and go, so that all that is kept of one is freed again.
func TestGarbage(t *testing.T) {
	rounds := 2000
	if testing.Short() {
		rounds = 200
	}
	eachDevice(t, func(t *testing.T, d *device) {
		stop := make(chan struct{})
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				select {
				case <-stop:
					return
				default:
					runtime.GC()
				}
			}
		}()
		defer func() { close(stop); <-done }()
		l := chain(t, d, 10)
		out := l.Commands[11].(driver.Download).Data
		before := 0
		for i := range rounds {
			if i == rounds/2 {
				before = resident(t)
			}
			l.Commands[1].(driver.Dispatch).Params[2] = uint32(i / 3)
			mustRun(t, d, l)
			if got := binary.LittleEndian.Uint32(out[4*63:]); got != 63+9+uint32(i/3) {
				t.Fatalf("round %d: %d", i, got)
			}
			if i%20 == 0 {
				d.Forget(l)
			}
		}
		if grown := resident(t) - before; before > 0 && grown > 8<<20 {
			t.Errorf("grew by %d KiB in %d runs", grown>>10, rounds/2)
		}
	})
}

// resident returns how many bytes of memory the process uses; 0 where the
// system does not say.
func resident(t *testing.T) int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kib := 0
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

// TestOpenClose opens and closes devices: no handle and no thread stays.
func TestOpenClose(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		before := 0
		for i := range 30 {
			if i == 10 {
				before = handles()
			}
			d, err := open(Options{Device: d.Info().ID})
			if err != nil {
				t.Fatal(err)
			}
			mustRun(t, d, chain(t, d, 3))
			d.Close()
		}
		if now := handles(); now > before+4 {
			t.Errorf("%d files and threads, then %d", before, now)
		}
	})
}

// handles counts the process's open files and threads.
func handles() int {
	files, _ := os.ReadDir("/proc/self/fd")
	threads, _ := os.ReadDir("/proc/self/task")
	return len(files) + len(threads)
}

// TestNoGarbage has a run of a list make none.
func TestNoGarbage(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		l := chain(t, d, 10)
		mustRun(t, d, l)
		if n := testing.AllocsPerRun(50, func() { mustRun(t, d, l) }); n != 0 {
			t.Errorf("%v allocations a run", n)
		}
	})
}

func TestTime(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		l := chain(t, d, 10)
		for range 2 {
			start := time.Now()
			times, err := d.Time(l)
			if err != nil {
				t.Fatal(err)
			}
			if times == nil {
				t.Skip("the device has no clock")
			}
			sum, all := time.Duration(0), time.Since(start)
			for _, x := range times {
				sum += x
			}
			if len(times) != len(l.Commands) || sum <= 0 || sum > all {
				t.Errorf("%d commands in %v, together %v of %v", len(times), times, sum, all)
			}
			mustRun(t, d, l)
		}
	})
}

// TestBarriers runs a long chain in which each dispatch needs all of the one
// before it, over many groups, many times.
func TestBarriers(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		if err := d.Load(step); err != nil {
			t.Fatal(err)
		}
		const n, long = 1 << 16, 50
		a, b := newBuffer(t, d, "a", n), newBuffer(t, d, "b", n)
		out := make([]uint32, n)
		l := &driver.List{Label: "long"}
		l.Add(driver.Upload{To: driver.Whole(a), Data: driver.Bytes(count(n))})
		for i := range long {
			x, y := a, b
			if i%2 == 1 {
				x, y = b, a
			}
			l.Add(driver.Dispatch{Kernel: step, Buffers: []driver.Range{driver.Whole(x), driver.Whole(y)}, Params: []uint32{n, 1, 3}, Groups: [3]int{n / 64, 1, 1}})
		}
		l.Add(driver.Download{From: driver.Whole(a), Data: driver.Bytes(out)})
		if n := l.Count().Barriers; n != long+1 {
			t.Fatalf("%d barriers", n)
		}
		for range 10 {
			clear(out)
			mustRun(t, d, l)
			for i, v := range out {
				if v != uint32(i)+3*long {
					t.Fatalf("a[%d] = %d, want %d", i, v, i+3*long)
				}
			}
		}
	})
}
