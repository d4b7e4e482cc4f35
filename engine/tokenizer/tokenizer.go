// Package tokenizer turns text into token ids and back: byte-level BPE with
// the splitting of Llama 3, which the 2B4T uses, or of Falcon3; and
// SentencePiece's BPE.
//
// Text is cut into pieces (splitter.go, falcon3.go), and each piece into tokens
// (bpe.go). Every byte string can be encoded, valid UTF-8 or not, and decoding
// gives it back. Only SentencePiece's BPE normalises a text first and puts a blank in
// front, as the model's file says.
//
// Which pre-tokenizers there are: "llama-bpe" with its other names "llama3" and
// "llama-v3", and a file that names none but has Llama 3's 128,256 tokens, as
// the official GGUF of the 2B4T; and "falcon3". Any other name is refused,
// because its ids would only be nearly right.
package tokenizer

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"bitnet-gpu/weights/vocab"
)

// A Tokenizer is immutable: any number of goroutines may use it at once.
type Tokenizer struct {
	text  string   // the bytes of all tokens, one after another
	start []uint32 // (vocab+1): where each begins, and where the last ends
	kinds []vocab.TokenType

	byteID  [256]int32 // the tokens of single bytes
	lexicon lexicon    // the ordinary tokens by their bytes
	merges  merges
	falcon3 bool // text is split as Falcon3 does it, not as Llama 3

	mergesOnly bool // a piece is merged also where it is a token

	// Of SentencePiece.
	ranks      []int32 // of the tokens, the lowest merges first; nil of others
	normalizer normalizer

	special matcher // tokens that EncodeSpecial recognises
	always  matcher // those of them that Encode recognises too

	bos, eos int32 // -1: none
	addBOS   bool
	stops    []int32

	template string // Jinja, of the file
}

// New makes the tokenizer that a file describes. What it refuses: a model that
// is not byte-level BPE, an unknown pre-tokenizer, two tokens of the same
// bytes, a byte without a token, merges of or to unknown tokens, ids that are
// out of range. Unused tokens may repeat others: files pad with them.
func New(v *vocab.Vocab) (*Tokenizer, error) {
	t, err := newTokenizer(v)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	return t, nil
}

func newTokenizer(v *vocab.Vocab) (*Tokenizer, error) {
	if err := check(v); err != nil {
		return nil, err
	}
	t := &Tokenizer{bos: v.BOS, eos: v.EOS, addBOS: v.AddBOS, template: v.ChatTemplate,
		falcon3: v.Splitter() == "falcon3", mergesOnly: v.MergesOnly}
	if err := t.addTokens(v); err != nil {
		return nil, err
	}
	if v.Model == "llama" {
		rules, err := newCharsmap(v.Charsmap)
		if err != nil {
			return nil, err
		}
		t.ranks, t.normalizer = rankScores(v.Scores), normalizer{v.SpacePrefix, v.TrimBlanks, rules}
	} else if v.Merges == nil {
		if err := t.deriveMerges(); err != nil {
			return nil, err
		}
	} else if err := t.listMerges(v.Merges); err != nil {
		return nil, err
	}
	t.stops = t.findStops(v.EOS, v.EOT)
	return t, nil
}

// check looks at everything but the tokens themselves.
func check(v *vocab.Vocab) error {
	n := len(v.Tokens)
	switch {
	case v.Model != "gpt2" && v.Model != "llama":
		return fmt.Errorf("model %.40q is not supported, only byte-level BPE (gpt2) and SentencePiece's (llama) are", v.Model)
	case v.Model == "llama" && len(v.Scores) != n:
		return fmt.Errorf("%d tokens, but %d scores", n, len(v.Scores))
	case n == 0:
		return errors.New("the vocabulary is empty")
	case n > 1<<24:
		return fmt.Errorf("%d tokens are too many", n)
	case v.Types != nil && len(v.Types) != n:
		return fmt.Errorf("%d tokens, but %d token types", n, len(v.Types))
	}
	switch {
	case v.Model == "llama" || v.Splitter() != "":
	case v.Pre == "":
		return fmt.Errorf("the file names no pre-tokenizer and has %d tokens, not Llama 3's 128256: which splitting it wants cannot be told", n)
	default:
		return fmt.Errorf("pre-tokenizer %.40q is not supported, only llama-bpe and falcon3 are", v.Pre)
	}
	for _, end := range []struct {
		name string
		id   int32
	}{{"BOS", v.BOS}, {"EOS", v.EOS}, {"EOT", v.EOT}, {"padding", v.Pad}} {
		if end.id < -1 || int(end.id) >= n {
			return fmt.Errorf("the %s token has the id %d, but there are %d tokens", end.name, end.id, n)
		}
	}
	if v.AddBOS && v.BOS < 0 {
		return errors.New("the file wants a BOS token in front of a text, but names none")
	}
	return nil
}

