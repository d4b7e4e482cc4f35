package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

// The paths that BITNET_TEST_REQUIRE names must be there: untested and passing
// are not the same.
func TestRequiredPaths(t *testing.T) {
	var have []string
	for _, p := range Paths() {
		have = append(have, p.Name)
	}
	t.Logf("this machine has %s", strings.Join(have, ", "))
	for _, name := range []string{"portable", "avx2", "avxvnni", "avx512", "avx512vbmi", "amx", "neon"} {
		if required(name) && !slices.Contains(have, name) {
			t.Errorf("BITNET_TEST_REQUIRE has %s: this machine has %s", name, strings.Join(have, ", "))
		}
	}
}

func TestPick(t *testing.T) {
	for _, want := range Paths() {
		if got, err := Pick(want.Name); err != nil || got != want {
			t.Errorf("Pick(%q) = %v, %v", want.Name, got, err)
		}
	}
	if got, err := Pick(""); err != nil || got != Paths()[0] {
		t.Errorf("Pick of no name = %v, %v; want the first path", got, err)
	}
	_, err := Pick("sse9")
	if err == nil || !strings.Contains(err.Error(), `"sse9"`) || !strings.Contains(err.Error(), "portable") {
		t.Errorf("Pick of an unknown path: %v", err)
	}
}

// eachPath runs test on every path of this machine, on those that are interpreted, and
// on the portable one: that checks the shapes of the test itself.
func eachPath(t *testing.T, test func(t *testing.T, p *Path)) {
	for _, p := range append(interpreted(), Paths()...) {
		t.Run(p.Name, func(t *testing.T) { test(t, p) })
	}
}

func newRand() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// codes fills w with words whose fields are 0, 1 or 2.
func codes(r *rand.Rand, w []uint32) {
	for i := range w {
		a, b := r.Uint32(), r.Uint32()
		w[i] = a&0x55555555 | b&^a<<1&0xAAAAAAAA&^(a<<1)
	}
}

// ternaryInputs are ways to fill weights and activations.
var ternaryInputs = []struct {
	name string
	fill func(r *rand.Rand, w []uint32, x []int8)
}{
	{"random", func(r *rand.Rand, w []uint32, x []int8) {
		codes(r, w)
		for i := range x {
			x[i] = int8(r.IntN(256))
		}
	}},
	{"largest", func(_ *rand.Rand, w []uint32, x []int8) { fill(w, 0xAAAAAAAA); fill(x, 127) }},
	{"smallest", func(_ *rand.Rand, w []uint32, x []int8) { fill(w, 0xAAAAAAAA); fill(x, -128) }},
	{"all -1", func(_ *rand.Rand, w []uint32, x []int8) { fill(w, 0); fill(x, 127) }},
	{"all 0", func(_ *rand.Rand, w []uint32, x []int8) { fill(w, 0x55555555); fill(x, -127) }},
	{"one hot", func(r *rand.Rand, w []uint32, x []int8) {
		codes(r, w)
		fill(x, 0)
		x[r.IntN(len(x))] = 127
	}},
}

func fill[T any](s []T, v T) {
	for i := range s {
		s[i] = v
	}
}

// products returns the ternary products of a path by their number of tokens.
func products(p *Path) map[int]func(acc []int32, w []uint32, x []int8) {
	all := map[int]func(acc []int32, w []uint32, x []int8){1: p.TernaryVec}
	if p.TernaryMat != nil {
		all[p.Panel] = p.TernaryMat
	}
	if p.TernaryFew != nil {
		all[p.Few] = p.TernaryFew
	}
	return all
}

func TestTernary(t *testing.T) {
	var cols []int
	for n := 16; n <= 16*36; n += 16 { // around both sides of the groups of AVX2
		cols = append(cols, n)
	}
	cols = append(cols, 2560, 6912)
	eachPath(t, func(t *testing.T, p *Path) {
		r := newRand()
		for _, n := range cols {
			for _, rows := range []int{64, 192} {
				if n > 1000 && rows > 64 {
					continue
				}
				w := edge[uint32]("w", rows*n/16)
				for _, in := range ternaryInputs {
					for panel, run := range products(p) {
						name := fmt.Sprintf("%d tokens, %s (%d, %d)", panel, in.name, rows, n)
						x := edge[int8]("x", panel*n)
						in.fill(r, w, x)
						want := make([]int32, panel*rows)
						ternaryMat(want, w, x, panel)
						got := edge[int32]("acc", panel*rows)
						fill(got, -1)
						run(got, w, x)
						sameInts(t, name, got, want)
						if !intact[int32]("acc", len(got)) {
							t.Errorf("%s stores before acc", name)
						}
					}
				}
			}
		}
	})
}

