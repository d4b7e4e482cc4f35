package weights

import (
	"errors"
	"slices"
	"testing"

	"bitnet-gpu/cpu/kernel"
)

const tinyA = "../test/testdata/golden/tinyA-i2_s.gguf"

func TestOpenTinyA(t *testing.T) {
	m, err := Open(tinyA)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	want := Config{
		Arch: "bitnet-b1.58", Name: m.Name, VocabSize: 512, Hidden: 256, FFN: 768, Blocks: 2, Heads: 4, KVHeads: 2, HeadDim: 64,
		Context: 4096, NormEps: 1e-5, RopeBase: 500000, Activation: ReLU2, SubNorms: true, Tied: true,
	}
	if m.Config != want {
		t.Errorf("config\n%+v, expected\n%+v", m.Config, want)
	}
	if v := m.Vocab; len(v.Tokens) != 512 || v.Pre != "llama-bpe" || v.BOS != 509 || v.EOS != 510 || v.EOT != -1 || !v.AddBOS {
		t.Errorf("vocabulary: %d tokens, pre %q, BOS %d, EOS %d, EOT %d, add BOS %v", len(v.Tokens), v.Pre, v.BOS, v.EOS, v.EOT, v.AddBOS)
	}
	words := make([]uint32, 768/16)
	for i := range m.Layers {
		for _, matrix := range m.Layers[i].Tensors() {
			for row := range matrix.Rows {
				if err := matrix.Row(words[:matrix.Cols/16], row); err != nil {
					t.Fatal(matrix.Name, err)
				}
			}
		}
	}
}

// TestOpenTQ2 opens the same model with TQ2_0 matrices: the same weights, with
// scales rounded to float16.
func TestOpenTQ2(t *testing.T) {
	const path = "../test/testdata/golden/tinyA-tq2_0-b158.gguf"
	m, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	want, err := Open(tinyA)
	if err != nil {
		t.Fatal(err)
	}
	defer want.Close()
	sameWeights(t, m, want)
	for i := range m.Layers {
		for j, matrix := range m.Layers[i].Tensors() {
			scale := want.Layers[i].Tensors()[j].Scale
			if rounded := kernel.FromHalf(kernel.ToHalf(scale)); matrix.Scale != rounded {
				t.Errorf("%s has scale %v, expected %v, which is %v rounded", matrix.Name, matrix.Scale, rounded, scale)
			}
		}
	}
}

// sameWeights compares ternary weights, however they are stored.
func sameWeights(t *testing.T, got, want *Model) {
	t.Helper()
	for i := range want.Layers {
		for j, w := range want.Layers[i].Tensors() {
			g := got.Layers[i].Tensors()[j]
			if g.Rows != w.Rows || g.Cols != w.Cols {
				t.Fatalf("%s is %d x %d, expected %d x %d", g.Name, g.Rows, g.Cols, w.Rows, w.Cols)
			}
			a, b := make([]uint32, w.Cols/16), make([]uint32, w.Cols/16)
			for row := range w.Rows {
				if err := errors.Join(g.Row(a, row), w.Row(b, row)); err != nil || !slices.Equal(a, b) {
					t.Fatalf("%s: row %d differs, %v", g.Name, row, err)
				}
			}
		}
	}
}
