package tokenizer

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"bitnet-gpu/test/badfiles"
	"bitnet-gpu/weights"
	"bitnet-gpu/weights/vocab"
)

// llama3 returns the vocabulary of the 2B4T, which is no part of the project.
func llama3(t testing.TB) *vocab.Vocab {
	t.Helper()
	dir := os.Getenv("BITNET_TEST_DATA")
	if dir == "" {
		const missing = "needs llama3/tokenizer.model in the folder that BITNET_TEST_DATA names"
		if slices.Contains(strings.Split(os.Getenv("BITNET_TEST_REQUIRE"), ","), "data") {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	v, err := readOnce(filepath.Join(dir, "llama3", "tokenizer.model"))
	if err != nil {
		t.Fatal(err)
	}
	c := *v
	return &c
}

var readOnce = func() func(string) (*vocab.Vocab, error) {
	var once sync.Once
	var v *vocab.Vocab
	var err error
	return func(path string) (*vocab.Vocab, error) {
		once.Do(func() { v, err = weights.ReadVocab(path) })
		return v, err
	}
}()

func mustNew(t testing.TB, v *vocab.Vocab) *Tokenizer {
	t.Helper()
	tok, err := New(v)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// listedMerges returns the merges of a vocabulary that has no list, as Hugging
// Face's converter writes them: every two tokens that are a third together, by
// the rank of the third, then of the two.
func listedMerges(t testing.TB, v *vocab.Vocab) []string {
	var all []merge
	for _, m := range mustNew(t, v).merges.slots {
		if m.left >= 0 {
			all = append(all, m)
		}
	}
	slices.SortFunc(all, func(a, b merge) int {
		return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.left, b.left), cmp.Compare(a.right, b.right))
	})
	list := make([]string, len(all))
	for i, m := range all {
		list[i] = v.Tokens[m.left] + " " + v.Tokens[m.right]
	}
	return list
}

// fewestMerges returns one merge for each token: the two tokens that merging by
// lower ranks alone ends with.
func fewestMerges(t testing.TB, v *vocab.Vocab) []string {
	tok := mustNew(t, v)
	var list []string
	for id := range int32(tok.VocabSize()) {
		if tok.kinds[id] != vocab.TokenNormal || len(tok.bytes(id)) < 2 {
			continue
		}
		if parts := mergeBelow(tok, tok.bytes(id), id); len(parts) == 2 {
			list = append(list, v.Tokens[parts[0]]+" "+v.Tokens[parts[1]])
		}
	}
	return list
}

// mergeBelow merges a piece by the definition, with ranks below limit only.
func mergeBelow(t *Tokenizer, piece string, limit int32) []int32 {
	var ids []int32
	for i := range len(piece) {
		ids = append(ids, t.byteID[piece[i]])
	}
	for {
		best, at, into := limit, -1, int32(0)
		for i := range len(ids) - 1 {
			if rank, id := t.merges.find(ids[i], ids[i+1]); rank < best {
				best, at, into = rank, i, id
			}
		}
		if at < 0 {
			return ids
		}
		ids = slices.Replace(ids, at, at+2, into)
	}
}

// tokenizerJSON writes a vocabulary as Hugging Face's tokenizer.json.
func tokenizerJSON(t testing.TB, v *vocab.Vocab, merges []string, pairs bool) string {
	type object = map[string]any
	ids := object{}
	var added []object
	for id, text := range v.Tokens {
		if v.Types[id] == vocab.TokenControl {
			added = append(added, object{"id": id, "content": text, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true})
		} else {
			ids[text] = id
		}
	}
	var list any = merges
	if pairs {
		p := make([][]string, len(merges))
		for i, m := range merges {
			p[i] = strings.Split(m, " ")
		}
		list = p
	}
	data, err := json.Marshal(object{
		"version":      "1.0",
		"added_tokens": added,
		"normalizer":   nil,
		"pre_tokenizer": object{"type": "Sequence", "pretokenizers": []object{
			{"type": "Split", "pattern": object{"Regex": llama3Pattern}, "behavior": "Isolated", "invert": false},
			{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false},
		}},
		"post_processor": object{"type": "TemplateProcessing", "single": []object{
			{"SpecialToken": object{"id": "<|begin_of_text|>", "type_id": 0}},
			{"Sequence": object{"id": "A", "type_id": 0}},
		}},
		"decoder": object{"type": "ByteLevel"},
		"model":   object{"type": "BPE", "dropout": nil, "ignore_merges": true, "vocab": ids, "merges": list},
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "tokenizer.json")
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

type vector struct {
	Text string  `json:"text"`
	IDs  []int32 `json:"ids"`
}

func vectors(t testing.TB) (ordinary, special []vector) {
	data, err := os.ReadFile("../../test/testdata/llama3/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Ordinary []vector `json:"ordinary"`
		Special  []vector `json:"with_special"`
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Ordinary) != 330 || len(v.Special) != 13 {
		t.Fatalf("%d and %d vectors, want 330 and 13", len(v.Ordinary), len(v.Special))
	}
	return v.Ordinary, v.Special
}

// TestVectors checks the ids of an independent implementation, from each of the
// files that a vocabulary may come in.
func TestVectors(t *testing.T) {
	model := llama3(t)
	merges := listedMerges(t, model)
	gguf := *model
	gguf.Merges = merges
	fewest := *model
	if err := fewest.ListMerges(); err != nil {
		t.Fatal(err)
	}
	if want := fewestMerges(t, model); len(want) != 127066 || !slices.Equal(fewest.Merges, want) {
		t.Errorf("%d merges are listed, expected the %d that are needed of %d", len(fewest.Merges), len(want), len(merges))
	}
	noPre := gguf // the official GGUF names no pre-tokenizer
	noPre.Pre = ""
	noTypes := gguf
	noTypes.Types = nil

	readJSON := func(pairs bool) *vocab.Vocab {
		v, err := weights.ReadVocab(tokenizerJSON(t, model, merges, pairs))
		if err != nil {
			t.Fatal(err)
		}
		if !v.AddBOS || v.BOS != 128000 || v.EOS != 128001 || v.EOT != 128009 {
			t.Errorf("tokenizer.json gives BOS %d (added: %v), EOS %d, EOT %d", v.BOS, v.AddBOS, v.EOS, v.EOT)
		}
		return v
	}
	for name, v := range map[string]*vocab.Vocab{
		"tiktoken":                  model,
		"GGUF":                      &gguf,
		"GGUF with fewest merges":   &fewest,
		"GGUF without pre":          &noPre,
		"GGUF without types":        &noTypes,
		"tokenizer.json":            readJSON(false),
		"tokenizer.json with pairs": readJSON(true),
	} {
		t.Run(name, func(t *testing.T) { checkVectors(t, mustNew(t, v)) })
	}
}

func checkVectors(t *testing.T, tok *Tokenizer) {
	ordinary, special := vectors(t)
	for _, v := range ordinary {
		if got := tok.Encode(nil, v.Text); !slices.Equal(got, v.IDs) {
			t.Errorf("Encode(%q) = %v, want %v", v.Text, got, v.IDs)
		}
	}
	for _, v := range special {
		if got := tok.EncodeSpecial(nil, v.Text); !slices.Equal(got, v.IDs) {
			t.Errorf("EncodeSpecial(%q) = %v, want %v", v.Text, got, v.IDs)
		}
	}
	for _, v := range slices.Concat(ordinary, special) {
		if got := tok.Decode(v.IDs); got != v.Text {
			t.Errorf("Decode(%v) = %q, want %q", v.IDs, got, v.Text)
		}
		if got := streamed(tok, v.IDs); got != v.Text {
			t.Errorf("Decoder gives %q, want %q", got, v.Text)
		}
	}
}

func TestSpecialTokens(t *testing.T) {
	tok := mustNew(t, llama3(t))
	if got, want := tok.Stops(), []int32{128001, 128009}; !slices.Equal(got, want) {
		t.Errorf("Stops() = %v, want %v", got, want)
	}
	if tok.BOS() != 128000 || !tok.AddBOS() || tok.VocabSize() != 128256 {
		t.Errorf("BOS %d, AddBOS %v, VocabSize %d", tok.BOS(), tok.AddBOS(), tok.VocabSize())
	}
	for _, c := range []struct {
		text string
		id   int32
		ok   bool
	}{
		{"<|eot_id|>", 128009, true}, {" Paris", 12366, true}, {"Paris", 60704, true}, {"\xff", 187, true},
		{" việc", 100769, true}, {"no such token", -1, false}, {"", -1, false},
	} {
		if id, ok := tok.ID(c.text); id != c.id || ok != c.ok {
			t.Errorf("ID(%q) = %d, %v, want %d, %v", c.text, id, ok, c.id, c.ok)
		}
		if c.ok && string(tok.Token(c.id)) != c.text {
			t.Errorf("Token(%d) = %q, want %q", c.id, tok.Token(c.id), c.text)
		}
	}
	for id, want := range map[int32]bool{-1: false, 0: false, 127999: false, 128000: true, 128255: true, 128256: false, 1<<31 - 1: false} {
		if got := tok.IsControl(id); got != want {
			t.Errorf("IsControl(%d) = %v", id, got)
		}
	}
	if tok.Token(-1) != nil || tok.Token(128256) != nil || tok.Decode([]int32{-1, 9906, 128256}) != "Hello" {
		t.Error("ids that do not exist are not nothing")
	}
	// Nothing that a user writes becomes a special token.
	for _, id := range tok.Encode(nil, "<|eot_id|><|begin_of_text|>x<|end_of_text|>") {
		if tok.IsControl(id) {
			t.Errorf("Encode gives the special token %d", id)
		}
	}
}

// TestWholePiece: a token that merging does not reach is found as a whole.
func TestWholePiece(t *testing.T) {
	tok := mustNew(t, llama3(t))
	text := " việc"
	if got := tok.Encode(nil, text); !slices.Equal(got, []int32{100769}) {
		t.Errorf("Encode(%q) = %v, want the one token 100769", text, got)
	}
	if got := tok.mergeShort(nil, text); len(got) < 2 {
		t.Errorf("merging alone gives %v: the test has lost its subject", got)
	}
}

// tiny returns a small vocabulary: the 256 bytes in their order, the results of
// the merges, and two special tokens.
func tiny(merges ...string) *vocab.Vocab {
	v := &vocab.Vocab{Model: "gpt2", Pre: "llama-bpe", Merges: merges, EOS: -1, EOT: -1, Pad: -1, AddBOS: true}
	for b := range 256 {
		v.Tokens = append(v.Tokens, string(vocab.AppendAlphabet(nil, []byte{byte(b)})))
	}
	for _, m := range merges {
		v.Tokens = append(v.Tokens, strings.ReplaceAll(m, " ", ""))
	}
	v.Types = slices.Repeat([]vocab.TokenType{vocab.TokenNormal}, len(v.Tokens)+2)
	v.Types[len(v.Tokens)], v.Types[len(v.Tokens)+1] = vocab.TokenControl, vocab.TokenControl
	v.BOS, v.EOT = int32(len(v.Tokens)), int32(len(v.Tokens)+1)
	v.Tokens = append(v.Tokens, "<|begin_of_text|>", "<|eot_id|>")
	return v
}

// TestMergeOrder: the list decides on the rank, not the ids, and of equal pairs
// the leftmost goes first.
func TestMergeOrder(t *testing.T) {
	v := tiny("a b", "b c", "a a", "aa aa")
	v.Merges = []string{"b c", "a b", "a a", "aa aa"}
	tok := mustNew(t, v)
	for text, want := range map[string][]int32{
		"abc":     {'a', 257},
		"ab":      {256},
		"aaa":     {258, 'a'},
		"aaaaa":   {259, 'a'},
		"aaaaaaa": {259, 258, 'a'},
	} {
		if got := tok.mergeShort(nil, text); !slices.Equal(got, want) {
			t.Errorf("mergeShort(%q) = %v, want %v", text, got, want)
		}
		if got := tok.mergeLong(nil, text); !slices.Equal(got, want) {
			t.Errorf("mergeLong(%q) = %v, want %v", text, got, want)
		}
	}
}

// TestMergeAgrees holds both ways of merging against the definition.
func TestMergeAgrees(t *testing.T) {
	alphabet := []string{"a", "b", "aa", "ab", "the", " ", "é", "\xff"}
	merges := []string{"b b", "a a", "aa b", "a b", "bb a", "t h", "th e", "Ã ©", "aa aa", "ab ab", "aab a", "bba bba"}
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 20 {
		rng.Shuffle(len(merges), func(i, j int) { merges[i], merges[j] = merges[j], merges[i] })
		v := tiny()
		v.Merges = nil
		var list []string
		for _, m := range merges {
			v.Tokens = append(v.Tokens, strings.ReplaceAll(m, " ", ""))
			list = append(list, m)
		}
		v.Types = nil
		if round%2 == 0 {
			v.Merges = list
		}
		tok := mustNew(t, v)
		for n := 1; n <= shortPiece; n++ {
			var b strings.Builder
			for b.Len() < n {
				b.WriteString(alphabet[rng.IntN(len(alphabet))])
			}
			piece := b.String()[:n]
			want := mergeBelow(tok, piece, noMerge)
			if got := tok.mergeShort(nil, piece); !slices.Equal(got, want) {
				t.Fatalf("mergeShort(%q) = %v, want %v", piece, got, want)
			}
			if got := tok.mergeLong(nil, piece); !slices.Equal(got, want) {
				t.Fatalf("mergeLong(%q) = %v, want %v", piece, got, want)
			}
		}
	}
}

func TestUserDefined(t *testing.T) {
	v := tiny("a b")
	v.Tokens = append(v.Tokens, "<think>", "<think>>", "ab")
	v.Types = append(v.Types, vocab.TokenUserDefined, vocab.TokenUserDefined, vocab.TokenUnused)
	tok := mustNew(t, v)
	base := int32(len(v.Tokens) - 3)
	for _, encode := range []func([]int32, string) []int32{tok.Encode, tok.EncodeSpecial} {
		if got, want := encode(nil, "a<think>>b<think>"), []int32{'a', base + 1, 'b', base}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	if got, want := tok.EncodeSpecial(nil, "x<|eot_id|"), tok.Encode(nil, "x<|eot_id|"); !slices.Equal(got, want) {
		t.Errorf("a name cut short gives %v, want %v", got, want)
	}
	if tok.IsControl(base) {
		t.Error("a user-defined token is a control token")
	}
}

func TestNewRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*vocab.Vocab)
		want string
	}{
		"wordpiece":       {func(v *vocab.Vocab) { v.Model = "bert" }, `model "bert" is not supported`},
		"empty":           {func(v *vocab.Vocab) { *v = vocab.Vocab{Model: "gpt2"} }, "the vocabulary is empty"},
		"pre":             {func(v *vocab.Vocab) { v.Pre = "qwen2" }, `pre-tokenizer "qwen2" is not supported`},
		"no pre":          {func(v *vocab.Vocab) { v.Pre = "" }, "names no pre-tokenizer and has 259 tokens"},
		"types":           {func(v *vocab.Vocab) { v.Types = v.Types[:3] }, "259 tokens, but 3 token types"},
		"type":            {func(v *vocab.Vocab) { v.Types[7] = vocab.TokenByte }, "token 7, \"ć\", has the type 6"},
		"duplicate":       {func(v *vocab.Vocab) { v.Tokens[256] = "b" }, `tokens 98 and 256 are both "b"`},
		"two specials":    {func(v *vocab.Vocab) { v.Tokens[258] = "<|begin_of_text|>" }, "tokens 257 and 258 are both"},
		"byte":            {func(v *vocab.Vocab) { v.Tokens[0x41] = "xx" }, "no token for the byte 0x41"},
		"no byte":         {func(v *vocab.Vocab) { v.Tokens[0x41] = "日" }, "token 65, \"日\", has a character that stands for no byte"},
		"blank":           {func(v *vocab.Vocab) { v.Tokens[0x41] = "A B" }, "token 65, \"A B\", has a character"},
		"empty token":     {func(v *vocab.Vocab) { v.Tokens[0x41] = "" }, "token 65 is empty"},
		"merge left":      {func(v *vocab.Vocab) { v.Merges = []string{"zz b"} }, `merge 0, "zz b": "zz" is not a token`},
		"merge right":     {func(v *vocab.Vocab) { v.Merges = []string{"a zz"} }, `"zz" is not a token`},
		"merge result":    {func(v *vocab.Vocab) { v.Merges = []string{"a b", "a c"} }, `merge 1, "a c": "ac" is not a token`},
		"merge twice":     {func(v *vocab.Vocab) { v.Merges = []string{"a b", "a b"} }, `merges 0 and 1 are both "a b"`},
		"merge form":      {func(v *vocab.Vocab) { v.Merges = []string{"a"} }, `merge 0 is "a", want two tokens`},
		"merge form 3":    {func(v *vocab.Vocab) { v.Merges = []string{"a b c"} }, "want two tokens with a blank between"},
		"merge bytes":     {func(v *vocab.Vocab) { v.Merges = []string{"a 日"} }, "has a character that stands for no byte"},
		"BOS":             {func(v *vocab.Vocab) { v.BOS = 259 }, "the BOS token has the id 259, but there are 259 tokens"},
		"EOS":             {func(v *vocab.Vocab) { v.EOS = -2 }, "the EOS token has the id -2"},
		"EOT":             {func(v *vocab.Vocab) { v.EOT = 1 << 30 }, "the EOT token has the id"},
		"padding":         {func(v *vocab.Vocab) { v.Pad = 300 }, "the padding token has the id 300"},
		"long, to derive": {func(v *vocab.Vocab) { v.Merges, v.Tokens[256] = nil, strings.Repeat("x", 1025) }, "token 256 has 1025 bytes, expected at most 1024"},
		"long model":      {func(v *vocab.Vocab) { v.Model = strings.Repeat("x", 1000) }, `model "` + strings.Repeat("x", 40) + `" is`},
		"no BOS":          {func(v *vocab.Vocab) { v.BOS = -1 }, "wants a BOS token in front of a text, but names none"},
	} {
		t.Run(name, func(t *testing.T) {
			v := tiny("a b")
			c.edit(v)
			_, err := New(v)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("New gives the error %v, want %q", err, c.want)
			}
			badfiles.OneLine(t, err)
		})
	}
}

