package synthetic

import "bitnet-gpu/weights"

// known are the shapes of published models, by the names that the benchmark
// takes. Sizes are those of their config.json; embeddings and heads are F16.
var known = []Shape{
	{ // microsoft/bitnet-b1.58-2B-4T
		Name: "2b-4t", Hidden: 2560, FFN: 6912, Blocks: 30, Heads: 20, KVHeads: 5, HeadDim: 128,
		Vocab: 128256, Context: 4096, Embd: weights.F16, Tied: true,
	},
	{ // 1bitLLM/bitnet_b1_58-large
		Name: "0.7b", Hidden: 1536, FFN: 4096, Blocks: 24, Heads: 16, KVHeads: 16, HeadDim: 96,
		Vocab: 32002, Context: 2048, Embd: weights.F16, Tied: true,
		RopeBase: 10000, Activation: weights.SiLU,
	},
	{ // 1bitLLM/bitnet_b1_58-3B
		Name: "3b", Hidden: 3200, FFN: 8640, Blocks: 26, Heads: 32, KVHeads: 32, HeadDim: 100,
		Vocab: 32002, Context: 2048, Embd: weights.F16, Tied: true,
		RopeBase: 10000, Activation: weights.SiLU,
	},
	{ // HF1BitLLM/Llama3-8B-1.58-100B-tokens
		Name: "8b", Hidden: 4096, FFN: 14336, Blocks: 32, Heads: 32, KVHeads: 8, HeadDim: 128,
		Vocab: 128256, Context: 8192, Embd: weights.F16,
		Activation: weights.SiLU, NoSubNorms: true,
	},
}

// Known returns the shape of a published model, 2b-4t, 0.7b, 3b or 8b.
func Known(name string) (Shape, bool) {
	for _, s := range known {
		if s.Name == name {
			return s, true
		}
	}
	return Shape{}, false
}

// Names returns the names that Known takes.
func Names() []string {
	var names []string
	for _, s := range known {
		names = append(names, s.Name)
	}
	return names
}

// Bytes returns the size of a shape's model with F16 rows, without what is small.
func (s *Shape) Bytes() int64 {
	heads := s.Heads + s.KVHeads
	block := 2*heads*s.HeadDim*s.Hidden + 3*s.FFN*s.Hidden
	dense := 2 * s.Vocab * s.Hidden
	if !s.Tied {
		dense *= 2
	}
	return int64(s.Blocks)*int64(block)/4 + int64(dense)
}
