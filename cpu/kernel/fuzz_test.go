package kernel

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
)

// FuzzPaths reads its bytes as weights, activations, float16 and float32, and
// compares every kernel of every path with the portable one.
func FuzzPaths(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0xAA, 0x7F, 0x80, 0xFF, 0x00, 0x3C, 0x80, 0x7F, 0x01})
	f.Add(slices.Repeat([]byte{0xFF, 0xFF, 0x7F, 0x26, 0x00, 0x00, 0x80, 0x26}, 40))
	f.Fuzz(func(t *testing.T, data []byte) {
		next := 0
		word := func() uint32 {
			var b [4]byte
			for k := range b {
				if len(data) > 0 {
					b[k] = data[next%len(data)] + byte(next/len(data)) // other rounds differ
					next++
				}
			}
			return binary.LittleEndian.Uint32(b[:])
		}
		number := func() float32 {
			x := math.Float32frombits(word())
			if x != x {
				return float32(math.NaN())
			}
			return x
		}
		n := 64 + 16*(len(data)%40)
		x, y, half := make([]float32, n), make([]float32, n), make([]uint16, n)
		for i := range n {
			x[i], y[i], half[i] = number(), number(), uint16(word())
			if half[i]&0x7C00 == 0x7C00 {
				half[i] &^= 0x4000
			}
		}
		m, s := number(), number()
		w, acc := make([]uint32, TileRows*n/16), make([]int32, n)
		for i := range w {
			w[i] = word()
			w[i] &^= w[i] << 1 & 0xAAAAAAAA // no code 3
		}
		for i := range acc {
			acc[i] = int32(word())
		}
		for _, p := range native() {
			all := products(p)
			for _, tokens := range slices.Sorted(maps.Keys(all)) {
				a := make([]int8, tokens*n)
				for i := range a {
					a[i] = int8(word())
				}
				sums, want := make([]int32, tokens*TileRows), make([]int32, tokens*TileRows)
				all[tokens](sums, w, a)
				ternaryMat(want, w, a, tokens)
				sameInts(t, fmt.Sprintf("%s, %d tokens", p.Name, tokens), sums, want)
			}

			got, want := make([]float32, n), make([]float32, n)
			if a, b := p.MulMax(got, x, y), mulMax(want, x, y); a != b {
				t.Errorf("%s MulMax: %08X, want %08X", p.Name, a, b)
			}
			sameFloats(t, p.Name+" MulMax", got, want)
			p.Scale(got, acc, -7, s)
			scale(want, acc, -7, s)
			sameFloats(t, p.Name+" Scale", got, want)
			copy(got, x)
			copy(want, x)
			p.Blend(got, y, m, s)
			blend(want, y, m, s)
			sameFloats(t, p.Name+" Blend", got, want)
			p.AddScaled(got, acc, -7, s)
			addScaled(want, acc, -7, s)
			sameFloats(t, p.Name+" AddScaled", got, want)
			p.ReLU2(got, x, y)
			relu2(want, x, y)
			sameFloats(t, p.Name+" ReLU2", got, want)
			p.BlockSquares(got[:n/16], x)
			blockSquares(want[:n/16], x)
			sameFloats(t, p.Name+" BlockSquares", got, want)

			copy(got, y)
			copy(want, y)
			chunk := 1 + len(data)%Chunk
			a32, b32 := p.Exps(got[:chunk], m), exps(want[:chunk], m)
			sameFloats(t, p.Name+" Exps", append(got[:chunk], a32), append(want[:chunk], b32))

			size := 16 + len(data)%33
			keys := n / size
			p.Scores(got[:keys], x[:size], half, s)
			scores(want[:keys], x[:size], half, s)
			sameFloats(t, p.Name+" Scores", got[:keys], want[:keys])
			p.WeightedSum(got[:size], y[:keys], half)
			weightedSum(want[:size], y[:keys], half)
			sameFloats(t, p.Name+" WeightedSum", got[:size], want[:size])

			sameFloats(t, p.Name+" dot", []float32{p.DotF16(half, x), p.DotF32(y, x)},
				[]float32{dotF16(half, x), dotF32(y, x)})
		}
	})
}
