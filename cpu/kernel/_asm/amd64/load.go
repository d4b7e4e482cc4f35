package main

// What makes tiles of the file, at load or in the first batch: rows that lie one behind the other become tiles of
// 64 rows. A vector takes 16 bytes of 16 rows (of 8, in half a register's width),
// turns them so that a register has four bytes of every row, and makes words.

const (
	quarter = 0 // to 3: bytes 0 to 3, 4 to 7, 8 to 11, 12 to 15 of the rows
	turned  = 4 // to 7
)

// rowPointers sets SI, R8, R9, R10 to the rows 0, 4, 8, 12 of those at SI, which
// lie AX bytes apart, and R13 to 3*AX. It uses BX.
func (v vector) rowPointers() {
	f.Op("LEAQ (AX)(AX*2), R13")
	f.Op("LEAQ (AX*4), BX")
	for i, to := range v.quads()[1:] {
		f.Op("LEAQ (%s)(BX*1), %s", v.quads()[i], to)
	}
}

// quads are the pointers to every fourth row of a vector.
func (v vector) quads() []string { return []string{"SI", "R8", "R9", "R10"}[:v.lanes/4] }

// quarters loads 16 bytes of each row, offset behind the pointers.
func (v vector) quarters(offset int) {
	for j, row := range []string{"", "(AX*1)", "(AX*2)", "(R13*1)"} {
		for lane, at := range v.quads() {
			switch {
			case lane == 0:
				f.Op("VMOVDQU %d(%s)%s, X%d", offset, at, row, turned+j)
			case v == ymm:
				f.Op("VINSERTI128 $1, %d(%s)%s, Y%d, Y%d", offset, at, row, turned+j, turned+j)
			default:
				f.Op("VINSERTI32X4 $%d, %d(%s)%s, Z%d, Z%d", lane, offset, at, row, turned+j, turned+j)
			}
		}
	}
	// Rows 0 and 1 of four, then 2 and 3; then all four.
	const pair = 8 // to 11
	for i := range 2 {
		a, b := v.reg(turned+2*i), v.reg(turned+2*i+1)
		f.Op("VPUNPCKLDQ %s, %s, %s", b, a, v.reg(pair+i))
		f.Op("VPUNPCKHDQ %s, %s, %s", b, a, v.reg(pair+2+i))
	}
	for i := range 2 {
		a, b := v.reg(pair+2*i), v.reg(pair+2*i+1)
		f.Op("VPUNPCKLQDQ %s, %s, %s", b, a, v.reg(quarter+2*i))
		f.Op("VPUNPCKHQDQ %s, %s, %s", b, a, v.reg(quarter+2*i+1))
	}
}

// store puts register i at DI.
func (v vector) store(i, offset int) {
	op := "VMOVDQU"
	if v == zmm {
		op = "VMOVDQU32"
	}
	f.Op("%s %s, %d(DI)", op, v.reg(i), offset)
}

// choose takes the bits of register b into a where mask has zeros. With AVX2 it
// uses register 15.
func (v vector) choose(mask, a, b int) {
	if v == zmm {
		f.Op("VPTERNLOGD $0xE2, Z%d, Z%d, Z%d", b, mask, a)
		return
	}
	f.Op("VPAND Y%d, Y%d, Y%d", mask, a, a)
	f.Op("VPANDN Y%d, Y%d, Y15", b, mask)
	f.Op("VPOR Y15, Y%d, Y%d", a, a)
}

// turnRows writes the loops over the vectors of a tile's rows, which lie AX bytes
// apart at SI, and over R12 steps of bytes of each row; body stores what it makes
// of a step at DI, of which it fills words for every row.
func (v vector) turnRows(bytes, words int, body func()) {
	rows, step, done := f.NewLabel("rows"), f.NewLabel("step"), f.NewLabel("done")
	f.Op("MOVQ $%d, R11", 64/v.lanes)
	f.Label(rows)
	f.Op("MOVQ SI, DX")
	f.Op("MOVQ DI, R15")
	v.rowPointers()
	f.Op("MOVQ R12, CX")
	f.Op("TESTQ CX, CX")
	f.Op("JZ %s", done)
	f.Label(step)
	body()
	for _, at := range v.quads() {
		f.Op("ADDQ $%d, %s", bytes, at)
	}
	f.Op("ADDQ $%d, DI", 256*words)
	f.Op("DECQ CX")
	f.Op("JNZ %s", step)
	f.Op("LEAQ (DX)(BX*%d), SI", v.lanes/4)
	f.Op("LEAQ %d(R15), DI", 4*v.lanes)
	f.Op("DECQ R11")
	f.Op("JNZ %s", rows)
	f.Label(done)
}

