package driver

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"bitnet-gpu/shaders"
)

// fake is a buffer without a device.
type fake struct {
	label string
	size  int
}

func (f *fake) Label() string           { return f.label }
func (f *fake) Size() int               { return f.size }
func (f *fake) Write(int, []byte) error { return nil }
func (f *fake) Release()                {}

var (
	h, q, w, out = &fake{"h", 1024}, &fake{"q", 1024}, &fake{"w", 1 << 30}, &fake{"out", 1024}

	norm = &shaders.Kernel{
		Name:     "norm",
		Bindings: []shaders.Binding{{Name: "h", Access: shaders.Read}, {Name: "q", Access: shaders.Write}},
		Consts:   []shaders.Constant{{Name: "GROUP", Value: 64}},
	}
	product = &shaders.Kernel{
		Name:     "product",
		Bindings: []shaders.Binding{{Name: "w", Access: shaders.Read}, {Name: "q", Access: shaders.Read}, {Name: "out", Access: shaders.Read | shaders.Write}},
		Params:   2,
		Consts:   []shaders.Constant{{Name: "GROUP", Value: 64}},
	}
)

func layer() *List {
	l := &List{Label: "layer"}
	part := func(from int) Range { return Range{w, from << 20, 1 << 20} }
	l.Add(
		Upload{Whole(h), make([]byte, 1024)},
		Dispatch{Kernel: norm, Buffers: []Range{Whole(h), Whole(q)}, Groups: [3]int{1, 1, 1}},
		Dispatch{Kernel: product, Buffers: []Range{part(0), Whole(q), {out, 0, 512}}, Params: []uint32{1, 2}, Groups: [3]int{8, 1, 1}},
		Dispatch{Kernel: product, Buffers: []Range{part(1), Whole(q), {out, 512, 512}}, Params: []uint32{1, 3}, Indirect: Range{h, 0, 12}},
		Dispatch{Kernel: norm, Buffers: []Range{Whole(out), Whole(h)}, Groups: [3]int{1, 1, 1}},
		Download{Whole(h), make([]byte, 1024)},
	)
	return l
}

func TestString(t *testing.T) {
	const want = `list layer
   0 upload h (1024 bytes)
     -- barrier transfer > compute
   1 norm h<h q>q groups 1x1x1
     -- barrier compute > compute
   2 product w<w[0:1048576] q<q out<>out[0:512] groups 8x1x1 params [1 2]
     -- barrier transfer > indirect
   3 product w<w[1048576:2097152] q<q out<>out[512:1024] groups h[0:12] params [1 3]
     -- barrier compute+indirect > compute
   4 norm h<out q>h groups 1x1x1
     -- barrier compute > transfer
   5 download h (1024 bytes)
`
	if got := layer().String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestCount(t *testing.T) {
	n := layer().Count()
	if n.Dispatches != 4 || n.Barriers != 5 || n.Uploaded != 1024 || n.Downloaded != 1024 ||
		n.Read["w"] != 2<<20 || n.Read["q"] != 2048 || n.Read["h"] != 1024 || n.Read["out"] != 2048 {
		t.Errorf("%+v", n)
	}
}

// TestBarriers makes random lists and looks at all pairs of commands that touch
// the same bytes, one of them writing: a barrier of their stages must stand
// between them, and none may be left out.
func TestBarriers(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		l := randomList(rng)
		barriers := l.Barriers()
		if a, b, ok := unordered(l, barriers); !ok {
			t.Fatalf("commands %d and %d are not ordered:\n%s", a, b, l)
		}
		for i, b := range barriers {
			if b == (Barrier{}) {
				continue
			}
			barriers[i] = Barrier{}
			if _, _, ok := unordered(l, barriers); ok {
				t.Fatalf("the barrier before command %d is not needed:\n%s", i, l)
			}
			barriers[i] = b
		}
	}
}

func randomList(rng *rand.Rand) *List {
	buffers := []*fake{{"a", 64}, {"b", 64}, {"c", 64}}
	some := func(size int) Range {
		return Range{buffers[rng.IntN(len(buffers))], 4 * rng.IntN((64-size)/4+1), size}
	}
	l := &List{Label: "random"}
	for range 2 + rng.IntN(12) {
		switch n := 4 * (1 + rng.IntN(8)); rng.IntN(5) {
		case 0:
			l.Add(Upload{some(n), make([]byte, n)})
		case 1:
			l.Add(Download{some(n), make([]byte, n)})
		default:
			k := &shaders.Kernel{Name: "k", Consts: norm.Consts}
			d := Dispatch{Kernel: k, Groups: [3]int{1, 1, 1}}
			for range 1 + rng.IntN(3) {
				k.Bindings = append(k.Bindings, shaders.Binding{Name: "x", Access: shaders.Access(1 + rng.IntN(3))})
				d.Buffers = append(d.Buffers, some(n))
			}
			if rng.IntN(4) == 0 {
				d.Indirect = some(12)
			}
			l.Add(d)
		}
	}
	return l
}

