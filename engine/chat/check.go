package chat

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nikolalohinski/gonja/v2/config"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// checkTokens looks at a template before it is parsed, and returns the strings
// in it.
func checkTokens(source string, c *config.Config) (literals []string, err error) {
	if err := checkNumbers(source, c); err != nil {
		return nil, err
	}
	length, operators, blocks := 0, 0, 0
	set := false // within a set, before its "="
	s := tokens.LexAll(source, c)
	for ; !s.EOF(); s.Next() {
		t := s.Current()
		length++
		switch t.Type {
		case tokens.Error:
			return nil, fmt.Errorf("line %d: %s", t.Line, oneLine(t.Val))
		case tokens.String:
			literals = append(literals, t.Val)
		case tokens.Multiply, tokens.Power:
			return nil, fmt.Errorf("line %d: %s is not supported in templates", t.Line, t.Val)
		case tokens.BlockBegin:
			name := ""
			if next := s.Peek(); next != nil {
				name = next.Val
			}
			set = name == "set"
			switch name {
			case "if", "for", "macro":
				blocks++
			case "endif", "endfor", "endmacro":
				blocks--
			}
		case tokens.Assign:
			set = false
		case tokens.Data, tokens.BlockEnd, tokens.VariableEnd:
			length, operators = 0, 0
		case tokens.Addition, tokens.Tilde, tokens.Subtraction, tokens.Not:
			operators++
		}
		switch {
		case operators > maxOperators:
			return nil, fmt.Errorf("line %d: more than %d operators in one expression", t.Line, maxOperators)
		case length > maxTokens:
			return nil, fmt.Errorf("line %d: an expression of more than %d words and signs", t.Line, maxTokens)
		case blocks > maxBlocks:
			return nil, fmt.Errorf("line %d: more than %d blocks within each other", t.Line, maxBlocks)
		case set && t.Type == tokens.BlockEnd:
			return nil, fmt.Errorf("line %d: a set without = is not supported in templates", t.Line)
		}
	}
	return literals, nil
}

// checkNumbers refuses what gonja's lexer reads again and again: behind a number and
// a dot it goes back by as many bytes as the next character has, and not by the
// dot's one (scanNumber of version 2.9.1). Such a place is found by having it read
// the template with characters of one byte in the place of all others.
func checkNumbers(source string, c *config.Config) error {
	source = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(source) // as it does
	plain := []byte(source)
	for i := 0; i < len(source); {
		r, size := utf8.DecodeRuneInString(source[i:])
		for ; size > 0; size-- {
			switch {
			case r < utf8.RuneSelf:
			case unicode.IsDigit(r):
				plain[i] = '0'
			case unicode.IsLetter(r):
				plain[i] = 'x'
			default:
				plain[i] = '$'
			}
			i++
		}
	}
	for s := tokens.LexAll(string(plain), c); !s.EOF(); s.Next() {
		t := s.Current()
		end := t.Pos + len(t.Val)
		if (t.Type == tokens.Integer || t.Type == tokens.Float) && end+1 < len(source) && source[end] == '.' && source[end+1] >= utf8.RuneSelf {
			return fmt.Errorf("line %d: %s. is no number", t.Line, t.Val)
		}
	}
	return nil
}
