package ternary

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	data, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// scale15 are the bits of 1.5 as a float16.
const scale15 = 0x3E00

// examples are matrices of the pattern with scale 1.5, written out by hand.
var examples = []struct {
	format     Format
	rows, cols int
	level      uint32
	data       string
}{
	{I2S, 1, 128, 0, `21 1a 91 19 99 99 98 88 98 84 48 86 68 46 64 66 66 62 22 61 12 21 1a a1 19 99 98 98 88 88 84 48`},
	{I2S64, 1, 128, 0, `1a 16 86 16 85 86 85 a2 85 a1 61 a1 68 60 68 58 16 8a 06 85 86 85 a2 81 a1 61 a0 68 a0 68 50 68`},
	{TQ2_0, 1, 256, scale15, `
		48 a4 46 64 66 66 26 22 26 12 21 92 29 91 19 99 99 89 88 49 84 48 a4 4a 64 66 26 26 22 22 12 21
		4a 24 46 24 62 26 22 22 21 92 29 92 09 91 89 98 89 88 84 48 64 4a 24 42 24 62 26 22 22 21 12 29 00 3e`},
	{TQ1_0, 1, 256, scale15, `
		3f 36 cd 33 e0 e0 dd c0 dc b7 6a bd a3 67 99 9f a0 95 40 92 23 3f 36 e9 33 e0 dd dd c0 bf b7 6a
		e5 a2 73 a2 37 a2 36 13 36 12 e1 12 b1 12 b0 f6 c8 d1 ab 72 00 3e`},
	{IQ2_BN, 1, 64, 0x3FC00000, `00 00 c0 3f a4 94 92 94 52 92 52 8a 52 4a 49 4a 29 09 29 25`},
	{IQ1_BN, 1, 64, scale15, `00 3e be ff 83 21 be ff 81 21 be aa 8b 05 18`},
}

func TestExamples(t *testing.T) {
	for _, c := range examples {
		m := Matrix{Format: c.format, Rows: c.rows, Cols: c.cols, Data: unhex(t, c.data)}
		if want := c.format.Size(c.rows, c.cols); len(m.Data) != want {
			t.Errorf("%s: %d bytes, expected %d", c.format, len(m.Data), want)
		}
		if c.level != 0 && m.FindLevel() != c.level {
			t.Errorf("%s: scale %#x, expected %#x", c.format, m.Level, c.level)
		}
		words, want := make([]uint32, c.cols/16), pack(pattern(c.cols))
		if err := m.Row(words, 0); err != nil || !slices.Equal(words, want) {
			t.Errorf("%s: words %08x, %v, expected %08x", c.format, words, err, want)
		}
	}
}

// TestHFExample is a matrix too narrow to be a Matrix: its columns stand for
// rows of 16 with the rest 0.
func TestHFExample(t *testing.T) {
	packed := unhex(t, "18 98 86 98 86 86 86 66")
	trits := pattern(8 * 4)
	m := Matrix{Format: HF, Rows: 8, Cols: 16, Data: bytes.Repeat([]byte{0x55}, 32)}
	for i, b := range packed {
		m.Data[i/4*16+i%4] = b
	}
	for row := range 8 {
		var words [1]uint32
		var got [16]int8
		if err := m.Row(words[:], row); err != nil {
			t.Fatal(err)
		}
		Unpack(got[:], words[:])
		if !slices.Equal(got[:4], trits[4*row:][:4]) || got[4] != 0 {
			t.Errorf("row %d: %v, expected %v", row, got, trits[4*row:][:4])
		}
	}
}

