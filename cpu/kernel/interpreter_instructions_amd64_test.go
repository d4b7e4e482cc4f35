package kernel

import (
	"math/bits"
	"strings"
)

// An operation is what an instruction makes of the operands that m holds.
type operation func(m *machine, in *instruction)

// The instructions. Those that do the same share a line.
var operations = byName(map[string]operation{
	"MOVL MOVQ MOVWLZX VMOVD VMOVDQA64 VMOVDQU VMOVDQU8 VMOVDQU32 VMOVDQU64 VMOVSS VMOVUPS": move,
	"VEXTRACTF128 VEXTRACTF32X4 VEXTRACTF64X4 VEXTRACTI64X4":                                move,
	"VBROADCASTSS VPBROADCASTB VPBROADCASTD VPBROADCASTQ":                                   broadcast,

	"LEAQ":      func(m *machine, in *instruction) { *m.dest.q() = m.address(&in.operands[1]) },
	"MOVLQSX":   each(func(a int32, _ int) int64 { return int64(a) }),
	"ADDQ":      arithmetic((*flags).add),
	"ANDL ANDQ": arithmetic((*flags).and),
	"CMPL CMPQ": compare((*flags).sub),
	"DECQ":      arithmetic(func(f *flags, a, _ uint64) uint64 { return f.set(a-1, f.cf, a == 1<<63) }),
	"INCQ":      arithmetic(func(f *flags, a, _ uint64) uint64 { return f.set(a+1, f.cf, a == 1<<63-1) }),
	"SHLQ":      arithmetic(func(f *flags, a, b uint64) uint64 { return f.set(a<<b, a>>(64-b)&1 != 0, false) }),
	"SHRQ":      arithmetic(func(f *flags, a, b uint64) uint64 { return f.set(a>>b, a>>(b-1)&1 != 0, false) }),
	"SUBQ":      arithmetic((*flags).sub),
	"TESTQ":     compare((*flags).and),
	"XORL XORQ": arithmetic((*flags).xor),
	"IMULQ":     func(m *machine, _ *instruction) { *m.dest.q() *= *m.src1.q() },
	"DIVQ": func(m *machine, _ *instruction) {
		ax, dx := m.general("AX"), m.general("DX")
		*ax, *dx = bits.Div64(*dx, *ax, *m.src1.q())
	},

	"CMOVQLT": when(func(f flags) bool { return f.sf != f.of }, move),
	"SETNE":   func(m *machine, _ *instruction) { m.dest[0] = truth[byte](!m.flags.zf) },
	"JAE":     when(func(f flags) bool { return !f.cf }, jump),
	"JE JZ":   when(func(f flags) bool { return f.zf }, jump),
	"JGE":     when(func(f flags) bool { return f.sf == f.of }, jump),
	"JL":      when(func(f flags) bool { return f.sf != f.of }, jump),
	"JMP":     jump,
	"JNE JNZ": when(func(f flags) bool { return !f.zf }, jump),
	"RET":     func(m *machine, _ *instruction) { m.next = len(m.kernel.code) },

	"PREFETCHT0 PREFETCHT1": func(*machine, *instruction) {},
	"VZEROUPPER": func(m *machine, _ *instruction) {
		for i := range 16 {
			clear(m.registers[i][16:])
		}
	},

	"VPAND VPANDD": both(func(a, b uint64) uint64 { return a & b }),
	"VPOR VPORD":   both(func(a, b uint64) uint64 { return a | b }),
	"VPXOR VPXORD": both(func(a, b uint64) uint64 { return a ^ b }),
	"VPTERNLOGD": func(m *machine, in *instruction) {
		for i := range 8 * in.vl {
			m.dest.set(i, in.imm8>>(m.dest.bit(i)<<2|m.src1.bit(i)<<1|m.src2.bit(i))&1)
		}
	},
	"VGF2P8AFFINEQB": func(m *machine, in *instruction) {
		for i := range 8 * in.vl {
			row := m.src2[i/64*8+7-i%8] // the last makes bit 0
			m.dest.set(i, bits.OnesCount8(row&m.src1[i/8])&1^in.imm8>>(i%8)&1)
		}
	},

	"VPADDB": both(func(a, b uint8) uint8 { return a + b }),
	"VPADDD": both(func(a, b uint32) uint32 { return a + b }),
	"VPSUBB": both(func(a, b uint8) uint8 { return a - b }),
	"VPSLLD": each(func(a uint32, imm8 int) uint32 { return a << imm8 }),
	"VPSLLW": each(func(a uint16, imm8 int) uint16 { return a << imm8 }),
	"VPSRAD": each(func(a int32, imm8 int) int32 { return a >> imm8 }),
	"VPSRLD": each(func(a uint32, imm8 int) uint32 { return a >> imm8 }),
	"VPSRLW": each(func(a uint16, imm8 int) uint16 { return a >> imm8 }),
	"VPDPBUSD VPDPBUSD.BCST": func(m *machine, in *instruction) {
		for i := range in.vl {
			lanes[int32](&m.dest)[i/4] += int32(m.src1[i]) * int32(int8(m.src2[i]))
		}
	},

	"VPCMPEQW":  both(func(a, b int16) int16 { return -truth[int16](a == b) }),
	"VPCMPUB/1": both(func(a, b uint8) bool { return a < b }),
	"VPTESTNMB": both(func(a, b uint8) bool { return a&b == 0 }),
	"VPTEST": func(m *machine, _ *instruction) {
		m.flags = flags{zf: true, cf: true}
		for i, a := range m.src1 {
			m.flags.zf = m.flags.zf && a&m.src2[i] == 0
			m.flags.cf = m.flags.cf && ^a&m.src2[i] == 0
		}
	},

	"VADDPS":    both(func(a, b float32) float32 { return a + b }),
	"VADDSS":    scalar(func(a, b float32) float32 { return a + b }),
	"VMULPS":    both(func(a, b float32) float32 { return a * b }),
	"VMULSS":    scalar(func(a, b float32) float32 { return a * b }),
	"VCVTPH2PS": each(func(a uint16, _ int) float32 { return FromHalf(a) }),

	"VINSERTI32X4": func(m *machine, in *instruction) {
		m.dest = m.src1
		copy(m.dest[16*in.imm8:][:16], m.src2[:])
	},
	"VPERMB VPERMB.Z": func(m *machine, in *instruction) {
		for i := range in.vl {
			m.dest[i] = m.src2[m.src1[i]&63]
		}
	},
	"VPERMILPS": func(m *machine, in *instruction) {
		for i := range in.vl / 4 {
			lanes[uint32](&m.dest)[i] = lanes[uint32](&m.src1)[i&^3|in.imm8>>(i%4*2)&3]
		}
	},
	"VSHUFF64X2": func(m *machine, in *instruction) {
		for i, src := range []*vector{&m.src1, &m.src1, &m.src2, &m.src2} {
			copy(m.dest[16*i:][:16], src[16*(in.imm8>>(2*i)&3):])
		}
	},
	"VPUNPCKHDQ VUNPCKHPS":  unpack[uint32](1),
	"VPUNPCKLDQ VUNPCKLPS":  unpack[uint32](0),
	"VPUNPCKHQDQ VUNPCKHPD": unpack[uint64](1),
	"VPUNPCKLQDQ VUNPCKLPD": unpack[uint64](0),

	"LDTILECFG":             configureTiles,
	"TDPBSSD":               multiplyTiles,
	"TILELOADD TILELOADDT1": loadTile,
	"TILERELEASE":           func(m *machine, _ *instruction) { m.tiles = [8]*tile{} },
	"TILESTORED":            storeTile,
	"TILEZERO":              func(m *machine, in *instruction) { *m.tile(in, 0) = tile{} },
})

