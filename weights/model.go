// Package weights opens the files that hold ternary models and gives them one
// shape: a Model whose every size has been checked once.
package weights

import (
	"fmt"

	"bitnet-gpu/weights/ternary"
	"bitnet-gpu/weights/vocab"
)

// A Model is an opened model. It is immutable; its slices may point into the
// file's map and are valid until Close.
type Model struct {
	Config
	Vocab  vocab.Vocab
	Layers []Layer // (Blocks)

	TokenEmbd  Dense     // (Vocab, Hidden)
	OutputNorm []float32 // (Hidden)
	Output     Dense     // (Vocab, Hidden); TokenEmbd itself where the head is tied

	Path   string // of the file or directory; "" for a model made in memory
	Format string // such as "GGUF v3, I2_S"

	files []*mapping // none for a model made in memory
}

// Config is the shape of a model.
type Config struct {
	Arch       string // as GGUF files name it: "bitnet-b1.58", "bitnet-25", "bitnet", "llama"
	Name       string // as the file names it, may be ""
	VocabSize  int    // rows of the embedding
	Hidden     int    // width of the residual stream
	FFN        int    // width of the feed-forward layer
	Blocks     int    // layers
	Heads      int    // query heads
	KVHeads    int    // key and value heads; divides Heads
	HeadDim    int
	Context    int // positions the model was trained for
	NormEps    float32
	RopeBase   float64
	Activation Activation
	SubNorms   bool // norms before the attention's output and the FFN's
	Tied       bool // the head is the embedding
}

// An Activation is the function on the gate of the feed-forward layer.
type Activation uint8

const (
	ReLU2 Activation = iota // max(x, 0)^2
	SiLU                    // x / (1 + e^-x)
)

func (a Activation) String() string { return [...]string{"relu2", "silu"}[a] }

// MarshalText and UnmarshalText are for JSON.
func (a Activation) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

func (a *Activation) UnmarshalText(text []byte) error {
	for *a = ReLU2; *a <= SiLU; *a++ {
		if a.String() == string(text) {
			return nil
		}
	}
	return fmt.Errorf("activation %.20q", text)
}

// A Layer is one transformer block. Shapes are (rows, columns) = (out, in). The
// rows of Q and K are ordered for a rotation of half-split pairs, also where a
// file has them otherwise.
type Layer struct {
	AttnNorm    []float32 // (Hidden)
	Q           Ternary   // (Heads*HeadDim, Hidden)
	K, V        Ternary   // (KVHeads*HeadDim, Hidden)
	AttnSubNorm []float32 // (Heads*HeadDim), nil without Config.SubNorms
	O           Ternary   // (Hidden, Heads*HeadDim)
	FFNNorm     []float32 // (Hidden)
	Gate, Up    Ternary   // (FFN, Hidden)
	FFNSubNorm  []float32 // (FFN), nil without Config.SubNorms
	Down        Ternary   // (Hidden, FFN)
}

// Ternary is a matrix of weights Scale * {-1, 0, +1}.
type Ternary struct {
	Name string // as the file names it, for errors
	ternary.Matrix
	Scale float32
}

// Tensors returns the ternary matrices of the layer, in the order of the
// forward pass.
func (l *Layer) Tensors() []*Ternary {
	return []*Ternary{&l.Q, &l.K, &l.V, &l.O, &l.Gate, &l.Up, &l.Down}
}
