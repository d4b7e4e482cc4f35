package gpu

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"bitnet-gpu/cpu/kernel"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"
	"bitnet-gpu/shaders"
)

// device runs lists in Go: every kernel again, by cpu/kernel. It shows that the
// lists are right, on machines without a GPU; that the shaders are is shown by
// the same tests on a real device. It checks every list, fills new buffers with
// rubbish, and fails where a test asks for it.
type device struct {
	t       *testing.T
	limits  driver.Limits
	kernels map[*shaders.Kernel]bool
	checked map[*driver.List]bool
	used    int64 // bytes of buffers
	closed  bool
	free    int64
	wrong   string // name of a kernel that computes nothing
	opened  int    // rows of the head that were computed for candidates

	allocations, runs int
	noMemory          int // the allocation that fails, from 1
	lost              int // the run that fails, from 1
}

func newDevice(t *testing.T) *device {
	return &device{t: t, limits: limits, kernels: map[*shaders.Kernel]bool{}, checked: map[*driver.List]bool{}}
}

func (d *device) Info() driver.Info {
	return driver.Info{API: "Go", Device: "test device", Dot: true, Free: d.free, Limits: d.limits}
}

// limits are the least, but with bindings so small that heads have many parts.
var limits = func() driver.Limits {
	l := driver.Least
	l.Range = 3 << 20
	return l
}()

// fusedLimits are those of a device that takes the fused kernels.
var fusedLimits = func() driver.Limits {
	l := limits
	l.Bindings = 8
	return l
}()

func (d *device) Load(kernels ...*shaders.Kernel) error {
	for _, k := range kernels {
		d.kernels[k] = true
	}
	return nil
}

func (d *device) NewBuffer(label string, size int, use driver.Use) (driver.Buffer, error) {
	d.allocations++
	if d.allocations == d.noMemory {
		return nil, compute.ErrMemory
	}
	if size <= 0 || size%4 != 0 {
		d.t.Fatalf("buffer %s of %d bytes", label, size)
	}
	b := &buffer{label: label, words: make([]uint32, size/4)}
	for i := range b.words {
		b.words[i] = 0xFFC0FFEE // a NaN
	}
	return b, nil
}

func (d *device) Forget(l *driver.List) { delete(d.checked, l) }

func (d *device) Close() error {
	d.closed = true
	return nil
}

func (d *device) Run(l *driver.List) error {
	d.runs++
	if d.runs == d.lost {
		return compute.ErrLost
	}
	if !d.checked[l] {
		if err := l.Check(d.limits); err != nil {
			d.t.Fatal(err)
		}
		d.checked[l] = true
	}
	for _, c := range l.Commands {
		switch c := c.(type) {
		case driver.Upload:
			copy(driver.Bytes(words(c.To)), c.Data)
		case driver.Download:
			copy(c.Data, driver.Bytes(words(c.From)))
		case driver.Dispatch:
			d.dispatch(&c)
		}
	}
	return nil
}

type buffer struct {
	label string
	words []uint32
}

func (b *buffer) Label() string { return b.label }
func (b *buffer) Size() int     { return 4 * len(b.words) }
func (b *buffer) Release()      { b.words = nil }

func (b *buffer) Write(offset int, data []byte) error {
	copy(driver.Bytes(b.words)[offset:], data)
	return nil
}

func words(r driver.Range) []uint32 {
	return r.Buffer.(*buffer).words[r.Offset/4:][:r.Size/4]
}

// floats views words as numbers.
func floats(w []uint32) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(w))), len(w))
}

