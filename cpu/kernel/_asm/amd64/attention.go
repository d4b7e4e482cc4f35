package main

import "fmt"

// halving adds the upper half of registers 0 to n-1 to the lower until X0 holds
// the sum of all in its first lane. It uses register 15.
func halving(v vector, n int) {
	for n /= 2; n > 0; n /= 2 {
		for i := range n {
			f.Op("VADDPS %s, %s, %s", v.reg(i+n), v.reg(i), v.reg(i))
		}
	}
	if v == zmm {
		f.Op("VEXTRACTF64X4 $1, Z0, Y15")
		f.Op("VADDPS Y15, Y0, Y0")
	}
	f.Op("VEXTRACTF128 $1, Y0, X15")
	f.Op("VADDPS X15, X0, X0")
	f.Op("VPERMILPS $0x0E, X0, X15")
	f.Op("VADDPS X15, X0, X0")
	f.Op("VPERMILPS $0x01, X0, X15")
	f.Op("VADDSS X15, X0, X0")
}

// A row is a stored type of the head.
type row struct {
	name, kind string
	load       string // the instruction that loads and widens
	size       int    // bytes of an element
}

var (
	f16 = row{"dotF16", "[]uint16", "VCVTPH2PS", 2}
	f32 = row{"dotF32", "[]float32", "VMOVUPS", 4}
)

// dot keeps its 64 chains in registers 0 and up.
func dot(v vector, r row) {
	f.Func(r.name+v.path, "row "+r.kind+", x []float32", "float32", 0, "is Path.D"+r.name[1:]+".")
	n := 64 / v.lanes // registers of chains
	product := func(i, into int) {
		f.Op("%s %d(SI), %s", r.load, r.size*v.lanes*i, v.reg(into))
		f.Op("VMULPS %d(DI), %s, %s", 4*v.lanes*i, v.reg(into), v.reg(into))
	}
	extend := func(registers int) {
		for i := range registers {
			product(i, n+i)
		}
		for i := range registers {
			f.Op("VADDPS %s, %s, %s", v.reg(n+i), v.reg(i), v.reg(i))
		}
	}
	advance := func() {
		f.Op("ADDQ $%d, SI", 64*r.size)
		f.Op("ADDQ $256, DI")
	}
	f.Op("MOVQ %s, SI", f.Arg("row_base"))
	f.Op("MOVQ %s, DI", f.Arg("x_base"))
	f.Op("MOVQ %s, CX", f.Arg("x_len"))
	f.Op("MOVQ CX, DX")
	f.Op("ANDQ $63, DX // left after the last 64")
	f.Op("SHRQ $6, CX")
	for i := range n {
		product(i, i)
	}
	advance()
	loop, tail, done := f.NewLabel("loop"), f.NewLabel("tail"), f.NewLabel("done")
	f.Op("DECQ CX")
	f.Op("JZ %s", tail)
	f.Label(loop)
	for at := 0; at < 64*r.size; at += 64 {
		f.Op("PREFETCHT0 %d(SI)", ahead+at)
	}
	extend(n)
	advance()
	f.Op("DECQ CX")
	f.Op("JNZ %s", loop)
	f.Label(tail)
	for i := range 3 { // 16 chains each
		f.Op("CMPQ DX, $%d", 16*(i+1))
		f.Op("JL %s", done)
		for k := i * 16 / v.lanes; k < (i+1)*16/v.lanes; k++ {
			product(k, n+k)
			f.Op("VADDPS %s, %s, %s", v.reg(n+k), v.reg(k), v.reg(k))
		}
	}
	f.Label(done)
	halving(v, n)
	keep := f.NewLabel("keep")
	f.Note("FZ")
	f.Op("VMOVD X0, AX")
	f.Op("MOVL AX, CX")
	f.Op("ANDL $0x7FFFFFFF, CX")
	f.Op("CMPL CX, $0x26800000")
	f.Op("JAE %s", keep)
	f.Op("XORL AX, AX")
	f.Label(keep)
	f.Op("MOVL AX, %s", f.Arg("ret"))
	ret()
}

