package shaders

import (
	"embed"
	"slices"
	"strings"
)

//go:generate go run generate.go

//go:embed *.glsl *.comp *.spv
var files embed.FS

// The kernels.
var (
	EmbedF32  = kernel("embed_f32", "embed", []string{"TYPE 32"}, 3, nil, embedBindings...)
	EmbedF16  = kernel("embed_f16", "embed", []string{"TYPE 16"}, 3, nil, embedBindings...)
	EmbedBF16 = kernel("embed_bf16", "embed", []string{"TYPE 17"}, 3, nil, embedBindings...)

	Norm       = kernel("norm", "norm", nil, 4, width, Binding{"h", Read}, Binding{"g", Read}, Binding{"codes", Write}, batch)
	OutputNorm = kernel("norm_output", "norm", []string{"OUTPUT"}, 4, width, Binding{"h", Read}, Binding{"g", Read}, Binding{"x", Write}, batch)

	NormLayer = kernel("norm_layer", "norm", []string{"OUTPUT", "LAYER"}, 4, width, Binding{"h", Read}, Binding{"g", Read}, Binding{"x", Write}, batch)

	// The ternary product by three kinds of arithmetic, with equal results.
	TernaryDot = ternary("ternary_dot", "DOT")
	TernaryF32 = ternary("ternary_f32", "F32")
	TernaryI32 = ternary("ternary_i32")

	Activate  = kernel("activate", "activate", nil, 2, nil, Binding{"gate", Read | Write}, Binding{"up", Read})
	RoPE      = kernel("rope", "rope", nil, 7, nil, Binding{"qkv", Read | Write}, Binding{"table", Read}, Binding{"cache", Write}, batch)
	Attention = kernel("attention", "attention", nil, 6, nil, Binding{"q", Read}, Binding{"cache", Read}, Binding{"o", Write}, batch)

	// For a batch of one token: norm, product and what follows it in one.
	QKVDot  = bitLinear("qkv_dot", 13, "QKV", "DOT")
	QKVF32  = bitLinear("qkv_f32", 13, "QKV", "F32")
	QKVI32  = bitLinear("qkv_i32", 13, "QKV")
	GateDot = bitLinear("gate_dot", 8, "GATE", "DOT")
	GateF32 = bitLinear("gate_f32", 8, "GATE", "F32")
	GateI32 = bitLinear("gate_i32", 8, "GATE")
	AddDot  = bitLinear("add_dot", 6, "DOT")
	AddF32  = bitLinear("add_f32", 6, "F32")
	AddI32  = bitLinear("add_i32", 6)

	AttentionOne = kernel("attention_one", "attention", []string{"ONE"}, 9, nil,
		Binding{"qkv", Read}, Binding{"cache", Read | Write}, Binding{"o", Write}, batch, Binding{"table", Read}, Binding{"partial", Read | Write})

	Best = kernel("best", "best", nil, 2, nil, Binding{"logits", Read}, Binding{"best", Write}, batch)
	Top  = kernel("top", "top", nil, 3, nil, Binding{"in", Read}, Binding{"best", Write}, batch)
	Pick = kernel("pick", "pick", nil, 2, nil, Binding{"best", Read}, Binding{"chosen", Write}, batch)

	HeadF32  = kernel("head_f32", "head", []string{"TYPE 32"}, 5, tokens, headBindings...)
	HeadF16  = kernel("head_f16", "head", []string{"TYPE 16"}, 5, tokens, headBindings...)
	HeadBF16 = kernel("head_bf16", "head", []string{"TYPE 17"}, 5, tokens, headBindings...)

	// The product of a layer's dense matrix.
	DenseF32  = kernel("dense_f32", "head", []string{"LAYER", "TYPE 32"}, 6, tokens, denseBindings...)
	DenseF16  = kernel("dense_f16", "head", []string{"LAYER", "TYPE 16"}, 6, tokens, denseBindings...)
	DenseBF16 = kernel("dense_bf16", "head", []string{"LAYER", "TYPE 17"}, 6, tokens, denseBindings...)

	// The best of the head without reading all of it.
	ScreenInput = kernel("screen_input", "screen_input", nil, 1, nil, Binding{"x", Read}, Binding{"dither", Read}, Binding{"inputs", Write})
	Screen      = kernel("screen", "screen", nil, 7, tokens, Binding{"codes", Read}, Binding{"rows", Read},
		Binding{"x", Read}, Binding{"inputs", Read}, Binding{"lower", Write}, Binding{"upper", Write})
	Bound       = kernel("bound", "bound", nil, 2, nil, Binding{"best", Read}, Binding{"bound", Write})
	RescoreF32  = kernel("rescore_f32", "rescore", []string{"TYPE 32"}, 4, nil, rescoreBindings...)
	RescoreF16  = kernel("rescore_f16", "rescore", []string{"TYPE 16"}, 4, nil, rescoreBindings...)
	RescoreBF16 = kernel("rescore_bf16", "rescore", []string{"TYPE 17"}, 4, nil, rescoreBindings...)
)

