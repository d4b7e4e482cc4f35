// Command neon writes kernels_arm64.s and kernels_arm64.go of cpu/kernel. The
// register a value lives in is said where the function begins.
package main

import (
	"fmt"
	"os"

	"bitnet-gpu/cpu/kernel/_asm/emit"
)

var f = emit.New("neon")

func main() {
	ternaryVec()
	ternaryMat()
	nibbleVec()
	dotF16()
	dotF32()
	scores()
	weightedSum()
	exps()
	blockSquares()
	quantise()
	mulMax()
	scale()
	addScaled()
	relu2()
	mulAdd()
	blend()
	if err := f.Write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Prefetch distance of a stream of weights, in bytes.
const ahead = 2048

// arg loads a parameter into an integer register.
func arg(name, register string) { f.Op("MOVD %s, %s", f.Arg(name), register) }

// broadcast fills vector register i with a 32-bit constant, through R9.
func broadcast(bits uint32, i int) {
	f.Op("MOVD $0x%08X, R9", bits)
	f.Op("VDUP R9, V%d.S4", i)
}

// load fills n registers from i on and advances the pointer; store is the reverse.
func load(pointer string, i, n int)  { f.Op("VLD1.P %d(%s), %s", 16*n, pointer, list(i, n)) }
func store(pointer string, i, n int) { f.Op("VST1.P %s, %d(%s)", list(i, n), 16*n, pointer) }

func list(i, n int) string {
	s := fmt.Sprintf("[V%d.B16", i)
	for k := 1; k < n; k++ {
		s += fmt.Sprintf(", V%d.B16", i+k)
	}
	return s + "]"
}
