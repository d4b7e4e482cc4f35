package main

// The elementwise kernels.

const (
	absBits   = 0x7FFFFFFF
	boundBits = 0x26800000 - 1 // below 2^-50
)

// flushZero clears what is below 2^-50 in register i (FZ of scalar.go). Register
// bound holds boundBits, abs absBits; register spare is overwritten.
func flushZero(i, bound, abs, spare int) {
	and(spare, i, abs)
	cmgt(spare, spare, bound)
	and(i, i, spare)
}

func blockSquares() {
	f.Func("blockSquaresNEON", "sums []float32, h []float32", "", 0, "is Path.BlockSquares.")
	arg("sums_base", "R0")
	arg("sums_len", "R1")
	arg("h_base", "R2")
	loop, done := f.NewLabel("loop"), f.NewLabel("done")
	f.Label(loop)
	f.Op("CBZ R1, %s", done)
	load("R2", 0, 4)
	for i := range 4 {
		fmul(i, i, i)
	}
	halving(4)
	f.Op("FMOVS.P F0, 4(R0)")
	f.Op("SUB $1, R1")
	f.Op("B %s", loop)
	f.Label(done)
	f.Op("RET")
}

func quantise() {
	f.Func("quantiseNEON", "q []int8, y []float32, inv float32", "int32", 0, "is Path.Quantise.")
	const total, inv, magic = 8, 9, 10
	arg("q_base", "R0")
	arg("q_len", "R1")
	arg("y_base", "R2")
	f.Op("FMOVS %s, F%d", f.Arg("inv"), inv)
	f.Op("VDUP V%d.S[0], V%d.S4", inv, inv)
	broadcast(0x4B400000, magic) // 1.5 * 2^23: the code is left in the low bits
	clear(total)
	loop, done := f.NewLabel("loop"), f.NewLabel("done")
	f.Label(loop)
	f.Op("CBZ R1, %s", done)
	load("R2", 0, 4)
	for i := range 4 {
		fmul(i, i, inv)
		fadd(i, i, magic)
		sub(i, i, magic)
		add(total, total, i)
	}
	xtn4(4, 0)
	xtn4hi(4, 1)
	xtn4(5, 2)
	xtn4hi(5, 3)
	xtn8(4, 4)
	xtn8hi(4, 5)
	store("R0", 4, 1)
	f.Op("SUB $16, R1")
	f.Op("B %s", loop)
	f.Label(done)
	addv(total, total)
	f.Op("FMOVS F%d, R3", total)
	f.Op("MOVW R3, %s", f.Arg("ret"))
	f.Op("RET")
}

func mulMax() {
	f.Func("mulMaxNEON", "y []float32, h []float32, g []float32", "uint32", 0, "is Path.MulMax.")
	const top, bound, abs, spare = 8, 9, 10, 11
	arg("y_base", "R0")
	arg("y_len", "R1")
	arg("h_base", "R2")
	arg("g_base", "R3")
	broadcast(boundBits, bound)
	broadcast(absBits, abs)
	clear(top)
	loop, done := f.NewLabel("loop"), f.NewLabel("done")
	f.Label(loop)
	f.Op("CBZ R1, %s", done)
	load("R2", 0, 4)
	load("R3", 4, 4)
	for i := range 4 {
		fmul(i, i, 4+i)
		flushZero(i, bound, abs, spare)
		and(spare, i, abs)
		umax(top, top, spare)
	}
	store("R0", 0, 4)
	f.Op("SUB $16, R1")
	f.Op("B %s", loop)
	f.Label(done)
	umaxv(top, top)
	f.Op("FMOVS F%d, R3", top)
	f.Op("MOVW R3, %s", f.Arg("ret"))
	f.Op("RET")
}

func scale() {
	f.Func("scaleNEON", "out []float32, acc []int32, sum int32, s float32", "", 0, "is Path.Scale.")
	arg("out_base", "R0")
	arg("out_len", "R1")
	scaleArgs()
	each("R1", func(l lane) {
		scaled(l)
		l.storeNext(0, "R0")
	})
	f.Op("RET")
}

