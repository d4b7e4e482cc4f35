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

// readHFText reads what a directory says of text: tokenizer.json,
// tokenizer_config.json, chat_template.jinja and generation_config.json. All
// may be missing: a model can be computed with ids alone.
func readHFText(dir string, config *hfConfig) (vocab.Vocab, error) {
	v := vocab.Vocab{BOS: -1, EOS: -1, EOT: -1, Pad: -1}
	path := filepath.Join(dir, "tokenizer.json")
	data, err := readVocabFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return v, nil
	case err != nil:
		return v, invalid(path, err)
	}
	parsed, err := vocab.ParseTokenizerJSON(data)
	if errors.Is(err, vocab.ErrSentencePiece) {
		path = filepath.Join(dir, "tokenizer.model")
		parsed, err = readSentencePiece(path, data)
	}
	if err != nil {
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

// readSentencePiece reads a tokenizer.model, with what the tokenizer.json beside
// it adds.
func readSentencePiece(path string, tokenizerJSON []byte) (*vocab.Vocab, error) {
	data, err := readVocabFile(path)
	if err != nil {
		return nil, err
	}
	return vocab.ParseSentencePiece(data, tokenizerJSON)
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
