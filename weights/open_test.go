package weights

import (
	"errors"
	"strings"
	"testing"
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
		Context: 4096, NormEps: 1e-5, RopeBase: 500000, Activation: ReLU2, Tied: true,
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

func TestOpenTQ2(t *testing.T) {
	const path = "../test/testdata/golden/tinyA-tq2_0-b158.gguf"
	_, err := Open(path)
	if err == nil || !strings.HasPrefix(err.Error(), path+`: tensor "blk.0.attn_q.weight" is of type TQ2_0, expected I2_S`) || !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
}
