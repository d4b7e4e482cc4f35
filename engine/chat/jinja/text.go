package jinja

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text is a string of the language: Unicode characters, each of which is known
// to be of the template or of a user. Comparisons look at the characters alone;
// whatever a template does with a user's text, its characters stay the user's.
type Text []rune

const (
	// FromUser is set in the characters of users.
	FromUser rune = 1 << 24

	// badByte + b stands for a byte that is no UTF-8.
	badByte rune = 0x110000
)

// A User is a string that comes from a user.
type User string

func newText(s string) Text { return makeText(s, 0) }

func makeText(s string, from rune) Text {
	t := make(Text, 0, len(s))
	for len(s) > 0 {
		c, n := utf8.DecodeRuneInString(s)
		if c == utf8.RuneError && n == 1 {
			c = badByte + rune(s[0])
		}
		t = append(t, c|from)
		s = s[n:]
	}
	return t
}

// String returns the text as it was, whoever wrote it.
func (t Text) String() string {
	var b strings.Builder
	b.Grow(len(t))
	for _, c := range t {
		if c = char(c); c >= badByte {
			b.WriteByte(byte(c - badByte))
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// char returns a character without its origin.
func char(c rune) rune { return c &^ FromUser }

func isSpace(c rune) bool {
	c = char(c)
	return unicode.IsSpace(c) || c >= 0x1C && c <= 0x1F // as in Python
}

func (t Text) equal(o Text) bool { return len(t) == len(o) && t.hasPrefix(o) }

func (t Text) hasPrefix(o Text) bool {
	if len(o) > len(t) {
		return false
	}
	for i, c := range o {
		if char(t[i]) != char(c) {
			return false
		}
	}
	return true
}

func (t Text) hasSuffix(o Text) bool { return len(o) <= len(t) && t[len(t)-len(o):].hasPrefix(o) }

func (t Text) compare(o Text) int {
	return slices.CompareFunc(t, o, func(a, b rune) int { return int(char(a) - char(b)) })
}

// find returns where the first n places of old are that do not overlap, all of
// them if n < 0.
func (t Text) find(old Text, n int) (places []int) {
	if len(old) == 0 {
		for i := 0; i <= len(t) && n != 0; i++ {
			places, n = append(places, i), n-1
		}
		return places
	}
	s, word := t.String(), old.String()
	for i := 0; n != 0; n-- {
		next := strings.Index(s, word)
		if next < 0 {
			break
		}
		for s = s[next:]; next > 0; i++ {
			next -= size(t[i])
		}
		if !t[i:].hasPrefix(old) { // bytes that are no UTF-8 made a character
			break
		}
		places = append(places, i)
		i, s = i+len(old), s[len(word):]
	}
	return places
}

// size returns the bytes of a character.
func size(c rune) int {
	if c = char(c); c >= badByte {
		return 1
	}
	return utf8.RuneLen(c)
}

// trim takes off what in accepts, on the left, the right or both sides.
func (t Text) trim(left, right bool, in func(rune) bool) Text {
	for left && len(t) > 0 && in(t[0]) {
		t = t[1:]
	}
	for right && len(t) > 0 && in(t[len(t)-1]) {
		t = t[:len(t)-1]
	}
	return t
}

// each maps the characters, each of which keeps its origin.
func (t Text) each(f func(i int, c rune) rune) Text {
	made := make(Text, len(t))
	for i, c := range t {
		made[i] = f(i, char(c)) | c&FromUser
	}
	return made
}

func (t Text) upper() Text { return t.each(func(_ int, c rune) rune { return unicode.ToUpper(c) }) }
func (t Text) lower() Text { return t.each(func(_ int, c rune) rune { return unicode.ToLower(c) }) }

func (t Text) capitalize() Text {
	return t.each(func(i int, c rune) rune {
		if i == 0 {
			return unicode.ToUpper(c)
		}
		return unicode.ToLower(c)
	})
}

// title begins words with capitals: a word follows what split accepts.
func (t Text) title(split func(rune) bool) Text {
	return t.each(func(i int, c rune) rune {
		if i == 0 || split(char(t[i-1])) {
			return unicode.ToUpper(c)
		}
		return unicode.ToLower(c)
	})
}

// lines splits at line ends, as Python's splitlines.
func (t Text) lines() (lines []Text) {
	begin := 0
	for i := 0; i < len(t); i++ {
		if !strings.ContainsRune("\n\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029", char(t[i])) {
			continue
		}
		lines = append(lines, t[begin:i])
		if char(t[i]) == '\r' && i+1 < len(t) && char(t[i+1]) == '\n' {
			i++
		}
		begin = i + 1
	}
	if begin < len(t) {
		lines = append(lines, t[begin:])
	}
	return lines
}

// fields splits at white space, n times at most, all if n < 0.
func (t Text) fields(n int) (fields []Text) {
	for {
		t = t.trim(true, false, isSpace)
		end := slices.IndexFunc(t, isSpace)
		switch {
		case len(t) == 0:
			return fields
		case end < 0:
			return append(fields, t)
		case n == 0:
			return append(fields, t.trim(false, true, isSpace))
		}
		fields, t, n = append(fields, t[:end]), t[end:], n-1
	}
}
