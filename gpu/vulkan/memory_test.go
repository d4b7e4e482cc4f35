//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

import (
	"errors"
	"slices"
	"testing"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"
)

// TestMemory makes and releases buffers of all sizes: blocks are shared, grow,
// and are freed.
func TestMemory(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		heap := d.pool(d.types.local).heap
		var held []driver.Buffer
		for _, words := range []int{1, 63, 64, 1 << 10, 1 << 20, 5 << 20, 6 << 20, 9 << 20, 1} {
			held = append(held, newBuffer(t, d, "b", words))
		}
		blocks := d.pool(d.types.local).blocks
		var sizes []int
		for _, b := range blocks {
			sizes = append(sizes, b.size>>20)
		}
		if want := []int{16, 20, 36, 36}; !slices.Equal(sizes, want) { // the last one is a large buffer's own
			t.Errorf("blocks of %d MiB, want %d", sizes, want)
		}
		sum := int64(0)
		for _, b := range blocks {
			sum += int64(b.size)
		}
		if sum != d.taken[heap] {
			t.Errorf("blocks have %d bytes, %d are counted", sum, d.taken[heap])
		}
		for _, b := range held {
			b.Release()
			b.Release() // does nothing
		}
		if n := len(d.pool(d.types.local).blocks); n != 0 || d.taken[heap] != 0 {
			t.Errorf("%d blocks and %d bytes after all were released", n, d.taken[heap])
		}
	})
}

func TestNoMemory(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		free := d.Info().Free
		if free <= 0 || free > d.Info().Memory {
			t.Errorf("%d bytes of %d free", free, d.Info().Memory)
		}
		for _, size := range []int64{free + 4096, int64(d.facts.maxAllocation) + 4096, 1 << 50} {
			if b, err := d.NewBuffer("large", int(size&^3), driver.Local); !errors.Is(err, compute.ErrMemory) || b != nil {
				t.Errorf("%d bytes: %v, %v", size, b, err)
			}
		}
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
		for i, err := range []error{d.Run(l), d.Load(step), b.Write(0, make([]byte, 4)), d.Close()} {
			if i < 3 != errors.Is(err, compute.ErrLost) {
				t.Errorf("%d: %v", i, err)
			}
		}
	})
}

// TestBugs has what breaks the contract panic, and not reach the driver.
func TestBugs(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		b := newBuffer(t, d, "b", 64)
		gone := newBuffer(t, d, "gone", 64)
		gone.Release()
		list := func(c driver.Command) func() {
			return func() { d.Run(&driver.List{Label: "bad", Commands: []driver.Command{c}}) }
		}
		run := driver.Dispatch{Kernel: step, Buffers: []driver.Range{driver.Whole(b), driver.Whole(b)}, Params: make([]uint32, 3), Groups: [3]int{1, 1, 1}}
		bugs := map[string]func(){
			"size of a buffer":    func() { d.NewBuffer("b", 6, driver.Local) },
			"empty buffer":        func() { d.NewBuffer("b", 0, driver.Local) },
			"write beyond":        func() { b.Write(253, make([]byte, 4)) },
			"write of bytes":      func() { b.Write(0, make([]byte, 3)) },
			"upload beyond":       list(driver.Upload{To: driver.Range{Buffer: b, Offset: 4, Size: 256}, Data: make([]byte, 256)}),
			"bindings overlap":    list(run),
			"kernel not loaded":   list(driver.Dispatch{Kernel: step, Buffers: []driver.Range{{Buffer: b, Size: 128}, {Buffer: newBuffer(t, d, "c", 64), Size: 128}}, Params: make([]uint32, 3), Groups: [3]int{1, 1, 1}}),
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
	})
}
