package main

// nibbleVec keeps the 64 sums of a tile of four-bit codes in V0 to V15, two
// steps of 8 columns at a time: their 16 activations are one register.
func nibbleVec() {
	f.Func("nibbleVecNEON", "acc []int32, w []uint32, x []int8", "", 0,
		"is half of Path.NibbleVecs: a tile at a time, its words once and in order.")
	const word, code, mask, act = 16, 20, 28, 29
	arg("acc_base", "R0")
	arg("acc_len", "R1")
	arg("w_base", "R2")
	arg("x_base", "R3")
	arg("x_len", "R4")
	f.Op("LSR $4, R4")
	broadcast(0x0F0F0F0F, mask)
	tile, step, sums, done := f.NewLabel("tile"), f.NewLabel("step"), f.NewLabel("sums"), f.NewLabel("done")
	f.Label(tile)
	f.Op("SUBS $64, R1")
	f.Op("BLT %s", done)
	for i := range 16 {
		clear(i)
	}
	f.Op("MOVD R3, R5")
	f.Op("MOVD R4, R6 // pairs of steps left")
	f.Op("CBZ R6, %s", sums)
	f.Label(step)
	load("R5", act, 1)
	for half := range 2 {
		for line := range 4 {
			f.Op("PRFM %d(R2), PLDL1STRM", ahead)
			load("R2", word, 4)
			for j := range 4 {
				and(code+j, word+j, mask)
				shiftBytes(word+j, 4)
			}
			for j := range 4 {
				sdot(4*line+j, code+j, act, 2*half)
				sdot(4*line+j, word+j, act, 2*half+1)
			}
		}
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
