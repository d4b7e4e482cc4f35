package ternary

import "encoding/binary"

// IQ2_BN and IQ1_BN of ik_llama.cpp: rows with a scale in front, then blocks of
// 64 weights. (ggml/src/iqk/iqk_quantize.cpp)
//
// IQ2_BN: a float32 scale; 16 bytes a block, byte j holds the elements j, 16+j,
// 32+j, 48+j in bits 1:0, 3:2, 5:4, 7:6.
//
// IQ1_BN: a float16 scale; 13 bytes a block. Byte 3g+i, i = 0..2, holds the
// elements 16g+5i to 16g+5i+4 as digits of base 3, the first the lowest; the
// last byte the elements 15, 31, 47, 63. The number v of five digits is stored
// as ceil(v*256/243).
const bnBlock = 64

func iq1RowBytes(cols int) int { return 2 + cols/bnBlock*13 }
func iq2RowBytes(cols int) int { return 4 + cols/bnBlock*16 }

func iq1Scale(row []byte) uint16 { return binary.LittleEndian.Uint16(row) }
func iq2Scale(row []byte) uint32 { return binary.LittleEndian.Uint32(row) }

func iq2Row(m *Matrix, dst []uint32, row int) (bad uint64, err error) {
	data := m.Data[row*iq2RowBytes(m.Cols):]
	codes := data[4:]
	for b := 0; b < len(dst); b, codes = b+4, codes[16:] {
		lo, hi := binary.LittleEndian.Uint64(codes), binary.LittleEndian.Uint64(codes[8:])
		dst[b+3], dst[b+2], dst[b+1], dst[b] = transpose(lo, hi)
		bad |= lo&(lo>>1) | hi&(hi>>1)
	}
	if d := iq2Scale(data); d != m.Level || d == 0 {
		err = otherScale(dst, "row", row, 0)
	}
	return bad, err
}

// encodeIQ2 is the reverse of iq2Row for rows of cols weights.
func encodeIQ2(dst []byte, words []uint32, cols int, scale uint32) {
	const fields = bnBlock / WordWeights
	for i := 0; i < len(words); i += fields {
		if i*WordWeights%cols == 0 {
			binary.LittleEndian.PutUint32(dst, scale)
			dst = dst[4:]
		}
		var lo, hi uint64
		for f, word := range words[i:][:fields] {
			a, b := splitBytes(word)
			lo |= a << (2 * f)
			hi |= b << (2 * f)
		}
		binary.LittleEndian.PutUint64(dst, lo)
		binary.LittleEndian.PutUint64(dst[8:], hi)
		dst = dst[bnBlock/4:]
	}
}

func iq1Row(m *Matrix, dst []uint32, row int) (bad uint64, err error) {
	data := m.Data[row*iq1RowBytes(m.Cols):]
	codes := data[2:]
	for b := 0; b < len(dst); b, codes = b+4, codes[13:] {
		for g := range 4 {
			t := codes[3*g:]
			dst[b+g] = fives[0][t[0]] | fives[1][t[1]] | fives[2][t[2]] | uint32(fiveDigit(codes[12], g))<<30
		}
	}
	if d := uint32(iq1Scale(data)); d != m.Level || d == 0 {
		err = otherScale(dst, "row", row, 0)
	}
	return 0, err
}

// fiveDigit returns digit j of a byte of five, the lowest being 0.
func fiveDigit(b byte, j int) byte {
	v := b * [...]byte{81, 27, 9, 3, 1}[j] // what is above the digit is gone
	return byte(uint(v) * 3 >> 8)
}

// fives holds what a byte of five adds to a kernel word as the first, the
// second or the third of its three.
var fives = func() (t [3][256]uint32) {
	for i := range t {
		for b := range t[i] {
			for j := range 5 {
				k := 5*i + j
				t[i][b] |= uint32(fiveDigit(byte(b), j)) << (8*(k%4) + 2*(k/4))
			}
		}
	}
	return t
}()
