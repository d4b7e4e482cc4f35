package main

// A tile of trits is 64 rows; for each 20 columns it has a block of 256 bytes:
// four lines of 16 rows, a word of 20 weights for each row. Byte j of a word
// holds the five weights 4f+j, see trits.go of cpu/kernel: digit f of its code
// meets activations 4f to 4f+3 of the block.

// The tables of digits, for VPERMB, which looks at six bits of an index. Digits
// 0 to 2 of a code below 216 stand at its upper five bits; those of an escape,
// 219 and up, at its lower six, 27 and up. Digits 3 and 4 stand at the lower
// three bits; of an escape they are 0.
func tritTables() {
	for digit := range 5 {
		table := make([]byte, 64)
		for i := range table {
			triple, pair := i%27, i%8+1
			table[i] = byte([]int{triple / 9, triple / 3 % 3, triple % 3, pair / 3, pair % 3}[digit])
		}
		f.Table(tritTable(digit), table)
	}
}

func tritTable(digit int) string { return "trits" + string(rune('0'+digit)) }

// Registers of the two functions below that stay as they are.
const (
	tritDigit  = 16 // to 20, the tables
	tritUpper  = 21 // VGF2P8AFFINEQB: a shift right by three bits
	tritEscape = 22 // where escapes begin
)

func tritConstants() {
	for digit := range 5 {
		f.Op("VMOVDQU64 %s<>(SB), Z%d", tritTable(digit), tritDigit+digit)
	}
	f.Op("MOVQ $0x0810204080000000, AX")
	f.Op("VPBROADCASTQ AX, Z%d", tritUpper)
	f.Op("MOVL $%d, AX", 216)
	f.Op("VPBROADCASTB AX, Z%d", tritEscape)
}

// digits takes the codes of register code apart: digit f goes to register
// first+f. It uses register index and K1.
func digits(code, index, first int) {
	f.Op("VPCMPUB $1, Z%d, Z%d, K1 // below", tritEscape, code)
	f.Op("VMOVDQA64 Z%d, Z%d", code, index)
	f.Op("VGF2P8AFFINEQB $0, Z%d, Z%d, K1, Z%d", tritUpper, code, index)
	for digit := range 3 {
		f.Op("VPERMB Z%d, Z%d, Z%d", tritDigit+digit, index, first+digit)
	}
	for digit := 3; digit < 5; digit++ {
		f.Op("VPERMB.Z Z%d, Z%d, K1, Z%d", tritDigit+digit, code, first+digit)
	}
}

// tritsVec keeps two sums for each line of a tile, in Z0 to Z7. Activations
// behind the last full block are copied to the stack, with zeros behind.
func tritsVec() {
	f.Func("tritsVecVBMI", "acc []int32, w []uint32, x []int8", "", 32,
		"is Path.TritsVec: a tile at a time, its words once and in order.")
	const code, index, digit, act = 8, 9, 10, 24 // one, one, five, five
	f.Op("MOVQ %s, DI", f.Arg("acc_base"))
	f.Op("MOVQ %s, R9", f.Arg("acc_len"))
	f.Op("MOVQ %s, SI", f.Arg("w_base"))
	f.Op("MOVQ %s, R8", f.Arg("x_base"))
	f.Op("MOVQ %s, AX", f.Arg("x_len"))
	f.Op("MOVQ $20, CX")
	f.Op("XORQ DX, DX")
	f.Op("DIVQ CX")
	f.Op("MOVQ AX, R10 // full blocks")
	f.Op("MOVQ DX, R11 // activations behind them")
	f.Op("LEAQ (AX)(AX*4), AX")
	f.Op("LEAQ (R8)(AX*4), BX")
	f.Op("VPXORD Z0, Z0, Z0")
	f.Op("VMOVDQU Y0, (SP)")
	rest, copied := f.NewLabel("rest"), f.NewLabel("copied")
	f.Label(rest)
	f.Op("SUBQ $4, DX")
	f.Op("JL %s", copied)
	f.Op("MOVL (BX)(DX*1), AX")
	f.Op("MOVL AX, (SP)(DX*1)")
	f.Op("JMP %s", rest)
	f.Label(copied)
	tritConstants()
	tile, step, last, store, done := f.NewLabel("tile"), f.NewLabel("step"), f.NewLabel("last"), f.NewLabel("store"), f.NewLabel("done")
	f.Label(tile)
	f.Op("SUBQ $64, R9")
	f.Op("JL %s", done)
	for i := range 8 {
		f.Op("VPXORD Z%d, Z%d, Z%d", i, i, i)
	}
	f.Op("MOVQ R8, BX")
	f.Op("MOVQ R10, CX")
	f.Op("MOVQ R11, DX")
	f.Op("TESTQ CX, CX")
	f.Op("JZ %s", last)
	f.Label(step)
	for digit := range 5 {
		f.Op("VPBROADCASTD %d(BX), Z%d", 4*digit, act+digit)
	}
	for line := range 4 {
		f.Op("PREFETCHT0 %d(SI)", ahead+64*line)
		f.Op("VMOVDQU64 %d(SI), Z%d", 64*line, code)
		digits(code, index, digit)
		for i := range 5 {
			f.Op("VPDPBUSD Z%d, Z%d, Z%d", act+i, digit+i, 2*line+i%2)
		}
	}
	f.Op("ADDQ $256, SI")
	f.Op("ADDQ $20, BX")
	f.Op("DECQ CX")
	f.Op("JNZ %s", step)
	f.Label(last)
	f.Op("TESTQ DX, DX")
	f.Op("JZ %s", store)
	f.Op("XORQ DX, DX")
	f.Op("LEAQ (SP), BX")
	f.Op("MOVQ $1, CX")
	f.Op("JMP %s", step)
	f.Label(store)
	for line := range 4 {
		f.Op("VPADDD Z%d, Z%d, Z%d", 2*line+1, 2*line, 2*line)
		f.Op("VMOVDQU32 Z%d, %d(DI)", 2*line, 64*line)
	}
	f.Op("ADDQ $256, DI")
	f.Op("JMP %s", tile)
	f.Label(done)
	ret()
}

