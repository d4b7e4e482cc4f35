package main

// A tile is 64 rows; for each 16 columns it has a block of 256 bytes: four
// lines of 16 rows, a word of 16 weights for each row. Field n of a word is the
// pair of bits 2n, 2n+1 of each byte: four weights that meet the four
// activations 4n to 4n+3 of the block.

// ternaryVec512 masks the fields in place: VPDPBUSD takes codes scaled by 1, 4,
// 16, 64 (at most 128, it reads them unsigned) into accumulators of their own,
// which are scaled back once at the end. They hold for rows up to 2^18 long:
// |sum| <= 128*128*len/4.
func ternaryVec512() {
	f.Func("ternaryVecAVX512", "acc []int32, w []uint32, x []int8", "", 0,
		"is Path.TernaryVec: a tile at a time, its words once and in order.")
	acc := func(line, field int) int { return 4*line + field } // Z0 to Z15
	const mask, act, word, code = 16, 20, 24, 28               // four of each
	f.Op("MOVQ %s, DI", f.Arg("acc_base"))
	f.Op("MOVQ %s, R9", f.Arg("acc_len"))
	f.Op("MOVQ %s, SI", f.Arg("w_base"))
	f.Op("MOVQ %s, R8", f.Arg("x_base"))
	f.Op("MOVQ %s, R10", f.Arg("x_len"))
	f.Op("SHRQ $4, R10")
	for field := range 4 {
		f.Op("MOVL $0x%08X, AX", uint32(0x03030303)<<(2*field))
		f.Op("VPBROADCASTD AX, Z%d", mask+field)
	}
	tile, step, store, done := f.NewLabel("tile"), f.NewLabel("step"), f.NewLabel("store"), f.NewLabel("done")
	f.Label(tile)
	f.Op("SUBQ $64, R9")
	f.Op("JL %s", done)
	for i := range 16 {
		f.Op("VPXORD Z%d, Z%d, Z%d", i, i, i)
	}
	f.Op("MOVQ R8, BX")
	f.Op("MOVQ R10, CX")
	f.Op("TESTQ CX, CX")
	f.Op("JZ %s", store)
	f.Label(step)
	for field := range 4 {
		f.Op("VPBROADCASTD %d(BX), Z%d", 4*field, act+field)
	}
	for line := range 4 {
		f.Op("PREFETCHT0 %d(SI)", ahead+64*line)
		f.Op("VMOVDQU64 %d(SI), Z%d", 64*line, word+line)
	}
	for line := range 4 {
		for field := range 4 {
			f.Op("VPANDD Z%d, Z%d, Z%d", mask+field, word+line, code+field)
		}
		for field := range 4 {
			f.Op("VPDPBUSD Z%d, Z%d, Z%d", act+field, code+field, acc(line, field))
		}
	}
	f.Op("ADDQ $256, SI")
	f.Op("ADDQ $16, BX")
	f.Op("DECQ CX")
	f.Op("JNZ %s", step)
	f.Label(store)
	for line := range 4 {
		for field := 1; field < 4; field++ {
			f.Op("VPSRAD $%d, Z%d, Z%d", 2*field, acc(line, field), acc(line, field))
			f.Op("VPADDD Z%d, Z%d, Z%d", acc(line, field), acc(line, 0), acc(line, 0))
		}
		f.Op("VMOVDQU32 Z%d, %d(DI)", acc(line, 0), 64*line)
	}
	f.Op("ADDQ $256, DI")
	f.Op("JMP %s", tile)
	f.Label(done)
	ret()
}

const (
	panel512 = 12
	few512   = 4
)

// ternaryMat512 keeps 16 rows a line times the tokens of a panel in accumulators
// and shifts the words, so that each needs only one: 2 lines for 12 tokens, so
// that the second half of a tile comes from the cache, and 4 for 4.
func ternaryMat512(name, doc string, lines, panel int) {
	f.Func(name, "acc []int32, w []uint32, x []int8", "", 0, doc)
	acc := func(line, token int) int { return panel*line + token }
	word := lines * panel // a word and a code for each line, three activations
	code, mask, act := word+lines, word+2*lines, word+2*lines+1
	f.Op("MOVQ %s, DI", f.Arg("acc_base"))
	panelSizes(panel)
	f.Op("MOVL $0x03030303, AX")
	f.Op("VPBROADCASTD AX, Z%d", mask)
	tile, done := f.NewLabel("tile"), f.NewLabel("done")
	f.Label(tile)
	f.Op("SUBQ $64, R9")
	f.Op("JL %s", done)
	for part := range 4 / lines {
		step, store, token := f.NewLabel("step"), f.NewLabel("store"), 0
		at := func(line int) int { return 64 * (lines*part + line) }
		for i := range lines * panel {
			f.Op("VPXORD Z%d, Z%d, Z%d", i, i, i)
		}
		f.Op("MOVQ SI, DX")
		f.Op("MOVQ R8, BX")
		f.Op("MOVQ R10, CX")
		f.Op("TESTQ CX, CX")
		f.Op("JZ %s", store)
		f.Label(step)
		for line := range lines {
			f.Op("PREFETCHT0 %d(DX)", ahead+at(line))
			f.Op("VMOVDQU64 %d(DX), Z%d", at(line), word+line)
		}
		for field := range 4 {
			for line := range lines {
				f.Op("VPANDD Z%d, Z%d, Z%d", mask, word+line, code+line)
				if field < 3 {
					f.Op("VPSRLW $2, Z%d, Z%d", word+line, word+line)
				}
			}
			for t := range panel {
				f.Op("VPBROADCASTD %d(BX), Z%d", 4*(field*panel+t), act+token%3)
				for line := range lines {
					f.Op("VPDPBUSD Z%d, Z%d, Z%d", act+token%3, code+line, acc(line, t))
				}
				token++
			}
		}
		f.Op("ADDQ $256, DX")
		f.Op("ADDQ $%d, BX", 16*panel)
		f.Op("DECQ CX")
		f.Op("JNZ %s", step)
		f.Label(store)
		f.Op("MOVQ DI, DX")
		for t := range panel {
			for line := range lines {
				f.Op("VMOVDQU32 Z%d, %d(DX)", acc(line, t), at(line))
			}
			f.Op("ADDQ R11, DX")
		}
	}
	f.Op("ADDQ R12, SI")
	f.Op("ADDQ $256, DI")
	f.Op("JMP %s", tile)
	f.Label(done)
	ret()
}

