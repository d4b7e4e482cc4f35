package weights_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bitnet-gpu/test/badfiles"
	"bitnet-gpu/test/tiny"
	"bitnet-gpu/weights"
	"bitnet-gpu/weights/safetensors"
	"bitnet-gpu/weights/vocab"
)

// hfShape has small rows and a tied F16 embedding.
var hfShape = tiny.Shape{Name: "hf", Hidden: 64, FFN: 80, Blocks: 1, Heads: 2, KVHeads: 1, HeadDim: 32, Vocab: 281, Context: 64, Embd: weights.F16, Tied: true}

// writeHF writes a good directory.
func writeHF(t testing.TB, opt tiny.HFOptions) string {
	t.Helper()
	dir := t.TempDir()
	if err := tiny.WriteHF(dir, tiny.New(hfShape, 1), opt); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestOpenHF(t *testing.T) {
	want := tiny.New(hfShape, 1)
	m, err := weights.Open(writeHF(t, tiny.HFOptions{Shards: 2}))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	want.Config.Name = "synthetic hf"
	if m.Config != want.Config || m.Format != "safetensors, uint8" {
		t.Errorf("%s, config\n%+v, expected\n%+v", m.Format, m.Config, want.Config)
	}
	v := want.Vocab
	if !slices.Equal(m.Vocab.Tokens, v.Tokens) || !slices.Equal(m.Vocab.Types, v.Types) || !slices.Equal(m.Vocab.Merges, v.Merges) ||
		m.Vocab.BOS != v.BOS || m.Vocab.EOS != v.EOS || m.Vocab.EOT != v.EOT || m.Vocab.Pad != v.Pad || !m.Vocab.AddBOS {
		t.Errorf("vocabulary BOS %d, EOS %d, EOT %d, padding %d of %d tokens", m.Vocab.BOS, m.Vocab.EOS, m.Vocab.EOT, m.Vocab.Pad, len(m.Vocab.Tokens))
	}
}

// TestHFText reads templates from where they may stand, pads a short
// vocabulary, and does without a tokenizer.
func TestHFText(t *testing.T) {
	for _, c := range []struct {
		file, text string
		check      func(v *vocab.Vocab) bool
	}{
		{"chat_template.jinja", "{{ x }}", func(v *vocab.Vocab) bool { return v.ChatTemplate == "{{ x }}" }},
		{"tokenizer_config.json", `{"chat_template":"{{ y }}"}`, func(v *vocab.Vocab) bool { return v.ChatTemplate == "{{ y }}" }},
		{"tokenizer_config.json", `{"chat_template":[{"name":"tool_use","template":"a"},{"name":"default","template":"b"}]}`, func(v *vocab.Vocab) bool { return v.ChatTemplate == "b" }},
		{"tokenizer_config.json", `{}`, func(v *vocab.Vocab) bool { return v.ChatTemplate == "" }},
		{"generation_config.json", `{"eos_token_id":7}`, func(v *vocab.Vocab) bool { return v.EOS == 7 && v.EOT == 280 }},
		{"generation_config.json", `{"eos_token_id":[7,9]}`, func(v *vocab.Vocab) bool { return v.EOS == 7 && v.EOT == 9 }},
		{"generation_config.json", `{}`, func(v *vocab.Vocab) bool { return v.EOS == 279 && v.EOT == 280 }},
		{"tokenizer.json", "", func(v *vocab.Vocab) bool { return v.Tokens == nil && v.BOS == -1 }},
	} {
		dir := writeHF(t, tiny.HFOptions{})
		path := filepath.Join(dir, c.file)
		err := os.WriteFile(path, []byte(c.text), 0o644)
		if c.text == "" {
			err = os.Remove(path)
		}
		if err != nil {
			t.Fatal(err)
		}
		m, err := weights.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if !c.check(&m.Vocab) {
			t.Errorf("%s %s: BOS %d, EOS %d, EOT %d, template %q", c.file, c.text, m.Vocab.BOS, m.Vocab.EOS, m.Vocab.EOT, m.Vocab.ChatTemplate)
		}
		m.Close()
	}
}

// A rewrite changes a JSON file of a directory.
func rewrite(file string, change func(v map[string]any)) func(dir string) error {
	return func(dir string) error {
		path := filepath.Join(dir, file)
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var v map[string]any
		if err := json.Unmarshal(data, &v); err != nil {
			return err
		}
		change(v)
		if data, err = json.Marshal(v); err != nil {
			return err
		}
		return os.WriteFile(path, data, 0o644)
	}
}

// config changes one key of config.json.
func config(key string, value any) func(dir string) error {
	return rewrite("config.json", func(v map[string]any) { v[key] = value })
}

// keep names a module that is not to be ternary.
func keep(name string) func(dir string) error {
	return rewrite("config.json", func(v map[string]any) {
		v["quantization_config"].(map[string]any)["modules_to_not_convert"] = []string{"lm_head", name}
	})
}

// tensors changes the tensors of model.safetensors.
func tensors(change func(list []safetensors.Tensor) []safetensors.Tensor) func(dir string) error {
	return func(dir string) error {
		path := filepath.Join(dir, "model.safetensors")
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := safetensors.Parse(data)
		if err != nil {
			return err
		}
		out, err := os.Create(path)
		if err != nil {
			return err
		}
		return errors.Join(safetensors.Write(out, change(f.Tensors)), out.Close())
	}
}

// tensor changes one.
func tensor(name string, change func(t *safetensors.Tensor)) func(dir string) error {
	return tensors(func(list []safetensors.Tensor) []safetensors.Tensor {
		i := slices.IndexFunc(list, func(t safetensors.Tensor) bool { return strings.HasSuffix(t.Name, name) })
		list[i].Data = slices.Clone(list[i].Data)
		change(&list[i])
		return list
	})
}

func text(file, content string) func(dir string) error {
	return func(dir string) error { return os.WriteFile(filepath.Join(dir, file), []byte(content), 0o644) }
}

func remove(file string) func(dir string) error {
	return func(dir string) error { return os.Remove(filepath.Join(dir, file)) }
}

// badDirs make one fault in a good directory. Errors begin with the file's path,
// or the directory's.
var badDirs = []struct {
	name, file, want string
	opt              tiny.HFOptions
	change           func(dir string) error
}{
	{"no config", "", "is a directory without config.json", tiny.HFOptions{}, remove("config.json")},
	{"config of nothing", "config.json", "not a config.json: unexpected end", tiny.HFOptions{}, text("config.json", "")},
	{"config no JSON", "config.json", "not a config.json", tiny.HFOptions{}, text("config.json", "<html>")},
	{"config deep", "config.json", "not a config.json", tiny.HFOptions{}, text("config.json", strings.Repeat("[", 100000))},
	{"config too large", "config.json", "too large: the limit is", tiny.HFOptions{}, text("config.json", strings.Repeat(" ", 2<<20))},
	{"no architecture", "config.json", `architecture "" is not supported`, tiny.HFOptions{}, config("architectures", nil)},
	{"another architecture", "config.json", `architecture "Qwen3ForCausalLM" is not supported`, tiny.HFOptions{}, config("architectures", []string{"Qwen3ForCausalLM"})},
	{"quantised otherwise", "config.json", `quant_method "gptq" is not supported`, tiny.HFOptions{}, config("quantization_config", map[string]any{"quant_method": "gptq"})},
	{"another activation", "config.json", `hidden_act "gelu" is not supported`, tiny.HFOptions{}, config("hidden_act", "gelu")},
	{"another linear class", "config.json", `linear_class "x" is not supported`, tiny.HFOptions{}, config("quantization_config", map[string]any{"linear_class": "x"})},
	{"norms before projections", "config.json", "use_rms_norm", tiny.HFOptions{}, config("quantization_config", map[string]any{"use_rms_norm": true})},
	{"biases", "config.json", `"attention_bias" is true, which asks for biases: not supported`, tiny.HFOptions{}, config("attention_bias", true)},
	{"width of 1000 digits", "config.json", "cannot unmarshal number 9999", tiny.HFOptions{}, text("config.json", `{"hidden_size":`+strings.Repeat("9", 1000)+"}")},
	{"width as text", "config.json", "cannot unmarshal string", tiny.HFOptions{}, config("hidden_size", "64")},
	{"width 0", "config.json", "hidden_size is 0, expected 64 to", tiny.HFOptions{}, config("hidden_size", 0)},
	{"width 72", "config.json", "hidden_size is 72, expected 64 to 131072, a multiple of 16", tiny.HFOptions{}, config("hidden_size", 72)},
	{"width 2^62", "config.json", "hidden_size is 4611686018427387904", tiny.HFOptions{}, config("hidden_size", 1<<62)},
	{"no heads", "config.json", "num_attention_heads is 0", tiny.HFOptions{}, config("num_attention_heads", 0)},
	{"heads of 17", "config.json", "head_dim is 17", tiny.HFOptions{}, config("head_dim", 17)},
	{"3 KV heads", "config.json", "2 query heads for 3 key and value heads", tiny.HFOptions{}, config("num_key_value_heads", 3)},
	{"epsilon 0", "config.json", "rms_norm_eps is 0", tiny.HFOptions{}, config("rms_norm_eps", 0)},
	{"theta 0", "config.json", "rope_theta is 0", tiny.HFOptions{}, config("rope_theta", 0)},
	{"rope scaling", "config.json", `rope scaling of type "llama3" is not supported`, tiny.HFOptions{}, config("rope_scaling", map[string]any{"rope_type": "llama3", "factor": 8})},
	{"end token out of range", "config.json", "token id 281 of begin or end, expected 0 to 280", tiny.HFOptions{}, func(dir string) error {
		return errors.Join(config("eos_token_id", 281)(dir), remove("generation_config.json")(dir))
	}},
	{"two layers", "", `tensor "model.layers.1.input_layernorm.weight" is missing`, tiny.HFOptions{}, config("num_hidden_layers", 2)},
	{"no layer", "config.json", "num_hidden_layers is 0", tiny.HFOptions{}, config("num_hidden_layers", 0)},
	{"head that is not there", "", `tensor "lm_head.weight" is missing`, tiny.HFOptions{}, config("tie_word_embeddings", false)},
	{"vocabulary smaller", "", `tensor "model.embed_tokens.weight" has shape [281 64], expected [280 64]`, tiny.HFOptions{}, config("vocab_size", 280)},

	{"no weights", "model.safetensors", "no such file", tiny.HFOptions{}, remove("model.safetensors")},
	{"PyTorch's weights", "model.safetensors", "PyTorch's .bin files are not read", tiny.HFOptions{}, func(dir string) error {
		return os.Rename(filepath.Join(dir, "model.safetensors"), filepath.Join(dir, "pytorch_model.bin"))
	}},
	{"weights cut", "model.safetensors", "truncated download?", tiny.HFOptions{}, func(dir string) error { return os.Truncate(filepath.Join(dir, "model.safetensors"), 9000) }},
	{"LFS pointer", "model.safetensors", "run git lfs pull", tiny.HFOptions{}, text("model.safetensors", "version https://git-lfs.github.com/spec/v1\n")},
	{"LFS pointer for the index", "model.safetensors.index.json", "run git lfs pull", tiny.HFOptions{}, index(pointer)},
	{"LFS pointer for config.json", "config.json", "run git lfs pull", tiny.HFOptions{}, text("config.json", pointer)},
	{"LFS pointer for tokenizer.json", "tokenizer.json", "git lfs pull", tiny.HFOptions{}, text("tokenizer.json", pointer)},
	{"LFS pointer for tokenizer_config.json", "tokenizer_config.json", "run git lfs pull", tiny.HFOptions{}, text("tokenizer_config.json", pointer)},
	{"LFS pointer for generation_config.json", "generation_config.json", "run git lfs pull", tiny.HFOptions{}, text("generation_config.json", pointer)},
	{"LFS pointer for the template", "chat_template.jinja", "run git lfs pull", tiny.HFOptions{}, text("chat_template.jinja", pointer)},
	{"header of 2^60", "model.safetensors", "a header of 1152921504606846976 bytes", tiny.HFOptions{}, text("model.safetensors", "\x00\x00\x00\x00\x00\x00\x00\x10{}")},
	{"index outside", "model.safetensors.index.json", `is said to be in "../x.safetensors"`, tiny.HFOptions{}, index(`{"weight_map":{"a":"../x.safetensors"}}`)},
	{"index to nowhere", "y.safetensors", "no such file", tiny.HFOptions{}, index(`{"weight_map":{"a":"y.safetensors"}}`)},
	{"index no JSON", "model.safetensors.index.json", "not an index", tiny.HFOptions{}, index(`[`)},
	{"a shard missing", "model-00002-of-00002.safetensors", "no such file", tiny.HFOptions{Shards: 2}, remove("model-00002-of-00002.safetensors")},
	{"a shard twice", "model-00002-of-00002.safetensors", "stands in another file too", tiny.HFOptions{Shards: 2}, func(dir string) error {
		data, err := os.ReadFile(filepath.Join(dir, "model-00001-of-00002.safetensors"))
		return errors.Join(err, os.WriteFile(filepath.Join(dir, "model-00002-of-00002.safetensors"), data, 0o644))
	}},

	{"dense among packed", "", `up_proj.weight" is BF16 among packed ones, and modules_to_not_convert does not name it`, tiny.HFOptions{}, tensor("up_proj.weight", func(t *safetensors.Tensor) {
		t.Type, t.Shape, t.Data = "BF16", []int{80, 64}, make([]byte, 2*80*64)
	})},
	{"packed and named", "", `up_proj.weight" is packed, but the configuration says that it is dense`, tiny.HFOptions{}, keep("up_proj")},
	{"named by its middle", "", `modules_to_not_convert has "mlp", which is inside of "model.layers.0.mlp.gate_proj"`, tiny.HFOptions{Master: "F16"}, keep("mlp")},
	{"named by a pattern", "", `modules_to_not_convert has the pattern "layers.*.mlp"`, tiny.HFOptions{Master: "F16"}, keep("layers.*.mlp")},
	{"scale beside a dense one", "", `up_proj.weight_scale" is not known`, tiny.HFOptions{}, func(dir string) error {
		return errors.Join(keep("up_proj")(dir), tensor("up_proj.weight", func(t *safetensors.Tensor) {
			t.Type, t.Shape, t.Data = "BF16", []int{80, 64}, make([]byte, 2*80*64)
		})(dir))
	}},
	{"unknown tensor", "", `tensor "x" is not known with BitNetForCausalLM`, tiny.HFOptions{}, tensors(func(list []safetensors.Tensor) []safetensors.Tensor {
		return append(list, safetensors.Tensor{Name: "x", Type: "U8", Shape: []int{1}, Data: []byte{1}})
	})},
	{"scale missing", "", `tensor "model.layers.0.mlp.up_proj.weight_scale" is missing`, tiny.HFOptions{}, tensors(func(list []safetensors.Tensor) []safetensors.Tensor {
		return slices.DeleteFunc(list, func(t safetensors.Tensor) bool { return strings.HasSuffix(t.Name, "up_proj.weight_scale") })
	})},
	{"scale 0", "", `weight_scale" makes a scale of 0`, tiny.HFOptions{}, tensor("up_proj.weight_scale", func(t *safetensors.Tensor) { clear(t.Data) })},
	{"scale 0 divides", "", `weight_scale" makes a scale of +Inf`, tiny.HFOptions{Divide: true}, tensor("up_proj.weight_scale", func(t *safetensors.Tensor) { clear(t.Data) })},
	{"scale NaN", "", `weight_scale" makes a scale of NaN`, tiny.HFOptions{}, tensor("up_proj.weight_scale", func(t *safetensors.Tensor) { copy(t.Data, "\xff\xff") })},
	{"two scales", "", `weight_scale" is BF16 of shape [2], expected one`, tiny.HFOptions{}, tensor("up_proj.weight_scale", func(t *safetensors.Tensor) { t.Shape, t.Data = []int{2}, make([]byte, 4) })},
	{"scale of a wrong type", "", `weight_scale" is I16 of shape [1]`, tiny.HFOptions{}, tensor("up_proj.weight_scale", func(t *safetensors.Tensor) { t.Type = "I16" })},
	{"packed for another shape", "", `up_proj.weight" has shape [10 128], expected [20 64]`, tiny.HFOptions{}, tensor("up_proj.weight", func(t *safetensors.Tensor) { t.Shape = []int{10, 128} })},
	{"matrix of I8", "", `up_proj.weight" is of type I8, expected U8, BF16`, tiny.HFOptions{}, tensor("up_proj.weight", func(t *safetensors.Tensor) { t.Type = "I8" })},
	{"norm of I32", "", `tensor "model.norm.weight" is of type I32`, tiny.HFOptions{}, tensor("model.norm.weight", func(t *safetensors.Tensor) { t.Type = "I32" })},
	{"norm with NaN", "", `tensor "model.norm.weight" holds NaN at 0`, tiny.HFOptions{}, tensor("model.norm.weight", func(t *safetensors.Tensor) { copy(t.Data, "\xff\xff\xff\xff") })},
	{"embedding of U8", "", `tensor "model.embed_tokens.weight" is of type I16`, tiny.HFOptions{}, tensor("embed_tokens.weight", func(t *safetensors.Tensor) { t.Type = "I16" })},
	{"master with NaN", "", `up_proj.weight" has a mean magnitude of NaN`, tiny.HFOptions{Master: "BF16"}, tensor("up_proj.weight", func(t *safetensors.Tensor) { copy(t.Data, "\xff\xff") })},
	{"master with infinity", "", `up_proj.weight" has a mean magnitude of +Inf`, tiny.HFOptions{Master: "F16"}, tensor("up_proj.weight", func(t *safetensors.Tensor) { copy(t.Data, "\x00\x7c") })},
	{"code 3", "", "row 0, column 0 holds code 3", tiny.HFOptions{}, tensor("up_proj.weight", func(t *safetensors.Tensor) { t.Data[0] |= 3 })},

	{"tokenizer no JSON", "tokenizer.json", "not a tokenizer.json", tiny.HFOptions{}, text("tokenizer.json", "{")},
	{"too many tokens", "tokenizer.json", "282 tokens, but the embedding has 281 rows", tiny.HFOptions{}, rewrite("tokenizer.json", func(v map[string]any) {
		v["added_tokens"] = append(v["added_tokens"].([]any), map[string]any{"id": 281, "content": "x"})
	})},
	{"another splitting", "tokenizer.json", `pre_tokenizer of "ByteLevel" is not supported, only "Split, ByteLevel" of Llama 3`, tiny.HFOptions{}, rewrite("tokenizer.json", func(v map[string]any) {
		v["pre_tokenizer"] = map[string]any{"type": "ByteLevel"}
	})},
	{"template of a number", "tokenizer_config.json", "cannot unmarshal number", tiny.HFOptions{}, text("tokenizer_config.json", `{"chat_template":1}`)},
	{"end tokens as text", "generation_config.json", "cannot unmarshal", tiny.HFOptions{}, text("generation_config.json", `{"eos_token_id":"x"}`)},
}

const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 34\n"

// index writes an index, in place of the one file.
func index(content string) func(dir string) error {
	return func(dir string) error {
		return errors.Join(text("model.safetensors.index.json", content)(dir), remove("model.safetensors")(dir))
	}
}

// TestIndexOfAnotherBuild leaves an index beside the one file, which names files
// that are not there.
func TestIndexOfAnotherBuild(t *testing.T) {
	dir := writeHF(t, tiny.HFOptions{})
	if err := text("model.safetensors.index.json", `{"weight_map":{"a":"model-00001-of-00002.safetensors"}}`)(dir); err != nil {
		t.Fatal(err)
	}
	m, err := weights.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

// TestBadDirs opens directories with one fault each: one line that begins with
// the path of a file in it, or its own.
func TestBadDirs(t *testing.T) {
	for _, c := range badDirs {
		t.Run(c.name, func(t *testing.T) {
			dir := writeHF(t, c.opt)
			if err := c.change(dir); err != nil {
				t.Fatal(err)
			}
			var m *weights.Model
			var err error
			badfiles.Within(t, size(dir), func() {
				if m, err = weights.Open(dir); err == nil { // codes are looked at when they are read
					err = m.Guard(func() error { return readAll(m) })
				}
			})
			if m != nil {
				defer m.Close()
			}
			badLine(t, err, filepath.Join(dir, c.file), c.want)
		})
	}
}

// FuzzOpenHF opens a directory of any files, and reads all of it.
func FuzzOpenHF(f *testing.F) {
	names := []string{"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "generation_config.json"}
	add := func(dir string) {
		var files [5][]byte
		for i, name := range names {
			files[i], _ = os.ReadFile(filepath.Join(dir, name)) // which may be missing
		}
		f.Add(files[0], files[1], files[2], files[3], files[4])
	}
	for _, opt := range []tiny.HFOptions{{}, {Divide: true}, {Master: "BF16"}, {Master: "F16"}, {Master: "F32"}, {Old: true}} {
		add(writeHF(f, opt))
	}
	for _, c := range badDirs {
		dir := writeHF(f, c.opt)
		if err := c.change(dir); err != nil {
			f.Fatal(err)
		}
		if size(dir) < 1<<18 {
			add(dir)
		}
	}
	other := hfShape // as Llama3-8B-1.58
	other.Tied, other.Embd, other.Activation, other.NoSubNorms = false, weights.BF16, weights.SiLU, true
	dir := f.TempDir()
	if err := tiny.WriteHF(dir, tiny.New(other, 1), tiny.HFOptions{}); err != nil {
		f.Fatal(err)
	}
	add(dir)
	for file, content := range map[string]string{
		"tokenizer_config.json":  `{"chat_template":[{"name":"tool_use","template":"a"},{"name":"default","template":"b"}]}`,
		"generation_config.json": `{"eos_token_id":[7,9]}`,
		"tokenizer.json":         `{"model":{"type":"BPE","byte_fallback":true}}`,
	} {
		dir := writeHF(f, tiny.HFOptions{})
		if err := text(file, content)(dir); err != nil {
			f.Fatal(err)
		}
		add(dir)
	}
	dir = f.TempDir()
	f.Fuzz(func(t *testing.T, config, tensors, tokenizer, template, generation []byte) {
		for i, data := range [][]byte{config, tensors, tokenizer, template, generation} {
			if err := os.WriteFile(filepath.Join(dir, names[i]), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var m *weights.Model
		var err error
		badfiles.Within(t, size(dir), func() { m, err = weights.Open(dir) })
		if err != nil {
			badfiles.OneLine(t, errors.New(strings.TrimPrefix(err.Error(), dir)))
			if !errors.Is(err, weights.ErrInvalid) {
				t.Errorf("%v is not ErrInvalid", err)
			}
			return
		}
		defer m.Close()
		row := make([]float32, m.Hidden)
		for r := range m.VocabSize {
			m.TokenEmbd.Row(row, r)
			m.Output.Row(row, r)
		}
		_ = readAll(m) // codes 3
	})
}

func TestReadVocabHF(t *testing.T) {
	v, err := weights.ReadVocab(writeHF(t, tiny.HFOptions{}))
	if err != nil || len(v.Tokens) != 281 {
		t.Error(v, err)
	}
}

func TestInspectHF(t *testing.T) {
	dir := writeHF(t, tiny.HFOptions{})
	s, err := weights.Inspect(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Container != "safetensors" || s.Problem != nil || len(s.Tensors) != 20 || s.Model == nil || s.Size == 0 || s.KV[0].Key != "_name_or_path" {
		t.Errorf("%s, %v, %d tensors, %d bytes, %v", s.Container, s.Problem, len(s.Tensors), s.Size, s.KV)
	}
	if err := config("hidden_act", "gelu")(dir); err != nil {
		t.Fatal(err)
	}
	other, err := weights.Inspect(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if other.Model != nil || other.Problem == nil || len(other.Tensors) != 20 {
		t.Errorf("%v, %d tensors", other.Problem, len(other.Tensors))
	}
	if _, err := weights.Inspect(t.TempDir()); err == nil || !strings.Contains(err.Error(), "without config.json") {
		t.Error(err)
	}
}
