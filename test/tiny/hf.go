package tiny

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"bitnet-gpu/weights"
	"bitnet-gpu/weights/safetensors"
	"bitnet-gpu/weights/ternary"
	"bitnet-gpu/weights/vocab"
)

// HFOptions say what a directory of WriteHF holds.
type HFOptions struct {
	Master string // "BF16", "F16" or "F32": master weights; "": packed ones
	Divide bool   // weight_scale is the scale's reciprocal, rounded to BF16
	Shards int    // files; up to 1: one without an index
	Old    bool   // 1bitLLM's names of the sub-norms
}

// WriteHF writes a model as Hugging Face has it. Scales are stored as BF16. Of a
// master, the weights of a matrix have the magnitude of its scale, or 1/16 of
// it in place of 0.
func WriteHF(dir string, m *weights.Model, opt HFOptions) error {
	shards := make([][]safetensors.Tensor, max(opt.Shards, 1))
	index := map[string]string{}
	n := 0
	file := func(i int) string {
		if len(shards) == 1 {
			return "model.safetensors"
		}
		return fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, len(shards))
	}
	for _, t := range hfTensors(m, opt) {
		shards[n%len(shards)] = append(shards[n%len(shards)], t)
		index[t.Name] = file(n % len(shards))
		n++
	}
	for i, tensors := range shards {
		f, err := os.Create(filepath.Join(dir, file(i)))
		if err != nil {
			return err
		}
		if err := safetensors.Write(f, tensors); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	files := map[string]any{
		"config.json":            hfConfig(m, opt),
		"tokenizer.json":         TokenizerJSON(&m.Vocab),
		"tokenizer_config.json":  map[string]any{"chat_template": m.Vocab.ChatTemplate},
		"generation_config.json": map[string]any{"eos_token_id": []int32{m.Vocab.EOS, m.Vocab.EOT}},
	}
	if len(shards) > 1 {
		files["model.safetensors.index.json"] = map[string]any{"weight_map": index}
	}
	for name, value := range files {
		data, err := json.Marshal(value)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func hfConfig(m *weights.Model, opt HFOptions) map[string]any {
	class := "BitNetForCausalLM"
	if m.Arch == "llama" {
		class = "LlamaForCausalLM"
	}
	linear := "autobitlinear"
	if opt.Divide {
		linear = "bitlinear"
	}
	config := map[string]any{
		"architectures": []string{class}, "_name_or_path": m.Name, "hidden_act": m.Activation.String(),
		"hidden_size": m.Hidden, "intermediate_size": m.FFN, "num_hidden_layers": m.Blocks, "num_attention_heads": m.Heads,
		"num_key_value_heads": m.KVHeads, "head_dim": m.HeadDim, "vocab_size": m.VocabSize, "max_position_embeddings": m.Context,
		"rms_norm_eps": m.NormEps, "rope_theta": m.RopeBase, "tie_word_embeddings": m.Tied,
		"bos_token_id": m.Vocab.BOS, "eos_token_id": m.Vocab.EOS, "pad_token_id": m.Vocab.Pad,
	}
	if kept := denseModules(m); len(kept) < 7*m.Blocks { // else a plain Llama
		config["quantization_config"] = map[string]any{"quant_method": "bitnet", "linear_class": linear, "modules_to_not_convert": kept}
	}
	return config
}

// hfModules are the modules of a layer, in the order of Layer.Matrices.
var hfModules = []string{"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"}

// denseModules names the modules that are not ternary.
func denseModules(m *weights.Model) (names []string) {
	for i := range m.Layers {
		for j, matrix := range m.Layers[i].Matrices() {
			if matrix.IsDense() {
				names = append(names, fmt.Sprintf("model.layers.%d.%s", i, hfModules[j]))
			}
		}
	}
	return names
}

func hfTensors(m *weights.Model, opt HFOptions) []safetensors.Tensor {
	var list []safetensors.Tensor
	add := func(name, typ string, data []byte, shape ...int) {
		list = append(list, safetensors.Tensor{Name: name, Type: typ, Shape: shape, Data: data})
	}
	dense := func(name string, d *weights.Dense) {
		if d.Type > weights.BF16 {
			panic("BUG: tiny.WriteHF: a dense matrix of type " + d.Type.String())
		}
		add(name, d.Type.String(), d.Data, d.Rows, d.Cols)
	}
	norm := func(name string, w []float32) {
		var data []byte
		for _, x := range w {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
		}
		add(name, "F32", data, len(w))
	}
	matrix := func(name string, l *weights.Linear) {
		if l.IsDense() {
			dense(name+".weight", &l.Dense)
			return
		}
		t := &l.Ternary
		trits := unpack(t)
		if opt.Master != "" {
			add(name+".weight", opt.Master, master(trits, t.Scale, opt.Master), t.Rows, t.Cols)
			return
		}
		packed := make([]byte, len(trits)/4)
		for i, x := range trits {
			packed[i%len(packed)] |= byte(x+1) << (i / len(packed) * 2)
		}
		add(name+".weight", "U8", packed, t.Rows/4, t.Cols)
		scale := t.Scale
		if opt.Divide {
			scale = 1 / scale
		}
		add(name+".weight_scale", "BF16", binary.LittleEndian.AppendUint16(nil, BF16(scale)), 1)
	}
	dense("model.embed_tokens.weight", &m.TokenEmbd)
	norm("model.norm.weight", m.OutputNorm)
	if !m.Tied {
		dense("lm_head.weight", &m.Output)
	}
	for i := range m.Layers {
		l, prefix := &m.Layers[i], fmt.Sprintf("model.layers.%d.", i)
		norm(prefix+"input_layernorm.weight", l.AttnNorm)
		norm(prefix+"post_attention_layernorm.weight", l.FFNNorm)
		for j, m := range l.Matrices() {
			matrix(prefix+hfModules[j], m)
		}
		switch {
		case m.SubNorms && opt.Old:
			norm(prefix+"self_attn.inner_attn_ln.weight", l.AttnSubNorm)
			norm(prefix+"mlp.ffn_layernorm.weight", l.FFNSubNorm)
		case m.SubNorms:
			norm(prefix+"self_attn.attn_sub_norm.weight", l.AttnSubNorm)
			norm(prefix+"mlp.ffn_sub_norm.weight", l.FFNSubNorm)
		}
	}
	return list
}

// unpack returns the weights of a matrix (Rows, Cols).
func unpack(t *weights.Ternary) []int8 {
	trits := make([]int8, t.Rows*t.Cols)
	words := make([]uint32, t.Cols/ternary.WordWeights)
	for row := range t.Rows {
		if err := t.Row(words, row); err != nil {
			panic(fmt.Sprintf("BUG: tiny: %s: %v", t.Name, err))
		}
		ternary.Unpack(trits[row*t.Cols:], words)
	}
	return trits
}

// master makes floats that round to the weights.
func master(trits []int8, scale float32, typ string) []byte {
	var data []byte
	for i, t := range trits {
		x := scale * float32(t)
		if t == 0 {
			x = scale / 16 * float32(1-2*(i&1))
		}
		switch typ {
		case "BF16":
			data = binary.LittleEndian.AppendUint16(data, BF16(x))
		case "F16": // of a BF16 of medium size
			half := uint16(0)
			if b := BF16(x); b&0x7FFF != 0 {
				half = b&0x8000 | (b&0x7FFF-112<<7)<<3
			}
			data = binary.LittleEndian.AppendUint16(data, half)
		default:
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
		}
	}
	return data
}

// BF16 rounds to the nearest bfloat16, half to even.
func BF16(x float32) uint16 {
	bits := math.Float32bits(x)
	return uint16((bits + 0x7FFF + bits>>16&1) >> 16)
}

// TokenizerJSON is the tokenizer.json of a byte-level vocabulary.
func TokenizerJSON(v *vocab.Vocab) map[string]any {
	ids := map[string]int{}
	var added []map[string]any
	for id, token := range v.Tokens {
		if v.Types[id] == vocab.TokenControl {
			added = append(added, map[string]any{"id": id, "content": token, "special": true})
		} else {
			ids[token] = id
		}
	}
	const pattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	return map[string]any{
		"added_tokens": added,
		"pre_tokenizer": map[string]any{"type": "Sequence", "pretokenizers": []map[string]any{
			{"type": "Split", "pattern": map[string]any{"Regex": pattern}, "behavior": "Isolated"},
			{"type": "ByteLevel", "add_prefix_space": false, "use_regex": false},
		}},
		"post_processor": map[string]any{"type": "TemplateProcessing", "single": []map[string]any{
			{"SpecialToken": map[string]any{"id": v.Tokens[v.BOS]}}, {"Sequence": map[string]any{"id": "A"}},
		}},
		"decoder": map[string]any{"type": "ByteLevel"},
		"model":   map[string]any{"type": "BPE", "ignore_merges": true, "vocab": ids, "merges": v.Merges},
	}
}
