//go:build cgo && opengl && (linux || windows)

package opengl

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"
)

// work does what a backend does: it makes buffers, fills them, and runs two
// lists. It returns the result.
func work(d driver.Device) (uint32, error) {
	const n = 64
	if err := d.Load(step); err != nil {
		return 0, err
	}
	x, err := d.NewBuffer("x", 4*n, driver.Local)
	if err != nil {
		return 0, err
	}
	defer x.Release()
	y, err := d.NewBuffer("y", 4*n, driver.Host)
	if err != nil {
		return 0, err
	}
	defer y.Release()
	if err := x.Write(0, driver.Bytes(count(n))); err != nil {
		return 0, err
	}
	out := make([]uint32, n)
	first, second := &driver.List{Label: "first"}, &driver.List{Label: "second"}
	first.Add(driver.Dispatch{Kernel: step, Buffers: []driver.Range{driver.Whole(x), driver.Whole(y)}, Params: []uint32{n, 2, 1}, Groups: [3]int{1, 1, 1}})
	second.Add(driver.Download{From: driver.Whole(y), Data: driver.Bytes(out)})
	defer d.Forget(first)
	defer d.Forget(second)
	if err := d.Run(first); err != nil {
		return 0, err
	}
	if err := d.Run(second); err != nil {
		return 0, err
	}
	return out[n-1], nil
}

// TestFault injects a failure at each allocation and at each submission: each
// ends in its error, and the device can be closed. After a lack of memory it
// works on.
func TestFault(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		if got, err := work(d); err != nil || got != 127 || len(d.buffers) != 0 {
			t.Fatalf("undisturbed: %d, %v, %d buffers left", got, err, len(d.buffers))
		}
		for kind, want := range map[string]error{"oom": compute.ErrMemory, "lost": compute.ErrLost} {
			failed := 0
			for n := 1; n < 20; n++ {
				t.Setenv("BITNET_GPU_FAULT", fmt.Sprintf("%s@%d", kind, n))
				d := openTest(t, d.Info().ID)
				_, err := work(d)
				if err == nil {
					break
				}
				failed++
				if !errors.Is(err, want) {
					t.Errorf("%s@%d: %v, want %v", kind, n, err, want)
				}
				again, err := work(d)
				if kind == "oom" && (err != nil || again != 127 || len(d.buffers) != 0) {
					t.Errorf("after %s@%d: %d, %v, %d buffers left", kind, n, again, err, len(d.buffers))
				}
				if kind == "lost" && !errors.Is(err, want) {
					t.Errorf("after %s@%d: %v, want %v", kind, n, err, want)
				}
			}
			// Two buffers and the parameters of the first list; two lists.
			if expect := map[string]int{"oom": 3, "lost": 2}[kind]; failed != expect {
				t.Errorf("%s: %d failures, want %d", kind, failed, expect)
			}
		}
	})
}

// TestLost has every method of a lost device return the error of its loss.
func TestLost(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		b := newBuffer(t, d, "b", 64)
		l := &driver.List{Label: "l"}
		l.Add(driver.Upload{To: driver.Whole(b), Data: make([]byte, 256)})
		mustRun(t, d, l)
		d.fault = driver.Fault{Kind: "lost", At: 1}
		_, errTime := d.Time(l)
		_, errBuffer := d.NewBuffer("c", 4, driver.Local)
		for i, err := range []error{errTime, d.Run(l), errBuffer, b.Write(0, make([]byte, 4)), d.Load(step)} {
			if !errors.Is(err, compute.ErrLost) {
				t.Errorf("%d: %v, want %v", i, err, compute.ErrLost)
			}
		}
		d.Forget(l)
		b.Release()
	})
}

// TestFaultInEnv refuses what is no fault.
func TestFaultInEnv(t *testing.T) {
	t.Setenv("BITNET_GPU_FAULT", "fire@1")
	if _, err := Open(Options{}); err == nil || !strings.Contains(err.Error(), "want oom@N or lost@N") {
		t.Error(err)
	}
}
