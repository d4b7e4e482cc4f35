package main

// halving adds the upper half of registers 0 to n-1 to the lower until F0 is
// the sum of all. It uses V31.
func halving(n int) {
	for n /= 2; n > 0; n /= 2 {
		for i := range n {
			fadd(i, i, i+n)
		}
	}
	f.Op("VEXT $8, V0.B16, V0.B16, V31.B16")
	fadd(0, 0, 31)
	faddp(0, 0)
}

// products stores the products of 16 elements of a row at one pointer and of a
// vector at another in four registers, and advances both. It uses V24 to V29.
func products(row, x string, half bool, into int) {
	load(x, 24, 4)
	if half {
		load(row, 28, 2)
		fcvtl(into, 28)
		fcvtl2(into+1, 28)
		fcvtl(into+2, 29)
		fcvtl2(into+3, 29)
	} else {
		load(row, into, 4)
	}
	for i := range 4 {
		fmul(into+i, into+i, 24+i)
	}
}

func dotF16() {
	f.Func("dotF16NEON", "row []uint16, x []float32", "float32", 0, "is Path.DotF16.")
	dot(true)
}

func dotF32() {
	f.Func("dotF32NEON", "row []float32, x []float32", "float32", 0, "is Path.DotF32.")
	dot(false)
}

// dot keeps the 64 chains in V0 to V15.
func dot(half bool) {
	const product = 16 // four
	arg("row_base", "R0")
	arg("x_base", "R1")
	arg("x_len", "R2")
	extend := func(group int) {
		products("R0", "R1", half, product)
		for i := range 4 {
			fadd(4*group+i, 4*group+i, product+i)
		}
	}
	for group := range 4 {
		products("R0", "R1", half, 4*group)
	}
	loop, tail, done, keep := f.NewLabel("loop"), f.NewLabel("tail"), f.NewLabel("done"), f.NewLabel("keep")
	f.Op("SUB $64, R2")
	f.Label(loop)
	f.Op("CMP $64, R2")
	f.Op("BLT %s", tail)
	f.Op("PRFM %d(R0), PLDL1STRM", ahead)
	f.Op("PRFM %d(R0), PLDL1STRM", ahead+64)
	for group := range 4 {
		extend(group)
	}
	f.Op("SUB $64, R2")
	f.Op("B %s", loop)
	f.Label(tail)
	for group := range 3 {
		f.Op("CBZ R2, %s", done)
		extend(group)
		f.Op("SUB $16, R2")
	}
	f.Label(done)
	halving(16)
	f.Note("FZ")
	f.Op("FMOVS F0, R3")
	f.Op("AND $0x7FFFFFFF, R3, R4")
	f.Op("MOVD $0x26800000, R5")
	f.Op("CMP R5, R4")
	f.Op("BGE %s", keep)
	f.Op("MOVD ZR, R3")
	f.Label(keep)
	f.Op("MOVW R3, %s", f.Arg("ret"))
	f.Op("RET")
}

// scores keeps the 16 chains of one key in V0 to V3. Where the head is no
// multiple of 16 long, they go through the stack for the last elements.
func scores() {
	f.Func("scoresNEON", "s []float32, q []float32, keys []uint16, c float32", "", 64, "is Path.Scores.")
	arg("s_base", "R0")
	arg("s_len", "R1")
	arg("q_base", "R2")
	arg("q_len", "R3")
	arg("keys_base", "R4")
	f.Op("FMOVS %s, F30", f.Arg("c"))
	f.Op("AND $15, R3, R5 // elements after the last 16")
	f.Op("LSR $4, R3")
	key, loop, tail, rest, sum := f.NewLabel("key"), f.NewLabel("loop"), f.NewLabel("tail"), f.NewLabel("rest"), f.NewLabel("sum")
	f.Label(key)
	f.Op("MOVD R2, R6")
	f.Op("MOVD R3, R7")
	products("R4", "R6", true, 0)
	f.Label(loop)
	f.Op("SUB $1, R7")
	f.Op("CBZ R7, %s", tail)
	products("R4", "R6", true, 4)
	for i := range 4 {
		fadd(i, i, 4+i)
	}
	f.Op("B %s", loop)
	f.Label(tail)
	f.Op("CBZ R5, %s", sum)
	f.Op("MOVD $chains-64(SP), R8")
	f.Op("VST1 %s, (R8)", list(0, 4))
	f.Op("MOVD R5, R10")
	f.Label(rest)
	f.Op("MOVHU.P 2(R4), R9")
	f.Op("FMOVS R9, F4")
	fcvtl(4, 4)
	f.Op("FMOVS.P 4(R6), F5")
	f.Op("FMULS F5, F4, F4")
	f.Op("FMOVS (R8), F5")
	f.Op("FADDS F4, F5, F5")
	f.Op("FMOVS.P F5, 4(R8)")
	f.Op("SUB $1, R10")
	f.Op("CBNZ R10, %s", rest)
	f.Op("MOVD $chains-64(SP), R8")
	f.Op("VLD1 (R8), %s", list(0, 4))
	f.Label(sum)
	halving(4)
	f.Op("FMULS F30, F0, F0")
	f.Op("FMOVS.P F0, 4(R0)")
	f.Op("SUB $1, R1")
	f.Op("CBNZ R1, %s", key)
	f.Op("RET")
}

