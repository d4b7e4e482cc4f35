// Package oracle is the forward pass in float64 on one page: the definition of
// the model, and nothing of how this project computes it.
//
// BitNet b1.58 2B4T technical report, arXiv 2504.12285; Hugging Face
// transformers, models/bitnet and integrations/bitnet.py (BitLinear).
package oracle

import (
	"fmt"
	"math"

	"bitnet-gpu/weights"
	"bitnet-gpu/weights/ternary"
)

// Options choose between what engines do differently.
type Options struct {
	KV16 bool // round keys and values to float16, as a cache stores them
}

// Logits returns a row of logits for each token. (n, vocab)
func Logits(m *weights.Model, tokens []int32, opt Options) [][]float64 {
	h := Embed(m, tokens)
	for i := range m.Layers {
		h = Layer(m, i, h, opt)
	}
	return Head(m, h)
}

// Embed returns the embedding of each token. (n, hidden)
func Embed(m *weights.Model, tokens []int32) [][]float64 {
	h := make([][]float64, len(tokens))
	for t, id := range tokens {
		h[t] = denseRow(&m.TokenEmbd, int(id))
	}
	return h
}

// Layer runs one block over a whole sequence from position 0 on: it takes the
// residual stream before the block and returns the one behind it. (n, hidden)
func Layer(m *weights.Model, layer int, h [][]float64, opt Options) [][]float64 {
	l := &m.Layers[layer]
	a := normed(m, h, l.AttnNorm)
	q, k, v := linear(&l.Q, a), linear(&l.K, a), linear(&l.V, a)
	for pos := range h {
		rope(m, q[pos], pos)
		rope(m, k[pos], pos)
		if opt.KV16 {
			roundHalf(k[pos])
			roundHalf(v[pos])
		}
	}
	o := make([][]float64, len(h))
	for pos := range h {
		o[pos] = attention(m, q[pos], k[:pos+1], v[:pos+1])
	}
	h = sum(h, linear(&l.O, normed(m, o, l.AttnSubNorm)))

	b := normed(m, h, l.FFNNorm)
	gate, up := linear(&l.Gate, b), linear(&l.Up, b)
	for pos := range gate {
		for i, g := range gate[pos] {
			gate[pos][i] = activation(m, g) * up[pos][i]
		}
	}
	return sum(h, linear(&l.Down, normed(m, gate, l.FFNSubNorm)))
}

func activation(m *weights.Model, x float64) float64 {
	if m.Activation == weights.SiLU {
		return x / (1 + math.Exp(-x))
	}
	return math.Max(x, 0) * math.Max(x, 0)
}

// Head returns the logits of the residual stream behind the last block.
func Head(m *weights.Model, h [][]float64) [][]float64 {
	x := normed(m, h, m.OutputNorm)
	logits := make([][]float64, len(x))
	for pos := range x {
		logits[pos] = make([]float64, m.VocabSize)
	}
	for id := range m.VocabSize {
		row := denseRow(&m.Output, id)
		for pos := range x {
			logits[pos][id] = dot(row, x[pos])
		}
	}
	return logits
}

// normed returns the RMS norm of each row, times the weights g; without g the
// rows themselves.
func normed(m *weights.Model, h [][]float64, g []float32) [][]float64 {
	if g == nil {
		return h
	}
	out := make([][]float64, len(h))
	for pos, x := range h {
		rms := math.Sqrt(dot(x, x)/float64(len(x)) + float64(m.NormEps))
		out[pos] = make([]float64, len(x))
		for i := range x {
			out[pos][i] = x[i] / rms * float64(g[i])
		}
	}
	return out
}

// A quantised vector stands for codes/scale.
type quantised struct {
	codes []int
	scale float64
}

// quantise rounds each row to integers of at most 127, half to even.
func quantise(x [][]float64) []quantised {
	out := make([]quantised, len(x))
	for pos, row := range x {
		largest := 1e-5
		for _, e := range row {
			largest = math.Max(largest, math.Abs(e))
		}
		scale := 127 / largest
		codes := make([]int, len(row))
		for i, e := range row {
			codes[i] = int(math.RoundToEven(e * scale))
		}
		out[pos] = quantised{codes, scale}
	}
	return out
}

