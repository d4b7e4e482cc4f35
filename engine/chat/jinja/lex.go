package jinja

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

type kind int

const (
	tokenData   kind = iota // text between tags
	tokenOutput             // {{
	tokenBlock              // {%
	tokenClose              // }} or %}
	tokenName
	tokenNumber
	tokenString
	tokenSign // an operator or a bracket
	tokenEnd
)

// A token is a word or sign of a template. Of strings text is what they mean.
type token struct {
	kind kind
	text string
	line int
}

// A lexer cuts a template into tokens as Jinja2's does with trim_blocks and
// lstrip_blocks.
type lexer struct {
	source string
	at     int
	tokens []token
	fresh  bool // a line begins here

	counted, lines int // the line ends before a place
}

func lex(source string) []token {
	source = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(source)
	l := lexer{source: strings.TrimSuffix(source, "\n"), fresh: true}
	for l.at < len(l.source) {
		begin := l.tagBegin()
		l.data(begin)
		if begin == len(l.source) {
			break
		}
		tag := l.source[begin : begin+2]
		l.at = begin + 2
		if l.at < len(l.source) && strings.IndexByte("-+", l.source[l.at]) >= 0 {
			l.at++
		}
		switch {
		case tag == "{#":
			l.comment(begin)
		case tag == "{%" && l.raw():
		default:
			l.tag(tag)
		}
	}
	l.add(tokenEnd, "the end of the template", l.at)
	return l.tokens
}

// line returns the number of the line of a place.
func (l *lexer) line(at int) int {
	if at < l.counted {
		return 1 + strings.Count(l.source[:at], "\n")
	}
	l.lines += strings.Count(l.source[l.counted:at], "\n")
	l.counted = at
	return 1 + l.lines
}

func (l *lexer) fail(at int, format string, args ...any) {
	panic(&Error{Line: l.line(at), Text: fmt.Sprintf(format, args...)})
}

func (l *lexer) add(k kind, text string, at int) {
	l.tokens = append(l.tokens, token{k, text, l.line(at)})
}

// tagBegin returns where the next tag begins, or the end.
func (l *lexer) tagBegin() int {
	for i := l.at; i+1 < len(l.source); i++ {
		if l.source[i] == '{' && strings.IndexByte("{%#", l.source[i+1]) >= 0 {
			return i
		}
	}
	return len(l.source)
}

// data adds the text up to a tag without the blanks that the tag takes away.
func (l *lexer) data(tag int) {
	text := l.source[l.at:tag]
	if tag < len(l.source) {
		text = l.strip(text, tag)
	}
	if text != "" {
		l.add(tokenData, text, l.at)
	}
}

func (l *lexer) strip(text string, tag int) string {
	sign := byte(0)
	if tag+2 < len(l.source) {
		sign = l.source[tag+2]
	}
	line := strings.LastIndexByte(text, '\n') + 1
	switch {
	case sign == '-':
		return strings.TrimRightFunc(text, isSpace)
	case sign != '+' && l.source[tag+1] != '{' && (line > 0 || l.fresh) && strings.TrimFunc(text[line:], isSpace) == "":
		return text[:line]
	}
	return text
}

// close goes behind the end of a tag that stands here, and reports whether one
// does.
func (l *lexer) close(end string) bool {
	rest := l.source[l.at:]
	sign := ""
	if rest != "" && (rest[0] == '-' || rest[0] == '+' && end != "}}") {
		sign = rest[:1]
	}
	if !strings.HasPrefix(rest[len(sign):], end) {
		return false
	}
	l.at += len(sign) + len(end)
	switch rest = l.source[l.at:]; {
	case sign == "-":
		l.at += len(rest) - len(strings.TrimLeftFunc(rest, isSpace))
	case sign == "" && end != "}}" && strings.HasPrefix(rest, "\n"):
		l.at++
	}
	l.fresh = l.source[l.at-1] == '\n'
	return true
}

func (l *lexer) comment(begin int) {
	for ; l.at < len(l.source); l.at++ {
		if l.close("#}") {
			return
		}
	}
	l.fail(begin, "a comment without end")
}

// raw reads a raw block, if this tag begins one.
func (l *lexer) raw() bool {
	at := l.at
	l.blanks()
	if !strings.HasPrefix(l.source[l.at:], "raw") {
		l.at = at
		return false
	}
	l.at += len("raw")
	l.blanks()
	if rest := l.source[l.at:]; !strings.HasPrefix(rest, "%}") && !strings.HasPrefix(rest, "-%}") {
		l.at = at
		return false
	}
	if kept := l.at + 2; l.source[l.at] == '%' { // keeps the line end
		l.at, l.fresh = kept, false
	} else {
		l.close("%}")
	}
	begin := l.at
	for i := begin; i < len(l.source); i++ {
		if !strings.HasPrefix(l.source[i:], "{%") {
			continue
		}
		l.at = i + 2
		if l.at < len(l.source) && strings.IndexByte("-+", l.source[l.at]) >= 0 {
			l.at++
		}
		l.blanks()
		if !strings.HasPrefix(l.source[l.at:], "endraw") {
			continue
		}
		l.at += len("endraw")
		l.blanks()
		if text := l.strip(l.source[begin:i], i); l.close("%}") {
			if text != "" {
				l.add(tokenData, text, begin)
			}
			return true
		}
	}
	l.fail(at, "raw without endraw")
	return false
}

func (l *lexer) blanks() {
	rest := l.source[l.at:]
	l.at += len(rest) - len(strings.TrimLeftFunc(rest, isSpace))
}

