package synthetic

import (
	"fmt"
	"strings"

	"bitnet-gpu/weights/vocab"
)

// merges make a few English tokens, in the GPT-2 alphabet: Ġ is a blank and Ċ
// the end of a line.
var merges = []string{
	"Ġ t", "h e", "i n", "Ġ a", "r e", "o n", "Ġt he", "e r", "l l", "he ll", "hell o",
	"Ġ w", "o r", "l d", "Ġw or", "Ġwor ld", "Ġ Ġ", "Ċ Ċ", "i s", "Ġ is",
}

var specials = []string{"<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"}

// MinVocab is the size of the smallest vocabulary: the 256 bytes, the results
// of the merges and three special tokens.
var MinVocab = 256 + len(merges) + len(specials)

// newVocab makes a byte-level vocabulary of n tokens: the 256 bytes in Llama-3's
// order, the results of a few merges, fillers that no text reaches (their
// letters and digits are never one piece), and the special tokens last.
func newVocab(n int) vocab.Vocab {
	tokens := alphabet()
	for _, merge := range merges {
		tokens = append(tokens, strings.Replace(merge, " ", "", 1))
	}
	for id := len(tokens); id < n-len(specials); id++ {
		tokens = append(tokens, fmt.Sprint("Ġw", id))
	}
	tokens = append(tokens, specials...)
	types := make([]vocab.TokenType, n)
	for i := range types {
		types[i] = vocab.TokenNormal
	}
	for i := n - len(specials); i < n; i++ {
		types[i] = vocab.TokenControl
	}
	last := int32(n - 1)
	return vocab.Vocab{
		Model: "gpt2", Pre: "llama-bpe",
		Tokens: tokens, Types: types, Merges: merges,
		BOS: last - 2, EOS: last - 1, EOT: last, Pad: last - 1,
		AddBOS: true,
	}
}

// alphabet returns the characters that stand for the 256 bytes: first the
// bytes that are printable as Latin-1 and stand for themselves, then the
// others, from U+0100 on.
func alphabet() []string {
	var printable, others []string
	for b := range 256 {
		if '!' <= b && b <= '~' || 0xA1 <= b && b <= 0xFF && b != 0xAD {
			printable = append(printable, string(rune(b)))
		} else {
			others = append(others, string(rune(0x100+len(others))))
		}
	}
	return append(printable, others...)
}
