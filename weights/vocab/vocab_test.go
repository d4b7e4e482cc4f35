package vocab

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"bitnet-gpu/test/badfiles"
)

func TestAlphabet(t *testing.T) {
	var all []byte
	for b := range 256 {
		all = append(all, byte(b))
	}
	text := string(AppendAlphabet(nil, all))
	for _, c := range text {
		if c <= ' ' || c == 0x7F || c == 0xA0 || c == 0xAD {
			t.Errorf("%U is no printable character", c)
		}
	}
	if got, ok := AppendBytes(nil, text); !ok || !slices.Equal(got, all) {
		t.Errorf("the bytes come back as %v, %v", got, ok)
	}
	if got, want := string(AppendAlphabet(nil, []byte(" the\n"))), "ĠtheĊ"; got != want {
		t.Errorf("AppendAlphabet = %q, want %q", got, want)
	}
	for _, text := range []string{" ", "a b", "\n", "\u00a0", "\u00ad", "\u0144", "日", "\xff", "\U0010ffff"} {
		if got, ok := AppendBytes([]byte("x"), text); ok || string(got) != "x" {
			t.Errorf("AppendBytes(%q) = %q, %v, want x, false", text, got, ok)
		}
	}
}

// ranks writes a file in tiktoken's form: the bytes, then n-256 longer tokens.
func ranks(n int) string {
	var b strings.Builder
	for i := range n {
		token := []byte{byte(i)}
		if i >= 256 {
			token = fmt.Appendf(nil, "token %d", i)
		}
		fmt.Fprintf(&b, "%s %d\n", base64.StdEncoding.EncodeToString(token), i)
	}
	return b.String()
}

func TestTiktoken(t *testing.T) {
	v, err := Parse([]byte(ranks(128000)))
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Tokens) != 128256 || len(v.Types) != 128256 || v.Pre != "llama-bpe" || v.Model != "gpt2" || v.Merges != nil {
		t.Errorf("%d tokens, %d types, pre %q, model %q, %d merges", len(v.Tokens), len(v.Types), v.Pre, v.Model, len(v.Merges))
	}
	if v.BOS != 128000 || v.EOS != 128001 || v.EOT != 128009 || v.Pad != -1 || !v.AddBOS {
		t.Errorf("BOS %d, EOS %d, EOT %d, padding %d, AddBOS %v", v.BOS, v.EOS, v.EOT, v.Pad, v.AddBOS)
	}
	for id, want := range map[int]string{
		0x20: "Ġ", 256: "tokenĠ256", 127999: "tokenĠ127999", 128000: "<|begin_of_text|>", 128001: "<|end_of_text|>",
		128002: "<|reserved_special_token_0|>", 128005: "<|reserved_special_token_3|>", 128006: "<|start_header_id|>",
		128007: "<|end_header_id|>", 128008: "<|reserved_special_token_4|>", 128009: "<|eot_id|>",
		128010: "<|reserved_special_token_5|>", 128255: "<|reserved_special_token_250|>",
	} {
		if v.Tokens[id] != want {
			t.Errorf("token %d is %q, want %q", id, v.Tokens[id], want)
		}
		if control := v.Types[id] == TokenControl; control != (id >= 128000) {
			t.Errorf("token %d has the type %d", id, v.Types[id])
		}
	}
}

