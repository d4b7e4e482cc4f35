package test

import (
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"bitnet-gpu/cpu/kernel"
	"bitnet-gpu/test/backends"
	"bitnet-gpu/test/oracle"
	"bitnet-gpu/test/tiny"
	"bitnet-gpu/weights"
)

// halves are the places of the float16s in a block of ggml's types.
var halves = map[weights.DType][]int{
	weights.Q4_0: {0}, weights.Q4_1: {0, 2}, weights.Q5_0: {0}, weights.Q5_1: {0, 2}, weights.Q8_0: {0},
	weights.Q2_K: {80, 82}, weights.Q3_K: {108}, weights.Q4_K: {0, 2}, weights.Q5_K: {0, 2}, weights.Q6_K: {208},
	weights.IQ4_NL: {0}, weights.IQ4_XS: {0}, weights.TQ1_0: {52}, weights.TQ2_0: {64},
}

// randomDense fills a matrix with random blocks whose float16s are about 2^-7.
func randomDense(name string, typ weights.DType, rows int) weights.Dense {
	const cols = 256
	d := weights.Dense{Name: name, Type: typ, Rows: rows, Cols: cols}
	d.Data = make([]byte, rows*d.RowBytes())
	source := rand.New(rand.NewPCG(5, uint64(typ)))
	for i := range d.Data {
		d.Data[i] = byte(source.Uint32())
	}
	one := weights.Dense{Type: typ, Cols: 32}
	if one.RowBytes() == 0 { // blocks of 256
		one.Cols = 256
	}
	for at := 0; at < len(d.Data); at += one.RowBytes() {
		for _, half := range halves[typ] {
			binary.LittleEndian.PutUint16(d.Data[at+half:], kernel.ToHalf(float32(source.NormFloat64())/128))
		}
	}
	return d
}

// embeddings runs the suite on a model for each of the types.
func embeddings(t *testing.T, open backends.Open, types ...weights.DType) {
	for _, typ := range types {
		m := embedded(typ)
		backends.Logits(t, m.Name, m, embeddedIDs, reference(t), open)
	}
}

var embeddedIDs = []int32{3, 299, 77, 0, 150, 151}

// embedded is a small model with an embedding and a head of that type.
func embedded(typ weights.DType) *weights.Model {
	m := tiny.New(tiny.Shape{Name: "embedding of " + typ.String(), Hidden: 256, FFN: 64, Blocks: 1, Heads: 2, KVHeads: 1, HeadDim: 32,
		Vocab: 300, Context: 64, Embd: weights.F16}, 1)
	m.TokenEmbd = randomDense(m.TokenEmbd.Name, typ, m.VocabSize)
	m.Output = randomDense(m.Output.Name, typ, m.VocabSize)
	return m
}

// TestCPUEmbeddings runs it on all types that quantising tools give embeddings and
// heads.
func TestCPUEmbeddings(t *testing.T) {
	eachPath(t, func(t *testing.T, open backends.Open) {
		embeddings(t, open, slices.Sorted(maps.Keys(halves))...)
	})
}

// On a GPU all of them are float32.

func TestVulkanEmbeddings(t *testing.T) { embeddings(t, openVulkan(t), weights.Q4_K) }
func TestOpenGLEmbeddings(t *testing.T) { embeddings(t, openOpenGL(t), weights.Q4_K) }

// TestOracleEmbeddings compares with the float64 definition.
func TestOracleEmbeddings(t *testing.T) {
	for typ := range halves {
		m := embedded(typ)
		got, want := logits(t, m, embeddedIDs), oracle.Logits(m, embeddedIDs, oracle.Options{KV16: true})
		for pos := range want {
			if d := difference(got[pos*m.VocabSize:], want[pos]); !(d < 1e-6) {
				t.Errorf("%s, position %d: relative rms %.2g, expected less than 1e-6", typ, pos, d)
			}
		}
	}
}
