// Package synthetic makes ternary models out of random numbers, for benchmarks
// and tests that must not need a model file.
//
// The weights are random, but tame: scales of about 1/sqrt(columns) keep the
// residual stream at the size of a few units over any number of blocks, and
// logits spread over a few units. They are also unkind where the formats allow
// it: dead and outlying channels in the norms, zeros and denormals in the
// embedding, arbitrary bits behind the last weight of a matrix.
//
// The same shape and seed give the same bytes on every machine: each tensor has
// its own stream of SplitMix64, floats are put together from bits, and what is
// left of arithmetic is one correctly rounded operation at a time.
package synthetic

import (
	"cmp"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"bitnet-gpu/weights"
	"bitnet-gpu/weights/ternary"
)

// A Shape says what a model looks like.
type Shape struct {
	Name    string
	Hidden  int // at least 64; a multiple of 16, and of the block length of Embd
	FFN     int // a multiple of 16
	Blocks  int
	Heads   int // Heads*HeadDim is a multiple of 16
	KVHeads int // divides Heads
	HeadDim int // even
	Vocab   int // at least MinVocab
	Context int
	Embd    weights.DType // of the embedding, and of the head
	Tied    bool

	Dense   []string      // names of matrices that are not ternary, such as "attn_v"; "all"
	DenseAs weights.DType // their type, whose blocks divide their rows

	RopeBase   float64 // 0: 500,000
	Activation weights.Activation
	NoSubNorms bool
}

// arch returns the architecture whose files hold such a model.
func (s *Shape) arch() string {
	switch {
	case s.NoSubNorms:
		return "llama"
	case s.Activation == weights.SiLU:
		return "bitnet"
	}
	return "bitnet-b1.58"
}

// New makes the model of a shape. It panics on a shape that no model has.
func New(shape Shape, seed uint64) *weights.Model {
	shape.check()
	m := &weights.Model{
		Config: weights.Config{
			Arch:      shape.arch(),
			Name:      "synthetic " + shape.Name,
			VocabSize: shape.Vocab,
			Hidden:    shape.Hidden,
			FFN:       shape.FFN,
			Blocks:    shape.Blocks,
			Heads:     shape.Heads,
			KVHeads:   shape.KVHeads,
			HeadDim:   shape.HeadDim,
			Context:   shape.Context,
			NormEps:   1e-5,
			RopeBase:  cmp.Or(shape.RopeBase, 500000),
			Tied:      shape.Tied,

			Activation: shape.Activation,
			SubNorms:   !shape.NoSubNorms,
		},
		Vocab:  newVocab(shape.Vocab),
		Layers: make([]weights.Layer, shape.Blocks),
		Format: "made in memory",
	}
	g := generator{seed: seed}
	m.TokenEmbd = g.dense("token_embd.weight", shape.Embd, shape.Vocab, shape.Hidden, topExponent(shape.Hidden))
	m.OutputNorm = g.norm("output_norm.weight", shape.Hidden)
	m.Output = m.TokenEmbd
	if !shape.Tied {
		m.Output = g.dense("output.weight", shape.Embd, shape.Vocab, shape.Hidden, topExponent(shape.Hidden))
	}
	for i := range m.Layers {
		g.layer(&m.Layers[i], fmt.Sprintf("blk.%d.", i), shape)
	}
	g.run()
	return m
}

func (s *Shape) check() {
	block := blockLen(s.Embd)
	ok := s.Hidden >= 64 && s.Hidden%16 == 0 && s.Hidden%block == 0 &&
		s.FFN > 0 && s.FFN%16 == 0 && s.Blocks > 0 && s.denseFits() &&
		s.KVHeads > 0 && s.Heads > 0 && s.Heads%s.KVHeads == 0 &&
		s.HeadDim > 0 && s.HeadDim%2 == 0 && s.Heads*s.HeadDim%16 == 0 &&
		s.Vocab >= MinVocab && s.Context > 0
	if !ok {
		panic(fmt.Sprintf("BUG: synthetic.New: no model has the shape %+v", *s))
	}
}

// denseFits reports whether rows of dense matrices are whole blocks and long enough.
func (s *Shape) denseFits() bool {
	for _, cols := range []int{s.Hidden, s.FFN, s.Heads * s.HeadDim} {
		if len(s.Dense) > 0 && (cols < 64 || cols%blockLen(s.DenseAs) != 0) {
			return false
		}
	}
	return true
}