// refusedVocabs are files with one fault each.
var refusedVocabs = map[string]struct{ data, want string }{
	"empty":           {"", "the file is empty"},
	"blank":           {" \n\n", "the file is empty"},
	"lfs":             {"version https://git-lfs.github.com/spec/v1\noid sha256:12\n", "a Git LFS pointer"},
	"html":            {"<!DOCTYPE html><html>", "a web page"},
	"sentencepiece":   {"\n\x0e\n\x05<unk>\x15\x00\x00\x00\x00\x18\x02", "a SentencePiece model of type 1 is not supported"},
	"too few":         {ranks(300), "300 ranks; a file in tiktoken's form does not name its special tokens"},
	"no rank":         {"IQ==\n", `line 1: want "base64 rank", found "IQ=="`},
	"not base64":      {"IQ== 0\n!! 1\n", `line 2: "!!" is not the base64`},
	"empty token":     {" 0\n", `"" is not the base64 of a token`},
	"not a number":    {"IQ== x\n", `line 1: rank "x" is not a number`},
	"negative":        {"IQ== -1\n", `rank "-1" is not a number`},
	"huge rank":       {"IQ== 99999999999999999999\n", "is not a number"},
	"rank past lines": {"IQ== 2000000000\n", "rank 2000000000, but the file has"},
	"twice":           {"IQ== 0\nIg== 0\n", "line 2: rank 0 a second time"},
	"missing":         {"IQ== 0\nIg== 2\n\n", "2 ranks up to 2: some are missing"},
	"long line":       {strings.Repeat("x", 1000), `found "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"...`},

	"not json":                      {"{", "not a tokenizer.json"},
	"wrong json":                    {`{"model":{"vocab":[]}}`, "not a tokenizer.json"},
	"unigram":                       {`{"model":{"type":"Unigram"}}`, `model of type "Unigram", want BPE`},
	"no model":                      {`{}`, `model of type "", want BPE`},
	"dropout":                       {`{"model":{"type":"BPE","dropout":0.1}}`, "dropout 0.1 is not supported"},
	"prefix":                        {`{"model":{"type":"BPE","continuing_subword_prefix":"##"}}`, "continuing_subword_prefix"},
	"fallback":                      {`{"model":{"type":"BPE","byte_fallback":true}}`, "byte_fallback"},
	"normalizer":                    {`{"model":{"type":"BPE"},"normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"}]}}`, `normalizer "NFC" is not supported`},
	"decoder":                       {`{"model":{"type":"BPE"},"decoder":{"type":"Metaspace"}}`, `decoder "Metaspace" is not supported`},
	"no split":                      {`{"model":{"type":"BPE"}}`, `pre_tokenizer of "" is not supported`},
	"byte level":                    {`{"model":{"type":"BPE"},"pre_tokenizer":{"type":"ByteLevel"}}`, `pre_tokenizer of "ByteLevel" is not supported`},
	"pattern":                       {splitJSON(`\\s+`, "Isolated", false) + endJSON, `the pattern "\\s+" is not supported`},
	"behavior":                      {splitJSON(escapedPattern, "Removed", false) + endJSON, `behavior "Removed"`},
	"use_regex":                     {splitJSON(escapedPattern, "Isolated", true) + endJSON, "use_regex is not supported"},
	"no ignore":                     {splitJSON(escapedPattern, "Isolated", false) + endJSON, "without ignore_merges"},
	"merge":                         {modelJSON(`{"a":0}`, `[["a","b","c"]]`, `[]`), "merge 0 is not of two parts"},
	"merge type":                    {modelJSON(`{"a":0}`, `[7]`, `[]`), "not a tokenizer.json"},
	"merge of one":                  {modelJSON(`{"a":0}`, `[["a"]]`, `[]`), "merge 0 is not of two parts"},
	"merge empty":                   {modelJSON(`{"a":0}`, `["a b",""]`, `[]`), `merge 1 is "", want two tokens`},
	"merges":                        {modelJSON(`{"a":0}`, `7`, `[]`), "not a tokenizer.json: a value that is not the list it should be"},
	"no content":                    {modelJSON(`{"a":0}`, `[]`, `[{"id":1}]`), "added token 0 is empty"},
	"many steps":                    {`{"model":{"type":"BPE"},"pre_tokenizer":{"pretokenizers":[` + strings.Repeat("{},", 200) + `{}]}}`, "pre_tokenizer with 200 commas is not supported"},
	"pre-tokenizer of a wrong type": {`{"model":{"type":"BPE"},"pre_tokenizer":7}`, "not a tokenizer.json: pre_tokenizer: "},
	"Qwen2's pattern": {splitJSON(strings.Replace(escapedPattern, `{1,3}`, ``, 1), "Isolated", false) + endJSON,
		`p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+" is not supported, only Llama 3's is: without its tokenizer.json the model runs on token ids`},
	"GPT-2's splitting":      {`{"model":{"type":"BPE"},"pre_tokenizer":{"type":"ByteLevel","use_regex":true}}`, `pre_tokenizer of "ByteLevel" is not supported, only "Split, ByteLevel" of Llama 3 and`},
	"Falcon's old splitting": {falcon3JSON("Contiguous", true, false), "Digits without individual_digits is not supported"},
	"Punctuation":            {falcon3JSON("Isolated", true, true), `Punctuation with behavior "Isolated"`},
	"Punctuation, no regex":  {falcon3JSON("Contiguous", false, true), "without use_regex"},
	"id":                     {modelJSON(`{"a":1}`, `[]`, `[]`), `token "a" has the id 1, but the file has 1 tokens`},
	"negative id":            {modelJSON(`{"a":-1}`, `[]`, `[]`), `token "a" has the id -1`},
	"huge id":                {modelJSON(`{"a":9223372036854775807}`, `[]`, `[]`), "has the id 9223372036854775807"},
	"id too large":           {modelJSON(`{"a":9223372036854775808}`, `[]`, `[]`), "not a tokenizer.json"},
	"id twice":               {modelJSON(`{"a":0,"b":0}`, `[]`, `[]`), "have the same id 0"},
	"gap":                    {modelJSON(`{"a":0,"b":2}`, `[]`, `[{"id":2,"content":"b"}]`), "no token has the id 1, but the file has 2 tokens"},
	"other text":             {modelJSON(`{"a":0}`, `[]`, `[{"id":0,"content":"b"}]`), `tokens "a" and "b" have the same id 0`},
	"lstrip":                 {modelJSON(`{"a":0}`, `[]`, `[{"id":1,"content":"<m>","lstrip":true}]`), `added token "<m>" with single_word, lstrip or rstrip`},
	"post":                   {modelJSON(`{"a":0}`, `[]`, `[],"post_processor":{"type":"BertProcessing"}`), `post_processor "BertProcessing" is not supported`},
	"post token":             {modelJSON(`{"a":0}`, `[]`, `[],"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}}]}`), `puts the token "<s>" at place 0`},
	"post at end":            {modelJSON(`{"a":0}`, `[]`, `[{"id":1,"content":"</s>","special":true}],"post_processor":{"type":"TemplateProcessing","single":[{"Sequence":{}},{"SpecialToken":{"id":"</s>"}}]}`), `puts the token "</s>" at place 1`},
}