// TestMemory makes tokenizers of many short tokens, in each of the ways that they
// are kept, of a file of so many bytes.
func TestMemory(t *testing.T) {
	const n = 1 << 16
	for name, edit := range map[string]func(*vocab.Vocab){
		"tokens":       func(v *vocab.Vocab) { v.Merges = []string{} },
		"derived":      func(v *vocab.Vocab) { v.Merges = nil },
		"user defined": func(v *vocab.Vocab) { fill(v.Types[259:], vocab.TokenUserDefined) },
		"control":      func(v *vocab.Vocab) { fill(v.Types[259:], vocab.TokenControl) },
		"unused":       func(v *vocab.Vocab) { fill(v.Types[259:], vocab.TokenUnused) },
		"pieces": func(v *vocab.Vocab) {
			v.Model, v.Scores = "llama", make([]float32, len(v.Tokens))
			for b := range 256 {
				v.Tokens[b], v.Types[b] = fmt.Sprintf("<0x%02X>", b), vocab.TokenByte
			}
		},
		"merges": func(v *vocab.Vocab) {
			for a := range 94 {
				for b := range 94 {
					v.Merges = append(v.Merges, fmt.Sprintf("%c %c", '!'+a, '!'+b))
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := tiny()
			seen := map[string]bool{}
			for i := range n {
				text := string([]byte{'!' + byte(i%94), '!' + byte(i/94%94)})
				if i >= 94*94 {
					text = fmt.Sprintf("%x", i)
				}
				if seen[text] {
					continue
				}
				seen[text] = true
				v.Tokens, v.Types = append(v.Tokens, text), append(v.Types, vocab.TokenNormal)
			}
			edit(v)
			size := 0
			for _, list := range [][]string{v.Tokens, v.Merges} {
				for _, text := range list {
					size += 8 + len(text)
				}
			}
			badfiles.Within(t, size, func() {
				if _, err := New(v); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func fill(types []vocab.TokenType, kind vocab.TokenType) {
	for i := range types {
		types[i] = kind
	}
}

// TestNewAccepts what real files contain.
func TestNewAccepts(t *testing.T) {
	for name, edit := range map[string]func(*vocab.Vocab){
		"aliases":           func(v *vocab.Vocab) { v.Pre = "llama3" },
		"more aliases":      func(v *vocab.Vocab) { v.Pre = "llama-v3" },
		"no types":          func(v *vocab.Vocab) { v.Types = nil },
		"specials as text":  func(v *vocab.Vocab) { v.Types[257], v.Types[258] = vocab.TokenNormal, vocab.TokenNormal },
		"unknown token":     func(v *vocab.Vocab) { v.Types[258] = vocab.TokenUnknown },
		"no merges":         func(v *vocab.Vocab) { v.Merges = []string{} },
		"odd name of token": func(v *vocab.Vocab) { v.Tokens[256], v.Merges = "<0x-1>", nil },
		"padding, twice": func(v *vocab.Vocab) {
			v.Tokens = append(v.Tokens, "[PAD]", "[PAD]", "")
			v.Types = append(v.Types, vocab.TokenUnused, vocab.TokenUnused, vocab.TokenUnused)
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := tiny("a b")
			edit(v)
			tok := mustNew(t, v)
			if !tok.IsControl(258) || tok.IsControl(256) {
				t.Error("<|eot_id|> is not the only control token at the end")
			}
			text := "a b ab [PAD] \x00\xff 日本"
			if got := tok.Decode(tok.Encode(nil, text)); got != text {
				t.Errorf("%q comes back as %q", text, got)
			}
		})
	}
}

func FuzzNew(f *testing.F) {
	f.Add("a b\nb c", "ab,bc", uint8(1), int32(-1))
	f.Add("a", "", uint8(6), int32(300))
	f.Add(" ", "<|x|>,<|x|>", uint8(3), int32(0))
	f.Add("", "th,he,the,"+strings.Repeat("the", 20), uint8(1), int32(-1))
	f.Add("a a\naa aa\naaaa a", "aa,aaaa,aaaaa,"+strings.Repeat("a", 99), uint8(4), int32(5))
	f.Add("a zz", "aé,é é", uint8(5), int32(-2))
	f.Fuzz(func(t *testing.T, merges, tokens string, kind uint8, eos int32) {
		v := tiny()
		v.EOS, v.Merges = eos, strings.Split(merges, "\n")
		if merges == "" { // they follow from the tokens
			v.Merges = nil
		}
		for _, text := range strings.Split(tokens, ",") {
			v.Tokens, v.Types = append(v.Tokens, text), append(v.Types, vocab.TokenType(kind))
		}
		tok, err := New(v)
		if err != nil {
			return
		}
		if got := tok.Decode(tok.EncodeSpecial(nil, merges+tokens)); got != merges+tokens {
			t.Errorf("%q comes back as %q", merges+tokens, got)
		}
	})
}

func streamed(tok *Tokenizer, ids []int32) string {
	var b strings.Builder
	d := tok.NewDecoder()
	for _, id := range ids {
		b.WriteString(d.Next(id))
	}
	b.WriteString(d.Flush())
	return b.String()
}

func ExampleTokenizer_NewDecoder() {
	tok, _ := New(tiny()) // a token for each byte
	d := tok.NewDecoder()
	for _, id := range tok.Encode(nil, "né") {
		fmt.Printf("%q ", d.Next(id))
	}
	fmt.Printf("%q\n", d.Flush())
	// Output: "n" "" "é" ""
}
