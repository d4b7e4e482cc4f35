package vocab

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"
)

// llama3Ranks is the number of ordinary tokens of Llama 3, whose 256 special
// tokens follow them.
const llama3Ranks = 128000

// IsLlama3 reports whether a vocabulary of n tokens is Llama 3's by its size.
func IsLlama3(n int) bool { return n == llama3Ranks+256 }

// ParseTiktoken reads a vocabulary in tiktoken's form, such as the 2B4T's
// tokenizer.model: one line "base64(bytes) rank" for each ordinary token. The
// form names neither special tokens nor a pre-tokenizer, so only the one that
// is known by its size is read: 128,000 ranks are Llama 3's, to which its 256
// special tokens are added.
func ParseTiktoken(data []byte) (*Vocab, error) {
	ranks, err := parseRanks(data)
	if err != nil {
		return nil, err
	}
	if len(ranks) != llama3Ranks {
		return nil, fmt.Errorf("%d ranks; a file in tiktoken's form does not name its special tokens, and only Llama 3's, with %d ranks, are known: use the model's tokenizer.json", len(ranks), llama3Ranks)
	}
	v := &Vocab{
		Model:  "gpt2",
		Pre:    "llama-bpe",
		Tokens: append(ranks, llama3Specials()...),
		BOS:    128000,
		EOS:    128001,
		EOT:    128009,
		Pad:    -1,
		AddBOS: true,
	}
	v.Types = make([]TokenType, len(v.Tokens))
	for i := range v.Types {
		v.Types[i] = TokenNormal
		if i >= llama3Ranks {
			v.Types[i] = TokenControl
		}
	}
	return v, nil
}

// parseRanks returns the tokens of a tiktoken file by rank, in the GPT-2 byte
// alphabet.
func parseRanks(data []byte) ([]string, error) {
	// The shortest line, one byte of token, is "IQ== 0": the file's own size
	// bounds the number of ranks.
	tokens := make([]string, min(bytes.Count(data, []byte{'\n'})+1, len(data)/6+1))
	var raw, text []byte
	n, top := 0, -1
	for line, number := range linesOf(data) {
		encoded, rank, ok := bytes.Cut(line, []byte{' '})
		if !ok {
			return nil, fmt.Errorf("line %d: want \"base64 rank\", found %s", number, excerpt(line))
		}
		var err error
		raw, err = base64.StdEncoding.AppendDecode(raw[:0], encoded)
		if err != nil || len(raw) == 0 {
			return nil, fmt.Errorf("line %d: %s is not the base64 of a token", number, excerpt(encoded))
		}
		r, err := strconv.ParseUint(string(rank), 10, 31)
		if err != nil {
			return nil, fmt.Errorf("line %d: rank %s is not a number", number, excerpt(rank))
		}
		if r >= uint64(len(tokens)) {
			return nil, fmt.Errorf("line %d: rank %d, but the file has %d lines", number, r, len(tokens))
		}
		if tokens[r] != "" {
			return nil, fmt.Errorf("line %d: rank %d a second time", number, r)
		}
		text = AppendAlphabet(text[:0], raw)
		tokens[r] = string(text)
		n, top = n+1, max(top, int(r))
	}
	if top+1 != n {
		return nil, fmt.Errorf("%d ranks up to %d: some are missing", n, top)
	}
	return tokens[:n], nil
}

// linesOf yields the lines of data that are not empty, with their numbers from
// 1 on.
func linesOf(data []byte) func(yield func([]byte, int) bool) {
	return func(yield func([]byte, int) bool) {
		number := 0
		for line := range bytes.Lines(data) {
			number++
			if line = bytes.TrimRight(line, "\r\n"); len(line) > 0 && !yield(line, number) {
				return
			}
		}
	}
}

// llama3Specials returns the 256 special tokens of Llama 3, in the order of
// their ids from 128000 on.
func llama3Specials() []string {
	specials := []string{
		"<|begin_of_text|>",
		"<|end_of_text|>",
		"<|reserved_special_token_0|>",
		"<|reserved_special_token_1|>",
		"<|reserved_special_token_2|>",
		"<|reserved_special_token_3|>",
		"<|start_header_id|>",
		"<|end_header_id|>",
		"<|reserved_special_token_4|>",
		"<|eot_id|>",
	}
	for i := 5; i <= 250; i++ {
		specials = append(specials, fmt.Sprintf("<|reserved_special_token_%d|>", i))
	}
	return specials
}