func TestParseRefuses(t *testing.T) {
	for name, c := range refusedVocabs {
		t.Run(name, func(t *testing.T) {
			var err error
			badfiles.Within(t, len(c.data), func() { _, err = Parse([]byte(c.data)) })
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestTokenizerJSON(t *testing.T) {
	v, err := Parse([]byte(modelJSON(`{"a":0,"b":1,"ab":2}`, `["a b",["b","a"]]`,
		`[{"id":3,"content":"<|eot_id|>","special":true},{"id":4,"content":"<think>"},{"id":0,"content":"a","special":true}]`)))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(v.Tokens, []string{"a", "b", "ab", "<|eot_id|>", "<think>"}) ||
		!slices.Equal(v.Types, []TokenType{TokenControl, TokenNormal, TokenNormal, TokenControl, TokenUserDefined}) ||
		!slices.Equal(v.Merges, []string{"a b", "b a"}) {
		t.Errorf("tokens %q of types %v, merges %q", v.Tokens, v.Types, v.Merges)
	}
	if v.BOS != -1 || v.AddBOS || v.EOS != -1 || v.EOT != 3 {
		t.Errorf("BOS %d, AddBOS %v, EOS %d, EOT %d", v.BOS, v.AddBOS, v.EOS, v.EOT)
	}
}

func TestFalcon3JSON(t *testing.T) {
	data := falcon3JSON("Contiguous", true, true)
	for _, ignore := range []bool{false, true} {
		v, err := Parse([]byte(strings.Replace(data, `"type":"BPE"`, fmt.Sprintf(`"type":"BPE","ignore_merges":%v`, ignore), 1)))
		if err != nil || v.Pre != "falcon3" || v.MergesOnly == ignore || v.Splitter() != "falcon3" {
			t.Errorf("ignore_merges %v: %+v, %v", ignore, v, err)
		}
	}
	if v, err := Parse([]byte(data)); err != nil || !v.MergesOnly { // the format's default
		t.Errorf("%+v, %v", v, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(ranks(4)))
	f.Add([]byte("IQ== 0\nIg== 1\r\n\n"))
	f.Add([]byte(modelJSON(`{"a":0,"b":1}`, `["a b",["b","a"]]`, `[{"id":2,"content":"<s>","special":true}]`)))
	f.Add([]byte(splitJSON(escapedPattern, "Isolated", false) + "}"))
	f.Add([]byte(falcon3JSON("Contiguous", true, true)))
	f.Add([]byte(modelJSON(`{"a":0}`, `["a a"]`, `[{"id":1,"content":"<|eot_id|>","special":true},{"id":2,"content":"<|end_of_text|>","special":true}],
		"decoder":{"type":"ByteLevel"},"normalizer":null,"post_processor":{"type":"Sequence","processors":[{"type":"ByteLevel"},
		{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<|eot_id|>"}},{"Sequence":{"id":"A"}}]}]}`)))
	for _, c := range refusedVocabs {
		if len(c.data) < 4<<10 {
			f.Add([]byte(c.data))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v *Vocab
		var err error
		badfiles.Within(t, len(data), func() { v, err = Parse(data) })
		if err != nil {
			return
		}
		if len(v.Tokens) != len(v.Types) || len(v.Tokens) > len(data) {
			t.Errorf("%d bytes give %d tokens of %d types", len(data), len(v.Tokens), len(v.Types))
		}
		if tokens, err := parseRanks(data); err == nil && slices.Contains(tokens, "") {
			t.Error("a rank without a token")
		}
	})
}

// endJSON is the end of a tokenizer.json.
const endJSON = `,"decoder":{"type":"ByteLevel"}}`

// escapedPattern is llama3Pattern in a JSON string.
var escapedPattern = strings.ReplaceAll(llama3Pattern, `\`, `\\`)

// splitJSON is a tokenizer.json up to its pre-tokenizer, without the last brace.
func splitJSON(pattern, behavior string, useRegex bool) string {
	return fmt.Sprintf(`{"model":{"type":"BPE"},"pre_tokenizer":{"type":"Sequence","pretokenizers":[
		{"type":"Split","pattern":{"Regex":"%s"},"behavior":"%s","invert":false},
		{"type":"ByteLevel","add_prefix_space":false,"use_regex":%v}]}`, pattern, behavior, useRegex)
}

// falcon3JSON is a tokenizer.json of Falcon3's splitting.
func falcon3JSON(behavior string, useRegex, individual bool) string {
	return fmt.Sprintf(`{"model":{"type":"BPE","vocab":{"a":0}},"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Punctuation","behavior":"%s"},
		{"type":"ByteLevel","add_prefix_space":false,"use_regex":%v},{"type":"Digits","individual_digits":%v}]}}`, behavior, useRegex, individual)
}

// modelJSON is a tokenizer.json with this vocabulary.
func modelJSON(vocab, merges, added string) string {
	return strings.Replace(splitJSON(escapedPattern, "Isolated", false), `"type":"BPE"`,
		fmt.Sprintf(`"type":"BPE","ignore_merges":true,"vocab":%s,"merges":%s`, vocab, merges), 1) +
		fmt.Sprintf(`,"added_tokens":%s}`, added)
}

// TestPre gives the 2B4T's vocabulary its splitter, and no other one.
func TestPre(t *testing.T) {
	for _, c := range []struct {
		model, pre string
		tokens     int
		want       string
	}{
		{"gpt2", "", 128256, "llama-bpe"}, {"gpt2", "x", 128256, "x"}, {"gpt2", "", 128255, ""}, {"llama", "", 128256, ""},
	} {
		if got := preTokenizer(&Vocab{Model: c.model, Pre: c.pre, Tokens: make([]string, c.tokens)}); got != c.want {
			t.Errorf("%s with %d tokens and %q: %q, expected %q", c.model, c.tokens, c.pre, got, c.want)
		}
	}
}

// TestListMerges lists one merge for each token that merging reaches.
func TestListMerges(t *testing.T) {
	v := &Vocab{Model: "gpt2", Tokens: []string{"a", "b", "c", "Ġ", "ab", "bc", "abc", "Ġa", "Ġabc", "cc", "<|a|>", "aab", "x", "<|ab|>"}}
	v.Types = make([]TokenType, len(v.Tokens))
	for i := range v.Types {
		v.Types[i] = TokenNormal
	}
	v.Types[10], v.Types[12] = TokenControl, TokenUnused
	want := []string{"a b", "b c", "ab c", "Ġ a", "Ġ abc", "c c", "a ab"}
	if err := v.ListMerges(); err != nil || !slices.Equal(v.Merges, want) {
		t.Errorf("%q, %v, expected %q", v.Merges, err, want)
	}
	listed := &Vocab{Model: "gpt2", Tokens: v.Tokens, Merges: []string{}}
	if err := listed.ListMerges(); err != nil || len(listed.Merges) != 0 {
		t.Error("an empty list is a list", listed.Merges, err)
	}
	long := &Vocab{Model: "gpt2", Tokens: []string{strings.Repeat("a", 2*maxMerged+1)}}
	if err := long.ListMerges(); err == nil || !strings.Contains(err.Error(), "token 0 has 2049 bytes") {
		t.Error(err)
	}
}
