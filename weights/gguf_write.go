package weights

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"bitnet-gpu/weights/gguf"
)

// fileTypeI2S is general.file_type as bitnet.cpp numbers it.
const fileTypeI2S = 40

// WriteGGUF writes the model to path as a GGUF file with I2_S matrices, in the
// form of the 2B4T's official file. What was at path before stays until the
// new file is complete. Errors begin with the path.
func (m *Model) WriteGGUF(path string) error {
	err := m.writeGGUF(path)
	var known *fileError // of the file that m is read from
	if err != nil && !errors.As(err, &known) {
		var system *os.PathError
		if errors.As(err, &system) {
			err = fmt.Errorf("%s: %w", path, system.Err)
		} else {
			err = fmt.Errorf("%s: %w", path, err)
		}
	}
	return err
}

func (m *Model) writeGGUF(path string) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.part")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // which fails after the rename
	defer file.Close()
	if err := m.writeTensors(file); err != nil {
		return err
	}
	if err := errors.Join(file.Chmod(0o644), file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// A source is a tensor that is to be written, and its data.
type source struct {
	gguf.Tensor
	parts [][]byte
}

func (m *Model) writeTensors(file *os.File) error {
	sources, err := m.sources()
	if err != nil {
		return err
	}
	tensors := make([]gguf.Tensor, len(sources))
	for i := range sources {
		tensors[i] = sources[i].Tensor
	}
	w, err := gguf.NewWriter(&copier{file: file}, m.keys(), tensors)
	if err != nil {
		return err
	}
	for i := range sources {
		var failed error
		err := m.Guard(func() error {
			failed = w.WriteTensor(sources[i].Name, sources[i].parts...)
			return nil
		})
		if err := errors.Join(err, failed); err != nil {
			return err
		}
	}
	return w.Close()
}

// A copier writes to a file by way of memory of its own. The data may be the
// map of another file, and a map that has lost its file gives an obscure error
// in a system call, but a fault that Guard explains in a copy.
type copier struct {
	file *os.File
	buf  [1 << 18]byte
}

func (c *copier) Write(p []byte) (int, error) {
	for chunk := range slices.Chunk(p, len(c.buf)) {
		n := copy(c.buf[:], chunk)
		if _, err := c.file.Write(c.buf[:n]); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// keys returns the metadata with the keys of the official file, in its order,
// and those whose lack has confused readers of it.
func (m *Model) keys() []gguf.KV {
	kv := []gguf.KV{{Key: "general.architecture", Value: m.Arch}, {Key: "general.name", Value: m.Name}}
	add := func(key string, value any) { kv = append(kv, gguf.KV{Key: key, Value: value}) }
	add(m.Arch+".vocab_size", uint32(m.VocabSize))
	add(m.Arch+".context_length", uint32(m.Context))
	add(m.Arch+".embedding_length", uint32(m.Hidden))
	add(m.Arch+".block_count", uint32(m.Blocks))
	add(m.Arch+".feed_forward_length", uint32(m.FFN))
	add(m.Arch+".rope.dimension_count", uint32(m.HeadDim))
	add(m.Arch+".attention.head_count", uint32(m.Heads))
	add(m.Arch+".attention.head_count_kv", uint32(m.KVHeads))
	if m.HeadDim*m.Heads != m.Hidden {
		add(m.Arch+".attention.key_length", uint32(m.HeadDim))
		add(m.Arch+".attention.value_length", uint32(m.HeadDim))
	}
	add(m.Arch+".attention.layer_norm_rms_epsilon", m.NormEps)
	add(m.Arch+".rope.freq_base", float32(m.RopeBase))
	add("general.file_type", uint32(fileTypeI2S))
	kv = append(kv, m.Vocab.keys()...)
	add("general.quantization_version", uint32(2))
	return kv
}

func (v *Vocab) keys() (kv []gguf.KV) {
	if len(v.Tokens) == 0 {
		return nil
	}
	add := func(key string, value any) { kv = append(kv, gguf.KV{Key: key, Value: value}) }
	add("tokenizer.ggml.add_bos_token", v.AddBOS)
	add("tokenizer.ggml.model", v.Model)
	if pre := preTokenizer(v); pre != "" {
		add("tokenizer.ggml.pre", pre)
	}
	add("tokenizer.ggml.tokens", v.Tokens)
	add("tokenizer.ggml.scores", make([]float32, len(v.Tokens))) // some readers want them
	if v.Types != nil {
		types := make([]int32, len(v.Types))
		for i, t := range v.Types {
			types[i] = int32(t)
		}
		add("tokenizer.ggml.token_type", types)
	}
	if v.Merges != nil {
		add("tokenizer.ggml.merges", v.Merges)
	}
	for _, id := range []struct {
		name string
		id   int32
	}{{"bos", v.BOS}, {"eos", v.EOS}, {"padding", v.Pad}, {"eot", v.EOT}} {
		if id.id >= 0 {
			add("tokenizer.ggml."+id.name+"_token_id", uint32(id.id))
		}
	}
	if v.ChatTemplate != "" {
		add("tokenizer.chat_template", v.ChatTemplate)
	}
	return kv
}

// sources lists the tensors under the names that fromGGUF looks for.
func (m *Model) sources() ([]source, error) {
	var list []source
	norm := func(name string, weights []float32) {
		list = append(list, source{
			gguf.Tensor{Name: name, Type: gguf.F32, Dims: []int{len(weights)}},
			[][]byte{floatBytes(weights)},
		})
	}
	dense := func(name string, d *Dense) {
		list = append(list, source{
			gguf.Tensor{Name: name, Type: ggufType(d.Type), Dims: []int{d.Cols, d.Rows}},
			[][]byte{d.Data},
		})
	}
	var err error
	matrix := func(name string, t *Ternary) {
		n := t.Rows * t.Cols
		if err == nil && (n%128 != 0 || len(t.Data) != n/4) {
			err = fmt.Errorf("tensor %q of %d x %d weights cannot be I2_S, which wants a multiple of 128", name, t.Rows, t.Cols)
		}
		tail := make([]byte, 32)
		binary.LittleEndian.PutUint32(tail, math.Float32bits(t.Scale))
		list = append(list, source{
			gguf.Tensor{Name: name, Type: gguf.I2_S, Dims: []int{t.Cols, t.Rows}},
			[][]byte{t.Data, tail},
		})
	}
	dense("token_embd.weight", &m.TokenEmbd)
	for i := range m.Layers {
		l := &m.Layers[i]
		name := func(part string) string { return fmt.Sprintf("blk.%d.%s.weight", i, part) }
		norm(name("attn_norm"), l.AttnNorm)
		matrix(name("ffn_down"), &l.Down)
		norm(name("ffn_sub_norm"), l.FFNSubNorm)
		matrix(name("ffn_gate"), &l.Gate)
		matrix(name("ffn_up"), &l.Up)
		norm(name("ffn_norm"), l.FFNNorm)
		norm(name("attn_sub_norm"), l.AttnSubNorm)
		matrix(name("attn_k"), &l.K)
		matrix(name("attn_output"), &l.O)
		matrix(name("attn_q"), &l.Q)
		matrix(name("attn_v"), &l.V)
	}
	norm("output_norm.weight", m.OutputNorm)
	if !m.Tied {
		dense("output.weight", &m.Output)
	}
	return list, err
}

func ggufType(t DType) gguf.Type {
	for file, dtype := range ggufDTypes {
		if dtype == t {
			return file
		}
	}
	panic(fmt.Sprintf("BUG: weights: dense type %d", t))
}

func floatBytes(x []float32) []byte {
	b := make([]byte, 0, 4*len(x))
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}
