package weights

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bitnet-gpu/cpu/kernel"
	"bitnet-gpu/weights/safetensors"
	"bitnet-gpu/weights/ternary"
)

// openHF opens a directory as Hugging Face has models: config.json, the
// safetensors, and what describes the text, hf_text.go. Master weights have no
// scale yet.
func openHF(dir string) (*Model, error) {
	config, err := readHFConfig(filepath.Join(dir, "config.json"))
	if err != nil {
		return nil, err
	}
	files, err := openShards(dir)
	if err != nil {
		return nil, err
	}
	m := &Model{Config: config.Config, Path: dir, files: files}
	err = m.Guard(func() error { return m.readHF(config) })
	if err == nil {
		m.Vocab, err = readHFText(dir, config)
	}
	if err != nil {
		_ = m.Close() // the first error says more
		return nil, invalid(dir, err)
	}
	return m, nil
}

// openShards maps the files that hold a directory's tensors: model.safetensors, or
// where there is none those that the index names. An index beside the one file is of
// another build of the model, and transformers does not look at it either.
func openShards(dir string) ([]*mapping, error) {
	names := []string{"model.safetensors"}
	index := filepath.Join(dir, "model.safetensors.index.json")
	if !isRegular(filepath.Join(dir, names[0])) {
		switch data, err := readText(index, maxIndex); {
		case err == nil:
			if names, err = safetensors.ParseIndex(data); err != nil {
				return nil, invalid(index, err)
			}
		case !errors.Is(err, fs.ErrNotExist):
			return nil, invalid(index, err)
		}
	}
	var files []*mapping
	for _, name := range names {
		file, err := openMapping(filepath.Join(dir, name))
		if err != nil {
			_ = closeAll(files)
			if pickled, _ := filepath.Glob(filepath.Join(dir, "pytorch_model*.bin")); pickled != nil && errors.Is(err, fs.ErrNotExist) {
				err = fmt.Errorf("%w (PyTorch's .bin files are not read: convert them to safetensors)", err)
			}
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

// maxIndex bounds the index, of about 100 bytes for each tensor.
const maxIndex = 16 << 20

// readHF fills the model from its files.
func (m *Model) readHF(config *hfConfig) error {
	r := &hfReader{config: config, tensors: map[string]*safetensors.Tensor{}}
	for _, file := range m.files {
		if err := r.addFile(file); err != nil {
			return invalid(file.path, err)
		}
	}
	m.SubNorms = config.bitnet || r.find(subNormNames(0, 0)...) != nil
	_, hasHead := r.tensors["lm_head.weight"]
	m.Tied = !hasHead && config.Tie == nil || config.Tie != nil && *config.Tie
	m.TokenEmbd = r.dense("model.embed_tokens.weight", m.VocabSize, m.Hidden)
	m.OutputNorm = r.norm(m.Hidden, "model.norm.weight")
	m.Output = m.TokenEmbd
	if m.Tied {
		delete(r.tensors, "lm_head.weight") // a copy
	} else {
		m.Output = r.dense("lm_head.weight", m.VocabSize, m.Hidden)
	}
	for i := 0; i < m.Blocks && r.err == nil; i++ {
		m.Layers = append(m.Layers, r.layer(i, &m.Config))
	}
	r.refuseRest()
	if r.err == nil {
		m.Format = "safetensors, " + m.types()
	}
	return r.err
}

// An hfReader reads a model. After the first error it gives zeros, and err keeps
// that error.
type hfReader struct {
	config  *hfConfig
	tensors map[string]*safetensors.Tensor // not yet read
	packed  bool                           // there are packed matrices
	err     error
}

func (r *hfReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

func (r *hfReader) addFile(file *mapping) error {
	container, err := safetensors.Parse(file.data)
	if err != nil {
		return err
	}
	for i := range container.Tensors {
		t := &container.Tensors[i]
		if r.tensors[t.Name] != nil {
			return fmt.Errorf("tensor %.80q stands in another file too", t.Name)
		}
		r.tensors[t.Name] = t
		r.packed = r.packed || t.Type == "U8"
	}
	return nil
}

// refuseRest looks for what would change the result and is not computed here.
func (r *hfReader) refuseRest() {
	for _, name := range slices.Sorted(maps.Keys(r.tensors)) {
		if !strings.HasSuffix(name, ".rotary_emb.inv_freq") { // follows from the configuration
			r.fail("tensor %.80q is not known with %s", name, r.config.architecture())
		}
	}
}

// find takes the first tensor there is of those names, or returns nil.
func (r *hfReader) find(names ...string) *safetensors.Tensor {
	for _, name := range names {
		if t := r.tensors[name]; t != nil {
			return t
		}
	}
	return nil
}

// take returns the tensor of the first of these names, and counts it as read.
func (r *hfReader) take(names ...string) *safetensors.Tensor {
	if r.err != nil {
		return nil
	}
	t := r.find(names...)
	if t == nil {
		r.fail("tensor %q is missing", names[0])
		return nil
	}
	delete(r.tensors, t.Name)
	return t
}

// subNormNames returns the names of a block's norms before the attention's
// output (0) or the FFN's (1): those of transformers and 1bitLLM's own.
func subNormNames(block, which int) []string {
	prefix := fmt.Sprintf("model.layers.%d.", block)
	return [][]string{
		{prefix + "self_attn.attn_sub_norm.weight", prefix + "self_attn.inner_attn_ln.weight"},
		{prefix + "mlp.ffn_sub_norm.weight", prefix + "mlp.ffn_layernorm.weight"},
	}[which]
}

func (r *hfReader) layer(i int, c *Config) Layer {
	prefix := fmt.Sprintf("model.layers.%d.", i)
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	l := Layer{
		AttnNorm: r.norm(c.Hidden, prefix+"input_layernorm.weight"),
		Q:        r.linear(prefix+"self_attn.q_proj", q, c.Hidden),
		K:        r.linear(prefix+"self_attn.k_proj", kv, c.Hidden),
		V:        r.linear(prefix+"self_attn.v_proj", kv, c.Hidden),
		O:        r.linear(prefix+"self_attn.o_proj", c.Hidden, q),
		FFNNorm:  r.norm(c.Hidden, prefix+"post_attention_layernorm.weight"),
		Gate:     r.linear(prefix+"mlp.gate_proj", c.FFN, c.Hidden),
		Up:       r.linear(prefix+"mlp.up_proj", c.FFN, c.Hidden),
		Down:     r.linear(prefix+"mlp.down_proj", c.Hidden, c.FFN),
	}
	if c.SubNorms {
		l.AttnSubNorm = r.norm(q, subNormNames(i, 0)...)
		l.FFNSubNorm = r.norm(c.FFN, subNormNames(i, 1)...)
	}
	return l
}

var (
	hfDTypes  = map[string]DType{"F32": F32, "F16": F16, "BF16": BF16}
	hfMasters = map[string]ternary.Format{"F32": ternary.F32, "F16": ternary.F16, "BF16": ternary.BF16}
)

func (r *hfReader) shape(t *safetensors.Tensor, dims ...int) bool {
	if !slices.Equal(t.Shape, dims) {
		r.fail("tensor %q has shape %v, expected %v", t.Name, t.Shape, dims)
	}
	return r.err == nil
}

// dense returns the embedding, the head or a matrix that is not ternary.
func (r *hfReader) dense(name string, rows, cols int) Dense {
	t := r.take(name)
	if t == nil || !r.shape(t, rows, cols) {
		return Dense{}
	}
	dtype, ok := hfDTypes[t.Type]
	if !ok {
		r.fail("tensor %q is of type %s, expected BF16, F16 or F32", name, t.Type)
	}
	return Dense{Name: name, Type: dtype, Rows: rows, Cols: cols, Data: t.Data}
}

// norm returns a norm's weights, as ggufReader.norm does.
func (r *hfReader) norm(n int, names ...string) []float32 {
	t := r.take(names...)
	if t == nil || !r.shape(t, n) {
		return nil
	}
	dtype, ok := hfDTypes[t.Type]
	if !ok {
		r.fail("tensor %q is of type %s, expected BF16, F16 or F32", t.Name, t.Type)
		return nil
	}
	weights, err := normWeights(t.Name, &Dense{Type: dtype, Rows: 1, Cols: n, Data: t.Data})
	if err != nil {
		r.fail("%v", err)
	}
	return weights
}

// linear returns the matrix of that module: dense where the configuration says so,
// else ternary.
func (r *hfReader) linear(module string, rows, cols int) Linear {
	name := module + ".weight"
	kept, err := r.config.kept(module)
	t := r.find(name)
	switch {
	case err != nil:
		r.fail("%v", err)
	case t == nil, !kept && !(r.packed && hfMasters[t.Type] != 0):
		return Linear{Ternary: r.ternary(module, rows, cols)}
	case !kept:
		r.fail("tensor %q is %s among packed ones, and modules_to_not_convert does not name it: name it there if it is dense", name, t.Type)
	case t.Type == "U8":
		r.fail("tensor %q is packed, but the configuration says that it is dense", name)
	case cols < minDense:
		r.fail("%v", narrowDense(name, cols))
	default:
		return Linear{Dense: r.dense(name, rows, cols)}
	}
	return Linear{}
}

// ternary returns a ternary matrix: packed, with a weight_scale beside it, or
// master weights, whose scale is found later.
func (r *hfReader) ternary(name string, rows, cols int) Ternary {
	t := r.take(name + ".weight")
	if t == nil {
		return Ternary{}
	}
	m := Ternary{Name: t.Name, Matrix: ternary.Matrix{Rows: rows, Cols: cols, Data: t.Data}}
	if t.Type != "U8" {
		format, ok := hfMasters[t.Type]
		if !ok {
			r.fail("tensor %q is of type %s, expected U8, BF16, F16 or F32", t.Name, t.Type)
		} else if r.shape(t, rows, cols) {
			m.Format = format
		}
		return m
	}
	if rows%4 != 0 {
		r.fail("tensor %q: %d rows cannot be packed, expected a multiple of 4", t.Name, rows)
	}
	if !r.shape(t, rows/4, cols) {
		return m
	}
	m.Format = ternary.HF
	m.Scale = r.scale(name + ".weight_scale")
	return m
}

// scale returns the scale of a packed matrix. Which of the two layers of
// transformers a model was saved from decides whether the file has the scale
// itself or its reciprocal.
func (r *hfReader) scale(name string) float32 {
	t := r.take(name)
	if t == nil {
		return 0
	}
	dtype, ok := hfDTypes[t.Type]
	if !ok || !slices.Contains([]int{4, 2}, len(t.Data)) || len(t.Data) != dtypes[dtype].bytes {
		r.fail("tensor %q is %s of shape %v, expected one BF16, F16 or F32", name, t.Type, t.Shape)
		return 0
	}
	var x [1]float32
	(&Dense{Type: dtype, Rows: 1, Cols: 1, Data: t.Data}).Row(x[:], 0)
	scale := x[0]
	if !r.config.multiply() {
		scale = 1 / scale
	}
	if !(scale >= minScale && scale <= maxScale) {
		r.fail("tensor %q makes a scale of %v, expected one from 2^-18 to 2^18", name, scale)
	}
	return scale
}

// normWeights returns a norm's weights as the arithmetic contract wants them:
// float32, and 0 for those too small to matter, of which real files have some.
func normWeights(name string, d *Dense) ([]float32, error) {
	weights := make([]float32, d.Cols)
	d.Row(weights, 0)
	for i, w := range weights {
		if math.IsNaN(float64(w)) || math.IsInf(float64(w), 0) {
			return nil, fmt.Errorf("tensor %q holds %v at %d", name, w, i)
		}
		weights[i] = kernel.FZ(w)
	}
	return weights, nil
}

// isHF reports whether path names a model as Hugging Face has them: a directory,
// or a safetensors file in one.
func isHF(path string) bool {
	info, err := os.Stat(path)
	return strings.HasSuffix(path, ".safetensors") || err == nil && info.IsDir()
}
