package weights

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"bitnet-gpu/test/badfiles"
	"bitnet-gpu/weights/gguf"
	"bitnet-gpu/weights/ternary"
	"bitnet-gpu/weights/vocab"
)

// sameModel compares all that can be seen of two models but their paths.
func sameModel(t *testing.T, got, want *Model) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmp.Comparer(bytes.Equal), cmpopts.IgnoreUnexported(Model{}), cmpopts.IgnoreFields(Model{}, "Path")); diff != "" {
		t.Error(diff)
	}
}

// rewrite writes m and opens what was written.
func rewrite(t *testing.T, m *Model) *Model {
	t.Helper()
	path := filepath.Join(t.TempDir(), "copy.gguf")
	if err := m.WriteGGUF(path, WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	again, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { again.Close() })
	return again
}

func TestWriteTinyA(t *testing.T) {
	m, err := Open(tinyA)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	first := rewrite(t, m)
	sameModel(t, first, m)
	second := rewrite(t, first)
	a, err1 := os.ReadFile(first.Path)
	b, err2 := os.ReadFile(second.Path)
	if err := errors.Join(err1, err2); err != nil || !bytes.Equal(a, b) {
		t.Error("a copy of a copy differs", err)
	}
	if _, err := os.Stat(first.Path); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(first.Path), "*.part")); left != nil {
		t.Errorf("%s is left behind", left)
	}
}

// random makes a model in memory. Heads need not fill the width, and rows of 80
// and 208 weights straddle blocks of 128.
func random(typ DType, tied bool) *Model {
	const rows, hidden, ffn, heads, kvHeads, headDim = 24, 256, 208, 4, 2, 20
	source := rand.New(rand.NewPCG(3, uint64(typ)))
	norm := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = 1 + source.Float32()
		}
		x[n/2] = 0
		return x
	}
	matrix := func(name string, rows, cols int) Linear {
		data := make([]byte, ternary.I2S.Size(rows, cols))
		for i := range data {
			for range 4 {
				data[i] = data[i]<<2 | byte(source.IntN(3))
			}
		}
		return Linear{Ternary: Ternary{name, ternary.Matrix{Format: ternary.I2S, Rows: rows, Cols: cols, Data: data}, 0.5 + source.Float32()}}
	}
	dense := func(name string, typ DType) Dense {
		d := Dense{Name: name, Type: typ, Rows: rows, Cols: hidden}
		d.Data = make([]byte, rows*d.RowBytes())
		for i := range d.Data {
			d.Data[i] = byte(source.Uint32())
		}
		return d
	}
	m := &Model{
		Config: Config{
			Arch: "bitnet-25", Name: "random", VocabSize: rows, Hidden: hidden, FFN: ffn, Blocks: 2, Heads: heads, KVHeads: kvHeads,
			HeadDim: headDim, Context: 64, NormEps: 1e-6, RopeBase: 10000, SubNorms: true, Tied: tied,
		},
		Vocab:      vocab.Vocab{BOS: -1, EOS: -1, EOT: -1, Pad: -1},
		TokenEmbd:  dense("token_embd.weight", typ),
		OutputNorm: norm(hidden),
		Format:     "GGUF v3, I2_S",
	}
	m.Output = m.TokenEmbd
	if !tied {
		m.Output = dense("output.weight", Q8_0)
	}
	for i := range m.Blocks {
		name := func(part string) string { return fmt.Sprintf("blk.%d.%s.weight", i, part) }
		m.Layers = append(m.Layers, Layer{
			AttnNorm: norm(hidden), Q: matrix(name("attn_q"), heads*headDim, hidden),
			K: matrix(name("attn_k"), kvHeads*headDim, hidden), V: matrix(name("attn_v"), kvHeads*headDim, hidden),
			AttnSubNorm: norm(heads * headDim), O: matrix(name("attn_output"), hidden, heads*headDim),
			FFNNorm: norm(hidden), Gate: matrix(name("ffn_gate"), ffn, hidden), Up: matrix(name("ffn_up"), ffn, hidden),
			FFNSubNorm: norm(ffn), Down: matrix(name("ffn_down"), hidden, ffn),
		})
	}
	return m
}

func TestWriteRandom(t *testing.T) {
	for typ := F32; int(typ) < len(dtypes); typ++ {
		for _, tied := range []bool{true, false} {
			m := random(typ, tied)
			sameModel(t, rewrite(t, m), m)
		}
	}
}

func TestWriteVocab(t *testing.T) {
	m := random(F16, true)
	tokens := make([]string, m.VocabSize)
	types := make([]vocab.TokenType, m.VocabSize)
	for i := range tokens {
		tokens[i], types[i] = strings.Repeat("é", i), vocab.TokenNormal
	}
	m.Vocab = vocab.Vocab{
		Model: "gpt2", Pre: "llama-bpe", Tokens: tokens, Types: types, Merges: []string{"a b", "ab c"},
		BOS: 0, EOS: 1, EOT: 2, Pad: 3, AddBOS: true, ChatTemplate: "{{ messages }}",
	}
	sameModel(t, rewrite(t, m), m)
	m.Vocab = vocab.Vocab{Model: "gpt2", Tokens: tokens, BOS: -1, EOS: 23, EOT: -1, Pad: -1}
	again := rewrite(t, m)
	if err := m.Vocab.ListMerges(); err != nil || len(m.Vocab.Merges) != 22 {
		t.Error(m.Vocab.Merges, err)
	}
	sameModel(t, again, m)
}

