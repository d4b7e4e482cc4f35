package weights

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// llama3Pattern is the regular expression by which Llama 3 splits text into
// pieces, as its tokenizer.json spells it.
const llama3Pattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

// ReadTokenizerJSON reads a Hugging Face tokenizer.json that describes
// byte-level BPE with Llama 3's splitting. Everything in the file that would
// change the ids and is not that is refused by its name.
//
// The file does not say which token ends a text: EOS and EOT are found by the
// names that Llama 3 gave them, and are -1 where there are none.
func ReadTokenizerJSON(path string) (*Vocab, error) {
	data, err := readVocabFile(path)
	if err != nil {
		return nil, err
	}
	v, err := parseTokenizerJSON(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return v, nil
}

// tokenizerJSON is the part of tokenizer.json that decides on ids.
type tokenizerJSON struct {
	AddedTokens []struct {
		ID         int64  `json:"id"`
		Content    string `json:"content"`
		SingleWord bool   `json:"single_word"`
		LStrip     bool   `json:"lstrip"`
		RStrip     bool   `json:"rstrip"`
		Special    bool   `json:"special"`
	} `json:"added_tokens"`
	Normalizer    *stage `json:"normalizer"`
	PreTokenizer  *stage `json:"pre_tokenizer"`
	PostProcessor *stage `json:"post_processor"`
	Decoder       *stage `json:"decoder"`
	Model         struct {
		Type                    string           `json:"type"`
		Dropout                 float64          `json:"dropout"`
		ContinuingSubwordPrefix string           `json:"continuing_subword_prefix"`
		EndOfWordSuffix         string           `json:"end_of_word_suffix"`
		ByteFallback            bool             `json:"byte_fallback"`
		IgnoreMerges            bool             `json:"ignore_merges"`
		Vocab                   map[string]int64 `json:"vocab"`
		Merges                  []mergeJSON      `json:"merges"`
	} `json:"model"`
}

// A stage is a step of the tokenizer, or a sequence of such.
type stage struct {
	Type string `json:"type"`

	// Sequences.
	Normalizers   []stage `json:"normalizers"`
	PreTokenizers []stage `json:"pretokenizers"`
	Processors    []stage `json:"processors"`
	Decoders      []stage `json:"decoders"`

	// Split.
	Pattern struct {
		Regex  string `json:"Regex"`
		String string `json:"String"`
	} `json:"pattern"`
	Behavior string `json:"behavior"`
	Invert   bool   `json:"invert"`

	// ByteLevel; a field that the file leaves out is true.
	AddPrefixSpace *bool `json:"add_prefix_space"`
	UseRegex       *bool `json:"use_regex"`

	// TemplateProcessing.
	Single []struct {
		SpecialToken *struct {
			ID string `json:"id"`
		} `json:"SpecialToken"`
	} `json:"single"`
}

// A mergeJSON is a merge as "left right"; the file has it so or as a pair.
type mergeJSON string

func (m *mergeJSON) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, (*string)(m))
	}
	var pair []string
	if err := json.Unmarshal(data, &pair); err != nil {
		return err
	}
	if len(pair) != 2 {
		return fmt.Errorf("a merge of %d parts, want 2", len(pair))
	}
	*m = mergeJSON(pair[0] + " " + pair[1])
	return nil
}

// errSentencePiece says that the file describes what SentencePiece's own file,
// tokenizer.model, says exactly.
var errSentencePiece = errors.New("model with byte_fallback is not supported: read the tokenizer.model beside it")

// addedTokens returns the tokens that a tokenizer.json adds to others.
func addedTokens(data []byte) (*tokenizerJSON, error) {
	var f tokenizerJSON
	err := json.Unmarshal(data, &f)
	return &f, err
}

func parseTokenizerJSON(data []byte) (*Vocab, error) {
	var f tokenizerJSON
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("not a tokenizer.json: %w", err)
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	v := &Vocab{Model: "gpt2", Pre: "llama-bpe", BOS: -1, EOS: -1, EOT: -1, Pad: -1}
	if err := f.tokens(v); err != nil {
		return nil, err
	}
	v.Merges = make([]string, len(f.Model.Merges)) // not nil: an empty list is a list
	for i, m := range f.Model.Merges {
		v.Merges[i] = string(m)
	}
	return v, f.ends(v)
}

// check refuses what would give other ids than byte-level BPE with Llama 3's
// splitting does.
func (f *tokenizerJSON) check() error {
	m := &f.Model
	switch {
	case m.Type != "BPE":
		return fmt.Errorf("model of type %q, want BPE", m.Type)
	case m.Dropout != 0:
		return fmt.Errorf("model with dropout %v is not supported", m.Dropout)
	case m.ContinuingSubwordPrefix != "" || m.EndOfWordSuffix != "":
		return errors.New("model with continuing_subword_prefix or end_of_word_suffix is not supported")
	case m.ByteFallback:
		return errSentencePiece
	}
	for _, n := range flatten(f.Normalizer) {
		return fmt.Errorf("normalizer %s is not supported", n.Type)
	}
	for _, d := range flatten(f.Decoder) {
		if d.Type != "ByteLevel" {
			return fmt.Errorf("decoder %s is not supported, want ByteLevel", d.Type)
		}
	}
	if err := checkSplit(flatten(f.PreTokenizer)); err != nil {
		return err
	}
	if !m.IgnoreMerges {
		return errors.New("model with Llama 3's pre_tokenizer but without ignore_merges is not supported")
	}
	return nil
}

