package badfiles

import (
	"encoding/binary"
	"fmt"
	"math"
)

// A file is a GGUF file before it is put into bytes. Nothing checks it: that is
// its use. Its writer shares no code with package gguf.
type file struct {
	magic     string
	version   uint32
	keys      []key
	tensors   []tensor
	moreKeys  uint64 // added to the header's number of keys
	moreTens  uint64 // and of tensors
	cut       int    // bytes missing at the end
	alignment int
}

type key struct {
	name  string
	typ   uint32
	value []byte
}

type tensor struct {
	name     string
	dims     []uint64
	moreDims uint32 // added to their number
	typ      uint32
	offset   int64 // added to the right one
	data     []byte
}

// What the model needs of GGUF's numbers.
const (
	u32, f32, boolean, str, array = 4, 6, 7, 8, 9
	typeF32, typeF16, typeI2S     = 0, 1, 36
)

// model is a good file: one block, width 64, two heads of 32, 32 tokens.
func model() *file {
	f := &file{magic: "GGUF", version: 3, alignment: 32}
	f.key("general.architecture", str, text("bitnet-b1.58"))
	for _, k := range []struct {
		name  string
		value uint32
	}{
		{"vocab_size", 32}, {"context_length", 128}, {"embedding_length", 64}, {"block_count", 1}, {"feed_forward_length", 64},
		{"rope.dimension_count", 32}, {"attention.head_count", 2}, {"attention.head_count_kv", 1},
	} {
		f.key("bitnet-b1.58."+k.name, u32, le32(k.value))
	}
	f.key("bitnet-b1.58.attention.layer_norm_rms_epsilon", f32, float(1e-5))
	f.key("bitnet-b1.58.rope.freq_base", f32, float(500000))
	var tokens []string
	for i := range 32 {
		tokens = append(tokens, fmt.Sprint("token", i))
	}
	f.key("tokenizer.ggml.model", str, text("gpt2"))
	f.key("tokenizer.ggml.tokens", array, texts(tokens...))
	f.key("tokenizer.ggml.bos_token_id", u32, le32(1))
	f.key("tokenizer.ggml.eos_token_id", u32, le32(2))

	f.tensor("token_embd.weight", typeF16, make([]byte, 2*64*32), 64, 32)
	f.norm("output_norm.weight")
	for _, name := range []string{"attn_norm", "attn_sub_norm", "ffn_norm", "ffn_sub_norm"} {
		f.norm("blk.0." + name + ".weight")
	}
	for _, name := range []string{"attn_q", "attn_output", "ffn_gate", "ffn_up", "ffn_down"} {
		f.matrix("blk.0."+name+".weight", 64)
	}
	f.matrix("blk.0.attn_v.weight", 32)
	f.matrix("blk.0.attn_k.weight", 32)
	return f
}

// speaker is the model with a tokenizer that works: a token for each byte, one
// that merging makes, and the two ends of a text. mutate may change them before
// they become a key.
func speaker(mutate func(f *file, tokens []string)) *file {
	f := model()
	var tokens []string
	others := rune(256) // bytes that no printable character stands for
	for b := range rune(256) {
		if b > ' ' && b < 0x7F || b > 0xA0 && b != 0xAD {
			tokens = append(tokens, string(b))
		} else {
			tokens = append(tokens, string(others))
			others++
		}
	}
	tokens = append(tokens, "ab", "<|begin_of_text|>", "<|end_of_text|>")
	f.key("tokenizer.ggml.pre", str, text("llama-bpe"))
	f.key("tokenizer.ggml.merges", array, texts("a b"))
	f.set("tokenizer.ggml.bos_token_id", le32(257))
	f.set("tokenizer.ggml.eos_token_id", le32(258))
	f.set("vocab_size", le32(259))
	embd := f.find("token_embd")
	embd.dims[1], embd.data = 259, make([]byte, 2*64*259)
	mutate(f, tokens)
	f.set("tokenizer.ggml.tokens", texts(tokens...))
	return f
}

func (f *file) key(name string, typ uint32, value []byte) {
	f.keys = append(f.keys, key{name, typ, value})
}

func (f *file) tensor(name string, typ uint32, data []byte, dims ...uint64) {
	f.tensors = append(f.tensors, tensor{name: name, typ: typ, dims: dims, data: data})
}

func (f *file) norm(name string) {
	var ones []byte
	for range 64 {
		ones = append(ones, float(1)...)
	}
	f.tensor(name, typeF32, ones, 64)
}

// matrix adds one of zeros (code 1 four times in each byte) with scale 1.
func (f *file) matrix(name string, rows uint64) {
	data := make([]byte, rows*64/4)
	for i := range data {
		data[i] = 0x55
	}
	data = append(append(data, float(1)...), make([]byte, 28)...)
	f.tensor(name, typeI2S, data, 64, rows)
}

// iq2 makes a matrix one of IQ2_BN, whose rows each have a scale.
func (f *file) iq2(name string, first, rest float32) {
	t := f.find(name)
	t.typ, t.data = 135, nil
	for row := range 64 {
		scale := rest
		if row == 0 {
			scale = first
		}
		t.data = append(t.data, float(scale)...)
		for range 16 {
			t.data = append(t.data, 0x96) // not all 0
		}
	}
}

// find returns the tensor of that name, at the model's "blk.0." where it is
// one of the block's.
func (f *file) find(name string) *tensor {
	for i := range f.tensors {
		if t := &f.tensors[i]; t.name == name+".weight" || t.name == "blk.0."+name+".weight" {
			return t
		}
	}
	panic("BUG: no tensor " + name)
}

func (f *file) findKey(name string) *key {
	for i := range f.keys {
		if k := &f.keys[i]; k.name == name || k.name == "bitnet-b1.58."+name {
			return k
		}
	}
	panic("BUG: no key " + name)
}

// set replaces the value of a key and keeps its type.
func (f *file) set(name string, value []byte) { f.findKey(name).value = value }

func (f *file) bytes() []byte {
	b := append([]byte(f.magic), le32(f.version)...)
	b = append(b, le64(uint64(len(f.tensors))+f.moreTens)...)
	b = append(b, le64(uint64(len(f.keys))+f.moreKeys)...)
	for _, k := range f.keys {
		b = append(append(append(b, text(k.name)...), le32(k.typ)...), k.value...)
	}
	var data []byte
	for _, t := range f.tensors {
		b = append(append(b, text(t.name)...), le32(uint32(len(t.dims))+t.moreDims)...)
		for _, dim := range t.dims {
			b = append(b, le64(dim)...)
		}
		b = append(append(b, le32(t.typ)...), le64(uint64(int64(len(data))+t.offset))...)
		data = f.pad(append(data, t.data...))
	}
	b = append(f.pad(b), data...)
	return b[:len(b)-f.cut]
}

func (f *file) pad(b []byte) []byte {
	for len(b)%f.alignment != 0 {
		b = append(b, 0)
	}
	return b
}

func le32(n uint32) []byte   { return binary.LittleEndian.AppendUint32(nil, n) }
func le64(n uint64) []byte   { return binary.LittleEndian.AppendUint64(nil, n) }
func float(x float32) []byte { return le32(math.Float32bits(x)) }
func text(s string) []byte   { return append(le64(uint64(len(s))), s...) }

// texts is an array of strings.
func texts(list ...string) []byte {
	b := append(le32(str), le64(uint64(len(list)))...)
	for _, s := range list {
		b = append(b, text(s)...)
	}
	return b
}

func join(parts ...[]byte) []byte {
	var b []byte
	for _, part := range parts {
		b = append(b, part...)
	}
	return b
}