// scores keeps the 16 chains of one key in registers 0 and up. Where the head
// is no multiple of 16 long, they go through the stack for the last elements.
func scores(v vector) {
	f.Func("scores"+v.path, "s []float32, q []float32, keys []uint16, c float32", "", 64, "is Path.Scores.")
	n := 16 / v.lanes
	product := func(i, into int) {
		f.Op("VCVTPH2PS %d(SI), %s", 2*v.lanes*i, v.reg(into))
		f.Op("VMULPS %d(BX), %s, %s", 4*v.lanes*i, v.reg(into), v.reg(into))
	}
	advance := func() {
		f.Op("ADDQ $32, SI")
		f.Op("ADDQ $64, BX")
	}
	f.Op("MOVQ %s, DI", f.Arg("s_base"))
	f.Op("MOVQ %s, CX", f.Arg("s_len"))
	f.Op("MOVQ %s, R8", f.Arg("q_base"))
	f.Op("MOVQ %s, R9", f.Arg("q_len"))
	f.Op("MOVQ %s, SI", f.Arg("keys_base"))
	f.Op("MOVQ R9, R10")
	f.Op("ANDQ $15, R10 // elements after the last 16")
	f.Op("SHRQ $4, R9")
	key, loop, tail, rest, sum := f.NewLabel("key"), f.NewLabel("loop"), f.NewLabel("tail"), f.NewLabel("rest"), f.NewLabel("sum")
	f.Label(key)
	f.Op("MOVQ R8, BX")
	f.Op("MOVQ R9, DX")
	for i := range n {
		product(i, i)
	}
	advance()
	f.Op("DECQ DX")
	f.Op("JZ %s", tail)
	f.Label(loop)
	for i := range n {
		product(i, n+i)
		f.Op("VADDPS %s, %s, %s", v.reg(n+i), v.reg(i), v.reg(i))
	}
	advance()
	f.Op("DECQ DX")
	f.Op("JNZ %s", loop)
	f.Label(tail)
	f.Op("TESTQ R10, R10")
	f.Op("JZ %s", sum)
	for i := range n {
		f.Op("VMOVUPS %s, %d(SP)", v.reg(i), 4*v.lanes*i)
	}
	f.Op("XORQ DX, DX")
	f.Label(rest)
	halfToSingle("(SI)", 1)
	f.Op("VMULSS (BX), X1, X1")
	f.Op("VADDSS (SP)(DX*4), X1, X1")
	f.Op("VMOVSS X1, (SP)(DX*4)")
	f.Op("ADDQ $2, SI")
	f.Op("ADDQ $4, BX")
	f.Op("INCQ DX")
	f.Op("CMPQ DX, R10")
	f.Op("JL %s", rest)
	for i := range n {
		f.Op("VMOVUPS %d(SP), %s", 4*v.lanes*i, v.reg(i))
	}
	f.Label(sum)
	halving(v, n)
	f.Op("VMULSS %s, X0, X0", f.Arg("c"))
	f.Op("VMOVSS X0, (DI)")
	f.Op("ADDQ $4, DI")
	f.Op("DECQ CX")
	f.Op("JNZ %s", key)
	ret()
}

// halfToSingle widens one float16 into lane 0 of X register i, through AX.
func halfToSingle(from string, i int) {
	f.Op("MOVWLZX %s, AX", from)
	f.Op("VMOVD AX, X%d", i)
	f.Op("VCVTPH2PS X%d, X%d", i, i)
}