// blocks makes the eight words of 128 columns from two times 16 bytes, each by
// four words: what weights/ternary does in transpose.
func (v vector) blocks() {
	f.Func("blocks"+v.path, "words []uint32, data []byte, stride int32", "int32", 0, "is Path.Blocks.")
	const low, even, bad, shifted = 12, 13, 14, 15
	f.Op("MOVQ %s, DI", f.Arg("words_base"))
	f.Op("MOVQ %s, R12", f.Arg("words_len"))
	f.Op("SHRQ $9, R12 // blocks of a row")
	f.Op("MOVQ %s, SI", f.Arg("data_base"))
	broadcast(v, 0x0F0F0F0F, low)
	broadcast(v, 0x33333333, even)
	f.Op("MOVLQSX %s, AX", f.Arg("stride"))
	f.Op("VPXOR X%d, X%d, X%d", bad, bad, bad)
	shift := func(left bool, bits, from, to int) {
		op := "VPSRLD"
		if left {
			op = "VPSLLD"
		}
		f.Op("%s $%d, %s, %s", op, bits, v.reg(from), v.reg(to))
	}
	v.turnRows(32, 8, func() {
		for half := range 2 {
			v.quarters(16 * half)
			for i := range 4 {
				shift(false, 1, quarter+i, shifted)
				if v == zmm {
					f.Op("VPTERNLOGD $0xF8, Z%d, Z%d, Z%d", shifted, quarter+i, bad)
				} else {
					f.Op("VPAND Y%d, Y%d, Y%d", quarter+i, shifted, shifted)
					f.Op("VPOR Y%d, Y%d, Y%d", shifted, bad, bad)
				}
			}
			// Fields 0 and 1 of the bytes, in registers 4 and 5; 2 and 3, in 0 and 1.
			for i := range 2 {
				shift(false, 4, quarter+i, 4+i)
				v.choose(low, 4+i, quarter+2+i)
				shift(true, 4, quarter+2+i, quarter+2+i)
				v.choose(low, quarter+i, quarter+2+i)
			}
			for i, pair := range []int{4, 0} {
				shift(false, 2, pair, 8)
				v.choose(even, 8, pair+1)
				shift(true, 2, pair+1, pair+1)
				v.choose(even, pair, pair+1)
				v.store(8, 256*(4*i+half))
				v.store(pair, 256*(4*i+2+half))
			}
		}
	})
	f.Op("MOVL $0x55555555, AX")
	f.Op("VMOVD AX, X%d", low)
	f.Op("VPBROADCASTD X%d, Y%d", low, low)
	if v == zmm {
		f.Op("VEXTRACTI64X4 $1, Z%d, Y%d", bad, even)
		f.Op("VPOR Y%d, Y%d, Y%d", even, bad, bad)
	}
	f.Op("XORL AX, AX")
	f.Op("VPTEST Y%d, Y%d", low, bad)
	f.Op("SETNE AX")
	f.Op("MOVL AX, %s", f.Arg("ret"))
	ret()
}

// nibbles makes two words of 16 codes.
func (v vector) nibbles() {
	f.Func("nibbles"+v.path, "words []uint32, codes []int8", "", 0, "is Path.Nibbles.")
	const low, signs = 12, 13
	f.Op("MOVQ %s, DI", f.Arg("words_base"))
	f.Op("MOVQ %s, SI", f.Arg("codes_base"))
	f.Op("MOVQ %s, R12", f.Arg("codes_len"))
	f.Op("SHRQ $10, R12 // steps of 16 codes of a row")
	broadcast(v, 0x0F0F0F0F, low)
	broadcast(v, 0x88888888, signs)
	f.Op("MOVQ R12, AX")
	f.Op("SHLQ $4, AX")
	v.turnRows(16, 2, func() {
		v.quarters(0)
		for i := range 2 {
			a, b := quarter+2*i, quarter+2*i+1
			f.Op("VPSLLD $4, %s, %s", v.reg(b), v.reg(b))
			v.choose(low, a, b)
			if v == zmm {
				f.Op("VPXORD Z%d, Z%d, Z%d", signs, a, a)
			} else {
				f.Op("VPXOR Y%d, Y%d, Y%d", signs, a, a)
			}
			v.store(a, 256*i)
		}
	})
	ret()
}
