package tokenizer

import (
	"strings"
	"unicode/utf8"

	"bitnet-gpu/weights/vocab"
)

// Decode returns the text of tokens: their bytes, one after another, without the
// blank that SentencePiece puts in front of a text. Special tokens stand there by
// their names, ids that do not exist as nothing.
func (t *Tokenizer) Decode(ids []int32) string {
	var b strings.Builder
	begins := true
	for _, id := range ids {
		if t.valid(id) {
			b.WriteString(t.decoded(id, &begins))
		}
	}
	return b.String()
}

// decoded returns the text of a token. As long as the text only begins, a blank in
// front of it is the normaliser's; where that drops blanks, every one is.
func (t *Tokenizer) decoded(id int32, begins *bool) string {
	text := t.bytes(id)
	if !*begins || t.kinds[id] == vocab.TokenControl {
		return text
	}
	n := &t.normalizer
	if (n.prefix || n.trim) && t.kinds[id] != vocab.TokenByte && text != "" && text[0] == ' ' {
		text, *begins = text[1:], n.trim
	}
	*begins = *begins && text == ""
	return text
}

// A Decoder decodes token by token. A token may end within a character: the
// Decoder holds these bytes back until the character is whole, so that what it
// returns can be shown at once. Its strings together are what Decode returns.
type Decoder struct {
	t       *Tokenizer
	begins  bool
	pending []byte // the beginning of a character
}

// NewDecoder returns a Decoder for what follows the tokens before; without any, at
// the beginning of a text.
func (t *Tokenizer) NewDecoder(before ...int32) *Decoder {
	d := &Decoder{t: t, begins: true}
	for i := 0; i < len(before) && d.begins; i++ {
		if t.valid(before[i]) {
			t.decoded(before[i], &d.begins)
		}
	}
	return d
}

// Next returns what the next token adds to the text, up to the last character
// that is whole; it may be empty. Bytes that can be no part of a character are
// returned as they are.
func (d *Decoder) Next(id int32) string {
	if !d.t.valid(id) {
		return ""
	}
	d.pending = append(d.pending, d.t.decoded(id, &d.begins)...)
	whole := wholeRunes(d.pending)
	text := string(d.pending[:whole])
	d.pending = append(d.pending[:0], d.pending[whole:]...)
	return text
}

// Flush returns what has been held back: at the end of a text, the bytes of a
// character that was never finished.
func (d *Decoder) Flush() string {
	text := string(d.pending)
	d.pending = d.pending[:0]
	return text
}

// wholeRunes returns the length of b without the beginning of a character at
// its end.
func wholeRunes(b []byte) int {
	for i := len(b) - 1; i >= max(0, len(b)-utf8.UTFMax); i-- {
		if utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) {
				return i
			}
			break
		}
	}
	return len(b)
}
