package weights

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bitnet-gpu/weights/ternary"
)

// TestVerify finds every kind of difference between what was written and what
// is read.
func TestVerify(t *testing.T) {
	for _, c := range []struct {
		name, want string
		change     func(m *Model)
	}{
		{"nothing", "", func(m *Model) {}},
		{"a weight", `tensor "blk.1.attn_k.weight"`, func(m *Model) {
			data := slices.Clone(m.Layers[1].K.Ternary.Data)
			data[7] = ^data[7] & 0xAA // other codes, none of them 3
			m.Layers[1].K.Ternary.Data = data
		}},
		{"a scale", "of scale 0.25, expected", func(m *Model) { m.Layers[0].Down.Ternary.Scale = 0.25 }},
		{"the embedding", `tensor "token_embd.weight"`, func(m *Model) {
			data := slices.Clone(m.TokenEmbd.Data)
			data[9]++
			m.TokenEmbd.Data = data
		}},
		{"the configuration", "verification failed: config", func(m *Model) { m.Activation = SiLU }},
	} {
		for _, typ := range []ternary.Format{ternary.I2S, ternary.TQ2_0, ternary.IQ2_BN} {
			from, err := Open(tinyA)
			if err != nil {
				t.Fatal(err)
			}
			defer from.Close()
			from.Layers[0].Down.Ternary.Scale = 0.5
			path := filepath.Join(t.TempDir(), "model.gguf")
			err = from.writeGGUF(path, WriteOptions{Type: typ}, func(g *ggufWriter, path string) error {
				to, err := Open(path)
				if err != nil {
					return err
				}
				defer to.Close()
				c.change(to)
				return g.verify(to)
			})
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, %s: error %v, expected %q", c.name, typ, err, c.want)
			}
			if _, err := os.Stat(path); (err == nil) != (c.want == "") {
				t.Errorf("%s: the file is there: %v", c.name, err)
			}
		}
	}
}

// TestConvertCheck leaves nothing where the caller's check fails.
func TestConvertCheck(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.gguf")
	fault := errors.New("other logits")
	err := Convert(tinyA, path, OpenOptions{}, WriteOptions{}, func(from, to *Model) error {
		sameWeights(t, to, from)
		return fault
	})
	if !errors.Is(err, fault) || err.Error() != path+": other logits" {
		t.Error(err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}
