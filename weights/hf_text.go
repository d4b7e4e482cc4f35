package weights

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
)

// readHFText reads what a directory says of text: tokenizer.json,
// tokenizer_config.json, chat_template.jinja and generation_config.json. All
// may be missing: a model can be computed with ids alone.
func readHFText(dir string, config *hfConfig) (Vocab, error) {
	v := Vocab{BOS: -1, EOS: -1, EOT: -1, Pad: -1}
	path := filepath.Join(dir, "tokenizer.json")
	data, err := readVocabFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return v, nil
	case err != nil:
		return v, invalid(path, err)
	}
	parsed, err := parseTokenizerJSON(data)
	if errors.Is(err, errSentencePiece) {
		path = filepath.Join(dir, "tokenizer.model")
		parsed, err = readSentencePiece(path, data)
	}
	if err != nil {
		return v, invalid(path, err)
	}
	v = *parsed
	if err := v.pad(config.VocabSize); err != nil {
		return v, invalid(path, err)
	}
	if v.ChatTemplate, err = readHFTemplate(dir); err != nil {
		return v, err
	}
	var generation struct {
		EOS hfTokens `json:"eos_token_id"`
	}
	if err := readJSON(filepath.Join(dir, "generation_config.json"), &generation); err != nil {
		return v, err
	}
	return v, invalid(filepath.Join(dir, "config.json"), v.setEnds(config, generation.EOS))
}

// readSentencePiece reads a tokenizer.model, with the tokens that the
// tokenizer.json beside it adds behind its pieces.
func readSentencePiece(path string, tokenizerJSON []byte) (*Vocab, error) {
	data, err := readVocabFile(path)
	if err != nil {
		return nil, err
	}
	v, err := parseSentencePiece(data)
	if err != nil {
		return nil, err
	}
	added, err := readAddedTokens(tokenizerJSON)
	if err != nil {
		return nil, err
	}
	for _, a := range added {
		switch n := int64(len(v.Tokens)); {
		case a.ID < n:
			continue // one of the pieces
		case a.ID > n:
			return nil, fmt.Errorf("added token %s has the id %d behind %d tokens", excerpt([]byte(a.Content)), a.ID, n)
		}
		kind := TokenUserDefined
		if a.Special {
			kind = TokenControl
		}
		v.Tokens, v.Types, v.Scores = append(v.Tokens, a.Content), append(v.Types, kind), append(v.Scores, 0)
	}
	return v, nil
}

// pad fills the vocabulary up to the rows of the embedding, of which some
// models have more than tokens.
func (v *Vocab) pad(rows int) error {
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

// setEnds sets the tokens that begin and end texts, as far as tokenizer.json
// does not.
func (v *Vocab) setEnds(config *hfConfig, ends hfTokens) error {
	if len(ends) == 0 {
		ends = config.EOS
	}
	for _, ids := range []hfTokens{ends, config.BOS, config.Pad} {
		for _, id := range ids {
			if id < -1 || int(id) >= len(v.Tokens) {
				return fmt.Errorf("token id %d of begin, end or padding, expected 0 to %d", id, len(v.Tokens)-1)
			}
		}
	}
	if v.BOS < 0 {
		v.BOS = config.BOS.first()
	}
	v.Pad = config.Pad.first()
	if len(ends) > 0 {
		v.EOS = ends[0]
	}
	if others := slices.DeleteFunc(slices.Clone(ends), func(id int32) bool { return id == v.EOS }); len(others) > 0 && !slices.Contains(others, v.EOT) {
		v.EOT = others[0]
	}
	return nil
}

// readHFTemplate returns the chat template, or "".
func readHFTemplate(dir string) (string, error) {
	path := filepath.Join(dir, "chat_template.jinja")
	switch data, err := readText(path, maxConfig); {
	case err == nil:
		return string(data), nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", invalid(path, err)
	}
	var config struct {
		Template hfTemplate `json:"chat_template"`
	}
	err := readJSON(filepath.Join(dir, "tokenizer_config.json"), &config)
	return string(config.Template), err
}

// An hfTemplate is a template, or the one named default of several.
type hfTemplate string

func (t *hfTemplate) UnmarshalJSON(data []byte) error {
	if len(data) == 0 || data[0] != '[' {
		return json.Unmarshal(data, (*string)(t))
	}
	return eachElement(data, func(d *json.Decoder) error {
		var one struct{ Name, Template string }
		err := d.Decode(&one)
		if err == nil && one.Name == "default" {
			*t = hfTemplate(one.Template)
		}
		return err
	})
}

// readJSON reads a small file into value, if it is there.
func readJSON(path string, value any) error {
	data, err := readText(path, maxVocabFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil:
		err = json.Unmarshal(data, value)
	}
	return invalid(path, err)
}
