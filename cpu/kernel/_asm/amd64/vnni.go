package main

// The VEX form of VPDPBUSD, for CPUs with AVX-VNNI and without AVX-512. Go's
// assembler knows only the EVEX form, so the instruction is written as bytes.

// dotBytes adds to each lane of Y register acc four products of unsigned bytes
// of register code and signed bytes of register act.
func dotBytes(act, code, acc int) {
	f.Op("BYTE $0xC4; BYTE $0x%02X; BYTE $0x%02X; BYTE $0x50; BYTE $0x%02X // {vex} vpdpbusd ymm%d, ymm%d, ymm%d",
		0x42|(^acc>>3&1)<<7|(^act>>3&1)<<5, // R, X, B inverted, map 0F38
		(^code&15)<<3|1<<2|1,               // W, the second operand inverted, 256 bits, 66
		0xC0|acc&7<<3|act&7,
		acc, code, act)
}

// ternaryVecVNNI keeps the 64 sums of a tile in Y0 to Y7.
func ternaryVecVNNI() {
	f.Func("ternaryVecVNNI", "acc []int32, w []uint32, x []int8", "", 0,
		"is Path.TernaryVec: a tile at a time, its words once and in order.")
	const act, word, code, mask = 8, 12, 13, 15 // four activations
	f.Op("MOVQ %s, DI", f.Arg("acc_base"))
	f.Op("MOVQ %s, R9", f.Arg("acc_len"))
	f.Op("MOVQ %s, SI", f.Arg("w_base"))
	f.Op("MOVQ %s, R8", f.Arg("x_base"))
	f.Op("MOVQ %s, R10", f.Arg("x_len"))
	f.Op("SHRQ $4, R10")
	broadcast(ymm, 0x03030303, mask)
	tile, step, store, done := f.NewLabel("tile"), f.NewLabel("step"), f.NewLabel("store"), f.NewLabel("done")
	f.Label(tile)
	f.Op("SUBQ $64, R9")
	f.Op("JL %s", done)
	for i := range 8 {
		f.Op("VPXOR Y%d, Y%d, Y%d", i, i, i)
	}
	f.Op("MOVQ R8, BX")
	f.Op("MOVQ R10, CX")
	f.Op("TESTQ CX, CX")
	f.Op("JZ %s", store)
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
			dotBytes(act+field, code, i)
		}
	}
	f.Op("ADDQ $256, SI")
	f.Op("ADDQ $16, BX")
	f.Op("DECQ CX")
	f.Op("JNZ %s", step)
	f.Label(store)
	for i := range 8 {
		f.Op("VMOVDQU Y%d, %d(DI)", i, 32*i)
	}
	f.Op("ADDQ $256, DI")
	f.Op("JMP %s", tile)
	f.Label(done)
	ret()
}

const panelVNNI = 5

// ternaryMatVNNI takes a line of 16 rows at a time: two registers of 8 rows
// times five tokens, in Y0 to Y9.
func ternaryMatVNNI() {
	f.Func("ternaryMatVNNI", "acc []int32, w []uint32, x []int8", "", 0, "is Path.TernaryMat for 5 tokens.")
	acc := func(half, token int) int { return panelVNNI*half + token }
	const word, code, act, mask = 10, 12, 14, 15 // two words, two codes
	f.Op("MOVQ %s, DI", f.Arg("acc_base"))
	panelSizes(panelVNNI)
	broadcast(ymm, 0x03030303, mask)
	tile, line, step, store, done := f.NewLabel("tile"), f.NewLabel("line"), f.NewLabel("step"), f.NewLabel("store"), f.NewLabel("done")
	f.Label(tile)
	f.Op("SUBQ $64, R9")
	f.Op("JL %s", done)
	f.Op("MOVQ $4, R13 // lines left")
	f.Label(line)
	for i := range 2 * panelVNNI {
		f.Op("VPXOR Y%d, Y%d, Y%d", i, i, i)
	}
	f.Op("MOVQ SI, DX")
	f.Op("MOVQ R8, BX")
	f.Op("MOVQ R10, CX")
	f.Op("TESTQ CX, CX")
	f.Op("JZ %s", store)
	f.Label(step)
	f.Op("PREFETCHT0 %d(DX)", ahead)
	for half := range 2 {
		f.Op("VMOVDQU %d(DX), Y%d", 32*half, word+half)
	}
	for field := range 4 {
		for half := range 2 {
			f.Op("VPAND Y%d, Y%d, Y%d", mask, word+half, code+half)
			if field < 3 {
				f.Op("VPSRLW $2, Y%d, Y%d", word+half, word+half)
			}
		}
		for t := range panelVNNI {
			f.Op("VPBROADCASTD %d(BX), Y%d", 4*(field*panelVNNI+t), act)
			for half := range 2 {
				dotBytes(act, code+half, acc(half, t))
			}
		}
	}
	f.Op("ADDQ $256, DX")
	f.Op("ADDQ $%d, BX", 16*panelVNNI)
	f.Op("DECQ CX")
	f.Op("JNZ %s", step)
	f.Label(store)
	f.Op("MOVQ DI, DX")
	for t := range panelVNNI {
		for half := range 2 {
			f.Op("VMOVDQU Y%d, %d(DX)", acc(half, t), 32*half)
		}
		f.Op("ADDQ R11, DX")
	}
	f.Op("ADDQ $64, DI")
	f.Op("ADDQ $64, SI")
	f.Op("DECQ R13")
	f.Op("JNZ %s", line)
	f.Op("LEAQ -256(SI)(R12*1), SI")
	f.Op("JMP %s", tile)
	f.Label(done)
	ret()
}
