//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"
	"bitnet-gpu/shaders"
)

//go:generate glslc --target-env=vulkan1.1 -O testdata/step.comp -o testdata/step.spv
//go:generate glslc --target-env=vulkan1.1 -O testdata/dot.comp -o testdata/dot.spv

var (
	//go:embed testdata/step.spv
	stepSPIRV []byte
	//go:embed testdata/dot.spv
	dotSPIRV []byte

	step = &shaders.Kernel{
		Name:     "step",
		SPIRV:    stepSPIRV,
		Bindings: []shaders.Binding{{Name: "x", Access: shaders.Read}, {Name: "y", Access: shaders.Write}},
		Params:   3,
		Consts:   []shaders.Constant{{Name: "GROUP", Value: 64}, {Name: "ACCUMULATE", Value: 0}},
	}
	accumulate = func() *shaders.Kernel {
		k := step.With(shaders.Constant{Name: "ACCUMULATE", Value: 1}, shaders.Constant{Name: "GROUP", Value: 128})
		k.Bindings = []shaders.Binding{{Name: "x", Access: shaders.Read}, {Name: "y", Access: shaders.Read | shaders.Write}}
		return k
	}()
	dot = &shaders.Kernel{
		Name:     "dot",
		SPIRV:    dotSPIRV,
		Bindings: []shaders.Binding{{Name: "x", Access: shaders.Read}, {Name: "y", Access: shaders.Write}},
		Params:   1,
		Consts:   []shaders.Constant{{Name: "GROUP", Value: 64}},
		Dot:      true,
	}
)

// eachDevice runs a test on every device there is. The drivers are those that
// the loader finds, or that VK_DRIVER_FILES names, parted by colons.
func eachDevice(t *testing.T, f func(t *testing.T, d *device)) {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	list, err := Devices(Options{Software: true})
	if err != nil || len(list) == 0 {
		if slices.Contains(strings.Split(os.Getenv("BITNET_TEST_REQUIRE"), ","), "vulkan") {
			t.Fatalf("BITNET_TEST_REQUIRE has vulkan: %v, %d devices", err, len(list))
		}
		t.Skipf("needs a Vulkan device: %v", err)
	}
	for _, c := range list {
		t.Run(c.Info.Device, func(t *testing.T) { f(t, openTest(t, c.Info.Device)) })
	}
}

func openTest(t *testing.T, name string) *device {
	t.Helper()
	d, err := open(Options{Device: name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func newBuffer(t *testing.T, d driver.Device, label string, words int) driver.Buffer {
	t.Helper()
	b, err := d.NewBuffer(label, 4*words, driver.Local)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustRun(t *testing.T, d driver.Device, l *driver.List) {
	t.Helper()
	if err := d.Run(l); err != nil {
		t.Fatal(err)
	}
}

func count(n int) []uint32 {
	s := make([]uint32, n)
	for i := range s {
		s[i] = uint32(i)
	}
	return s
}

// TestRun uploads, runs two kernels of which the second needs the first, and
// downloads; then again with other data and other parameters.
func TestRun(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		if err := d.Load(step, accumulate, step); err != nil {
			t.Fatal(err)
		}
		const n = 1000
		x, y, z := newBuffer(t, d, "x", n), newBuffer(t, d, "y", n), newBuffer(t, d, "z", n)
		in, out := count(n), make([]uint32, n)
		params := []uint32{n, 3, 7}
		l := &driver.List{Label: "test"}
		l.Add(
			driver.Upload{To: driver.Whole(x), Data: driver.Bytes(in)},
			driver.Upload{To: driver.Whole(z), Data: driver.Bytes(in)},
			driver.Dispatch{Kernel: step, Buffers: []driver.Range{driver.Whole(x), driver.Whole(y)}, Params: params, Groups: [3]int{2, 1, 1}},
			driver.Dispatch{Kernel: accumulate, Buffers: []driver.Range{driver.Whole(y), driver.Whole(z)}, Params: []uint32{n, 2, 1}, Groups: [3]int{3, 1, 1}},
			driver.Download{From: driver.Whole(z), Data: driver.Bytes(out)},
		)
		for round := range 5 {
			params[2] = uint32(round / 2) // recorded anew every other round
			for i := range in {
				in[i] = uint32(i + round)
			}
			mustRun(t, d, l)
			for i, v := range in {
				if want := v + (v*3+params[2])*2 + 1; out[i] != want {
					t.Fatalf("round %d: z[%d] = %d, want %d", round, i, out[i], want)
				}
			}
		}
		d.Forget(l)
		if len(d.lists) != 0 {
			t.Errorf("%d lists after Forget", len(d.lists))
		}
	})
}

// TestRanges runs a kernel on parts of buffers, the group counts read from one.
func TestRanges(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		if err := d.Load(step); err != nil {
			t.Fatal(err)
		}
		a := newBuffer(t, d, "a", 512)
		groups := newBuffer(t, d, "groups", 8)
		out := make([]uint32, 512)
		l := &driver.List{Label: "ranges"}
		l.Add(
			driver.Upload{To: driver.Whole(a), Data: driver.Bytes(count(512))},
			driver.Upload{To: driver.Range{Buffer: groups, Offset: 4, Size: 12}, Data: driver.Bytes([]uint32{1, 1, 1})},
			driver.Dispatch{
				Kernel:   step,
				Buffers:  []driver.Range{{Buffer: a, Offset: 1024, Size: 256}, {Buffer: a, Offset: 256, Size: 256}},
				Params:   []uint32{64, 1, 1000},
				Indirect: driver.Range{Buffer: groups, Offset: 4, Size: 12},
			},
			driver.Download{From: driver.Whole(a), Data: driver.Bytes(out)},
		)
		mustRun(t, d, l)
		for i, v := range out {
			want := uint32(i)
			if i >= 64 && i < 128 {
				want = uint32(i+192) + 1000
			}
			if v != want {
				t.Fatalf("a[%d] = %d, want %d", i, v, want)
			}
		}
	})
}

