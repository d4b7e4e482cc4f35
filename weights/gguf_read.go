package weights

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"bitnet-gpu/cpu/kernel"
	"bitnet-gpu/weights/gguf"
	"bitnet-gpu/weights/ternary"
	"bitnet-gpu/weights/vocab"
)

// architectures are the graphs that files name. bitnet-25 is what the first
// upload of the 2B4T called itself, bitnet what llama.cpp calls BitNet, llama
// what Llama3-8B-1.58, Falcon3-1.58 and Falcon-E are but for their matrices.
var architectures = map[string]struct {
	activation Activation // without a key that says it
	subNorms   bool       // always; llama has them where the tensors are there
	paired     bool       // the rows of Q and K are for a rotation of neighbours
}{
	"bitnet-b1.58": {ReLU2, true, false},
	"bitnet-25":    {ReLU2, true, false},
	"bitnet":       {SiLU, true, false},
	"llama":        {SiLU, false, true},
}

const (
	// maxWidth keeps the integer product of a row and int8 activations below
	// 2^24, where its float32 is exact: 2^17 * 127.
	maxWidth = 1 << 17

	// maxContext is as far as compute.RopeTable's angles are good.
	maxContext = 1 << 20

	maxBlocks = 1 << 12
)

// fromGGUF makes the model of a GGUF file. What it returns points into the
// file's bytes.
func fromGGUF(f *gguf.File, opt OpenOptions) (*Model, error) {
	arch, err := f.Text("general.architecture")
	if err != nil {
		return nil, err
	}
	if _, ok := architectures[arch]; !ok {
		return nil, fmt.Errorf("architecture %.40q is not supported, only bitnet-b1.58, bitnet-25, bitnet and llama", arch)
	}
	r := &ggufReader{file: f, arch: arch, opt: opt, taken: map[string]bool{}}
	m := &Model{Config: r.config()}
	r.refuseKeys(&m.Config)
	m.TokenEmbd = r.dense("token_embd.weight", m.VocabSize, m.Hidden)
	m.OutputNorm = r.norm("output_norm.weight", m.Hidden)
	m.Output = m.TokenEmbd
	if !m.Tied {
		m.Output = r.dense("output.weight", m.VocabSize, m.Hidden)
	}
	for i := 0; i < m.Blocks && r.err == nil; i++ {
		m.Layers = append(m.Layers, r.layer(i, &m.Config))
	}
	r.refuseRest(m.Blocks)
	if r.err == nil {
		m.Vocab, r.err = vocab.FromGGUF(f, m.VocabSize)
	}
	if r.err != nil {
		return nil, r.err
	}
	if opt.I2SLayout == 0 && m.looksARM() {
		return nil, errors.New("the weights make no sense as I2_S in blocks of 128, but do in blocks of 64, which llama-quantize writes on ARM: " +
			"ask for the I2_S layout 64, or for 128 to insist")
	}
	m.Format = containerName(f) + ", " + m.types()
	return m, nil
}

// containerName says what a model lies in.
func containerName(f *gguf.File) string {
	if _, count, err := f.Part(); err == nil && count > 1 {
		return fmt.Sprintf("GGUF v%d in %d parts", f.Version, count)
	}
	return fmt.Sprintf("GGUF v%d", f.Version)
}

// A ggufReader reads a model. After the first error it gives zeros, and err
// keeps that error.
type ggufReader struct {
	file  *gguf.File
	arch  string
	opt   OpenOptions
	taken map[string]bool // names of tensors that have been read
	err   error
}

func (r *ggufReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *ggufReader) config() Config {
	c := Config{
		Arch:     r.arch,
		Hidden:   r.width("embedding_length", 64),
		FFN:      r.width("feed_forward_length", 16),
		Blocks:   r.int("block_count", 1, maxBlocks),
		Heads:    r.int("attention.head_count", 1, maxWidth),
		Context:  r.int("context_length", 1, maxContext),
		NormEps:  float32(r.float("attention.layer_norm_rms_epsilon", 0x1p-50, 1)),
		RopeBase: 10000, // llama.cpp's default
		Tied:     r.file.Tensor("output.weight") == nil,
	}
	if r.file.Has("general.name") {
		c.Name = read(r, r.file.Text, "general.name")
	}
	if r.has("rope.freq_base") {
		c.RopeBase = r.float("rope.freq_base", 1, 1e12)
	}
	c.KVHeads = c.Heads
	if r.has("attention.head_count_kv") {
		c.KVHeads = r.int("attention.head_count_kv", 1, maxWidth)
	}
	if r.err == nil && c.Heads%c.KVHeads != 0 {
		r.fail(fmt.Errorf("%d query heads for %d key and value heads, expected a multiple", c.Heads, c.KVHeads))
	}
	c.HeadDim = r.headDim(&c)
	c.VocabSize = r.vocabSize()
	c.Activation = r.activation(c.VocabSize)
	c.SubNorms = architectures[r.arch].subNorms || r.file.Tensor("blk.0.attn_sub_norm.weight") != nil
	return c
}

