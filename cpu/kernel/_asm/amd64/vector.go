package main

import "fmt"

// The elementwise kernels. They are a thousandth of the work, so the avx512
// path shares them.

// flushZero clears what is below 2^-50 in register i (FZ of scalar.go). Register
// bound holds 0x267FFFFF, abs 0x7FFFFFFF; register spare is overwritten.
func flushZero(l lane, i, bound, abs, spare int) {
	l.op("VANDPS", abs, i, spare)
	l.op("VPCMPGTD", bound, spare, spare)
	l.op("VANDPS", spare, i, i)
}

const (
	absBits   = 0x7FFFFFFF
	boundBits = 0x26800000 - 1 // below 2^-50
)

func blockSquares() {
	f.Func("blockSquaresAVX2", "sums []float32, h []float32", "", 0, "is Path.BlockSquares.")
	f.Op("MOVQ %s, DI", f.Arg("sums_base"))
	f.Op("MOVQ %s, CX", f.Arg("sums_len"))
	f.Op("MOVQ %s, SI", f.Arg("h_base"))
	loop, done := f.NewLabel("loop"), f.NewLabel("done")
	f.Label(loop)
	f.Op("TESTQ CX, CX")
	f.Op("JZ %s", done)
	for i := range 2 {
		f.Op("VMOVUPS %d(SI), Y%d", 32*i, i)
		f.Op("VMULPS Y%d, Y%d, Y%d", i, i, i)
	}
	halving(ymm, 2)
	f.Op("VMOVSS X0, (DI)")
	f.Op("ADDQ $64, SI")
	f.Op("ADDQ $4, DI")
	f.Op("DECQ CX")
	f.Op("JMP %s", loop)
	f.Label(done)
	ret()
}

func quantise() {
	f.Func("quantiseAVX2", "q []int8, y []float32, inv float32", "int32", 0, "is Path.Quantise.")
	const sum, inv, magic, bytes = 8, 9, 10, 11
	f.Op("MOVQ %s, DI", f.Arg("q_base"))
	f.Op("MOVQ %s, CX", f.Arg("q_len"))
	f.Op("MOVQ %s, SI", f.Arg("y_base"))
	f.Op("VBROADCASTSS %s, Y%d", f.Arg("inv"), inv)
	broadcast(ymm, 0x4B400000, magic) // 1.5 * 2^23: the code is left in the low bits
	f.Op("MOVQ $0x808080800C080400, AX // the low bytes of four words")
	f.Op("VMOVQ AX, X%d", bytes)
	f.Op("VPBROADCASTQ X%d, Y%d", bytes, bytes)
	f.Op("VPXOR Y%d, Y%d, Y%d", sum, sum, sum)
	loop, done := f.NewLabel("loop"), f.NewLabel("done")
	f.Label(loop)
	f.Op("TESTQ CX, CX")
	f.Op("JZ %s", done)
	for i := range 2 {
		f.Op("VMULPS %d(SI), Y%d, Y%d", 32*i, inv, i)
		f.Op("VADDPS Y%d, Y%d, Y%d", magic, i, i)
		f.Op("VPSUBD Y%d, Y%d, Y%d", magic, i, i)
		f.Op("VPADDD Y%d, Y%d, Y%d", i, sum, sum)
		f.Op("VPSHUFB Y%d, Y%d, Y%d", bytes, i, i)
		f.Op("VEXTRACTI128 $1, Y%d, X15", i)
		f.Op("VPUNPCKLDQ X15, X%d, X%d", i, i)
		f.Op("VMOVQ X%d, %d(DI)", i, 8*i)
	}
	f.Op("ADDQ $64, SI")
	f.Op("ADDQ $16, DI")
	f.Op("SUBQ $16, CX")
	f.Op("JMP %s", loop)
	f.Label(done)
	fold("VPADDD", sum)
	f.Op("VMOVD X%d, AX", sum)
	f.Op("MOVL AX, %s", f.Arg("ret"))
	ret()
}

