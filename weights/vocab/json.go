package vocab

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// llama3Pattern is the regular expression by which Llama 3 splits text into
// pieces, as its tokenizer.json spells it.
const llama3Pattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

// tokenizerJSON is the part of tokenizer.json that decides on ids.
type tokenizerJSON struct {
	AddedTokens   addedTokens     `json:"added_tokens"`
	Normalizer    json.RawMessage `json:"normalizer"` // a stage, like the next three
	PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
	PostProcessor json.RawMessage `json:"post_processor"`
	Decoder       json.RawMessage `json:"decoder"`
	Model         struct {
		Type                    string           `json:"type"`
		Dropout                 float64          `json:"dropout"`
		ContinuingSubwordPrefix string           `json:"continuing_subword_prefix"`
		EndOfWordSuffix         string           `json:"end_of_word_suffix"`
		ByteFallback            bool             `json:"byte_fallback"`
		IgnoreMerges            bool             `json:"ignore_merges"`
		Vocab                   map[string]int64 `json:"vocab"`
		Merges                  mergeList        `json:"merges"`
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

	// Digits.
	IndividualDigits bool `json:"individual_digits"`

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

// addedTokens and mergeList are lists that are checked as they are read: what a
// file repeats most cheaply, {} or "", would else take a hundred times its room
// in memory.

type addedTokens []addedToken

type addedToken struct {
	ID         int64  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Special    bool   `json:"special"`
}

func (l *addedTokens) UnmarshalJSON(data []byte) error {
	*l = nil
	return eachElement(data, func(d *json.Decoder) error {
		var t addedToken
		if err := d.Decode(&t); err != nil {
			return err
		}
		if t.Content == "" {
			return fmt.Errorf("added token %d is empty", len(*l))
		}
		*l = append(*l, t)
		return nil
	})
}

// A mergeList holds merges as "left right"; the file has each so or as a pair.
type mergeList []string

func (l *mergeList) UnmarshalJSON(data []byte) error {
	*l = make(mergeList, 0, bytes.Count(data, []byte{','})+1) // not nil: an empty list is a list
	merge, pair := "", [3]*string{}                           // more than three are left out
	return eachElement(data, func(d *json.Decoder) error {
		clear(pair[:])
		if next := bytes.TrimLeft(data[d.InputOffset():], ", \t\r\n"); next[0] == '"' {
			if err := d.Decode(&merge); err != nil {
				return err
			}
		} else if err := d.Decode(&pair); err != nil {
			return err
		} else if pair[0] == nil || pair[1] == nil || pair[2] != nil {
			return fmt.Errorf("merge %d is not of two parts", len(*l))
		} else {
			merge = *pair[0] + " " + *pair[1]
		}
		if len(merge) < 3 {
			return fmt.Errorf("merge %d is %q, want two tokens with a blank between", len(*l), merge)
		}
		*l = append(*l, merge)
		return nil
	})
}

// eachElement calls f for each element of a JSON list, which f takes off d.
func eachElement(data []byte, f func(d *json.Decoder) error) error {
	d := json.NewDecoder(bytes.NewReader(data))
	switch t, err := d.Token(); {
	case err != nil || t == nil: // null
		return err
	case t != json.Delim('['):
		return errors.New("a value that is not the list it should be")
	}
	for d.More() {
		if err := f(d); err != nil {
			return err
		}
	}
	return nil
}

// ErrSentencePiece says that the file describes what SentencePiece's own file,
// tokenizer.model, says exactly.
var ErrSentencePiece = errors.New("model with byte_fallback is not supported: read the tokenizer.model beside it")

// readAddedTokens returns the tokens that a tokenizer.json adds to others.
func readAddedTokens(data []byte) (addedTokens, error) {
	var f tokenizerJSON
	err := json.Unmarshal(data, &f)
	return f.AddedTokens, err
}

// ParseTokenizerJSON reads a Hugging Face tokenizer.json that describes
// byte-level BPE with the splitting of Llama 3 or of Falcon3. Everything in the
// file that would change the ids and is not that is refused by its name; what
// describes SentencePiece's BPE is ErrSentencePiece.
//
// The file does not say which token ends a text: EOS and EOT are found by the
// names that Llama 3 gave them, and are -1 where there are none.
func ParseTokenizerJSON(data []byte) (*Vocab, error) {
	var f tokenizerJSON
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("not a tokenizer.json: %w", err)
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	v := &Vocab{Model: "gpt2", BOS: -1, EOS: -1, EOT: -1, Pad: -1}
	if err := f.splitting(v); err != nil {
		return nil, err
	}
	if err := f.tokens(v); err != nil {
		return nil, err
	}
	if v.Merges = f.Model.Merges; v.Merges == nil { // which would mean another rule
		v.Merges = []string{}
	}
	return v, f.ends(v)
}

// check refuses what would give other ids than byte-level BPE does.
func (f *tokenizerJSON) check() error {
	m := &f.Model
	switch {
	case m.Type != "BPE":
		return fmt.Errorf("model of type %.40q, want BPE", m.Type)
	case m.Dropout != 0:
		return fmt.Errorf("model with dropout %v is not supported", m.Dropout)
	case m.ContinuingSubwordPrefix != "" || m.EndOfWordSuffix != "":
		return errors.New("model with continuing_subword_prefix or end_of_word_suffix is not supported")
	case m.ByteFallback:
		return ErrSentencePiece
	}
	normalizers, err := steps("normalizer", f.Normalizer)
	if err != nil {
		return err
	}
	for _, n := range normalizers {
		return fmt.Errorf("normalizer %.40q is not supported", n.Type)
	}
	decoders, err := steps("decoder", f.Decoder)
	for _, d := range decoders {
		if d.Type != "ByteLevel" {
			return fmt.Errorf("decoder %.40q is not supported, want ByteLevel", d.Type)
		}
	}
	return err
}

// splitting finds how text is cut into pieces, and whether a piece that is a
// token is that token, or is merged from its bytes like any other.
func (f *tokenizerJSON) splitting(v *Vocab) error {
	list, err := steps("pre_tokenizer", f.PreTokenizer)
	if err != nil {
		return err
	}
	var names []string
	for _, s := range list {
		names = append(names, s.Type)
	}
	switch got := strings.Join(names, ", "); got {
	case "Split, ByteLevel":
		if !f.Model.IgnoreMerges {
			err = errors.New("model with Llama 3's pre_tokenizer but without ignore_merges is not supported")
		}
		v.Pre = "llama-bpe"
		return cmp.Or(checkLlama3(&list[0], &list[1]), err)
	case "Punctuation, ByteLevel, Digits":
		v.Pre, v.MergesOnly = "falcon3", !f.Model.IgnoreMerges
		return checkFalcon3(&list[0], &list[1], &list[2])
	default:
		return fmt.Errorf("pre_tokenizer of %.80q is not supported, only \"Split, ByteLevel\" of Llama 3 and \"Punctuation, ByteLevel, Digits\" of Falcon3 are%s", got, withoutText)
	}
}

// withoutText says what can still be done with a model.
const withoutText = ": without its tokenizer.json the model runs on token ids"

func checkLlama3(split, level *stage) error {
	switch {
	case split.Pattern.Regex != llama3Pattern:
		return fmt.Errorf("pre_tokenizer with the pattern %.150q is not supported, only Llama 3's is%s", split.Pattern.Regex+split.Pattern.String, withoutText)
	case split.Behavior != "Isolated" || split.Invert:
		return fmt.Errorf("pre_tokenizer Split with behavior %.40q, invert %v is not supported", split.Behavior, split.Invert)
	case unlessFalse(level.AddPrefixSpace) || unlessFalse(level.UseRegex):
		return errors.New("pre_tokenizer ByteLevel with add_prefix_space or use_regex is not supported")
	}
	return nil
}

func checkFalcon3(punctuation, level, digits *stage) error {
	switch {
	case punctuation.Behavior != "Contiguous":
		return fmt.Errorf("pre_tokenizer Punctuation with behavior %.40q is not supported, only Contiguous", punctuation.Behavior)
	case unlessFalse(level.AddPrefixSpace) || !unlessFalse(level.UseRegex):
		return errors.New("pre_tokenizer ByteLevel behind Punctuation with add_prefix_space or without use_regex is not supported")
	case !digits.IndividualDigits:
		return errors.New("pre_tokenizer Digits without individual_digits is not supported")
	}
	return nil
}

func unlessFalse(b *bool) bool { return b == nil || *b }

// maxParts bounds the commas in a stage. Llama 3's have up to 40.
const maxParts = 128

// steps reads the steps of a stage.
func steps(name string, raw json.RawMessage) ([]stage, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	if n := bytes.Count(raw, []byte{','}); n > maxParts {
		return nil, fmt.Errorf("%s with %d commas is not supported, only up to %d", name, n, maxParts)
	}
	var s *stage
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("not a tokenizer.json: %s: %w", name, err)
	}
	return flatten(s), nil
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
			return fmt.Errorf("token %s has the id %d, but the file has %d tokens", excerpt(text), id, len(v.Tokens))
		case v.Types[id] == 0:
			n++
		case v.Tokens[id] != text:
			return fmt.Errorf("tokens %s and %s have the same id %d", excerpt(v.Tokens[id]), excerpt(text), id)
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
			return fmt.Errorf("added token %s with single_word, lstrip or rstrip is not supported", excerpt(a.Content))
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
	processors, err := steps("post_processor", f.PostProcessor)
	if err != nil {
		return err
	}
	for _, p := range processors {
		switch p.Type {
		case "ByteLevel": // changes offsets only
		case "TemplateProcessing":
			for i, part := range p.Single {
				if part.SpecialToken == nil {
					continue
				}
				bos, ok := id[part.SpecialToken.ID]
				if i > 0 || !ok {
					return fmt.Errorf("post_processor that puts the token %.40q at place %d is not supported", part.SpecialToken.ID, i)
				}
				v.BOS, v.AddBOS = bos, true
			}
		default:
			return fmt.Errorf("post_processor %.40q is not supported", p.Type)
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

// ParseTemplate returns the chat template of a tokenizer_config.json, the one
// named default where there are several, or "".
func ParseTemplate(data []byte) (string, error) {
	var config struct {
		Template template `json:"chat_template"`
	}
	err := json.Unmarshal(data, &config)
	return string(config.Template), err
}

type template string

func (t *template) UnmarshalJSON(data []byte) error {
	if len(data) == 0 || data[0] != '[' {
		return json.Unmarshal(data, (*string)(t))
	}
	return eachElement(data, func(d *json.Decoder) error {
		var one struct{ Name, Template string }
		err := d.Decode(&one)
		if err == nil && one.Name == "default" {
			*t = template(one.Template)
		}
		return err
	})
}
