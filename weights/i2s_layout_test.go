package weights

import (
	"encoding/binary"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"bitnet-gpu/cpu/kernel"
	"bitnet-gpu/weights/ternary"
)

// busy makes a model whose channels differ in how much they are used, as those
// of trained models do; with even, they do not.
func busy(even bool) *Model {
	m := random(F16, true)
	source := rand.New(rand.NewPCG(6, 6))
	use := make([]float64, m.Hidden)
	for i := range use {
		if use[i] = 0.2 + 0.7*source.Float64(); even {
			use[i] = 0.6
		}
	}
	for id := range m.VocabSize {
		for i := range m.Hidden {
			binary.LittleEndian.PutUint16(m.TokenEmbd.Data[2*(id*m.Hidden+i):], kernel.ToHalf(float32(source.NormFloat64()*use[i])))
		}
	}
	m.Output = m.TokenEmbd
	for i := range m.Layers {
		l := &m.Layers[i]
		for _, t := range inI2S(&l.Q, &l.K, &l.V, &l.Gate, &l.Up) {
			trits := make([]int8, t.Rows*t.Cols)
			for k := range trits {
				if source.Float64() < use[k%t.Cols] {
					trits[k] = int8(1 - 2*source.IntN(2))
				}
			}
			words := make([]uint32, len(trits)/16)
			ternary.Pack(words, trits)
			t.Data = make([]byte, ternary.I2S.Size(t.Rows, t.Cols))
			ternary.I2S.Encode(t.Data, words, t.Cols, 0)
		}
	}
	return m
}

// asARM lays the matrices of a model out as ARM builds do.
func asARM(t *testing.T, m *Model) {
	t.Helper()
	for i := range m.Layers {
		for _, w := range m.Layers[i].Tensors() {
			data := make([]byte, len(w.Data))
			words, trits := make([]uint32, w.Cols/16), make([]int8, w.Cols)
			for row := range w.Rows {
				if err := w.Row(words, row); err != nil {
					t.Fatal(err)
				}
				ternary.Unpack(trits, words)
				for col, x := range trits {
					at := row*w.Cols + col
					data[at/64*16+at%16] |= byte(x+1) << (6 - at%64/16*2)
				}
			}
			w.Data = data
		}
	}
}

func TestI2SLayout(t *testing.T) {
	const refused = "do in blocks of 64, which llama-quantize writes on ARM: ask for the I2_S layout 64"
	for _, c := range []struct {
		name      string
		arm, even bool
		layout    int
		want      string
	}{
		{"official", false, false, 0, ""},
		{"of ARM", true, false, 0, refused},
		{"of ARM, insisting", true, false, 128, ""},
		{"of ARM, as such", true, false, 64, ""},
		{"without structure", false, true, 0, ""},
		{"of ARM without structure", true, true, 0, ""},
	} {
		m := busy(c.even)
		if c.arm {
			asARM(t, m)
		}
		path := filepath.Join(t.TempDir(), "model.gguf")
		if err := m.WriteGGUF(path, WriteOptions{}); err != nil {
			t.Fatal(err)
		}
		got, err := OpenWith(path, OpenOptions{I2SLayout: c.layout})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, expected %q", c.name, err, c.want)
		}
		if err != nil {
			continue
		}
		defer got.Close()
		if c.arm && c.layout == 64 {
			sameWeights(t, got, busy(c.even))
		}
	}
}
