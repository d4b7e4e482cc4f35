package weights

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"
)

// unhex reads bytes written as the format's descriptions write them.
func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// TestDenseExamples widens blocks worked out by hand.
func TestDenseExamples(t *testing.T) {
	q8 := unhex("0034")
	for i := range 32 {
		q8 = append(q8, byte(i-16))
	}
	// Element i is i mod 64 - 32, its scale i/16 - 8.
	q6 := unhex(strings.Repeat("00112233445566778899aabbccddeeff", 8) + // low bits: i mod 16
		strings.Repeat(strings.Repeat("88", 16)+strings.Repeat("dd", 16), 2) + // high bits: 0, 2, 0, 2 and 1, 3, 1, 3
		"f8f9fafbfcfdfeff0001020304050607 0038")
	for _, c := range []struct {
		typ  DType
		cols int
		data []byte
		want map[int]float32
	}{
		{F32, 2, unhex("0000c03f 000080bf"), map[int]float32{0: 1.5, 1: -1}},
		{F16, 3, unhex("003e 00bc 0100"), map[int]float32{0: 1.5, 1: -1, 2: 0x1p-24}},
		{BF16, 2, unhex("c03f 80bf"), map[int]float32{0: 1.5, 1: -1}},
		{Q8_0, 32, q8, map[int]float32{0: -4, 16: 0, 31: 3.75}},
		{Q4_0, 32, unhex("0038 00112233445566778899aabbccddeeff"), map[int]float32{0: -4, 15: 3.5, 16: -4, 31: 3.5}},
		{Q6_K, 256, q6, map[int]float32{0: 128, 1: 124, 16: 56, 32: 0, 64: 64, 255: 108.5}},
	} {
		d := Dense{Type: c.typ, Rows: 1, Cols: c.cols, Data: c.data}
		if d.RowBytes() != len(c.data) {
			t.Errorf("%s: rows of %d bytes, expected %d", c.typ, d.RowBytes(), len(c.data))
			continue
		}
		row := make([]float32, c.cols)
		d.Row(row, 0)
		for i, want := range c.want {
			if row[i] != want {
				t.Errorf("%s: element %d is %v, expected %v", c.typ, i, row[i], want)
			}
		}
	}
}

// half is a float16 by its definition.
func half(b []byte) float64 {
	h := binary.LittleEndian.Uint16(b)
	sign := 1 - 2*float64(h>>15)
	mantissa, exponent := float64(h&0x3FF), int(h>>10&31)
	if exponent == 0 {
		return sign * math.Ldexp(mantissa, -24)
	}
	return sign * math.Ldexp(1024+mantissa, exponent-25)
}

// element is element i of a row of type t, in float64 where the products
// are exact, and with the one rounding that Q6_K has.
func element(t DType, row []byte, i int) float32 {
	switch t {
	case F32:
		return math.Float32frombits(binary.LittleEndian.Uint32(row[4*i:]))
	case F16:
		return float32(half(row[2*i:]))
	case BF16:
		return math.Float32frombits(binary.LittleEndian.Uint32([]byte{0, 0, row[2*i], row[2*i+1]}))
	case Q8_0:
		block := row[i/32*34:]
		return float32(half(block) * float64(int8(block[2+i%32])))
	case Q4_0:
		block := row[i/32*18:]
		return float32(half(block) * (float64(block[2+i%16]>>(i%32/16*4)&15) - 8))
	}
	block := row[i/dtypes[t].block*dtypes[t].bytes:]
	i %= dtypes[t].block
	if t != Q6_K {
		return float32(blockElement(t, block, i))
	}
	n, k, l := i/128, i%128/32, i%32
	low := int(block[64*n+l+32*(k%2)]) >> (k / 2 * 4) & 15
	high := int(block[128+32*n+l]) >> (2 * k) & 3
	scaled := half(block[208:]) * float64(int8(block[192+8*n+2*k+l/16])) // exact in 19 bits
	return float32(scaled * float64(low+16*high-32))
}

