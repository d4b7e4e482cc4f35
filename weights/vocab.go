package weights

// A Vocab is a tokenizer as a model file describes it. engine/tokenizer makes
// it work.
type Vocab struct {
	Model string // "gpt2": byte-level BPE
	Pre   string // name of the pre-tokenizer, such as "llama-bpe"; "" if the file has none

	// Tokens, by id. Special tokens stand literally, the others in the GPT-2
	// byte alphabet (a printable character for each of the 256 bytes).
	Tokens []string
	Types  []TokenType // (len(Tokens)), or nil: all normal

	// Merges in the order of their rank, as "left right" in the same alphabet.
	// Nil means tiktoken's rule: the rank of a merge is the id of its result.
	Merges []string

	BOS, EOS, EOT, Pad int32 // -1: none
	AddBOS             bool

	ChatTemplate string // Jinja, as the file has it; "" if none
}

// A TokenType is the kind of a token, numbered as in GGUF.
type TokenType int32

const (
	TokenNormal      TokenType = 1
	TokenUnknown     TokenType = 2
	TokenControl     TokenType = 3
	TokenUserDefined TokenType = 4
	TokenUnused      TokenType = 5
	TokenByte        TokenType = 6
)