// checkSplit accepts the two steps of Llama 3's pre-tokenizer.
func checkSplit(steps []stage) error {
	var names []string
	for _, s := range steps {
		names = append(names, s.Type)
	}
	if got := strings.Join(names, ", "); got != "Split, ByteLevel" {
		return fmt.Errorf("pre_tokenizer [%s] is not supported, want [Split, ByteLevel]", got)
	}
	split, level := steps[0], steps[1]
	switch isTrue := func(b *bool) bool { return b == nil || *b }; {
	case split.Pattern.Regex != llama3Pattern:
		return fmt.Errorf("pre_tokenizer with the pattern %s is not supported, only Llama 3's is", excerpt([]byte(split.Pattern.Regex+split.Pattern.String)))
	case split.Behavior != "Isolated" || split.Invert:
		return fmt.Errorf("pre_tokenizer Split with behavior %q, invert %v is not supported", split.Behavior, split.Invert)
	case isTrue(level.AddPrefixSpace) || isTrue(level.UseRegex):
		return errors.New("pre_tokenizer ByteLevel with add_prefix_space or use_regex is not supported")
	}
	return nil
}

// flatten returns the steps of a stage: of a Sequence its parts, else itself.
func flatten(s *stage) []stage {
	switch {
	case s == nil:
		return nil
	case s.Type != "Sequence":
		return []stage{*s}
	}
	var steps []stage
	for _, parts := range [][]stage{s.Normalizers, s.PreTokenizers, s.Processors, s.Decoders} {
		for i := range parts {
			steps = append(steps, flatten(&parts[i])...)
		}
	}
	return steps
}

// tokens fills v's tokens and their types from the model's vocabulary and the
// added tokens.
func (f *tokenizerJSON) tokens(v *Vocab) error {
	// Ids without a gap: no more ids than entries.
	v.Tokens = make([]string, len(f.Model.Vocab)+len(f.AddedTokens))
	v.Types = make([]TokenType, len(v.Tokens))
	n := 0
	add := func(text string, id int64, kind TokenType) error {
		switch {
		case id < 0 || id >= int64(len(v.Tokens)):
			return fmt.Errorf("token %s has the id %d, but the file has %d tokens", excerpt([]byte(text)), id, len(v.Tokens))
		case v.Types[id] == 0:
			n++
		case v.Tokens[id] != text:
			return fmt.Errorf("tokens %s and %s have the same id %d", excerpt([]byte(v.Tokens[id])), excerpt([]byte(text)), id)
		}
		v.Tokens[id], v.Types[id] = text, kind
		return nil
	}
	for text, id := range f.Model.Vocab {
		if err := add(text, id, TokenNormal); err != nil {
			return err
		}
	}
	for _, a := range f.AddedTokens {
		if a.SingleWord || a.LStrip || a.RStrip {
			return fmt.Errorf("added token %s with single_word, lstrip or rstrip is not supported", excerpt([]byte(a.Content)))
		}
		kind := TokenUserDefined
		if a.Special {
			kind = TokenControl
		}
		if err := add(a.Content, a.ID, kind); err != nil {
			return err
		}
	}
	for id, kind := range v.Types[:n] {
		if kind == 0 {
			return fmt.Errorf("no token has the id %d, but the file has %d tokens", id, n)
		}
	}
	v.Tokens, v.Types = v.Tokens[:n:n], v.Types[:n:n]
	return nil
}

// ends finds the tokens before and behind a text.
func (f *tokenizerJSON) ends(v *Vocab) error {
	id := make(map[string]int32)
	for i, kind := range v.Types {
		if kind == TokenControl {
			id[v.Tokens[i]] = int32(i)
		}
	}
	for _, p := range flatten(f.PostProcessor) {
		switch p.Type {
		case "ByteLevel": // changes offsets only
		case "TemplateProcessing":
			for i, part := range p.Single {
				if part.SpecialToken == nil {
					continue
				}
				bos, ok := id[part.SpecialToken.ID]
				if i > 0 || !ok {
					return fmt.Errorf("post_processor that puts the token %q at place %d is not supported", part.SpecialToken.ID, i)
				}
				v.BOS, v.AddBOS = bos, true
			}
		default:
			return fmt.Errorf("post_processor %s is not supported", p.Type)
		}
	}
	if eos, ok := id["<|end_of_text|>"]; ok {
		v.EOS = eos
	}
	if eot, ok := id["<|eot_id|>"]; ok {
		v.EOT = eot
	}
	return nil
}
