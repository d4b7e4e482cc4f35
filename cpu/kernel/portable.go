package kernel

import (
	"math"
	"unsafe"
)

// The portable path: the definition of every kernel. Nothing here is tuned.

var portable = Path{
	Name:          "portable",
	Panel:         4,
	TernaryVec:    ternaryVec,
	TernaryMat:    func(acc []int32, w []uint32, x []int8) { ternaryMat(acc, w, x, 4) },
	Nibbles:       nibbles,
	NibbleVecs:    oneByOne(nibbleVec),
	MulMax:        mulMax,
	BlockSquares:  blockSquares,
	Quantise:      quantise,
	Scale:         scale,
	AddScaled:     addScaled,
	ScaleTile:     eachToken(scale),
	AddScaledTile: eachToken(addScaled),
	ReLU2:         relu2,
	ReLU2Tile:     relu2Tile(scale, relu2),
	Times:         times,
	MulAdd:        mulAdd,
	Rotate:        rotate,
	Halves:        halves,
	Blend:         blend,
	Scores:        scores,
	Highest:       highest,
	Exps:          exps,
	WeightedSum:   weightedSum,
	DotF16:        dotF16,
	DotF32:        dotF32,
}

func ternaryVec(acc []int32, w []uint32, x []int8) { ternaryMat(acc, w, x, 1) }

// ternaryMat is TernaryMat for panels of any width.
func ternaryMat(acc []int32, w []uint32, x []int8, panel int) {
	rows, steps := len(acc)/panel, len(x)/(16*panel)
	clear(acc)
	for tile := range rows / TileRows {
		for t := range panel {
			sums := acc[t*rows+tile*TileRows:][:TileRows]
			for b := range steps {
				var a [16]int32 // activations of the step
				for k := range a {
					a[k] = int32(x[((4*b+k/4)*panel+t)*4+k%4])
				}
				for r, word := range w[(tile*steps+b)*TileRows:][:TileRows] {
					sums[r] += wordProduct(word, &a)
				}
			}
		}
	}
}

// wordProduct is the sum of the codes of a kernel word times 16 activations.
func wordProduct(word uint32, a *[16]int32) (sum int32) {
	for f := 0; f < 16; f += 4 {
		sum += int32(word&3)*a[f] + int32(word>>8&3)*a[f+1] + int32(word>>16&3)*a[f+2] + int32(word>>24&3)*a[f+3]
		word >>= 2
	}
	return sum
}

// oneByOne makes Path.NibbleVecs of a function that takes one vector. The second
// reading finds a tile in the cache.
func oneByOne(vec func(acc []int32, w []uint32, x []int8)) func(acc, acc2 []int32, w []uint32, x, x2 []int8) {
	return func(acc, acc2 []int32, w []uint32, x, x2 []int8) {
		n := TileRows * len(x) / 8
		for at := 0; at < len(acc); at, w = at+TileRows, w[n:] {
			vec(acc[at:at+TileRows], w[:n], x)
			vec(acc2[at:at+TileRows], w[:n], x2)
		}
	}
}

func nibbles(words []uint32, codes []int8) {
	n := len(codes) / TileRows
	eights := unsafe.Slice((*[2]uint32)(unsafe.Pointer(unsafe.SliceData(codes))), len(codes)/8)
	for b := range n / 8 {
		to := words[b*TileRows:][:TileRows]
		for r := range to {
			eight := &eights[r*n/8+b]
			const low, signs = 0x0F0F0F0F, 0x88888888 // -8 to 7 as 0 to 15: the sign changes
			to[r] = (eight[0]&low | eight[1]&low<<4) ^ signs
		}
	}
}

func nibbleVec(acc []int32, w []uint32, x []int8) {
	steps := len(x) / 8
	clear(acc)
	for tile := range len(acc) / TileRows {
		sums := acc[tile*TileRows:][:TileRows]
		for b := range steps {
			a := x[8*b:][:8]
			for r, word := range w[(tile*steps+b)*TileRows:][:TileRows] {
				for k := range 4 {
					sums[r] += int32(word>>(8*k)&15)*int32(a[k]) + int32(word>>(8*k+4)&15)*int32(a[4+k])
				}
			}
		}
	}
}

func mulMax(y, h, g []float32) uint32 {
	top := uint32(0)
	for i := range y {
		y[i] = FZ(h[i] * g[i])
		top = max(top, math.Float32bits(y[i])&0x7FFFFFFF)
	}
	return top
}

func blockSquares(sums, h []float32) {
	for b := range sums {
		var x [16]float32
		for k := range x {
			x[k] = float32(h[16*b+k] * h[16*b+k])
		}
		sums[b] = Halving(x[:])
	}
}

// Halving adds the upper half of x to the lower until one term is left, as if
// zeros followed x up to a power of two. Terms beside such a zero must not be
// -0. It overwrites x.
func Halving(x []float32) float32 {
	w := 1
	for w < len(x) {
		w *= 2
	}
	for w /= 2; w > 0; w /= 2 {
		for k := 0; k < w && k+w < len(x); k++ {
			x[k] = x[k] + x[k+w]
		}
	}
	return x[0]
}

func quantise(q []int8, y []float32, inv float32) int32 {
	sum := int32(0)
	for i := range q {
		code := roundEven(float32(y[i] * inv))
		q[i] = int8(code)
		sum += code
	}
	return sum
}

