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
	first := row * m.Cols
	bad := uint32(0)
	for b := range dst {
		word := i2sWord(m.Data, first+16*b)
		bad |= word & (word >> 1)
		dst[b] = word
	}
	if bad&0x55555555 != 0 {
		return badCode(dst, row)
	}
	return nil
}

// i2sWord returns the kernel word of the 16 elements from i, a multiple of 16:
// they stand in 16 consecutive bytes, in one two-bit group of each.
func i2sWord(data []byte, i int) uint32 {
	at := data[i/128*32+i%32:][:16]
	shift := 6 - i%128/32*2
	lo := binary.LittleEndian.Uint64(at) >> shift & 0x0303030303030303
	hi := binary.LittleEndian.Uint64(at[8:]) >> shift & 0x0303030303030303
	return uint32(lo) | uint32(lo>>32)<<2 | uint32(hi)<<4 | uint32(hi>>32)<<6
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
// (tiles, Cols/16/words, rows, words) for the tiles that cover [first, last);
// first is a multiple of rows, and Cols/16 of words. Rows that the last tile
// lacks are left as they are. Disjoint ranges may be stored in parallel.
func Interleave(dst []uint32, m *Matrix, rows, words, first, last int) error {
	n := m.Cols / WordWeights
	line := make([]uint32, n)
	for row := first; row < last; row++ {
		if err := m.Row(line, row); err != nil {
			return err
		}
		at := (row-first)/rows*rows*n + row%rows*words
		for b := 0; b < n; b += words {
			copy(dst[at:at+words], line[b:b+words])
			at += rows * words
		}
	}
	return nil
}
