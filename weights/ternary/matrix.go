package ternary

import (
	"encoding/binary"
	"fmt"
)

// A Format says how a file lays out the codes of a matrix.
type Format uint8

const (
	// I2S is I2_S of x86 builds of bitnet.cpp, and of every official file: the
	// codes of the flattened matrix in blocks of 128 = 32 bytes; byte j holds
	// elements j, 32+j, 64+j, 96+j in bits 7:6, 5:4, 3:2, 1:0. Blocks may
	// straddle rows. (microsoft/BitNet src/ggml-bitnet-mad.cpp)
	I2S Format = iota
)

// A Matrix is a ternary matrix as a file stores it. Data may be the file's map.
type Matrix struct {
	Format     Format
	Rows, Cols int // Cols is a multiple of 16
	Data       []byte
}

// Size returns the bytes of codes of a rows x cols matrix.
func (f Format) Size(rows, cols int) int {
	return (rows*cols + 127) / 128 * 32
}

// Row stores the kernel words of one row in dst (Cols/16). It returns an error
// that names the column of a code that is none of 0, 1, 2.
func (m *Matrix) Row(dst []uint32, row int) error {
	dst = dst[:m.Cols/WordWeights]
	at := row * m.Cols // the next element
	bad := uint64(0)
	for b := 0; b < len(dst); {
		if at%block == 0 && b+8 <= len(dst) {
			bad |= blockWords((*[8]uint32)(dst[b:]), (*[32]byte)(m.Data[at/4:]))
			at, b = at+block, b+8
			continue
		}
		word := blockWord(m.Data, at)
		bad |= uint64(word & (word >> 1))
		dst[b] = word
		at, b = at+WordWeights, b+1
	}
	if bad&code1 != 0 {
		return badCode(dst, row)
	}
	return nil
}

const (
	block = 128                // weights whose codes stand together in I2_S
	code1 = 0x5555555555555555 // the low bit of every code
)

// blockWord returns the kernel word of the 16 elements from i, a multiple of
// 16: they stand in 16 consecutive bytes, in one two-bit group of each.
func blockWord(data []byte, i int) uint32 {
	at := data[i/block*32+i%32:][:16]
	shift := 6 - i%block/32*2
	lo := binary.LittleEndian.Uint64(at) >> shift & 0x0303030303030303
	hi := binary.LittleEndian.Uint64(at[8:]) >> shift & 0x0303030303030303
	return uint32(lo) | uint32(lo>>32)<<2 | uint32(hi)<<4 | uint32(hi>>32)<<6
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

func badCode(words []uint32, row int) error {
	for b, word := range words {
		for k := range 16 {
			if word>>(8*(k%4)+2*(k/4))&3 == 3 {
				return fmt.Errorf("row %d, column %d holds code 3, which no ternary weight has", row, 16*b+k)
			}
		}
	}
	panic("BUG: ternary: no bad code found")
}

// Interleave stores rows [first, last) of m in tiles of rows x words: tile by
// tile, step by step along the row, row by row, words words together. dst is
// (tiles, steps, rows, words) for the tiles that cover [first, last), with steps
// = Cols/16/words rounded up; first is a multiple of rows. Rows that the last
// tile lacks and words that the last step lacks are left as they are. Disjoint
// ranges may be stored in parallel.
func Interleave(dst []uint32, m *Matrix, rows, words, first, last int) error {
	n := (m.Cols/WordWeights + words - 1) / words * words
	for ; first < last; first += rows {
		tile := dst[:min(rows*n, len(dst))]
		dst = dst[len(tile):]
		some := min(last, first+rows)
		if words == 1 && m.Cols%block == 0 {
			if interleaveBlocks(tile, m, rows, first, some) {
				continue
			} // else a row says where
		}
		if err := interleaveRows(tile, m, rows, words, first, some); err != nil {
			return err
		}
	}
	return nil
}

func interleaveRows(tile []uint32, m *Matrix, rows, words, first, last int) error {
	n := m.Cols / WordWeights
	line := make([]uint32, n)
	for row := first; row < last; row++ {
		if err := m.Row(line, row); err != nil {
			return err
		}
		at := (row - first) * words
		for b := 0; b < n; b += words {
			copy(tile[at:at+words], line[b:min(b+words, n)])
			at += rows * words
		}
	}
	return nil
}

// interleaveBlocks is interleaveRows for one word and rows of whole blocks. It
// goes down the rows for each block, so that it writes one place after the
// other. It returns false where it met a code 3.
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
