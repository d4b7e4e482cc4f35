package main

import (
	"fmt"
	"strings"
)

// AMX: eight tile registers of 16 rows of 64 bytes, which Go's assembler does not
// know, so that its instructions are written as bytes. A tile of activations has 16
// tokens with 64 codes each; a tile of weights 16 fields of 16 rows, that is 64
// columns; a tile of sums 16 tokens of 16 rows.
const (
	sumTile = 0 // to 3: two of tokens by two of rows
	actTile = 4 // two
	rowTile = 6 // two
)

const (
	matColumns = 640             // of a block: a multiple of 64 and of 20
	matCodes   = 32 * matColumns // bytes of codes, behind which sums wait
	matWords   = matColumns / 20
)

// Numbers of registers in an instruction.
var number = map[string]int{"AX": 0, "CX": 1, "DX": 2, "BX": 3, "SI": 6, "DI": 7, "R14": 14, "R15": 15}

const (
	tileNone = 0x78 // prefixes: none, 66, F3, F2
	tile66   = 0x79
	tileF3   = 0x7A
	tileF2   = 0x7B
)

// tileOp writes an instruction of the map 0F38 whose bytes behind the opcode are
// given, high those bits of the byte before the prefix that name upper registers.
func tileOp(prefix, opcode int, text string, high int, behind ...int) {
	line := fmt.Sprintf("BYTE $0xC4; BYTE $0x%02X; BYTE $0x%02X; BYTE $0x%02X", 0xE2&^high, prefix, opcode)
	for _, b := range behind {
		line += fmt.Sprintf("; BYTE $0x%02X", b&0xFF)
	}
	f.Op("%s // %s", line, text)
}

// tileMove moves the tile whose first row lies at base + offset, index also being
// the distance between rows.
func tileMove(prefix int, text string, tile int, base, index string, offset int) {
	long := func(name string) string { return "r" + strings.TrimPrefix(strings.ToLower(name), "r") }
	place := fmt.Sprintf("[%s+%s%+d]", long(base), long(index), offset)
	b, x := number[base], number[index]
	form, registers, bytes := tile<<3|4, x&7<<3|b&7, []int(nil)
	switch {
	case offset == 0:
	case -128 <= offset && offset < 128:
		form, bytes = form|0x40, []int{offset}
	default:
		form, bytes = form|0x80, []int{offset, offset >> 8, offset >> 16, offset >> 24}
	}
	tileOp(prefix, 0x4B, fmt.Sprintf(text, tile, place), x>>3<<6|b>>3<<5, append([]int{form, registers}, bytes...)...)
}

func tileLoad(tile int, base, index string, offset int) {
	tileMove(tileF2, "tileloadd tmm%d, %s", tile, base, index, offset)
}

// tileStream is tileLoad of what is not worth a place in the first cache.
func tileStream(tile int, base, index string, offset int) {
	tileMove(tile66, "tileloaddt1 tmm%d, %s", tile, base, index, offset)
}

func tileStore(tile int, base, index string, offset int) {
	tileMove(tileF3, "tilestored %[2]s, tmm%[1]d", tile, base, index, offset)
}

func tileZero(tile int) {
	tileOp(tileF2, 0x49, fmt.Sprintf("tilezero tmm%d", tile), 0, 0xC0|tile<<3)
}

// tileDot adds to sums the products of signed bytes.
func tileDot(act, row, sum int) {
	tileOp(tileF2&^0x78|(^row&15)<<3, 0x5E, fmt.Sprintf("tdpbssd tmm%d, tmm%d, tmm%d", sum, act, row), 0, 0xC0|sum<<3|act)
}

// tileConfig sets the shapes of all tiles from 64 bytes at AX. It zeroes them.
func tileConfig() { tileOp(tileNone, 0x49, "ldtilecfg [rax]", 0, 0) }

func tileRelease() { tileOp(tileNone, 0x49, "tilerelease", 0, 0xC0) }

// tileShapes is the table of shapes: all tiles have 16 rows of 64 bytes.
func tileShapes() {
	table := make([]byte, 64)
	table[0] = 1 // palette
	for tile := range 8 {
		table[16+2*tile], table[48+tile] = 64, 16
	}
	f.Table("tileShapes", table)
}

// Places on the stack of tritsMat.
const (
	matFirst     = "0(SP)"  // 0 in the first block of columns, whose sums begin with 0
	matSteps     = "8(SP)"  // steps of 64 columns of the block
	matStepsLeft = "16(SP)" // behind it; the sums of the last block go to acc
	matWordsLeft = "24(SP)"
	matX         = "32(SP)" // where x has the columns of the block
	matGroups    = "40(SP)" // groups of 16 tokens left
	matLocals    = 48
)