func TestWriteErrors(t *testing.T) {
	m := random(F16, true)
	dir := t.TempDir()
	path := filepath.Join(dir, "absent", "copy.gguf")
	if err := m.WriteGGUF(path, WriteOptions{}); err == nil || err.Error() != path+": no such file or directory" {
		t.Error(err)
	}
	m.Layers[1].Up.Ternary.Rows, m.Layers[1].Up.Ternary.Cols = 13, 16
	path = filepath.Join(dir, "copy.gguf")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	err := m.WriteGGUF(path, WriteOptions{})
	if want := path + `: tensor "blk.1.ffn_up.weight" of 13 x 16 weights cannot be I2_S`; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error %v, expected %s", err, want)
	}
	for _, c := range []struct {
		opt  WriteOptions
		edit func(m *Model)
		want string
	}{
		{WriteOptions{Type: ternary.TQ2_0}, func(m *Model) {}, `tensor "blk.0.ffn_down.weight" has rows of 208 weights and cannot be TQ2_0, which wants a multiple of 256`},
		{WriteOptions{Type: ternary.TQ1_0}, func(m *Model) { m.Layers[0].Down.Ternary.Cols, m.Layers[0].Down.Ternary.Scale = 256, 0x1p17 }, `has scale 131072 and cannot be TQ1_0, whose float16 does not hold it`},
		{WriteOptions{Embd: new(DType)}, func(m *Model) {}, `tensor "token_embd.weight" cannot be made F32`},
		{WriteOptions{Progress: func(done, total int64) error { return errors.New("no more") }}, func(m *Model) {}, "no more"},
		{WriteOptions{Embd: dtype(Q6_K)}, func(m *Model) { m.TokenEmbd.Cols = 320 }, `tensor "token_embd.weight" has rows of 320 and cannot be Q6_K, which wants a multiple of 256`},
		{WriteOptions{Embd: dtype(F16)}, func(m *Model) { m.TokenEmbd = Dense{Name: "e", Type: BF16, Rows: 1, Cols: 1, Data: []byte{0, 0x48}} }, `tensor e: row 0 holds a value that F16 cannot: [131072]`},
	} {
		m := random(F16, true)
		c.edit(m)
		if err := m.WriteGGUF(path, c.opt); err == nil || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, expected %s", err, c.want)
		}
	}
	left, err := os.ReadDir(dir)
	old, _ := os.ReadFile(path)
	if err != nil || len(left) != 1 || string(old) != "old" {
		t.Errorf("%v left behind, %q at the path", left, old)
	}
}

func dtype(t DType) *DType { return &t }

// TestWriteTypes writes the golden model in other types and reads the same
// weights back.
func TestWriteTypes(t *testing.T) {
	m, err := Open(tinyA)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for _, typ := range []ternary.Format{ternary.I2S, ternary.TQ1_0, ternary.TQ2_0, ternary.IQ2_BN} {
		for _, embd := range []DType{F16, BF16, Q8_0, Q6_K} {
			path := filepath.Join(t.TempDir(), "copy.gguf")
			var written, total int64
			progress := func(done, all int64) error { written, total = done, all; return nil }
			if err := m.WriteGGUF(path, WriteOptions{Type: typ, Embd: &embd, Progress: progress}); err != nil {
				t.Fatal(err)
			}
			if written < total || total == 0 {
				t.Errorf("%d of %d bytes are told", written, total)
			}
			again, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer again.Close()
			sameWeights(t, again, m)
			if got := again.Layers[0].Q.Ternary.Format; got != typ {
				t.Errorf("written as %s, expected %s", got, typ)
			}
			if got := again.TokenEmbd.Type; got != embd {
				t.Errorf("embedding %s, expected %s", got, embd)
			}
			want := m.Config
			if typ == ternary.TQ1_0 || typ == ternary.TQ2_0 {
				want.Arch = "bitnet"
			}
			if again.Config != want {
				t.Errorf("config %+v, expected %+v", again.Config, want)
			}
		}
	}
}