// weightedSum takes blocks of 32 elements of o, then of 16. Where the head is no
// multiple of 16 long, the last block overlaps the one before: it stores the
// same values again.
func weightedSum() {
	f.Func("weightedSumNEON", "o []float32, p []float32, values []uint16", "", 0, "is Path.WeightedSum.")
	arg("o_base", "R0")
	arg("o_len", "R1")
	arg("p_base", "R2")
	arg("p_len", "R3")
	arg("values_base", "R4")
	f.Op("LSL $1, R1, R5 // bytes between positions of values")
	wide, narrow, overlap, done := f.NewLabel("wide"), f.NewLabel("narrow"), f.NewLabel("overlap"), f.NewLabel("done")
	f.Label(wide)
	f.Op("CMP $32, R1")
	f.Op("BLT %s", narrow)
	column(8)
	f.Op("B %s", wide)
	f.Label(narrow)
	f.Op("CBZ R1, %s", done)
	f.Op("CMP $16, R1")
	f.Op("BGE %s", overlap)
	f.Op("SUB $16, R1")
	f.Op("ADD R1<<2, R0")
	f.Op("ADD R1<<1, R4")
	f.Op("MOVD $16, R1")
	f.Label(overlap)
	column(4)
	f.Op("B %s", narrow)
	f.Label(done)
	f.Op("RET")
}

// column sums n registers of o over all positions and goes on to the next.
func column(n int) {
	const half, weight = 16, 30
	product := func(into int) {
		f.Op("VLD1R.P 4(R6), [V%d.S4]", weight)
		f.Op("VLD1 (R8), %s", list(half, n/2))
		f.Op("ADD R5, R8")
		for i := range n / 2 {
			fcvtl(into+2*i, half+i)
			fcvtl2(into+2*i+1, half+i)
		}
		for i := range n {
			fmul(into+i, into+i, weight)
		}
	}
	loop, end := f.NewLabel("position"), f.NewLabel("end")
	f.Op("MOVD R2, R6")
	f.Op("MOVD R3, R7")
	f.Op("MOVD R4, R8")
	product(0)
	f.Label(loop)
	f.Op("SUB $1, R7")
	f.Op("CBZ R7, %s", end)
	product(n)
	for i := range n {
		fadd(i, i, n+i)
	}
	f.Op("B %s", loop)
	f.Label(end)
	for i := 0; i < n; i += 4 {
		store("R0", i, 4)
	}
	f.Op("ADD $%d, R4", 8*n)
	f.Op("SUB $%d, R1", 4*n)
}

// exp2Coefficients are those of cpu/kernel/scalar.go.
var exp2Coefficients = [7]uint32{
	0x3923862D, 0x3AAFB95B, 0x3C1D91B9, 0x3D635723, 0x3E75FDF9, 0x3F317219, 0x3F800000,
}

// exps keeps a copy of its results on the stack, with zeros behind, for the sum.
func exps() {
	f.Func("expsNEON", "p []float32, m float32", "float32", 256, "is Path.Exps.")
	const x, y, frac, integer, result, coefficient, magic, low, top = 0, 1, 2, 3, 4, 16, 24, 25, 26
	arg("p_base", "R0")
	arg("p_len", "R1")
	f.Op("FMOVS %s, F%d", f.Arg("m"), top)
	f.Op("VDUP V%d.S[0], V%d.S4", top, top)
	for i, c := range exp2Coefficients {
		broadcast(c, coefficient+i)
	}
	broadcast(0x4B400000, magic) // 1.5 * 2^23
	broadcast(0xC2800000, low)   // -64
	for i := range 4 {
		clear(i)
	}
	f.Op("MOVD $results-256(SP), R2")
	for range 4 {
		store("R2", 0, 4)
	}
	f.Op("MOVD $results-256(SP), R2")
	each("R1", func(l lane) {
		l.load("(R0)", x)
		fsub(x, x, top)
		fadd(y, x, magic)
		fsub(frac, y, magic)
		fsub(frac, x, frac)
		sub(integer, y, magic)
		f.Op("VSHL $23, V%d.S4, V%d.S4", integer, integer)
		fmul(result, coefficient, frac)
		for i := 1; i < 7; i++ {
			fadd(result, result, coefficient+i)
			if i < 6 {
				fmul(result, result, frac)
			}
		}
		add(result, result, integer)
		fcmge(x, x, low)
		and(result, result, x)
		l.storeNext(result, "R0")
		l.storeNext(result, "R2")
	})
	f.Op("MOVD $results-256(SP), R2")
	for i := range 4 {
		load("R2", 4*i, 4)
	}
	halving(16)
	f.Op("FMOVS F0, %s", f.Arg("ret"))
	f.Op("RET")
}

// A lane is a width for a loop body: 4 elements, or the one in lane 0 of a
// register for what is left.
type lane struct {
	move string
	n    int
}

func (l lane) load(from string, i int)         { f.Op("%s %s, F%d", l.move, from, i) }
func (l lane) loadNext(pointer string, i int)  { f.Op("%s.P %d(%s), F%d", l.move, 4*l.n, pointer, i) }
func (l lane) storeNext(i int, pointer string) { f.Op("%s.P F%d, %d(%s)", l.move, i, 4*l.n, pointer) }

// each runs body over a count of elements, 4 at a time and then singly.
func each(count string, body func(lane)) {
	wide, single, done := f.NewLabel("wide"), f.NewLabel("single"), f.NewLabel("done")
	f.Label(wide)
	f.Op("CMP $4, %s", count)
	f.Op("BLT %s", single)
	body(lane{"FMOVQ", 4})
	f.Op("SUB $4, %s", count)
	f.Op("B %s", wide)
	f.Label(single)
	f.Op("CBZ %s, %s", count, done)
	body(lane{"FMOVS", 1})
	f.Op("SUB $1, %s", count)
	f.Op("B %s", single)
	f.Label(done)
}