// A generator allocates tensors and notes the work of filling them, so that
// all of it can be done in parallel at the end.
type generator struct {
	seed uint64
	jobs []func()
}

// run does the noted work.
func (g *generator) run() {
	jobs := make(chan func(), len(g.jobs))
	for _, job := range g.jobs {
		jobs <- job
	}
	close(jobs)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for job := range jobs {
				job()
			}
		})
	}
	wg.Wait()
}

func (g *generator) layer(l *weights.Layer, prefix string, s Shape) {
	q, kv := s.Heads*s.HeadDim, s.KVHeads*s.HeadDim
	*l = weights.Layer{
		AttnNorm: g.norm(prefix+"attn_norm.weight", s.Hidden),
		Q:        g.linear(prefix, "attn_q", q, s.Hidden, &s),
		K:        g.linear(prefix, "attn_k", kv, s.Hidden, &s),
		V:        g.linear(prefix, "attn_v", kv, s.Hidden, &s),
		O:        g.linear(prefix, "attn_output", s.Hidden, q, &s),
		FFNNorm:  g.norm(prefix+"ffn_norm.weight", s.Hidden),
		Gate:     g.linear(prefix, "ffn_gate", s.FFN, s.Hidden, &s),
		Up:       g.linear(prefix, "ffn_up", s.FFN, s.Hidden, &s),
		Down:     g.linear(prefix, "ffn_down", s.Hidden, s.FFN, &s),
	}
	if !s.NoSubNorms {
		l.AttnSubNorm = g.norm(prefix+"attn_sub_norm.weight", q)
		l.FFNSubNorm = g.norm(prefix+"ffn_sub_norm.weight", s.FFN)
	}
}

// linear makes a matrix of a layer: ternary, or dense where the shape says so, with
// products of the same size.
func (g *generator) linear(prefix, name string, rows, cols int, s *Shape) weights.Linear {
	full := prefix + name + ".weight"
	if slices.Contains(s.Dense, name) || slices.Contains(s.Dense, "all") {
		return weights.Linear{Dense: g.dense(full, s.DenseAs, rows, cols, topExponent(cols)-2)}
	}
	return weights.Linear{Ternary: g.ternary(full, rows, cols)}
}

// ternary makes a matrix in I2_S: half of the weights 0, the rest evenly -1
// and +1.
func (g *generator) ternary(name string, rows, cols int) weights.Ternary {
	r := newStream(g.seed, name)
	scale := (1 + r.unit()) / math.Sqrt(float64(cols))
	data := alignedBytes(ternary.I2S.Size(rows, cols))
	g.jobs = append(g.jobs, func() { fillCodes(data, r) })
	return weights.Ternary{
		Name:   name,
		Matrix: ternary.Matrix{Format: ternary.I2S, Rows: rows, Cols: cols, Data: data},
		Scale:  float32(scale),
	}
}

// norm makes norm weights of about 1: one in 64 dead (0, to which weights.Open
// flushes the 1e-32 of real files), one in 64 an outlier, one in 16 negative.
func (g *generator) norm(name string, n int) []float32 {
	r := newStream(g.seed, name)
	norm := make([]float32, n)
	for i := range norm {
		w := 0.5 + r.unit()
		bits := r.next()
		switch bits % 64 {
		case 0:
			w = 0
		case 1:
			w *= 8
		}
		if bits>>60 == 0 && w != 0 {
			w = -w
		}
		norm[i] = float32(w)
	}
	return norm
}

// dense makes an embedding, a head or a dense matrix of elements below 2^top. Every
// row has its own stream.
func (g *generator) dense(name string, typ weights.DType, rows, cols, top int) weights.Dense {
	const chunk = 512 // rows
	rowBytes := cols / blockLen(typ) * blockBytes(typ)
	data := alignedBytes(rows * rowBytes)
	streams := newStream(g.seed, name).next()
	for first := 0; first < rows; first += chunk {
		g.jobs = append(g.jobs, func() {
			for row := first; row < min(first+chunk, rows); row++ {
				r := stream(streams + uint64(row)*rowStride)
				fillRow(data[row*rowBytes:(row+1)*rowBytes], typ, top, &r)
			}
		})
	}
	return weights.Dense{Name: name, Type: typ, Rows: rows, Cols: cols, Data: data}
}
