package compute

import "math"

// RopeTable returns the rotations of rotary position embedding for positions
// 0 <= p < positions and heads of dim elements: cos at [p*dim/2+i], sin in the
// same place, for the angle p * base^(-2i/dim).
//
// The values must be the same on every machine, so nothing here depends on
// math.Sin or math.Pow, which are assembly or fused on some: see sincos.
func RopeTable(positions, dim int, base float64) (cos, sin []float32) {
	half := dim / 2
	cos = make([]float32, positions*half)
	sin = make([]float32, positions*half)
	freqs := make([]float64, half)
	for i := range freqs {
		freqs[i] = pow(base, -2*float64(i)/float64(dim))
	}
	for p := range positions {
		for i, freq := range freqs {
			s, c := sincos(float64(float64(p) * freq))
			cos[p*half+i], sin[p*half+i] = float32(c), float32(s)
		}
	}
	return cos, sin
}

// The functions below work in float64 with every product rounded on its own
// (the conversions forbid fusing) and are good to about 1e-15, far below half
// a float32 unit.

const (
	ln2Hi = 6.93147180369123816490e-01 // the first 33 bits of ln 2
	ln2Lo = 1.90821492927058770002e-10

	// pi/2 in three parts of 33 bits and a rest, as in FreeBSD's
	// e_rem_pio2.c: n*part is exact for |n| < 2^20.
	pio2a = 1.57079632673412561417e+00
	pio2b = 6.07710050630396597660e-11
	pio2c = 2.02226624871116645580e-21
	pio2d = 8.47842766036889956997e-32
)

// pow returns base^exp for base > 0 and small |exp|.
func pow(base, exp float64) float64 { return exp2ln(float64(exp * log(base))) }

// log returns the natural logarithm of x > 0 by the series of atanh.
func log(x float64) float64 {
	frac, e := math.Frexp(x) // exact
	if frac < math.Sqrt2/2 {
		frac, e = frac*2, e-1
	}
	z := (frac - 1) / (frac + 1) // |z| <= 0.172
	zz := float64(z * z)
	sum := 0.0
	for k := 25; k >= 1; k -= 2 { // 0.172^26 < 2^-65
		sum = float64(sum*zz) + 1/float64(k)
	}
	return float64(float64(e)*ln2Hi) + (float64(2*z*sum) + float64(float64(e)*ln2Lo))
}

// exp2ln returns e^x for |x| < 700.
func exp2ln(x float64) float64 {
	n := math.Floor(float64(x/math.Ln2) + 0.5) // exact: an integer either way
	r := (x - float64(n*ln2Hi)) - float64(n*ln2Lo)
	sum := 1.0
	for k := 18; k >= 1; k-- { // 0.35^19/19! < 2^-80
		sum = 1 + float64(float64(r*sum)/float64(k))
	}
	return math.Ldexp(sum, int(n)) // exact
}

// sincos returns sin x and cos x for 0 <= x < 2^20.
func sincos(x float64) (sin, cos float64) {
	n := math.Floor(float64(x*(2/math.Pi)) + 0.5)
	r := (x - float64(n*pio2a)) - float64(n*pio2b)
	r = (r - float64(n*pio2c)) - float64(n*pio2d)
	rr := float64(r * r)
	s, c := 1.0, 1.0
	for k := 20; k >= 2; k -= 2 { // 0.79^22/22! < 2^-75
		c = 1 - float64(float64(rr*c)/float64(k*(k-1)))
		s = 1 - float64(float64(rr*s)/float64(k*(k+1)))
	}
	s = float64(r * s)
	switch int64(n) & 3 {
	case 0:
		return s, c
	case 1:
		return c, -s
	case 2:
		return -s, -c
	default:
		return -c, s
	}
}