func sameInts[T int8 | int32](t *testing.T, name string, got, want []T) {
	t.Helper()
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%s: element %d is %d, want %d", name, i, got[i], want[i])
		}
	}
}

// same compares bits; NaNs are equal.
func same(got, want float32) bool {
	return math.Float32bits(got) == math.Float32bits(want) || got != got && want != want
}

func sameFloats(t *testing.T, name string, got, want []float32) {
	t.Helper()
	for i := range want {
		if !same(got[i], want[i]) {
			t.Fatalf("%s: element %d of %d is %g (%08X), want %g (%08X)", name, i, len(want),
				got[i], math.Float32bits(got[i]), want[i], math.Float32bits(want[i]))
		}
	}
}

// floatInputs are ways to make a float32.
var floatInputs = []struct {
	name string
	make func(r *rand.Rand) float32
}{
	{"normal", func(r *rand.Rand) float32 { return float32(r.NormFloat64()) }},
	{"wide", func(r *rand.Rand) float32 {
		return float32(r.NormFloat64() * math.Ldexp(1, r.IntN(120)-60))
	}},
	{"near 2^-50", func(r *rand.Rand) float32 {
		return float32(math.Copysign(math.Ldexp(1+float64(r.IntN(3)-1)*0x1p-23, -25), r.NormFloat64()))
	}},
	{"denormal", func(r *rand.Rand) float32 { return math.Float32frombits(r.Uint32() & 0x807FFFFF) }},
	{"any bits", func(r *rand.Rand) float32 {
		bits := r.Uint32()
		if bits&0x7FFFFFFF > 0x7F800000 {
			bits = 0x7FC00000 // payloads need not match
		}
		return math.Float32frombits(bits)
	}},
	{"special", func(r *rand.Rand) float32 {
		return []float32{0, float32(math.Copysign(0, -1)), 1, -1, float32(math.NaN()),
			float32(math.Inf(1)), float32(math.Inf(-1)), math.MaxFloat32, 0x1p-50, -0x1p-50, 0x1p-149}[r.IntN(11)]
	}},
}

// floats returns n floats of one kind at the edge.
func floats(name string, n int, r *rand.Rand, make func(*rand.Rand) float32) []float32 {
	s := edge[float32](name, n)
	for i := range s {
		s[i] = make(r)
	}
	return s
}

// halfs returns n float16 at the edge: any finite ones.
func halfs(name string, n int, r *rand.Rand) []uint16 {
	s := edge[uint16](name, n)
	for i := range s {
		s[i] = uint16(r.Uint32())
		if s[i]&0x7C00 == 0x7C00 {
			s[i] &^= 0x0400
		}
	}
	return s
}

// poisonedFloats returns n NaNs at the edge, for outputs.
func poisonedFloats(name string, n int) []float32 {
	s := edge[float32](name, n)
	fill(s, float32(math.NaN()))
	return s
}

func TestMulMax(t *testing.T) {
	eachPath(t, func(t *testing.T, p *Path) {
		r := newRand()
		for _, in := range floatInputs {
			for n := 16; n <= 272; n += 16 {
				h, g := floats("h", n, r, in.make), floats("g", n, r, in.make)
				got, want := poisonedFloats("y", n), make([]float32, n)
				gotTop, wantTop := p.MulMax(got, h, g), mulMax(want, h, g)
				sameFloats(t, "MulMax "+in.name, got, want)
				if gotTop != wantTop {
					t.Fatalf("MulMax %s, %d: maximum %08X, want %08X", in.name, n, gotTop, wantTop)
				}
				if !intact[float32]("y", n) {
					t.Fatal("MulMax stores before y")
				}
			}
		}
	})
}

