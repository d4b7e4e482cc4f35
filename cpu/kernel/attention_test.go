package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestRotate(t *testing.T) {
	eachPath(t, func(t *testing.T, p *Path) {
		r := newRand()
		for _, in := range floatInputs {
			for n := 0; n <= 70; n++ {
				cos, sin := floats("cos", n, r, in.make), floats("sin", n, r, in.make)
				got := floats("x", 2*n, r, in.make)
				want := slices.Clone(got)
				p.Rotate(got, cos, sin)
				rotate(want, cos, sin)
				sameFloats(t, "Rotate "+in.name, got, want)
				if n > 0 && !intact[float32]("x", 2*n) {
					t.Fatal("Rotate stores before x")
				}
			}
		}
	})
}

// Halves round as ToHalf does: every float16, the middle between it and the next,
// and what is next to the middle; and every length.
func TestHalves(t *testing.T) {
	var x []float32
	for h := range uint16(0x7C00) {
		low, high := FromHalf(h), float32(65536)
		if h < 0x7BFF {
			high = FromHalf(h + 1)
		}
		middle := (low + high) / 2
		for _, v := range []float32{low, middle, math.Nextafter32(middle, 0), math.Nextafter32(middle, high)} {
			x = append(x, v, -v)
		}
	}
	eachPath(t, func(t *testing.T, p *Path) {
		r := newRand()
		check := func(x []float32) {
			got, want := edge[uint16]("dst", len(x)), make([]uint16, len(x))
			gotTop, wantTop := p.Halves(got, x), halves(want, x)
			if gotTop != wantTop || !slices.Equal(got, want) {
				t.Fatalf("Halves of %d: largest %04X, want %04X", len(x), gotTop, wantTop)
			}
			if len(x) > 0 && !intact[uint16]("dst", len(x)) {
				t.Fatal("Halves stores before dst")
			}
		}
		for at := 0; at < len(x); at += 1 << 12 {
			check(x[at:min(at+1<<12, len(x))])
		}
		for n := 0; n <= 70; n++ {
			for top := range max(n, 1) {
				v := floats("x", n, r, func(r *rand.Rand) float32 { return float32(r.NormFloat64()) })
				if n > 0 {
					v[top] = []float32{1e30, -1e30, float32(math.Inf(1)), 70, -70}[r.IntN(5)]
				}
				check(v)
			}
		}
		if got := p.Halves(make([]uint16, 1), []float32{float32(math.NaN())}); got <= 0x7C00 {
			t.Errorf("a NaN became %04X", got)
		}
	})
}

// headSizes are all lengths up to two turns of the widest loop, and the usual ones.
func headSizes() []int {
	sizes := []int{160, 192, 200, 256}
	for n := 16; n <= 144; n++ {
		sizes = append(sizes, n)
	}
	return sizes
}

func TestScores(t *testing.T) {
	eachPath(t, func(t *testing.T, p *Path) {
		r := newRand()
		for _, size := range headSizes() {
			for _, n := range []int{1, 2, 3, 17, 63, 64} {
				in := floatInputs[r.IntN(len(floatInputs))]
				q, c := floats("q", size, r, in.make), float32(r.NormFloat64())
				keys := halfs("keys", n*size, r)
				got, want := poisonedFloats("s", n), make([]float32, n)
				p.Scores(got, q, keys, c)
				scores(want, q, keys, c)
				sameFloats(t, fmt.Sprintf("Scores %s, head %d, %d keys", in.name, size, n), got, want)
			}
		}
	})
}

func TestHighest(t *testing.T) {
	eachPath(t, func(t *testing.T, p *Path) {
		r := newRand()
		for n := 1; n <= Chunk; n++ {
			for top := range n {
				scores := floats("p", n, r, func(r *rand.Rand) float32 { return float32(-r.Float64()) })
				scores[top] = float32(r.Float64())
				if got := p.Highest(scores); got != scores[top] {
					t.Fatalf("Highest of %d: %g, want element %d, %g", n, got, top, scores[top])
				}
			}
		}
		if got := p.Highest([]float32{-math.MaxFloat32, float32(math.Inf(-1))}); got != -math.MaxFloat32 {
			t.Errorf("Highest of the lowest: %g", got)
		}
	})
}

