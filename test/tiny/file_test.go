package tiny

import (
	"path/filepath"
	"reflect"
	"testing"

	"bitnet-gpu/weights"
)

// Every shape is one that a file can hold: it comes back as it went.
func TestShapesFitFiles(t *testing.T) {
	for _, shape := range Shapes() {
		t.Run(shape.Name, func(t *testing.T) {
			m := New(shape, 1)
			path := filepath.Join(t.TempDir(), "model.gguf")
			if err := m.WriteGGUF(path); err != nil {
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
				{"Layers", back.Layers, m.Layers},
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
