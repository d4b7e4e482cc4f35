package vocab

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"bitnet-gpu/test/badfiles"
)

// TestMemory reads files that are made of the smallest things their format has,
// each of which becomes something larger.
func TestMemory(t *testing.T) {
	const n = 1 << 16
	var pieces, added, tokens, ranks bytes.Buffer
	for i := range n {
		pieces.WriteString("\x0a\x03\x0a\x01a")
		fmt.Fprintf(&tokens, `"%x":%d,`, i, i)
		fmt.Fprintf(&added, `{"id":%d,"content":"%x"},`, i, i)
		fmt.Fprintf(&ranks, "IQ== %d\n", i)
	}
	repeat := func(s string) string { return strings.Repeat(s+",", n) + s }
	list := func(b *bytes.Buffer) string { return strings.TrimSuffix(b.String(), ",") }
	parse := func(data []byte) { _, _ = Parse(data) }
	for _, c := range []struct {
		name string
		data []byte
		read func(data []byte)
	}{
		{"pieces", pieces.Bytes(), parse},
		{"ranks", ranks.Bytes(), parse},
		{"vocabulary", []byte(modelJSON("{"+list(&tokens)+"}", "[]", "[]")), parse},
		{"added tokens", []byte(modelJSON("{}", "[]", "["+list(&added)+"]")), parse},
		{"added tokens of nothing", []byte(modelJSON("{}", "[]", "["+repeat("{}")+"]")), parse},
		{"merges", []byte(modelJSON("{}", "["+repeat(`"a b"`)+"]", "[]")), parse},
		{"merges of nothing", []byte(modelJSON("{}", "["+repeat(`""`)+"]", "[]")), parse},
		{"merges of pairs", []byte(modelJSON("{}", "["+repeat(`["a","b"]`)+"]", "[]")), parse},
		{"merges of empty pairs", []byte(modelJSON("{}", "["+repeat(`["",""]`)+"]", "[]")), parse},
		{"merges of many parts", []byte(modelJSON("{}", "[["+repeat(`""`)+"]]", "[]")), parse},
		{"steps", []byte(`{"pre_tokenizer":{"type":"Sequence","pretokenizers":[` + repeat("{}") + `]}}`), parse},
		{"steps of templates", []byte(`{"post_processor":{"type":"Sequence","single":[` + repeat("{}") + `]}}`), parse},
		{"templates", []byte(`{"chat_template":[` + repeat("{}") + `]}`), func(data []byte) { _, _ = ParseTemplate(data) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			badfiles.Within(t, len(c.data), func() { c.read(c.data) })
		})
	}
}