// weightedSum takes blocks of four registers of o, then of 16 elements. Where
// the head is no multiple of 16 long, the last block of 16 overlaps the one
// before: it stores the same values again.
func weightedSum(v vector) {
	f.Func("weightedSum"+v.path, "o []float32, p []float32, values []uint16", "", 0, "is Path.WeightedSum.")
	f.Op("MOVQ %s, DI", f.Arg("o_base"))
	f.Op("MOVQ %s, R9 // elements left", f.Arg("o_len"))
	f.Op("LEAQ (R9*2), R10 // bytes between positions of values")
	f.Op("MOVQ %s, R8", f.Arg("p_base"))
	f.Op("MOVQ %s, R11", f.Arg("p_len"))
	f.Op("MOVQ %s, SI", f.Arg("values_base"))
	wide, narrow, overlap, done := f.NewLabel("wide"), f.NewLabel("narrow"), f.NewLabel("overlap"), f.NewLabel("done")
	f.Label(wide)
	f.Op("CMPQ R9, $%d", 4*v.lanes)
	f.Op("JL %s", narrow)
	column(v, 4)
	f.Op("JMP %s", wide)
	f.Label(narrow)
	f.Op("TESTQ R9, R9")
	f.Op("JZ %s", done)
	f.Op("CMPQ R9, $16")
	f.Op("JGE %s", overlap)
	f.Op("SUBQ $16, R9")
	f.Op("LEAQ (DI)(R9*4), DI")
	f.Op("LEAQ (SI)(R9*2), SI")
	f.Op("MOVQ $16, R9")
	f.Label(overlap)
	column(v, 16/v.lanes)
	f.Op("JMP %s", narrow)
	f.Label(done)
	ret()
}

// column sums n registers of o over all positions and goes on to the next.
func column(v vector, n int) {
	const weight = 15
	f.Op("MOVQ R8, DX")
	f.Op("MOVQ R11, CX")
	f.Op("MOVQ SI, BX")
	product := func(i, into int) {
		f.Op("VCVTPH2PS %d(BX), %s", 2*v.lanes*i, v.reg(into))
		f.Op("VMULPS %s, %s, %s", v.reg(weight), v.reg(into), v.reg(into))
	}
	advance := func() {
		f.Op("ADDQ $4, DX")
		f.Op("ADDQ R10, BX")
		f.Op("DECQ CX")
	}
	loop, store := f.NewLabel("position"), f.NewLabel("store")
	f.Op("VBROADCASTSS (DX), %s", v.reg(weight))
	for i := range n {
		product(i, i)
	}
	advance()
	f.Op("JZ %s", store)
	f.Label(loop)
	f.Op("VBROADCASTSS (DX), %s", v.reg(weight))
	for i := range n {
		product(i, n+i)
		f.Op("VADDPS %s, %s, %s", v.reg(n+i), v.reg(i), v.reg(i))
	}
	advance()
	f.Op("JNZ %s", loop)
	f.Label(store)
	for i := range n {
		f.Op("VMOVUPS %s, %d(DI)", v.reg(i), 4*v.lanes*i)
	}
	f.Op("ADDQ $%d, DI", 4*v.lanes*n)
	f.Op("ADDQ $%d, SI", 2*v.lanes*n)
	f.Op("SUBQ $%d, R9", v.lanes*n)
}

// exp2Coefficients are those of cpu/kernel/scalar.go.
var exp2Coefficients = [7]uint32{
	0x3923862D, 0x3AAFB95B, 0x3C1D91B9, 0x3D635723, 0x3E75FDF9, 0x3F317219, 0x3F800000,
}

// exps keeps a copy of its results on the stack, with zeros behind, for the sum.
func exps() {
	f.Func("expsAVX2", "p []float32, m float32", "float32", 256, "is Path.Exps.")
	const x, y, frac, coefficient, magic, low, top = 0, 1, 2, 3, 10, 11, 12
	f.Op("MOVQ %s, DI", f.Arg("p_base"))
	f.Op("MOVQ %s, CX", f.Arg("p_len"))
	f.Op("VBROADCASTSS %s, Y%d", f.Arg("m"), top)
	for i, c := range exp2Coefficients {
		broadcast(ymm, c, coefficient+i)
	}
	broadcast(ymm, 0x4B400000, magic) // 1.5 * 2^23
	broadcast(ymm, 0xC2800000, low)   // -64
	f.Op("VXORPS Y0, Y0, Y0")
	for i := range 8 {
		f.Op("VMOVUPS Y0, %d(SP)", 32*i)
	}
	f.Op("LEAQ (SP), SI")
	each([]string{"DI", "SI"}, 4, func(l lane) {
		l.load("(DI)", x)
		l.op("VSUBPS", top, x, x)
		l.op("VADDPS", magic, x, y)
		l.op("VSUBPS", magic, y, frac)
		l.op("VSUBPS", frac, x, frac)
		const integer, result = 13, 14
		l.op("VPSUBD", magic, y, integer)
		f.Op("VPSLLD $23, %s, %s", l.reg(integer), l.reg(integer))
		l.op("VMULPS", frac, coefficient, result)
		for i := 1; i < 7; i++ {
			l.op("VADDPS", coefficient+i, result, result)
			if i < 6 {
				l.op("VMULPS", frac, result, result)
			}
		}
		l.op("VPADDD", integer, result, result)
		f.Op("VCMPPS $0x1D, %s, %s, %s // x >= -64", l.reg(low), l.reg(x), l.reg(x))
		l.op("VANDPS", x, result, result)
		l.store(result, "(DI)")
		l.store(result, "(SI)")
	})
	for i := range 8 {
		f.Op("VMOVUPS %d(SP), Y%d", 32*i, i)
	}
	halving(ymm, 8)
	f.Op("VMOVSS X0, %s", f.Arg("ret"))
	ret()
}

