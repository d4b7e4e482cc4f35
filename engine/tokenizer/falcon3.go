package tokenizer

import (
	"unicode"
	"unicode/utf8"
)

// The splitter of Falcon3: the three steps of its tokenizer.json, Punctuation
// (contiguous), ByteLevel (with GPT-2's regular expression) and Digits
// (individual), one within the pieces of the other. Since the first step sets
// punctuation apart, all contractions among it, of the second only this is left:
//
//	 ?\p{L}+
//	 ?\p{N}+
//	 ?[^\s\p{L}\p{N}]+
//	\s+(?!\S)
//	\s+
//
// The third looks at bytes in their printable alphabet, where six bytes above
// 0x7F are written as numbers too (², ³, ¹, ¼, ½, ¾) and stand apart like
// digits, in the middle of characters.

// isPunctuation reports what Hugging Face's tokenizers count as punctuation:
// Unicode's, and ASCII's signs.
func isPunctuation(c rune) bool {
	switch c {
	case '$', '+', '<', '=', '>', '^', '`', '|', '~':
		return true
	}
	return unicode.IsPunct(c)
}

// apart reports whether a byte is a piece of its own.
func apart(b byte) bool {
	switch b {
	case 0xB2, 0xB3, 0xB9, 0xBC, 0xBD, 0xBE:
		return true
	}
	return b >= '0' && b <= '9'
}

// falcon3Span returns the length of what the first two steps cut off s, which is
// not empty.
func falcon3Span(s string) int {
	c, size := utf8.DecodeRuneInString(s)
	if isPunctuation(c) {
		return falcon3Run(s, size, isPunctuation)
	}
	start := 0
	if c == ' ' {
		start = size
	}
	for _, kind := range []func(rune) bool{unicode.IsLetter, unicode.IsNumber, isRest} {
		if end := falcon3Run(s, start, kind); end > start {
			return end
		}
	}
	end, last := 0, 0 // of the white space, of all but its last character
	for end < len(s) {
		c, size := utf8.DecodeRuneInString(s[end:])
		if !unicode.IsSpace(c) {
			if last > 0 && !isPunctuation(c) { // where a punctuation's piece begins, this one ends
				return last
			}
			break
		}
		last, end = end, end+size
	}
	return end
}

// isRest reports whether c is none of the other kinds.
func isRest(c rune) bool {
	return !unicode.IsLetter(c) && !unicode.IsNumber(c) && !unicode.IsSpace(c) && !isPunctuation(c)
}

// falcon3Run returns the end of the run of characters of a kind that starts at
// s[i]; i itself if there is none.
func falcon3Run(s string, i int, kind func(rune) bool) int {
	for i < len(s) {
		c, size := utf8.DecodeRuneInString(s[i:])
		if !kind(c) {
			break
		}
		i += size
	}
	return i
}

// falcon3Piece returns the length of the first piece of a span, which is not
// empty: the third step.
func falcon3Piece(span string) int {
	end := 1
	for !apart(span[0]) && end < len(span) && !apart(span[end]) {
		end++
	}
	return end
}

// appendFalcon3 appends the tokens of a text between special tokens to dst.
func (t *Tokenizer) appendFalcon3(dst []int32, text string) []int32 {
	for len(text) > 0 {
		n := falcon3Span(text)
		for span := text[:n]; len(span) > 0; {
			end := falcon3Piece(span)
			dst, span = t.appendPiece(dst, span[:end]), span[end:]
		}
		text = text[n:]
	}
	return dst
}
