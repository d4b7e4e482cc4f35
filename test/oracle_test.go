package test

import (
	"testing"

	"bitnet-gpu/cpu"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/test/oracle"
	"bitnet-gpu/test/tiny"
)

// TestOracle compares models of every shape with the float64 definition. They
// agree as float32 does; an int8 code that fell on the other side of a tie would
// move a position by percents, which here none does. Keys and values that are not
// made of integers now and then fall so in float16, which moves little.
func TestOracle(t *testing.T) {
	for _, shape := range tiny.All() {
		t.Run(shape.Name, func(t *testing.T) {
			m := tiny.New(shape, 1)
			ids := []int32{m.Vocab.BOS, 72, 104, 5, 250, 33}
			b, err := cpu.New(m, compute.Options{Slots: 1, Context: len(ids)})
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			got := make([]float32, len(ids)*m.VocabSize)
			if err := b.Forward([]compute.Step{{Tokens: ids, Logits: got}}); err != nil {
				t.Fatal(err)
			}
			want := oracle.Logits(m, ids, oracle.Options{KV16: true})
			limit := 1e-6
			if len(shape.Dense) > 0 {
				limit = 1e-5
			}
			for pos := range want {
				if d := difference(got[pos*m.VocabSize:], want[pos]); !(d < limit) {
					t.Errorf("position %d: relative rms %.2g, expected less than %v", pos, d, limit)
				}
			}
		})
	}
}
