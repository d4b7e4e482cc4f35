// Command amd64 writes kernels_amd64.s and kernels_amd64.go of cpu/kernel. The
// register a value lives in is said where the function begins.
package main

import (
	"fmt"
	"os"

	"bitnet-gpu/cpu/kernel/_asm/emit"
)

var f = emit.New("amd64")

func main() {
	ternaryVec512()
	ternaryMat512("ternaryMatAVX512", "is Path.TernaryMat for 12 tokens.", 2, panel512)
	ternaryMat512("ternaryFewAVX512", "is Path.TernaryFew for 4 tokens.", 4, few512)
	ternaryVecVNNI()
	ternaryMatVNNI()
	ternaryVec2()
	ternaryMat2()
	tritTables()
	tritsVec()
	tritsFew()
	unpackTrits()
	packTrits()
	tileShapes()
	tritsMat()
	nibbleVecs512()
	nibbleVec256("nibbleVecVNNI", true)
	nibbleVec256("nibbleVecAVX2", false)
	for _, v := range []vector{ymm, zmm} {
		dot(v, f16)
		dot(v, f32)
		scores(v)
		weightedSum(v)
		v.blocks()
		v.nibbles()
	}
	scores4()
	weightedSum4()
	highest()
	exps()
	blockSquares()
	quantise()
	mulMax()
	scale()
	addScaled()
	scaleTile()
	addScaledTile()
	relu2()
	relu2Tile()
	times()
	mulAdd()
	blend()
	rotate()
	halves()
	if err := f.Write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// A vector is a register width: zmm for AVX-512, ymm for AVX2.
type vector struct {
	prefix, path string
	lanes        int // float32 of one register
}

var (
	ymm = vector{"Y", "AVX2", 8}
	zmm = vector{"Z", "AVX512", 16}
)

// reg names register i of this width.
func (v vector) reg(i int) string { return fmt.Sprint(v.prefix, i) }

// Prefetch distance of a stream of weights, in bytes.
const ahead = 4096

// ret ends a function.
func ret() {
	f.Op("VZEROUPPER")
	f.Op("RET")
}

// broadcast fills vector register i with a 32-bit constant, through AX.
func broadcast(v vector, bits uint32, i int) {
	f.Op("MOVL $0x%08X, AX", bits)
	f.Op("VMOVD AX, X%d", i)
	f.Op("VPBROADCASTD X%d, %s", i, v.reg(i))
}