// tritsMat takes 32 rows of the tile at a time, and of these 640 columns: their
// codes, 128 bytes for 4 columns, are unpacked and meet all tokens, 32 and at last 16
// at a time. A product takes 16 clocks, and the second cache gives about half a tile
// in this time: two tiles by two leave one from there for two products, if the codes
// (20 KB) come from the first cache. Where the sums of 128 tokens (16 KB) wait they
// lie close together, so that both stay there; tokens stream past.
//
// R9 is the place in w, R12 what comes from memory meanwhile: the next block. R10
// bytes of x lie between 16 tokens.
func tritsMat() {
	f.Func("tritsMatAMX", "acc []int32, w []uint32, x []int8, room []uint8", "", matLocals, "is Path.TritsMat.")
	f.Op("MOVQ %s, R8", f.Arg("room_base"))
	f.Op("MOVQ %s, CX", f.Arg("acc_len"))
	f.Op("SHRQ $10, CX // groups of tokens")
	f.Op("MOVQ %s, AX", f.Arg("x_len"))
	f.Op("XORQ DX, DX")
	f.Op("DIVQ CX")
	f.Op("MOVQ AX, R10")
	f.Op("LEAQ tileShapes<>(SB), AX")
	tileConfig()
	tritConstants()
	f.Op("MOVQ $64, AX // bytes between tokens of x")
	f.Op("MOVQ $128, CX // between fields of codes")
	f.Op("MOVQ $256, R14 // between tokens of acc")
	for half := range 2 {
		matHalf(half)
	}
	tileRelease()
	ret()
}

// matHalf multiplies half of the rows.
func matHalf(half int) {
	f.Op("MOVQ %s, R9", f.Arg("w_base"))
	f.Op("MOVQ %s, DX", f.Arg("w_len"))
	f.Op("SHRQ $6, DX")
	f.Op("MOVQ DX, %s", matWordsLeft)
	f.Op("MOVQ R10, DX")
	f.Op("SHRQ $10, DX")
	f.Op("MOVQ DX, %s", matStepsLeft)
	f.Op("MOVQ %s, DX", f.Arg("x_base"))
	f.Op("MOVQ DX, %s", matX)
	f.Op("MOVQ $0, %s", matFirst)
	block, more := f.NewLabel("block"), f.NewLabel("more")
	f.Label(block)
	atMost(matStepsLeft, matColumns/64, "DX")
	f.Op("MOVQ DX, %s", matSteps)
	matUnpack(half)
	f.Op("LEAQ %d(R9), R12", 128*half)
	f.Op("CMPQ %s, $0", matStepsLeft)
	f.Op("JNE %s", more)
	if half == 0 {
		f.Op("MOVQ %s, R12", f.Arg("w_base"))
		f.Op("ADDQ $128, R12")
	} else {
		f.Op("MOVQ R9, R12 // the next tile's")
	}
	f.Label(more)
	matTokens(half)
	f.Op("ADDQ $%d, %s", matColumns*16, matX)
	f.Op("MOVQ $1, %s", matFirst)
	f.Op("CMPQ %s, $0", matStepsLeft)
	f.Op("JNE %s", block)
}

// atMost takes n off what is left there, or all of it, and says in taken how much.
func atMost(left string, n int, taken string) {
	f.Op("MOVQ $%d, %s", n, taken)
	f.Op("CMPQ %s, %s", left, taken)
	f.Op("CMOVQLT %s, %s", left, taken)
	f.Op("SUBQ %s, %s", taken, left)
}

// matUnpack stores the codes of a block's words for half of the rows.
func matUnpack(half int) {
	const code, index, digit = 8, 9, 0
	atMost(matWordsLeft, matWords, "DX")
	f.Op("MOVQ R8, DI")
	word := f.NewLabel("word")
	f.Label(word)
	for line := range 2 {
		f.Op("VMOVDQU64 %d(R9), Z%d", 128*half+64*line, code)
		digits(code, index, digit)
		for i := range 5 {
			f.Op("VMOVDQU64 Z%d, %d(DI)", digit+i, 128*i+64*line)
		}
	}
	f.Op("ADDQ $256, R9")
	f.Op("ADDQ $%d, DI", 5*128)
	f.Op("DECQ DX")
	f.Op("JNZ %s", word)
}