// panelSizes loads what TernaryMat counts by, for panels of that many tokens.
func panelSizes(panel int) {
	f.Op("MOVQ %s, AX", f.Arg("acc_len"))
	f.Op("MOVQ $%d, CX", panel)
	f.Op("XORQ DX, DX")
	f.Op("DIVQ CX")
	f.Op("MOVQ AX, R9 // rows left")
	f.Op("LEAQ (AX*4), R11 // bytes between tokens of acc")
	f.Op("MOVQ %s, SI", f.Arg("w_base"))
	f.Op("MOVQ %s, R8", f.Arg("x_base"))
	f.Op("MOVQ %s, AX", f.Arg("x_len"))
	f.Op("MOVQ $%d, CX", 16*panel)
	f.Op("XORQ DX, DX")
	f.Op("DIVQ CX")
	f.Op("MOVQ AX, R10 // steps")
	f.Op("MOVQ AX, R12")
	f.Op("SHLQ $8, R12 // bytes of a tile")
}

// sums16 is how many steps AVX2 adds up in 16 bits. A step adds four
// VPMADDUBSW, each the sum of two products of a code 0 to 2 and an activation
// -128 to 127: between -512 and 508. So 16 steps stay between -32768 and 32512.
const sums16 = 16

// ternaryVec2 adds up in Y0 to Y7, 8 rows each, and empties them into acc.
func ternaryVec2() {
	f.Func("ternaryVecAVX2", "acc []int32, w []uint32, x []int8", "", 0,
		"is Path.TernaryVec: a tile at a time, its words once and in order.")
	const act, word, code, mask = 8, 12, 13, 15 // four activations
	f.Op("MOVQ %s, DI", f.Arg("acc_base"))
	f.Op("MOVQ %s, R9", f.Arg("acc_len"))
	f.Op("MOVQ %s, SI", f.Arg("w_base"))
	f.Op("MOVQ %s, R8", f.Arg("x_base"))
	f.Op("MOVQ %s, R10", f.Arg("x_len"))
	f.Op("SHRQ $4, R10")
	broadcast(ymm, 0x03030303, mask)
	tile, group, step, flush, done := f.NewLabel("tile"), f.NewLabel("group"), f.NewLabel("step"), f.NewLabel("flush"), f.NewLabel("done")
	f.Label(tile)
	f.Op("SUBQ $64, R9")
	f.Op("JL %s", done)
	f.Op("VPXOR Y0, Y0, Y0")
	for i := range 8 {
		f.Op("VMOVDQU Y0, %d(DI)", 32*i)
	}
	f.Op("MOVQ R8, BX")
	f.Op("MOVQ R10, CX // steps left")
	f.Label(group)
	for i := range 8 {
		f.Op("VPXOR Y%d, Y%d, Y%d", i, i, i)
	}
	takeGroup(flush)
	f.Label(step)
	for field := range 4 {
		f.Op("VPBROADCASTD %d(BX), Y%d", 4*field, act+field)
	}
	for i := range 8 {
		if i%2 == 0 {
			f.Op("PREFETCHT0 %d(SI)", ahead+32*i)
		}
		f.Op("VMOVDQU %d(SI), Y%d", 32*i, word)
		for field := range 4 {
			f.Op("VPAND Y%d, Y%d, Y%d", mask, word, code)
			if field < 3 {
				f.Op("VPSRLW $2, Y%d, Y%d", word, word)
			}
			f.Op("VPMADDUBSW Y%d, Y%d, Y%d", act+field, code, code)
			f.Op("VPADDW Y%d, Y%d, Y%d", code, i, i)
		}
	}
	f.Op("ADDQ $256, SI")
	f.Op("ADDQ $16, BX")
	f.Op("DECQ DX")
	f.Op("JNZ %s", step)
	f.Label(flush)
	ones(act)
	for i := range 8 {
		f.Op("VPMADDWD Y%d, Y%d, Y%d", act, i, i)
		f.Op("VPADDD %d(DI), Y%d, Y%d", 32*i, i, i)
		f.Op("VMOVDQU Y%d, %d(DI)", i, 32*i)
	}
	f.Op("TESTQ CX, CX")
	f.Op("JNZ %s", group)
	f.Op("ADDQ $256, DI")
	f.Op("JMP %s", tile)
	f.Label(done)
	ret()
}

