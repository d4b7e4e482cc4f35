package sample

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// The known answers of Random123, the library of Philox's authors.
func TestPhilox(t *testing.T) {
	const ones = 0xFFFFFFFF
	for _, c := range []struct {
		counter [4]uint32
		key     [2]uint32
		want    [4]uint32
	}{
		{[4]uint32{}, [2]uint32{}, [4]uint32{0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8}},
		{[4]uint32{ones, ones, ones, ones}, [2]uint32{ones, ones}, [4]uint32{0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD}},
		{[4]uint32{0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344}, [2]uint32{0xA4093822, 0x299F31D0}, [4]uint32{0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1}},
	} {
		if got := philox(c.counter, c.key); got != c.want {
			t.Errorf("philox(%x, %x) = %x, want %x", c.counter, c.key, got, c.want)
		}
	}
}

func TestUniform(t *testing.T) {
	// 0xE169C58D6627E8D5 / 2^64, cut behind 53 bits
	if got, want := uniform(0, 0), float64(0xE169C58D6627E8D5>>11)/(1<<53); got != want {
		t.Errorf("uniform(0, 0) = %v, want %v", got, want)
	}
	seen := map[float64]bool{}
	for _, seed := range []uint64{0, 1, 1 << 32, math.MaxUint64} {
		for _, n := range []uint64{0, 1, 1 << 32, math.MaxUint64} {
			u := uniform(seed, n)
			if seen[u] || u < 0 || u >= 1 {
				t.Errorf("uniform(%d, %d) = %v: out of range, or not the first time", seed, n, u)
			}
			seen[u] = true
		}
	}
}

func TestExp(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	worst := 0.0
	for i := range 200_000 {
		x := -r.Float64() * 700
		if i%2 == 0 {
			x = -r.Float64()
		}
		worst = max(worst, math.Abs(exp(x)/math.Exp(x)-1))
	}
	if worst > 0x1p-50 { // half of that may be math.Exp's
		t.Errorf("exp is %.3g away from math.Exp, want at most 2^-50", worst)
	}
	for x, want := range map[float64]float64{0: 1, -700.1: 0, math.Inf(-1): 0, -1e300: 0} {
		if got := exp(x); got != want {
			t.Errorf("exp(%v) = %v, want %v", x, got, want)
		}
	}
}

// The error that exp documents, against 100-bit arithmetic.
func TestExpError(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 2000 {
		x := -r.Float64() * r.Float64() * 700
		exact := bigExp(x)
		diff := new(big.Float).Sub(new(big.Float).SetFloat64(exp(x)), exact)
		relative, _ := diff.Quo(diff, exact).Float64()
		if math.Abs(relative) > 0x1p-51 {
			t.Fatalf("exp(%v) is %.3g away, want at most 2^-51", x, relative)
		}
	}
}

// bigExp returns e^x = (e^(x/1024))^1024 by Taylor's series.
func bigExp(x float64) *big.Float {
	const precision = 120
	small := new(big.Float).SetPrec(precision).SetFloat64(x)
	small.SetMantExp(small, -10)
	sum, term := big.NewFloat(1).SetPrec(precision), big.NewFloat(1).SetPrec(precision)
	for k := 1; k <= 40; k++ {
		term.Mul(term, small)
		term.Quo(term, big.NewFloat(float64(k)))
		sum.Add(sum, term)
	}
	for range 10 {
		sum.Mul(sum, sum)
	}
	return sum
}
