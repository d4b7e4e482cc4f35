package kernel

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"testing"
)

// TestSiLU compares with float64 as far as the exponential goes, 2^-64, and
// looks at what lies behind.
func TestSiLU(t *testing.T) {
	worst := 0.0
	for i := -44 << 12; i <= 44<<12; i++ {
		if i == 0 {
			continue
		}
		x := float32(i) / (1 << 12)
		want := float64(x) / (1 + math.Exp(-float64(x)))
		// Rounding |x|*log2(e) moves the exponential by 2^-24 of the exponent.
		room := 8.0 + math.Abs(float64(x))
		worst = max(worst, math.Abs(float64(silu(x))/want-1)*0x1p24/room)
	}
	if worst > 1 {
		t.Errorf("silu is off by %.3f of what rounding explains", worst)
	}
	for _, c := range []struct{ x, want float32 }{
		{0, 0}, {0x1p-50, 0x1p-51}, {-0x1p-50, -0x1p-51}, {100, 100}, {0x1p99, 0x1p99}, {-100, 0}, {-0x1p99, 0},
	} {
		if got := silu(c.x); math.Abs(float64(got-c.want)) > math.Abs(float64(c.want))*0x1p-22 {
			t.Errorf("silu(%g) = %g, want %g", c.x, got, c.want)
		}
	}
}

func TestSiLUProduct(t *testing.T) {
	r, hash := rand.New(rand.NewPCG(5, 6)), fnv.New64a()
	gate, up, v := make([]float32, 1001), make([]float32, 1001), make([]float32, 1001)
	for i := range gate {
		gate[i] = float32(math.Ldexp(r.Float64()*2-1, r.IntN(12)-4))
		up[i] = float32(math.Ldexp(r.Float64()*2-1, r.IntN(80)-60))
	}
	SiLU(v, gate, up)
	zeros := 0
	for i := range v {
		if want := FZ(silu(gate[i]) * up[i]); !same(v[i], want) {
			t.Errorf("element %d is %g, want %g", i, v[i], want)
		}
		if v[i] == 0 {
			zeros++
		}
		bits := math.Float32bits(v[i])
		hash.Write([]byte{byte(bits), byte(bits >> 8), byte(bits >> 16), byte(bits >> 24)})
	}
	if zeros == 0 || zeros == len(v) {
		t.Errorf("%d of %d elements are flushed, want some", zeros, len(v))
	}
	// The same bits on every machine.
	const want = 0x8C0CAD8C2766C9B8
	if got := hash.Sum64(); got != want {
		t.Errorf("hash %016X, want %016X", got, uint64(want))
	}
	if SiLU(gate, gate, up); !same(gate[7], v[7]) {
		t.Errorf("in place element 7 is %g, want %g", gate[7], v[7])
	}
}