// matTokens multiplies the unpacked block with all tokens, whose columns are at BX and
// DX. Their sums wait at DI; those of the last block go to R15.
func matTokens(half int) {
	f.Op("MOVQ %s, R11", f.Arg("acc_len"))
	f.Op("SHRQ $10, R11")
	f.Op("MOVQ R11, %s", matGroups)
	f.Op("MOVQ %s, BX", matX)
	f.Op("LEAQ %d(R8), DI", matCodes)
	f.Op("MOVQ %s, R15", f.Arg("acc_base"))
	f.Op("ADDQ $%d, R15", 128*half)
	pair, step, next, last, single, done := f.NewLabel("pair"), f.NewLabel("step"), f.NewLabel("next"), f.NewLabel("last"), f.NewLabel("single"), f.NewLabel("done")
	f.Op("SUBQ $2, %s", matGroups)
	f.Op("JL %s", single)
	matBegin(2, false)
	f.Label(pair)
	f.Op("MOVQ %s, R11", matSteps)
	f.Label(step)
	matFetch(1)
	f.Op("DECQ R11")
	f.Op("JZ %s", next)
	matOperands(2)
	for i := range 4 {
		matDot(i)
	}
	f.Op("JMP %s", step)
	f.Label(next)
	f.Op("MOVQ %s, R11", matSteps)
	f.Op("SHLQ $10, R11")
	f.Op("LEAQ (BX)(R10*2), BX // the next tokens")
	f.Op("SUBQ R11, BX")
	f.Op("ADDQ $4096, DI")
	f.Op("ADDQ $%d, R15", 32*256)
	f.Op("SUBQ $2, %s", matGroups)
	f.Op("JL %s", last)
	matBegin(2, true)
	f.Op("JMP %s", pair)
	f.Label(last)
	matEnd(4, -4096, -32*256)
	f.Label(single)
	f.Op("ADDQ $1, %s", matGroups)
	f.Op("JL %s", done)
	matSingle()
	f.Label(done)
}

// matSingle multiplies the last group of tokens.
func matSingle() {
	step, stored := f.NewLabel("step"), f.NewLabel("stored")
	matBegin(1, false)
	f.Op("MOVQ %s, R11", matSteps)
	f.Label(step)
	matFetch(4)
	f.Op("DECQ R11")
	f.Op("JZ %s", stored)
	matOperands(1)
	for i := range 2 {
		matDot(i)
	}
	f.Op("JMP %s", step)
	f.Label(stored)
	matEnd(2, 0, 0)
}

// matFetch has so many words of the next block fetched.
func matFetch(words int) {
	for i := range words {
		f.Op("PREFETCHT1 %d(R12)", 256*i)
		f.Op("PREFETCHT1 %d(R12)", 256*i+64)
	}
	f.Op("ADDQ $%d, R12", 256*words)
}

// matOperands loads the operands of a step for one or two groups of tokens.
func matOperands(groups int) {
	tileLoad(rowTile, "SI", "CX", 0)
	tileStream(actTile, "BX", "AX", 0)
	tileLoad(rowTile+1, "SI", "CX", 64)
	if groups == 2 {
		tileStream(actTile+1, "DX", "AX", 0)
		f.Op("ADDQ $1024, DX")
	}
	f.Op("ADDQ $1024, BX")
	f.Op("ADDQ $%d, SI", 16*128)
}

// matDot multiplies the operands of tile i of the sums.
func matDot(i int) { tileDot(actTile+i/2, rowTile+i%2, sumTile+i) }

// matBegin is the first step of one or two groups of tokens. The sums of those
// before, if there are any, are stored one by one as they become free: a load waits
// for an earlier store whose address has the same last twelve bits, and the stores of
// four tiles have all of these.
func matBegin(groups int, before bool) {
	f.Op("MOVQ R8, SI")
	f.Op("LEAQ (BX)(R10*1), DX")
	matOperands(groups)
	load, begun := f.NewLabel("load"), f.NewLabel("begun")
	sums := func(first bool) {
		each := func(store func(i int)) {
			for i := range 2 * groups {
				store(i)
				if first {
					tileZero(sumTile + i)
				} else {
					tileLoad(sumTile+i, "DI", "AX", 1024*i)
				}
				matDot(i)
			}
		}
		if before {
			matStore(-4096, -32*256, each)
		} else {
			each(func(int) {})
		}
	}
	f.Op("CMPQ %s, $0", matFirst)
	f.Op("JNE %s", load)
	sums(true)
	f.Op("JMP %s", begun)
	f.Label(load)
	sums(false)
	f.Label(begun)
}

// matEnd stores tiles of sums.
func matEnd(tiles, waiting, acc int) {
	matStore(waiting, acc, func(store func(i int)) {
		for i := range tiles {
			store(i)
		}
	})
}

// matStore writes each twice, for sums that go on waiting at waiting behind DI and
// for those of the last block, at acc behind R15.
func matStore(waiting, acc int, each func(store func(i int))) {
	last, stored := f.NewLabel("last"), f.NewLabel("stored")
	f.Op("CMPQ %s, $0", matStepsLeft)
	f.Op("JE %s", last)
	each(func(i int) { tileStore(sumTile+i, "DI", "AX", waiting+1024*i) })
	f.Op("JMP %s", stored)
	f.Label(last)
	each(func(i int) { tileStore(sumTile+i, "R15", "R14", acc+16*256*(i/2)+64*(i%2)) })
	f.Label(stored)
}