func (d *device) dispatch(c *driver.Dispatch) {
	if !d.kernels[c.Kernel] {
		d.t.Fatalf("kernel %s is not loaded", c.Kernel.Name)
	}
	if c.Kernel.Name == d.wrong {
		return
	}
	buf := make([][]uint32, len(c.Buffers))
	for i, r := range c.Buffers {
		buf[i] = words(r)
	}
	p := make([]int, len(c.Params))
	for i, v := range c.Params {
		p[i] = int(v)
	}
	name, _, _ := strings.Cut(strings.Replace(c.Kernel.Name, "screen_", "screen", 1), "_")
	call := map[string]func(*driver.Dispatch, [][]uint32, []int){
		"embed": embed, "norm": norm, "ternary": product, "activate": activate, "rope": rope, "attention": attention, "qkv": qkv, "gate": gate, "add": add, "head": head, "probe": probe, "best": best, "pick": pick, "top": topKernel, "screeninput": screenInput, "screen": screenKernel, "bound": bound, "rescore": rescore,
	}[name]
	call(c, buf, p)
	switch name {
	case "head":
		d.opened += p[0] * p[4]
	case "rescore":
		for t := range c.Groups[1] {
			for _, logit := range floats(buf[2])[t*p[2]+p[1]:][:p[0]] {
				if logit != -math.MaxFloat32 {
					d.opened++
				}
			}
		}
	}
}

func real32(bits uint32) float32 { return math.Float32frombits(bits) }

// element returns element i of words of a TYPE.
func element(k *shaders.Kernel, w []uint32, i int) float32 {
	switch {
	case strings.HasSuffix(k.Name, "_bf16"):
		return real32(w[i/2] >> (16 * (i % 2)) << 16)
	case strings.HasSuffix(k.Name, "_f16"):
		return kernel.FromHalf(uint16(w[i/2] >> (16 * (i % 2))))
	}
	return real32(w[i])
}

func probe(c *driver.Dispatch, buf [][]uint32, p []int) {
	var x [4]uint32
	for i := range p[0] {
		copy(x[:], buf[0][4*i:])
		answers := expected(x)
		copy(buf[1][12*i:], answers[:])
	}
}

func embed(c *driver.Dispatch, buf [][]uint32, p []int) {
	cols, first, rows := p[0], p[1], p[2]
	for t := range c.Groups[0] {
		row := int(buf[1][4+4*t]) - first
		if row < 0 || row >= rows {
			continue
		}
		for i := range cols {
			floats(buf[2])[t*cols+i] = kernel.FZ(element(c.Kernel, buf[0], row*cols+i))
		}
	}
}

func norm(c *driver.Dispatch, buf [][]uint32, p []int) {
	path := kernel.Paths()[len(kernel.Paths())-1]
	n, steps := p[0], p[3]
	for t := range c.Groups[0] {
		token := t
		if c.Kernel == shaders.OutputNorm {
			token = int(buf[3][4+4*t+3])
		}
		h, y, sums := floats(buf[0])[token*n:][:n], make([]float32, n), make([]float32, n/16)
		top := path.MulMax(y, h, floats(buf[1]))
		path.BlockSquares(sums, h)
		ss := kernel.Halving(sums)
		r := kernel.Rsqrt(float32(ss*real32(c.Params[1])) + real32(c.Params[2]))
		if p[1] == 0 { // no norm
			r, ss = 1, 0
		}
		if top >= 0x71800000 || math.Float32bits(ss) >= 0x71800000 {
			buf[3][0] |= 1
			top, r = 0, 0
		}
		if c.Kernel == shaders.OutputNorm {
			for i := range y {
				floats(buf[2])[t*n+i] = kernel.FZ(y[i] * r)
			}
			continue
		}
		out := buf[2][t*(4+16*steps):][:4+16*steps]
		clear(out)
		if top != 0 {
			codes := make([]int8, n)
			a := real32(top)
			out[0] = uint32(path.Quantise(codes, y, 127*kernel.Recip(a)))
			out[1] = math.Float32bits(float32(a*r) * (1. / 127))
			for i, q := range codes {
				out[4+i/4] |= uint32(uint8(q)) << (8 * (i % 4))
			}
		}
	}
}

func product(c *driver.Dispatch, buf [][]uint32, p []int) {
	rows, steps, tokens, scale, add := p[0], p[1], p[2], real32(c.Params[3]), p[4] == 1
	for t := range tokens {
		in := buf[1][t*(4+16*steps):][:4+16*steps]
		s := kernel.FZ(real32(in[1]) * scale)
		x := make([]int32, 64*steps)
		for i := range x {
			x[i] = int32(int8(in[4+i/4] >> (8 * (i % 4))))
		}
		for r := range rows {
			acc := -int32(in[0])
			for step := range steps {
				for i, w := range buf[0][(r/8*steps+step)*32+r%8*4:][:4] {
					x := x[64*step+16*i:][:16]
					for f := 0; f < 16; f += 4 {
						acc += int32(w&3)*x[f] + int32(w>>8&3)*x[f+1] + int32(w>>16&3)*x[f+2] + int32(w>>24&3)*x[f+3]
						w >>= 2
					}
				}
			}
			out := &floats(buf[2])[t*rows+r]
			x := float32(float32(acc) * s)
			if add {
				x = kernel.FZ(*out + x)
			}
			*out = x
		}
	}
}

