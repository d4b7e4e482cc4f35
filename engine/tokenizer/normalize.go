package tokenizer

import (
	"encoding/binary"
	"errors"
	"strings"
	"unicode/utf8"
)

// SentencePiece's normaliser: what it does to a text before that is cut.
// (github.com/google/sentencepiece, src/normalizer.cc) Unlike there, a byte that
// is no part of a character stays that byte.
type normalizer struct {
	prefix bool // a blank goes in front of a text
	trim   bool // of several blanks one stays, of those at the ends none
	rules  charsmap
}

// normalize returns the text that is cut into tokens. names are the user's tokens,
// which no rule changes. Blanks are blanks, a U+2581 of the text too.
func (n *normalizer) normalize(text string, names *matcher) string {
	for n.trim && text != "" {
		to, size := n.first(text, names)
		if to != " " {
			break
		}
		text = text[size:]
	}
	if text == "" {
		return ""
	}
	if n.rules.units == nil && !n.trim {
		if n.prefix {
			text = " " + text
		}
		return strings.ReplaceAll(text, blank, " ")
	}
	var b strings.Builder
	if n.prefix {
		b.WriteByte(' ')
	}
	behindBlank := n.trim
	for text != "" {
		to, size := n.first(text, names)
		if behindBlank {
			to = strings.TrimLeft(to, " ")
		}
		if to != "" {
			b.WriteString(to)
			behindBlank = n.trim && strings.HasSuffix(to, " ")
		}
		text = text[size:]
	}
	out := strings.ReplaceAll(b.String(), blank, " ")
	if n.trim {
		out = strings.TrimRight(out, " ")
	}
	return out
}

// first returns what the beginning of a text becomes, and how many bytes that was.
func (n *normalizer) first(text string, names *matcher) (to string, size int) {
	if _, size := names.at(text); size > 0 {
		return text[:size], size
	}
	if to, size = n.rules.longest(text); size > 0 {
		return to, size
	}
	_, size = utf8.DecodeRuneInString(text)
	return text[:size], size
}

// A charsmap are rules that replace strings by others, as SentencePiece compiles
// them: the size of a double array of Darts-clone, the array, and the
// replacements, each with a NUL behind it. A unit of the array holds a label, an
// offset to the units of the next labels and whether a string ends here; then the
// unit at the offset holds the place of its replacement.
type charsmap struct {
	units []uint32
	texts string
}

// maxRule bounds the strings of rules and their replacements in bytes. The longest
// of Unicode's has 33.
const maxRule = 256

func newCharsmap(data []byte) (m charsmap, err error) {
	if len(data) == 0 {
		return m, nil
	}
	wrong := errors.New("the rules of the text's normaliser (precompiled_charsmap) are damaged")
	if len(data) < 4 {
		return m, wrong
	}
	n := binary.LittleEndian.Uint32(data)
	if data = data[4:]; n == 0 || n%4 != 0 || uint64(n) >= uint64(len(data)) || data[len(data)-1] != 0 {
		return m, wrong
	}
	m.units = make([]uint32, n/4)
	for i := range m.units {
		m.units[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	m.texts = string(data[n:])
	for text := range strings.SplitSeq(m.texts, "\x00") {
		if len(text) > maxRule {
			return charsmap{}, wrong
		}
	}
	return m, nil
}

// longest returns the replacement of the longest string of the rules that text
// begins with, and its length; 0 where there is none.
func (m *charsmap) longest(text string) (to string, size int) {
	if m.units == nil {
		return "", 0
	}
	at := offset(m.units[0])
	for i := range min(len(text), maxRule) {
		if at ^= uint32(text[i]); at >= uint32(len(m.units)) {
			break
		}
		unit := m.units[at]
		if unit&(1<<31|0xFF) != uint32(text[i]) { // the label, and that it is one
			break
		}
		at ^= offset(unit)
		if ends := unit>>8&1 == 1; !ends || at >= uint32(len(m.units)) {
			continue
		}
		if place := m.units[at] &^ (1 << 31); place < uint32(len(m.texts)) {
			to, _, _ = strings.Cut(m.texts[place:], "\x00")
			size = i + 1
		}
	}
	return to, size
}

// offset is in bits 10 to 30 of a unit, 8 bits higher where bit 9 is set.
func offset(unit uint32) uint32 { return unit >> 10 << (unit & (1 << 9) >> 6) }
