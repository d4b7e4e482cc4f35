package weights

import (
	"encoding/binary"
	"math"

	"bitnet-gpu/cpu/kernel"
)

// The types that an embedding can be converted to. Each function stores one
// block and reports whether its values fit.

func narrowF16(dst []byte, x []float32) bool {
	h := kernel.ToHalf(x[0])
	binary.LittleEndian.PutUint16(dst, h)
	return h&0x7FFF < 0x7C00
}

// narrowBF16 rounds to the nearest even.
func narrowBF16(dst []byte, x []float32) bool {
	bits := math.Float32bits(x[0])
	h := uint16((bits + 0x7FFF + bits>>16&1) >> 16)
	binary.LittleEndian.PutUint16(dst, h)
	return h&0x7FFF < 0x7F80
}

// narrowQ8_0 scales the largest magnitude to 127.
func narrowQ8_0(dst []byte, x []float32) bool {
	top := float32(0)
	for _, v := range x {
		top = max(top, v, -v)
	}
	d := kernel.ToHalf(top / 127)
	binary.LittleEndian.PutUint16(dst, d)
	scale := kernel.FromHalf(d)
	for i, v := range x {
		dst[2+i] = byte(nearest(v, scale, -127, 127))
	}
	return d < 0x7C00
}

// nearest returns v/scale, rounded to the nearest integer from low to high.
func nearest(v, scale float32, low, high float64) int8 {
	if scale == 0 {
		return 0
	}
	return int8(min(max(math.RoundToEven(float64(v)/float64(scale)), low), high))
}

// narrowQ6_K gives each 16 values a scale of their own, the one of a few
// candidates with the smallest squared error, and rounds these scales to
// multiples of d.
func narrowQ6_K(dst []byte, x []float32) bool {
	var scales [16]float32
	top := float32(0)
	for s := range scales {
		scales[s] = q6Scale(x[16*s:][:16])
		top = max(top, scales[s], -scales[s])
	}
	d := kernel.ToHalf(top / 127)
	unit := kernel.FromHalf(d)
	clear(dst[:208])
	low, high := dst[:128], dst[128:192]
	finite := true
	for i, v := range x {
		finite = finite && v-v == 0
		scale := nearest(scales[i/16], unit, -128, 127)
		dst[192+i/16] = byte(scale)
		q := byte(nearest(v, unit*float32(scale), -32, 31) + 32)
		half, k, l := i/128, i%128/32, i%32 // see widenQ6_K
		low[64*half+32*(k&1)+l] |= q & 15 << (4 * (k >> 1))
		high[32*half+l] |= q >> 4 << (2 * k)
	}
	binary.LittleEndian.PutUint16(dst[208:], d)
	return finite && d < 0x7C00
}

// q6Scale returns a good scale for integers from -32 to 31.
func q6Scale(x []float32) float32 {
	top := float32(0) // the largest magnitude, with its sign
	for _, v := range x {
		if v*v > top*top {
			top = v
		}
	}
	best, least := float32(0), math.Inf(1)
	for step := range 17 { // top at -36 to -28
		scale := -top / (28 + float32(step)/2)
		total := 0.0
		for _, v := range x {
			off := float64(v) - float64(scale)*float64(nearest(v, scale, -32, 31))
			total += off * off
		}
		if total < least {
			best, least = scale, total
		}
	}
	return best
}