// bitLinear norms the vector of a fused BitLinear, and returns a function that
// multiplies a matrix, at a tile of a buffer, with it.
func bitLinear(c *driver.Dispatch, buf [][]uint32, p []int) func(w []uint32, tile, rows int, scale uint32, out []uint32, add int) {
	codes := make([]uint32, 4+16*p[3])
	norm(&driver.Dispatch{Kernel: shaders.Norm, Groups: [3]int{1, 1, 1}, Params: c.Params}, [][]uint32{buf[0], buf[1], codes, buf[3]}, p)
	return func(w []uint32, tile, rows int, scale uint32, out []uint32, add int) {
		q := &driver.Dispatch{Params: []uint32{0, 0, 0, scale}}
		product(q, [][]uint32{w[tile*p[3]*32:], codes, out}, []int{rows, p[3], 1, 0, add})
	}
}

func qkv(c *driver.Dispatch, buf [][]uint32, p []int) {
	multiply := bitLinear(c, buf, p)
	multiply(buf[4], 0, p[4], c.Params[5], buf[2], 0)
	multiply(buf[4], p[7], p[6], c.Params[9], buf[2][p[8]:], 0)
	multiply(buf[4], p[10], p[6], c.Params[12], buf[2][p[11]:], 0)
}

func gate(c *driver.Dispatch, buf [][]uint32, p []int) {
	multiply := bitLinear(c, buf, p)
	up := make([]uint32, p[4])
	multiply(buf[4], 0, p[4], c.Params[5], buf[2], 0)
	multiply(buf[5], 0, p[4], c.Params[6], up, 0)
	activate(nil, [][]uint32{buf[2], up}, []int{p[4], p[7]})
}

func add(c *driver.Dispatch, buf [][]uint32, p []int) {
	bitLinear(c, buf, p)(buf[4], 0, p[4], c.Params[5], buf[2], 1)
}

func activate(c *driver.Dispatch, buf [][]uint32, p []int) {
	gate, up := floats(buf[0]), floats(buf[1])
	if p[1] == 1 {
		kernel.SiLU(gate[:p[0]], gate[:p[0]], up[:p[0]])
		return
	}
	kernel.Paths()[0].ReLU2(gate[:p[0]], gate[:p[0]], up[:p[0]])
}

func rope(c *driver.Dispatch, buf [][]uint32, p []int) {
	heads, kvHeads, dim, context, slots, k, v := p[0], p[1], p[2], p[3], p[4], p[5], p[6]
	table, half := floats(buf[1]), dim/2
	rotate := func(x []float32, pos int) {
		for i := range half {
			cos, sin, a, b := table[pos*half+i], table[(context+pos)*half+i], x[i], x[i+half]
			x[i] = kernel.FZ(float32(a*cos) - float32(b*sin))
			x[i+half] = kernel.FZ(float32(b*cos) + float32(a*sin))
		}
	}
	for t := range c.Groups[1] {
		slot, pos := int(buf[3][4+4*t+1]), int(buf[3][4+4*t+2])
		for j := range heads {
			rotate(floats(buf[0])[(t*heads+j)*dim:][:dim], pos)
		}
		for j := range kvHeads {
			key, value := floats(buf[0])[k+(t*kvHeads+j)*dim:][:dim], floats(buf[0])[v+(t*kvHeads+j)*dim:][:dim]
			rotate(key, pos)
			for part, x := range [][]float32{key, value} {
				to := buf[2][(((part*slots+slot)*kvHeads+j)*context+pos)*half:]
				for i := range half {
					lo, hi := uint32(kernel.ToHalf(x[2*i])), uint32(kernel.ToHalf(x[2*i+1]))
					if lo&0x7C00 == 0x7C00 || hi&0x7C00 == 0x7C00 {
						buf[3][0] |= 1
					}
					to[i] = lo | hi<<16
				}
			}
		}
	}
}

