package tokenizer

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/dlclark/regexp2/v2"
)

const llama3Pattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

var oracle = regexp2.MustCompile(llama3Pattern)

// split cuts s with the splitter.
func split(s string) []string {
	var pieces []string
	for len(s) > 0 {
		n := nextPiece(s)
		if n <= 0 {
			panic(fmt.Sprintf("the splitter cuts nothing off %q", s))
		}
		pieces = append(pieces, s[:n])
		s = s[n:]
	}
	return pieces
}

// cut returns the matches of an expression in s, which cover it. The expression
// sees characters, U+FFFD for each byte that is in none, as the splitters do.
func cut(t *testing.T, re *regexp2.Regexp, s string) (pieces []string) {
	t.Helper()
	rest := s
	m, err := re.FindStringMatch(s)
	for ; m != nil && err == nil; m, err = re.FindNextMatch(m) {
		n := 0
		for range m.RuneLength {
			_, size := utf8.DecodeRuneInString(rest[n:])
			n += size
		}
		pieces, rest = append(pieces, rest[:n]), rest[n:]
	}
	if err != nil || rest != "" {
		t.Fatalf("%q: %v leaves %q, %v", s, re, rest, err)
	}
	return pieces
}

// checkSplit holds the splitter against the expression.
func checkSplit(t *testing.T, s string) {
	t.Helper()
	if got, want := split(s), cut(t, oracle, s); !slices.Equal(got, want) {
		t.Fatalf("%q: the splitter cuts %q, the expression %q", s, got, want)
	}
}

// parts are characters of every class, and those that are special to the
// expression.
var parts = []string{
	"a", "Z", "é", "ß", "日", "ا", "ʰ", "ſ", "\u212a", "𝒳", // letters
	"1", "9", "²", "½", "٣", "①", "Ⅷ", // numbers
	" ", "\t", "\v", "\u0085", "\u00a0", "\u2028", "\u3000", // spaces
	"\r", "\n",
	"'", ".", "_", "<|", "-", "😀", "\u200d", "\u0301", "\u200b", "\ufeff", "\x00", "\x1c", "\u180e", // others
	"\xff", "\xc3", "\xe6\x97", "\xed\xa0\x80", "\ufffd", // no characters, or as good as none
	"'s", "'S", "'ſ", "'re", "'VE", "'lL", "'d", "'r", "'v", "'l", "'t", "'M",
}

func TestSplit(t *testing.T) { eachText(t, parts, checkSplit) }

// eachText checks every text of up to three parts, random ones of more, and every
// character between others.
func eachText(t *testing.T, parts []string, check func(t *testing.T, s string)) {
	t.Run("all", func(t *testing.T) {
		for _, a := range parts {
			check(t, a)
			for _, b := range parts {
				check(t, a+b)
				for _, c := range parts {
					check(t, a+b+c)
				}
			}
		}
	})
	t.Run("random", func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		for range 20000 {
			var s string
			for range 4 + rng.IntN(20) {
				s += parts[rng.IntN(len(parts))]
			}
			check(t, s)
		}
	})
	t.Run("characters", func(t *testing.T) {
		for c := range rune(0x30000) {
			check(t, "a"+string(c)+"b "+string(c)+"1\n"+string(c))
		}
	})
}

func FuzzSplit(f *testing.F) {
	for _, s := range []string{
		"", "Hello  world 12345 don't\n\n  x\n", "\"(abc", "I'M I'LLx 'ſs", " \n \n ", "a\u00a0b\u3000\u3000c", "x² ٣٤٥ ½", "\xff\xfeabc \xc3", "  !!!\r\n\r\n  ", "'s'T're'VE'm'Ll'd'r'v'l'x'", "'",
	} {
		f.Add(s)
	}
	f.Fuzz(checkSplit)
}

func FuzzRoundTrip(f *testing.F) {
	v := tiny("a a", "aa aa", "Ġ a", "t h", "th e", "Ġ the", "Ã ©", "1 2", "12 3")
	tok := mustNew(f, v)
	v.Pre, v.MergesOnly = "falcon3", true
	falcon3 := mustNew(f, v)
	for _, s := range []string{"", strings.Repeat("aathe", 20), "aaaaaaaa the é 123", "\xff\xfe\x00", "<|eot_id|><|begin_of_text|>x", "日本\xe6\x97"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ids := tok.Encode(nil, s)
		if got := tok.Decode(ids); got != s {
			t.Errorf("Decode(Encode(%q)) = %q", s, got)
		}
		for _, id := range ids {
			if tok.IsControl(id) {
				t.Errorf("Encode(%q) gives the control token %d", s, id)
			}
		}
		special := tok.EncodeSpecial(nil, s)
		if got := tok.Decode(special); got != s {
			t.Errorf("Decode(EncodeSpecial(%q)) = %q", s, got)
		}
		checkStream(t, tok, ids)
		checkStream(t, tok, special)
		if got := falcon3.Decode(falcon3.Encode(nil, s)); got != s {
			t.Errorf("split as Falcon3 does, %q comes back as %q", s, got)
		}
	})
}

// checkStream decodes token by token: nothing is lost, and no string ends
// within a character that the text has whole.
func checkStream(t *testing.T, tok *Tokenizer, ids []int32) {
	t.Helper()
	text := tok.Decode(ids)
	d := tok.NewDecoder()
	at := 0
	for i, id := range ids {
		at += len(d.Next(id))
		for b := at - 1; b >= max(0, at-utf8.UTFMax); b-- {
			if c, size := utf8.DecodeRuneInString(text[b:]); b+size > at {
				t.Fatalf("%q: token %d cuts %q", text, i, c)
			}
		}
	}
	if at += len(d.Flush()); at != len(text) {
		t.Fatalf("%q: %d of %d bytes", text, at, len(text))
	}
	if got := streamed(tok, ids); got != text {
		t.Fatalf("%q comes back as %q", text, got)
	}
}