// scaleArgs loads what scaled needs: acc in R2, the sum in V8, the scale in V9.
func scaleArgs() {
	arg("acc_base", "R2")
	f.Op("MOVW %s, R9", f.Arg("sum"))
	f.Op("VDUP R9, V8.S4")
	f.Op("FMOVS %s, F9", f.Arg("s"))
	f.Op("VDUP V9.S[0], V9.S4")
}

// scaled leaves float(acc - sum) * s in register 0.
func scaled(l lane) {
	l.loadNext("R2", 0)
	sub(0, 0, 8)
	scvtf(0, 0)
	fmul(0, 0, 9)
}

func addScaled() {
	f.Func("addScaledNEON", "h []float32, acc []int32, sum int32, s float32", "", 0, "is Path.AddScaled.")
	const bound, abs = 10, 11
	arg("h_base", "R0")
	arg("h_len", "R1")
	scaleArgs()
	broadcast(boundBits, bound)
	broadcast(absBits, abs)
	each("R1", func(l lane) {
		scaled(l)
		l.load("(R0)", 1)
		fadd(0, 1, 0)
		flushZero(0, bound, abs, 2)
		l.storeNext(0, "R0")
	})
	f.Op("RET")
}

func relu2() {
	f.Func("relu2NEON", "v []float32, gate []float32, up []float32", "", 0, "is Path.ReLU2.")
	const bound, abs = 8, 9
	arg("v_base", "R0")
	arg("v_len", "R1")
	arg("gate_base", "R2")
	arg("up_base", "R3")
	broadcast(boundBits, bound)
	broadcast(absBits, abs)
	each("R1", func(l lane) {
		l.loadNext("R2", 0)
		positive(2, 0) // false for a NaN
		and(0, 0, 2)
		fmul(0, 0, 0)
		l.loadNext("R3", 1)
		fmul(0, 0, 1)
		flushZero(0, bound, abs, 2)
		l.storeNext(0, "R0")
	})
	f.Op("RET")
}

func mulAdd() {
	f.Func("mulAddNEON", "y []float32, x []float32, u []float32, a float32", "", 0, "is Path.MulAdd.")
	const factor = 8
	arg("y_base", "R0")
	arg("y_len", "R1")
	arg("x_base", "R2")
	arg("u_base", "R3")
	f.Op("FMOVS %s, F%d", f.Arg("a"), factor)
	f.Op("VDUP V%d.S[0], V%d.S4", factor, factor)
	each("R1", func(l lane) {
		l.loadNext("R2", 0)
		fmul(0, 0, factor)
		l.loadNext("R3", 1)
		fadd(0, 0, 1)
		l.storeNext(0, "R0")
	})
	f.Op("RET")
}

func blend() {
	f.Func("blendNEON", "o []float32, w []float32, a float32, b float32", "", 0, "is Path.Blend.")
	const a, b, bound, abs = 8, 9, 10, 11
	arg("o_base", "R0")
	arg("o_len", "R1")
	arg("w_base", "R2")
	f.Op("FMOVS %s, F%d", f.Arg("a"), a)
	f.Op("VDUP V%d.S[0], V%d.S4", a, a)
	f.Op("FMOVS %s, F%d", f.Arg("b"), b)
	f.Op("VDUP V%d.S[0], V%d.S4", b, b)
	broadcast(boundBits, bound)
	broadcast(absBits, abs)
	each("R1", func(l lane) {
		l.load("(R0)", 0)
		fmul(0, 0, a)
		flushZero(0, bound, abs, 2)
		l.loadNext("R2", 1)
		fmul(1, 1, b)
		flushZero(1, bound, abs, 2)
		fadd(0, 0, 1)
		flushZero(0, bound, abs, 2)
		l.storeNext(0, "R0")
	})
	f.Op("RET")
}