func TestBlockSquares(t *testing.T) {
	eachPath(t, func(t *testing.T, p *Path) {
		r := newRand()
		for _, in := range floatInputs {
			for n := 0; n <= 20; n++ {
				h := floats("h", 16*n, r, in.make)
				got, want := poisonedFloats("sums", n), make([]float32, n)
				p.BlockSquares(got, h)
				blockSquares(want, h)
				sameFloats(t, "BlockSquares "+in.name, got, want)
			}
		}
	})
}

func TestQuantise(t *testing.T) {
	inputs := []struct {
		name string
		make func(r *rand.Rand) (y, inv float32)
	}{
		{"ties", func(r *rand.Rand) (float32, float32) { return float32(r.IntN(254)-127) + 0.5, 1 }},
		{"random", func(r *rand.Rand) (float32, float32) { return float32(r.Float64()*2 - 1), 127.5 }},
		{"next to ties", func(r *rand.Rand) (float32, float32) {
			return math.Nextafter32(float32(r.IntN(254)-127)+0.5, float32(r.IntN(3)-1)*200), 1
		}},
		{"largest", func(r *rand.Rand) (float32, float32) { return float32(r.IntN(2)*2-1) * 1e30, 127 / 1e30 }},
		{"denormal", func(r *rand.Rand) (float32, float32) {
			return math.Float32frombits(r.Uint32() & 0x807FFFFF), 127
		}},
		{"zero", func(r *rand.Rand) (float32, float32) { return 0, 0 }},
	}
	eachPath(t, func(t *testing.T, p *Path) {
		r := newRand()
		for _, in := range inputs {
			for n := 16; n <= 336; n += 16 {
				y := edge[float32]("y", n)
				var inv float32
				for i := range y {
					y[i], inv = in.make(r)
				}
				got, want := edge[int8]("q", n), make([]int8, n)
				fill(got, -1)
				gotSum, wantSum := p.Quantise(got, y, inv), quantise(want, y, inv)
				sameInts(t, "Quantise "+in.name, got, want)
				if gotSum != wantSum {
					t.Fatalf("Quantise %s, %d: sum %d, want %d", in.name, n, gotSum, wantSum)
				}
				if !intact[int8]("q", n) {
					t.Fatal("Quantise stores before q")
				}
			}
		}
	})
}

func TestScale(t *testing.T) {
	eachPath(t, func(t *testing.T, p *Path) {
		r := newRand()
		for _, in := range floatInputs {
			for n := 0; n <= 70; n++ {
				acc, sum, s := edge[int32]("acc", n), int32(r.Uint32()>>8), in.make(r)
				for i := range acc {
					acc[i] = int32(r.Uint32()) >> (r.IntN(24))
				}
				got, want := poisonedFloats("out", n), make([]float32, n)
				p.Scale(got, acc, sum, s)
				scale(want, acc, sum, s)
				sameFloats(t, "Scale "+in.name, got, want)

				got = floats("out", n, r, in.make)
				copy(want, got)
				other, a := floats("other", n, r, in.make), in.make(r)
				p.Blend(got, other, a, s)
				blend(want, other, a, s)
				sameFloats(t, "Blend "+in.name, got, want)

				got = floats("out", n, r, in.make)
				copy(want, got)
				p.AddScaled(got, acc, sum, s)
				addScaled(want, acc, sum, s)
				sameFloats(t, "AddScaled "+in.name, got, want)
				if n > 0 && !intact[float32]("out", n) {
					t.Fatal("stores before the output")
				}
			}
		}
	})
}

