package ternary

import (
	"encoding/binary"
	"math"
)

// Master weights: floats that become ternary by the rule of the b1.58 paper
// (arXiv 2402.17764). With m the mean of the magnitudes of the whole matrix, a
// weight w is the sign of w where |w| > m/2, and 0 elsewhere (a tie rounds to
// the even 0); m is the matrix's scale. Magnitudes compare as their bits do.

// AbsSum returns the sum of the magnitudes of one row, in float64 and in the
// order of the columns.
func (m *Matrix) AbsSum(row int) (sum float64) {
	switch m.Format {
	case F32:
		for data := m.Data[4*row*m.Cols:][:4*m.Cols]; len(data) > 0; data = data[4:] {
			sum += math.Abs(float64(math.Float32frombits(binary.LittleEndian.Uint32(data))))
		}
	case BF16:
		for data := m.Data[2*row*m.Cols:][:2*m.Cols]; len(data) > 0; data = data[2:] {
			sum += float64(math.Float32frombits(uint32(binary.LittleEndian.Uint16(data)) << 16 & 0x7FFFFFFF))
		}
	case F16:
		for data := m.Data[2*row*m.Cols:][:2*m.Cols]; len(data) > 0; data = data[2:] {
			sum += halfMagnitude(binary.LittleEndian.Uint16(data))
		}
	default:
		panic("BUG: ternary: AbsSum of " + m.Format.String())
	}
	return sum
}

// halfMagnitude returns the magnitude of a float16.
func halfMagnitude(h uint16) float64 {
	exponent, mantissa := uint64(h>>10&31), uint64(h&0x3FF)
	switch exponent {
	case 0:
		return float64(mantissa) * 0x1p-24
	case 31:
		return math.Float64frombits(0x7FF<<52 | mantissa<<42)
	}
	return math.Float64frombits((exponent+1008)<<52 | mantissa<<42)
}

// SetAbsmean sets Level for a mean of magnitudes, of 2^-17 at least.
func (m *Matrix) SetAbsmean(mean float32) {
	bits := math.Float32bits(mean / 2)
	switch m.Format {
	case F32:
		m.Level = bits
	case BF16:
		m.Level = bits >> 16
	case F16:
		if bits < 0x38800000 { // a subnormal
			m.Level = uint32(mean / 2 * 0x1p24)
		} else {
			m.Level = min((bits-112<<23)>>13, 0x7BFF)
		}
	default:
		panic("BUG: ternary: SetAbsmean of " + m.Format.String())
	}
}

// halfRow reads floats of 16 bits, sign and magnitude, four in a uint64.
func halfRow(m *Matrix, dst []uint32, row int) (uint64, error) {
	const ones = 0x0001000100010001
	data := m.Data[2*row*m.Cols:]
	carry := uint64(0x7FFF-m.Level) * ones // magnitudes above Level carry into bit 15
	for b := range dst {
		word := uint32(0)
		for f := range 4 {
			x := binary.LittleEndian.Uint64(data[32*b+8*f:])
			large := (x&^(ones<<15) + carry) >> 15 & ones
			negative := x >> 15 & large
			codes := ones + large - 2*negative
			codes |= codes >> 8
			word |= (uint32(codes)&0xFFFF | uint32(codes>>16)&0xFFFF0000) << (2 * f)
		}
		dst[b] = word
	}
	return 0, nil
}

func wideRow(m *Matrix, dst []uint32, row int) (uint64, error) {
	data := m.Data[4*row*m.Cols:]
	for b := range dst {
		word := uint32(0)
		for k := range 16 {
			x := binary.LittleEndian.Uint32(data[4*(16*b+k):])
			large := (m.Level - x&^(1<<31)) >> 31 // 1 where the magnitude is above Level
			code := 1 + large - 2*(x>>31&large)
			word |= code << (8*(k%4) + 2*(k/4))
		}
		dst[b] = word
	}
	return 0, nil
}