// fold combines the 8 integers of register i in lane 0, using register 15.
func fold(op string, i int) {
	f.Op("VEXTRACTI128 $1, Y%d, X15", i)
	f.Op("%s X15, X%d, X%d", op, i, i)
	f.Op("VPSHUFD $0x0E, X%d, X15", i)
	f.Op("%s X15, X%d, X%d", op, i, i)
	f.Op("VPSHUFD $0x01, X%d, X15", i)
	f.Op("%s X15, X%d, X%d", op, i, i)
}

func mulMax() {
	f.Func("mulMaxAVX2", "y []float32, h []float32, g []float32", "uint32", 0, "is Path.MulMax.")
	const top, bound, abs, spare = 8, 9, 10, 11
	f.Op("MOVQ %s, DI", f.Arg("y_base"))
	f.Op("MOVQ %s, CX", f.Arg("y_len"))
	f.Op("MOVQ %s, SI", f.Arg("h_base"))
	f.Op("MOVQ %s, BX", f.Arg("g_base"))
	broadcast(ymm, boundBits, bound)
	broadcast(ymm, absBits, abs)
	f.Op("VPXOR Y%d, Y%d, Y%d", top, top, top)
	loop, done := f.NewLabel("loop"), f.NewLabel("done")
	l := lane{"Y", "VMOVUPS"}
	f.Label(loop)
	f.Op("TESTQ CX, CX")
	f.Op("JZ %s", done)
	for i := range 2 {
		f.Op("VMOVUPS %d(SI), Y%d", 32*i, i)
		f.Op("VMULPS %d(BX), Y%d, Y%d", 32*i, i, i)
		flushZero(l, i, bound, abs, spare)
		f.Op("VMOVUPS Y%d, %d(DI)", i, 32*i)
		l.op("VANDPS", abs, i, i)
		l.op("VPMAXUD", i, top, top)
	}
	for _, p := range []string{"SI", "BX", "DI"} {
		f.Op("ADDQ $64, %s", p)
	}
	f.Op("SUBQ $16, CX")
	f.Op("JMP %s", loop)
	f.Label(done)
	fold("VPMAXUD", top)
	f.Op("VMOVD X%d, AX", top)
	f.Op("MOVL AX, %s", f.Arg("ret"))
	ret()
}

func scale() {
	f.Func("scaleAVX2", "out []float32, acc []int32, sum int32, s float32", "", 0, "is Path.Scale.")
	const sum, s = 8, 9
	f.Op("MOVQ %s, DI", f.Arg("out_base"))
	f.Op("MOVQ %s, CX", f.Arg("out_len"))
	f.Op("MOVQ %s, SI", f.Arg("acc_base"))
	f.Op("VBROADCASTSS %s, Y%d", f.Arg("sum"), sum)
	f.Op("VBROADCASTSS %s, Y%d", f.Arg("s"), s)
	each([]string{"SI", "DI"}, 4, func(l lane) {
		scaled(l, sum, s)
		l.store(0, "(DI)")
	})
	ret()
}

// scaled leaves float(acc - sum) * s in register 0.
func scaled(l lane, sum, s int) {
	l.load("(SI)", 0)
	l.op("VPSUBD", sum, 0, 0)
	f.Op("VCVTDQ2PS %s, %s", l.reg(0), l.reg(0))
	l.op("VMULPS", s, 0, 0)
}

func addScaled() {
	f.Func("addScaledAVX2", "h []float32, acc []int32, sum int32, s float32", "", 0, "is Path.AddScaled.")
	const sum, s, bound, abs = 8, 9, 10, 11
	f.Op("MOVQ %s, DI", f.Arg("h_base"))
	f.Op("MOVQ %s, CX", f.Arg("h_len"))
	f.Op("MOVQ %s, SI", f.Arg("acc_base"))
	f.Op("VBROADCASTSS %s, Y%d", f.Arg("sum"), sum)
	f.Op("VBROADCASTSS %s, Y%d", f.Arg("s"), s)
	broadcast(ymm, boundBits, bound)
	broadcast(ymm, absBits, abs)
	each([]string{"SI", "DI"}, 4, func(l lane) {
		scaled(l, sum, s)
		l.load("(DI)", 1)
		l.op("VADDPS", 0, 1, 1)
		flushZero(l, 1, bound, abs, 2)
		l.store(1, "(DI)")
	})
	ret()
}

