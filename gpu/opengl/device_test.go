//go:build cgo && opengl && (linux || windows)

package opengl

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"
	"bitnet-gpu/shaders"
)

// TestMain gives Mesa a directory for its own cache, which it does not let go of.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "opengl")
	if err != nil {
		panic(err)
	}
	os.Setenv("MESA_SHADER_CACHE_DIR", dir)
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// step computes y[i] = x[i]*mul + add, or with ACCUMULATE y[i] += x[i]*mul + add.
var step = &shaders.Kernel{
	Name: "step",
	Source: `#version 430
layout(local_size_x = GROUP) in;
layout(std140, binding = 0) uniform Params { uint n, mul, add; };
layout(std430, binding = 0) readonly buffer In { uint x[]; };
layout(std430, binding = 1) buffer Out { uint y[]; };

void main() {
	uint step = gl_NumWorkGroups.x * gl_WorkGroupSize.x;
	for (uint i = gl_GlobalInvocationID.x; i < n; i += step) {
		uint v = x[i] * mul + add;
		y[i] = ACCUMULATE != 0u ? y[i] + v : v;
	}
}
`,
	Bindings: []shaders.Binding{{Name: "x", Access: shaders.Read}, {Name: "y", Access: shaders.Write}},
	Params:   3,
	Consts:   []shaders.Constant{{Name: "GROUP", Value: 64}, {Name: "ACCUMULATE", Value: 0}},
}

var accumulate = func() *shaders.Kernel {
	k := step.With(shaders.Constant{Name: "ACCUMULATE", Value: 1}, shaders.Constant{Name: "GROUP", Value: 128})
	k.Bindings = []shaders.Binding{{Name: "x", Access: shaders.Read}, {Name: "y", Access: shaders.Read | shaders.Write}}
	return k
}()

// eachDevice runs a test on every device there is.
func eachDevice(t *testing.T, f func(t *testing.T, d *device)) {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	list, err := Devices(Options{Software: true})
	if err != nil || len(list) == 0 {
		if slices.Contains(strings.Split(os.Getenv("BITNET_TEST_REQUIRE"), ","), "opengl") {
			t.Fatalf("BITNET_TEST_REQUIRE has opengl: %v, %d devices", err, len(list))
		}
		t.Skipf("needs an OpenGL device: %v", err)
	}
	for _, c := range list {
		t.Run(c.Info.Device, func(t *testing.T) { f(t, openTest(t, c.Info.ID)) })
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

func newBuffer(t testing.TB, d driver.Device, label string, words int) driver.Buffer {
	t.Helper()
	b, err := d.NewBuffer(label, 4*words, driver.Local)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustRun(t testing.TB, d driver.Device, l *driver.List) {
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

// chain returns a list of n dispatches, each of which needs the one before it.
func chain(t testing.TB, d *device, n int) *driver.List {
	t.Helper()
	if err := d.Load(step); err != nil {
		t.Fatal(err)
	}
	buffers := [2]driver.Buffer{newBuffer(t, d, "chain", 64), newBuffer(t, d, "chain", 64)}
	l := &driver.List{Label: "chain"}
	l.Add(driver.Upload{To: driver.Whole(buffers[0]), Data: driver.Bytes(count(64))})
	for i := range n {
		l.Add(driver.Dispatch{
			Kernel:  step,
			Buffers: []driver.Range{driver.Whole(buffers[i%2]), driver.Whole(buffers[(i+1)%2])},
			Params:  []uint32{64, 1, 1},
			Groups:  [3]int{1, 1, 1},
		})
	}
	l.Add(driver.Download{From: driver.Whole(buffers[n%2]), Data: make([]byte, 4*64)})
	return l
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
			params[2] = uint32(round / 2)
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
		before := len(d.buffers)
		d.Forget(l)
		if len(d.lists) != 0 || len(d.buffers) != before-1 {
			t.Errorf("%d lists and %d buffers after Forget, %d before", len(d.lists), len(d.buffers), before)
		}
	})
}

// TestRanges runs a kernel on parts of buffers, the group counts read from one.
func TestRanges(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		if err := d.Load(step); err != nil {
			t.Fatal(err)
		}
		a, groups := newBuffer(t, d, "a", 512), newBuffer(t, d, "groups", 8)
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
			driver.Dispatch{
				Kernel:  step,
				Buffers: []driver.Range{{Buffer: a, Offset: 1024, Size: 256}, {Buffer: a, Offset: 512, Size: 256}},
				Params:  []uint32{64, 1, 2000},
				Groups:  [3]int{1, 1, 1},
			},
			driver.Download{From: driver.Whole(a), Data: driver.Bytes(out)},
		)
		mustRun(t, d, l)
		for i, v := range out {
			want := uint32(i)
			switch i / 64 {
			case 1:
				want = uint32(i+192) + 1000
			case 2:
				want = uint32(i+128) + 2000
			}
			if v != want {
				t.Fatalf("a[%d] = %d, want %d", i, v, want)
			}
		}
	})
}

// TestWrite fills part of a buffer of each use.
func TestWrite(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		for _, use := range []driver.Use{driver.Local, driver.Host} {
			const n = 5 << 20
			data, back := count(n), make([]uint32, n+2)
			b, err := d.NewBuffer("b", 4*(n+2), use)
			if err != nil {
				t.Fatal(err)
			}
			l := &driver.List{Label: "back"}
			l.Add(driver.Download{From: driver.Whole(b), Data: driver.Bytes(back)})
			if err := errors.Join(b.Write(8, driver.Bytes(data)), b.Write(0, driver.Bytes([]uint32{1, 2})), b.Write(8, nil)); err != nil {
				t.Fatal(err)
			}
			mustRun(t, d, l)
			if back[0] != 1 || back[1] != 2 || !slices.Equal(data, back[2:]) {
				t.Errorf("use %d: not what was written", use)
			}
		}
	})
}

// TestLoad refuses what the device cannot run, and tells what is wrong with a
// source.
func TestLoad(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		wrong := func(change func(k *shaders.Kernel)) *shaders.Kernel {
			k := *step
			change(&k)
			return &k
		}
		for _, test := range []struct {
			kernel *shaders.Kernel
			want   string
		}{
			{wrong(func(k *shaders.Kernel) { k.Dot = true }), "no integer dot product"},
			{step.With(shaders.Constant{Name: "GROUP", Value: 1 << 20}), "work groups of 1048576"},
			{wrong(func(k *shaders.Kernel) { k.Bindings = make([]shaders.Binding, 99) }), "99 bindings"},
			{wrong(func(k *shaders.Kernel) { k.Params = 99 }), "99 parameters"},
			{wrong(func(k *shaders.Kernel) { k.Source += "void twice(" }), "glLinkProgram: failed"},
		} {
			err := d.Load(step, test.kernel)
			if !errors.Is(err, compute.ErrUnavailable) || !strings.Contains(err.Error(), "kernel step: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		}
		mustRun(t, d, chain(t, d, 1)) // works on
	})
}
