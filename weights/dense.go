package weights

import (
	"encoding/binary"
	"math"
	"unsafe"

	"bitnet-gpu/cpu/kernel"
	"bitnet-gpu/weights/ternary"
)

// A DType is how a dense matrix is stored.
type DType uint8

const (
	F32 DType = iota
	F16
	BF16
	Q8_0
	Q6_K
	Q4_0
)

func (t DType) String() string { return dtypes[t].name }

// dtypes holds for each type its name, elements and bytes of a block, and the
// functions that widen one block and make one.
var dtypes = [...]struct {
	name   string
	block  int
	bytes  int
	widen  func(dst []float32, block []byte)
	narrow func(dst []byte, values []float32) bool
}{
	F32:  {"F32", 1, 4, nil, nil},
	F16:  {"F16", 1, 2, nil, narrowF16},
	BF16: {"BF16", 1, 2, nil, narrowBF16},
	Q8_0: {"Q8_0", 32, 34, widenQ8_0, narrowQ8_0},
	Q6_K: {"Q6_K", 256, 210, widenQ6_K, narrowQ6_K},
	Q4_0: {"Q4_0", 32, 18, widenQ4_0, nil},
}

// A Dense matrix is an embedding, a head or a matrix of a layer that is not
// ternary, as its file stores it.
type Dense struct {
	Name       string // as the file names it, for errors
	Type       DType
	Rows, Cols int            // Cols is a multiple of the type's block
	Data       []byte         // (Rows, RowBytes), without padding
	Paired     ternary.Paired // of a layer's queries and keys
}

// RowBytes returns the bytes of one row.
func (d *Dense) RowBytes() int {
	t := &dtypes[d.Type]
	return d.Cols / t.block * t.bytes
}

// Bytes returns one row as stored.
func (d *Dense) Bytes(row int) []byte {
	n := d.RowBytes()
	return d.Data[d.Paired.FileRow(row)*n:][:n:n]
}

// Row widens one row to float32, exactly as ggml defines the type; block
// formats round each product once, see package engine/compute. Small values are
// not flushed: that is for whoever computes with them. dst (Cols).
func (d *Dense) Row(dst []float32, row int) {
	b, dst := d.Bytes(row), dst[:d.Cols]
	switch d.Type {
	case F32:
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
	case F16:
		for i := range dst {
			dst[i] = kernel.FromHalf(binary.LittleEndian.Uint16(b[2*i:]))
		}
	case BF16:
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(b[2*i:])) << 16)
		}
	default:
		t := &dtypes[d.Type]
		for ; len(dst) > 0; dst, b = dst[t.block:], b[t.bytes:] {
			t.widen(dst[:t.block], b[:t.bytes])
		}
	}
}

// F16 returns one row of a matrix of type F16, as it lies in Data where the
// machine's order of bytes allows it.
func (d *Dense) F16(row int) []uint16 {
	if d.Type != F16 {
		panic("BUG: weights: F16 of a matrix of " + d.Type.String())
	}
	b := d.Bytes(row)
	p := unsafe.Pointer(unsafe.SliceData(b))
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 && uintptr(p)%2 == 0 {
		return unsafe.Slice((*uint16)(p), d.Cols)
	}
	halves := make([]uint16, d.Cols)
	for i := range halves {
		halves[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return halves
}

// The block formats, each from ggml's description in ggml-common.h. A block's
// scale d is a float16.

// widenQ8_0: d, then 32 signed bytes; value d*q.
func widenQ8_0(dst []float32, block []byte) {
	d := kernel.FromHalf(binary.LittleEndian.Uint16(block))
	for i, q := range block[2:] {
		dst[i] = d * float32(int8(q))
	}
}

// widenQ4_0: d, then 16 bytes: element j in the low half of byte j, 16+j in the
// high half; value d*(q-8).
func widenQ4_0(dst []float32, block []byte) {
	d := kernel.FromHalf(binary.LittleEndian.Uint16(block))
	for j, q := range block[2:] {
		dst[j] = d * float32(int(q&15)-8)
		dst[16+j] = d * float32(int(q>>4)-8)
	}
}

// widenQ6_K: the low 4 bits of 256 elements, their high 2 bits, 16 signed
// scales of 16 elements, d; value (d*scale)*(q-32). In each half of 128,
// element 32k+l has its low bits in byte l + 32*(k&1), the low half of it for k
// < 2, and its high bits in bits 2k and 2k+1 of byte l.
func widenQ6_K(dst []float32, block []byte) {
	low, high, scales := block[:128], block[128:192], block[192:208]
	d := kernel.FromHalf(binary.LittleEndian.Uint16(block[208:]))
	for i := range dst[:256] {
		half, k, l := i/128, i%128/32, i%32
		lo := low[64*half+32*(k&1)+l] >> (4 * (k >> 1)) & 15
		hi := high[32*half+l] >> (2 * k) & 3
		dst[i] = float32(d*float32(int8(scales[i/16]))) * float32(int(lo|hi<<4)-32)
	}
}
