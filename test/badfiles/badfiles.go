// Package badfiles writes files that are no usable models, one fault each, for
// the tests of whoever opens models: each must end in one clear line.
package badfiles

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// A Case is a file that is no usable model.
type Case struct {
	Name string
	Path string
	Want string // part of the error
	Late bool   // the file opens, and fails when its weights are first read
	Text bool   // the model is good, and what it says of text is not
	Chat bool   // Text, and only a conversation shows it
}

// Good writes the model that the cases are mutations of, and returns its path.
func Good(dir string) (string, error) {
	path := filepath.Join(dir, "good.gguf")
	return path, os.WriteFile(path, model().bytes(), 0o644)
}

// Cases writes all bad files to dir.
func Cases(dir string) ([]Case, error) {
	var cases []Case
	write := func(name, want string, data []byte) error {
		path := filepath.Join(dir, fmt.Sprintf("bad%03d.gguf", len(cases)))
		cases = append(cases, Case{Name: name, Path: path, Want: want})
		return os.WriteFile(path, data, 0o644)
	}
	for _, c := range raw {
		if err := write(c.name, c.want, []byte(c.content)); err != nil {
			return nil, err
		}
	}
	for _, c := range mutations {
		f := model()
		c.mutate(f)
		if err := write(c.name, c.want, f.bytes()); err != nil {
			return nil, err
		}
	}
	for _, c := range late {
		f := model()
		c.mutate(f)
		if err := write(c.name, c.want, f.bytes()); err != nil {
			return nil, err
		}
		cases[len(cases)-1].Late = true
	}

	for _, c := range words {
		if err := write(c.name, c.want, speaker(c.mutate).bytes()); err != nil {
			return nil, err
		}
		last := &cases[len(cases)-1]
		last.Text, last.Chat = true, c.chat
	}

	cases = append(cases,
		Case{Name: "no file", Path: filepath.Join(dir, "absent.gguf"), Want: "no such file"},
		Case{Name: "directory", Path: dir, Want: "is a directory without config.json"})
	inside := filepath.Join(cases[0].Path, "model.gguf")
	if _, err := os.Stat(inside); errors.Is(err, syscall.ENOTDIR) { // not so on Windows
		cases = append(cases, Case{Name: "in a file", Path: inside, Want: "not a directory"})
	}
	loop := filepath.Join(dir, "loop.gguf")
	if err := os.Symlink("loop.gguf", loop); err == nil { // not everybody may on Windows
		cases = append(cases, Case{Name: "link to itself", Path: loop, Want: "too many"})
	}
	if _, err := os.Stat("/dev/zero"); err == nil {
		cases = append(cases, Case{Name: "device", Path: "/dev/zero", Want: "is a device, expected a file"})
	}
	return cases, nil
}

// raw are files that are no GGUF at all.
var raw = []struct{ name, want, content string }{
	{"empty file", "the file is empty", ""},
	{"3 bytes", `starts with "GGU"`, "GGU"},
	{"header cut", "10 bytes, too short for a GGUF header", "GGUF\x03\x00\x00\x00\x00\x00"},
	{"HTML page", "an HTML page", "\n<!DOCTYPE html>\n<html><head><title>404</title></head></html>"},
	{"LFS pointer", "run git lfs pull", "version https://git-lfs.github.com/spec/v1\noid sha256:4221b252\nsize 1187801280\n"},
	{"PyTorch checkpoint", "PyTorch", "PK\x03\x04\x00\x00archive/data.pkl"},
	{"safetensors", "a safetensors file", "\x10\x00\x00\x00\x00\x00\x00\x00{\"w\":{}}        "},
	{"gzip", "a compressed file", "\x1f\x8b\x08\x00\x00\x00\x00\x00"},
	{"ggml of old", "before GGUF", "tjgg\x03\x00\x00\x00"},
	{"wrong magic", `starts with "LLMF", expected "GGUF"`, "LLMF\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"},
	{"control characters", `starts with "\x00\n\r\x1b"`, "\x00\n\r\x1bxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"},
}

// late make faults that show when weights are read.
var late = []struct {
	name, want string
	mutate     func(f *file)
}{
	{"code 3", "holds code 3", func(f *file) { f.find("ffn_up").data[7] = 0xFF }},
	{"IQ2_BN of two scales", "the row at row 1, column 0 has another scale", func(f *file) { f.iq2("attn_q", 1, 1.5) }},
}