// activation is what a key says, which the official files lack; else what the
// architecture has. Conversions of the 2B4T for llama.cpp are of architecture
// bitnet as 1bitLLM's models are, and known by their vocabulary.
func (r *ggufReader) activation(tokens int) Activation {
	if r.has("hidden_activation") {
		key := r.arch + ".hidden_activation"
		switch name := read(r, r.file.Text, key); name {
		case "relu2", "relu_sqr":
			return ReLU2
		case "silu", "swish":
			return SiLU
		default:
			r.fail(fmt.Errorf("key %q is %.40q, expected relu2 or silu", key, name))
		}
	}
	if r.arch == "bitnet" && vocab.IsLlama3(tokens) {
		return ReLU2
	}
	return architectures[r.arch].activation
}

func (r *ggufReader) headDim(c *Config) int {
	if r.err != nil {
		return 0
	}
	dim := c.Hidden / c.Heads
	rotated := dim
	if r.has("rope.dimension_count") {
		rotated = r.int("rope.dimension_count", 16, maxWidth)
		dim = rotated
	}
	if r.has("attention.key_length") {
		dim = r.int("attention.key_length", 16, maxWidth)
	}
	values := dim
	if r.has("attention.value_length") {
		values = r.int("attention.value_length", 16, maxWidth)
	}
	switch {
	case r.err != nil:
	case dim < 16 || dim%2 != 0:
		r.fail(fmt.Errorf("heads of %d elements, expected an even number from 16", dim))
	case r.has("rope.dimension_count") && rotated != dim:
		r.fail(fmt.Errorf("%d of a head's %d elements rotated, expected all", rotated, dim))
	case values != dim:
		r.fail(fmt.Errorf("values of %d elements for keys of %d, expected the same", values, dim))
	case c.Heads*dim%ternary.WordWeights != 0 || c.Heads*dim > maxWidth:
		r.fail(fmt.Errorf("%d heads of %d elements, expected a multiple of %d up to %d together", c.Heads, dim, ternary.WordWeights, maxWidth))
	}
	return dim
}

// vocabSize is the number of rows of the embedding, which other counts must
// match.
func (r *ggufReader) vocabSize() int {
	const name = "token_embd.weight"
	t := r.file.Tensor(name)
	if t == nil || len(t.Dims) != 2 {
		return 0 // which dense reports
	}
	rows := t.Dims[1]
	if r.has("vocab_size") {
		if n := r.int("vocab_size", 1, math.MaxInt32); r.err == nil && n != rows {
			r.fail(fmt.Errorf("tensor %q has %d rows, but key %q is %d", name, rows, r.arch+".vocab_size", n))
		}
	}
	if rows > math.MaxInt32 {
		r.fail(fmt.Errorf("tensor %q has %d rows, expected at most %d", name, rows, math.MaxInt32))
	}
	return rows
}

// refuseRest refuses tensors that nothing has read: they would change the result.
func (r *ggufReader) refuseRest(blocks int) {
	for i := range r.file.Tensors {
		name := r.file.Tensors[i].Name
		var block int
		switch n, _ := fmt.Sscanf(name, "blk.%d.", &block); {
		case r.taken[name], strings.HasSuffix(name, ".attn_rot_embd.weight"): // the latter follows from the keys
		case n == 1 && (block < 0 || block >= blocks):
			r.fail(fmt.Errorf("tensor %q: key %q is only %d", name, r.arch+".block_count", blocks))
		default:
			r.fail(fmt.Errorf("tensor %q is not supported with architecture %s", name, r.arch))
		}
	}
}