func attention(c *driver.Dispatch, buf [][]uint32, p []int) {
	heads, kvHeads, dim, context, slots, scale := p[0], p[1], p[2], p[3], p[4], real32(c.Params[5])
	if c.Kernel == shaders.AttentionOne {
		rope(&driver.Dispatch{Groups: [3]int{0, 1, 1}}, [][]uint32{buf[0], buf[4], buf[1], buf[3]}, append(p[:5:5], p[6], p[7]))
	}
	halves := unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(buf[1]))), 2*len(buf[1]))
	path := kernel.Paths()[len(kernel.Paths())-1]
	tokens := c.Groups[1]
	if c.Kernel == shaders.AttentionOne {
		tokens = 1 // and the chunks
	}
	for t := range tokens {
		slot, length := int(buf[3][4+4*t+1]), int(buf[3][4+4*t+2])+1
		for j := range heads {
			row := (slot*kvHeads + j/(heads/kvHeads)) * context
			out := floats(buf[2])[(t*heads+j)*dim:][:dim]
			var m, l float32
			for pos := 0; pos < length; pos += 64 {
				n := min(64, length-pos)
				s, o := make([]float32, n), make([]float32, dim)
				path.Scores(s, floats(buf[0])[(t*heads+j)*dim:][:dim], halves[(row+pos)*dim:][:n*dim], scale)
				top := s[0]
				for _, v := range s {
					top = max(top, v)
				}
				sum := path.Exps(s, top)
				path.WeightedSum(o, s, halves[(slots*kvHeads*context+row+pos)*dim:][:n*dim])
				if pos == 0 {
					m, l = top, sum
					copy(out, o)
					continue
				}
				both := max(m, top)
				a, b := kernel.Exp2(m-both), kernel.Exp2(top-both)
				for i := range o {
					out[i] = kernel.FZ(kernel.FZ(out[i]*a) + kernel.FZ(o[i]*b))
				}
				m, l = both, float32(l*a)+float32(sum*b)
			}
			inv := kernel.Recip(l)
			for i := range out {
				out[i] = kernel.FZ(out[i] * inv)
			}
		}
	}
}

// rank returns the bits of a float as a number above 0 in the order of the floats.
func rank(u uint32) uint32 {
	if u>>31 == 1 {
		return ^u
	}
	return u | 1<<31
}

func best(c *driver.Dispatch, buf [][]uint32, p []int) {
	vocab, each := p[0], p[1]
	for row := range c.Groups[1] {
		for g := range c.Groups[0] {
			top, id := uint32(0), 0
			for i := g * each; i < min((g+1)*each, vocab); i++ {
				u := buf[0][row*vocab+i]
				if u&0x7F800000 == 0x7F800000 {
					buf[2][0] |= 1
				}
				if u = rank(u); u > top {
					top, id = u, i
				}
			}
			copy(buf[1][2*(row*c.Groups[0]+g):], []uint32{top, uint32(id)})
		}
	}
}

func topKernel(c *driver.Dispatch, buf [][]uint32, p []int) {
	n, keep := p[0], p[1]
	for row := range c.Groups[1] {
		for g := range c.Groups[0] {
			var all [][2]uint32
			for i := 512 * g; i < min(512*(g+1), n); i++ {
				if p[2] == 1 {
					all = append(all, [2]uint32(buf[0][2*(row*n+i):]))
					continue
				}
				u := buf[0][row*n+i]
				if u&0x7F800000 == 0x7F800000 {
					buf[2][0] |= 1
				}
				all = append(all, [2]uint32{rank(u), uint32(i)})
			}
			slices.SortFunc(all, func(a, b [2]uint32) int {
				return cmp.Or(cmp.Compare(b[0], a[0]), cmp.Compare(a[1], b[1]))
			})
			for i := range keep {
				best := [2]uint32{0, 1<<32 - 1}
				if i < len(all) {
					best = all[i]
				}
				copy(buf[1][2*((row*c.Groups[0]+g)*keep+i):], best[:])
			}
		}
	}
}

