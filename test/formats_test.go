package test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"bitnet-gpu/test/tiny"
	"bitnet-gpu/weights"
	"bitnet-gpu/weights/gguf"
	"bitnet-gpu/weights/ternary"
)

// formatModels are a 2B4T, a relative of each kind, with rows of whole blocks of
// every format. Their scales are of 8 bits, which every format holds.
func formatModels() []*weights.Model {
	var models []*weights.Model
	for _, shape := range []tiny.Shape{
		{Name: "2B4T", Hidden: 256, FFN: 768, Blocks: 2, Heads: 4, KVHeads: 2, HeadDim: 64, Vocab: 300, Context: 64, Embd: weights.BF16, Tied: true},
		{Name: "1bitLLM", Hidden: 256, FFN: 512, Blocks: 2, Heads: 4, KVHeads: 4, HeadDim: 64, Vocab: 300, Context: 64, Embd: weights.F16, Tied: true, Activation: weights.SiLU},
		{Name: "Falcon3", Hidden: 256, FFN: 512, Blocks: 2, Heads: 2, KVHeads: 1, HeadDim: 256, Vocab: 300, Context: 64, Embd: weights.BF16, Activation: weights.SiLU, NoSubNorms: true},
	} {
		m := tiny.New(shape, 7)
		for i := range m.Layers {
			for _, t := range m.Layers[i].Tensors() {
				t.Scale = math.Float32frombits(uint32(tiny.BF16(t.Scale)) << 16)
			}
		}
		models = append(models, m)
	}
	return models
}

// TestFormats writes each model in every format and opens it. Where a file
// stores the same scales, the logits are the same bits; a file of reciprocals
// or of master weights has the scales that its numbers make, and the same bits
// as the model with these.
func TestFormats(t *testing.T) {
	ids := []int32{297, 72, 104, 5, 250, 33, 270, 12}
	for _, m := range formatModels() {
		t.Run(m.Name, func(t *testing.T) {
			want := logits(t, m, ids)
			check := func(path string, opt weights.OpenOptions, scale func(*weights.Ternary) float32) {
				t.Helper()
				got, err := weights.OpenWith(path, opt)
				if err != nil {
					t.Fatal(err)
				}
				defer got.Close()
				if got.Name, got.Arch = m.Name, m.Arch; got.Config != m.Config {
					t.Errorf("config %+v, expected %+v", got.Config, m.Config)
				}
				want := want
				if scale != nil {
					want = logits(t, rescaled(m, scale), ids)
				}
				if !slices.Equal(logits(t, got, ids), want) {
					t.Errorf("%s: other logits", got.Format)
				}
			}
			dir := t.TempDir()
			i2s := filepath.Join(dir, "i2_s.gguf")
			for _, typ := range []ternary.Format{ternary.I2S, ternary.TQ1_0, ternary.TQ2_0, ternary.IQ2_BN} {
				path := filepath.Join(dir, typ.String()+".gguf")
				if typ == ternary.I2S {
					path = i2s
				}
				if err := m.WriteGGUF(path, weights.WriteOptions{Type: typ}); err != nil {
					t.Fatal(err)
				}
				check(path, weights.OpenOptions{}, nil)
			}
			for _, typ := range []gguf.Type{gguf.I2_S, gguf.IQ2_BN, gguf.IQ1_BN} {
				path := filepath.Join(dir, fmt.Sprint("relaid ", typ))
				relay(t, i2s, path, typ)
				check(path, weights.OpenOptions{I2SLayout: 64}, nil)
			}
			hf := func(opt tiny.HFOptions) string {
				dir := t.TempDir()
				if err := tiny.WriteHF(dir, m, opt); err != nil {
					t.Fatal(err)
				}
				return dir
			}
			check(hf(tiny.HFOptions{}), weights.OpenOptions{}, nil)
			check(filepath.Join(hf(tiny.HFOptions{Old: true}), "model.safetensors"), weights.OpenOptions{}, nil)
			check(hf(tiny.HFOptions{Shards: 3}), weights.OpenOptions{}, nil)
			check(hf(tiny.HFOptions{Divide: true}), weights.OpenOptions{}, func(w *weights.Ternary) float32 {
				return 1 / math.Float32frombits(uint32(tiny.BF16(1/w.Scale))<<16)
			})
			for _, typ := range []string{"BF16", "F16", "F32"} {
				check(hf(tiny.HFOptions{Master: typ}), weights.OpenOptions{}, absmean)
			}
		})
	}
}