// A tile is as its tokens one by one; what lies between their rows stays.
func TestScaleTile(t *testing.T) {
	eachPath(t, func(t *testing.T, p *Path) {
		r := newRand()
		for _, in := range floatInputs {
			for tokens := range 14 {
				stride := TileRows + r.IntN(3)*16
				acc, sums, scales := edge[int32]("acc", tokens*TileRows), make([]int32, tokens), floats("scales", tokens, r, in.make)
				for i := range acc {
					acc[i] = int32(r.Uint32()) >> r.IntN(24)
				}
				for i := range sums {
					sums[i] = int32(r.Uint32() >> 8)
				}
				got := floats("out", max(0, (tokens-1)*stride+TileRows), r, in.make)
				want := slices.Clone(got)
				p.AddScaledTile(got, acc, sums, scales, int32(stride))
				for i := range tokens {
					addScaled(want[i*stride:][:TileRows], acc[i*TileRows:], sums[i], scales[i])
				}
				sameFloats(t, "AddScaledTile "+in.name, got, want)
				p.ScaleTile(got, acc, sums, scales, int32(stride))
				for i := range tokens {
					scale(want[i*stride:][:TileRows], acc[i*TileRows:], sums[i], scales[i])
				}
				sameFloats(t, "ScaleTile "+in.name, got, want)
				both, up := floats("both", 2*tokens, r, in.make), edge[int32]("up", len(acc))
				for i := range up {
					up[i] = int32(r.Uint32()) >> r.IntN(24)
				}
				p.ReLU2Tile(got, acc, up, sums, both, int32(stride))
				relu2Tile(scale, relu2)(want, acc, up, sums, both, int32(stride))
				sameFloats(t, "ReLU2Tile "+in.name, got, want)
				if tokens > 0 && !intact[float32]("out", len(got)) {
					t.Fatal("stores before the output")
				}
			}
		}
	})
}

func TestReLU2(t *testing.T) {
	eachPath(t, func(t *testing.T, p *Path) {
		r := newRand()
		for _, in := range floatInputs {
			for n := 0; n <= 70; n++ {
				gate, up := floats("gate", n, r, in.make), floats("up", n, r, in.make)
				got, want := poisonedFloats("v", n), make([]float32, n)
				p.ReLU2(got, gate, up)
				relu2(want, gate, up)
				sameFloats(t, "ReLU2 "+in.name, got, want)
				p.ReLU2(gate, gate, up)
				sameFloats(t, "ReLU2 in place "+in.name, gate, want)
			}
		}
	})
}

func TestMulAdd(t *testing.T) {
	eachPath(t, func(t *testing.T, p *Path) {
		r := newRand()
		for _, in := range floatInputs {
			for n := 0; n <= 70; n++ {
				x, u, a := floats("x", n, r, in.make), floats("u", n, r, in.make), in.make(r)
				got, want := poisonedFloats("y", n), make([]float32, n)
				p.MulAdd(got, x, u, a)
				mulAdd(want, x, u, a)
				sameFloats(t, "MulAdd "+in.name, got, want)
				p.MulAdd(x, x, u, a)
				sameFloats(t, "MulAdd in place "+in.name, x, want)

				got = poisonedFloats("y", n)
				p.Times(got, u, a)
				times(want, u, a)
				sameFloats(t, "Times "+in.name, got, want)
				p.Times(u, u, a)
				sameFloats(t, "Times in place "+in.name, u, want)
			}
		}
	})
}

func TestDot(t *testing.T) {
	eachPath(t, func(t *testing.T, p *Path) {
		r := newRand()
		sizes := []int{2560, 2576}
		for n := 64; n <= 400; n += 16 {
			sizes = append(sizes, n)
		}
		for _, n := range sizes {
			for _, in := range floatInputs {
				x := floats("x", n, r, in.make)
				half := halfs("half", n, r)
				if got, want := p.DotF16(half, x), dotF16(half, x); !same(got, want) {
					t.Fatalf("DotF16 %s, %d: %g, want %g", in.name, n, got, want)
				}
				row := floats("row", n, r, in.make)
				if got, want := p.DotF32(row, x), dotF32(row, x); !same(got, want) {
					t.Fatalf("DotF32 %s, %d: %g, want %g", in.name, n, got, want)
				}
			}
		}
	})
}

// Fused multiply-add rounds once where the contract rounds twice.
func TestNothingFused(t *testing.T) {
	for _, name := range []string{"kernels_amd64.s", "kernels_arm64.s"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			upper := strings.ToUpper(line)
			for _, fused := range []string{"VFMADD", "VFMSUB", "VFNM", "FMLA", "FMLS", "FMADD", "FMSUB", "FNMADD", "FNMSUB"} {
				if strings.Contains(upper, fused) {
					t.Errorf("%s:%d: %s", name, i+1, line)
				}
			}
		}
	}
}
