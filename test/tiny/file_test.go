package tiny

import (
	"encoding/binary"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"bitnet-gpu/weights"
)

// Every shape is one that a file can hold: it comes back as it went.
func TestShapesFitFiles(t *testing.T) {
	for _, shape := range All() {
		t.Run(shape.Name, func(t *testing.T) {
			m := New(shape, 1)
			path := filepath.Join(t.TempDir(), "model.gguf")
			if err := m.WriteGGUF(path, weights.WriteOptions{}); err != nil {
				t.Fatal(err)
			}
			back, err := weights.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer back.Close()
			for _, part := range []struct {
				name      string
				got, want any
			}{
				{"Config", back.Config, m.Config},
				{"Vocab", back.Vocab, m.Vocab},
				{"Layers", plain(t, back), plain(t, m)},
				{"TokenEmbd", back.TokenEmbd, m.TokenEmbd},
				{"OutputNorm", back.OutputNorm, m.OutputNorm},
				{"Output", back.Output, m.Output},
			} {
				if !reflect.DeepEqual(part.got, part.want) {
					t.Errorf("%s came back otherwise", part.name)
				}
			}
		})
	}
}

// plain returns the layers of m with their matrices unpacked: files of
// architecture llama have some rows in another order.
func plain(t *testing.T, m *weights.Model) []weights.Layer {
	t.Helper()
	layers := slices.Clone(m.Layers)
	for i := range layers {
		for _, m := range layers[i].Matrices() {
			if d := m.Dense; m.IsDense() {
				m.Dense.Data, m.Dense.Paired = nil, 0
				for row := range d.Rows {
					m.Dense.Data = append(m.Dense.Data, d.Bytes(row)...)
				}
			}
		}
		for _, w := range layers[i].Tensors() {
			words := make([]uint32, w.Rows*w.Cols/16)
			for row := range w.Rows {
				if err := w.Row(words[row*w.Cols/16:], row); err != nil {
					t.Fatal(err)
				}
			}
			w.Matrix.Data, w.Matrix.Paired = make([]byte, len(words)*4), 0
			for j, word := range words {
				binary.LittleEndian.PutUint32(w.Matrix.Data[4*j:], word)
			}
		}
	}
	return layers
}
