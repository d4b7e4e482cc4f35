package tokenizer

import (
	"unicode"
	"unicode/utf8"
)

// The splitter of Llama 3, written by hand. It cuts text where this regular
// expression does (leftmost, first alternative that matches, greedy):
//
//	(?i:'s|'t|'re|'ve|'m|'ll|'d)
//	[^\r\n\p{L}\p{N}]?\p{L}+
//	\p{N}{1,3}
//	 ?[^\s\p{L}\p{N}]+[\r\n]*
//	\s*[\r\n]+
//	\s+(?!\S)
//	\s+
//
// \s is Unicode's White_Space. A byte that is not part of valid UTF-8 counts as
// a character that is no letter, no number and no space.

// A class is what the expression asks of a character.
type class uint8

const (
	other   class = iota
	letter        // \p{L}
	number        // \p{N}
	space         // \s without the next two
	newline       // \r and \n
)

// asciiClass holds the class of the characters below 0x80.
var asciiClass = func() (t [utf8.RuneSelf]class) {
	for c := range t {
		t[c] = classOfRune(rune(c))
	}
	return t
}()

func classOfRune(c rune) class {
	switch {
	case unicode.IsLetter(c):
		return letter
	case c == '\n' || c == '\r':
		return newline
	case unicode.IsSpace(c):
		return space
	case unicode.IsNumber(c):
		return number
	}
	return other
}

// classAt returns the class and the size of the character at s[i]; i < len(s).
func classAt(s string, i int) (class, int) {
	if c := s[i]; c < utf8.RuneSelf {
		return asciiClass[c], 1
	}
	c, size := utf8.DecodeRuneInString(s[i:])
	return classOfRune(c), size
}

// run returns the end of the run of characters of class want that starts at
// s[i]; i itself if there is none.
func run(s string, i int, want class) int {
	for i < len(s) {
		c, size := classAt(s, i)
		if c != want {
			break
		}
		i += size
	}
	return i
}

// nextPiece returns the length in bytes of the first piece of s, which is not
// empty.
func nextPiece(s string) int {
	if s[0] == '\'' {
		if n := contraction(s); n > 0 {
			return n
		}
	}
	first, size := classAt(s, 0)
	switch first {
	case letter:
		return run(s, size, letter)
	case number:
		return numbers(s)
	}
	if first != newline {
		if end := run(s, size, letter); end > size {
			return end // one character of another kind, then letters
		}
	}
	if first == other {
		return run(s, run(s, size, other), newline)
	}
	if s[0] == ' ' {
		if end := run(s, 1, other); end > 1 {
			return run(s, end, newline)
		}
	}
	return blanks(s)
}

// contraction returns the length of 's, 't, 're, 've, 'm, 'll or 'd at the
// start of s, in upper or lower case, or 0.
func contraction(s string) int {
	if len(s) < 2 {
		return 0
	}
	switch s[1] | 0x20 {
	case 's', 't', 'm', 'd':
		return 2
	case 'r', 'v':
		if len(s) > 2 && s[2]|0x20 == 'e' {
			return 3
		}
	case 'l':
		if len(s) > 2 && s[2]|0x20 == 'l' {
			return 3
		}
	}
	if len(s) > 2 && s[1:3] == "ſ" { // the long s is an s to (?i)
		return 3
	}
	return 0
}

// numbers returns the length of the first one to three numbers of s.
func numbers(s string) int {
	end := 0
	for range 3 {
		if end == len(s) {
			break
		}
		c, size := classAt(s, end)
		if c != number {
			break
		}
		end += size
	}
	return end
}

// blanks returns the length of the piece of white space at the start of s: up
// to the last newline of the run; else the run without its last character,
// which belongs to what follows; but the whole run where that is all there is.
func blanks(s string) int {
	end, last, lines := 0, 0, 0 // of the run, of the run but one, of the last newline
	for end < len(s) {
		c, size := classAt(s, end)
		if c != space && c != newline {
			break
		}
		last, end = end, end+size
		if c == newline {
			lines = end
		}
	}
	switch {
	case lines > 0:
		return lines
	case end < len(s) && last > 0:
		return last
	}
	return end
}