func TestExps(t *testing.T) {
	inputs := []struct {
		name string
		make func(r *rand.Rand) float32
	}{
		{"to -70", func(r *rand.Rand) float32 { return float32(-70 * r.Float64()) }},
		{"small", func(r *rand.Rand) float32 { return float32(-r.Float64()) }},
		{"halves", func(r *rand.Rand) float32 { return -float32(r.IntN(140)) / 2 }},
		{"cut", func(r *rand.Rand) float32 { return math.Nextafter32(-64, float32(r.IntN(3)-2)*100) }},
		{"special", func(r *rand.Rand) float32 {
			return []float32{0, float32(math.Inf(-1)), float32(math.NaN()), -math.MaxFloat32, -1e-40}[r.IntN(5)]
		}},
	}
	eachPath(t, func(t *testing.T, p *Path) {
		r := newRand()
		for _, in := range inputs {
			for n := 1; n <= Chunk; n++ {
				m := float32(r.IntN(3))
				got := floats("p", n, r, in.make)
				want := slices.Clone(got)
				gotSum, wantSum := p.Exps(got, m), exps(want, m)
				sameFloats(t, "Exps "+in.name, got, want)
				if !same(gotSum, wantSum) {
					t.Fatalf("Exps %s, %d: sum %g, want %g", in.name, n, gotSum, wantSum)
				}
				if !intact[float32]("p", n) {
					t.Fatal("Exps stores before p")
				}
			}
		}
	})
}

func TestWeightedSum(t *testing.T) {
	eachPath(t, func(t *testing.T, p *Path) {
		r := newRand()
		for _, size := range headSizes() {
			for _, n := range []int{1, 2, 3, 17, 64} {
				in := floatInputs[r.IntN(len(floatInputs))]
				weights, values := floats("p", n, r, in.make), halfs("values", n*size, r)
				got, want := poisonedFloats("o", size), make([]float32, size)
				p.WeightedSum(got, weights, values)
				weightedSum(want, weights, values)
				sameFloats(t, fmt.Sprintf("WeightedSum %s, head %d, %d values", in.name, size, n), got, want)
				if !intact[float32]("o", size) {
					t.Fatal("WeightedSum stores before o")
				}
			}
		}
	})
}

// Four heads at once are as four by themselves; what lies behind the positions in
// a row of scores or weights does not matter and stays.
func TestFourHeads(t *testing.T) {
	eachPath(t, func(t *testing.T, p *Path) {
		if p.Scores4 == nil {
			p = &Path{Scores4: scores4, WeightedSum4: weightedSum4}
		}
		r := newRand()
		for _, size := range []int{16, 48, 64, 80, 128, 144} {
			for n := 1; n <= Chunk; n++ {
				in := floatInputs[r.IntN(len(floatInputs))]
				name := fmt.Sprintf("%s, heads %d, %d positions", in.name, size, n)
				keys := halfs("keys", n*size, r)
				if n >= 4 {
					q, c := floats("q", 4*size, r, in.make), in.make(r)
					got, want := poisonedFloats("s", 4*Chunk), make([]float32, 4*Chunk)
					copy(want, got)
					p.Scores4(got, q, keys, c)
					scores4(want, q, keys, c)
					sameFloats(t, "Scores4 "+name, got, want)
				}
				weights := poisonedFloats("p", 4*Chunk)
				for j := range 4 {
					for i := range n {
						weights[j*Chunk+i] = in.make(r)
					}
				}
				got, want := poisonedFloats("o", 4*size), make([]float32, 4*size)
				p.WeightedSum4(got, weights, keys)
				weightedSum4(want, weights, keys)
				sameFloats(t, "WeightedSum4 "+name, got, want)
				if !intact[float32]("o", 4*size) {
					t.Fatal("WeightedSum4 stores before o")
				}
			}
		}
	})
}

// Every float16 widens exactly.
func TestWidening(t *testing.T) {
	eachPath(t, func(t *testing.T, p *Path) {
		all, want := make([]uint16, 1<<16), make([]float32, 1<<16)
		for h := range all {
			all[h], want[h] = uint16(h), FromHalf(uint16(h))
		}
		got := make([]float32, len(all))
		p.WeightedSum(got, []float32{1}, all)
		sameFloats(t, "widening", got, want)
	})
}
