package weights

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"bitnet-gpu/weights/gguf"
	"bitnet-gpu/weights/outfile"
	"bitnet-gpu/weights/ternary"
	"bitnet-gpu/weights/vocab"
)

// WriteOptions say what a written file holds. The zero value is the form of the
// 2B4T's official file.
type WriteOptions struct {
	Type     ternary.Format                // of the ternary matrices: I2S, TQ1_0, TQ2_0 or IQ2_BN; dense ones stay as they are
	Embd     *DType                        // of embedding and head: F16, BF16, Q8_0 or Q6_K; nil: as they are
	Progress func(done, total int64) error // hears of the bytes written and ends it by an error; may be nil
	Notice   func(line string)             // hears where another program takes the file otherwise; may be nil
}

// types of ternary matrices in files, with general.file_type: I2_S as bitnet.cpp
// numbers it, IQ2_BN as ik_llama.cpp, the others as llama.cpp does.
var writable = map[ternary.Format]struct {
	typ      gguf.Type
	fileType uint32
}{
	ternary.I2S:    {gguf.I2_S, 40},
	ternary.TQ1_0:  {gguf.TQ1_0, 36},
	ternary.TQ2_0:  {gguf.TQ2_0, 37},
	ternary.IQ2_BN: {gguf.IQ2_BN, 137},
}

// WriteGGUF writes the model to path as a GGUF file. It takes little memory,
// whatever the model's size. What was at path before stays until the new file
// is complete, see package outfile; what is no regular file is outfile.ErrTarget.
// Errors begin with the path.
func (m *Model) WriteGGUF(path string, opt WriteOptions) error {
	return m.namePath(path, m.writeGGUF(path, opt, nil))
}

// namePath makes err one of the written path, unless it is one of the file that
// m is read from.
func (m *Model) namePath(path string, err error) error {
	var known *fileError // of the file that m is read from
	if err != nil && !(errors.As(err, &known) && known.path != "") {
		var system *os.PathError
		if errors.As(err, &system) {
			err = fmt.Errorf("%s: %w", path, system.Err)
		} else {
			err = fmt.Errorf("%s: %w", path, err)
		}
	}
	return err
}

// writeGGUF writes the model to a temporary file, lets check look at it, and
// gives it the name.
func (m *Model) writeGGUF(path string, opt WriteOptions, check func(g *ggufWriter, path string) error) error {
	g, err := m.newGGUFWriter(opt)
	if err != nil {
		return err
	}
	return outfile.Replace(path, func(file *os.File) error {
		err := g.write(file)
		if err == nil && check != nil {
			err = check(g, file.Name())
		}
		return err
	})
}

// A ggufWriter writes a model. Tensors, writers and sums belong together.
type ggufWriter struct {
	m       *Model
	opt     WriteOptions
	arch    string
	vocab   vocab.Vocab
	tensors []gguf.Tensor
	writers []func(io.Writer) error // of the tensors' data
	sums    []uint64                // of what was written, see convert.go
}

// newGGUFWriter checks that the model can be written so.
func (m *Model) newGGUFWriter(opt WriteOptions) (*ggufWriter, error) {
	g := &ggufWriter{m: m, opt: opt, arch: m.Arch, vocab: m.Vocab}
	if strings.HasPrefix(m.Arch, "bitnet") {
		g.arch = bitnetName(m, opt.Type)
	}
	if g.arch == "bitnet" && m.Activation == ReLU2 && opt.Notice != nil {
		opt.Notice("note: llama.cpp up to v0.5.0 computes SiLU in this file, not the squared ReLU of the model, and answers wrongly: it does not read the key bitnet.hidden_activation")
	}
	if err := g.vocab.ListMerges(); err != nil {
		return nil, err
	}
	return g, g.addTensors()
}

// bitnetName returns the architecture under which the programs that have a type
// look for BitNet with the model's activation. llama.cpp, whose types TQ1_0 and
// TQ2_0 are, knows bitnet alone. The others do not read the key of the activation:
// bitnet is SiLU to them.
func bitnetName(m *Model, f ternary.Format) string {
	switch {
	case hasHalf(f) || m.Activation == SiLU:
		return "bitnet"
	case m.Arch == "bitnet":
		return "bitnet-b1.58"
	}
	return m.Arch
}