// Probe computes what shows whether a device keeps the contract.
var Probe = kernel("probe", "probe", nil, 1, nil, Binding{"operands", Read}, Binding{"results", Write})

// ReadBuffer only reads, for benchmarks.
var ReadBuffer = kernel("read", "read", nil, 1, []Constant{{"STEPS", 16}}, Binding{"words", Read}, Binding{"out", Write})

// All returns every kernel.
func All() []*Kernel {
	return []*Kernel{
		EmbedF32, EmbedF16, EmbedBF16, Norm, OutputNorm, NormLayer, TernaryDot, TernaryF32, TernaryI32,
		Activate, RoPE, Attention, HeadF32, HeadF16, HeadBF16, DenseF32, DenseF16, DenseBF16, ScreenInput, Screen, Bound, RescoreF32, RescoreF16, RescoreBF16, Best, Pick, Top, Probe, ReadBuffer,
		QKVDot, QKVF32, QKVI32, GateDot, GateF32, GateI32, AddDot, AddF32, AddI32, AttentionOne,
	}
}

var (
	batch         = Binding{"batch", Read | Write}
	embedBindings = []Binding{{"table", Read}, {"batch", Read}, {"h", Write}}
	headBindings  = []Binding{{"head", Read}, {"x", Read}, {"logits", Write}}

	denseBindings   = []Binding{{"matrix", Read}, {"x", Read}, {"out", Read | Write}, batch}
	rescoreBindings = []Binding{{"head", Read}, {"x", Read}, {"logits", Read | Write}, {"bound", Read}}

	// width is the constant of the room for a norm, in words.
	width = []Constant{{"WIDTH", 2048}}

	// tokens is the constant of kernels that take several tokens at a time.
	tokens = []Constant{{"TOKENS", 1}}
)

func ternary(name string, defines ...string) *Kernel {
	k := kernel(name, "ternary", defines, 5, tokens, Binding{"weights", Read}, Binding{"codes", Read}, Binding{"out", Read | Write})
	k.Dot = slices.Contains(defines, "DOT")
	return k
}

// bitLinear makes a fused kernel; its first definition, if it is QKV or GATE,
// says what follows the product.
func bitLinear(name string, params int, defines ...string) *Kernel {
	out, more := Read|Write, []Binding(nil)
	switch {
	case slices.Contains(defines, "QKV"):
		out = Write
	case slices.Contains(defines, "GATE"):
		out, more = Write, []Binding{{"up", Read}}
	}
	consts := append(slices.Clone(width), Constant{"LANES", 8}, Constant{"TILES", 1})
	bindings := append([]Binding{{"h", Read}, {"g", Read}, {"out", out}, batch, {"weights", Read}}, more...)
	k := kernel(name, "bitlinear", defines, params, consts, bindings...)
	k.Dot = slices.Contains(defines, "DOT")
	return k
}

// kernel makes the kernel of a source and of what it defines. It knows #include,
// which OpenGL does not.
func kernel(name, source string, defines []string, params int, consts []Constant, bindings ...Binding) *Kernel {
	version, prelude, _ := strings.Cut(text("prelude.glsl"), "\n")
	var b strings.Builder
	b.WriteString(version + "\n")
	for _, d := range defines {
		b.WriteString("#define " + d + "\n")
	}
	b.WriteString(prelude)
	for line := range strings.Lines(text(source + ".comp")) {
		if file, ok := strings.CutPrefix(line, "#include "); ok {
			line = text(strings.Trim(file, "\"\n"))
		}
		b.WriteString(line)
	}
	spirv, _ := files.ReadFile(name + ".spv") // go generate makes those that lack
	return &Kernel{
		Name:     name,
		Source:   b.String(),
		SPIRV:    spirv,
		Bindings: bindings,
		Params:   params,
		Consts:   append([]Constant{{"GROUP", 64}}, consts...),
	}
}

func text(name string) string {
	data, err := files.ReadFile(name)
	if err != nil {
		panic("BUG: shaders: " + err.Error())
	}
	return string(data)
}

// Flags are what glslc is called with, the source from standard input.
func Flags() []string {
	return []string{"-O", "--target-env=vulkan1.1", "-fshader-stage=comp"}
}