// blockElement is element i of a block, as ggml's dequantize_row functions have it,
// exactly: float64 holds every product and sum.
func blockElement(t DType, b []byte, i int) float64 {
	nibble := func(b []byte, at, shift int) float64 { return float64(b[at] >> shift & 15) }
	bit := func(b []byte, n int) float64 { return float64(b[n/8] >> (n % 8) & 1) }
	table := []float64{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}
	// K-quants: two numbers of six bits for each 32 elements.
	six := func(b []byte, j int) (scale, least int) {
		at := func(n int) int { return int(b[n]) }
		if j < 4 {
			return at(j) % 64, at(j+4) % 64
		}
		return at(j+4)%16 + at(j-4)/64*16, at(j+4)/16 + at(j)/64*16
	}
	switch t {
	case Q4_1:
		return half(b)*nibble(b[4:], i%16, i/16*4) + half(b[2:])
	case Q5_0:
		return half(b) * (nibble(b[6:], i%16, i/16*4) + 16*bit(b[2:], i) - 16)
	case Q5_1:
		return half(b)*(nibble(b[8:], i%16, i/16*4)+16*bit(b[4:], i)) + half(b[2:])
	case IQ4_NL:
		return half(b) * table[int(nibble(b[2:], i%16, i/16*4))]
	case IQ4_XS:
		part, j := i/32, i%32
		scale := nibble(b[4:], part/2, part%2*4) + 16*bit(b[2:], 2*part) + 32*bit(b[2:], 2*part+1)
		return half(b) * (scale - 32) * table[int(nibble(b[8+16*part:], j%16, j/16*4))]
	case Q2_K:
		q := int(b[16+i/128*32+i%32]) >> (i / 32 % 4 * 2) % 4
		return half(b[80:])*float64(int(b[i/16])%16*q) - half(b[82:])*float64(b[i/16]/16)
	case Q3_K:
		s := i / 16
		scale := nibble(b[96:], s%8, s/8*4) + 16*bit(b[104+s%4:], s/4*2) + 32*bit(b[104+s%4:], s/4*2+1)
		q := float64(int(b[32+i/128*32+i%32])>>(i/32%4*2)%4) + 4*bit(b[i%32:], i/32) - 4
		return half(b[108:]) * (scale - 32) * q
	case Q4_K, Q5_K:
		scale, least := six(b[4:], i/32)
		low, high := b[16:], 0.0
		if t == Q5_K {
			low, high = b[48:], 16*bit(b[16+i%32:], i/32)
		}
		return half(b)*float64(scale)*(nibble(low, i/64*32+i%32, i/32%2*4)+high) - half(b[2:])*float64(least)
	case TQ2_0:
		return half(b[64:]) * float64(int(b[i/128*32+i%32])>>(i/32%4*2)%4-1)
	case TQ1_0:
		at, n, digit := i%32, 0, i/32
		if i >= 240 {
			at, digit = 48+i%4, (i-240)/4
		} else if i >= 160 {
			at, digit = 32+i%16, (i-160)/16
		}
		for n = int(b[at]); digit > 0; digit-- {
			n = n * 3 % 256
		}
		return half(b[52:]) * float64(n*3/256-1)
	}
	panic("BUG: type " + t.String())
}

func TestDenseRandom(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for typ := F32; int(typ) < len(dtypes); typ++ {
		const rows, cols = 7, 512
		d := Dense{Type: typ, Rows: rows, Cols: cols}
		d.Data = make([]byte, rows*d.RowBytes())
		for i := range d.Data {
			d.Data[i] = byte(random.Uint32())
		}
		finite(&d)
		row := make([]float32, cols)
		for r := range rows {
			d.Row(row, r)
			for i, got := range row {
				if want := element(typ, d.Data[r*d.RowBytes():], i); math.Float32bits(got) != math.Float32bits(want) {
					t.Fatalf("%s: row %d, element %d is %v, expected %v", typ, r, i, got, want)
				}
			}
		}
	}
}

// finite clears a bit of the exponent of every float in d.
func finite(d *Dense) {
	t := dtypes[d.Type]
	lasts := map[DType][]int{F32: {3}, Q6_K: {209}, Q4_1: {1, 3}, Q5_1: {1, 3}, Q2_K: {81, 83}, Q3_K: {109}, Q4_K: {1, 3}, Q5_K: {1, 3}, TQ1_0: {53}, TQ2_0: {65}}[d.Type]
	if lasts == nil {
		lasts = []int{1}
	}
	for _, last := range lasts {
		for i := last; i < len(d.Data); i += t.bytes {
			d.Data[i] &^= 0x40
		}
	}
}

