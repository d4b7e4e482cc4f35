package kernel

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"testing"
)

// The bounds are those of the comments in scalar.go.

func TestRecip(t *testing.T) {
	worst := relativeError(func(x float32) (float32, float64) {
		return Recip(x), 1 / float64(x)
	}, -126, 99)
	if worst > 1.6 {
		t.Errorf("Recip is off by %.3f * 2^-24, documented are 1.6", worst)
	}
}

func TestRsqrt(t *testing.T) {
	worst := relativeError(func(x float32) (float32, float64) {
		return Rsqrt(x), 1 / math.Sqrt(float64(x))
	}, -125, 99)
	if worst > 1.67 {
		t.Errorf("Rsqrt is off by %.3f * 2^-24, documented are 1.67", worst)
	}
}

// relativeError returns the largest error of f in units of 2^-24, over all
// exponents from first to last and, at two of them, a mantissa in seven.
func relativeError(f func(float32) (got float32, want float64), first, last int) float64 {
	worst := 0.0
	try := func(bits uint32) {
		got, want := f(math.Float32frombits(bits))
		worst = max(worst, math.Abs(float64(got)/want-1)*0x1p24)
	}
	for e := first; e <= last; e++ {
		step := uint32(8191)
		if e == 0 || e == 1 {
			step = 7
		}
		for m := uint32(0); m < 1<<23; m += step {
			try(uint32(e+127)<<23 | m)
		}
		try(uint32(e+127)<<23 | 0x7FFFFF)
	}
	return worst
}

func TestExp2(t *testing.T) {
	worst := 0.0
	for i := range 1 << 21 {
		x := -float32(i) / (1 << 15)
		worst = max(worst, math.Abs(float64(Exp2(x))/math.Exp2(float64(x))-1)*0x1p24)
	}
	if worst > 1.5 {
		t.Errorf("Exp2 is off by %.3f * 2^-24, documented are 1.5", worst)
	}
	for _, x := range []float32{math.Nextafter32(-64, -65), -100, -math.MaxFloat32, float32(math.Inf(-1)), float32(math.NaN())} {
		if got := Exp2(x); got != 0 {
			t.Errorf("Exp2(%g) = %g, want 0", x, got)
		}
	}
	for n := range 65 {
		if got, want := Exp2(float32(-n)), float32(math.Ldexp(1, -n)); got != want {
			t.Errorf("Exp2(%d) = %g, want %g", -n, got, want)
		}
	}
}

func TestFZ(t *testing.T) {
	negative := float32(math.Copysign(0, -1))
	tests := []struct{ x, want float32 }{
		{0x1p-50, 0x1p-50},
		{-0x1p-50, -0x1p-50},
		{math.Nextafter32(0x1p-50, 0), 0},
		{-math.Nextafter32(0x1p-50, 0), 0},
		{negative, 0},
		{0x1p-149, 0},
		{float32(math.Inf(-1)), float32(math.Inf(-1))},
		{float32(math.NaN()), float32(math.NaN())},
	}
	for _, test := range tests {
		if got := FZ(test.x); !same(got, test.want) {
			t.Errorf("FZ(%g) = %g, want %g", test.x, got, test.want)
		}
	}
}

func TestRoundEven(t *testing.T) {
	for i := -4*200 + 1; i < 4*200; i++ {
		x := float32(i) / 4
		if got, want := roundEven(x), int32(math.RoundToEven(float64(x))); got != want {
			t.Errorf("roundEven(%g) = %d, want %d", x, got, want)
		}
	}
}

func TestFromHalf(t *testing.T) {
	for i := range 1 << 16 {
		h := uint16(i)
		sign, exponent, m := 1-2*float64(h>>15), int(h>>10&31), float64(h&0x3FF)
		var want float64
		switch {
		case exponent == 31 && m == 0:
			want = math.Inf(int(sign))
		case exponent == 31:
			want = math.NaN()
		case exponent == 0:
			want = math.Copysign(math.Ldexp(m, -24), sign)
		default:
			want = sign * math.Ldexp(1024+m, exponent-25)
		}
		if got := FromHalf(h); !same(got, float32(want)) {
			t.Fatalf("FromHalf(%04X) = %g, want %g", h, got, want)
		}
	}
}

