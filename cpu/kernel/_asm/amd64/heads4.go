package main

// Four heads that share keys and values.

// scores4 takes four keys at a time, of which the last four may overlap those
// before. Each key's 4 by 16 chains are in Z0 to Z3; their sums of four are in
// Z16 to Z19, a head in each quarter.
func scores4() {
	f.Func("scores4AVX512", "s []float32, q []float32, keys []uint16, c float32", "", 0, "is Path.Scores4.")
	const key, product, half, quarter, factor = 8, 9, 4, 16, 24
	f.Op("MOVQ %s, DI", f.Arg("s_base"))
	f.Op("MOVQ %s, R8", f.Arg("q_base"))
	f.Op("MOVQ %s, R9", f.Arg("q_len"))
	f.Op("MOVQ %s, SI", f.Arg("keys_base"))
	f.Op("MOVQ %s, AX", f.Arg("keys_len"))
	f.Op("VBROADCASTSS %s, Z%d", f.Arg("c"), factor)
	f.Op("SHRQ $2, R9 // elements of a head")
	f.Op("XORQ DX, DX")
	f.Op("DIVQ R9")
	f.Op("MOVQ AX, CX // keys left")
	f.Op("MOVQ R9, R11")
	f.Op("SHRQ $4, R11 // blocks of 16")
	f.Op("SHLQ $2, R9 // bytes of a head of q, and of two keys")
	f.Op("LEAQ (R9)(R9*2), R10")
	keys, whole, done := f.NewLabel("keys"), f.NewLabel("whole"), f.NewLabel("done")
	f.Label(keys)
	f.Op("CMPQ CX, $4")
	f.Op("JGE %s", whole)
	f.Op("TESTQ CX, CX")
	f.Op("JZ %s", done)
	f.Op("MOVQ $4, AX")
	f.Op("SUBQ CX, AX // keys to go back")
	f.Op("MOVQ $4, CX")
	f.Op("LEAQ (AX*4), BX")
	f.Op("SUBQ BX, DI")
	f.Op("IMULQ R9, AX")
	f.Op("SHRQ $1, AX")
	f.Op("SUBQ AX, SI")
	f.Label(whole)
	for k := range 4 {
		block, tail := f.NewLabel("block"), f.NewLabel("tail")
		heads := []string{"(BX)", "(BX)(R9*1)", "(BX)(R9*2)", "(BX)(R10*1)"}
		f.Op("MOVQ R8, BX")
		f.Op("MOVQ R11, DX")
		f.Op("VCVTPH2PS (SI), Z%d", key)
		for j, q := range heads {
			f.Op("VMULPS %s, Z%d, Z%d", q, key, j)
		}
		f.Op("JMP %s", tail)
		f.Label(block)
		f.Op("VCVTPH2PS (SI), Z%d", key)
		for j, q := range heads {
			f.Op("VMULPS %s, Z%d, Z%d", q, key, product+j)
		}
		for j := range heads {
			f.Op("VADDPS Z%d, Z%d, Z%d", product+j, j, j)
		}
		f.Label(tail)
		f.Op("PREFETCHT0 %d(SI)", ahead)
		f.Op("ADDQ $32, SI")
		f.Op("ADDQ $64, BX")
		f.Op("DECQ DX")
		f.Op("JNZ %s", block)
		fold := func(low, high, a, b, into int) {
			f.Op("VSHUFF64X2 $0x%02X, Z%d, Z%d, Z%d", low, b, a, into)
			f.Op("VSHUFF64X2 $0x%02X, Z%d, Z%d, Z%d", high, b, a, product)
			f.Op("VADDPS Z%d, Z%d, Z%d", product, into, into)
		}
		fold(0x44, 0xEE, 0, 1, half) // eight sums of two heads
		fold(0x44, 0xEE, 2, 3, half+1)
		fold(0x88, 0xDD, half, half+1, quarter+k) // four of each
	}
	for k := 0; k < 4; k += 2 { // two sums of each head, of two keys
		f.Op("VUNPCKHPS Z%d, Z%d, Z%d", quarter+k+1, quarter+k, product)
		f.Op("VUNPCKLPS Z%d, Z%d, Z%d", quarter+k+1, quarter+k, quarter+k)
		f.Op("VADDPS Z%d, Z%d, Z%d", product, quarter+k, quarter+k)
	}
	f.Op("VUNPCKHPD Z%d, Z%d, Z%d", quarter+2, quarter, product)
	f.Op("VUNPCKLPD Z%d, Z%d, Z%d", quarter+2, quarter, quarter)
	f.Op("VADDPS Z%d, Z%d, Z%d", product, quarter, quarter)
	f.Op("VMULPS Z%d, Z%d, Z%d", factor, quarter, quarter)
	f.Op("VMOVUPS X%d, (DI)", quarter)
	for j := 1; j < 4; j++ {
		f.Op("VEXTRACTF32X4 $%d, Z%d, %d(DI)", j, quarter, 4*64*j)
	}
	f.Op("ADDQ $16, DI")
	f.Op("SUBQ $4, CX")
	f.Op("JMP %s", keys)
	f.Label(done)
	ret()
}

