package tiny

import (
	"slices"

	"bitnet-gpu/weights"
)

// Shapes returns small models that between them have what the known ones have
// and what kernels get wrong: rows of 384, 1408, 3200 and 8640; heads of 64, 96,
// 100, 128 and 256; one to four query heads to a key head, three among them;
// rows that end inside a block of 128 or of 64; numbers of rows that no tile
// divides; every type of embedding, tied or not.
func Shapes() []Shape {
	return []Shape{
		{Name: "smallest", Hidden: 64, FFN: 80, Blocks: 2, Heads: 1, KVHeads: 1, HeadDim: 64, Vocab: 279, Context: 256, Embd: weights.F32, Tied: true},
		{Name: "three to one", Hidden: 384, FFN: 1408, Blocks: 3, Heads: 6, KVHeads: 2, HeadDim: 64, Vocab: 512, Context: 512, Embd: weights.F16, Tied: true},
		{Name: "heads of 96", Hidden: 144, FFN: 208, Blocks: 2, Heads: 3, KVHeads: 1, HeadDim: 96, Vocab: 301, Context: 256, Embd: weights.F16, Tied: false},
		{Name: "heads of 100", Hidden: 3200, FFN: 400, Blocks: 1, Heads: 4, KVHeads: 4, HeadDim: 100, Vocab: 333, Context: 256, Embd: weights.BF16, Tied: true},
		{Name: "rows of 8640", Hidden: 96, FFN: 8640, Blocks: 2, Heads: 4, KVHeads: 1, HeadDim: 100, Vocab: 300, Context: 256, Embd: weights.Q8_0, Tied: true},
		{Name: "heads of 128", Hidden: 512, FFN: 1392, Blocks: 2, Heads: 4, KVHeads: 1, HeadDim: 128, Vocab: 1000, Context: 512, Embd: weights.Q6_K, Tied: true},
		{Name: "heads of 256", Hidden: 320, FFN: 336, Blocks: 2, Heads: 3, KVHeads: 1, HeadDim: 256, Vocab: 290, Context: 256, Embd: weights.Q4_0, Tied: false},
	}
}

// Relatives returns small models like those of the 2B4T's relatives: with SiLU
// in place of the squared ReLU, and without sub-norms.
func Relatives() []Shape {
	return []Shape{
		{Name: "as 1bitLLM", Hidden: 192, FFN: 512, Blocks: 2, Heads: 2, KVHeads: 2, HeadDim: 96, Vocab: 320, Context: 256, Embd: weights.F16, Tied: true, Activation: weights.SiLU},
		{Name: "as Llama3-8B-1.58", Hidden: 256, FFN: 896, Blocks: 2, Heads: 4, KVHeads: 1, HeadDim: 64, Vocab: 400, Context: 256, Embd: weights.BF16, Tied: false, Activation: weights.SiLU, NoSubNorms: true},
		{Name: "as Falcon3", Hidden: 512, FFN: 1536, Blocks: 2, Heads: 2, KVHeads: 1, HeadDim: 256, Vocab: 352, Context: 256, Embd: weights.F16, Tied: false, Activation: weights.SiLU, NoSubNorms: true},
	}
}

// Dense returns small models with dense matrices: a plain Llama, one of a block
// type, and ternary ones of which some are dense, alone or beside ternary matrices
// that multiply the same vectors.
func Dense() []Shape {
	return []Shape{
		{Name: "plain Llama", Hidden: 128, FFN: 256, Blocks: 2, Heads: 4, KVHeads: 2, HeadDim: 32, Vocab: 320, Context: 256, Embd: weights.F32, Tied: false, Activation: weights.SiLU, NoSubNorms: true, Dense: []string{"all"}, DenseAs: weights.F32},
		{Name: "plain Q6_K", Hidden: 256, FFN: 256, Blocks: 1, Heads: 4, KVHeads: 1, HeadDim: 64, Vocab: 300, Context: 256, Embd: weights.Q6_K, Tied: true, Activation: weights.SiLU, NoSubNorms: true, Dense: []string{"all"}, DenseAs: weights.Q6_K},
		{Name: "two dense", Hidden: 192, FFN: 528, Blocks: 2, Heads: 4, KVHeads: 2, HeadDim: 48, Vocab: 300, Context: 256, Embd: weights.F16, Tied: true, Dense: []string{"attn_v", "ffn_down"}, DenseAs: weights.F16},
		{Name: "dense gate", Hidden: 320, FFN: 352, Blocks: 2, Heads: 3, KVHeads: 1, HeadDim: 64, Vocab: 290, Context: 256, Embd: weights.Q8_0, Tied: true, Dense: []string{"attn_output", "ffn_gate"}, DenseAs: weights.Q8_0},
		{Name: "dense up", Hidden: 144, FFN: 208, Blocks: 2, Heads: 3, KVHeads: 1, HeadDim: 96, Vocab: 301, Context: 256, Embd: weights.BF16, Tied: false, Activation: weights.SiLU, NoSubNorms: true, Dense: []string{"attn_q", "attn_k", "ffn_up", "ffn_down"}, DenseAs: weights.BF16},
	}
}

// All returns all of these shapes.
func All() []Shape { return slices.Concat(Shapes(), Relatives(), Dense()) }
