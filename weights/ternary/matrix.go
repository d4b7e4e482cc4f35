package ternary

import (
	"fmt"
)

// A Format says how a file lays out the weights of a matrix.
type Format uint8

const (
	I2S    Format = iota // I2_S of bitnet.cpp, i2s.go
	I2S64                // I2_S as bitnet.cpp writes it on ARM, i2s.go
	TQ1_0                // ggml's 1.69 bits, tq.go
	TQ2_0                // ggml's 2.06 bits, tq.go
	IQ1_BN               // ik_llama.cpp's 1.625 bits, bn.go
	IQ2_BN               // ik_llama.cpp's 2 bits, bn.go
	HF                   // uint8 of Hugging Face transformers, hf.go
	F32                  // not ternary yet, master.go
	F16
	BF16
)

// formats holds for each format its name, how many weights stand together in a
// row, the bytes of a matrix, and the function that reads a row: it returns bits
// of code1 where there is a code 3.
var formats = [...]struct {
	name  string
	block int // Cols is a multiple of it
	size  func(rows, cols int) int
	row   func(m *Matrix, dst []uint32, row int) (bad uint64, err error)
}{
	I2S:    {"I2_S", 16, func(rows, cols int) int { return (rows*cols + 127) / 128 * 32 }, i2sRow},
	I2S64:  {"I2_S of ARM", 16, func(rows, cols int) int { return (rows*cols + 63) / 64 * 16 }, i2s64Row},
	TQ1_0:  {"TQ1_0", 256, func(rows, cols int) int { return rows * cols / 256 * tq1Bytes }, tq1Row},
	TQ2_0:  {"TQ2_0", 256, func(rows, cols int) int { return rows * cols / 256 * tq2Bytes }, tq2Row},
	IQ1_BN: {"IQ1_BN", 64, func(rows, cols int) int { return rows * iq1RowBytes(cols) }, iq1Row},
	IQ2_BN: {"IQ2_BN", 64, func(rows, cols int) int { return rows * iq2RowBytes(cols) }, iq2Row},
	HF:     {"uint8", 16, func(rows, cols int) int { return rows / 4 * cols }, hfRow},
	F32:    {"F32", 16, func(rows, cols int) int { return 4 * rows * cols }, wideRow},
	F16:    {"F16", 16, func(rows, cols int) int { return 2 * rows * cols }, halfRow},
	BF16:   {"BF16", 16, func(rows, cols int) int { return 2 * rows * cols }, halfRow},
}

func (f Format) String() string { return formats[f].name }

// Block returns what the columns of a matrix must be a multiple of.
func (f Format) Block() int { return formats[f].block }

// Size returns the bytes of a rows x cols matrix, without a scale behind it.
func (f Format) Size(rows, cols int) int { return formats[f].size(rows, cols) }

// A Matrix is a ternary matrix as a file stores it. Data may be the file's map.
type Matrix struct {
	Format     Format
	Rows, Cols int // Cols is a multiple of Format.Block
	Data       []byte

	// Level is what some formats need to know of the whole matrix. TQ1_0,
	// TQ2_0, IQ1_BN, IQ2_BN: the bits of the scale that all blocks or rows
	// repeat, see FindLevel. F32, F16, BF16: the bits of the largest magnitude
	// that rounds to 0, see SetAbsmean.
	Level uint32

	Paired Paired
}

// Paired, where it is not 0, is the size d of the heads whose rows a file has
// pair by pair, for a rotation of neighbours: llama.cpp's way with architecture
// llama. Row i of a head is the file's row 2i, and i + d/2 its row 2i + 1, so
// that the matrix reads as one for half-split pairs.
type Paired int

// FileRow returns where the file has a row.
func (p Paired) FileRow(row int) int {
	if p == 0 {
		return row
	}
	d := int(p)
	head, i, half := row/d*d, row%d, d/2
	if i < half {
		return head + 2*i
	}
	return head + 2*(i-half) + 1
}

// ModelRow is the reverse: which row of the model a row of the file is.
func (p Paired) ModelRow(row int) int {
	if p == 0 {
		return row
	}
	d := int(p)
	head, i := row/d*d, row%d
	return head + i/2 + i%2*(d/2)
}

// Row stores the kernel words of one row in dst (Cols/16). It returns an error
// that names the place where the file holds no ternary weight, or one of
// another scale.
func (m *Matrix) Row(dst []uint32, row int) error {
	dst = dst[:m.Cols/WordWeights]
	bad, err := formats[m.Format].row(m, dst, m.Paired.FileRow(row))
	if err == nil && bad&code1 != 0 {
		err = badCode(dst, row)
	}
	return err
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

// zeros are 16 weights of 0.
const zeros = 0x55555555

// otherScale is the error of a block or row whose scale differs from the
// matrix's, unless all its weights are 0, where a scale means nothing.
func otherScale(words []uint32, what string, row, col int) error {
	for _, word := range words {
		if word != zeros {
			return fmt.Errorf("the %s at row %d, column %d has another scale than those before it: matrices with more than one scale are not supported", what, row, col)
		}
	}
	return nil
}

// FindLevel stores in Level the bits of the first scale that is not 0, and
// returns it: a float16, for IQ2_BN a float32. It is 0 where all are 0. Row
// then compares the others with it.
func (m *Matrix) FindLevel() uint32 {
	m.Level = 0
	for at := 0; at < len(m.Data) && m.Level == 0; {
		switch m.Format {
		case TQ1_0:
			m.Level = uint32(tq1Scale(m.Data[at:]))
			at += tq1Bytes
		case TQ2_0:
			m.Level = uint32(tq2Scale(m.Data[at:]))
			at += tq2Bytes
		case IQ1_BN:
			m.Level = uint32(iq1Scale(m.Data[at:]))
			at += iq1RowBytes(m.Cols)
		case IQ2_BN:
			m.Level = iq2Scale(m.Data[at:])
			at += iq2RowBytes(m.Cols)
		default:
			panic("BUG: ternary: FindLevel of " + m.Format.String())
		}
	}
	return m.Level
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
		if words == 1 && m.InBlocks() {
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

// InBlocks reports whether every row of the matrix is whole blocks of I2_S, of 128
// weights in 32 bytes, one behind the other, row behind row.
func (m *Matrix) InBlocks() bool { return m.Format == I2S && m.Paired == 0 && m.Cols%block == 0 }

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
