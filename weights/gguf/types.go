package gguf

import "fmt"

// A Type is how the elements of a tensor are stored, numbered as in ggml.
type Type uint32

const (
	F32    Type = 0
	F16    Type = 1
	Q4_0   Type = 2
	Q4_1   Type = 3
	Q5_0   Type = 6
	Q5_1   Type = 7
	Q8_0   Type = 8
	Q2_K   Type = 10
	Q3_K   Type = 11
	Q4_K   Type = 12
	Q5_K   Type = 13
	Q6_K   Type = 14
	IQ4_NL Type = 20
	IQ4_XS Type = 23
	BF16   Type = 30
	TQ1_0  Type = 34
	TQ2_0  Type = 35
	I2_S   Type = 36 // of bitnet.cpp; ggml had another, now retired, type here

	IQ1_BN Type = 134 // of ik_llama.cpp, like the next
	IQ2_BN Type = 135
)

// I2_S keeps its codes in blocks of 128 over the flattened tensor, and behind
// them a tail that begins with the one float32 scale. (ggml itself calls it a
// type of one byte an element, a placeholder.)
const (
	i2sBlock = 128
	i2sTail  = 32
)

// rowHeads holds the bytes in front of each row, of types that have some.
var rowHeads = map[Type]int{IQ1_BN: 2, IQ2_BN: 4}

// types holds name, elements of a block and bytes of a block.
var types = map[Type]struct {
	name  string
	block int
	bytes int
}{
	F32: {"F32", 1, 4}, F16: {"F16", 1, 2}, BF16: {"BF16", 1, 2}, 28: {"F64", 1, 8},
	24: {"I8", 1, 1}, 25: {"I16", 1, 2}, 26: {"I32", 1, 4}, 27: {"I64", 1, 8},
	Q4_0: {"Q4_0", 32, 18}, Q4_1: {"Q4_1", 32, 20}, Q5_0: {"Q5_0", 32, 22}, Q5_1: {"Q5_1", 32, 24}, Q8_0: {"Q8_0", 32, 34},
	Q2_K: {"Q2_K", 256, 84}, Q3_K: {"Q3_K", 256, 110}, Q4_K: {"Q4_K", 256, 144}, Q5_K: {"Q5_K", 256, 176}, Q6_K: {"Q6_K", 256, 210},
	16: {"IQ2_XXS", 256, 66}, 17: {"IQ2_XS", 256, 74}, 18: {"IQ3_XXS", 256, 98}, 19: {"IQ1_S", 256, 50}, IQ4_NL: {"IQ4_NL", 32, 18},
	21: {"IQ3_S", 256, 110}, 22: {"IQ2_S", 256, 82}, IQ4_XS: {"IQ4_XS", 256, 136}, 29: {"IQ1_M", 256, 56},
	TQ1_0: {"TQ1_0", 256, 54}, TQ2_0: {"TQ2_0", 256, 66},
	I2_S: {"I2_S", i2sBlock, i2sBlock / 4}, IQ1_BN: {"IQ1_BN", 64, 13}, IQ2_BN: {"IQ2_BN", 64, 16},
}

// refused names types whose size is not known here, or not certain: ggml and
// its forks gave some numbers twice.
var refused = map[Type]string{
	31: "Q4_0_4_4, retired by ggml", 32: "Q4_0_4_8, retired by ggml", 33: "Q4_0_8_8, retired by ggml",
	37: "I8_S of bitnet.cpp", 38: "TL1 of bitnet.cpp",
	39: "MXFP4 of ggml or TL2 of older bitnet.cpp, and the file does not say which",
	40: "NVFP4 of ggml", 41: "Q1_0 of ggml",
	42:  "Q2_0 of ggml or TL2 of newer bitnet.cpp, and the file does not say which",
	335: "IQ2_BN_R4 of ik_llama.cpp",
}

func (t Type) String() string {
	if info, ok := types[t]; ok {
		return info.name
	}
	if name, ok := refused[t]; ok {
		return fmt.Sprintf("type %d (%s)", uint32(t), name)
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// Block returns how many elements are stored together, or 0 for a type that is
// not known. Rows are whole blocks, except in I2_S, whose blocks may straddle
// rows.
func (t Type) Block() int { return types[t].block }

// Size returns the bytes of n elements in rows of cols, both multiples of the
// block.
func (t Type) Size(n, cols int) int {
	size := n / types[t].block * types[t].bytes
	if t == I2_S {
		size += i2sTail
	}
	return size + n/cols*rowHeads[t]
}

// A ValueType is the type of a metadata value, numbered as in the format.
type ValueType uint32

const (
	Uint8 ValueType = iota
	Int8
	Uint16
	Int16
	Uint32
	Int32
	Float32
	Bool
	String
	ArrayType
	Uint64
	Int64
	Float64
)

// valueTypes holds name and bytes; 0 bytes: the value says it itself.
var valueTypes = [...]struct {
	name  string
	bytes int
}{
	{"uint8", 1}, {"int8", 1}, {"uint16", 2}, {"int16", 2}, {"uint32", 4}, {"int32", 4}, {"float32", 4},
	{"bool", 1}, {"string", 0}, {"array", 0}, {"uint64", 8}, {"int64", 8}, {"float64", 8},
}

func (t ValueType) String() string {
	if int64(t) < int64(len(valueTypes)) {
		return valueTypes[t].name
	}
	return fmt.Sprintf("value type %d", uint32(t))
}