// tritsFew keeps the sums of a tile for four tokens in Z0 to Z15. A line takes 27
// operations on two ports, 14 clocks in which memory gives it to one thread.
func tritsFew() {
	const tokens = 4
	f.Func("tritsFewVBMI", "acc []int32, w []uint32, x []int8", "", 20*tokens, "is Path.TritsFew for 4 tokens.")
	const code, index, digit = 23, 24, 25 // one, one, five
	f.Op("MOVQ %s, DI", f.Arg("acc_base"))
	f.Op("MOVQ %s, SI", f.Arg("w_base"))
	f.Op("MOVQ %s, CX", f.Arg("w_len"))
	f.Op("MOVQ %s, BX", f.Arg("x_base"))
	f.Op("MOVQ %s, DX", f.Arg("x_len"))
	f.Op("SHRQ $6, CX // blocks")
	for i := range 4 * tokens {
		f.Op("VPXORD Z%d, Z%d, Z%d", i, i, i)
	}
	tritConstants()
	step, last, rest, store := f.NewLabel("step"), f.NewLabel("last"), f.NewLabel("rest"), f.NewLabel("store")
	f.Label(step)
	f.Op("SUBQ $%d, DX // activations behind this block", 20*tokens)
	f.Op("JL %s", last)
	block := func() {
		for line := range 4 {
			f.Op("PREFETCHT0 %d(SI)", ahead+64*line)
			f.Op("VMOVDQU64 %d(SI), Z%d", 64*line, code)
			digits(code, index, digit)
			for i := range 5 {
				for token := range tokens {
					f.Op("VPDPBUSD.BCST %d(BX), Z%d, Z%d", 4*(tokens*i+token), digit+i, 4*token+line)
				}
			}
		}
		f.Op("ADDQ $256, SI")
	}
	block()
	f.Op("ADDQ $%d, BX", 20*tokens)
	f.Op("DECQ CX")
	f.Op("JNZ %s", step)
	f.Op("JMP %s", store)
	f.Label(last)
	f.Note("Too few are left: they go to the stack, with zeros behind.")
	f.Op("VPXORD X%[1]d, X%[1]d, X%[1]d", code)
	for at := 0; at < 20*tokens; at += 16 {
		f.Op("VMOVDQU32 X%d, %d(SP)", code, at)
	}
	f.Op("ADDQ $%d, DX", 20*tokens)
	f.Label(rest)
	f.Op("MOVQ -8(BX)(DX*1), AX")
	f.Op("MOVQ AX, -8(SP)(DX*1)")
	f.Op("SUBQ $8, DX")
	f.Op("JNZ %s", rest)
	f.Op("LEAQ (SP), BX")
	block()
	f.Label(store)
	for token := range tokens {
		for line := range 4 {
			f.Op("VMOVDQU32 Z%d, %d(DI)", 4*token+line, 64*(4*token+line))
		}
	}
	ret()
}

