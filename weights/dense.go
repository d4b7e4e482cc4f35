package weights

import (
	"encoding/binary"
	"math"
	"strings"
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
	Q4_1
	Q5_0
	Q5_1
	Q2_K
	Q3_K
	Q4_K
	Q5_K
	IQ4_NL
	IQ4_XS
	TQ1_0
	TQ2_0
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

	Q4_1:   {"Q4_1", 32, 20, widenQ4_1, nil},
	Q5_0:   {"Q5_0", 32, 22, widenQ5_0, nil},
	Q5_1:   {"Q5_1", 32, 24, widenQ5_1, nil},
	Q2_K:   {"Q2_K", 256, 84, widenQ2_K, nil},
	Q3_K:   {"Q3_K", 256, 110, widenQ3_K, nil},
	Q4_K:   {"Q4_K", 256, 144, widenQ4_K, nil},
	Q5_K:   {"Q5_K", 256, 176, widenQ5_K, nil},
	IQ4_NL: {"IQ4_NL", 32, 18, widenIQ4_NL, nil},
	IQ4_XS: {"IQ4_XS", 256, 136, widenIQ4_XS, nil},
	TQ1_0:  {"TQ1_0", 256, 54, widenTQ1_0, nil},
	TQ2_0:  {"TQ2_0", 256, 66, widenTQ2_0, nil},
}

// dtypeNames lists the types, for errors.
func dtypeNames() string {
	var names []string
	for t := range dtypes {
		names = append(names, dtypes[t].name)
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
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