// TestWriteArch writes BitNet under the name that the readers of a type know for
// its activation, and says where one of them will take it for another.
func TestWriteArch(t *testing.T) {
	for _, c := range []struct {
		arch       string
		activation Activation
		typ        ternary.Format
		want       string
		said       bool
	}{
		{"bitnet-b1.58", ReLU2, ternary.I2S, "bitnet-b1.58", false},
		{"bitnet-25", ReLU2, ternary.IQ2_BN, "bitnet-25", false},
		{"bitnet", ReLU2, ternary.I2S, "bitnet-b1.58", false}, // as llama.cpp's files of the 2B4T are
		{"bitnet", ReLU2, ternary.IQ2_BN, "bitnet-b1.58", false},
		{"bitnet", SiLU, ternary.IQ2_BN, "bitnet", false},
		{"bitnet-b1.58", SiLU, ternary.I2S, "bitnet", false},
		{"bitnet", SiLU, ternary.TQ2_0, "bitnet", false},
		{"bitnet-b1.58", ReLU2, ternary.TQ1_0, "bitnet", true},
		{"bitnet", ReLU2, ternary.TQ2_0, "bitnet", true},
		{"llama", SiLU, ternary.TQ2_0, "llama", false},
	} {
		m, err := Open(tinyA)
		if err != nil {
			t.Fatal(err)
		}
		m.Arch, m.Activation = c.arch, c.activation
		said := ""
		g, err := m.newGGUFWriter(WriteOptions{Type: c.typ, Notice: func(line string) { said += line }})
		if err != nil || g.arch != c.want || (said != "") != c.said || said != "" && !strings.Contains(said, "llama.cpp") {
			t.Errorf("%s, %s as %s: %s, %q, %v", c.arch, c.activation, c.typ, g.arch, said, err)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestNorm reads norms of other types, and flushes what does not matter.
func TestNorm(t *testing.T) {
	for _, c := range []struct {
		typ  gguf.Type
		data string
		want []float32
	}{
		{gguf.F32, "0000803f 00008026 ffff7f26 ffff7fa6", []float32{1, 0x1p-50, 0, 0}},
		{gguf.F16, "003c 00c0 0100 0080", []float32{1, -2, 0x1p-24, 0}},
		{gguf.BF16, "803f 00c0 8026 7f26", []float32{1, -2, 0x1p-50, 0}},
	} {
		var b bytes.Buffer
		tensor := gguf.Tensor{Name: "norm", Type: c.typ, Dims: []int{4}}
		w, err := gguf.NewWriter(&b, nil, []gguf.Tensor{tensor})
		if err == nil {
			err = w.WriteTensor("norm", unhex(c.data))
		}
		if err != nil {
			t.Fatal(err)
		}
		f, err := gguf.Parse(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		r := &ggufReader{file: f, taken: map[string]bool{}}
		got := r.norm("norm", 4)
		for i, want := range c.want {
			if r.err != nil || math.Float32bits(got[i]) != math.Float32bits(want) {
				t.Errorf("%s: %v, %v, expected %v", c.typ, got, r.err, c.want)
			}
		}
	}
}

// FuzzGGUF opens what the fuzzer makes of small models, and reads all of them.
func FuzzGGUF(f *testing.F) {
	badfiles.Seed(f)
	path, err := badfiles.Good(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	add := func(path string) {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	add(path)
	write := func(m *Model, opt WriteOptions) {
		path := filepath.Join(f.TempDir(), "model.gguf")
		if err := m.WriteGGUF(path, opt); err != nil {
			f.Fatal(err)
		}
		add(path)
	}
	for _, typ := range []ternary.Format{ternary.TQ1_0, ternary.TQ2_0} { // of other types
		m := random(F16, true)
		for i := range m.Layers {
			l := &m.Layers[i]
			m.FFN = 256
			l.Gate, l.Up, l.Down, l.O = l.Q, l.Q, l.Q, l.Q
			for _, t := range l.Tensors() {
				t.Rows, t.Cols, t.Data = 16, 256, make([]byte, 16*256/4)
			}
		}
		write(m, WriteOptions{Type: typ})
	}
	for _, typ := range []DType{F32, F16, Q8_0} { // with dense matrices
		m := random(F16, true)
		m.Arch = "llama"
		m.Layers[0].Q = Linear{Dense: Dense{Name: "q", Type: typ, Rows: 80, Cols: 256}}
		m.Layers[0].Q.Dense.Data = make([]byte, 80*m.Layers[0].Q.Dense.RowBytes())
		write(m, WriteOptions{})
	}
	for i, arch := range []string{"llama", "bitnet", "bitnet-25", "bitnet-b1.58", "bitnet", "llama"} { // and every type of embedding
		m := random(F32+DType(i), i%2 == 0)
		m.Arch = arch
		m.Vocab.Pre = []string{"", "llama-bpe", "falcon3"}[i%3]
		write(m, WriteOptions{})
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m *Model
		var err error
		badfiles.Within(t, len(data), func() {
			var file *gguf.File
			if file, err = gguf.Parse(data); err == nil {
				m, err = fromGGUF(file, OpenOptions{})
			}
		})
		if err != nil {
			badfiles.OneLine(t, invalid("", err))
			return
		}
		row := make([]float32, m.Hidden)
		for r := range m.VocabSize {
			m.TokenEmbd.Row(row, r)
			m.Output.Row(row, r)
		}
		for i := range m.Layers {
			for _, matrix := range m.Layers[i].Matrices() {
				for r := range matrix.Dense.Rows {
					matrix.Dense.Row(make([]float32, matrix.Dense.Cols), r)
				}
			}
			for _, matrix := range m.Layers[i].Tensors() {
				for r := range matrix.Rows {
					if matrix.Row(make([]uint32, matrix.Cols/16), r) != nil {
						break // code 3
					}
				}
			}
		}
	})
}