// scaleTile goes through the 64 rows of each token.
func scaleTile() {
	f.Func("scaleTileAVX2", "out []float32, acc []int32, sums []int32, scales []float32, stride int32", "", 0, "is Path.ScaleTile.")
	tileTokens(func() {}, func(l lane, at, sum, s int) {
		tileScaled(l, fmt.Sprintf("%d(SI)", at), sum, s)
		f.Op("VMOVUPS Y0, %d(DI)", at)
	})
}

func addScaledTile() {
	f.Func("addScaledTileAVX2", "out []float32, acc []int32, sums []int32, scales []float32, stride int32", "", 0, "is Path.AddScaledTile.")
	const bound, abs = 10, 11
	broadcast(ymm, boundBits, bound)
	broadcast(ymm, absBits, abs)
	tileTokens(func() {}, func(l lane, at, sum, s int) {
		tileScaled(l, fmt.Sprintf("%d(SI)", at), sum, s)
		f.Op("VADDPS %d(DI), Y0, Y0", at)
		flushZero(l, 0, bound, abs, 2)
		f.Op("VMOVUPS Y0, %d(DI)", at)
	})
}

// tileTokens runs begin for each token and body for each 8 of its rows, at so many
// bytes behind DI and SI.
func tileTokens(begin func(), body func(l lane, at, sum, s int)) {
	const sum, s = 8, 9
	f.Op("MOVQ %s, DI", f.Arg("out_base"))
	f.Op("MOVQ %s, SI", f.Arg("acc_base"))
	f.Op("MOVQ %s, R8", f.Arg("sums_base"))
	f.Op("MOVQ %s, CX", f.Arg("sums_len"))
	f.Op("MOVQ %s, R9", f.Arg("scales_base"))
	f.Op("MOVLQSX %s, R10", f.Arg("stride"))
	f.Op("SHLQ $2, R10")
	f.Op("LEAQ (CX*4), R11")
	token, done := f.NewLabel("token"), f.NewLabel("done")
	f.Label(token)
	f.Op("SUBQ $1, CX")
	f.Op("JL %s", done)
	f.Op("VBROADCASTSS (R8), Y%d", sum)
	f.Op("VBROADCASTSS (R9), Y%d", s)
	begin()
	for at := 0; at < 256; at += 32 {
		body(lane{"Y", "VMOVUPS"}, at, sum, s)
	}
	f.Op("ADDQ R10, DI")
	f.Op("ADDQ $256, SI")
	f.Op("ADDQ $4, R8")
	f.Op("ADDQ $4, R9")
	f.Op("JMP %s", token)
	f.Label(done)
	ret()
}

// tileScaled leaves float(acc - sum) * s in register 0.
func tileScaled(l lane, acc string, sum, s int) {
	f.Op("VMOVDQU %s, Y0", acc)
	l.op("VPSUBD", sum, 0, 0)
	f.Op("VCVTDQ2PS Y0, Y0")
	l.op("VMULPS", s, 0, 0)
}

func relu2() {
	f.Func("relu2AVX2", "v []float32, gate []float32, up []float32", "", 0, "is Path.ReLU2.")
	const zero, bound, abs = 8, 9, 10
	f.Op("MOVQ %s, DI", f.Arg("v_base"))
	f.Op("MOVQ %s, CX", f.Arg("v_len"))
	f.Op("MOVQ %s, SI", f.Arg("gate_base"))
	f.Op("MOVQ %s, BX", f.Arg("up_base"))
	f.Op("VXORPS Y%d, Y%d, Y%d", zero, zero, zero)
	broadcast(ymm, boundBits, bound)
	broadcast(ymm, absBits, abs)
	each([]string{"SI", "BX", "DI"}, 4, func(l lane) {
		l.load("(SI)", 0)
		squared(l, zero)
		l.load("(BX)", 1)
		l.op("VMULPS", 1, 0, 0)
		flushZero(l, 0, bound, abs, 2)
		l.store(0, "(DI)")
	})
	ret()
}

