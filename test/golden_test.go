package test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"bitnet-gpu/cpu"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/test/npy"
	"bitnet-gpu/weights"
)

// tinyA opens the model of the golden data and returns its prompt.
func tinyA(t *testing.T) (*weights.Model, []int32) {
	t.Helper()
	m, err := weights.Open(filepath.Join("testdata", "golden", "tinyA-i2_s.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	data, err := os.ReadFile(filepath.Join("testdata", "golden", "tinyA.json"))
	if err != nil {
		t.Fatal(err)
	}
	var golden struct{ Prompt []int32 }
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	return m, golden.Prompt
}

// TestGolden compares with what other implementations computed: one in float64
// with keys and values rounded to float16, as ours are, and bitnet.cpp at a
// version with the right activation, which rounds the softmax weights too: a code
// that flips somewhere changes what follows by a few percent.
func TestGolden(t *testing.T) {
	m, prompt := tinyA(t)
	b, err := cpu.New(m, compute.Options{Slots: 1, Context: len(prompt)})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	got := make([]float32, len(prompt)*m.VocabSize)
	if err := b.Forward([]compute.Step{{Tokens: prompt, Logits: got}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file  string
		limit func(pos int) float64
	}{
		{"tinyA.ref-kv16.logits.npy", func(int) float64 {
			return 1e-5 // no code flips on the way
		}},
		{"tinyA.bitnet-one.logits.npy", func(pos int) float64 {
			if pos == 0 {
				return 1e-3
			}
			return 0.06
		}},
	} {
		want, err := npy.Read(filepath.Join("testdata", "golden", c.file))
		if err != nil {
			t.Fatal(err)
		}
		for pos := range want {
			d := difference(got[pos*m.VocabSize:], want[pos])
			if !(d <= c.limit(pos)) {
				t.Errorf("%s, position %d: relative rms %.2g, expected at most %.2g", c.file, pos, d, c.limit(pos))
			}
			t.Logf("%s, position %d: relative rms %.2g", c.file, pos, d)
		}
	}
}

// difference is the rms of got-want relative to that of want.
func difference(got []float32, want []float64) float64 {
	var d, w float64
	for i := range want {
		d += (float64(got[i]) - want[i]) * (float64(got[i]) - want[i])
		w += want[i] * want[i]
	}
	return math.Sqrt(d / w)
}
