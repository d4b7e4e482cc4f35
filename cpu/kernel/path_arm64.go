package kernel

import "golang.org/x/sys/cpu"

var neon = Path{
	Name:          "neon",
	Panel:         4,
	TernaryVec:    ternaryVecNEON,
	TernaryMat:    ternaryMatNEON,
	Nibbles:       nibbles,
	NibbleVecs:    oneByOne(nibbleVecNEON),
	MulMax:        mulMaxNEON,
	BlockSquares:  blockSquaresNEON,
	Quantise:      quantiseNEON,
	Scale:         scaleNEON,
	AddScaled:     addScaledNEON,
	ScaleTile:     eachToken(scaleNEON),
	AddScaledTile: eachToken(addScaledNEON),
	ReLU2:         relu2NEON,
	ReLU2Tile:     relu2Tile(scaleNEON, relu2NEON),
	Times:         times,
	MulAdd:        mulAddNEON,
	Rotate:        rotate,
	Halves:        halves,
	Blend:         blendNEON,
	Scores:        scoresNEON,
	Highest:       highest,
	Exps:          expsNEON,
	WeightedSum:   weightedSumNEON,
	DotF16:        dotF16NEON,
	DotF32:        dotF32NEON,
}

// native lists what this CPU runs: NEON where it has the dot product (SDOT).
func native() []*Path {
	if cpu.ARM64.HasASIMDDP {
		return []*Path{&neon}
	}
	return nil
}