// lay stores weights in a format by its description, one at a time. Scales are
// 1.5.
func lay(f Format, trits []int8, rows, cols int) Matrix {
	m := Matrix{Format: f, Rows: rows, Cols: cols, Data: make([]byte, f.Size(rows, cols))}
	ceil := func(v int) byte { return byte((v*256 + 242) / 243) }
	switch f {
	case TQ1_0, TQ2_0, IQ1_BN:
		m.Level = scale15
	case IQ2_BN:
		m.Level = 0x3FC00000
	case F32, F16, BF16:
		m.SetAbsmean(1)
	}
	for i, t := range trits {
		row, col, code := i/cols, i%cols, byte(t+1)
		switch f {
		case I2S:
			m.Data[i/128*32+i%32] |= code << (6 - i%128/32*2)
		case I2S64:
			m.Data[i/64*16+i%16] |= code << (6 - i%64/16*2)
		case HF:
			m.Data[row%(rows/4)*cols+col] |= code << (row / (rows / 4) * 2)
		case TQ2_0:
			e := i % 256
			m.Data[i/256*66+e/128*32+e%32] |= code << (e % 128 / 32 * 2)
			binary.LittleEndian.PutUint16(m.Data[i/256*66+64:], scale15)
		case IQ2_BN:
			at := row * (4 + cols/4)
			m.Data[at+4+col/64*16+col%16] |= code << (col % 64 / 16 * 2)
			binary.LittleEndian.PutUint32(m.Data[at:], m.Level)
		case TQ1_0:
			if e := i % 256; e == 255 {
				block := trits[i-255:]
				five := func(first, step, n int) byte {
					v := 0
					for k := range 5 {
						if v *= 3; k < n {
							v += int(block[first+k*step] + 1)
						}
					}
					return ceil(v)
				}
				to := m.Data[i/256*54:]
				for k := range 32 {
					to[k] = five(k, 32, 5)
				}
				for k := range 16 {
					to[32+k] = five(160+k, 16, 5)
				}
				for k := range 4 {
					to[48+k] = five(240+k, 4, 4)
				}
				binary.LittleEndian.PutUint16(to[52:], scale15)
			}
		case IQ1_BN:
			if e := col % 64; e == 63 {
				block := trits[i-63:]
				at := row * (2 + cols/64*13)
				to := m.Data[at+2+col/64*13:]
				last := 0
				for g, power := 0, 1; g < 4; g, power = g+1, power*3 {
					for k := range 3 {
						v := 0
						for j := 4; j >= 0; j-- {
							v = 3*v + int(block[16*g+5*k+j]+1)
						}
						to[3*g+k] = ceil(v)
					}
					last += power * int(block[16*g+15]+1)
				}
				to[12] = ceil(last)
				binary.LittleEndian.PutUint16(m.Data[at:], scale15)
			}
		case F32:
			x := [...]float32{-0.5 - 1e-6, 0.5, 7}[code] // the middle one a tie
			binary.LittleEndian.PutUint32(m.Data[4*i:], math.Float32bits(x))
		case F16:
			binary.LittleEndian.PutUint16(m.Data[2*i:], [...]uint16{0xB801, 0xB800, 0x3801}[code])
		case BF16:
			binary.LittleEndian.PutUint16(m.Data[2*i:], [...]uint16{0xBF01, 0x3F00, 0x4000}[code])
		}
	}
	return m
}

func eachFormat(t *testing.T, test func(t *testing.T, f Format)) {
	for f := I2S; f <= BF16; f++ {
		t.Run(f.String(), func(t *testing.T) { test(t, f) })
	}
}

// TestFormats reads random matrices of many widths in every format.
func TestFormats(t *testing.T) {
	eachFormat(t, func(t *testing.T, f Format) {
		for n := 1; n <= 12; n++ {
			const rows = 20
			cols := n * f.Block()
			trits := random(rows * cols)
			m := lay(f, trits, rows, cols)
			words := make([]uint32, cols/16)
			for row := range rows {
				want := pack(trits[row*cols:][:cols])
				if err := m.Row(words, row); err != nil || !slices.Equal(words, want) {
					t.Fatalf("%d columns, row %d: %v, %08x, expected %08x", cols, row, err, words, want)
				}
			}
			tiles := make([]uint32, 32*cols/16)
			if err := Interleave(tiles, &m, 32, 1, 0, rows); err != nil || tiles[1] != pack(trits[cols:][:16])[0] {
				t.Fatalf("%d columns: Interleave: %v", cols, err)
			}
		}
	})
}

// TestAnyBytes reads random bytes as each format: it ends in codes or in an
// error, and never in a code 3.
func TestAnyBytes(t *testing.T) {
	source := rand.New(rand.NewPCG(9, 9))
	eachFormat(t, func(t *testing.T, f Format) {
		for range 200 {
			rows, cols := 4, 256
			m := Matrix{Format: f, Rows: rows, Cols: cols, Data: make([]byte, f.Size(rows, cols)), Level: source.Uint32() & 0x7FFF}
			for i := range m.Data {
				m.Data[i] = byte(source.Uint32())
			}
			words := make([]uint32, cols/16)
			for row := range rows {
				if m.Row(words, row) != nil {
					continue
				}
				for _, word := range words {
					if word&(word>>1)&zeros != 0 {
						t.Fatalf("word %08x has a code 3", word)
					}
				}
			}
		}
	})
}

