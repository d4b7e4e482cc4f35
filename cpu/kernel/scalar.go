package kernel

import "math"

// The scalar sequences of the arithmetic contract (package engine/compute).
// Each written operation is rounded once; the conversions around products
// forbid the compiler to fuse them with the sum that follows.

// FZ returns +0 where |x| < 2^-50 and x elsewhere, a NaN included.
func FZ(x float32) float32 {
	if math.Float32bits(x)&0x7FFFFFFF < 0x26800000 {
		return 0
	}
	return x
}

// Recip returns 1/x for a normal x > 0 below 2^100, within 1.6 * 2^-24
// relative. A seed from the exponent, two steps towards it, one of Newton.
func Recip(x float32) float32 {
	y := math.Float32frombits(0x7EF33419 - math.Float32bits(x))
	y = y * (math.Float32frombits(0x400014FE) - float32(x*y))
	y = float32(y * (2 - float32(x*y)))
	e := 1 - float32(x*y)
	return y + float32(y*e)
}

// Rsqrt returns 1/sqrt(x) for 2^-125 <= x < 2^100, within
// 1.67 * 2^-24 relative.
func Rsqrt(x float32) float32 {
	h := 0.5 * x
	y := math.Float32frombits(0x5F37670C - math.Float32bits(x)>>1)
	y = y * (math.Float32frombits(0x3FC01CDB) - float32(float32(h*y)*y))
	y = float32(y * (1.5 - float32(float32(h*y)*y)))
	e := 0.5 - float32(float32(h*y)*y)
	return y + float32(y*e)
}

// roundMagic is 1.5 * 2^23: adding it to |x| < 2^22 leaves x rounded to the
// nearest even integer in the low bits.
const (
	roundMagic     = 12582912
	roundMagicBits = 0x4B400000
)

// exp2Coefficients of the polynomial for 2^f, |f| <= 1/2, highest first.
var exp2Coefficients = [7]uint32{
	0x3923862D, 0x3AAFB95B, 0x3C1D91B9, 0x3D635723, 0x3E75FDF9, 0x3F317219, 0x3F800000,
}

// Exp2 returns 2^x for -64 <= x <= 0 within 1.5 * 2^-24 relative, and 0 below.
func Exp2(x float32) float32 {
	if !(x >= -64) {
		return 0
	}
	m := x + roundMagic
	f := x - (m - roundMagic)
	y := math.Float32frombits(exp2Coefficients[0])
	for _, c := range exp2Coefficients[1:] {
		y = float32(y*f) + math.Float32frombits(c)
	}
	return math.Float32frombits(math.Float32bits(y) + (math.Float32bits(m)-roundMagicBits)<<23)
}

// log2e is log2(e), rounded to float32.
const log2e = 0x1.715476p+0

// silu returns x / (1 + e^-x) by an exponential that never overflows. For
// |x| < 2^100.
func silu(x float32) float32 {
	e := Exp2(-float32(max(x, -x) * log2e))
	s := Recip(1 + e)
	if x < 0 {
		s = float32(e * s)
	}
	return x * s
}

// SiLU stores v = FZ(silu(gate)*up). Any length; v may be gate. It is the same on
// every path: models with SiLU are large, and spend their time elsewhere.
func SiLU(v, gate, up []float32) {
	for i := range v {
		v[i] = FZ(float32(silu(gate[i])) * up[i])
	}
}

// roundEven returns x rounded to the nearest even integer, for |x| < 2^22.
func roundEven(x float32) int32 {
	return int32(math.Float32bits(x+roundMagic)) - roundMagicBits
}

// ToHalf rounds x to float16, to nearest even. Values from 65520 on give
// infinity, NaN gives 7E00.
func ToHalf(x float32) uint16 {
	bits := math.Float32bits(x)
	sign := uint16(bits>>16) & 0x8000
	m := bits & 0x7FFFFFFF
	switch {
	case m > 0x7F800000:
		return 0x7E00
	case m >= 0x47800000:
		return sign | 0x7C00
	case m < 0x33000000:
		return sign
	case m < 0x38800000: // a float16 subnormal
		v := m&0x7FFFFF | 0x800000
		shift := 126 - m>>23
		half := uint32(1)<<(shift-1) - 1
		return sign | uint16((v+half+v>>shift&1)>>shift)
	}
	return sign | uint16((m+0xFFF+m>>13&1-0x38000000)>>13)
}

// FromHalf widens a float16 exactly.
func FromHalf(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exponent, m := uint32(h>>10&31), uint32(h&0x3FF)
	switch exponent {
	case 31:
		return math.Float32frombits(sign | 0x7F800000 | m<<13)
	case 0:
		return math.Float32frombits(math.Float32bits(float32(m)*0x1p-24) | sign) // exact
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | m<<13)
}
