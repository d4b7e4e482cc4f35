package vocab

import (
	"fmt"
	"math"

	"bitnet-gpu/weights/gguf"
)

// AnySize stands for the number of tokens where no embedding says it.
const AnySize = -1

// FromGGUF reads the tokenizer of a model with size tokens, as the file has it.
// A file may have none: a model can be computed with ids alone.
func FromGGUF(f *gguf.File, size int) (Vocab, error) {
	const prefix = "tokenizer.ggml."
	v := Vocab{BOS: -1, EOS: -1, EOT: -1, Pad: -1}
	r := &ggufReader{file: f}
	if !f.Has(prefix + "tokens") {
		return v, nil
	}
	v.Model = read(r, f.Text, prefix+"model")
	v.Tokens = read(r, f.Strings, prefix+"tokens")
	if size == AnySize {
		size = len(v.Tokens)
	}
	r.same(prefix+"tokens", len(v.Tokens), size, "tokens, but the embedding has %d rows")
	if f.Has(prefix + "token_type") {
		v.Types = tokenTypes(read(r, f.Int32s, prefix+"token_type"))
		r.same(prefix+"token_type", len(v.Types), size, "elements for %d tokens")
	}
	if v.Model == "llama" {
		v.Scores = read(r, f.Float32s, prefix+"scores")
		r.same(prefix+"scores", len(v.Scores), size, "elements for %d tokens")
		v.SpacePrefix = !f.Has(prefix+"add_space_prefix") || read(r, f.Bool, prefix+"add_space_prefix")
		v.TrimBlanks = f.Has(prefix+"remove_extra_whitespaces") && read(r, f.Bool, prefix+"remove_extra_whitespaces")
		if f.Has(prefix + "precompiled_charsmap") {
			v.Charsmap = read(r, f.Bytes, prefix+"precompiled_charsmap")
		}
	}
	if f.Has(prefix + "merges") {
		v.Merges = read(r, f.Strings, prefix+"merges")
	}
	if f.Has(prefix + "pre") {
		v.Pre = read(r, f.Text, prefix+"pre")
		v.MergesOnly = v.Pre == "falcon3"
	}
	v.BOS = r.tokenID(prefix+"bos_token_id", size)
	v.EOS = r.tokenID(prefix+"eos_token_id", size)
	v.EOT = r.tokenID(prefix+"eot_token_id", size)
	if r.err == nil {
		v.Pad = r.tokenID(prefix+"padding_token_id", size)
		r.err = nil // nothing here needs it
	}
	v.AddBOS = v.BOS >= 0 && (v.Model == "llama" || v.Splitter() != "") // llama.cpp's default
	if f.Has(prefix + "add_bos_token") {
		v.AddBOS = read(r, f.Bool, prefix+"add_bos_token")
	}
	if f.Has("tokenizer.chat_template") {
		v.ChatTemplate = read(r, f.Text, "tokenizer.chat_template")
	}
	return v, r.err
}

// A ggufReader reads keys. After the first error it gives zeros, and err keeps
// that error.
type ggufReader struct {
	file *gguf.File
	err  error
}

// read gets the value at a key, unless there was an error before.
func read[T any](r *ggufReader, get func(key string) (T, error), key string) (value T) {
	if r.err == nil {
		value, r.err = get(key)
	}
	return value
}

// same checks the length of a list.
func (r *ggufReader) same(key string, n, want int, text string) {
	if r.err == nil && n != want {
		r.err = fmt.Errorf("key %q has %d "+text, key, n, want)
	}
}

// tokenID returns the id at key, or -1 without the key and where it says, as
// converters do, that there is none: by -1, also in 32 bits without a sign.
func (r *ggufReader) tokenID(key string, size int) int32 {
	if !r.file.Has(key) {
		return -1
	}
	id := read(r, r.file.Int, key)
	if r.err != nil || id == -1 || id == math.MaxUint32 {
		return -1
	}
	if id < 0 || id >= size {
		r.err = fmt.Errorf("key %q is %d, expected 0 to %d", key, id, size-1)
		return -1
	}
	return int32(id)
}

func tokenTypes(numbers []int32) []TokenType {
	types := make([]TokenType, len(numbers))
	for i, n := range numbers {
		types[i] = TokenType(n)
	}
	return types
}

// KV returns the keys of a GGUF file that describe the tokenizer, none of an
// empty one.
func (v *Vocab) KV() (kv []gguf.KV) {
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
	if v.Scores != nil {
		add("tokenizer.ggml.scores", v.Scores)
		add("tokenizer.ggml.add_space_prefix", v.SpacePrefix)
		if v.TrimBlanks {
			add("tokenizer.ggml.remove_extra_whitespaces", true)
		}
		if v.Charsmap != nil {
			add("tokenizer.ggml.precompiled_charsmap", v.Charsmap)
		}
	} else {
		add("tokenizer.ggml.scores", make([]float32, len(v.Tokens))) // some readers want them
	}
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

// preTokenizer names the splitter of v, also where the file names none, as the
// 2B4T's official file does: its vocabulary is Llama-3's.
func preTokenizer(v *Vocab) string {
	if v.Pre == "" && v.Model == "gpt2" && IsLlama3(len(v.Tokens)) {
		return "llama-bpe"
	}
	return v.Pre
}