func scale(out []float32, acc []int32, sum int32, s float32) {
	for i := range out {
		out[i] = float32(acc[i]-sum) * s
	}
}

func addScaled(h []float32, acc []int32, sum int32, s float32) {
	for i := range h {
		h[i] = FZ(h[i] + float32(float32(acc[i]-sum)*s))
	}
}

// eachToken makes Path.ScaleTile of Path.Scale, and AddScaledTile of AddScaled.
func eachToken(one func(out []float32, acc []int32, sum int32, s float32)) func(out []float32, acc, sums []int32, scales []float32, stride int32) {
	return func(out []float32, acc, sums []int32, scales []float32, stride int32) {
		for t, sum := range sums {
			one(out[t*int(stride):][:TileRows], acc[t*TileRows:][:TileRows], sum, scales[t])
		}
	}
}

func relu2(v, gate, up []float32) {
	for i := range v {
		u := gate[i]
		if !(u > 0) {
			u = 0
		}
		v[i] = FZ(float32(u*u) * up[i])
	}
}

// relu2Tile makes Path.ReLU2Tile of Path.Scale and Path.ReLU2.
func relu2Tile(scale func(out []float32, acc []int32, sum int32, s float32), relu2 func(v, gate, up []float32)) func(v []float32, gate, up, sums []int32, scales []float32, stride int32) {
	return func(v []float32, gate, up, sums []int32, scales []float32, stride int32) {
		var g, u [TileRows]float32
		for t, sum := range sums {
			scale(g[:], gate[t*TileRows:][:TileRows], sum, scales[t])
			scale(u[:], up[t*TileRows:][:TileRows], sum, scales[len(sums)+t])
			relu2(v[t*int(stride):][:TileRows], g[:], u[:])
		}
	}
}

func times(y, x []float32, a float32) {
	for i := range y {
		y[i] = FZ(x[i] * a)
	}
}

func mulAdd(y, x, u []float32, a float32) {
	for i := range y {
		y[i] = float32(x[i]*a) + u[i]
	}
}

func rotate(x, cos, sin []float32) {
	x, y := x[:len(cos)], x[len(cos):][:len(cos)]
	for i, c := range cos {
		a, b, s := x[i], y[i], sin[i]
		x[i] = FZ(float32(a*c) - float32(b*s))
		y[i] = FZ(float32(b*c) + float32(a*s))
	}
}

func halves(dst []uint16, x []float32) uint32 {
	top := uint16(0)
	for i, v := range x {
		dst[i] = ToHalf(v)
		top = max(top, dst[i]&0x7FFF)
	}
	return uint32(top)
}

func blend(o, w []float32, a, b float32) {
	for i := range o {
		o[i] = FZ(FZ(o[i]*a) + FZ(w[i]*b))
	}
}

func scores(s, q []float32, keys []uint16, c float32) {
	for t := range s {
		s[t] = dotHead(q, keys[t*len(q):]) * c
	}
}

// scores4 is Path.Scores4.
func scores4(s, q []float32, keys []uint16, c float32) {
	size := len(q) / 4
	for j := range 4 {
		scores(s[j*Chunk:][:len(keys)/size], q[j*size:][:size], keys, c)
	}
}

// dotHead is the product of two vectors of a head: 16 chains, then halving.
func dotHead(q []float32, key []uint16) float32 {
	var chain [16]float32
	for k := range chain {
		chain[k] = float32(q[k] * FromHalf(key[k]))
	}
	for i := 16; i < len(q); i++ {
		chain[i%16] += float32(q[i] * FromHalf(key[i]))
	}
	return Halving(chain[:])
}

func highest(p []float32) float32 {
	m := p[0]
	for _, v := range p[1:] {
		if v > m {
			m = v
		}
	}
	return m
}

func exps(p []float32, m float32) float32 {
	var x [Chunk]float32
	for t := range p {
		p[t] = Exp2(p[t] - m)
		x[t] = p[t]
	}
	return Halving(x[:])
}

func weightedSum(o, p []float32, values []uint16) {
	for i := range o {
		sum := float32(p[0] * FromHalf(values[i]))
		for t := 1; t < len(p); t++ {
			sum += float32(p[t] * FromHalf(values[t*len(o)+i]))
		}
		o[i] = sum
	}
}

// weightedSum4 is Path.WeightedSum4.
func weightedSum4(o, p []float32, values []uint16) {
	size := len(o) / 4
	for j := range 4 {
		weightedSum(o[j*size:][:size], p[j*Chunk:][:len(values)/size], values)
	}
}

func dotF16(row []uint16, x []float32) float32 {
	var chain [64]float32
	for k := range chain {
		chain[k] = float32(FromHalf(row[k]) * x[k])
	}
	for i := 64; i < len(x); i++ {
		chain[i%64] += float32(FromHalf(row[i]) * x[i])
	}
	return FZ(Halving(chain[:]))
}

func dotF32(row, x []float32) float32 {
	var chain [64]float32
	for k := range chain {
		chain[k] = float32(row[k] * x[k])
	}
	for i := 64; i < len(x); i++ {
		chain[i%64] += float32(row[i] * x[i])
	}
	return FZ(Halving(chain[:]))
}
