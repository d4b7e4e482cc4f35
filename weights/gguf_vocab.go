package weights

import (
	"errors"
	"fmt"

	"bitnet-gpu/weights/gguf"
)

// readGGUFVocab reads the tokenizer of the GGUF file at path, whatever model the
// file holds, or none.
func readGGUFVocab(path string) (*Vocab, error) {
	file, err := openMapping(path)
	if err != nil {
		return nil, err
	}
	var v Vocab
	err = file.guard(func() error {
		container, err := gguf.Parse(file.data)
		if err != nil {
			return err
		}
		r := &ggufReader{file: container}
		if v = r.vocab(anySize); r.err == nil && len(v.Tokens) == 0 {
			return errors.New("the file holds no tokenizer")
		}
		return r.err
	})
	return &v, errors.Join(err, file.close())
}

// anySize stands for the number of tokens where no embedding says it.
const anySize = -1

// vocab reads the tokenizer of a model with that many tokens, as the file has
// it. A file may have none: a model can be computed with ids alone.
func (r *ggufReader) vocab(size int) Vocab {
	const prefix = "tokenizer.ggml."
	v := Vocab{BOS: -1, EOS: -1, EOT: -1, Pad: -1}
	if r.err != nil || !r.file.Has(prefix+"tokens") {
		return v
	}
	v.Model = read(r, r.file.Text, prefix+"model")
	v.Tokens = read(r, r.file.Strings, prefix+"tokens")
	if size == anySize {
		size = len(v.Tokens)
	}
	if r.err == nil && len(v.Tokens) != size {
		r.fail(fmt.Errorf("key %q has %d tokens, but the embedding has %d rows", prefix+"tokens", len(v.Tokens), size))
	}
	if r.file.Has(prefix + "token_type") {
		v.Types = tokenTypes(read(r, r.file.Int32s, prefix+"token_type"))
		if r.err == nil && len(v.Types) != len(v.Tokens) {
			r.fail(fmt.Errorf("key %q has %d elements for %d tokens", prefix+"token_type", len(v.Types), len(v.Tokens)))
		}
	}
	if v.Model == "llama" {
		v.Scores = read(r, r.file.Float32s, prefix+"scores")
		if r.err == nil && len(v.Scores) != len(v.Tokens) {
			r.fail(fmt.Errorf("key %q has %d elements for %d tokens", prefix+"scores", len(v.Scores), len(v.Tokens)))
		}
		v.SpacePrefix = true
		if r.file.Has(prefix + "add_space_prefix") {
			v.SpacePrefix = read(r, r.file.Bool, prefix+"add_space_prefix")
		}
	}
	if r.file.Has(prefix + "merges") {
		v.Merges = read(r, r.file.Strings, prefix+"merges")
	}
	if r.file.Has(prefix + "pre") {
		v.Pre = read(r, r.file.Text, prefix+"pre")
		v.MergesOnly = v.Pre == "falcon3"
	}
	v.BOS = r.tokenID(prefix+"bos_token_id", size)
	v.EOS = r.tokenID(prefix+"eos_token_id", size)
	v.Pad = r.tokenID(prefix+"padding_token_id", size)
	v.EOT = r.tokenID(prefix+"eot_token_id", size)
	v.AddBOS = v.BOS >= 0 && (v.Model == "llama" || v.Splitter() != "") // llama.cpp's default
	if r.file.Has(prefix + "add_bos_token") {
		v.AddBOS = read(r, r.file.Bool, prefix+"add_bos_token")
	}
	if r.file.Has("tokenizer.chat_template") {
		v.ChatTemplate = read(r, r.file.Text, "tokenizer.chat_template")
	}
	return v
}

// preTokenizer names the splitter of v, also where the file names none, as the
// 2B4T's official file does: its vocabulary is Llama-3's.
func preTokenizer(v *Vocab) string {
	if v.Pre == "" && v.Model == "gpt2" && len(v.Tokens) == 128256 {
		return "llama-bpe"
	}
	return v.Pre
}

func tokenTypes(numbers []int32) []TokenType {
	types := make([]TokenType, len(numbers))
	for i, n := range numbers {
		types[i] = TokenType(n)
	}
	return types
}

// tokenID returns the id at key, or -1 without the key.
func (r *ggufReader) tokenID(key string, size int) int32 {
	if !r.file.Has(key) {
		return -1
	}
	id := read(r, r.file.Int, key)
	if r.err == nil && (id < 0 || id >= size) {
		r.fail(fmt.Errorf("key %q is %d, expected 0 to %d", key, id, size-1))
	}
	return int32(id)
}
