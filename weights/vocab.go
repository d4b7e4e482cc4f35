package weights

import (
	"errors"
	"fmt"
	"io"
	"os"

	"bitnet-gpu/weights/vocab"
)

// maxVocabFile bounds the vocabulary files that are read whole into memory. The
// largest known tokenizer.json has 34 MB.
const maxVocabFile = 64 << 20 // bytes

// ReadVocab reads a vocabulary: that of a GGUF file, a Hugging Face
// tokenizer.json, or a tokenizer.model in tiktoken's or SentencePiece's form. It
// goes by the content, not by the name; in a directory, by the names tokenizer.json
// and tokenizer.model. Errors begin with the path and wrap ErrInvalid.
func ReadVocab(path string) (*vocab.Vocab, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		v, inside, err := readHFVocab(path)
		if v == nil && err == nil {
			inside, err = path, errors.New("a directory without tokenizer.json and tokenizer.model")
		}
		return v, invalid(inside, err)
	}
	if IsDemo(path) || isGGUF(path) {
		return readGGUFVocab(path)
	}
	data, err := readVocabFile(path)
	if err != nil {
		return nil, invalid(path, err)
	}
	v, err := vocab.Parse(data)
	return v, invalid(path, err)
}

// readGGUFVocab reads the tokenizer of the GGUF file at path, whatever model the
// file holds, or none.
func readGGUFVocab(path string) (*vocab.Vocab, error) {
	files, container, err := openGGUF(path)
	if err != nil {
		return nil, err
	}
	var v vocab.Vocab
	err = guard(files, path, func() (err error) {
		if v, err = vocab.FromGGUF(container, vocab.AnySize); err == nil && len(v.Tokens) == 0 {
			err = errors.New("the file holds no tokenizer")
		}
		return err
	})
	return &v, errors.Join(err, closeAll(files))
}

// isGGUF reports whether a regular file begins as GGUF does.
func isGGUF(path string) bool {
	if !isRegular(path) {
		return false // opening a pipe would wait
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var magic [4]byte
	_, err = io.ReadFull(f, magic[:])
	return err == nil && string(magic[:]) == "GGUF"
}

func isRegular(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func readVocabFile(path string) ([]byte, error) { return readText(path, maxVocabFile) }

// readBounded reads a regular file of at most limit bytes.
func readBounded(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path) // before it is opened: opening a pipe would wait
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%d bytes, too large: the limit is %d", info.Size(), limit)
	}
	return os.ReadFile(path)
}