var noDestination = []string{"CMPL", "CMPQ", "DIVQ", "TESTQ", "VPTEST"}

// widths are how many bytes an instruction reads or writes where these are not VL; none
// where its operation does that.
var widths = byName(map[string]int{
	"LEAQ PREFETCHT0 PREFETCHT1 LDTILECFG TILELOADD TILELOADDT1 TILESTORED": 0,
	"VPBROADCASTB": 1,
	"MOVWLZX":      2,
	"ANDL CMPL MOVL MOVLQSX VADDSS VBROADCASTSS VMOVD VMOVSS VMULSS VPBROADCASTD VPDPBUSD.BCST XORL": 4,
	"VPBROADCASTQ": 8,
	"VEXTRACTF128 VEXTRACTF32X4 VINSERTI32X4": 16,
	"VEXTRACTF64X4 VEXTRACTI64X4":             32,
})

func byName[T any](lines map[string]T) map[string]T {
	all := map[string]T{}
	for names, v := range lines {
		for _, name := range strings.Fields(names) {
			all[name] = v
		}
	}
	return all
}

// flags of the last arithmetic: zero, sign, carry, overflow.
type flags struct{ zf, sf, cf, of bool }

func (f *flags) set(result uint64, cf, of bool) uint64 {
	*f = flags{result == 0, int64(result) < 0, cf, of}
	return result
}

func (f *flags) and(a, b uint64) uint64 { return f.set(a&b, false, false) }
func (f *flags) xor(a, b uint64) uint64 { return f.set(a^b, false, false) }
func (f *flags) add(a, b uint64) uint64 { return f.set(a+b, a+b < a, int64((a^(a+b))&(b^(a+b))) < 0) }
func (f *flags) sub(a, b uint64) uint64 { return f.set(a-b, a < b, int64((a^b)&(a^(a-b))) < 0) }