func (r *ggufReader) layer(i int, c *Config) Layer {
	name := func(part string) string { return fmt.Sprintf("blk.%d.%s.weight", i, part) }
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	l := Layer{
		AttnNorm: r.norm(name("attn_norm"), c.Hidden),
		Q:        r.linear(name("attn_q"), q, c.Hidden),
		K:        r.linear(name("attn_k"), kv, c.Hidden),
		V:        r.linear(name("attn_v"), kv, c.Hidden),
		O:        r.linear(name("attn_output"), c.Hidden, q),
		FFNNorm:  r.norm(name("ffn_norm"), c.Hidden),
		Gate:     r.linear(name("ffn_gate"), c.FFN, c.Hidden),
		Up:       r.linear(name("ffn_up"), c.FFN, c.Hidden),
		Down:     r.linear(name("ffn_down"), c.Hidden, c.FFN),
	}
	if c.SubNorms {
		l.AttnSubNorm = r.norm(name("attn_sub_norm"), q)
		l.FFNSubNorm = r.norm(name("ffn_sub_norm"), c.FFN)
	}
	if architectures[r.arch].paired {
		l.Q.pair(c.HeadDim)
		l.K.pair(c.HeadDim)
	}
	return l
}

// tensor returns the tensor of that name and shape (dims as GGUF orders them,
// the columns first), or nil after an error.
func (r *ggufReader) tensor(name string, dims ...int) *gguf.Tensor {
	if r.err != nil {
		return nil
	}
	t := r.file.Tensor(name)
	if t == nil {
		r.fail(fmt.Errorf("tensor %q is missing", name))
	} else if !slices.Equal(t.Dims, dims) {
		r.fail(fmt.Errorf("tensor %q has shape %v, expected %v", name, t.Dims, dims))
		return nil
	}
	r.taken[name] = true
	return t
}

var ggufFormats = map[gguf.Type]ternary.Format{
	gguf.I2_S: ternary.I2S, gguf.TQ1_0: ternary.TQ1_0, gguf.TQ2_0: ternary.TQ2_0,
	gguf.IQ1_BN: ternary.IQ1_BN, gguf.IQ2_BN: ternary.IQ2_BN,
}

// linear returns the matrix of that name: ternary where its type can be, dense
// where it cannot.
func (r *ggufReader) linear(name string, rows, cols int) Linear {
	t := r.tensor(name, cols, rows)
	if t == nil {
		return Linear{}
	}
	_, tern := ggufFormats[t.Type]
	if _, dense := ggufDTypes[t.Type]; tern || !dense {
		return Linear{Ternary: r.ternary(name, rows, cols)}
	}
	if cols < minDense {
		r.fail(narrowDense(name, cols))
	}
	return Linear{Dense: r.dense(name, rows, cols)}
}

// minDense is the least length of rows of dense matrices that the arithmetic
// contract allows.
const minDense = 64

func narrowDense(name string, cols int) error {
	return fmt.Errorf("tensor %q is dense and has rows of %d, expected at least %d", name, cols, minDense)
}

// ternary returns the matrix of that name, with its scale: behind the codes in
// I2_S, in every block or row in the others; times that of a tensor NAME.scale
// where there is one.
func (r *ggufReader) ternary(name string, rows, cols int) Ternary {
	t := r.tensor(name, cols, rows)
	if t == nil {
		return Ternary{}
	}
	format, ok := ggufFormats[t.Type]
	if !ok {
		r.fail(fmt.Errorf("tensor %q is of type %s, expected I2_S, TQ1_0, TQ2_0, IQ1_BN, IQ2_BN or a type of dense matrices", name, t.Type))
		return Ternary{}
	}
	size := format.Size(rows, cols)
	if format == ternary.I2S && r.opt.I2SLayout == 64 {
		format = ternary.I2S64
	}
	m := Ternary{Name: name, Matrix: ternary.Matrix{Format: format, Rows: rows, Cols: cols, Data: t.Data[:size:size]}}
	hint := ""
	switch format {
	case ternary.I2S, ternary.I2S64:
		m.Scale = float32At(t.Data[size:])
		hint = " (llama-quantize with several threads writes wrong I2_S files: run it with 1)"
	case ternary.IQ2_BN:
		m.Scale = math.Float32frombits(m.FindLevel())
	default:
		m.Scale = kernel.FromHalf(uint16(m.FindLevel()))
	}
	if t.Type != gguf.I2_S && m.Level == 0 {
		m.Scale = 1 // of weights that are all 0
	}
	if scale := strings.TrimSuffix(name, "weight") + "scale"; r.file.Tensor(scale) != nil {
		if t := r.tensor(scale, 1); t != nil && t.Type == gguf.F32 {
			m.Scale *= float32At(t.Data)
		} else if t != nil {
			r.fail(fmt.Errorf("tensor %q is of type %s, expected F32", scale, t.Type))
		}
	}
	if !(m.Scale >= minScale && m.Scale <= maxScale) {
		r.fail(fmt.Errorf("tensor %q has scale %v, expected one from 2^-18 to 2^18%s", name, m.Scale, hint))
		return Ternary{}
	}
	return m
}

