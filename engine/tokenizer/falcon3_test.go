package tokenizer

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/dlclark/regexp2/v2"

	"bitnet-gpu/weights/vocab"
)

// The first two steps of Falcon3's pre-tokenizer as regular expressions.
var falcon3Steps = []*regexp2.Regexp{
	regexp2.MustCompile("[\\p{P}$+<=>^`|~]+|[^\\p{P}$+<=>^`|~]+"),
	regexp2.MustCompile(`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`),
}

// falcon3Pieces cuts s by the expressions, and then at the numbers of the
// printable alphabet.
func falcon3Pieces(t *testing.T, s string) (parts []string) {
	t.Helper()
	for _, a := range cut(t, falcon3Steps[0], s) {
		for _, b := range cut(t, falcon3Steps[1], a) {
			whole := true
			for i := range len(b) {
				c, _ := utf8.DecodeRune(vocab.AppendAlphabet(nil, []byte{b[i]}))
				if number := unicode.IsNumber(c); whole || number {
					parts, whole = append(parts, b[i:i+1]), number
				} else {
					parts[len(parts)-1] += b[i : i+1]
				}
			}
		}
	}
	return parts
}

func checkFalcon3(t *testing.T, s string) {
	t.Helper()
	var got []string
	for rest := s; len(rest) > 0; {
		n := falcon3Span(rest)
		for span := rest[:n]; len(span) > 0; {
			end := falcon3Piece(span)
			got, span = append(got, span[:end]), span[end:]
		}
		rest = rest[n:]
	}
	if want := falcon3Pieces(t, s); !slices.Equal(got, want) {
		t.Fatalf("%q: the splitter cuts %q, the expressions %q", s, got, want)
	}
}

func TestFalcon3(t *testing.T) {
	eachText(t, slices.Concat(parts, []string{"+", "€", "ò", "Ⲁ", "\u0f0b", "—"}), checkFalcon3) // ò has a byte of its own
}

func FuzzFalcon3(f *testing.F) {
	for _, s := range []string{
		"", "Hello  world 12345 don't\n\n  x\n", "\"(abc", "òòÒ", "a  (b)  c\t\t", " \n \n ", "x² ٣٤٥ ½", "\xff\xfeabc \xc3\xb2\xb2", "€ € ++", "  !!!\r\n\r\n  ",
	} {
		f.Add(s)
	}
	f.Fuzz(checkFalcon3)
}

// TestFalcon3Encode: pieces do not merge with each other, and a whole piece that
// merging does not reach is no token of it.
func TestFalcon3Encode(t *testing.T) {
	v := tiny("a b", "b c", "Ġ a", "Ġ (", "1 2", "Ċ Ċ", "Ã ²")
	v.Tokens[0], v.Tokens = "Ā", append(v.Tokens, "abc")
	v.Types = append(v.Types, vocab.TokenNormal)
	v.Pre, v.MergesOnly = "falcon3", true
	tok := mustNew(t, v)
	show := func(text string) string {
		var names []string
		for _, id := range tok.Encode(nil, text) {
			names = append(names, v.Tokens[id])
		}
		return strings.Join(names, "|")
	}
	for text, want := range map[string]string{
		"abc": "ab|c", " a12": "Ġa|1|2", " (a": "Ġ|(|a", "\n\n": "ĊĊ", "\n\n\na": "ĊĊ|Ċ|a", "ò": "Ã|²",
	} {
		if got := show(text); got != want {
			t.Errorf("%q gives %s, want %s", text, got, want)
		}
	}
	v.MergesOnly = false
	tok = mustNew(t, v)
	if got := show("abc"); got != "abc" {
		t.Errorf("abc gives %s", got)
	}
}
