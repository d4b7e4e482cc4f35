package ternary

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// pattern is a fixed sequence of weights that looks random.
func pattern(n int) []int8 {
	trits := make([]int8, n)
	for i := range trits {
		trits[i] = int8(uint32(i)*2654435761>>16%3) - 1
	}
	return trits
}

// i2s lays weights out by the format's description, one at a time.
func i2s(trits []int8) []byte {
	data := make([]byte, I2S.Size(1, len(trits)))
	for i, t := range trits {
		data[i/128*32+i%32] |= byte(t+1) << (6 - i%128/32*2)
	}
	return data
}

func random(n int) []int8 {
	source := rand.New(rand.NewPCG(5, uint64(n)))
	trits := make([]int8, n)
	for i := range trits {
		trits[i] = int8(source.IntN(3)) - 1
	}
	return trits
}

func pack(trits []int8) []uint32 {
	words := make([]uint32, len(trits)/16)
	Pack(words, trits)
	return words
}

// TestPackExample is the first word of the worked example of the paper's GPU
// kernel, which stores codes 1, 2, 3.
func TestPackExample(t *testing.T) {
	if got, want := pack(pattern(16))[0]+0x55555555, uint32(0xbdafbdbd); got != want {
		t.Errorf("word %08x, expected %08x", got, want)
	}
}

func TestUnpack(t *testing.T) {
	trits := random(16 * 40)
	got := make([]int8, len(trits))
	Unpack(got, pack(trits))
	if !slices.Equal(got, trits) {
		t.Error("unpacked words differ from what was packed")
	}
}

func TestPackPanics(t *testing.T) {
	for _, bad := range []int8{2, -2, 127, -128} {
		func() {
			defer func() {
				if text := fmt.Sprint(recover()); text != fmt.Sprintf("BUG: ternary.Pack: weight %d", bad) {
					t.Errorf("weight %d: %s", bad, text)
				}
			}()
			trits := pattern(16)
			trits[9] = bad
			pack(trits)
		}()
	}
}