func highest() {
	f.Func("highestAVX2", "p []float32", "float32", 0, "is Path.Highest.")
	f.Op("MOVQ %s, DI", f.Arg("p_base"))
	f.Op("MOVQ %s, CX", f.Arg("p_len"))
	f.Op("VBROADCASTSS (DI), Y0")
	wide, fold, single, done := f.NewLabel("wide"), f.NewLabel("fold"), f.NewLabel("single"), f.NewLabel("done")
	f.Label(wide)
	f.Op("SUBQ $8, CX")
	f.Op("JL %s", fold)
	f.Op("VMAXPS (DI), Y0, Y0")
	f.Op("ADDQ $32, DI")
	f.Op("JMP %s", wide)
	f.Label(fold)
	f.Op("VEXTRACTF128 $1, Y0, X1")
	f.Op("VMAXPS X1, X0, X0")
	f.Op("VPERMILPS $0x0E, X0, X1")
	f.Op("VMAXPS X1, X0, X0")
	f.Op("VPERMILPS $0x01, X0, X1")
	f.Op("VMAXSS X1, X0, X0")
	f.Op("ADDQ $8, CX")
	f.Label(single)
	f.Op("SUBQ $1, CX")
	f.Op("JL %s", done)
	f.Op("VMAXSS (DI), X0, X0")
	f.Op("ADDQ $4, DI")
	f.Op("JMP %s", single)
	f.Label(done)
	f.Op("VMOVSS X0, %s", f.Arg("ret"))
	ret()
}

// A lane is a vector width for a loop body: 8 elements, or the one in lane 0 of
// an X register for what is left.
type lane struct{ prefix, move string }

func (l lane) reg(i int) string        { return fmt.Sprint(l.prefix, i) }
func (l lane) load(from string, i int) { f.Op("%s %s, %s", l.move, from, l.reg(i)) }
func (l lane) store(i int, to string)  { f.Op("%s %s, %s", l.move, l.reg(i), to) }
func (l lane) op(name string, b, a, to int) {
	f.Op("%s %s, %s, %s", name, l.reg(b), l.reg(a), l.reg(to))
}

// each runs body over CX elements of size bytes, 8 at a time and then singly;
// it advances the pointers. What body keeps in registers from one round to the
// next must not be wider than lane 0 at the end.
func each(pointers []string, size int, body func(lane)) {
	wide, single, done := f.NewLabel("wide"), f.NewLabel("single"), f.NewLabel("done")
	round := func(l lane, n int) {
		body(l)
		for _, p := range pointers {
			f.Op("ADDQ $%d, %s", size*n, p)
		}
		f.Op("SUBQ $%d, CX", n)
	}
	f.Label(wide)
	f.Op("CMPQ CX, $8")
	f.Op("JL %s", single)
	round(lane{"Y", "VMOVUPS"}, 8)
	f.Op("JMP %s", wide)
	f.Label(single)
	f.Op("TESTQ CX, CX")
	f.Op("JZ %s", done)
	round(lane{"X", "VMOVSS"}, 1)
	f.Op("JMP %s", single)
	f.Label(done)
}