// TestFormatsDense writes models with dense matrices in every container, and
// converts them: the logits are the same bits.
func TestFormatsDense(t *testing.T) {
	ids := []int32{297, 72, 104, 5, 250, 33, 270, 12}
	for _, shape := range []tiny.Shape{
		{Name: "Llama", Hidden: 128, FFN: 256, Blocks: 2, Heads: 4, KVHeads: 2, HeadDim: 32, Vocab: 300, Context: 64, Embd: weights.F32, Activation: weights.SiLU, NoSubNorms: true, Dense: []string{"all"}, DenseAs: weights.F32},
		{Name: "2B4T", Hidden: 256, FFN: 768, Blocks: 2, Heads: 4, KVHeads: 2, HeadDim: 64, Vocab: 300, Context: 64, Embd: weights.F16, Tied: true, Dense: []string{"attn_v", "ffn_down"}, DenseAs: weights.F16},
		{Name: "Falcon3", Hidden: 256, FFN: 512, Blocks: 2, Heads: 2, KVHeads: 1, HeadDim: 256, Vocab: 300, Context: 64, Embd: weights.BF16, Activation: weights.SiLU, NoSubNorms: true, Dense: []string{"attn_q", "attn_k", "ffn_up"}, DenseAs: weights.BF16},
		{Name: "Q8_0", Hidden: 256, FFN: 512, Blocks: 2, Heads: 4, KVHeads: 2, HeadDim: 64, Vocab: 300, Context: 64, Embd: weights.Q8_0, Tied: true, Dense: []string{"attn_k", "attn_output"}, DenseAs: weights.Q8_0},
	} {
		t.Run(shape.Name, func(t *testing.T) {
			m := tiny.New(shape, 7)
			for i := range m.Layers {
				for _, w := range m.Layers[i].Tensors() {
					w.Scale = math.Float32frombits(uint32(tiny.BF16(w.Scale)) << 16)
				}
			}
			want := logits(t, m, ids)
			dir := t.TempDir()
			paths := []string{filepath.Join(dir, "written.gguf"), filepath.Join(dir, "again.gguf")}
			if err := m.WriteGGUF(paths[0], weights.WriteOptions{}); err != nil {
				t.Fatal(err)
			}
			if err := weights.Convert(paths[0], paths[1], weights.OpenOptions{}, weights.WriteOptions{}, nil); err != nil {
				t.Fatal(err)
			}
			if shape.DenseAs <= weights.BF16 && shape.Embd <= weights.BF16 {
				hf := filepath.Join(dir, "hf")
				if err := errors.Join(os.Mkdir(hf, 0o755), tiny.WriteHF(hf, m, tiny.HFOptions{})); err != nil {
					t.Fatal(err)
				}
				converted := filepath.Join(dir, "converted.gguf")
				if err := weights.Convert(hf, converted, weights.OpenOptions{}, weights.WriteOptions{}, nil); err != nil {
					t.Fatal(err)
				}
				paths = append(paths, hf, converted)
			}
			for _, path := range paths {
				got, err := weights.Open(path)
				if err != nil {
					t.Fatal(err)
				}
				defer got.Close()
				if !slices.Equal(logits(t, got, ids), want) {
					t.Errorf("%s: other logits", path)
				}
			}
		})
	}
}

// rescaled is m with other scales.
func rescaled(m *weights.Model, scale func(*weights.Ternary) float32) *weights.Model {
	other := *m
	other.Layers = slices.Clone(m.Layers)
	for i := range other.Layers {
		for _, t := range other.Layers[i].Tensors() {
			t.Scale = scale(t)
		}
	}
	return &other
}

// absmean is the mean magnitude of the master that tiny writes, whose numbers
// are all exact in float64.
func absmean(w *weights.Ternary) float32 {
	words, trits := make([]uint32, w.Cols/16), make([]int8, w.Cols)
	sum := 0.0
	for row := range w.Rows {
		if err := w.Row(words, row); err != nil {
			panic(err)
		}
		ternary.Unpack(trits, words)
		for _, x := range trits {
			sum += float64(w.Scale) * max(1./16, math.Abs(float64(x)))
		}
	}
	return float32(sum / float64(w.Rows*w.Cols))
}

// relay writes the I2_S matrices of a file in another format: I2_S of ARM, or
// one of ik_llama.cpp's.
func relay(t *testing.T, from, to string, typ gguf.Type) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	f, err := gguf.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	for i := range f.Tensors {
		x := &f.Tensors[i]
		if x.Type != gguf.I2_S {
			continue
		}
		cols, rows := x.Dims[0], x.Dims[1]
		m := ternary.Matrix{Format: ternary.I2S, Rows: rows, Cols: cols, Data: x.Data}
		codes := make([]byte, 0, rows*cols)
		words, trits := make([]uint32, cols/16), make([]int8, cols)
		for row := range rows {
			if err := m.Row(words, row); err != nil {
				t.Fatal(err)
			}
			ternary.Unpack(trits, words)
			for _, v := range trits {
				codes = append(codes, byte(v+1))
			}
		}
		x.Type, x.Data = typ, lay(codes, cols, x.Data[rows*cols/4:][:4], typ)
	}
	var b bytes.Buffer
	w, err := gguf.NewWriter(&b, f.KV, f.Tensors)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range f.Tensors {
		if err := w.WriteTensor(x.Name, x.Data); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(to, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// lay stores codes in a format by its description. scale is a float32 of a BF16.
func lay(codes []byte, cols int, scale []byte, typ gguf.Type) (data []byte) {
	for i := 0; i < len(codes); i += 64 {
		x := codes[i:][:64]
		if i%cols == 0 && typ == gguf.IQ2_BN {
			data = append(data, scale...)
		}
		if i%cols == 0 && typ == gguf.IQ1_BN {
			bits := binary.LittleEndian.Uint32(scale)
			data = binary.LittleEndian.AppendUint16(data, uint16((bits-112<<23)>>13))
		}
		if typ == gguf.IQ1_BN {
			last := 0
			for g := 3; g >= 0; g-- {
				last = 3*last + int(x[16*g+15])
			}
			for g := range 4 {
				for k := range 3 {
					v := 0
					for j := 4; j >= 0; j-- {
						v = 3*v + int(x[16*g+5*k+j])
					}
					data = append(data, byte((256*v+242)/243))
				}
			}
			data = append(data, byte((256*last+242)/243))
			continue
		}
		for j := range 16 {
			a, b, c, d := x[j], x[16+j], x[32+j], x[48+j]
			if typ == gguf.I2_S {
				a, b, c, d = d, c, b, a
			}
			data = append(data, a|b<<2|c<<4|d<<6)
		}
	}
	if typ == gguf.I2_S {
		data = append(append(data, scale...), make([]byte, 28)...)
	}
	return data
}