func TestDot(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		if !d.Info().Dot {
			if err := d.Load(dot); !errors.Is(err, compute.ErrUnavailable) {
				t.Errorf("Load: %v, want %v", err, compute.ErrUnavailable)
			}
			t.Skip("no integer dot product")
		}
		if err := d.Load(dot); err != nil {
			t.Fatal(err)
		}
		const n = 64
		x, y := newBuffer(t, d, "x", n), newBuffer(t, d, "y", n)
		in, out := make([]uint32, n), make([]int32, n)
		for i := range in {
			in[i] = rand.Uint32()
		}
		in[0], in[1] = 0x80808080, 0x7f81ff01
		l := &driver.List{Label: "dot"}
		l.Add(
			driver.Upload{To: driver.Whole(x), Data: driver.Bytes(in)},
			driver.Dispatch{Kernel: dot, Buffers: []driver.Range{driver.Whole(x), driver.Whole(y)}, Params: []uint32{n}, Groups: [3]int{1, 1, 1}},
			driver.Download{From: driver.Whole(y), Data: driver.Bytes(out)},
		)
		mustRun(t, d, l)
		for i, v := range in {
			want := int32(0)
			for _, b := range binary.LittleEndian.AppendUint32(nil, v) {
				want += int32(int8(b)) * int32(int8(b))
			}
			if out[i] != want {
				t.Errorf("%#x: %d, want %d", v, out[i], want)
			}
		}
	})
}

// TestWrite fills buffers by both ways into memory: through the host's view of
// it, and by staging, in three parts. The devices that most tests run on have
// only memory that the host sees.
func TestWrite(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		const n = (2*stageSize + 4096) / 4
		data, back := count(n), make([]uint32, n)
		b := newBuffer(t, d, "b", n+2)
		l := &driver.List{Label: "back"}
		l.Add(driver.Download{From: driver.Range{Buffer: b, Offset: 8, Size: 4 * n}, Data: driver.Bytes(back)})
		staged := func(offset int, data []byte) error { return d.stage(b.(*buffer), offset, data) }
		for way, write := range map[string]func(int, []byte) error{"Write": b.Write, "stage": staged} {
			data[n-1]++
			if err := errors.Join(write(8, driver.Bytes(data)), write(0, driver.Bytes([]uint32{1, 2}))); err != nil {
				t.Fatal(err)
			}
			mustRun(t, d, l)
			if !slices.Equal(data, back) {
				t.Errorf("%s: not what was written", way)
			}
		}
	})
}