func float32At(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }

// The arithmetic contract's range of scales (package engine/compute).
const (
	minScale = 0x1p-18
	maxScale = 0x1p18
)

var ggufDTypes = map[gguf.Type]DType{
	gguf.F32: F32, gguf.F16: F16, gguf.BF16: BF16, gguf.Q8_0: Q8_0,
	gguf.Q4_0: Q4_0, gguf.Q4_1: Q4_1, gguf.Q5_0: Q5_0, gguf.Q5_1: Q5_1, gguf.IQ4_NL: IQ4_NL, gguf.IQ4_XS: IQ4_XS,
	gguf.Q2_K: Q2_K, gguf.Q3_K: Q3_K, gguf.Q4_K: Q4_K, gguf.Q5_K: Q5_K, gguf.Q6_K: Q6_K,
	gguf.TQ1_0: TQ1_0, gguf.TQ2_0: TQ2_0,
}

// dense returns the embedding, the head or a matrix that is not ternary.
func (r *ggufReader) dense(name string, rows, cols int) Dense {
	t := r.tensor(name, cols, rows)
	if t == nil {
		return Dense{}
	}
	dtype, ok := ggufDTypes[t.Type]
	if !ok {
		r.fail(fmt.Errorf("tensor %q is of type %s, expected %s: llama-quantize has the options --token-embedding-type and --output-tensor-type", name, t.Type, dtypeNames()))
	}
	return Dense{Name: name, Type: dtype, Rows: rows, Cols: cols, Data: t.Data}
}

// norm returns a norm's weights.
func (r *ggufReader) norm(name string, n int) []float32 {
	t := r.tensor(name, n)
	if t == nil {
		return nil
	}
	dtype, ok := ggufDTypes[t.Type]
	if !ok || dtypes[dtype].block != 1 {
		r.fail(fmt.Errorf("tensor %q is of type %s, expected F32, F16 or BF16", name, t.Type))
		return nil
	}
	weights, err := normWeights(name, &Dense{Type: dtype, Rows: 1, Cols: n, Data: t.Data})
	if err != nil {
		r.fail(err)
	}
	return weights
}

// read gets the value at a key, unless there was an error before.
func read[T any](r *ggufReader, get func(key string) (T, error), key string) (value T) {
	if r.err == nil {
		value, r.err = get(key)
	}
	return value
}

// The keys below are the architecture's own.

func (r *ggufReader) has(key string) bool { return r.file.Has(r.arch + "." + key) }

func (r *ggufReader) int(key string, low, high int) int {
	key = r.arch + "." + key
	n := read(r, r.file.Int, key)
	if r.err == nil && (n < low || n > high) {
		r.fail(fmt.Errorf("key %q is %d, expected %d to %d", key, n, low, high))
	}
	return n
}

// width is the length of rows of ternary matrices.
func (r *ggufReader) width(key string, low int) int {
	n := r.int(key, low, maxWidth)
	if r.err == nil && n%ternary.WordWeights != 0 {
		r.fail(fmt.Errorf("key %q is %d, expected a multiple of %d", r.arch+"."+key, n, ternary.WordWeights))
	}
	return n
}

func (r *ggufReader) float(key string, low, high float64) float64 {
	key = r.arch + "." + key
	x := read(r, r.file.Float, key)
	if r.err == nil && !(x >= low && x <= high) {
		r.fail(fmt.Errorf("key %q is %v, expected %v to %v", key, x, low, high))
	}
	return x
}
