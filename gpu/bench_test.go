package gpu

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"
	"bitnet-gpu/gpu/vulkan"
	"bitnet-gpu/shaders"
	"bitnet-gpu/test/tiny"
)

// BenchmarkToken decodes a token with a model of the widths of the 2B4T, of two
// layers or as many as BITNET_BENCH_BLOCKS says, and prints where its time goes:
// each kernel and shape with the bytes that it reads, beside what the device
// reads at best. It is chosen from whole rows of logits, or greedily by the device.
func BenchmarkToken(b *testing.B) {
	blocks, _ := strconv.Atoi(os.Getenv("BITNET_BENCH_BLOCKS"))
	m := tiny.Big(max(blocks, 2))
	dev, err := vulkan.Open(vulkan.Options{Software: true})
	if err != nil {
		b.Skip(err)
	}
	g, err := New(dev, m, compute.Options{Slots: 1, Context: 1024})
	if err != nil {
		b.Fatal(err)
	}
	defer g.Close()
	be := g.(*backend)
	const pos = 500
	for name, c := range map[string]struct {
		step  compute.Step
		shape shape
	}{
		"logits": {compute.Step{Logits: make([]float32, m.VocabSize)}, shape{tokens: 1, rows: 1}},
		"greedy": {compute.Step{Next: make([]int32, 1)}, shape{tokens: 1, rows: 1, chain: 1}},
	} {
		b.Run(name, func(b *testing.B) {
			c.step.Pos, c.step.Tokens = pos, []int32{1}
			for b.Loop() {
				if err := g.Forward([]compute.Step{c.step}); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
			report(b, be, c.shape, pos)
		})
	}
}

// BenchmarkPrompt feeds 128 tokens to the same model.
func BenchmarkPrompt(b *testing.B) {
	dev, err := vulkan.Open(vulkan.Options{Software: true})
	if err != nil {
		b.Skip(err)
	}
	g, err := New(dev, tiny.Big(2), compute.Options{Slots: 1, Context: 1024})
	if err != nil {
		b.Fatal(err)
	}
	defer g.Close()
	step := compute.Step{Tokens: ids(128)}
	for b.Loop() {
		if err := g.Forward([]compute.Step{step}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(step.Tokens))/b.Elapsed().Seconds(), "tokens/s")
}

// report times the commands of the list of one token.
func report(b *testing.B, be *backend, s shape, pos int) {
	best := readRate(b, be.dev)
	l := be.list(s)
	times, err := be.dev.Time(&l.List)
	if err != nil || times == nil {
		b.Fatal("no times: ", err)
	}
	type line struct {
		name        string
		n           int
		bytes, time float64
	}
	var lines []line
	total := 0
	for i, c := range l.Commands {
		d, ok := c.(driver.Dispatch)
		if !ok {
			continue
		}
		n := reads(l, &d, pos)
		total += n
		name := fmt.Sprintf("%s, %d KB", d.Kernel.Name, n>>10)
		at := slices.IndexFunc(lines, func(l line) bool { return l.name == name })
		if at < 0 {
			at = len(lines)
			lines = append(lines, line{name: name})
		}
		lines[at].n++
		lines[at].bytes += float64(n)
		lines[at].time += times[i].Seconds()
	}
	info := be.dev.Info()
	fmt.Printf("\n%s, %s, variant %s, reads %.1f GB/s at best\n", info.Device, info.Driver, be.variant, best/1e9)
	for _, l := range lines {
		fmt.Printf("%-24s %4d times %10.1f us each %8.2f GB/s %5.1f %%\n",
			l.name, l.n, 1e6*l.time/float64(l.n), l.bytes/l.time/1e9, 100*l.bytes/l.time/best)
	}
	c, must := l.Count(), least(l, pos)
	fmt.Printf("a token: %d dispatches, %d barriers, %d layers; reads %.2f MB, which is %.3f times weights, cache and head\n\n",
		c.Dispatches, c.Barriers, be.model.Blocks, float64(total)/1e6, float64(total)/float64(must))
}

// reads returns the bytes that a dispatch reads from memory once: of the
// embedding and the table of rotations a row, of the cache what is filled, of the
// head nothing where a screen left few of its rows.
func reads(l *list, d *driver.Dispatch, pos int) int {
	m, n := l.model, 0
	for i, r := range d.Buffers {
		switch name := d.Kernel.Bindings[i].Name; {
		case d.Kernel.Bindings[i].Access&shaders.Read == 0:
		case name == "head" && d.Kernel == l.kernels.rescore:
		case name == "table" && strings.HasPrefix(d.Kernel.Name, "embed"):
			n += rowBytes(&m.TokenEmbd)
		case name == "table":
			n += 4 * m.HeadDim
		case name == "cache":
			n += 2 * 2 * (pos + 1) * m.KVHeads * m.HeadDim
		case name == "qkv":
			n += 4 * (m.Heads + 2*m.KVHeads) * m.HeadDim
		default:
			n += r.Size
		}
	}
	return n
}

// least returns the bytes that a token cannot do without: the packed weights,
// the filled cache, the head or its screen.
func least(l *list, pos int) int {
	m := l.model
	n := m.VocabSize * rowBytes(&m.Output)
	if l.screened() {
		n = m.VocabSize * m.Hidden / 2
	}
	for i := range m.Layers {
		for _, t := range m.Layers[i].Tensors() {
			n += t.Rows * t.Cols / 4
		}
		n += 2 * 2 * (pos + 1) * m.KVHeads * m.HeadDim
	}
	return n
}

// readRate returns how many bytes a second a device reads at best.
func readRate(b *testing.B, dev driver.Device) float64 {
	k := shaders.ReadBuffer
	if err := dev.Load(k); err != nil {
		b.Fatal(err)
	}
	const size = 64 << 20
	in, err := dev.NewBuffer("words", size, driver.Local)
	if err != nil {
		b.Fatal(err)
	}
	defer in.Release()
	out, err := dev.NewBuffer("out", 256, driver.Local)
	if err != nil {
		b.Fatal(err)
	}
	defer out.Release()
	l := &driver.List{Label: "read"}
	l.Add(driver.Dispatch{
		Kernel: k, Buffers: []driver.Range{driver.Whole(in), driver.Whole(out)},
		Params: params(size / 16), Groups: [3]int{size / 16 / 64 / 16, 1, 1},
	})
	defer dev.Forget(l)
	var best time.Duration
	for range 5 {
		times, err := dev.Time(l)
		if err != nil || times == nil {
			b.Fatal("no times: ", err)
		}
		if best == 0 || times[0] < best {
			best = times[0]
		}
	}
	return size / best.Seconds()
}
