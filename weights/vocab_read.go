package weights

import (
	"bytes"
	"fmt"
	"os"
)

// maxVocabFile bounds the vocabulary files that are read whole into memory. The
// largest known tokenizer.json has 34 MB.
const maxVocabFile = 64 << 20 // bytes

// ReadVocab reads a vocabulary from a file of its own: a Hugging Face
// tokenizer.json, or a tokenizer.model in tiktoken's form. It goes by the
// content, not by the name.
func ReadVocab(path string) (*Vocab, error) {
	data, err := readVocabFile(path)
	if err != nil {
		return nil, err
	}
	v, err := parseVocab(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return v, nil
}

func parseVocab(data []byte) (*Vocab, error) {
	text := bytes.TrimSpace(data)
	switch {
	case len(text) == 0:
		return nil, fmt.Errorf("the file is empty")
	case bytes.HasPrefix(data, []byte("GGUF")):
		return nil, fmt.Errorf("a GGUF model, not a vocabulary: open it as a model")
	case bytes.HasPrefix(text, []byte("version https://git-lfs")):
		return nil, fmt.Errorf("a Git LFS pointer, not the file itself: fetch it with git lfs pull")
	case text[0] == '<':
		return nil, fmt.Errorf("a web page, not a vocabulary: download the file itself")
	case text[0] == '{':
		return parseTokenizerJSON(data)
	case bytes.ContainsFunc(text[:min(len(text), 512)], func(c rune) bool { return c < '\t' || c > '~' }):
		return nil, fmt.Errorf("neither a tokenizer.json nor a tokenizer.model in tiktoken's form (SentencePiece models are not supported)")
	}
	return parseTiktoken(data)
}

// readVocabFile reads a regular file of bounded size.
func readVocabFile(path string) ([]byte, error) {
	info, err := os.Stat(path) // before it is opened: opening a pipe would wait
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", path)
	}
	if info.Size() > maxVocabFile {
		return nil, fmt.Errorf("%s: %d bytes, too large for a vocabulary (limit %d)", path, info.Size(), maxVocabFile)
	}
	return os.ReadFile(path)
}
