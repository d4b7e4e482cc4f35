package tiny

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"runtime"
	"testing"
	"unsafe"

	"bitnet-gpu/weights"
	"bitnet-gpu/weights/vocab"
)

// blocks are the sizes of the types of embeddings.
var blocks = map[weights.DType]struct{ elements, bytes int }{
	weights.F32: {1, 4}, weights.F16: {1, 2}, weights.BF16: {1, 2}, weights.Q8_0: {32, 34}, weights.Q6_K: {256, 210}, weights.Q4_0: {32, 18},
}

func TestShapesAreWhole(t *testing.T) {
	for _, shape := range All() {
		t.Run(shape.Name, func(t *testing.T) {
			m := New(shape, 1)
			for _, layer := range m.Layers {
				for _, w := range layer.Tensors() {
					checkTernary(t, w)
				}
			}
			for _, d := range []*weights.Dense{&m.TokenEmbd, &m.Output} {
				block := blocks[d.Type]
				if want := shape.Vocab * shape.Hidden / block.elements * block.bytes; len(d.Data) != want {
					t.Errorf("%s has %d bytes, want %d", d.Name, len(d.Data), want)
				}
			}
			if tied := &m.TokenEmbd.Data[0] == &m.Output.Data[0]; tied != shape.Tied {
				t.Errorf("tied is %v, want %v", tied, shape.Tied)
			}
			checkVocab(t, &m.Vocab, shape.Vocab)
		})
	}
}

func checkTernary(t *testing.T, w *weights.Ternary) {
	t.Helper()
	if uintptr(unsafe.Pointer(&w.Data[0]))%32 != 0 {
		t.Errorf("%s is not aligned", w.Name)
	}
	if len(w.Data) != w.Format.Size(w.Rows, w.Cols) {
		t.Errorf("%s has %d bytes, want %d", w.Name, len(w.Data), w.Format.Size(w.Rows, w.Cols))
	}
	if !(w.Scale > 0.005 && w.Scale < 0.3) {
		t.Errorf("%s has scale %g", w.Name, w.Scale)
	}
	words := make([]uint32, w.Cols/16)
	count := [3]int{}
	for row := range w.Rows {
		if err := w.Row(words, row); err != nil {
			t.Fatalf("%s: %v", w.Name, err)
		}
		for _, word := range words {
			for ; word != 0; word >>= 2 {
				count[word&3]++
			}
		}
	}
	n := w.Rows * w.Cols
	count[0] = n - count[1] - count[2]
	for code, share := range []float64{0.25, 0.5, 0.25} {
		if got := float64(count[code]) / float64(n); math.Abs(got-share) > 3/math.Sqrt(float64(n)) {
			t.Errorf("%s: code %d makes %.4f of the weights, want about %.2f", w.Name, code, got, share)
		}
	}
}

func checkVocab(t *testing.T, v *vocab.Vocab, n int) {
	t.Helper()
	if len(v.Tokens) != n || len(v.Types) != n {
		t.Fatalf("vocabulary of %d tokens and %d types, want %d", len(v.Tokens), len(v.Types), n)
	}
	ids := map[string]int{}
	for id, token := range v.Tokens {
		if first, twice := ids[token]; twice {
			t.Errorf("token %q stands at %d and %d", token, first, id)
		}
		ids[token] = id
	}
	for char, id := range map[string]int{"!": 0, "~": 93, "ÿ": 187, "Ā": 188, "Ċ": 198, "Ġ": 220, "Ń": 255, "hello": 266} {
		if ids[char] != id {
			t.Errorf("%q is token %d, want %d", char, ids[char], id)
		}
	}
	if v.Tokens[v.BOS] != "<|begin_of_text|>" || v.Tokens[v.EOS] != "<|end_of_text|>" || v.Tokens[v.EOT] != "<|eot_id|>" {
		t.Errorf("special tokens %q, %q, %q", v.Tokens[v.BOS], v.Tokens[v.EOS], v.Tokens[v.EOT])
	}
}

// The bytes must not depend on the machine: this sum is committed.
func TestSameBytesEverywhere(t *testing.T) {
	h := sha256.New()
	for _, shape := range All() {
		m := New(shape, 42)
		h.Write(m.TokenEmbd.Data)
		h.Write(m.Output.Data)
		binary.Write(h, binary.LittleEndian, m.OutputNorm)
		for _, layer := range m.Layers {
			for _, norm := range [][]float32{layer.AttnNorm, layer.AttnSubNorm, layer.FFNNorm, layer.FFNSubNorm} {
				binary.Write(h, binary.LittleEndian, norm)
			}
			for _, w := range layer.Tensors() {
				h.Write(w.Data)
				binary.Write(h, binary.LittleEndian, w.Scale)
			}
			for _, w := range layer.Matrices() {
				h.Write(w.Dense.Data)
			}
		}
	}
	const want = "00ef8e72646af72f549487fe3ca88436880227526688ac53b92affd2f9614d1d"
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		t.Errorf("the models' bytes hash to %s, want %s", got, want)
	}
}

func TestSeedsAndTensorsDiffer(t *testing.T) {
	shape := Shapes()[1]
	a, b := New(shape, 1), New(shape, 2)
	if string(a.Layers[0].Q.Ternary.Data) == string(b.Layers[0].Q.Ternary.Data) || string(a.TokenEmbd.Data) == string(b.TokenEmbd.Data) {
		t.Error("two seeds make the same model")
	}
	if string(a.Layers[0].Gate.Ternary.Data) == string(a.Layers[0].Up.Ternary.Data) || string(a.Layers[0].Q.Ternary.Data) == string(a.Layers[1].Q.Ternary.Data) {
		t.Error("two tensors of a model are the same")
	}
}

func TestBigHasTheShapeOf2B4T(t *testing.T) {
	if testing.Short() {
		t.Skip("short: the model takes 0.7 GB")
	}
	m := Big(1)
	defer runtime.GC() // give the memory back to the other tests
	if len(m.TokenEmbd.Data) != 656_670_720 {
		t.Errorf("embedding of %d bytes, want 656670720", len(m.TokenEmbd.Data))
	}
	weights := 0
	for _, w := range m.Layers[0].Tensors() {
		weights += w.Rows * w.Cols
	}
	if 30*weights != 2_084_044_800 {
		t.Errorf("30 blocks have %d weights, want 2084044800", 30*weights)
	}
}

func TestNewRefusesNonsense(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a model with rows of 72 was made")
		}
	}()
	New(Shape{Hidden: 72, FFN: 64, Blocks: 1, Heads: 1, KVHeads: 1, HeadDim: 64, Vocab: 512, Context: 64}, 1)
}

func BenchmarkBig(b *testing.B) {
	for b.Loop() {
		Big(30)
	}
}