// unpackTrits turns four blocks of 20 columns into five of 16: the fields of the
// kernel words are the digits in the same order. The word of each line that is
// being filled is in Z0 to Z3.
func unpackTrits() {
	f.Func("unpackTritsVBMI", "words []uint32, w []uint32", "", 0, "is Path.UnpackTrits.")
	const code, index, digit = 8, 9, 10
	f.Op("MOVQ %s, DI", f.Arg("words_base"))
	f.Op("MOVQ %s, CX", f.Arg("words_len"))
	f.Op("MOVQ %s, SI", f.Arg("w_base"))
	f.Op("SHRQ $6, CX // blocks of 16 columns left")
	tritConstants()
	loop, done := f.NewLabel("loop"), f.NewLabel("done")
	f.Op("TESTQ CX, CX")
	f.Op("JZ %s", done)
	f.Label(loop)
	for block := range 4 {
		for line := range 4 {
			f.Op("PREFETCHT0 %d(SI)", ahead+256*block+64*line)
			f.Op("VMOVDQU64 %d(SI), Z%d", 256*block+64*line, code)
			digits(code, index, digit)
			for i := range 5 {
				field := (5*block + i) % 4
				into := line
				if 5*block+i >= 4*(block+1) { // this digit belongs to the next word
					into = 4 + line
				}
				if field == 0 {
					f.Op("VMOVDQA64 Z%d, Z%d", digit+i, into)
					continue
				}
				f.Op("VPSLLW $%d, Z%d, Z%d", 2*field, digit+i, digit+i)
				f.Op("VPORD Z%d, Z%d, Z%d", digit+i, into, into)
			}
		}
		storeWords(0, block)
		f.Op("DECQ CX")
		f.Op("JZ %s", done)
		for line := range 4 {
			f.Op("VMOVDQA64 Z%d, Z%d", 4+line, line)
		}
	}
	storeWords(0, 4)
	f.Op("ADDQ $%d, SI", 4*256)
	f.Op("ADDQ $%d, DI", 5*256)
	f.Op("DECQ CX")
	f.Op("JNZ %s", loop)
	f.Label(done)
	ret()
}

// storeWords stores registers first to first+3 as block n at DI.
func storeWords(first, n int) {
	for line := range 4 {
		f.Op("VMOVDQU64 Z%d, %d(DI)", first+line, 256*n+64*line)
	}
}

// packTrits turns five blocks of 16 columns into four of 20, line by line.
func packTrits() {
	f.Func("packTritsAVX512", "w []uint32, words []uint32", "", 0,
		"is Path.PackTrits for words of a multiple of 80 columns.")
	const word, digit, mask, one, escape = 0, 5, 16, 17, 18 // five words, five digits
	f.Op("MOVQ %s, DI", f.Arg("w_base"))
	f.Op("MOVQ %s, SI", f.Arg("words_base"))
	f.Op("MOVQ %s, CX", f.Arg("words_len"))
	broadcast(zmm, 0x03030303, mask)
	broadcast(zmm, 0x01010101, one)
	broadcast(zmm, 0x01010101*219, escape)
	group, done := f.NewLabel("group"), f.NewLabel("done")
	f.Label(group)
	f.Op("SUBQ $%d, CX", 5*64)
	f.Op("JL %s", done)
	for line := range 4 {
		for i := range 5 {
			f.Op("VMOVDQU64 %d(SI), Z%d", 256*i+64*line, word+i)
		}
		for block := range 4 {
			for i := range 5 {
				field := 5*block + i
				f.Op("VPSRLW $%d, Z%d, Z%d", field%4*2, word+field/4, digit+i)
				f.Op("VPANDD Z%d, Z%d, Z%d", mask, digit+i, digit+i)
			}
			threefold := func(from, add, to int) {
				f.Op("VPADDB Z%d, Z%d, Z%d", from, add, to)
				f.Op("VPADDB Z%d, Z%d, Z%d", from, to, to)
				f.Op("VPADDB Z%d, Z%d, Z%d", from, to, to)
			}
			const triple, pair, code = 10, 11, 12
			threefold(digit, digit+1, triple)
			threefold(triple, digit+2, code)
			threefold(digit+3, digit+4, pair)
			f.Op("VPADDB Z%d, Z%d, Z%d", escape, code, triple)
			f.Op("VPSLLW $3, Z%d, Z%d", code, code)
			f.Op("VPADDB Z%d, Z%d, Z%d", pair, code, code)
			f.Op("VPSUBB Z%d, Z%d, Z%d", one, code, code)
			f.Op("VPTESTNMB Z%d, Z%d, K1", pair, pair)
			f.Op("VMOVDQU8 Z%d, K1, Z%d", triple, code)
			f.Op("VMOVDQU64 Z%d, %d(DI)", code, 256*block+64*line)
		}
	}
	f.Op("ADDQ $%d, SI", 5*256)
	f.Op("ADDQ $%d, DI", 4*256)
	f.Op("JMP %s", group)
	f.Label(done)
	ret()
}
