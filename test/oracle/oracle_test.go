package oracle

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"bitnet-gpu/test/npy"
	"bitnet-gpu/weights"
	"bitnet-gpu/weights/ternary"
)

const golden = "../testdata/golden/"

// The golden logits were made by a separate float64 implementation and by the
// official engine, and rounded to float32: 3e-8 of that is rounding. With
// float16 keys and values another implementation's last bit now and then turns
// one of them. The official engine also rounds the weights of the softmax to
// float16, which at position 0 are 1, and is float32 elsewhere.
func TestGolden(t *testing.T) {
	m, err := weights.Open(golden + "tinyA-i2_s.gguf")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	text, err := os.ReadFile(golden + "tinyA.json")
	if err != nil {
		t.Fatal(err)
	}
	var meta struct{ Prompt []int32 }
	if err := json.Unmarshal(text, &meta); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file      string
		opt       Options
		positions int
		tolerance float64 // relative rms of a row
	}{
		{"tinyA.ref-f64.logits.npy", Options{}, 24, 7e-8},
		{"tinyA.ref-kv16.logits.npy", Options{KV16: true}, 24, 4e-6},
		{"tinyA.bitnet-one.logits.npy", Options{KV16: true}, 1, 3e-4},
	} {
		want, err := npy.Read(filepath.FromSlash(golden + c.file))
		if err != nil {
			t.Fatal(err)
		}
		if len(want) != len(meta.Prompt) || len(want[0]) != m.VocabSize {
			t.Fatalf("%s is [%d, %d], want [%d, %d]", c.file, len(want), len(want[0]), len(meta.Prompt), m.VocabSize)
		}
		got := Logits(m, meta.Prompt, c.opt)
		for pos := range c.positions {
			if d := distance(got[pos], want[pos]); !(d < c.tolerance) {
				t.Errorf("%s: position %d is %.2e away, want less than %.0e", c.file, pos, d, c.tolerance)
			}
		}
	}
}

// distance is the rms of got-want relative to that of want.
func distance(got, want []float64) float64 {
	diff := make([]float64, len(want))
	for i := range want {
		diff[i] = got[i] - want[i]
	}
	return math.Sqrt(dot(diff, diff) / dot(want, want))
}

func TestNorm(t *testing.T) {
	m := &weights.Model{Config: weights.Config{NormEps: 1e-5}}
	got := normed(m, [][]float64{{1, 2, 3, 4}}, []float32{1, 1, 1, 2})[0]
	close(t, "norm", got, []float64{0.3651481, 0.7302963, 1.0954444, 2 * 1.4605925})
}

func TestBitLinear(t *testing.T) {
	x := make([]float64, 16)
	copy(x, []float64{.1, -.2, .3, -.4, .5, -.6, .7, -.8})
	rows := [2][16]int{{1, 0, -1, 1, 0, -1, 1, 0}, {-1, -1, 1, 0, 1, 1, 0, 1}}
	data := make([]byte, ternary.I2S.Size(2, 16))
	for i := range 32 { // the first quarter of a block stands in the high bits
		data[i] = byte(rows[i/16][i%16]+1) << 6
	}
	w := weights.Ternary{Matrix: ternary.Matrix{Rows: 2, Cols: 16, Data: data}, Scale: 1.5}

	q := quantise([][]float64{x})
	for i, want := range []int{16, -32, 48, -64, 79, -95, 111, -127, 0} {
		if q[0].codes[i] != want {
			t.Errorf("code %d is %d, want %d", i, q[0].codes[i], want)
		}
	}
	close(t, "BitLinear", bitLinear(&w, q)[0], []float64{1.03937006, -0.74645674})
}

func TestQuantise(t *testing.T) {
	for _, c := range []struct {
		x    []float64
		want []int
	}{
		{[]float64{127, 0.5, 1.5, 2.5, -2.5}, []int{127, 0, 2, 2, -2}}, // ties to even
		{[]float64{1e-6, -5.1e-6, 0}, []int{13, -65, 0}},               // below the floor of 1e-5
		{[]float64{0, 0}, []int{0, 0}},
	} {
		got := quantise([][]float64{c.x})[0].codes
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%v gives %v, want %v", c.x, got, c.want)
				break
			}
		}
	}
}

func TestRope(t *testing.T) {
	m := &weights.Model{Config: weights.Config{HeadDim: 128, RopeBase: 500000}}
	x := make([]float64, 256) // two heads
	x[0], x[128+64+32] = 1, 1
	rope(m, x, 3)
	angle := 3 * 0.001414213562373095
	want := make([]float64, 256)
	want[0], want[64] = -0.98999250, 0.14112001
	want[128+32], want[128+64+32] = -math.Sin(angle), math.Cos(angle)
	close(t, "rope", x, want)
}

func TestAttention(t *testing.T) {
	m := &weights.Model{Config: weights.Config{Heads: 2, KVHeads: 1, HeadDim: 4}}
	q := []float64{2, 0, 0, 0, 0, 0, 0, 0} // scores 2*k/sqrt(4) in head 0, none in head 1
	k := [][]float64{{0, 9, 9, 9}, {math.Log(3), 9, 9, 9}}
	v := [][]float64{{4, 0, 1, 1}, {0, 8, 1, 1}}
	close(t, "attention", attention(m, q, k, v), []float64{1, 6, 1, 1, 2, 4, 1, 1})
}

func TestRoundHalf(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct{ x, want float64 }{
		{0, 0}, {1, 1}, {65504, 65504}, {65519, 65504}, {65520, inf}, {-1e9, -inf},
		{1 + 0x1p-11, 1}, {1 + 0x3p-11, 1 + 0x1p-9}, {1 + 0x1p-11 + 0x1p-40, 1 + 0x1p-10}, // half, to even
		{2 - 0x1p-12, 2}, {-0.1, -0.0999755859375},
		{0x1p-24, 0x1p-24}, {0x1p-25, 0}, {0x3p-25, 0x1p-23}, {0x1p-14 - 0x1p-26, 0x1p-14}, // subnormals
	} {
		x := []float64{c.x}
		if roundHalf(x); x[0] != c.want {
			t.Errorf("%v rounds to %v, want %v", c.x, x[0], c.want)
		}
	}
}

func close(t *testing.T, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	for i := range want {
		if !(math.Abs(got[i]-want[i]) < 1e-7) {
			t.Errorf("%s: element %d is %.9f, want %.9f", what, i, got[i], want[i])
		}
	}
}
