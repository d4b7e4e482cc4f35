package sample

import "math"

const (
	ln2Hi = 6.93147180369123816490e-01 // the first 33 bits of ln 2: ln2Hi*n is exact
	ln2Lo = 1.90821492927058770002e-10
)

// expCoefficients are 1/k! for k = 13, 12, ..., 0.
var expCoefficients = [...]float64{
	1. / 6227020800, 1. / 479001600, 1. / 39916800, 1. / 3628800, 1. / 362880, 1. / 40320, 1. / 5040,
	1. / 720, 1. / 120, 1. / 24, 1. / 6, 1. / 2, 1, 1,
}

// exp returns e^x for x <= 0 within 2^-51 relative, and 0 below -700.
//
// It is not math.Exp, which is assembly on some machines and may fuse on
// others: a draw must not depend on that. Every product is rounded on its own,
// even one that a caller passes where this is inlined.
func exp(x float64) float64 {
	x = float64(x)
	if !(x >= -700) {
		return 0
	}
	n := math.Floor(float64(x*(1/math.Ln2)) + 0.5) // an integer, exactly
	r := (x - float64(n*ln2Hi)) - float64(n*ln2Lo) // at most ln(2)/2, and a little
	y := expCoefficients[0]
	for _, c := range expCoefficients[1:] {
		y = float64(y*r) + c
	}
	return math.Float64frombits(math.Float64bits(y) + uint64(int64(n))<<52)
}
