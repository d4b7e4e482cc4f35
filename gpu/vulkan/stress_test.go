//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

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

// TestGarbage runs lists while the garbage collector never rests: nothing that
// C holds may be Go's. Lists come and go, so that all that is kept of one is
// freed again.
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
			param := l.Commands[1].(driver.Dispatch).Params
			param[2] = uint32(i / 3)
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
			d, err := open(Options{Device: d.Info().Device})
			if err != nil {
				t.Fatal(err)
			}
			mustRun(t, d, chain(t, d, 3))
			d.Close()
		}
		if now := handles(); now > before+2 {
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

// BenchmarkRun submits a list as long as a token's, and waits for it.
func BenchmarkRun(b *testing.B) {
	list, err := Devices(Options{Software: true})
	if err != nil || len(list) == 0 {
		b.Skip("needs a Vulkan device")
	}
	for _, c := range list {
		b.Run(c.Info.Device, func(b *testing.B) {
			d, err := open(Options{Device: c.Info.Device})
			if err != nil {
				b.Fatal(err)
			}
			defer d.Close()
			l := chain(b, d, 153)
			params := l.Commands[1].(driver.Dispatch).Params
			for _, again := range []bool{false, true} {
				b.Run(fmt.Sprintf("record=%v", again), func(b *testing.B) {
					for b.Loop() {
						if again {
							params[2]++
						}
						if err := d.Run(l); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		})
	}
}
