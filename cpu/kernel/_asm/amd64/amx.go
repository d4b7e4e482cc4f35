package main

import (
	"fmt"
	"strings"
)

// AMX: eight tile registers of 16 rows of 64 bytes, which Go's assembler does not
// know, so that its instructions are written as bytes. Registers that hold
// addresses are among the first eight. A tile of activations has 16 tokens with 64
// codes each; a tile of weights 16 fields of 16 rows, that is 64 columns; a tile
// of sums 16 tokens of 16 rows.
const (
	sumTile = 0 // to 3: two of tokens by two of rows
	actTile = 4 // two
	rowTile = 6 // two
)

// codesPanel is the number of tokens that codesMat takes.
const codesPanel = 32

// Numbers of registers in an instruction.
var low = map[string]int{"AX": 0, "CX": 1, "DX": 2, "BX": 3, "SI": 6, "DI": 7}

const (
	tileNone = 0x78 // prefixes: none, F3, F2
	tileF3   = 0x7A
	tileF2   = 0x7B
)

// tileOp writes an instruction of the map 0F38 whose bytes behind the opcode are
// given.
func tileOp(prefix, opcode int, text string, behind ...int) {
	line := fmt.Sprintf("BYTE $0xC4; BYTE $0xE2; BYTE $0x%02X; BYTE $0x%02X", prefix, opcode)
	for _, b := range behind {
		line += fmt.Sprintf("; BYTE $0x%02X", b&0xFF)
	}
	f.Op("%s // %s", line, text)
}

// tileMemory is the address base + index + offset of a tile's first row, as text
// and as bytes; index is also the distance between rows.
func tileMemory(tile int, base, index string, offset int) (string, []int) {
	text := fmt.Sprintf("[r%s+r%s+%d]", strings.ToLower(base), strings.ToLower(index), offset)
	form, registers := tile<<3|4, low[index]<<3|low[base]
	switch {
	case offset == 0:
		return text, []int{form, registers}
	case offset < 128:
		return text, []int{0x40 | form, registers, offset}
	}
	return text, []int{0x80 | form, registers, offset, offset >> 8, offset >> 16, offset >> 24}
}

func tileLoad(tile int, base, index string, offset int) {
	text, bytes := tileMemory(tile, base, index, offset)
	tileOp(tileF2, 0x4B, fmt.Sprintf("tileloadd tmm%d, %s", tile, text), bytes...)
}

func tileStore(tile int, base, index string, offset int) {
	text, bytes := tileMemory(tile, base, index, offset)
	tileOp(tileF3, 0x4B, fmt.Sprintf("tilestored %s, tmm%d", text, tile), bytes...)
}

func tileZero(tile int) {
	tileOp(tileF2, 0x49, fmt.Sprintf("tilezero tmm%d", tile), 0xC0|tile<<3)
}

// tileDot adds to sums the products of signed bytes.
func tileDot(act, row, sum int) {
	tileOp(tileF2&^0x78|(^row&15)<<3, 0x5E, fmt.Sprintf("tdpbssd tmm%d, tmm%d, tmm%d", sum, act, row), 0xC0|sum<<3|act)
}

// tileConfig sets the shapes of all tiles from 64 bytes at AX. It zeroes them.
func tileConfig() { tileOp(tileNone, 0x49, "ldtilecfg [rax]", 0) }

func tileRelease() { tileOp(tileNone, 0x49, "tilerelease", 0xC0) }

// tileShapes is the table of shapes: 64 bytes for a product of 64 columns, then of
// 16, 32 and 48.
func tileShapes() {
	table := make([]byte, 4*64)
	for i, columns := range []int{64, 16, 32, 48} {
		t := table[64*i:]
		t[0] = 1 // palette
		for tile := range 8 {
			bytes, rows := 64, 16
			switch {
			case tile >= rowTile:
				rows = columns / 4
			case tile >= actTile:
				bytes = columns
			}
			t[16+2*tile], t[48+tile] = byte(bytes), byte(rows)
		}
	}
	f.Table("tileShapes", table)
}