// TestI2SExample is a block written out by hand.
func TestI2SExample(t *testing.T) {
	data, err := hex.DecodeString(strings.ReplaceAll("21 1a 91 19 99 99 98 88 98 84 48 86 68 46 64 66"+
		"66 62 22 61 12 21 1a a1 19 99 98 98 88 88 84 48", " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	words := make([]uint32, 8)
	m := Matrix{Rows: 1, Cols: 128, Data: data}
	if err := m.Row(words, 0); err != nil || !slices.Equal(words, pack(pattern(128))) {
		t.Errorf("words %08x, %v, expected %08x", words, err, pack(pattern(128)))
	}
}

// matrix returns a random one and its weights.
func matrix(rows, cols int) (*Matrix, []int8) {
	trits := random(rows * cols)
	return &Matrix{Rows: rows, Cols: cols, Data: i2s(trits)}, trits
}

// TestRow reads rows of every length, so that blocks begin anywhere in a row.
func TestRow(t *testing.T) {
	for cols := 16; cols <= 560; cols += 16 {
		m, trits := matrix(17, cols)
		words := make([]uint32, cols/16)
		for row := range m.Rows {
			want := pack(trits[row*cols:][:cols])
			if err := m.Row(words, row); err != nil || !slices.Equal(words, want) {
				t.Fatalf("%d columns, row %d: %v, %08x, expected %08x", cols, row, err, words, want)
			}
		}
	}
}

// TestInterleave compares with the definition, for whole matrices and parts,
// and sees to it that nothing else is written.
func TestInterleave(t *testing.T) {
	const rest = 0xAAAAAAAA
	for _, tile := range [][2]int{{64, 1}, {16, 1}, {1, 1}, {16, 4}, {4, 2}, {1, 8}, {3, 5}} {
		rows, words := tile[0], tile[1]
		for _, cols := range []int{80, 208, 128, 384, 640, 1280} {
			steps := (cols/16 + words - 1) / words
			m, trits := matrix(2*rows+rows/2+1, cols)
			all := pack(trits)
			for first := 0; first < m.Rows; first += rows {
				for _, last := range []int{first + 1, min(m.Rows, first+rows), m.Rows} {
					tiles := (last - first + rows - 1) / rows
					got := make([]uint32, tiles*rows*steps*words)
					for i := range got {
						got[i] = rest
					}
					if err := Interleave(got, m, rows, words, first, last); err != nil {
						t.Fatal(err)
					}
					for i, word := range got {
						w, r, step, tile := i%words, i/words%rows, i/words/rows%steps, i/(words*rows*steps)
						row, want := first+tile*rows+r, uint32(rest)
						if row < last && step*words+w < cols/16 {
							want = all[row*cols/16+step*words+w]
						}
						if word != want {
							t.Fatalf("%dx%d, %d columns, rows %d to %d: word %d is %08x, expected %08x", rows, words, cols, first, last, i, word, want)
						}
					}
				}
			}
		}
	}
}

// TestCode3 puts a bad code at every place of a matrix.
func TestCode3(t *testing.T) {
	for _, cols := range []int{80, 128} {
		m, _ := matrix(8, cols)
		for i := range 8 * cols {
			at, bits := i/128*32+i%32, byte(3)<<(6-i%128/32*2)
			good := m.Data[at]
			m.Data[at] |= bits
			want := fmt.Sprintf("row %d, column %d holds code 3, which no ternary weight has", i/cols, i%cols)
			if err := m.Row(make([]uint32, cols/16), i/cols); err == nil || err.Error() != want {
				t.Fatalf("error %v, expected %s", err, want)
			}
			if err := Interleave(make([]uint32, 64*cols/16), m, 64, 1, 0, 8); err == nil || err.Error() != want {
				t.Fatalf("error %v, expected %s", err, want)
			}
			m.Data[at] = good
		}
	}
}

// FuzzRow reads arbitrary bytes: every row is as the description says, or has a
// code 3.
func FuzzRow(f *testing.F) {
	f.Add(i2s(pattern(128*5)), uint8(3))
	f.Add([]byte(strings.Repeat("\xFF", 64)), uint8(0))
	f.Fuzz(func(t *testing.T, data []byte, width uint8) {
		data = data[:len(data)/32*32]
		cols := 16 * (int(width) + 1)
		m := Matrix{Rows: 4 * len(data) / cols, Cols: cols, Data: data}
		words := make([]uint32, cols/16)
		for row := range m.Rows {
			err, bad := m.Row(words, row), false
			for k := range cols {
				i := row*cols + k
				want := uint32(data[i/128*32+i%32]) >> (6 - i%128/32*2) & 3
				bad = bad || want == 3
				if got := words[k/16] >> (8*(k%4) + 2*(k%16/4)) & 3; got != want {
					t.Fatalf("row %d, column %d: code %d, expected %d", row, k, got, want)
				}
			}
			if bad != (err != nil) {
				t.Fatalf("row %d: %v, a code 3: %v", row, err, bad)
			}
		}
	})
}

// BenchmarkInterleave counts packed bytes, of matrices of the 2B4T.
func BenchmarkInterleave(b *testing.B) {
	for _, shape := range [][3]int{{2560, 2560, 1}, {6912, 2560, 1}, {2560, 6912, 1}, {6912, 2560, 4}, {3200, 8640, 1}} {
		rows, cols, words := shape[0], shape[1], shape[2]
		b.Run(fmt.Sprintf("%dx%d/words=%d", rows, cols, words), func(b *testing.B) {
			m := &Matrix{Rows: rows, Cols: cols, Data: make([]byte, rows*cols/4)}
			for i := range m.Data {
				m.Data[i] = [...]byte{0x12, 0x64, 0x55, 0x89, 0x21}[i%5]
			}
			dst := make([]uint32, rows*cols/16)
			b.SetBytes(int64(len(m.Data)))
			for b.Loop() {
				if err := Interleave(dst, m, 64, words, 0, rows); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