// addTokens fills the tables of tokens.
func (t *Tokenizer) addTokens(v *vocab.Vocab) error {
	if err := t.addTexts(v); err != nil {
		return err
	}
	t.lexicon = newLexicon(len(v.Tokens))
	for i, kind := range t.kinds {
		id, same := int32(i), int32(-1)
		switch kind {
		case vocab.TokenNormal:
			s, tag := t.lookup(t.bytes(id))
			if same = s.id - 1; same < 0 {
				*s = slot{tag, id + 1}
			}
		case vocab.TokenUserDefined:
			t.always.add(t.bytes(id), id)
			same = t.special.add(t.bytes(id), id)
		case vocab.TokenControl:
			same = t.special.add(t.bytes(id), id)
		}
		if same >= 0 {
			return fmt.Errorf("tokens %d and %d are both %.40q", same, id, v.Tokens[id])
		}
	}
	if v.Model == "llama" {
		return t.addBytes()
	}
	for b := range t.byteID {
		if t.byteID[b] = t.find(string([]byte{byte(b)})); t.byteID[b] < 0 {
			return fmt.Errorf("no token for the byte 0x%02X", b)
		}
	}
	return nil
}

// addTexts fills the kinds of the tokens and their bytes.
func (t *Tokenizer) addTexts(v *vocab.Vocab) error {
	t.start = make([]uint32, 1, len(v.Tokens)+1)
	t.kinds = make([]vocab.TokenType, len(v.Tokens))
	var text []byte
	for id, token := range v.Tokens {
		kind, err := kindOf(v, id)
		if err != nil {
			return err
		}
		ok := true
		switch {
		case kind == vocab.TokenByte:
			text, ok = appendByteToken(text, token)
		case (kind == vocab.TokenNormal || kind == vocab.TokenUserDefined) && v.Model == "llama":
			text = append(text, strings.ReplaceAll(token, blank, " ")...)
		case kind == vocab.TokenNormal:
			text, ok = vocab.AppendBytes(text, token)
		default:
			text = append(text, token...)
		}
		switch {
		case !ok:
			return fmt.Errorf("token %d, %.40q, has a character that stands for no byte", id, token)
		case token == "" && kind != vocab.TokenUnused:
			return fmt.Errorf("token %d is empty", id)
		case len(text) > 1<<30:
			return errors.New("the tokens have more than 1 GiB of text")
		}
		t.kinds[id] = kind
		t.start = append(t.start, uint32(len(text)))
	}
	t.text = string(text)
	return nil
}

// kindOf returns what a token is to us: normal, control, user defined or
// unused.
func kindOf(v *vocab.Vocab, id int) (vocab.TokenType, error) {
	kind := vocab.TokenNormal
	if v.Types != nil {
		kind = v.Types[id]
	}
	switch kind {
	case vocab.TokenNormal:
		// Converters have written special tokens as normal ones. No piece of
		// text is ever such a token, so nothing is lost.
		if text := v.Tokens[id]; len(text) > 4 && strings.HasPrefix(text, "<|") && strings.HasSuffix(text, "|>") {
			return vocab.TokenControl, nil
		}
	case vocab.TokenUnknown:
		return vocab.TokenControl, nil // byte-level BPE knows every text
	case vocab.TokenControl, vocab.TokenUserDefined, vocab.TokenUnused:
	case vocab.TokenByte:
		if v.Model != "llama" {
			return 0, fmt.Errorf("token %d, %.40q, has the type %d, which byte-level BPE does not have", id, v.Tokens[id], kind)
		}
	default:
		return 0, fmt.Errorf("token %d, %.40q, has the type %d, which byte-level BPE does not have", id, v.Tokens[id], kind)
	}
	return kind, nil
}

// findStops returns the tokens that end a text: the ones that the file names,
// and those that are known by their text.
func (t *Tokenizer) findStops(named ...int32) []int32 {
	for _, text := range []string{
		"<|eot_id|>", "<|end_of_text|>", "<|eom_id|>",
		"<|im_end|>", "<|endoftext|>", "<|end|>", "<end_of_turn>", "</s>",
	} {
		if id, ok := t.special.ids[text]; ok {
			named = append(named, id)
		}
	}
	slices.Sort(named)
	named = slices.Compact(named)
	return slices.DeleteFunc(named, func(id int32) bool { return id < 0 })
}

// VocabSize returns the number of tokens.
func (t *Tokenizer) VocabSize() int { return len(t.kinds) }

// BOS returns the token that begins a text, or -1.
func (t *Tokenizer) BOS() int32 { return t.bos }

// AddBOS reports whether the model wants BOS in front of every text. Encode
// does not add it: the caller does, once; EncodeChat does so itself.
func (t *Tokenizer) AddBOS() bool { return t.addBOS }

// Stops returns the tokens after which a model has nothing more to say, in the
// order of their ids; for the 2B4T these are <|end_of_text|> and <|eot_id|>.
func (t *Tokenizer) Stops() []int32 { return slices.Clone(t.stops) }

// Token returns the bytes of a token, which need not be valid UTF-8 of their
// own. A special token's are its name. Of an id that does not exist, nil.
func (t *Tokenizer) Token(id int32) []byte {
	if !t.valid(id) {
		return nil
	}
	return []byte(t.bytes(id))
}

// ID returns the token whose bytes are text; a special token by its name.
func (t *Tokenizer) ID(text string) (int32, bool) {
	if id, ok := t.special.ids[text]; ok {
		return id, true
	}
	id := t.find(text)
	return id, id >= 0
}

// IsControl reports whether the token steers the model and is no text, such as
// <|eot_id|>.
func (t *Tokenizer) IsControl(id int32) bool {
	return t.valid(id) && t.kinds[id] == vocab.TokenControl
}

func (t *Tokenizer) valid(id int32) bool { return id >= 0 && int(id) < len(t.kinds) }

// bytes returns the bytes of a token that exists.
func (t *Tokenizer) bytes(id int32) string { return t.text[t.start[id]:t.start[id+1]] }