func TestToHalf(t *testing.T) {
	for i := range 1 << 16 {
		h := uint16(i)
		want := h
		if h&0x7FFF > 0x7C00 {
			want = 0x7E00
		}
		if got := ToHalf(FromHalf(h)); got != want {
			t.Fatalf("ToHalf(FromHalf(%04X)) = %04X, want %04X", h, got, want)
		}
	}
	// Between each two finite neighbours: the middle goes to the even one, and
	// what lies next to it to the nearer.
	for h := range uint16(0x7C00) {
		low, high := float64(FromHalf(h)), float64(FromHalf(h+1))
		if h == 0x7BFF {
			high = 65536
		}
		middle := float32((low + high) / 2) // exact
		tests := []struct {
			x    float32
			want uint16
		}{
			{middle, h + h&1},
			{math.Nextafter32(middle, 0), h},
			{math.Nextafter32(middle, 1e9), h + 1},
		}
		for _, test := range tests {
			if got := ToHalf(test.x); got != test.want {
				t.Fatalf("ToHalf(%g) = %04X, want %04X", test.x, got, test.want)
			}
			if got := ToHalf(-test.x); got != test.want|0x8000 {
				t.Fatalf("ToHalf(%g) = %04X, want %04X", -test.x, got, test.want|0x8000)
			}
		}
	}
	for _, x := range []float32{65520, 1e6, math.MaxFloat32, float32(math.Inf(1))} {
		if got := ToHalf(x); got != 0x7C00 {
			t.Errorf("ToHalf(%g) = %04X, want infinity", x, got)
		}
	}
}

// FuzzToHalf looks for a float32 that another float16 is nearer to.
func FuzzToHalf(f *testing.F) {
	for _, x := range []float32{0, 1, -1, 0x1p-24, 0x1p-25, 65519, 65520, 1.0009765, 6.1e-5} {
		f.Add(math.Float32bits(x))
	}
	f.Fuzz(func(t *testing.T, bits uint32) {
		x := math.Float32frombits(bits)
		h := ToHalf(x)
		if x != x || math.Abs(float64(x)) >= 65520 {
			if x == x && h&0x7FFF != 0x7C00 || x != x && h != 0x7E00 {
				t.Fatalf("ToHalf(%g) = %04X", x, h)
			}
			return
		}
		off := math.Abs(float64(FromHalf(h)) - float64(x))
		for _, other := range []uint16{h - 1, h + 1} {
			if other&0x7FFF > 0x7BFF {
				continue
			}
			o := math.Abs(float64(FromHalf(other)) - float64(x))
			if o < off || o == off && h&1 == 1 {
				t.Fatalf("ToHalf(%g) = %04X, %04X is nearer or even", x, h, other)
			}
		}
	})
}

// The sequences give the same bits whatever the compiler and the CPU: a
// multiply that is fused with an add shows here.
func TestScalarBits(t *testing.T) {
	const want = 0xEADE177E955678F0
	r, hash := rand.New(rand.NewPCG(3, 4)), fnv.New64a()
	put := func(x float32) {
		bits := math.Float32bits(x)
		hash.Write([]byte{byte(bits), byte(bits >> 8), byte(bits >> 16), byte(bits >> 24)})
	}
	for range 200000 {
		x := math.Float32frombits(0x20000000 + r.Uint32()%0x30000000)
		put(Recip(x))
		put(Rsqrt(x))
		put(Exp2(-64 * r.Float32()))
	}
	y := make([]float32, 1024)
	q := make([]int8, len(y))
	for range 50 {
		for i := range y {
			y[i] = float32(r.Float32()*254) - 127
		}
		put(float32(quantise(q, y, Recip(1+r.Float32()))))
		put(dotF32(y, y))
		weightedSum(y[:16], y[16:32], make([]uint16, 256))
	}
	if got := hash.Sum64(); got != want {
		t.Errorf("hash %016X, want %016X", got, uint64(want))
	}
}
