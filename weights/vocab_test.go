package weights

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bitnet-gpu/test/badfiles"
	"bitnet-gpu/weights/vocab"
)

func TestReadVocabRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vocab")
	for _, c := range []struct{ data, want string }{
		{"", "the file is empty"},
		{"GGUF\x03\x00\x00\x00", "too short for a GGUF header"},
		{strings.Repeat("x", 1000), `found "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"...`},
		{`{"model":{"type":"Unigram"}}`, `model of type "Unigram", want BPE`},
	} {
		if err := os.WriteFile(path, []byte(c.data), 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := ReadVocab(path)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), path) {
			t.Fatalf("error %v, want the path and %q", err, c.want)
		}
		badfiles.OneLine(t, err)
	}
}

func TestReadVocabNoFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadVocab(dir); err == nil || err.Error() != dir+": a directory without tokenizer.json and tokenizer.model" {
		t.Errorf("a directory gives the error %v", err)
	}
	if _, err := ReadVocab(filepath.Join(dir, "none")); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("a file that does not exist gives the error %v", err)
	}
	if _, err := ReadVocab(os.DevNull); err == nil {
		t.Error("a device gives no error")
	}
	big := filepath.Join(dir, "big")
	if err := os.WriteFile(big, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(big, maxVocabFile+1); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadVocab(big); err == nil || !strings.Contains(err.Error(), "too large: the limit is") {
		t.Errorf("a file of 64 MiB and a byte gives the error %v", err)
	}
}

// pieces are a tokenizer.model of four pieces.
const pieces = "\n\x09\n\x05<unk>\x18\x02\n\x07\n\x03<s>\x18\x03\n\x08\n\x04</s>\x18\x03\n\x03\n\x01a\x12\x02\x18\x02"

// TestHFSentencePiece reads a tokenizer.model where the tokenizer.json is one of
// SentencePiece's, with the tokens that it adds.
func TestHFSentencePiece(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"tokenizer.model": pieces,
		"tokenizer.json":  `{"model":{"type":"BPE","byte_fallback":true},"added_tokens":[{"id":1,"content":"<s>","special":true},{"id":4,"content":"<pad>","special":true}]}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	config := &hfConfig{Config: Config{VocabSize: 7}, BOS: hfTokens{1}, EOS: hfTokens{2}, Pad: hfTokens{4}}
	v, err := readHFText(dir, config)
	if err != nil || len(v.Tokens) != 7 || len(v.Scores) != 7 || v.Tokens[4] != "<pad>" || v.Types[4] != vocab.TokenControl || v.Types[6] != vocab.TokenUnused || v.Pad != 4 {
		t.Errorf("%d tokens, %d scores, padding %d, %v", len(v.Tokens), len(v.Scores), v.Pad, err)
	}
	if v, err := ReadVocab(dir); err != nil || len(v.Tokens) != 5 {
		t.Error(v, err)
	}
	if err := os.Rename(filepath.Join(dir, "tokenizer.json"), filepath.Join(dir, "kept")); err != nil {
		t.Fatal(err)
	}
	if v, err := readHFText(dir, config); err != nil || len(v.Tokens) != 7 || v.Tokens[3] != "a" { // without what that adds
		t.Error(v.Tokens, err)
	}
	if err := os.Rename(filepath.Join(dir, "kept"), filepath.Join(dir, "tokenizer.json")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "tokenizer.model")); err != nil {
		t.Fatal(err)
	}
	if _, err := readHFText(dir, config); err == nil || !strings.Contains(err.Error(), "tokenizer.model: no such file") {
		t.Error(err)
	}
}
