package weights

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"bitnet-gpu/weights/vocab"
)

// readHFText reads what a directory says of text: tokenizer.json or
// tokenizer.model, tokenizer_config.json, chat_template.jinja and
// generation_config.json. All may be missing: a model can be computed with ids
// alone.
func readHFText(dir string, config *hfConfig) (vocab.Vocab, error) {
	v := vocab.Vocab{BOS: -1, EOS: -1, EOT: -1, Pad: -1}
	parsed, path, err := readHFVocab(dir)
	if err != nil || parsed == nil {
		return v, invalid(path, err)
	}
	v = *parsed
	if err := v.Fill(config.VocabSize); err != nil {
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
	return v, invalid(filepath.Join(dir, "config.json"), setEnds(&v, config, generation.EOS))
}

// readHFVocab reads a directory's vocabulary, nil where it has none, and says from
// which file: tokenizer.json, or tokenizer.model where there is no other, or where
// that one refers to it.
func readHFVocab(dir string) (v *vocab.Vocab, path string, err error) {
	path = filepath.Join(dir, "tokenizer.json")
	data, err := readVocabFile(path)
	missing := errors.Is(err, fs.ErrNotExist)
	if err == nil {
		v, err = vocab.ParseTokenizerJSON(data)
	}
	if !missing && !errors.Is(err, vocab.ErrSentencePiece) {
		return v, path, err
	}
	path = filepath.Join(dir, "tokenizer.model")
	model, err := readVocabFile(path)
	switch {
	case missing && errors.Is(err, fs.ErrNotExist):
		return nil, path, nil
	case err != nil:
	case missing:
		v, err = vocab.Parse(model)
	default:
		v, err = vocab.ParseSentencePiece(model, data)
	}
	return v, path, err
}

// setEnds sets the tokens that begin and end texts, as far as tokenizer.json
// does not.
func setEnds(v *vocab.Vocab, config *hfConfig, ends hfTokens) error {
	if len(ends) == 0 {
		ends = config.EOS
	}
	for _, ids := range []hfTokens{ends, config.BOS} {
		for _, id := range ids {
			if id < -1 || int(id) >= len(v.Tokens) {
				return fmt.Errorf("token id %d of begin or end, expected 0 to %d", id, len(v.Tokens)-1)
			}
		}
	}
	if v.BOS < 0 {
		v.BOS = config.BOS.first()
	}
	if v.Pad = config.Pad.first(); v.Pad < 0 || int(v.Pad) >= len(v.Tokens) {
		v.Pad = -1 // nothing here needs it
	}
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
	path = filepath.Join(dir, "tokenizer_config.json")
	data, err := readVocabFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	text := ""
	if err == nil {
		text, err = vocab.ParseTemplate(data)
	}
	return text, invalid(path, err)
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