// unordered finds two commands of which the later has to wait for the earlier
// and does not.
func unordered(l *List, barriers []Barrier) (a, b int, ok bool) {
	touches := make([][]touch, len(l.Commands))
	for i, c := range l.Commands {
		c.accesses(func(r Range, s Stage, x shaders.Access) {
			touches[i] = append(touches[i], touch{r: r, stage: s, access: x})
		})
	}
	for b := range touches {
		for a := range b {
			for _, x := range touches[a] {
				for _, y := range touches[b] {
					writes := x.access&shaders.Write != 0 || y.access&shaders.Write != 0
					meet := x.r.Buffer == y.r.Buffer && max(x.r.Offset, y.r.Offset) < min(x.r.Offset+x.r.Size, y.r.Offset+y.r.Size)
					if writes && meet && reach(x.stage, barriers[a+1:b+1])&y.stage == 0 {
						return a, b, false
					}
				}
			}
		}
	}
	return 0, 0, true
}

// reach returns the stages that a chain of barriers orders behind one.
func reach(from Stage, barriers []Barrier) (to Stage) {
	for _, b := range barriers {
		if (from|to)&b.From != 0 {
			to |= b.To
		}
	}
	return to
}

func TestCheck(t *testing.T) {
	if err := layer().Check(Least); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		want   string
		change func(l *List)
	}{
		{"command 0: upload: 4 bytes for a range of 1024", func(l *List) { l.Commands[0] = Upload{Whole(h), make([]byte, 4)} }},
		{"upload: no buffer", func(l *List) { l.Commands[0] = Upload{} }},
		{"download: bytes [1000:1100] of buffer h, which has 1024", func(l *List) { l.Commands[5] = Download{Range{h, 1000, 100}, make([]byte, 100)} }},
		{"offset 2 must be a multiple of 4", func(l *List) { l.Commands[5] = Download{Range{h, 2, 4}, make([]byte, 4)} }},
		{"size 5 of 4", func(l *List) { l.Commands[5] = Download{Range{h, 0, 5}, make([]byte, 5)} }},
		{"bytes [-4:0] of buffer h", func(l *List) { l.Commands[5] = Download{Range{h, -4, 4}, make([]byte, 4)} }},
		{"command 1: dispatch without a kernel", func(l *List) { l.Commands[1] = Dispatch{} }},
		{"norm: 1 buffers for 2 bindings", dispatch(1, func(d *Dispatch) { d.Buffers = d.Buffers[:1] })},
		{"norm: 0 groups in dimension 1, not 1 to 65535", dispatch(1, func(d *Dispatch) { d.Groups[1] = 0 })},
		{"norm: 65536 groups in dimension 0", dispatch(1, func(d *Dispatch) { d.Groups[0] = 65536 })},
		{"norm: work groups of 256, the device has 128", dispatch(1, func(d *Dispatch) { d.Kernel = d.Kernel.With(shaders.Constant{Name: "GROUP", Value: 256}) })},
		{"norm: binding q: buffer q: offset 128 must be a multiple of 256", dispatch(1, func(d *Dispatch) { d.Buffers[1] = Range{q, 128, 4} })},
		{"product: bindings q and out overlap in q and q[512:516]", dispatch(2, func(d *Dispatch) { d.Buffers[2] = Range{q, 512, 4} })},
		{"product: 1 parameters for 2", dispatch(2, func(d *Dispatch) { d.Params = d.Params[:1] })},
		{"product: binding w: 134217732 bytes, the device binds at most 134217728", dispatch(2, func(d *Dispatch) { d.Buffers[0] = Range{w, 0, 128<<20 + 4} })},
		{"product: group counts: 16 bytes, not 12", dispatch(3, func(d *Dispatch) { d.Indirect.Size = 16 })},
		{"product: group counts: bytes [1020:1032]", dispatch(3, func(d *Dispatch) { d.Indirect.Offset = 1020 })},
	}
	for _, test := range tests {
		l := layer()
		test.change(l)
		if err := l.Check(Least); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v, want %q", err, test.want)
		}
	}
}

func dispatch(i int, change func(*Dispatch)) func(*List) {
	return func(l *List) {
		d := l.Commands[i].(Dispatch)
		change(&d)
		l.Commands[i] = d
	}
}

func TestBytes(t *testing.T) {
	if got := Bytes([]uint32{1, 0x04030201}); !slices.Equal(got, []byte{1, 0, 0, 0, 1, 2, 3, 4}) {
		t.Error(got)
	}
	if got := Bytes([]float32(nil)); len(got) != 0 {
		t.Error(got)
	}
}