// linear returns y = W x: BitLinear, which quantises x, for a ternary matrix, the
// plain product for a dense one.
func linear(w *weights.Linear, x [][]float64) [][]float64 {
	if !w.IsDense() {
		return bitLinear(&w.Ternary, quantise(x))
	}
	y := make([][]float64, len(x))
	for row := range w.Dense.Rows {
		weights := denseRow(&w.Dense, row)
		for pos := range x {
			y[pos] = append(y[pos], dot(weights, x[pos]))
		}
	}
	return y
}

// bitLinear is BitLinear behind its quantiser. It panics on a code 3.
func bitLinear(w *weights.Ternary, x []quantised) [][]float64 {
	y := make([][]float64, len(x))
	for pos := range y {
		y[pos] = make([]float64, w.Rows)
	}
	words := make([]uint32, w.Cols/ternary.WordWeights)
	trits := make([]int8, w.Cols)
	for row := range w.Rows {
		if err := w.Row(words, row); err != nil {
			panic(fmt.Sprintf("%s: %v", w.Name, err))
		}
		ternary.Unpack(trits, words)
		for pos := range x {
			acc := 0
			for i, t := range trits {
				acc += int(t) * x[pos].codes[i]
			}
			y[pos][row] = float64(acc) / x[pos].scale * float64(w.Scale)
		}
	}
	return y
}

// rope rotates the pairs (i, i+d/2) of each head of x.
func rope(m *weights.Model, x []float64, pos int) {
	d := m.HeadDim
	for head := 0; head < len(x); head += d {
		for i := range d / 2 {
			angle := float64(pos) * math.Pow(m.RopeBase, -2*float64(i)/float64(d))
			sin, cos := math.Sincos(angle)
			a, b := x[head+i], x[head+i+d/2]
			x[head+i], x[head+i+d/2] = a*cos-b*sin, b*cos+a*sin
		}
	}
}

// attention of the heads of one query over all keys and values so far.
func attention(m *weights.Model, q []float64, k, v [][]float64) []float64 {
	d := m.HeadDim
	out := make([]float64, len(q))
	p := make([]float64, len(k))
	for head := range m.Heads {
		at := head * d
		kv := head / (m.Heads / m.KVHeads) * d
		for t := range k {
			p[t] = dot(q[at:at+d], k[t][kv:kv+d]) / math.Sqrt(float64(d))
		}
		softmax(p)
		for t := range v {
			for i := range d {
				out[at+i] += p[t] * v[t][kv+i]
			}
		}
	}
	return out
}

func softmax(x []float64) {
	largest := math.Inf(-1)
	for _, e := range x {
		largest = math.Max(largest, e)
	}
	total := 0.0
	for i, e := range x {
		x[i] = math.Exp(e - largest)
		total += x[i]
	}
	for i := range x {
		x[i] /= total
	}
}

func dot(a, b []float64) float64 {
	total := 0.0
	for i := range a {
		total += a[i] * b[i]
	}
	return total
}

func sum(a, b [][]float64) [][]float64 {
	out := make([][]float64, len(a))
	for pos := range a {
		out[pos] = make([]float64, len(a[pos]))
		for i := range a[pos] {
			out[pos][i] = a[pos][i] + b[pos][i]
		}
	}
	return out
}

func denseRow(d *weights.Dense, row int) []float64 {
	narrow := make([]float32, d.Cols)
	d.Row(narrow, row)
	wide := make([]float64, d.Cols)
	for i, e := range narrow {
		wide[i] = float64(e)
	}
	return wide
}

// roundHalf rounds to the nearest float16, half to even: 11 bits from the
// highest one on, but none below 2^-24.
func roundHalf(x []float64) {
	for i, e := range x {
		_, exponent := math.Frexp(e)
		unit := math.Ldexp(1, max(exponent-11, -24))
		x[i] = math.RoundToEven(e/unit) * unit
		if math.Abs(x[i]) > 65504 {
			x[i] = math.Copysign(math.Inf(1), e)
		}
	}
}
