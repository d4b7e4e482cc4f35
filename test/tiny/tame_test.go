package tiny

import (
	"math"
	"testing"

	"bitnet-gpu/test/oracle"
)

// Tests of equality want activations that neither die nor explode, and logits
// that differ.
func TestValuesStayTame(t *testing.T) {
	for _, shape := range All() {
		t.Run(shape.Name, func(t *testing.T) {
			m := New(shape, 3)
			h := oracle.Embed(m, []int32{m.Vocab.BOS, 72, 104, 5})
			for layer := range m.Layers {
				h = oracle.Layer(m, layer, h, oracle.Options{KV16: true})
				if size := rms(h); !(size > 0.1 && size < 30) {
					t.Errorf("behind block %d the residual stream is of size %.3g", layer, size)
				}
			}
			if size := rms(oracle.Head(m, h)); !(size > 1 && size < 20) {
				t.Errorf("logits are of size %.3g", size)
			}
		})
	}
}

func TestManyBlocksStayTame(t *testing.T) {
	shape := Shapes()[0]
	shape.Blocks = 30
	m := New(shape, 1)
	logits := oracle.Logits(m, []int32{7, 8, 9}, oracle.Options{KV16: true})
	if size := rms(logits); !(size > 1 && size < 20) {
		t.Errorf("behind 30 blocks logits are of size %.3g", size)
	}
}

func rms(rows [][]float64) float64 {
	total, n := 0.0, 0
	for _, row := range rows {
		for _, e := range row {
			total += e * e
		}
		n += len(row)
	}
	return math.Sqrt(total / float64(n))
}
