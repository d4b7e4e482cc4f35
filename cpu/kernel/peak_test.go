package kernel

import "testing"

// TestMultiplies runs the loop of every path this machine has.
func TestMultiplies(t *testing.T) {
	for _, p := range native() {
		one, unit := p.Multiplies(1), 16*12
		if p.Name == "amx" {
			unit = 16 * 16 * 64
		}
		if one <= 0 || one%unit != 0 {
			t.Errorf("%s: %d products in a round", p.Name, one)
		}
		for _, rounds := range []int{2, 1000} {
			if got := p.Multiplies(rounds); got != rounds*one {
				t.Errorf("%s: %d products in %d rounds, %d in one", p.Name, got, rounds, one)
			}
		}
		if got := p.Multiplies(0); got != 0 {
			t.Errorf("%s: %d products in no rounds", p.Name, got)
		}
	}
	if got := portable.Multiplies(10); got != 0 {
		t.Errorf("portable: %d products", got)
	}
}

// BenchmarkMultiplies is the peak that a benchmark measures kernels by.
func BenchmarkMultiplies(b *testing.B) {
	const rounds = 1 << 16
	for _, p := range native() {
		b.Run(p.Name, func(b *testing.B) {
			products := 0
			seconds := fastest(b, func() { products = p.Multiplies(rounds) })
			b.ReportMetric(float64(products)/seconds/1e9, "GMAC/s")
		})
	}
}