func pick(c *driver.Dispatch, buf [][]uint32, p []int) {
	for row := range c.Groups[0] {
		top, id := uint32(0), uint32(0)
		for i := range p[0] {
			if b := buf[0][2*(row*p[0]+i):]; b[0] > top {
				top, id = b[0], b[1]
			}
		}
		copy(buf[1][2*(p[1]+row):], []uint32{id, buf[2][0]})
		buf[2][4+4*row] = id
		buf[2][4+4*row+2]++
	}
}

func head(c *driver.Dispatch, buf [][]uint32, p []int) {
	rows, first, vocab, cols, tokens := p[0], p[1], p[2], p[3], p[4]
	path := kernel.Paths()[len(kernel.Paths())-1]
	line := make([]float32, cols)
	for r := range rows {
		for i := range line {
			line[i] = element(c.Kernel, buf[0], r*cols+i)
		}
		for t := range tokens {
			floats(buf[2])[t*vocab+first+r] = path.DotF32(line, floats(buf[1])[t*cols:][:cols])
		}
	}
}

func screenInput(c *driver.Dispatch, buf [][]uint32, p []int) {
	n, dither := p[0], floats(buf[1])
	for t := range c.Groups[0] {
		sum, squares := 0.0, 0.0
		for i, v := range floats(buf[0])[t*n:][:n] {
			sum += float64(dither[i]) * float64(v)
			squares += float64(v) * float64(v)
		}
		copy(floats(buf[2])[2*t:], []float32{float32(sum), float32(math.Sqrt(squares))})
	}
}

func screenKernel(c *driver.Dispatch, buf [][]uint32, p []int) {
	rows, first, vocab, cols, tokens, band, slop := p[0], p[1], p[2], p[3], p[4], real32(c.Params[5]), real32(c.Params[6])
	stride := (cols + 31) / 32 * 4
	for t := range tokens {
		x, about := floats(buf[2])[t*cols:][:cols], floats(buf[3])[2*t:]
		for r := range rows {
			product := float32(0)
			for i, v := range x {
				byteOf := buf[0][r*stride+i/8] >> (8 * (i % 4))
				if i%8 >= 4 {
					byteOf >>= 4
				}
				product += float32(int8(byteOf<<4)>>4) * v
			}
			q := floats(buf[1])[2*(first+r):]
			estimate, wide := (product-about[0])*q[0], (q[0]*band+q[1]*slop)*about[1]
			floats(buf[4])[t*vocab+first+r], floats(buf[5])[t*vocab+first+r] = -math.MaxFloat32, math.MaxFloat32
			if least := estimate - wide; least >= -math.MaxFloat32 {
				floats(buf[4])[t*vocab+first+r] = least
			}
			if most := estimate + wide; most <= math.MaxFloat32 {
				floats(buf[5])[t*vocab+first+r] = most
			}
		}
	}
}

func bound(c *driver.Dispatch, buf [][]uint32, p []int) {
	n, k := p[0], p[1]
	for t := range c.Groups[0] {
		var ranks []uint32
		for i := range n {
			ranks = append(ranks, buf[0][2*(t*n+i)])
		}
		slices.Sort(ranks)
		buf[1][t] = 0
		if k <= n {
			buf[1][t] = ranks[n-k]
		}
	}
}

func rescore(c *driver.Dispatch, buf [][]uint32, p []int) {
	rows, first, vocab, cols := p[0], p[1], p[2], p[3]
	path := kernel.Paths()[len(kernel.Paths())-1]
	line := make([]float32, cols)
	for t := range c.Groups[1] {
		for r := range rows {
			logit := &floats(buf[2])[t*vocab+first+r]
			if rank(math.Float32bits(*logit)) < buf[3][t] {
				*logit = -math.MaxFloat32
				continue
			}
			for i := range line {
				line[i] = element(c.Kernel, buf[0], r*cols+i)
			}
			*logit = path.DotF32(line, floats(buf[1])[t*cols:][:cols])
		}
	}
}

func (d *device) Time(l *driver.List) ([]time.Duration, error) { return nil, d.Run(l) }
