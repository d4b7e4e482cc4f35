// Package weights opens the files that hold ternary models and gives them one
// shape: a Model whose every size has been checked once.
package weights

import (
	"fmt"
	"slices"
	"strings"

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
	Q           Linear    // (Heads*HeadDim, Hidden)
	K, V        Linear    // (KVHeads*HeadDim, Hidden)
	AttnSubNorm []float32 // (Heads*HeadDim), nil without Config.SubNorms
	O           Linear    // (Hidden, Heads*HeadDim)
	FFNNorm     []float32 // (Hidden)
	Gate, Up    Linear    // (FFN, Hidden)
	FFNSubNorm  []float32 // (FFN), nil without Config.SubNorms
	Down        Linear    // (Hidden, FFN)
}

// A Linear is a matrix that multiplies the vectors of a layer. It is ternary, or
// dense where the file keeps it so; the other one of the two has no rows.
type Linear struct {
	Ternary Ternary
	Dense   Dense
}

// IsDense reports which of the two it is.
func (l *Linear) IsDense() bool { return l.Dense.Rows > 0 }

// Name returns how the file names the matrix.
func (l *Linear) Name() string {
	if l.IsDense() {
		return l.Dense.Name
	}
	return l.Ternary.Name
}

// Type names how the file stores the matrix.
func (l *Linear) Type() string {
	if l.IsDense() {
		return l.Dense.Type.String()
	}
	return l.Ternary.Format.String()
}

// Data returns the matrix as the file stores it.
func (l *Linear) Data() []byte {
	if l.IsDense() {
		return l.Dense.Data
	}
	return l.Ternary.Data
}

// pair says that the file has the rows of heads of that size pair by pair.
func (l *Linear) pair(headDim int) {
	if l.IsDense() {
		l.Dense.Paired = ternary.Paired(headDim)
	} else {
		l.Ternary.Paired = ternary.Paired(headDim)
	}
}

// Shape returns rows and columns.
func (l *Linear) Shape() (rows, cols int) {
	if l.IsDense() {
		return l.Dense.Rows, l.Dense.Cols
	}
	return l.Ternary.Rows, l.Ternary.Cols
}

// Ternary is a matrix of weights Scale * {-1, 0, +1}.
type Ternary struct {
	Name string // as the file names it, for errors
	ternary.Matrix
	Scale float32
}

// Matrices returns the matrices of the layer, in the order of the forward pass.
func (l *Layer) Matrices() []*Linear {
	return []*Linear{&l.Q, &l.K, &l.V, &l.O, &l.Gate, &l.Up, &l.Down}
}

// Tensors returns those that are ternary.
func (l *Layer) Tensors() []*Ternary {
	var list []*Ternary
	for _, m := range l.Matrices() {
		if !m.IsDense() {
			list = append(list, &m.Ternary)
		}
	}
	return list
}

// ternaries returns the ternary matrices of all layers.
func (m *Model) ternaries() (list []*Ternary) {
	for i := range m.Layers {
		list = append(list, m.Layers[i].Tensors()...)
	}
	return list
}

// denses returns embedding, head and the dense matrices of all layers.
func (m *Model) denses() []*Dense {
	list := []*Dense{&m.TokenEmbd, &m.Output}
	for i := range m.Layers {
		for _, matrix := range m.Layers[i].Matrices() {
			if matrix.IsDense() {
				list = append(list, &matrix.Dense)
			}
		}
	}
	return list
}

// DenseBytes returns the bytes of the layers' dense matrices in the file.
func (m *Model) DenseBytes() (n int64) {
	for i := range m.Layers {
		for _, matrix := range m.Layers[i].Matrices() {
			n += int64(len(matrix.Dense.Data))
		}
	}
	return n
}

// DenseWidth returns the length of the longest rows of the layers' dense matrices, 0
// where there are none.
func (m *Model) DenseWidth() (width int) {
	for i := range m.Layers {
		for _, matrix := range m.Layers[i].Matrices() {
			width = max(width, matrix.Dense.Cols)
		}
	}
	return width
}

// types names the types of the layers' matrices, such as "I2_S and F16".
func (m *Model) types() string {
	var names []string
	for i := range m.Layers {
		for _, matrix := range m.Layers[i].Matrices() {
			if name := matrix.Type(); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return strings.Join(names, " and ")
}