// squared leaves the squared ReLU of register 0 there.
func squared(l lane, zero int) {
	l.op("VMAXPS", zero, 0, 0) // the second operand, zero, where it is NaN
	l.op("VMULPS", 0, 0, 0)
}

// relu2Tile has the sums of up BX bytes behind those of gate, the scales R11.
func relu2Tile() {
	f.Func("relu2TileAVX2", "out []float32, acc []int32, up []int32, sums []int32, scales []float32, stride int32", "", 0, "is Path.ReLU2Tile.")
	const zero, bound, abs, upScale = 12, 10, 11, 13
	f.Op("MOVQ %s, BX", f.Arg("up_base"))
	f.Op("SUBQ %s, BX", f.Arg("acc_base"))
	f.Op("VXORPS Y%d, Y%d, Y%d", zero, zero, zero)
	broadcast(ymm, boundBits, bound)
	broadcast(ymm, absBits, abs)
	tileTokens(func() {
		f.Op("VBROADCASTSS (R9)(R11*1), Y%d", upScale)
	}, func(l lane, at, sum, s int) {
		tileScaled(l, fmt.Sprintf("%d(SI)(BX*1)", at), sum, upScale)
		f.Op("VMOVAPS Y0, Y1")
		tileScaled(l, fmt.Sprintf("%d(SI)", at), sum, s)
		squared(l, zero)
		l.op("VMULPS", 1, 0, 0)
		flushZero(l, 0, bound, abs, 2)
		f.Op("VMOVUPS Y0, %d(DI)", at)
	})
}

func times() {
	f.Func("timesAVX2", "y []float32, x []float32, a float32", "", 0, "is Path.Times.")
	const factor, bound, abs = 8, 9, 10
	f.Op("MOVQ %s, DI", f.Arg("y_base"))
	f.Op("MOVQ %s, CX", f.Arg("y_len"))
	f.Op("MOVQ %s, SI", f.Arg("x_base"))
	f.Op("VBROADCASTSS %s, Y%d", f.Arg("a"), factor)
	broadcast(ymm, boundBits, bound)
	broadcast(ymm, absBits, abs)
	each([]string{"SI", "DI"}, 4, func(l lane) {
		l.load("(SI)", 0)
		l.op("VMULPS", factor, 0, 0)
		flushZero(l, 0, bound, abs, 1)
		l.store(0, "(DI)")
	})
	ret()
}

func mulAdd() {
	f.Func("mulAddAVX2", "y []float32, x []float32, u []float32, a float32", "", 0, "is Path.MulAdd.")
	const factor = 8
	f.Op("MOVQ %s, DI", f.Arg("y_base"))
	f.Op("MOVQ %s, CX", f.Arg("y_len"))
	f.Op("MOVQ %s, SI", f.Arg("x_base"))
	f.Op("MOVQ %s, BX", f.Arg("u_base"))
	f.Op("VBROADCASTSS %s, Y%d", f.Arg("a"), factor)
	each([]string{"SI", "BX", "DI"}, 4, func(l lane) {
		l.load("(SI)", 0)
		l.op("VMULPS", factor, 0, 0)
		l.load("(BX)", 1)
		l.op("VADDPS", 1, 0, 0)
		l.store(0, "(DI)")
	})
	ret()
}

func rotate() {
	f.Func("rotateAVX2", "x []float32, cos []float32, sin []float32", "", 0, "is Path.Rotate.")
	const a, b, cos, sin, t, u, bound, abs = 0, 1, 2, 3, 4, 5, 10, 11
	f.Op("MOVQ %s, DI", f.Arg("x_base"))
	f.Op("MOVQ %s, BX", f.Arg("cos_base"))
	f.Op("MOVQ %s, CX", f.Arg("cos_len"))
	f.Op("MOVQ %s, DX", f.Arg("sin_base"))
	f.Op("LEAQ (DI)(CX*4), SI")
	broadcast(ymm, boundBits, bound)
	broadcast(ymm, absBits, abs)
	each([]string{"DI", "SI", "BX", "DX"}, 4, func(l lane) {
		for i, from := range []string{"(DI)", "(SI)", "(BX)", "(DX)"} {
			l.load(from, a+i)
		}
		l.op("VMULPS", cos, a, t)
		l.op("VMULPS", sin, b, u)
		l.op("VSUBPS", u, t, t)
		flushZero(l, t, bound, abs, u)
		l.store(t, "(DI)")
		l.op("VMULPS", cos, b, t)
		l.op("VMULPS", sin, a, u)
		l.op("VADDPS", u, t, t)
		flushZero(l, t, bound, abs, u)
		l.store(t, "(SI)")
	})
	ret()
}