// arithmetic treats four bytes as the upper half of eight: carry and sign are the same.
func arithmetic(op func(f *flags, a, b uint64) uint64) operation {
	return func(m *machine, in *instruction) {
		up := 64 - 8*in.width
		*m.dest.q() = op(&m.flags, *m.dest.q()<<up, *m.src1.q()<<up) >> up
	}
}

func compare(op func(f *flags, a, b uint64) uint64) operation {
	return func(m *machine, in *instruction) {
		op(&m.flags, *m.src1.q()<<(64-8*in.width), *m.src2.q()<<(64-8*in.width))
	}
}

func when(condition func(f flags) bool, do operation) operation {
	return func(m *machine, in *instruction) {
		if condition(m.flags) {
			do(m, in)
		}
	}
}

func jump(m *machine, in *instruction) { m.next = m.kernel.labels[in.operands[0].label] }

// move takes the bytes that imm8 names, the first if there is none.
func move(m *machine, in *instruction) {
	m.dest = vector{}
	copy(m.dest[:in.width], m.src1[in.width*in.imm8:])
}

func broadcast(m *machine, in *instruction) {
	for at := 0; at < in.vl; at += in.width {
		copy(m.dest[at:], m.src1[:in.width])
	}
}

// both computes all lanes of DEST from those of SRC1 and SRC2.
func both[A, B, C any](lane func(a A, b B) C) operation {
	return func(m *machine, in *instruction) {
		a, b, dest := lanes[A](&m.src1), lanes[B](&m.src2), lanes[C](&m.dest)
		for i := range len(dest) * in.vl / len(m.dest) {
			dest[i] = lane(a[i], b[i])
		}
	}
}

// each computes all lanes of DEST from those of SRC1.
func each[A, C any](lane func(a A, imm8 int) C) operation {
	return func(m *machine, in *instruction) { both(func(a, _ A) C { return lane(a, in.imm8) })(m, in) }
}

// scalar computes the first lane; the others of 16 bytes are SRC1's.
func scalar(lane func(a, b float32) float32) operation {
	return func(m *machine, in *instruction) {
		both(lane)(m, in)
		copy(m.dest[4:], m.src1[4:])
	}
}

// unpack interleaves the low (0) or high (1) halves of each 16 bytes of SRC1 and SRC2.
func unpack[T any](half int) operation {
	return func(m *machine, in *instruction) {
		dest, n := lanes[T](&m.dest), len(lanes[T](&m.dest))/4 // in 16 bytes
		for i := range n * in.vl / 16 {
			src := []*vector{&m.src1, &m.src2}[i%2]
			dest[i] = lanes[T](src)[i/n*n+half*n/2+i%n/2]
		}
	}
}

func (v *vector) bit(i int) int  { return int(v[i/8]>>(i%8)) & 1 }
func (v *vector) set(i, bit int) { v[i/8] = v[i/8]&^(1<<(i%8)) | byte(bit)<<(i%8) }

// truth is 1 for true.
func truth[T byte | int16 | int | uint64](holds bool) T {
	if holds {
		return 1
	}
	return 0
}

// A tile is a register of AMX. The kernels use whole ones, of 16 rows of 64 bytes.
type tile [16]vector

func (m *machine) tile(in *instruction, i int) *tile { return m.tiles[in.operands[i].number] }

// row is row i of a tile in memory, whose index is what lies between rows.
func (m *machine) row(o *operand, i int) []byte {
	return m.at(m.address(o)+uint64(i-1)**m.registers[o.index].q()*o.scale, 64)
}

func configureTiles(m *machine, in *instruction) {
	config := m.at(m.address(&in.operands[0]), 64)
	for i := range m.tiles { // palette 1, bytes of a row, rows
		if config[0] != 1 || config[16+2*i] != 64 || config[17+2*i] != 0 || config[48+i] != 16 {
			panic("a tile that is not whole")
		}
		m.tiles[i] = new(tile)
	}
}

func loadTile(m *machine, in *instruction) {
	for i := range m.tile(in, 0) {
		m.tile(in, 0)[i] = vector(m.row(&in.operands[1], i))
	}
}

func storeTile(m *machine, in *instruction) {
	for i, row := range m.tile(in, 1) {
		copy(m.row(&in.operands[0], i), row[:])
	}
}

// multiplyTiles is TDPBSSD.
func multiplyTiles(m *machine, in *instruction) {
	dest, src1, src2 := m.tile(in, 0), m.tile(in, 1), m.tile(in, 2)
	for i := range dest {
		sums := lanes[int32](&dest[i])
		for k, a := range src1[i] {
			for n := range sums {
				sums[n] += int32(int8(a)) * int32(int8(src2[k/4][4*n+k%4]))
			}
		}
	}
}