// TestOtherScale changes the scale of one block or row: an error, unless its
// weights are all 0.
func TestOtherScale(t *testing.T) {
	for _, c := range []struct {
		format Format
		at     func(row int) int // of the scale of the row's last block
		col    int
		what   string
	}{
		{TQ1_0, func(row int) int { return (row*2+1)*54 + 52 }, 256, "block"},
		{TQ2_0, func(row int) int { return (row*2+1)*66 + 64 }, 256, "block"},
		{IQ1_BN, func(row int) int { return row * (2 + 13*8) }, 0, "row"},
		{IQ2_BN, func(row int) int { return row * (4 + 16*8) }, 0, "row"},
	} {
		const rows, cols = 3, 512
		trits := random(rows * cols)
		for _, zero := range []bool{false, true} {
			for row := range rows {
				trits := slices.Clone(trits)
				if zero {
					clear(trits[row*cols+c.col:][:cols-c.col])
				}
				for _, bit := range []byte{0, 1} { // the scale 0, and another one
					m := lay(c.format, trits, rows, cols)
					data := m.Data[c.at(row):]
					data[0], data[1] = bit, data[1]&(0-bit)
					if c.format == IQ2_BN {
						data[2], data[3] = data[2]&(0-bit), data[3]&(0-bit)
					}
					err := m.Row(make([]uint32, cols/16), row)
					want := fmt.Sprintf("the %s at row %d, column %d has another scale", c.what, row, c.col)
					if zero && err != nil || !zero && (err == nil || !strings.HasPrefix(err.Error(), want)) {
						t.Errorf("%s, weights all 0: %v: error %v, expected %s", c.format, zero, err, want)
					}
				}
			}
		}
	}
}

// TestFindLevel passes over scales of 0.
func TestFindLevel(t *testing.T) {
	for _, f := range []Format{TQ1_0, TQ2_0, IQ1_BN, IQ2_BN} {
		const rows, cols = 4, 256
		trits := random(rows * cols)
		clear(trits[:2*cols])
		m := lay(f, trits, rows, cols)
		want := m.Level
		clear(m.Data[:f.Size(2, cols)])
		switch f { // all of it weights of 0
		case TQ2_0:
			copy(m.Data, bytes.Repeat([]byte{0x55}, 64))
		}
		if got := m.FindLevel(); got != want {
			t.Errorf("%s: scale %#x, expected %#x", f, got, want)
		}
		clear(m.Data)
		if got := m.FindLevel(); got != 0 {
			t.Errorf("%s: scale %#x, expected 0", f, got)
		}
	}
}

// TestPaired reads the rows of heads of 4 pair by pair.
func TestPaired(t *testing.T) {
	const rows, cols = 8, 64
	trits := random(rows * cols)
	m := lay(I2S, trits, rows, cols)
	m.Paired = 4
	for row, file := range []int{0, 2, 1, 3, 4, 6, 5, 7} {
		words := make([]uint32, cols/16)
		if err := m.Row(words, row); err != nil || !slices.Equal(words, pack(trits[file*cols:][:cols])) {
			t.Errorf("row %d is not the file's row %d: %v", row, file, err)
		}
	}
}

