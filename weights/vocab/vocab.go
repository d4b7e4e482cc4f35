// Package vocab reads vocabularies from the forms that they come in: Hugging
// Face's tokenizer.json, tokenizer.model in tiktoken's or in SentencePiece's
// form, and the keys of a GGUF file, which it writes too. It takes bytes and
// opens no file; engine/tokenizer makes a vocabulary work.
package vocab

import (
	"bytes"
	"errors"
	"fmt"
)

// A Vocab is a tokenizer as a model file describes it.
type Vocab struct {
	Model string // "gpt2": byte-level BPE; "llama": SentencePiece's BPE
	Pre   string // name of the pre-tokenizer, such as "llama-bpe"; "" if the file has none

	// Tokens, by id. Special tokens stand literally, the others in the GPT-2
	// byte alphabet (a printable character for each of the 256 bytes), or as
	// SentencePiece writes them, with U+2581 for a blank and <0x0A> for a byte.
	Tokens []string
	Types  []TokenType // (len(Tokens)), or nil: all normal

	// Merges in the order of their rank, as "left right" in the same alphabet.
	// Nil means tiktoken's rule: the rank of a merge is the id of its result.
	Merges []string

	// MergesOnly says that a piece of text is merged from its bytes also where
	// it is a token as a whole. A GGUF file has no key for it: of Falcon3 it is
	// so, of Llama 3 not.
	MergesOnly bool

	// Of SentencePiece: how early a token is made of its parts, the highest
	// first; whether a blank goes in front of a text; whether of several blanks
	// one stays, and none at the ends; and its compiled rules that replace
	// characters, nil for none.
	Scores      []float32 // (len(Tokens)); nil for other models
	SpacePrefix bool
	TrimBlanks  bool
	Charsmap    []byte

	BOS, EOS, EOT, Pad int32 // -1: none
	AddBOS             bool

	ChatTemplate string // Jinja, as the file has it; "" if none
}

// A TokenType is the kind of a token, numbered as in GGUF.
type TokenType int32

const (
	TokenNormal      TokenType = 1
	TokenUnknown     TokenType = 2
	TokenControl     TokenType = 3
	TokenUserDefined TokenType = 4
	TokenUnused      TokenType = 5
	TokenByte        TokenType = 6
)

// Splitter names the way in which byte-level BPE cuts text into pieces:
// "llama-bpe" as Llama 3 does it, "falcon3" as Falcon3 does it, "" for none that
// is known. It goes by the names of llama.cpp and, falcon_e, ik_llama.cpp, or
// where the file has none, as the 2B4T's official file, by the size of the
// vocabulary. llama.cpp splits Falcon3's text as Llama 3's; what Falcon3's own
// tokenizer.json says differs in runs of newlines and blanks.
func (v *Vocab) Splitter() string {
	switch v.Pre {
	case "llama-bpe", "llama3", "llama-v3", "falcon_e":
		return "llama-bpe"
	case "falcon3":
		return "falcon3"
	}
	if v.Pre == "" && IsLlama3(len(v.Tokens)) {
		return "llama-bpe"
	}
	return ""
}

// Parse reads a vocabulary from a file's bytes: a tokenizer.json, or a
// tokenizer.model in tiktoken's or SentencePiece's form. It goes by the content.
func Parse(data []byte) (*Vocab, error) {
	text := bytes.TrimSpace(data)
	switch {
	case len(text) == 0:
		return nil, errors.New("the file is empty")
	case bytes.HasPrefix(text, []byte("version https://git-lfs")):
		return nil, errors.New("a Git LFS pointer, not the file itself: fetch it with git lfs pull")
	case text[0] == '<':
		return nil, errors.New("a web page, not a vocabulary: download the file itself")
	case text[0] == '{':
		return ParseTokenizerJSON(data)
	case bytes.ContainsFunc(text[:min(len(text), 512)], func(c rune) bool { return c < '\t' || c > '~' }):
		return ParseSentencePiece(data, nil)
	}
	return ParseTiktoken(data)
}

// Fill adds unused tokens up to the rows of the embedding, of which some models
// have more than tokens.
func (v *Vocab) Fill(rows int) error {
	if len(v.Tokens) > rows {
		return fmt.Errorf("%d tokens, but the embedding has %d rows", len(v.Tokens), rows)
	}
	for id := len(v.Tokens); id < rows; id++ {
		v.Tokens = append(v.Tokens, fmt.Sprintf("[PAD%d]", id))
		v.Types = append(v.Types, TokenUnused)
		if v.Scores != nil {
			v.Scores = append(v.Scores, 0)
		}
	}
	return nil
}

// excerpt quotes the start of b for an error.
func excerpt[T string | []byte](b T) string {
	if len(b) > 40 {
		return fmt.Sprintf("%q...", b[:40])
	}
	return fmt.Sprintf("%q", b)
}