// weightedSum4 keeps 64 elements of the four heads in Z0 to Z15, then 16.
func weightedSum4() {
	f.Func("weightedSum4AVX512", "o []float32, p []float32, values []uint16", "", 0, "is Path.WeightedSum4.")
	f.Op("MOVQ %s, DI", f.Arg("o_base"))
	f.Op("MOVQ %s, R9", f.Arg("o_len"))
	f.Op("MOVQ %s, R8", f.Arg("p_base"))
	f.Op("MOVQ %s, SI", f.Arg("values_base"))
	f.Op("MOVQ %s, AX", f.Arg("values_len"))
	f.Op("SHRQ $2, R9 // elements of a head left")
	f.Op("XORQ DX, DX")
	f.Op("DIVQ R9")
	f.Op("MOVQ AX, R11 // positions")
	f.Op("LEAQ (R9*2), R10 // bytes between positions of values")
	f.Op("LEAQ (R9*4), R12 // and between heads of o")
	wide, narrow, done := f.NewLabel("wide"), f.NewLabel("narrow"), f.NewLabel("done")
	f.Label(wide)
	f.Op("CMPQ R9, $64")
	f.Op("JL %s", narrow)
	column4(4)
	f.Op("JMP %s", wide)
	f.Label(narrow)
	f.Op("TESTQ R9, R9")
	f.Op("JZ %s", done)
	column4(1)
	f.Op("JMP %s", narrow)
	f.Label(done)
	ret()
}

// column4 sums n registers of each head over all positions and goes on.
func column4(n int) {
	const value, product, weight = 16, 20, 24
	f.Op("MOVQ R8, DX")
	f.Op("MOVQ R11, CX")
	f.Op("MOVQ SI, BX")
	position := func(sum func(head, i int)) {
		for i := range n {
			f.Op("VCVTPH2PS %d(BX), Z%d", 32*i, value+i)
			if i%2 == 0 {
				f.Op("PREFETCHT0 %d(BX)", 2*ahead+32*i)
			}
		}
		for head := range 4 {
			f.Op("VBROADCASTSS %d(DX), Z%d", 4*64*head, weight+head)
			for i := range n {
				sum(head, i)
			}
		}
		f.Op("ADDQ $4, DX")
		f.Op("ADDQ R10, BX")
		f.Op("DECQ CX")
	}
	loop, store := f.NewLabel("position"), f.NewLabel("store")
	position(func(head, i int) {
		f.Op("VMULPS Z%d, Z%d, Z%d", value+i, weight+head, n*head+i)
	})
	f.Op("JZ %s", store)
	f.Label(loop)
	position(func(head, i int) {
		f.Op("VMULPS Z%d, Z%d, Z%d", value+i, weight+head, product+i)
		f.Op("VADDPS Z%d, Z%d, Z%d", product+i, n*head+i, n*head+i)
	})
	f.Op("JNZ %s", loop)
	f.Label(store)
	f.Op("MOVQ DI, BX")
	for head := range 4 {
		for i := range n {
			f.Op("VMOVUPS Z%d, %d(BX)", n*head+i, 64*i)
		}
		f.Op("ADDQ R12, BX")
	}
	f.Op("ADDQ $%d, DI", 64*n)
	f.Op("ADDQ $%d, SI", 32*n)
	f.Op("SUBQ $%d, R9", 16*n)
}
