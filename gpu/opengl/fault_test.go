//go:build cgo && opengl && (linux || windows)

package opengl

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/go-gl/gl/v4.3-core/gl"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"
)

// work does what a backend does: it makes buffers, fills them, times a list, and
// runs two. It returns the result.
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
	if _, err := d.Time(first); err != nil {
		return 0, err
	}
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
		mustWork(t, d)
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
			// Two buffers and the parameters of the first list; three runs.
			if expect := map[string]int{"oom": 3, "lost": 3}[kind]; failed != expect {
				t.Errorf("%s: %d failures, want %d", kind, failed, expect)
			}
		}
	})
}

// TestChecks has each check of an error find each kind of error, with programs
// that are compiled and with programs from the cache.
func TestChecks(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		failed := map[string]bool{}
		for code, want := range map[uint32]error{
			gl.OUT_OF_MEMORY:        compute.ErrMemory,
			gl.INVALID_OPERATION:    compute.ErrLost,
			gl.CONTEXT_LOST:         compute.ErrLost,
			gl.GUILTY_CONTEXT_RESET: compute.ErrLost,
		} {
			for _, cached := range []bool{false, true} {
				for n := 1; ; n++ {
					if !cached || n == 1 {
						t.Setenv("XDG_CACHE_HOME", t.TempDir())
					}
					if cached && n == 1 {
						mustWork(t, openTest(t, d.Info().ID))
					}
					call := failedCheck(t, openTest(t, d.Info().ID), n, code, want)
					if call == "" {
						break
					}
					failed[call] = true
				}
			}
		}
		for _, call := range []string{"glLinkProgram", "glBufferData", "glBufferSubData", "glDispatchCompute", "glGetQueryObject", "glProgramBinary", "glGetProgramBinary"} {
			there := d.context.clockBits > 0 || call != "glGetQueryObject"
			there = there && (d.context.binaries || !strings.HasSuffix(call, "ProgramBinary"))
			if there && !failed[call] {
				t.Errorf("no check of %s", call)
			}
		}
	})
}

// failedCheck has the n-th check of a device find an error, in which the call
// ends; without memory the device works on. A program that the driver does not
// take or give is no failure. failedCheck returns the name of the call, or "".
func failedCheck(t *testing.T, d *device, n int, code uint32, want error) (call string) {
	t.Helper()
	defer d.Close()
	d.inject = func(name string, found uint32) uint32 {
		n--
		if n == 0 {
			call, found = name, code
		}
		return found
	}
	got, err := work(d)
	d.inject = nil
	if n := objects(d); n != len(d.programs) {
		t.Errorf("after %#x of %s: %d objects for %d programs", code, call, n, len(d.programs))
	}
	if call == "" || strings.HasSuffix(call, "ProgramBinary") {
		if err != nil || got != 127 {
			t.Errorf("%#x of %s: %d, %v", code, call, got, err)
		}
		return call
	}
	if !errors.Is(err, want) || !strings.Contains(err.Error(), call) {
		t.Errorf("%#x of %s: %v, want %v", code, call, err, want)
	}
	if want == compute.ErrMemory {
		mustWork(t, d)
	} else if _, err := work(d); !errors.Is(err, want) {
		t.Errorf("after %#x of %s: %v, want %v", code, call, err, want)
	}
	return call
}

// objects counts what there is in OpenGL, but for the shaders of programs.
func objects(d *device) (n int) {
	_ = d.thread.do(func() error {
		for name := range uint32(1000) {
			for _, is := range []func(uint32) bool{gl.IsBuffer, gl.IsProgram, gl.IsQuery} {
				if is(name) {
					n++
				}
			}
		}
		return nil
	})
	return n
}

func mustWork(t *testing.T, d *device) {
	t.Helper()
	if got, err := work(d); err != nil || got != 127 || len(d.buffers) != 0 {
		t.Errorf("undisturbed: %d, %v, %d buffers left", got, err, len(d.buffers))
	}
}