func (g *ggufWriter) write(file *os.File) error {
	out := &copier{file: file, progress: g.opt.Progress}
	for i := range g.tensors {
		t := &g.tensors[i]
		n := 1
		for _, dim := range t.Dims {
			n *= dim
		}
		out.total += int64(t.Type.Size(n, t.Dims[0]))
	}
	w, err := gguf.NewWriter(out, g.keys(), g.tensors)
	if err != nil {
		return err
	}
	out.done = 0 // the header does not count
	for i := range g.tensors {
		var failed error
		err := g.m.Guard(func() error {
			failed = w.StreamTensor(g.tensors[i].Name, g.writers[i])
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
	file        *os.File
	buf         [1 << 18]byte
	done, total int64
	progress    func(done, total int64) error
}

func (c *copier) Write(p []byte) (int, error) {
	for chunk := range slices.Chunk(p, len(c.buf)) {
		n := copy(c.buf[:], chunk)
		if _, err := c.file.Write(c.buf[:n]); err != nil {
			return 0, err
		}
		c.done += int64(n)
		if c.progress != nil {
			if err := c.progress(c.done, c.total); err != nil {
				return 0, err
			}
		}
	}
	return len(p), nil
}

// keys returns the metadata with the keys of the official file, in its order,
// and those whose lack has confused readers of it.
func (g *ggufWriter) keys() []gguf.KV {
	m := g.m
	kv := []gguf.KV{{Key: "general.architecture", Value: g.arch}, {Key: "general.name", Value: m.Name}}
	add := func(key string, value any) { kv = append(kv, gguf.KV{Key: key, Value: value}) }
	add(g.arch+".vocab_size", uint32(m.VocabSize))
	add(g.arch+".context_length", uint32(m.Context))
	add(g.arch+".embedding_length", uint32(m.Hidden))
	add(g.arch+".block_count", uint32(m.Blocks))
	add(g.arch+".feed_forward_length", uint32(m.FFN))
	add(g.arch+".rope.dimension_count", uint32(m.HeadDim))
	add(g.arch+".attention.head_count", uint32(m.Heads))
	add(g.arch+".attention.head_count_kv", uint32(m.KVHeads))
	if m.HeadDim*m.Heads != m.Hidden {
		add(g.arch+".attention.key_length", uint32(m.HeadDim))
		add(g.arch+".attention.value_length", uint32(m.HeadDim))
	}
	add(g.arch+".attention.layer_norm_rms_epsilon", m.NormEps)
	add(g.arch+".rope.freq_base", float32(m.RopeBase))
	if architectures[g.arch].subNorms || m.Activation != architectures[g.arch].activation {
		add(g.arch+".hidden_activation", m.Activation.String())
	}
	add("general.file_type", g.fileType())
	kv = append(kv, g.vocab.KV()...)
	add("general.quantization_version", uint32(2))
	return kv
}

// fileType numbers what most matrices are: the ternary ones, or the first.
func (g *ggufWriter) fileType() uint32 {
	if len(g.m.ternaries()) > 0 {
		return writable[g.opt.Type].fileType
	}
	numbers := map[DType]uint32{
		F32: 0, F16: 1, BF16: 32, Q8_0: 7, Q4_0: 2, Q4_1: 3, Q5_0: 8, Q5_1: 9, Q2_K: 10, Q3_K: 12, Q4_K: 15,
		Q5_K: 17, Q6_K: 18, IQ4_NL: 25, IQ4_XS: 30, TQ1_0: 36, TQ2_0: 37,
	}
	return numbers[g.m.Layers[0].Q.Dense.Type]
}

// addTensors lists the tensors under the names that fromGGUF looks for.
func (g *ggufWriter) addTensors() error {
	m := g.m
	err := g.embedding("token_embd.weight", &m.TokenEmbd)
	for i := range m.Layers {
		l := &m.Layers[i]
		name := func(part string) string { return fmt.Sprintf("blk.%d.%s.weight", i, part) }
		g.norm(name("attn_norm"), l.AttnNorm)
		err = cmp.Or(err, g.matrix(name("ffn_down"), &l.Down, 0))
		g.norm(name("ffn_sub_norm"), l.FFNSubNorm)
		err = cmp.Or(err, g.matrix(name("ffn_gate"), &l.Gate, 0))
		err = cmp.Or(err, g.matrix(name("ffn_up"), &l.Up, 0))
		g.norm(name("ffn_norm"), l.FFNNorm)
		g.norm(name("attn_sub_norm"), l.AttnSubNorm)
		paired := ternary.Paired(0)
		if architectures[g.arch].paired {
			paired = ternary.Paired(m.HeadDim)
		}
		err = cmp.Or(err, g.matrix(name("attn_k"), &l.K, paired))
		err = cmp.Or(err, g.matrix(name("attn_output"), &l.O, 0))
		err = cmp.Or(err, g.matrix(name("attn_q"), &l.Q, paired))
		err = cmp.Or(err, g.matrix(name("attn_v"), &l.V, 0))
	}
	g.norm("output_norm.weight", m.OutputNorm)
	if !m.Tied {
		err = cmp.Or(err, g.embedding("output.weight", &m.Output))
	}
	return err
}

func (g *ggufWriter) add(name string, typ gguf.Type, dims []int, write func(io.Writer) error) {
	g.tensors = append(g.tensors, gguf.Tensor{Name: name, Type: typ, Dims: dims})
	g.writers = append(g.writers, write)
	g.sums = append(g.sums, 0)
}

// norm adds a norm, if the model has it.
func (g *ggufWriter) norm(name string, weights []float32) {
	if weights != nil {
		g.add(name, gguf.F32, []int{len(weights)}, writeBytes(floatBytes(weights)))
	}
}

func writeBytes(b []byte) func(io.Writer) error {
	return func(out io.Writer) error { _, err := out.Write(b); return err }
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
