package hub

import (
	"slices"
	"strings"
)

// A Name is a short name for a model.
type Name struct {
	Name string
	Ref
	About string
}

// Names are the short names: the families of ternary models and where they are.
// A repository without a file holds a directory, see Fetch.
var Names = []Name{
	{"2b4t", Ref{Repo: "microsoft/bitnet-b1.58-2B-4T-gguf", File: "ggml-model-i2_s.gguf"}, "BitNet b1.58 2B4T"},
	{"falcon-e-1b", Ref{Repo: "tiiuae/Falcon-E-1B-Instruct-GGUF", File: "ggml-model-i2_s.gguf"}, "Falcon-E 1B Instruct"},
	{"falcon-e-3b", Ref{Repo: "tiiuae/Falcon-E-3B-Instruct-GGUF", File: "ggml-model-i2_s.gguf"}, "Falcon-E 3B Instruct"},
	{"falcon3-1b", Ref{Repo: "tiiuae/Falcon3-1B-Instruct-1.58bit"}, "Falcon3 1B Instruct"},
	{"falcon3-3b", Ref{Repo: "tiiuae/Falcon3-3B-Instruct-1.58bit"}, "Falcon3 3B Instruct"},
	{"falcon3-7b", Ref{Repo: "tiiuae/Falcon3-7B-Instruct-1.58bit"}, "Falcon3 7B Instruct"},
	{"falcon3-10b", Ref{Repo: "tiiuae/Falcon3-10B-Instruct-1.58bit"}, "Falcon3 10B Instruct"},
	{"llama3-8b", Ref{Repo: "HF1BitLLM/Llama3-8B-1.58-100B-tokens"}, "Llama 3 8B 1.58"},
	{"large", Ref{Repo: "1bitLLM/bitnet_b1_58-large"}, "BitNet b1.58 large, 0.7B"},
	{"3b", Ref{Repo: "1bitLLM/bitnet_b1_58-3B"}, "BitNet b1.58 3B"},
	{"embedding-0.6b", Ref{Repo: "microsoft/bitnet-embedding-0.6b"}, "BitNet embedding 0.6B"},
	{"embedding-270m", Ref{Repo: "microsoft/bitnet-embedding-270m"}, "BitNet embedding 270M"},
}

// IsName reports whether text is a short name.
func IsName(text string) bool {
	return slices.ContainsFunc(Names, func(n Name) bool { return strings.EqualFold(n.Name, text) })
}

// named returns the short name of a text, or nil.
func named(text string) *Name {
	i := slices.IndexFunc(Names, func(n Name) bool { return strings.EqualFold(n.Name, text) })
	if i < 0 {
		return nil
	}
	return &Names[i]
}