// TestStale has parameters that could not be written be written by the next run.
func TestStale(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		l := chain(t, d, 1)
		mustRun(t, d, l)
		l.Commands[1].(driver.Dispatch).Params[2] = 1000
		d.inject = func(string, uint32) uint32 { return gl.OUT_OF_MEMORY }
		replace(t, d, "glBufferSubData", "glGetError")
		if err := d.Run(l); !errors.Is(err, compute.ErrMemory) {
			t.Error(err)
		}
		d.inject = nil
		replace(t, d, "", "")
		mustRun(t, d, l)
		if got := binary.LittleEndian.Uint32(l.Commands[2].(driver.Download).Data); got != 1000 {
			t.Errorf("%d, want 1000", got)
		}
	})
}

// TestSilentCalls has each function of OpenGL that is called do nothing and
// return 0, one at a time, as none should: work ends all the same, and no error
// is of an unknown kind.
func TestSilentCalls(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		if d.Info().Type != driver.Software {
			t.Skip("not for a driver that may take the machine with it")
		}
		names := called(t)
		if len(names) < 30 {
			t.Errorf("%d functions: %v", len(names), names)
		}
		for _, name := range names {
			t.Setenv("XDG_CACHE_HOME", t.TempDir())
			replace(t, d, name, "glGetError")
			for range 2 { // compiled; from the cache
				err := openAndWork()
				if err != nil && !errors.Is(err, compute.ErrUnavailable) && !errors.Is(err, compute.ErrMemory) && !errors.Is(err, compute.ErrLost) {
					t.Errorf("%s: %v", name, err)
				}
			}
			replace(t, d, "", "")
		}
		mustWork(t, d)
	})
}

func openAndWork() error {
	d, err := open(Options{Software: true})
	if err != nil {
		return err
	}
	defer d.Close()
	_, err = work(d)
	return err
}

// called returns the names of OpenGL's functions that the package's sources call.
func called(t *testing.T) []string {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, m := range regexp.MustCompile(`\bgl\.([A-Z]\w*[a-z]\w*)|function\("gl(\w+)"\)`).FindAllSubmatch(source, -1) {
			names["gl"+string(m[1])+string(m[2])] = true
		}
	}
	for _, helper := range []string{"glInitWithProcAddrFunc", "glGoStr", "glStrs"} {
		delete(names, helper)
	}
	return slices.Sorted(maps.Keys(names))
}

// replace has one function of OpenGL stand in the place of another for the rest
// of a test.
func replace(t *testing.T, d *device, name, by string) {
	t.Helper()
	look := func(function func(string) unsafe.Pointer) error {
		return d.thread.do(func() error {
			_, missing := lookUp(function)
			return missing
		})
	}
	err := look(func(s string) unsafe.Pointer {
		if s == name {
			s = by
		}
		return function(s)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := look(function); err != nil {
			t.Error(err)
		}
	})
}

// TestWait has waits end early, which the device is asked about, and fail.
func TestWait(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		defer func() { clientWaitSync = gl.ClientWaitSync }()
		early, asked, ends := 3, 0, uint32(gl.TIMEOUT_EXPIRED)
		clientWaitSync = func(sync uintptr, flags uint32, timeout uint64) uint32 {
			if early == 0 {
				return gl.ClientWaitSync(sync, flags, timeout)
			}
			early--
			return ends
		}
		d.inject = func(call string, code uint32) uint32 {
			if call == "glClientWaitSync" {
				asked++
			}
			return code
		}
		l := chain(t, d, 10)
		mustRun(t, d, l)
		if got := binary.LittleEndian.Uint32(l.Commands[11].(driver.Download).Data); got != 10 || asked != 3 {
			t.Errorf("%d, want 10; asked %d times", got, asked)
		}

		early, ends = 1, gl.WAIT_FAILED
		if err := d.Run(l); !errors.Is(err, compute.ErrLost) || !strings.Contains(err.Error(), "glClientWaitSync: the wait failed") {
			t.Error(err)
		}
		d.lost, early, ends = nil, 3, gl.TIMEOUT_EXPIRED
		d.inject = func(string, uint32) uint32 { return gl.INNOCENT_CONTEXT_RESET }
		if err := d.Run(l); !errors.Is(err, compute.ErrLost) || !strings.Contains(err.Error(), "glClientWaitSync: the device was reset") {
			t.Error(err)
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