// signs are the operators and brackets, the longer ones first.
var signs = []string{"**", "//", "==", "!=", ">=", "<=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[", "]", "{", "}", ".", ",", ":", "|"}

// tag reads what stands between the ends of a tag.
func (l *lexer) tag(begin string) {
	end, k := "%}", tokenBlock
	if begin == "{{" {
		end, k = "}}", tokenOutput
	}
	start, open := l.at, ""
	l.add(k, begin, start)
	for {
		l.blanks()
		at := l.at
		if at == len(l.source) {
			l.fail(start, "%s without %s", begin, end)
		}
		if open == "" && l.close(end) {
			l.add(tokenClose, end, at)
			return
		}
		c, _ := utf8.DecodeRuneInString(l.source[at:])
		switch {
		case c >= '0' && c <= '9':
			l.number()
		case c == '\'' || c == '"':
			l.string()
		case isWord(c):
			n := strings.IndexFunc(l.source[at:], func(c rune) bool { return !isWord(c) })
			if n < 0 {
				n = len(l.source) - at
			}
			l.at += n
			l.add(tokenName, l.source[at:l.at], at)
		default:
			open = l.sign(open)
		}
	}
}

func isWord(c rune) bool { return c == '_' || unicode.IsLetter(c) || unicode.IsDigit(c) }

// sign reads an operator or bracket and returns the brackets that are open.
func (l *lexer) sign(open string) string {
	for _, s := range signs {
		if !strings.HasPrefix(l.source[l.at:], s) {
			continue
		}
		switch s {
		case "(", "[", "{":
			open += s
		case ")", "]", "}":
			if n := len(open); n == 0 || open[n-1:]+s != "()" && open[n-1:]+s != "[]" && open[n-1:]+s != "{}" {
				l.fail(l.at, "%s without its beginning", s)
			}
			open = open[:len(open)-1]
		}
		l.add(tokenSign, s, l.at)
		l.at += len(s)
		return open
	}
	c, _ := utf8.DecodeRuneInString(l.source[l.at:])
	l.fail(l.at, "%q has no meaning here", c)
	return ""
}

// number reads 12, 1.5 and 1e-3. Behind a dot 0.1 is two subscripts.
func (l *lexer) number() {
	at := l.at
	digits := func() {
		for l.at < len(l.source) && (l.source[l.at] >= '0' && l.source[l.at] <= '9' || l.source[l.at] == '_') {
			l.at++
		}
	}
	digit := func(i int) bool { return i < len(l.source) && l.source[i] >= '0' && l.source[i] <= '9' }
	digits()
	if before := l.tokens[len(l.tokens)-1]; before.text != "." || before.kind != tokenSign {
		if l.at < len(l.source) && l.source[l.at] == '.' && digit(l.at+1) {
			l.at++
			digits()
		}
		if l.at < len(l.source) && (l.source[l.at] == 'e' || l.source[l.at] == 'E') {
			exponent := l.at + 1
			if exponent < len(l.source) && strings.IndexByte("+-", l.source[exponent]) >= 0 {
				exponent++
			}
			if digit(exponent) {
				l.at = exponent
				digits()
			}
		}
	}
	text := strings.ReplaceAll(l.source[at:l.at], "_", "")
	c, _ := utf8.DecodeRuneInString(l.source[l.at:])
	if isWord(c) || len(text) > 1 && text[0] == '0' && strings.Trim(text, "0123456789") == "" && strings.Trim(text, "0") != "" {
		l.fail(at, "%s%c is no number", text, c)
	}
	l.add(tokenNumber, text, at)
}

// string reads a string with Python's escapes.
func (l *lexer) string() {
	at, quote := l.at, l.source[l.at]
	var b strings.Builder
	for l.at++; l.at < len(l.source); {
		switch c := l.source[l.at]; c {
		case quote:
			l.at++
			l.add(tokenString, b.String(), at)
			return
		case '\\':
			l.escape(&b)
		default:
			b.WriteByte(c)
			l.at++
		}
	}
	l.fail(at, "a string without end")
}

var escapes = map[byte]string{'n': "\n", 't': "\t", 'r': "\r", '\\': "\\", '\'': "'", '"': `"`, 'a': "\a", 'b': "\b", 'f': "\f", 'v': "\v", '\n': ""}

func (l *lexer) escape(b *strings.Builder) {
	l.at++
	if l.at == len(l.source) {
		return
	}
	c := l.source[l.at]
	l.at++
	length := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
	switch text, ok := escapes[c]; {
	case ok:
		b.WriteString(text)
	case c >= '0' && c <= '7':
		end := l.at
		for end < len(l.source) && end < l.at+2 && l.source[end] >= '0' && l.source[end] <= '7' {
			end++
		}
		n, _ := strconv.ParseUint(l.source[l.at-1:end], 8, 32)
		b.WriteRune(rune(n))
		l.at = end
	case length > 0:
		end := min(l.at+length, len(l.source))
		n, err := strconv.ParseUint(l.source[l.at:end], 16, 32)
		if err != nil || end-l.at < length || !utf8.ValidRune(rune(n)) {
			l.fail(l.at, `\%c wants %d hexadecimal digits of a character`, c, length)
		}
		b.WriteRune(rune(n))
		l.at = end
	case c == 'N':
		l.fail(l.at, `\N in a string is not supported`)
	default:
		b.WriteByte('\\')
		b.WriteByte(c)
	}
}
