package compute

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The functions are compared with the library's, which need not be the same on
// every machine, but are good to some 1e-16.

func TestSincos(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 0))
	for i := range 200000 {
		x := r.Float64() * math.Pow(2, float64(r.IntN(21)))
		if i < 4096 {
			x = float64(i)
		}
		sin, cos := sincos(x)
		wantSin, wantCos := math.Sincos(x)
		if math.Abs(sin-wantSin) > 1e-15 || math.Abs(cos-wantCos) > 1e-15 {
			t.Fatalf("sincos(%v) = %v, %v, expected %v, %v", x, sin, cos, wantSin, wantCos)
		}
	}
}

func TestPow(t *testing.T) {
	for _, base := range []float64{1, 2, 10000, 500000, 1000042, 1e12} {
		for e := -2.0; e <= 0; e += 1.0 / 512 {
			if got, want := pow(base, e), math.Pow(base, e); math.Abs(got-want) > 1e-13*want {
				t.Errorf("pow(%v, %v) = %v, expected %v", base, e, got, want)
			}
		}
	}
}

// TestRopeTable checks the frequencies and rotations that are known for the
// 2B4T's base of 500000 and heads of 128.
func TestRopeTable(t *testing.T) {
	cos, sin := RopeTable(4, 128, 500000)
	if len(cos) != 4*64 || len(sin) != 4*64 {
		t.Fatalf("%d and %d entries", len(cos), len(sin))
	}
	for i := range 64 {
		if cos[i] != 1 || sin[i] != 0 {
			t.Errorf("position 0, pair %d: cos %v, sin %v", i, cos[i], sin[i])
		}
	}
	for i, freq := range map[int]float64{0: 1, 1: 0.8146172338565447, 2: 0.6636012376960885, 32: 0.001414213562373095, 63: 2.455140791131609e-06} {
		if got, want := sin[64+i], float32(math.Sin(freq)); got != want {
			t.Errorf("position 1, pair %d: sin %v, expected %v", i, got, want)
		}
	}
	if cos[3*64] != float32(-0.9899924966) || sin[3*64] != float32(0.1411200081) {
		t.Errorf("position 3: cos %v, sin %v", cos[3*64], sin[3*64])
	}
}
