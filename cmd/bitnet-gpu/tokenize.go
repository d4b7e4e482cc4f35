package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"bitnet-gpu/engine/tokenizer"
	"bitnet-gpu/weights"
)

// tokenizeFlags are the flags of the verb tokenize.
type tokenizeFlags struct {
	source
	file                        string
	jsonl, bos, special, decode bool
}

func tokenizeCmd(std stdio) *cobra.Command {
	var f tokenizeFlags
	cmd := &cobra.Command{
		Use:   "tokenize [-m MODEL | --tokenizer FILE] [TEXT]",
		Short: "Turn text into token ids, or back",
		Long: "Turn TEXT, or standard input, into token ids. Special tokens in the text are\n" +
			"ordinary text unless --special, and no token for the beginning is added unless --bos.",
		Example: `  bitnet-gpu tokenize -m model.gguf "Hello world"
  bitnet-gpu tokenize -m model.gguf --decode "72 296 108 111"`,
		SuggestFor: []string{"encode"},
		Args:       cobra.MaximumNArgs(1),
	}
	f.source.add(cmd)
	cmd.Flags().Var((*name)(&f.file), "tokenizer", "`FILE` of a vocabulary: GGUF, tokenizer.json or tokenizer.model")
	cmd.Flags().BoolVar(&f.jsonl, "jsonl", false, `read lines {"text": ...} and write lines {"ids": [...]}`)
	cmd.Flags().BoolVar(&f.bos, "bos", false, "put the token for the beginning in front")
	cmd.Flags().BoolVar(&f.special, "special", false, "take special tokens in the text for what they spell")
	cmd.Flags().BoolVar(&f.decode, "decode", false, "turn ids into text")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		t, err := f.open(std)
		if err != nil {
			return err
		}
		if f.jsonl {
			if len(args) > 0 {
				return usage("--jsonl reads standard input, not an argument")
			}
			return f.lines(t, std.in, std.out)
		}
		text, err := argument(args, std.in)
		if err != nil {
			return err
		}
		return f.one(t, text, std.out)
	}
	return cmd
}

func (f *tokenizeFlags) open(std stdio) (*tokenizer.Tokenizer, error) {
	path := f.file
	if path != "" && (f.model != "" || f.hf != "") {
		return nil, usage("name one of -m MODEL, -hf MODEL and --tokenizer FILE")
	}
	if path == "" {
		var err error
		if path, err = f.path(std); err != nil {
			return nil, err
		}
	}
	vocab, err := weights.ReadVocab(path)
	if err != nil {
		return nil, err
	}
	t, err := tokenizer.New(vocab)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, err, weights.ErrInvalid)
	}
	return t, nil
}

// argument returns the one argument, or what stands on standard input.
func argument(args []string, in io.Reader) (string, error) {
	if len(args) > 0 {
		return args[0], nil
	}
	return readText(in, maxText)
}

// Limits of what is read from standard input.
const (
	maxText = 1 << 30  // bytes to tokenize
	maxLine = 64 << 20 // bytes of a line of JSON
)

func (f *tokenizeFlags) one(t *tokenizer.Tokenizer, text string, w io.Writer) error {
	if !f.decode {
		ids := fmt.Sprint(f.encode(t, text))
		_, err := fmt.Fprintln(w, ids[1:len(ids)-1])
		return err
	}
	ids, err := parseIDs(text)
	if err != nil {
		return err
	}
	decoded, err := decode(t, ids)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, decoded)
	return err
}

func (f *tokenizeFlags) encode(t *tokenizer.Tokenizer, text string) []int32 {
	ids := []int32{}
	if bos := t.BOS(); f.bos && bos >= 0 {
		ids = append(ids, bos)
	}
	if f.special {
		return t.EncodeSpecial(ids, text)
	}
	return t.Encode(ids, text)
}

func decode(t *tokenizer.Tokenizer, ids []int32) (string, error) {
	for _, id := range ids {
		if id < 0 || int(id) >= t.VocabSize() {
			return "", usage("token id %d lies outside the vocabulary of %d", id, t.VocabSize())
		}
	}
	return t.Decode(ids), nil
}

// line is one line of --jsonl, in either direction.
type line struct {
	Text *string  `json:"text,omitempty"`
	IDs  *[]int32 `json:"ids,omitempty"`
}

// lines turns one JSON object a line into another, each written as soon as it is
// read, so that another program can talk to this one.
func (f *tokenizeFlags) lines(t *tokenizer.Tokenizer, in io.Reader, w io.Writer) error {
	output := json.NewEncoder(w)
	output.SetEscapeHTML(false)
	input := bufio.NewScanner(in)
	input.Buffer(nil, maxLine)
	for n := 1; input.Scan(); n++ {
		text := input.Bytes()
		if n == 1 {
			text = bytes.TrimPrefix(text, []byte("\uFEFF"))
		}
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		var l line
		err := json.Unmarshal(text, &l)
		if err != nil {
			err = usage("%w", err)
		} else {
			err = f.convert(t, &l)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if err := output.Encode(l); err != nil {
			return err
		}
	}
	if err := input.Err(); err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	return nil
}

// convert replaces what a line holds.
func (f *tokenizeFlags) convert(t *tokenizer.Tokenizer, l *line) error {
	switch {
	case f.decode && l.IDs != nil && l.Text == nil:
		text, err := decode(t, *l.IDs)
		*l = line{Text: &text}
		return err
	case !f.decode && l.Text != nil && l.IDs == nil:
		ids := f.encode(t, *l.Text)
		*l = line{IDs: &ids}
		return nil
	case f.decode:
		return usage(`expected {"ids": [...]}`)
	}
	return usage(`expected {"text": "..."}`)
}
