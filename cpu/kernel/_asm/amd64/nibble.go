package main

// A tile of four-bit codes is 64 rows; for each 8 columns it has a block of 256
// bytes, a word of 8 codes for each row. The low half of a byte meets one of the
// first four activations of the block, the high half one of the next four.

// nibbleArgs loads what the loops count by.
func nibbleArgs() {
	f.Op("MOVQ %s, DI", f.Arg("acc_base"))
	f.Op("MOVQ %s, R9", f.Arg("acc_len"))
	f.Op("MOVQ %s, SI", f.Arg("w_base"))
	f.Op("MOVQ %s, R8", f.Arg("x_base"))
	f.Op("MOVQ %s, R10", f.Arg("x_len"))
	f.Op("SHRQ $3, R10")
}

// nibbleLoop writes the loops over tiles and steps: clear, the body of a step,
// and store.
func nibbleLoop(clear, body, store func()) {
	tile, step, sums, done := f.NewLabel("tile"), f.NewLabel("step"), f.NewLabel("sums"), f.NewLabel("done")
	f.Label(tile)
	f.Op("SUBQ $64, R9")
	f.Op("JL %s", done)
	clear()
	f.Op("MOVQ R8, BX")
	f.Op("MOVQ R10, CX")
	f.Op("TESTQ CX, CX")
	f.Op("JZ %s", sums)
	f.Label(step)
	body()
	f.Op("ADDQ $256, SI")
	f.Op("ADDQ $8, BX")
	f.Op("DECQ CX")
	f.Op("JNZ %s", step)
	f.Label(sums)
	store()
	f.Op("ADDQ $256, DI")
	f.Op("JMP %s", tile)
	f.Label(done)
	ret()
}

// nibbleVecs512 masks the halves in place: the high codes are 16 times as large,
// at most 240, and have accumulators of their own, scaled back at the end. They
// hold for rows up to 2^17 long: |sum| <= 240*128*len/2. Both vectors meet a word
// while it is in its register; the second lies R12 behind the first, its sums R11.
func nibbleVecs512() {
	f.Func("nibbleVecsAVX512", "acc []int32, acc2 []int32, w []uint32, x []int8, x2 []int8", "", 0,
		"is Path.NibbleVecs: a tile at a time, its words once and in order.")
	nibbleArgs()
	f.Op("MOVQ %s, R11", f.Arg("acc2_base"))
	f.Op("MOVQ %s, R12", f.Arg("x2_base"))
	f.Op("SUBQ DI, R11")
	f.Op("SUBQ R8, R12")
	acc := func(vector, line, half int) int { return 8*vector + 2*line + half } // Z0 to Z15
	const word, code, act, mask = 16, 20, 22, 26                                // four words, two codes, four activations
	for half := range 2 {
		f.Op("MOVL $0x%08X, AX", uint32(0x0F0F0F0F)<<(4*half))
		f.Op("VPBROADCASTD AX, Z%d", mask+half)
	}
	from := []string{"(BX)", "(BX)(R12*1)"}
	nibbleLoop(func() {
		for i := range 16 {
			f.Op("VPXORD Z%d, Z%d, Z%d", i, i, i)
		}
	}, func() {
		for vector := range 2 {
			for half := range 2 {
				f.Op("VPBROADCASTD %d%s, Z%d", 4*half, from[vector], act+2*vector+half)
			}
		}
		for line := range 4 {
			f.Op("PREFETCHT0 %d(SI)", ahead+64*line)
			f.Op("VMOVDQU64 %d(SI), Z%d", 64*line, word+line)
		}
		for line := range 4 {
			for half := range 2 {
				f.Op("VPANDD Z%d, Z%d, Z%d", mask+half, word+line, code+half)
			}
			for vector := range 2 {
				for half := range 2 {
					f.Op("VPDPBUSD Z%d, Z%d, Z%d", act+2*vector+half, code+half, acc(vector, line, half))
				}
			}
		}
	}, func() {
		to := []string{"(DI)", "(DI)(R11*1)"}
		for vector := range 2 {
			for line := range 4 {
				low, high := acc(vector, line, 0), acc(vector, line, 1)
				f.Op("VPSRAD $4, Z%d, Z%d", high, high)
				f.Op("VPADDD Z%d, Z%d, Z%d", high, low, low)
				f.Op("VMOVDQU32 Z%d, %d%s", low, 64*line, to[vector])
			}
		}
	})
}

// nibbleVec256 keeps the 64 sums of a tile in Y0 to Y7. With vnni it has
// VPDPBUSD; else VPMADDUBSW, whose two results for a word stay below 2^14, so
// that they can be added in 16 bits.
func nibbleVec256(name string, vnni bool) {
	f.Func(name, "acc []int32, w []uint32, x []int8", "", 0,
		"is half of Path.NibbleVecs: a tile at a time, its words once and in order.")
	nibbleArgs()
	const act, word, high, mask, one = 8, 10, 11, 12, 13 // two activations
	broadcast(ymm, 0x0F0F0F0F, mask)
	ones(one)
	nibbleLoop(func() {
		for i := range 8 {
			f.Op("VPXOR Y%d, Y%d, Y%d", i, i, i)
		}
	}, func() {
		for half := range 2 {
			f.Op("VPBROADCASTD %d(BX), Y%d", 4*half, act+half)
		}
		for i := range 8 {
			if i%2 == 0 {
				f.Op("PREFETCHT0 %d(SI)", ahead+32*i)
			}
			f.Op("VMOVDQU %d(SI), Y%d", 32*i, word)
			f.Op("VPSRLW $4, Y%d, Y%d", word, high)
			f.Op("VPAND Y%d, Y%d, Y%d", mask, word, word)
			f.Op("VPAND Y%d, Y%d, Y%d", mask, high, high)
			if vnni {
				dotBytes(act, word, i)
				dotBytes(act+1, high, i)
				continue
			}
			f.Op("VPMADDUBSW Y%d, Y%d, Y%d", act, word, word)
			f.Op("VPMADDUBSW Y%d, Y%d, Y%d", act+1, high, high)
			f.Op("VPADDW Y%d, Y%d, Y%d", high, word, word)
			f.Op("VPMADDWD Y%d, Y%d, Y%d", one, word, word)
			f.Op("VPADDD Y%d, Y%d, Y%d", word, i, i)
		}
	}, func() {
		for i := range 8 {
			f.Op("VMOVDQU Y%d, %d(DI)", i, 32*i)
		}
	})
}
