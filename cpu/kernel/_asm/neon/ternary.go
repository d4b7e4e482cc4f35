package main

// A tile is 64 rows; for each 16 columns it has a block of 256 bytes: four
// lines of 16 rows, a word of 16 weights for each row. Field n of a word is the
// pair of bits 2n, 2n+1 of each byte: four weights that meet the four
// activations 4n to 4n+3 of the block.

// fields takes the four fields of four words registers apart, one after the
// other, into four code registers. The last needs no mask.
func fields(word, code, mask int, use func(field, code int)) {
	for field := range 4 {
		at := code
		if field == 3 {
			at = word
		}
		for j := range 4 {
			if field > 0 {
				shiftBytes(word+j, 2)
			}
			if field < 3 {
				and(code+j, word+j, mask)
			}
		}
		use(field, at)
	}
}

// ternaryVec keeps the 64 sums of a tile in V0 to V15.
func ternaryVec() {
	f.Func("ternaryVecNEON", "acc []int32, w []uint32, x []int8", "", 0,
		"is Path.TernaryVec: a tile at a time, its words once and in order.")
	const word, code, mask, act = 16, 20, 28, 29
	arg("acc_base", "R0")
	arg("acc_len", "R1")
	arg("w_base", "R2")
	arg("x_base", "R3")
	arg("x_len", "R4")
	f.Op("LSR $4, R4")
	broadcast(0x03030303, mask)
	tile, step, sums, done := f.NewLabel("tile"), f.NewLabel("step"), f.NewLabel("sums"), f.NewLabel("done")
	f.Label(tile)
	f.Op("SUBS $64, R1")
	f.Op("BLT %s", done)
	for i := range 16 {
		clear(i)
	}
	f.Op("MOVD R3, R5")
	f.Op("MOVD R4, R6 // steps left")
	f.Op("CBZ R6, %s", sums)
	f.Label(step)
	load("R5", act, 1)
	for line := range 4 {
		f.Op("PRFM %d(R2), PLDL1STRM", ahead)
		load("R2", word, 4)
		fields(word, code, mask, func(field, code int) {
			for j := range 4 {
				sdot(4*line+j, code+j, act, field)
			}
		})
	}
	f.Op("SUB $1, R6")
	f.Op("CBNZ R6, %s", step)
	f.Label(sums)
	for line := range 4 {
		store("R0", 4*line, 4)
	}
	f.Op("B %s", tile)
	f.Label(done)
	f.Op("RET")
}

const panel = 4

// ternaryMat takes a line of 16 rows at a time times four tokens, in V0 to V15.
func ternaryMat() {
	f.Func("ternaryMatNEON", "acc []int32, w []uint32, x []int8", "", 0, "is Path.TernaryMat for 4 tokens.")
	const word, code, act, mask = 16, 20, 24, 28 // four of each
	arg("acc_base", "R0")
	arg("acc_len", "R1")
	arg("w_base", "R2")
	arg("x_base", "R3")
	arg("x_len", "R4")
	f.Op("LSR $6, R4 // steps")
	f.Op("LSL $8, R4, R7 // bytes of a tile")
	f.Op("MOVD R1, R8 // bytes between tokens of acc")
	f.Op("LSR $2, R1 // rows left")
	broadcast(0x03030303, mask)
	tile, line, step, sums, done := f.NewLabel("tile"), f.NewLabel("line"), f.NewLabel("step"), f.NewLabel("sums"), f.NewLabel("done")
	f.Label(tile)
	f.Op("SUBS $64, R1")
	f.Op("BLT %s", done)
	f.Op("MOVD $4, R10 // lines left")
	f.Label(line)
	for i := range 16 {
		clear(i)
	}
	f.Op("MOVD R2, R11")
	f.Op("MOVD R3, R5")
	f.Op("MOVD R4, R6 // steps left")
	f.Op("CBZ R6, %s", sums)
	f.Label(step)
	f.Op("PRFM %d(R11), PLDL1KEEP", ahead)
	f.Op("VLD1 (R11), %s", list(word, 4))
	f.Op("ADD $256, R11")
	load("R5", act, 4)
	fields(word, code, mask, func(field, code int) {
		for t := range panel {
			for j := range 4 {
				sdot(4*t+j, code+j, act+field, t)
			}
		}
	})
	f.Op("SUB $1, R6")
	f.Op("CBNZ R6, %s", step)
	f.Label(sums)
	f.Op("MOVD R0, R12")
	for t := range panel {
		f.Op("VST1 %s, (R12)", list(4*t, 4))
		f.Op("ADD R8, R12")
	}
	f.Op("ADD $64, R0")
	f.Op("ADD $64, R2")
	f.Op("SUB $1, R10")
	f.Op("CBNZ R10, %s", line)
	f.Op("SUB $256, R2")
	f.Op("ADD R7, R2")
	f.Op("B %s", tile)
	f.Label(done)
	f.Op("RET")
}