// TestMaster are examples of the rule, ties among them.
func TestMaster(t *testing.T) {
	for _, c := range []struct {
		weights []float64
		mean    float64
		want    []int8
	}{
		{[]float64{1, -.5, .5, -2}, 1, []int8{1, 0, 0, -1}},
		{[]float64{.9, -.2, .05, -1.4, .5, -.5, 0, .25}, .475, []int8{1, 0, 0, -1, 1, -1, 0, 1}},
		{[]float64{0, math.Copysign(0, -1)}, 0, []int8{0, 0}},
	} {
		for _, f := range []Format{F32, F16, BF16} {
			m := Matrix{Format: f, Rows: 1, Cols: 16}
			exact := true
			for i := range 16 {
				w := float32(c.weights[i%len(c.weights)])
				bits := math.Float32bits(w)
				switch f {
				case F32:
					m.Data = binary.LittleEndian.AppendUint32(m.Data, bits)
				case BF16:
					exact = exact && bits&0xFFFF == 0
					m.Data = binary.LittleEndian.AppendUint16(m.Data, uint16((bits+0x8000)>>16))
				case F16:
					exact = exact && bits&0x1FFF == 0
					half := uint16(bits>>16&0x8000) | uint16((bits&0x7FFFFFFF+0x1000-112<<23)>>13)
					if w == 0 {
						half = uint16(bits >> 16)
					}
					m.Data = binary.LittleEndian.AppendUint16(m.Data, half)
				}
			}
			mean := m.AbsSum(0) / 16
			tolerance := 1e-7
			if !exact {
				tolerance = 2e-3
			}
			if math.Abs(mean-c.mean) > tolerance {
				t.Errorf("%s: mean %v, expected %v", f, mean, c.mean)
			}
			m.SetAbsmean(float32(max(mean, 1e-5)))
			var words [1]uint32
			var got [16]int8
			if err := m.Row(words[:], 0); err != nil {
				t.Fatal(err)
			}
			if Unpack(got[:], words[:]); !slices.Equal(got[:len(c.want)], c.want) {
				t.Errorf("%s: %v gives %v, expected %v", f, c.weights, got[:len(c.want)], c.want)
			}
		}
	}
}

// TestMasterThreshold goes through all magnitudes of 16 bits around thresholds
// of every size.
func TestMasterThreshold(t *testing.T) {
	value := map[Format]func(h uint16) float64{
		BF16: func(h uint16) float64 { return float64(math.Float32frombits(uint32(h) << 16)) },
		F16:  halfMagnitude,
	}
	source := rand.New(rand.NewPCG(1, 1))
	for f, value := range value {
		var data []byte
		var all []float64
		for h := uint16(0); !math.IsInf(value(h), 0); h++ {
			data = binary.LittleEndian.AppendUint16(data, h)
			all = append(all, value(h))
		}
		m := Matrix{Format: f, Rows: 1, Cols: len(all) / 16 * 16, Data: data}
		words, got := make([]uint32, m.Cols/16), make([]int8, m.Cols)
		for range 200 {
			mean := float32(math.Exp2(source.Float64()*35-17)) + 0x1p-17
			m.SetAbsmean(mean)
			if err := m.Row(words, 0); err != nil {
				t.Fatal(err)
			}
			Unpack(got, words)
			for i, x := range got {
				if want := all[i] > float64(mean)/2; (x == 1) != want || x < 0 {
					t.Fatalf("%s: mean %v, weight %v gives %d", f, mean, all[i], x)
				}
			}
		}
	}
}

// TestEncode compares with the formats' descriptions.
func TestEncode(t *testing.T) {
	for _, f := range []Format{I2S, TQ1_0, TQ2_0, IQ2_BN} {
		level := uint32(scale15)
		if f == IQ2_BN {
			level = math.Float32bits(1.5)
		}
		const rows, cols = 3, 512
		trits := random(rows * cols)
		want := lay(f, trits, rows, cols).Data
		got := make([]byte, len(want))
		f.Encode(got, pack(trits), cols, level)
		if !bytes.Equal(got, want) {
			t.Errorf("%s: encoded otherwise", f)
		}
		m := Matrix{Format: f, Rows: rows, Cols: cols, Data: got}
		clear(trits)
		f.Encode(got, pack(trits), cols, level)
		if f != I2S && f != IQ2_BN && m.FindLevel() != 0 {
			t.Errorf("%s: weights of 0 have scale %#x", f, m.Level)
		}
		if err := m.Row(make([]uint32, cols/16), 1); err != nil {
			t.Error(f, err)
		}
	}
}

// BenchmarkFormats reads all rows of a matrix of the 2B4T, and counts weights.
func BenchmarkFormats(b *testing.B) {
	const rows, cols = 2560, 6912
	trits := random(rows * cols)
	for f := I2S; f <= BF16; f++ {
		b.Run(f.String(), func(b *testing.B) {
			m := lay(f, trits, rows, cols)
			dst := make([]uint32, 64*cols/16)
			b.SetBytes(rows * cols)
			for b.Loop() {
				for row := 0; row < rows; row += 64 {
					if err := Interleave(dst, &m, 64, 1, row, row+64); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
