package bench

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"bitnet-gpu/engine"
	"bitnet-gpu/weights"
	"bitnet-gpu/weights/synthetic"
)

func TestName(t *testing.T) {
	for want, test := range map[string]Test{
		"pp512":              {Prompt: 512},
		"tg128":              {Gen: 128},
		"pp512+tg128":        {Prompt: 512, Gen: 128},
		"tg1 @ d4096":        {Gen: 1, Depth: 4096},
		"pp8+tg4 @ d16":      {Prompt: 8, Gen: 4, Depth: 16},
		"pp1048576 @ d32768": {Prompt: 1 << 20, Depth: 1 << 15},
	} {
		if got := test.Name(); got != want {
			t.Errorf("%+v is %q, expected %q", test, got, want)
		}
	}
}

// small writes a small synthetic model and returns a plan for the CPU.
func small(t *testing.T) Plan {
	t.Helper()
	shape := synthetic.Shape{
		Name: "small", Hidden: 256, FFN: 512, Blocks: 2, Heads: 4, KVHeads: 2, HeadDim: 64,
		Vocab: 1000, Context: 64, Embd: weights.F16, Tied: true,
	}
	path := filepath.Join(t.TempDir(), "small.gguf")
	if err := synthetic.New(shape, 1).WriteGGUF(path, weights.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	return Plan{
		Path: path, Engine: engine.Options{Backend: "cpu"},
		Tests:   []Test{{Prompt: 7}, {Gen: 3}, {Prompt: 4, Gen: 2, Depth: 9}},
		Threads: []int{1}, Batches: []int{0}, Repeats: 2, Powercap: t.TempDir(),
	}
}

func run(t *testing.T, p Plan) (results []*Result) {
	t.Helper()
	err := Run(context.Background(), p, func(r *Result) error { results = append(results, r); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// TestRun measures a small file and looks at what is told of each test.
func TestRun(t *testing.T) {
	p := small(t)
	p.Batches = []int{0, 4}
	last := 0
	p.Progress = func(done, total int, doing string) {
		if done < last || done > total || doing == "" {
			t.Fatalf("progress %d of %d after %d, %q", done, total, last, doing)
		}
		last = done
		if done == total {
			last = -1
		}
	}
	results := run(t, p)
	if last != -1 {
		t.Error("the progress did not come to its end")
	}
	if len(results) != 6 {
		t.Fatalf("%d results of 3 tests with 2 batches", len(results))
	}
	for i, r := range results {
		if r.Test != p.Tests[i%3] || r.Head != HeadStored || r.Info.Threads != 1 || len(r.Samples) != 2 {
			t.Errorf("result %d: %+v", i, r)
		}
		if i >= 3 && r.Info.Batch != 4 {
			t.Errorf("result %d: batch %d", i, r.Info.Batch)
		}
		for _, rate := range r.Rates() {
			if !(rate > 0) || math.IsInf(rate, 0) {
				t.Errorf("result %d: %g tokens/s", i, rate)
			}
		}
		if l := r.Load; l.Open <= 0 || l.FirstToken <= l.Open || l.NextToken <= 0 || runtime.GOOS == "linux" && (l.PeakError != nil || l.Peak < 1<<20) {
			t.Errorf("result %d: %+v", i, l)
		}
		if r.Limits.Read <= 0 || r.Energy.Reason == nil || r.Energy.Joules != 0 {
			t.Errorf("result %d: %+v, %+v", i, r.Limits, r.Energy)
		}
		if read, products := r.ReadShare() > 0, r.ProductShare() > 0; read != (i%3 == 1) || products && i%3 != 0 {
			t.Errorf("result %d, %s: shares %g and %g", i, r.Name(), r.ReadShare(), r.ProductShare())
		}
	}
	// 2 blocks of 256*256*3 + 3*256*512 ternary weights, norms, and 1000 rows.
	const ternary, norms = 2 * (3*256*256 + 3*256*512), 2*(3*256+512) + 256
	m := results[0].Model
	if m.Products != ternary || m.Params != ternary+norms+1000*256 || m.Size < ternary/4+2*256000 || m.CacheBytes != 4*2*2*64 {
		t.Errorf("%+v", m)
	}
	// Decoding reads the matrices, the screen of 1,024 padded rows, and on average
	// two positions.
	if got, want := results[1].TokenBytes(), matrixBytes(results[1].Info.Path)+1024*(256/2+16)+2*m.CacheBytes; got != want {
		t.Errorf("%d bytes a token, expected %d", got, want)
	}
	if got := results[0].TokenBytes(); got != 0 {
		t.Errorf("%d bytes a token of a prompt", got)
	}
}

// matrixBytes is what the two blocks of small take: two bits a weight, or with
// trits four bytes for 20.
func matrixBytes(path string) int64 {
	row := func(cols int64) int64 {
		if path == "avx512vbmi" || path == "amx" {
			return (cols + 19) / 20 * 4
		}
		return cols / 4
	}
	return 2 * ((3*256+2*512)*row(256) + 256*row(512))
}

// TestHeads decodes with both kinds of head, and feeds prompts with one.
func TestHeads(t *testing.T) {
	p := small(t)
	p.Synthetic = true
	var got []string
	for _, r := range run(t, p) {
		got = append(got, r.Head+" "+r.Name())
		if r.Model.Path != "" {
			t.Errorf("the file is told: %s", r.Model.Path)
		}
	}
	want := []string{"random pp7", "random tg3", "random pp4+tg2 @ d9", "planted tg3", "planted pp4+tg2 @ d9"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, expected %q", got, want)
	}
	p.Tests = p.Tests[:1]
	if results := run(t, p); len(results) != 1 {
		t.Errorf("%d results of a prompt", len(results))
	}
}

// TestWholeHead: without a screen a token reads all rows.
func TestWholeHead(t *testing.T) {
	t.Setenv("BITNET_HEAD", "full")
	p := small(t)
	p.Tests = p.Tests[1:2]
	r := run(t, p)[0]
	if got, want := r.Load.TokenBytes, matrixBytes(r.Info.Path)+2*256000; got != want {
		t.Errorf("%d bytes a token, expected %d", got, want)
	}
}

func TestRunErrors(t *testing.T) {
	discard := func(*Result) error { return nil }
	p := small(t)
	p.Threads = []int{1 << 20}
	if err := Run(context.Background(), p, discard); !errors.Is(err, engine.ErrUsage) {
		t.Errorf("a million threads: %v", err)
	}
	p.Threads, p.Path = []int{1}, filepath.Join(t.TempDir(), "none.gguf")
	if err := Run(context.Background(), p, discard); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	p = small(t)
	stop := errors.New("stop")
	if err := Run(context.Background(), p, func(*Result) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("a writer that fails: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.Progress = func(done, _ int, doing string) {
		if doing == "tg3" {
			cancel()
		}
	}
	n := 0
	if err := Run(ctx, p, func(*Result) error { n++; return nil }); !errors.Is(err, context.Canceled) || n != 1 {
		t.Errorf("cancelled in the second test: %d results, %v", n, err)
	}
}

// TestForced: tokens belong to positions, whatever the length.
func TestForced(t *testing.T) {
	long := forced(500, 300)
	if !slices.Equal(long[:20], forced(20, 300)) {
		t.Error("a longer sequence begins otherwise")
	}
	seen := map[int32]bool{}
	for _, token := range long {
		if token < 0 || token >= 300 {
			t.Fatalf("token %d", token)
		}
		seen[token] = true
	}
	if len(seen) < 200 { // 243 expected
		t.Errorf("only %d tokens of 300", len(seen))
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		x    []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{5, 1}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := Median(c.x); got != c.want {
			t.Errorf("%v: %g, expected %g", c.x, got, c.want)
		}
	}
	got := medianLimits([]Limits{{1, 30}, {2, 10}, {9, 20}})
	if want := (Limits{2, 20}); got != want {
		t.Errorf("limits %v, expected %v", got, want)
	}
}

// TestSumLines: every line is read once, with any number of streams.
func TestSumLines(t *testing.T) {
	data := make([]byte, 64*lineBytes)
	for i := range 64 {
		data[i*lineBytes] = byte(i)
	}
	for _, streams := range []int{1, 4, 16} {
		if got := sumLines(data, streams); got != 63*64/2 {
			t.Errorf("%d streams: %d", streams, got)
		}
	}
}

// TestEnergy runs beside counters that move, and measures some of it.
func TestEnergy(t *testing.T) {
	root := powercap(t, map[string]string{"intel-rapl:0": "package-0", "intel-rapl:0:0": "dram"})
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for uj := 0; ; uj += 20000 {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				count(t, root, "intel-rapl:0", uj)
				count(t, root, "intel-rapl:0:0", uj/2)
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	p := small(t)
	p.Powercap, p.Repeats = root, 20
	p.Tests = []Test{{Prompt: 30, Gen: 30}}
	r := run(t, p)[0]
	if e := r.Energy; e.Reason != nil || !(e.Joules > 0) || !(e.Idle > 0) || !(e.Net < e.Joules) {
		t.Errorf("%+v", e)
	}
}