// takeGroup moves at most sums16 steps from CX to DX, and jumps if there is none.
func takeGroup(none string) {
	f.Op("MOVQ CX, DX")
	f.Op("MOVQ $%d, AX", sums16)
	f.Op("CMPQ CX, AX")
	f.Op("CMOVQGT AX, DX")
	f.Op("SUBQ DX, CX")
	f.Op("TESTQ DX, DX")
	f.Op("JZ %s", none)
}

// ones fills Y register i with 16-bit ones.
func ones(i int) {
	f.Op("VPCMPEQW Y%d, Y%d, Y%d", i, i, i)
	f.Op("VPSRLW $15, Y%d, Y%d", i, i)
}

const panel2 = 4

// ternaryMat2 takes a line of 16 rows at a time: two registers of 8 rows times
// four tokens.
func ternaryMat2() {
	f.Func("ternaryMatAVX2", "acc []int32, w []uint32, x []int8", "", 0,
		"is Path.TernaryMat for 4 tokens.")
	sum := func(half, token int) int { return panel2*half + token } // Y0 to Y7
	const word, code, act, product, mask = 8, 10, 12, 13, 15        // two words, two codes, two products
	f.Op("MOVQ %s, DI", f.Arg("acc_base"))
	panelSizes(panel2)
	broadcast(ymm, 0x03030303, mask)
	tile, line, group, step, flush, done := f.NewLabel("tile"), f.NewLabel("line"), f.NewLabel("group"), f.NewLabel("step"), f.NewLabel("flush"), f.NewLabel("done")
	f.Label(tile)
	f.Op("SUBQ $64, R9")
	f.Op("JL %s", done)
	f.Op("MOVQ $4, R13 // lines left")
	f.Label(line)
	f.Op("VPXOR Y0, Y0, Y0")
	f.Op("MOVQ DI, R14")
	for range panel2 {
		f.Op("VMOVDQU Y0, (R14)")
		f.Op("VMOVDQU Y0, 32(R14)")
		f.Op("ADDQ R11, R14")
	}
	f.Op("MOVQ SI, R15")
	f.Op("MOVQ R8, BX")
	f.Op("MOVQ R10, CX // steps left")
	f.Label(group)
	for i := range 8 {
		f.Op("VPXOR Y%d, Y%d, Y%d", i, i, i)
	}
	takeGroup(flush)
	f.Label(step)
	f.Op("PREFETCHT0 %d(R15)", ahead)
	f.Op("VMOVDQU (R15), Y%d", word)
	f.Op("VMOVDQU 32(R15), Y%d", word+1)
	for field := range 4 {
		for half := range 2 {
			f.Op("VPAND Y%d, Y%d, Y%d", mask, word+half, code+half)
			if field < 3 {
				f.Op("VPSRLW $2, Y%d, Y%d", word+half, word+half)
			}
		}
		for t := range panel2 {
			f.Op("VPBROADCASTD %d(BX), Y%d", 4*(field*panel2+t), act)
			for half := range 2 {
				f.Op("VPMADDUBSW Y%d, Y%d, Y%d", act, code+half, product+half)
				f.Op("VPADDW Y%d, Y%d, Y%d", product+half, sum(half, t), sum(half, t))
			}
		}
	}
	f.Op("ADDQ $256, R15")
	f.Op("ADDQ $%d, BX", 16*panel2)
	f.Op("DECQ DX")
	f.Op("JNZ %s", step)
	f.Label(flush)
	ones(act)
	f.Op("MOVQ DI, R14")
	for t := range panel2 {
		for half := range 2 {
			r := sum(half, t)
			f.Op("VPMADDWD Y%d, Y%d, Y%d", act, r, r)
			f.Op("VPADDD %d(R14), Y%d, Y%d", 32*half, r, r)
			f.Op("VMOVDQU Y%d, %d(R14)", r, 32*half)
		}
		f.Op("ADDQ R11, R14")
	}
	f.Op("TESTQ CX, CX")
	f.Op("JNZ %s", group)
	f.Op("ADDQ $64, DI")
	f.Op("ADDQ $64, SI")
	f.Op("DECQ R13")
	f.Op("JNZ %s", line)
	f.Op("LEAQ -256(SI)(R12*1), SI")
	f.Op("JMP %s", tile)
	f.Label(done)
	ret()
}
