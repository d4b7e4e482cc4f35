package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// Decode returns the text of tokens: their bytes, one after another. Special
// tokens stand there by their names, ids that do not exist as nothing.
func (t *Tokenizer) Decode(ids []int32) string {
	var b strings.Builder
	for _, id := range ids {
		if t.valid(id) {
			b.WriteString(t.bytes(id))
		}
	}
	return b.String()
}

// A Decoder decodes token by token. A token may end within a character: the
// Decoder holds these bytes back until the character is whole, so that what it
// returns can be shown at once. Its strings together are what Decode returns.
type Decoder struct {
	t       *Tokenizer
	pending []byte // the beginning of a character
}

// NewDecoder returns a Decoder at the beginning of a text.
func (t *Tokenizer) NewDecoder() *Decoder { return &Decoder{t: t} }

// Next returns what the next token adds to the text, up to the last character
// that is whole; it may be empty. Bytes that can be no part of a character are
// returned as they are.
func (d *Decoder) Next(id int32) string {
	if !d.t.valid(id) {
		return ""
	}
	d.pending = append(d.pending, d.t.bytes(id)...)
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
