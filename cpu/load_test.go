package cpu

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"bitnet-gpu/cpu/kernel"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/test/tiny"
	"bitnet-gpu/weights"
)

// blocks is a model whose matrices are whole blocks and tiles, so that the first
// batch may read them from the file.
func blocks() *weights.Model { return tiny.New(tiny.Shapes()[1], 1) }

// TestDirect: the first batch, from the file, has the logits of the second, from the
// copy, on all paths and for all kinds of batches; also where matrices are dense, some
// or all.
func TestDirect(t *testing.T) {
	some := tiny.Shapes()[1]
	some.Dense, some.DenseAs = []string{"attn_v", "ffn_up"}, weights.BF16
	for _, m := range []*weights.Model{blocks(), tiny.New(some, 1), tiny.New(tiny.Dense()[0], 1)} {
		direct(t, m)
	}
}

func direct(t *testing.T, m *weights.Model) {
	for _, path := range kernel.Paths() {
		t.Setenv("BITNET_CPU", path.Name)
		for _, n := range []int{1, 2, 5, 20, 150} {
			opened, err := New(m, compute.Options{Slots: 1, Context: 256, Threads: 2, Batch: 150})
			if err != nil {
				t.Fatal(err)
			}
			defer opened.Close()
			b := opened.(*backend)
			tokens := make([]int32, n)
			for i := range tokens {
				tokens[i] = int32(i*i+7) % int32(m.VocabSize)
			}
			var logits [2][]float32
			for i := range logits {
				logits[i] = make([]float32, n*m.VocabSize)
				if err := b.Forward([]compute.Step{{Tokens: tokens, Logits: logits[i]}}); err != nil {
					t.Fatal(err)
				}
				want := i > 0 || path.Blocks == nil
				for m := range b.matrices {
					if copied := m.words != nil; copied != want {
						t.Fatalf("%s, batch %d: %s is copied: %v, expected %v", path.Name, i, m.from.Name, copied, want)
					}
				}
			}
			if !slices.Equal(logits[0], logits[1]) {
				t.Errorf("%s, %d tokens: the second batch has other logits than the first", path.Name, n)
			}
		}
	}
}

// TestInvalidCode: a code that no weight has is an error that says where, of New or
// of the first batch, and nothing comes out of such a model later.
func TestInvalidCode(t *testing.T) {
	for _, path := range kernel.Paths() {
		t.Setenv("BITNET_CPU", path.Name)
		m := blocks()
		up := &m.Layers[1].Up.Ternary
		const row, column = 70, 200
		at := (row*up.Cols+column)/128*32 + column%32
		up.Data[at] |= 3 << (6 - column%128/32*2)
		for _, n := range []int{1, 40} {
			b, err := New(m, compute.Options{Slots: 1, Context: 64, Threads: 2})
			if err == nil {
				defer b.Close()
				for range 4 { // the second batch would copy
					if err = b.Forward([]compute.Step{{Tokens: make([]int32, n), Next: make([]int32, 1)}}); err == nil {
						t.Fatalf("%s, %d tokens: no error", path.Name, n)
					}
				}
				if held := len(b.(*backend).free); held > 1 {
					t.Errorf("%s, %d tokens: %d pieces of memory are held after as many failures", path.Name, n, held)
				}
			}
			const where = "row 70, column 200 holds code 3"
			if !errors.Is(err, weights.ErrInvalid) || !strings.Contains(err.Error(), where) || !strings.Contains(err.Error(), up.Name) {
				t.Errorf("%s, %d tokens: %v, expected %s of %s", path.Name, n, err, where, up.Name)
			}
		}
	}
}
