package ternary

import "encoding/binary"

// I2_S of x86 builds of bitnet.cpp, and of every official file: the codes of
// the flattened matrix in blocks of 128 = 32 bytes; byte j holds elements j,
// 32+j, 64+j, 96+j in bits 7:6, 5:4, 3:2, 1:0. Blocks may straddle rows.
// (microsoft/BitNet src/ggml-bitnet-mad.cpp)
//
// Builds for ARM write blocks of 64 = 16 bytes of the elements j, 16+j, 32+j,
// 48+j since November 2025, under the same name: I2S64. Nothing in a file says
// which it is.

const (
	block = 128                // weights whose codes stand together in I2_S
	code1 = 0x5555555555555555 // the low bit of every code
)

func i2sRow(m *Matrix, dst []uint32, row int) (uint64, error) {
	at := row * m.Cols // the next element
	bad := uint64(0)
	for b := 0; b < len(dst); {
		if at%block == 0 && b+8 <= len(dst) {
			bad |= blockWords((*[8]uint32)(dst[b:]), (*[32]byte)(m.Data[at/4:]))
			at, b = at+block, b+8
			continue
		}
		word := fieldWord(m.Data[at/block*32+at%32:], 6-at%block/32*2)
		bad |= uint64(word & (word >> 1))
		dst[b] = word
		at, b = at+WordWeights, b+1
	}
	return bad, nil
}

func i2s64Row(m *Matrix, dst []uint32, row int) (bad uint64, _ error) {
	at := row * m.Cols
	for b := range dst {
		word := fieldWord(m.Data[at/64*16:], 6-at%64/16*2)
		bad |= uint64(word & (word >> 1))
		dst[b] = word
		at += WordWeights
	}
	return bad, nil
}

// fieldWord returns the kernel word of 16 elements that stand in consecutive
// bytes, in the two bits from shift on of each.
func fieldWord(data []byte, shift int) uint32 {
	const low = 0x0303030303030303
	lo := binary.LittleEndian.Uint64(data) >> shift & low
	hi := binary.LittleEndian.Uint64(data[8:]) >> shift & low
	return joinBytes(lo, hi)
}

// joinBytes makes a kernel word of 16 codes, a byte each.
func joinBytes(lo, hi uint64) uint32 {
	return uint32(lo) | uint32(lo>>32)<<2 | uint32(hi)<<4 | uint32(hi>>32)<<6
}

// splitBytes is the reverse of joinBytes.
func splitBytes(word uint32) (lo, hi uint64) {
	const low = 0x03030303
	return uint64(word&low) | uint64(word>>2&low)<<32, uint64(word>>4&low) | uint64(word>>6&low)<<32
}

// blockWords stores the kernel words of a whole block of 128, and returns bits
// of code1 where there is a code 3.
func blockWords(dst *[8]uint32, block *[32]byte) uint64 {
	a := binary.LittleEndian.Uint64(block[0:])
	b := binary.LittleEndian.Uint64(block[8:])
	c := binary.LittleEndian.Uint64(block[16:])
	d := binary.LittleEndian.Uint64(block[24:])
	dst[0], dst[2], dst[4], dst[6] = transpose(a, b)
	dst[1], dst[3], dst[5], dst[7] = transpose(c, d)
	return a&(a>>1) | b&(b>>1) | c&(c>>1) | d&(d>>1)
}

// transpose makes kernel words of 16 bytes of a block. The bytes are four
// uint32, each of four fields of codes in every byte; the word of group g
// (bits 7:6, 5:4, 3:2, 1:0) has that group's field of each of the four, the
// first in bits 1:0. As with any transposed matrix, one step swaps halves, of
// two fields, and the next swaps single fields.
func transpose(a, b uint64) (w0, w1, w2, w3 uint32) {
	const low, even = 0x0F0F0F0F0F0F0F0F, 0x33333333
	x := a>>4&low | b&^low // groups 0 and 1
	y := a&low | b&low<<4  // groups 2 and 3
	x0, x1 := uint32(x), uint32(x>>32)
	y0, y1 := uint32(y), uint32(y>>32)
	return x0>>2&even | x1&^even, x0&even | x1&even<<2,
		y0>>2&even | y1&^even, y0&even | y1&even<<2
}

// interleaveBlocks is interleaveRows for I2_S, one word and rows of whole
// blocks. It goes down the rows for each block, so that it writes one place
// after the other. It returns false where it met a code 3.
func interleaveBlocks(tile []uint32, m *Matrix, rows, first, last int) bool {
	bad := uint64(0)
	for c := range m.Cols / block {
		at := first*m.Cols/4 + 32*c
		for row := range last - first {
			var w [8]uint32
			bad |= blockWords(&w, (*[32]byte)(m.Data[at:]))
			at += m.Cols / 4
			for i, word := range w {
				tile[(8*c+i)*rows+row] = word
			}
		}
	}
	return bad&code1 == 0
}

// encodeI2S is the reverse of blockWords.
func encodeI2S(dst []byte, words []uint32) {
	var bytes [4]uint64
	for g := range 4 {
		for half := range 2 {
			lo, hi := splitBytes(words[2*g+half])
			bytes[2*half] |= lo << (6 - 2*g)
			bytes[2*half+1] |= hi << (6 - 2*g)
		}
	}
	for i, b := range bytes {
		binary.LittleEndian.PutUint64(dst[8*i:], b)
	}
}
