//go:build cgo && opengl && (linux || windows)

package opengl

import (
	"errors"
	"slices"
	"testing"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"
)

// TestField moves bytes that lie in an object with pointers.
func TestField(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		object := &struct {
			next     *int
			in, out  [64]uint32
			previous *int
		}{next: new(int), previous: new(int)}
		copy(object.in[:], count(64))
		b := newBuffer(t, d, "b", 64)
		if err := b.Write(0, driver.Bytes(object.in[32:])); err != nil {
			t.Fatal(err)
		}
		l := &driver.List{Label: "field"}
		l.Add(
			driver.Upload{To: driver.Range{Buffer: b, Offset: 128, Size: 128}, Data: driver.Bytes(object.in[:32])},
			driver.Download{From: driver.Whole(b), Data: driver.Bytes(object.out[:])},
		)
		mustRun(t, d, l)
		if !slices.Equal(object.out[:], append(count(64)[32:], count(32)...)) {
			t.Error(object.out)
		}
	})
}

// TestNoMemory asks for more than there can be, and works on.
func TestNoMemory(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		if b, err := d.NewBuffer("large", 1<<50, driver.Local); !errors.Is(err, compute.ErrMemory) || b != nil {
			t.Errorf("%v, %v", b, err)
		}
		mustRun(t, d, chain(t, d, 2))
	})
}

// TestClosed has a closed device do nothing more, and its buffers neither.
func TestClosed(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		b := newBuffer(t, d, "b", 64)
		l := chain(t, d, 2)
		mustRun(t, d, l)
		d.Close()
		b.Release()
		d.Forget(l)
		_, errTime := d.Time(l)
		for i, err := range []error{d.Run(l), d.Load(step), b.Write(0, make([]byte, 4)), errTime, d.Close()} {
			if i < 4 != errors.Is(err, compute.ErrLost) {
				t.Errorf("%d: %v", i, err)
			}
		}
	})
}

// TestBugs has what breaks the contract panic, and not reach the driver; the
// device works on.
func TestBugs(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		b, c, gone := newBuffer(t, d, "b", 64), newBuffer(t, d, "c", 64), newBuffer(t, d, "gone", 64)
		gone.Release()
		gone.Release() // does nothing
		list := func(c driver.Command) func() {
			return func() { d.Run(&driver.List{Label: "bad", Commands: []driver.Command{c}}) }
		}
		run := func(x, y driver.Buffer) driver.Dispatch {
			return driver.Dispatch{Kernel: step, Buffers: []driver.Range{driver.Whole(x), driver.Whole(y)}, Params: make([]uint32, 3), Groups: [3]int{1, 1, 1}}
		}
		bugs := map[string]func(){
			"size of a buffer":    func() { d.NewBuffer("b", 6, driver.Local) },
			"empty buffer":        func() { d.NewBuffer("b", 0, driver.Local) },
			"write beyond":        func() { b.Write(253, make([]byte, 4)) },
			"write of bytes":      func() { b.Write(0, make([]byte, 3)) },
			"write after release": func() { gone.Write(0, make([]byte, 4)) },
			"upload beyond":       list(driver.Upload{To: driver.Range{Buffer: b, Offset: 4, Size: 256}, Data: make([]byte, 256)}),
			"bindings overlap":    list(run(b, b)),
			"kernel not loaded":   list(run(b, c)),
			"buffer was released": list(driver.Upload{To: driver.Whole(gone), Data: make([]byte, 256)}),
		}
		for name, f := range bugs {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s: no panic", name)
					}
				}()
				f()
			}()
		}
		mustRun(t, d, chain(t, d, 2))
	})
}