// halves keeps the largest result of each lane in Y8.
func halves() {
	f.Func("halvesAVX2", "dst []uint16, x []float32", "uint32", 0, "is Path.Halves.")
	const top, abs = 8, 9
	f.Op("MOVQ %s, DI", f.Arg("dst_base"))
	f.Op("MOVQ %s, CX", f.Arg("dst_len"))
	f.Op("MOVQ %s, SI", f.Arg("x_base"))
	broadcast(ymm, 0x7FFF7FFF, abs)
	f.Op("VPXOR Y%d, Y%d, Y%d", top, top, top)
	wide, single, done := f.NewLabel("wide"), f.NewLabel("single"), f.NewLabel("done")
	f.Label(wide)
	f.Op("SUBQ $8, CX")
	f.Op("JL %s", single)
	f.Op("VMOVUPS (SI), Y0")
	f.Op("VCVTPS2PH $0, Y0, X0 // nearest, ties to even")
	f.Op("VMOVDQU X0, (DI)")
	f.Op("VPAND X%d, X0, X0", abs)
	f.Op("VPMAXUW X%d, X0, X%d", top, top)
	f.Op("ADDQ $32, SI")
	f.Op("ADDQ $16, DI")
	f.Op("JMP %s", wide)
	f.Label(single)
	f.Op("ADDQ $8, CX")
	rest := f.NewLabel("rest")
	f.Label(rest)
	f.Op("SUBQ $1, CX")
	f.Op("JL %s", done)
	f.Op("VMOVSS (SI), X0")
	f.Op("VCVTPS2PH $0, X0, X0")
	f.Op("VPEXTRW $0, X0, AX")
	f.Op("MOVW AX, (DI)")
	f.Op("VPAND X%d, X0, X0", abs)
	f.Op("VPMAXUW X%d, X0, X%d", top, top)
	f.Op("ADDQ $4, SI")
	f.Op("ADDQ $2, DI")
	f.Op("JMP %s", rest)
	f.Label(done)
	f.Op("VPXOR X1, X1, X1")
	f.Op("VPUNPCKHWD X1, X%d, X0", top)
	f.Op("VPUNPCKLWD X1, X%d, X%d", top, top)
	f.Op("VPMAXUD X0, X%d, X%d", top, top)
	fold("VPMAXUD", top)
	f.Op("VMOVD X%d, AX", top)
	f.Op("MOVL AX, %s", f.Arg("ret"))
	ret()
}

func blend() {
	f.Func("blendAVX2", "o []float32, w []float32, a float32, b float32", "", 0, "is Path.Blend.")
	const a, b, bound, abs = 8, 9, 10, 11
	f.Op("MOVQ %s, DI", f.Arg("o_base"))
	f.Op("MOVQ %s, CX", f.Arg("o_len"))
	f.Op("MOVQ %s, SI", f.Arg("w_base"))
	f.Op("VBROADCASTSS %s, Y%d", f.Arg("a"), a)
	f.Op("VBROADCASTSS %s, Y%d", f.Arg("b"), b)
	broadcast(ymm, boundBits, bound)
	broadcast(ymm, absBits, abs)
	each([]string{"SI", "DI"}, 4, func(l lane) {
		l.load("(DI)", 0)
		l.op("VMULPS", a, 0, 0)
		flushZero(l, 0, bound, abs, 2)
		l.load("(SI)", 1)
		l.op("VMULPS", b, 1, 1)
		flushZero(l, 1, bound, abs, 2)
		l.op("VADDPS", 1, 0, 0)
		flushZero(l, 0, bound, abs, 2)
		l.store(0, "(DI)")
	})
	ret()
}