// codesMat takes 32 rows at a time. A last step of 16 to 48 columns has tiles of
// its own shape: the sums wait in acc meanwhile.
func codesMat() {
	f.Func("codesMatAMX", "acc []int32, codes []uint8, x []int8", "", 0, "is Path.CodesMat for 32 tokens.")
	f.Op("MOVQ %s, DI", f.Arg("acc_base"))
	f.Op("MOVQ %s, R8", f.Arg("codes_base"))
	f.Op("MOVQ %s, R9", f.Arg("x_base"))
	f.Op("MOVQ %s, R10", f.Arg("x_len"))
	f.Op("SHRQ $5, R10 // columns, and bytes between tokens of x")
	f.Op("MOVQ $256, CX // bytes between fields of codes, and tokens of acc")
	f.Op("LEAQ tileShapes<>(SB), R11")
	f.Op("MOVQ R10, R12")
	f.Op("SHRQ $6, R12 // steps of 64 columns")
	f.Op("MOVQ R10, R13")
	f.Op("ANDQ $63, R13 // columns behind them")
	for half := range 2 {
		step, last, done := f.NewLabel("step"), f.NewLabel("last"), f.NewLabel("done")
		at := 128 * half
		f.Op("MOVQ R11, AX")
		tileConfig()
		f.Op("LEAQ %d(R8), SI", at)
		f.Op("MOVQ R10, AX")
		f.Op("MOVQ R9, BX")
		f.Op("SHLQ $4, AX")
		f.Op("LEAQ (R9)(AX*1), DX // 16 tokens on")
		f.Op("MOVQ R10, AX")
		f.Op("MOVQ R12, R15")
		f.Op("TESTQ R15, R15")
		f.Op("JZ %s", last)
		f.Label(step)
		tileStep()
		f.Op("ADDQ $64, BX")
		f.Op("ADDQ $64, DX")
		f.Op("ADDQ $%d, SI", 16*256)
		f.Op("DECQ R15")
		f.Op("JNZ %s", step)
		f.Label(last)
		tileSums(tileStore, at)
		f.Op("TESTQ R13, R13")
		f.Op("JZ %s", done)
		f.Op("LEAQ (R11)(R13*4), AX")
		tileConfig()
		f.Op("MOVQ R10, AX")
		tileSums(tileLoad, at)
		tileStep()
		tileSums(tileStore, at)
		f.Label(done)
	}
	tileRelease()
	ret()
}

// tileStep multiplies 32 tokens with 32 rows.
func tileStep() {
	tileLoad(rowTile, "SI", "CX", 0)
	tileLoad(actTile, "BX", "AX", 0)
	tileLoad(rowTile+1, "SI", "CX", 64)
	tileDot(actTile, rowTile, sumTile)
	tileLoad(actTile+1, "DX", "AX", 0)
	tileDot(actTile, rowTile+1, sumTile+1)
	tileDot(actTile+1, rowTile, sumTile+2)
	tileDot(actTile+1, rowTile+1, sumTile+3)
}

// tileSums moves the four tiles of sums from or to acc.
func tileSums(move func(tile int, base, index string, offset int), at int) {
	for i := range 4 {
		move(sumTile+i, "DI", "CX", at+16*256*(i/2)+64*(i%2))
	}
}

// unpackCodes stores the digits of each word's bytes, a field a line.
func unpackCodes() {
	f.Func("unpackCodesVBMI", "codes []uint8, w []uint32", "", 0, "is Path.UnpackCodes.")
	const code, index, digit = 8, 9, 0
	f.Op("MOVQ %s, DI", f.Arg("codes_base"))
	f.Op("MOVQ %s, SI", f.Arg("w_base"))
	f.Op("MOVQ %s, CX", f.Arg("w_len"))
	tritConstants()
	block, done := f.NewLabel("block"), f.NewLabel("done")
	f.Label(block)
	f.Op("SUBQ $64, CX")
	f.Op("JL %s", done)
	for line := range 4 {
		f.Op("PREFETCHT0 %d(SI)", ahead+64*line)
		f.Op("VMOVDQU64 %d(SI), Z%d", 64*line, code)
		digits(code, index, digit)
		for i := range 5 {
			f.Op("VMOVDQU64 Z%d, %d(DI)", digit+i, 256*i+64*line)
		}
	}
	f.Op("ADDQ $256, SI")
	f.Op("ADDQ $%d, DI", 5*256)
	f.Op("JMP %s", block)
	f.Label(done)
	ret()
}