// words make one fault in what a good model says of text.
var words = []struct {
	name, want string
	chat       bool
	mutate     func(f *file, tokens []string)
}{
	{"two tokens alike", `tokens 98 and 256 are both "b"`, false, func(_ *file, tokens []string) { tokens[256] = "b" }},
	{"an empty token", "token 65 is empty", false, func(_ *file, tokens []string) { tokens[65] = "" }},
	{"a byte without a token", "no token for the byte 0x41", false, func(_ *file, tokens []string) { tokens[65] = "<0x-1>" }},
	{"a token of 100000 signs", `token 65, "` + strings.Repeat("\u0144", 40) + `", has a character`, false,
		func(_ *file, tokens []string) { tokens[65] = strings.Repeat("\u0144", 50000) }},
	{"a merge of an unknown token", `merge 1, "a zz": "zz" is not a token of the vocabulary`, false,
		func(f *file, _ []string) { f.set("tokenizer.ggml.merges", texts("a b", "a zz")) }},
	{"a merge of one token", `merge 0 is "a", want two tokens`, false, func(f *file, _ []string) { f.set("tokenizer.ggml.merges", texts("a")) }},
	{"a token of 2000 bytes to take apart", "token 256 has 2000 bytes, expected at most 1024", false, func(f *file, tokens []string) {
		f.findKey("tokenizer.ggml.merges").name = "x"
		tokens[256] = strings.Repeat("x", 2000)
	}},
	{"no pre-tokenizer", "the file names no pre-tokenizer and has 259 tokens", false, func(f *file, _ []string) { f.findKey("tokenizer.ggml.pre").name = "x" }},
	{"another pre-tokenizer", `pre-tokenizer "qwen2" is not supported, only llama-bpe and falcon3 are`, false,
		func(f *file, _ []string) { f.set("tokenizer.ggml.pre", text("qwen2")) }},
	{"another kind of tokenizer", `model "bert" is not supported`, false, func(f *file, _ []string) { f.set("tokenizer.ggml.model", text("bert")) }},
	{"a token of type 77", "has the type 77", false, func(f *file, _ []string) { f.key("tokenizer.ggml.token_type", array, types(77)) }},
	{"the byte -1", `token 0, "<0x-1>", has a character that stands for no byte`, false, func(f *file, tokens []string) {
		f.set("tokenizer.ggml.model", text("llama"))
		f.key("tokenizer.ggml.scores", array, join(le32(f32), le64(259), make([]byte, 4*259)))
		f.key("tokenizer.ggml.token_type", array, types(6))
		tokens[0] = "<0x-1>"
	}},
	{"a template without end", "a range of more than 100000 numbers", true, template("{% for i in range(100001) %}x{% endfor %}")},
	{"a template that reads files", "include", true, template("{% include '/etc/passwd' %}")},
	{"a template of nothing", "chat template: ", true, template("{{ ")},
	{"a template of 100 KiB", "template", true, template(strings.Repeat("x", 100<<10))},
}

// types are token types, the first one odd.
func types(first uint32) []byte {
	b := join(le32(5), le64(259), le32(first))
	for range 258 {
		b = append(b, le32(1)...)
	}
	return b
}

func template(source string) func(f *file, _ []string) {
	return func(f *file, _ []string) { f.key("tokenizer.chat_template", str, text(source)) }
}

