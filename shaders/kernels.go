package shaders

import (
	"embed"
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

	Norm       = kernel("norm", "norm", nil, 4, nil, Binding{"h", Read}, Binding{"g", Read}, Binding{"codes", Write}, batch)
	OutputNorm = kernel("norm_output", "norm", []string{"OUTPUT"}, 4, nil, Binding{"h", Read}, Binding{"g", Read}, Binding{"x", Write}, batch)

	// The ternary product by three kinds of arithmetic, with equal results.
	TernaryDot = ternary("ternary_dot", "DOT")
	TernaryF32 = ternary("ternary_f32", "F32")
	TernaryI32 = ternary("ternary_i32")

	ReLU2     = kernel("relu2", "relu2", nil, 1, nil, Binding{"gate", Read | Write}, Binding{"up", Read})
	RoPE      = kernel("rope", "rope", nil, 7, nil, Binding{"qkv", Read | Write}, Binding{"table", Read}, Binding{"cache", Write}, batch)
	Attention = kernel("attention", "attention", nil, 6, nil, Binding{"q", Read}, Binding{"cache", Read}, Binding{"o", Write}, Binding{"batch", Read})

	HeadF32  = kernel("head_f32", "head", []string{"TYPE 32"}, 5, tokens, headBindings...)
	HeadF16  = kernel("head_f16", "head", []string{"TYPE 16"}, 5, tokens, headBindings...)
	HeadBF16 = kernel("head_bf16", "head", []string{"TYPE 17"}, 5, tokens, headBindings...)
)

// Probe computes what shows whether a device keeps the contract.
var Probe = kernel("probe", "probe", nil, 1, nil, Binding{"operands", Read}, Binding{"results", Write})

// All returns every kernel.
func All() []*Kernel {
	return []*Kernel{
		EmbedF32, EmbedF16, EmbedBF16, Norm, OutputNorm, TernaryDot, TernaryF32, TernaryI32,
		ReLU2, RoPE, Attention, HeadF32, HeadF16, HeadBF16, Probe,
	}
}

var (
	batch         = Binding{"batch", Read | Write}
	embedBindings = []Binding{{"table", Read}, {"batch", Read}, {"h", Write}}
	headBindings  = []Binding{{"head", Read}, {"x", Read}, {"logits", Write}}

	// tokens is the constant of kernels that take several tokens at a time.
	tokens = []Constant{{"TOKENS", 1}}
)

func ternary(name string, defines ...string) *Kernel {
	k := kernel(name, "ternary", defines, 5, tokens, Binding{"weights", Read}, Binding{"codes", Read}, Binding{"out", Read | Write})
	k.Dot = name == "ternary_dot"
	return k
}

// kernel makes the kernel of a source and of what it defines.
func kernel(name, source string, defines []string, params int, consts []Constant, bindings ...Binding) *Kernel {
	version, prelude, _ := strings.Cut(text("prelude.glsl"), "\n")
	var b strings.Builder
	b.WriteString(version + "\n")
	for _, d := range defines {
		b.WriteString("#define " + d + "\n")
	}
	b.WriteString(prelude + text(source+".comp"))
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