// TestF16 compares the view with the widened row, also where the data is not
// aligned.
func TestF16(t *testing.T) {
	for shift := range 2 {
		data := make([]byte, 2*3*64+shift)[shift:]
		for i := range data {
			data[i] = byte(i * 37)
		}
		d := Dense{Type: F16, Rows: 3, Cols: 64, Data: data}
		for r := range d.Rows {
			for i, got := range d.F16(r) {
				if want := binary.LittleEndian.Uint16(data[2*(64*r+i):]); got != want {
					t.Fatalf("shift %d, row %d, element %d is %x, expected %x", shift, r, i, got, want)
				}
			}
		}
		aligned := uintptr(unsafe.Pointer(&data[0]))%2 == 0
		if same := unsafe.Pointer(&d.F16(0)[0]) == unsafe.Pointer(&data[0]); same != aligned {
			t.Errorf("a view: %v, expected %v", same, aligned)
		}
	}
}

func BenchmarkRow(b *testing.B) {
	for typ := F32; int(typ) < len(dtypes); typ++ {
		b.Run(typ.String(), func(b *testing.B) {
			d := Dense{Type: typ, Rows: 1, Cols: 2560}
			d.Data = make([]byte, d.RowBytes())
			row := make([]float32, d.Cols)
			b.SetBytes(int64(len(d.Data)))
			for b.Loop() {
				d.Row(row, 0)
			}
		})
	}
}

// TestNarrow makes blocks of each type and reads them back: as near as the type
// allows.
func TestNarrow(t *testing.T) {
	source := rand.New(rand.NewPCG(4, 4))
	for _, c := range []struct {
		typ DType
		off float64 // rms of the error, relative
	}{{F16, 0x1p-12}, {BF16, 0x1p-9}, {Q8_0, 0.006}, {Q6_K, 0.02}} {
		const cols = 512
		wide := Dense{Name: "x", Type: F32, Rows: 1, Cols: cols, Data: make([]byte, 4*cols)}
		var off, size float64
		for range 20 {
			for i := range cols {
				binary.LittleEndian.PutUint32(wide.Data[4*i:], math.Float32bits(float32(source.NormFloat64())))
			}
			narrow := Dense{Type: c.typ, Rows: 1, Cols: cols}
			narrow.Data = make([]byte, narrow.RowBytes())
			if err := wide.narrowRow(narrow.Data, 0, c.typ); err != nil {
				t.Fatal(err)
			}
			a, b := make([]float32, cols), make([]float32, cols)
			wide.Row(a, 0)
			narrow.Row(b, 0)
			for i := range a {
				off += math.Pow(float64(b[i]-a[i]), 2)
				size += math.Pow(float64(a[i]), 2)
			}
			again := make([]byte, len(narrow.Data))
			if err := narrow.narrowRow(again, 0, c.typ); err != nil || c.typ != Q6_K && c.typ != Q8_0 && !bytes.Equal(again, narrow.Data) {
				t.Errorf("%s: what was read is written otherwise, %v", c.typ, err)
			}
		}
		if got := math.Sqrt(off / size); got > c.off {
			t.Errorf("%s: off by %.2g, expected at most %.2g", c.typ, got, c.off)
		}
		zero := Dense{Name: "x", Type: F32, Rows: 1, Cols: 256, Data: make([]byte, 4*256)}
		dst := make([]byte, 1024)
		narrow := Dense{Type: c.typ, Rows: 1, Cols: 256}
		narrow.Data = dst[:narrow.RowBytes()]
		row := make([]float32, 256)
		if err := zero.narrowRow(narrow.Data, 0, c.typ); err != nil {
			t.Error(err)
		}
		if narrow.Row(row, 0); row[9] != 0 {
			t.Errorf("%s: 0 became %v", c.typ, row[9])
		}
		binary.LittleEndian.PutUint32(zero.Data[40:], math.Float32bits(float32(math.Inf(1))))
		if err := zero.narrowRow(narrow.Data, 0, c.typ); err == nil {
			t.Errorf("%s holds an infinity", c.typ)
		}
	}
}