// mutations make one fault in a good model.
var mutations = []struct {
	name, want string
	mutate     func(f *file)
}{
	// the container
	{"big-endian", "big-endian GGUF (version 3)", func(f *file) { f.version = 3 << 24 }},
	{"big-endian magic", "big-endian GGUF", func(f *file) { f.magic, f.version = "FUGG", 3<<24 }},
	{"version 1", "GGUF version 1, expected 2 or 3", func(f *file) { f.version = 1 }},
	{"version 99", "GGUF version 99, expected 2 or 3", func(f *file) { f.version = 99 }},
	{"2^63 keys", "9223372036854775823 keys, but only", func(f *file) { f.moreKeys = 1 << 63 }},
	{"2^63 tensors", "tensors, but only", func(f *file) { f.moreTens = 1 << 63 }},
	{"one key too many", "tensor 1 of 13: ", func(f *file) { f.moreKeys = 1 }},
	{"string longer than the file", `key "general.architecture": 1000000 bytes of text, but only`,
		func(f *file) { f.set("general.architecture", join(le64(1e6), []byte("bitnet"))) }},
	{"string of 2^64-1", `key "tokenizer.ggml.model": 18446744073709551615 bytes of text`,
		func(f *file) { f.set("tokenizer.ggml.model", le64(math.MaxUint64)) }},
	{"array of 2^40", `key "tokenizer.ggml.tokens": 1099511627776 elements of string, but only`,
		func(f *file) { f.set("tokenizer.ggml.tokens", join(le32(str), le64(1<<40))) }},
	{"array of arrays", "array of array, expected", func(f *file) { f.set("tokenizer.ggml.tokens", join(le32(array), le64(1))) }},
	{"array with a string too long", "string 2 of 32 ends behind the file",
		func(f *file) { f.set("tokenizer.ggml.tokens", join(le32(str), le64(32), text("a"), le64(1<<62))) }},
	{"key of 65536 bytes", "65536 bytes of key, expected at most 65535", func(f *file) { f.key(strings.Repeat("x", 1<<16), boolean, []byte{0}) }},
	{"key twice", `key "general.architecture": stands there twice`, func(f *file) { f.key("general.architecture", str, text("x")) }},
	{"key of control characters", `key "a\n\x1b[2J": value type 99`, func(f *file) { f.key("a\n\x1b[2J", 99, nil) }},
	{"bool of 7", "bool of 7", func(f *file) { f.key("tokenizer.ggml.add_bos_token", boolean, []byte{7}) }},
	{"alignment 0", `key "general.alignment": is 0, expected a power of two`, func(f *file) { f.key("general.alignment", u32, le32(0)) }},
	{"alignment 3", `key "general.alignment": is 3, expected`, func(f *file) { f.key("general.alignment", u32, le32(3)) }},
	{"alignment 2^31", `key "general.alignment": is 2147483648, expected`, func(f *file) { f.key("general.alignment", u32, le32(1<<31)) }},
	{"alignment as text", `key "general.alignment" is of type string, expected uint32`, func(f *file) { f.key("general.alignment", str, text("32")) }},
	{"tensor twice", `tensor "output_norm.weight": stands there twice`, func(f *file) { f.norm("output_norm.weight") }},
	{"tensor name too long", "65 bytes of name, expected at most 64", func(f *file) { f.norm(string(make([]byte, 65))) }},
	{"no dims", `tensor "blk.0.attn_q.weight": has 0 dimensions`, func(f *file) { f.find("attn_q").dims = nil }},
	{"5 dims", "has 5 dimensions, expected 1 to 4", func(f *file) { f.find("attn_q").dims = []uint64{64, 64, 1, 1, 1} }},
	{"2^32-1 dims", "has 4294967295 dimensions, expected 1 to 4", func(f *file) { f.find("attn_q").moreDims = math.MaxUint32 - 2 }},
	{"a dim of 0", "dimension 1 is 0", func(f *file) { f.find("attn_q").dims[1] = 0 }},
	{"a dim of -1", "dimension 1 is 18446744073709551615", func(f *file) { f.find("attn_q").dims[1] = math.MaxUint64 }},
	{"dims overflow", "dimensions [4398046511105 4194304] overflow", func(f *file) { f.find("attn_q").dims = []uint64{1<<42 + 1, 1 << 22} }},
	{"dims wrap to the right size", "overflow", func(f *file) { f.find("attn_q").dims = []uint64{1 << 32, 1 << 32, 64, 64} }},
	{"unknown tensor type", "type 77 is not known", func(f *file) { f.find("attn_q").typ = 77 }},
	{"ambiguous tensor type", "MXFP4 of ggml or TL2 of older bitnet.cpp", func(f *file) { f.find("attn_q").typ = 39 }},
	{"type 41", `tensor "blk.0.attn_q.weight": type 41 is Q1_0 of ggml: not supported`, func(f *file) { f.find("attn_q").typ = 41 }},
	{"type 42", "type 42 is Q2_0 of ggml or TL2 of newer bitnet.cpp, and the file does not say which: not supported", func(f *file) { f.find("attn_q").typ = 42 }},
	{"TL1", "TL1 of bitnet.cpp: not supported", func(f *file) { f.find("attn_q").typ = 38 }},
	{"offset past the end", `tensor "blk.0.attn_k.weight": its 544 bytes at offset 1`, func(f *file) { f.find("attn_k").offset = 1 << 40 }},
	{"offset of 2^63", "expected a multiple of 32", func(f *file) { f.find("attn_k").offset = math.MinInt64 }},
	{"offset not aligned", "expected a multiple of 32", func(f *file) { f.find("attn_k").offset = 4 }},
	{"tensors overlap", `tensor "blk.0.attn_v.weight": its data overlaps`, func(f *file) { f.find("attn_v").offset = -32 }},
	{"last tensor cut", `tensor "blk.0.attn_k.weight": its 544 bytes`, func(f *file) { f.cut = 1 }},
	{"I2_S without its scale", `tensor "blk.0.attn_output.weight": its data overlaps that of "blk.0.attn_q.weight"`,
		func(f *file) { f.find("attn_q").data = f.find("attn_q").data[:64*64/4] }},
	{"the last I2_S without its scale", `tensor "blk.0.attn_k.weight": its 544 bytes`, func(f *file) { f.find("attn_k").data = f.find("attn_k").data[:64*32/4] }},
	{"no data at all", "truncated download?", func(f *file) { f.cut = 10000 }},

	// the model
	{"no architecture", `key "general.architecture" is missing`, func(f *file) { f.keys[0].name = "general.x" }},
	{"architecture of type u32", `key "general.architecture" is of type uint32, expected a string`,
		func(f *file) { f.keys[0] = key{"general.architecture", u32, le32(1)} }},
	{"another architecture", `architecture "gemma3" is not supported, only bitnet-b1.58, bitnet-25, bitnet and llama`,
		func(f *file) { f.set("general.architecture", text("gemma3")) }},
	{"another activation", `key "bitnet-b1.58.hidden_activation" is "gelu", expected relu2 or silu`,
		func(f *file) { f.key("bitnet-b1.58.hidden_activation", str, text("gelu")) }},
	{"rope scaling", `rope.scaling.type" is "yarn", which asks for a scaled rotation: not supported`, func(f *file) { f.key("bitnet-b1.58.rope.scaling.type", str, text("yarn")) }},
	{"rope factor", `rope.scaling.factor" is 2, which asks for a scaled rotation`, func(f *file) { f.key("bitnet-b1.58.rope.scaling.factor", f32, float(2)) }},
	{"rope base NaN", `rope.freq_base" is NaN`, func(f *file) { f.set("rope.freq_base", float(float32(math.NaN()))) }},
	{"epsilon NaN", `rms_epsilon" is NaN`, func(f *file) { f.set("attention.layer_norm_rms_epsilon", float(float32(math.NaN()))) }},
	{"epsilon missing", `rms_epsilon" is missing`, func(f *file) { f.findKey("attention.layer_norm_rms_epsilon").name = "x" }},
	{"no heads", `head_count" is 0, expected 1 to`, func(f *file) { f.set("attention.head_count", le32(0)) }},
	{"no KV heads", `head_count_kv" is 0, expected 1 to`, func(f *file) { f.set("attention.head_count_kv", le32(0)) }},
	{"odd number of KV heads", "2 query heads for 3 key and value heads", func(f *file) { f.set("attention.head_count_kv", le32(3)) }},
	{"heads of 17", "heads of 17 elements, expected an even number", func(f *file) { f.set("rope.dimension_count", le32(17)) }},
	{"heads of 8", `rope.dimension_count" is 8, expected 16 to`, func(f *file) { f.set("rope.dimension_count", le32(8)) }},
	{"heads of 30", "2 heads of 30 elements, expected a multiple of 16", func(f *file) { f.set("rope.dimension_count", le32(30)) }},
	{"values unlike keys", "values of 64 elements for keys of 32", func(f *file) { f.key("bitnet-b1.58.attention.value_length", u32, le32(64)) }},
	{"part of a head rotated", "16 of a head's 32 elements rotated", func(f *file) {
		f.set("rope.dimension_count", le32(16))
		f.key("bitnet-b1.58.attention.key_length", u32, le32(32))
	}},
	{"width 48", `embedding_length" is 48, expected 64 to`, func(f *file) { f.set("embedding_length", le32(48)) }},
	{"width 72", `embedding_length" is 72, expected a multiple of 16`, func(f *file) { f.set("embedding_length", le32(72)) }},
	{"width 2^32-1", `embedding_length" is 4294967295, expected`, func(f *file) { f.set("embedding_length", le32(math.MaxUint32)) }},
	{"a block missing", `tensor "blk.1.attn_norm.weight" is missing`, func(f *file) { f.set("block_count", le32(2)) }},
	{"a block too many", `tensor "blk.1.attn_norm.weight": key "bitnet-b1.58.block_count" is only 1`, func(f *file) { f.norm("blk.1.attn_norm.weight") }},
	{"2^32-1 blocks", `block_count" is 4294967295`, func(f *file) { f.set("block_count", le32(math.MaxUint32)) }},
	{"tensor missing", `tensor "blk.0.ffn_up.weight" is missing`, func(f *file) { f.find("ffn_up").name = "x" }},
	{"embedding missing", `tensor "token_embd.weight" is missing`, func(f *file) { f.find("token_embd").name = "x" }},
	{"a bias", `tensor "blk.0.attn_q.bias" is not supported`, func(f *file) { f.norm("blk.0.attn_q.bias") }},
	{"a norm of queries", `tensor "blk.0.attn_q_norm.weight" is not supported`, func(f *file) { f.norm("blk.0.attn_q_norm.weight") }},
	{"rotation factors", `tensor "rope_freqs.weight" is not supported`, func(f *file) { f.norm("rope_freqs.weight") }},
	{"a tensor outside of blocks", `tensor "token_embd_norm.weight" is not supported`, func(f *file) { f.norm("token_embd_norm.weight") }},
	{"an unknown key", `key "bitnet-b1.58.attention.sink_count" is not known here`, func(f *file) { f.key("bitnet-b1.58.attention.sink_count", u32, le32(4)) }},
	{"wrong shape", `tensor "blk.0.attn_q.weight" has shape [32 128], expected [64 64]`, func(f *file) { f.find("attn_q").dims = []uint64{32, 128} }},
	{"wrong shape of a norm", `tensor "blk.0.ffn_norm.weight" has shape [32 2], expected [64]`, func(f *file) { f.find("ffn_norm").dims = []uint64{32, 2} }},
	{"feed-forward width", `tensor "blk.0.ffn_gate.weight" has shape [64 64], expected [64 128]`, func(f *file) { f.set("feed_forward_length", le32(128)) }},
	{"I2_S of odd size", "elements of type I2_S, expected a multiple of 128", func(f *file) { f.find("attn_q").dims[1] = 63 }},
	{"type 36 of ggml", `tensor "blk.0.ffn_gate.weight": type 36 with room for 2304 bytes is not I2_S, which takes 1056, but perhaps IQ4_NL_4_4`, func(f *file) {
		t := f.find("ffn_gate")
		t.data = append(t.data, make([]byte, 64*64/32*18-len(t.data))...)
	}},
	{"IQ2_BN of scale NaN", `tensor "blk.0.attn_q.weight" has scale NaN`, func(f *file) { f.iq2("attn_q", float32(math.NaN()), 1) }},
	{"TQ2_0 of half a block", `rows of 64 elements of type TQ2_0, expected a multiple of 256`, func(f *file) { f.find("attn_q").typ = 35 }},
	{"a scale beside a matrix, of 0", `tensor "blk.0.attn_q.weight" has scale 0`, func(f *file) {
		f.tensor("blk.0.attn_q.scale", typeF32, float(0), 1)
	}},
	{"two scales beside a matrix", `tensor "blk.0.attn_q.scale" has shape [2], expected [1]`, func(f *file) {
		f.tensor("blk.0.attn_q.scale", typeF32, join(float(1), float(1)), 2)
	}},
	{"a scale of a wrong type", `tensor "blk.0.attn_q.scale" is of type F16, expected F32`, func(f *file) {
		f.tensor("blk.0.attn_q.scale", typeF16, []byte{0, 60}, 1)
	}},
	{"a scale of an unknown matrix", `tensor "blk.0.attn_x.scale" is not supported`, func(f *file) { f.tensor("blk.0.attn_x.scale", typeF32, float(1), 1) }},
	{"scores for other tokens", `key "tokenizer.ggml.scores" has 1 elements for 32 tokens`, func(f *file) {
		f.set("tokenizer.ggml.model", text("llama"))
		f.key("tokenizer.ggml.scores", array, join(le32(f32), le64(1), float(1)))
	}},
	{"matrix of integers in a block", `tensor "blk.0.attn_q.weight" is of type I8, expected I2_S, TQ1_0, TQ2_0, IQ1_BN, IQ2_BN or a type of dense`, func(f *file) {
		t := f.find("attn_q")
		t.typ, t.data = 24, make([]byte, 64*64)
	}},
	{"dense matrix of short rows", `tensor "blk.0.ffn_down.weight" is dense and has rows of 32, expected at least 64`, func(f *file) {
		f.set("feed_forward_length", le32(32))
		for _, name := range []string{"ffn_gate", "ffn_up"} {
			f.find(name).dims[1] = 32
			f.find(name).data = f.find(name).data[32*64/4:]
		}
		f.find("ffn_sub_norm").dims[0], f.find("ffn_sub_norm").data = 32, f.find("ffn_sub_norm").data[:4*32]
		t := f.find("ffn_down")
		t.typ, t.dims, t.data = typeF16, []uint64{32, 64}, make([]byte, 2*64*32)
	}},
	{"ternary embedding", `tensor "token_embd.weight" is of type I2_S, expected F32`, func(f *file) {
		t := f.find("token_embd")
		t.typ, t.data = typeI2S, t.data[:64*32/4+32]
	}},
	{"norm of a wrong type", `tensor "output_norm.weight" is of type I8, expected F32`, func(f *file) { f.find("output_norm").typ = 24 }},
	{"norm with NaN", `tensor "output_norm.weight" holds NaN at 3`, func(f *file) { copy(f.find("output_norm").data[12:], float(float32(math.NaN()))) }},
	{"scale NaN", `tensor "blk.0.ffn_up.weight" has scale NaN`, scale(float32(math.NaN()))},
	{"scale 0", `tensor "blk.0.ffn_up.weight" has scale 0, expected one from 2^-18 to 2^18 (llama-quantize`, scale(0)},
	{"scale infinite", "has scale +Inf", scale(float32(math.Inf(1)))},
	{"scale negative", "has scale -1", scale(-1)},
	{"scale too small", "has scale 1e-20", scale(1e-20)},
	{"vocabulary smaller than the embedding", `tensor "token_embd.weight" has 32 rows, but key "bitnet-b1.58.vocab_size" is 31`,
		func(f *file) { f.set("vocab_size", le32(31)) }},
	{"fewer tokens than rows", `key "tokenizer.ggml.tokens" has 1 tokens, but the embedding has 32 rows`,
		func(f *file) { f.set("tokenizer.ggml.tokens", join(le32(str), le64(1), text("a"))) }},
	{"types for other tokens", `key "tokenizer.ggml.token_type" has 1 elements for 32 tokens`,
		func(f *file) { f.key("tokenizer.ggml.token_type", array, join(le32(5), le64(1), le32(1))) }},
	{"tokens as numbers", `key "tokenizer.ggml.tokens" is of type array of uint8, expected an array of string`,
		func(f *file) { f.set("tokenizer.ggml.tokens", join(le32(0), le64(1), []byte{1})) }},
	{"merges as numbers", `key "tokenizer.ggml.merges" is of type array of uint8, expected an array of string`,
		func(f *file) { f.key("tokenizer.ggml.merges", array, join(le32(0), le64(1), []byte{1})) }},
	{"end token out of range", `key "tokenizer.ggml.eos_token_id" is 32, expected 0 to 31`, func(f *file) { f.set("tokenizer.ggml.eos_token_id", le32(32)) }},
}

func scale(x float32) func(f *file) {
	return func(f *file) { copy(f.find("ffn_up").data[64*64/4:], float(x)) }
}
