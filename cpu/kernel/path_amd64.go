package kernel

import "golang.org/x/sys/cpu"

var avx2 = Path{
	Name:          "avx2",
	Panel:         4,
	TernaryVec:    ternaryVecAVX2,
	TernaryMat:    ternaryMatAVX2,
	Blocks:        blocksAVX2,
	Nibbles:       nibblesAVX2,
	NibbleVecs:    oneByOne(nibbleVecAVX2),
	MulMax:        mulMaxAVX2,
	BlockSquares:  blockSquaresAVX2,
	Quantise:      quantiseAVX2,
	Scale:         scaleAVX2,
	AddScaled:     addScaledAVX2,
	ScaleTile:     scaleTileAVX2,
	AddScaledTile: addScaledTileAVX2,
	ReLU2:         relu2AVX2,
	ReLU2Tile:     relu2TileAVX2,
	Times:         timesAVX2,
	MulAdd:        mulAddAVX2,
	Rotate:        rotateAVX2,
	Halves:        halvesAVX2,
	Blend:         blendAVX2,
	Scores:        scoresAVX2,
	Highest:       highestAVX2,
	Exps:          expsAVX2,
	WeightedSum:   weightedSumAVX2,
	DotF16:        dotF16AVX2,
	DotF32:        dotF32AVX2,
}

// avx512 is avx2 with wider products and attention.
var avx512 = func() Path {
	p := avx2
	p.Name, p.Panel, p.Few = "avx512", 12, 4
	p.TernaryVec, p.TernaryMat, p.TernaryFew = ternaryVecAVX512, ternaryMatAVX512, ternaryFewAVX512
	p.Blocks, p.Nibbles, p.NibbleVecs = blocksAVX512, nibblesAVX512, nibbleVecsAVX512
	p.Scores, p.Scores4 = scoresAVX512, scores4AVX512
	p.WeightedSum, p.WeightedSum4 = weightedSumAVX512, weightedSum4AVX512
	p.DotF16, p.DotF32 = dotF16AVX512, dotF32AVX512
	return p
}()

// avx512vbmi is avx512 with the instructions that take trits apart.
var avx512vbmi = func() Path {
	p := avx512
	p.Name = "avx512vbmi"
	p.TritsVec, p.TritsFew = tritsVecVBMI, tritsFewVBMI
	p.PackTrits, p.UnpackTrits = wholeGroups(packTritsAVX512), unpackTritsVBMI
	return p
}()

// amx is avx512vbmi with the matrix unit of server processors for prompts.
var amx = func() Path {
	p := avx512vbmi
	p.Name, p.Panel, p.TernaryMat, p.TritsMat = "amx", 16, nil, tritsMatAMX
	return p
}()

// wholeGroups makes Path.PackTrits of a kernel for multiples of 80 columns: it leaves
// the others to the portable loop.
func wholeGroups(pack func(w, words []uint32)) func(w, words []uint32) {
	return func(w, words []uint32) {
		groups := len(words) / (5 * TileRows)
		pack(w[:4*groups*TileRows], words[:5*groups*TileRows])
		packTrits(w[4*groups*TileRows:], words[5*groups*TileRows:])
	}
}

// avxvnni is avx2 with the products of AVX-VNNI.
var avxvnni = func() Path {
	p := avx2
	p.Name, p.Panel = "avxvnni", 5
	p.TernaryVec, p.TernaryMat, p.NibbleVecs = ternaryVecVNNI, ternaryMatVNNI, oneByOne(nibbleVecVNNI)
	return p
}()

// native lists what this CPU and its system run, the best first.
func native() []*Path {
	x := &cpu.X86
	if !x.HasAVX2 || !x.HasF16C {
		return nil
	}
	var paths []*Path
	if x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL && x.HasAVX512VNNI {
		if x.HasAVX512VBMI && x.HasAVX512GFNI {
			if x.HasAMXTile && x.HasAMXInt8 && mayUseTiles() {
				paths = append(paths, &amx)
			}
			paths = append(paths, &avx512vbmi)
		}
		paths = append(paths, &avx512)
	}
	if x.HasAVXVNNI {
		paths = append(paths, &avxvnni)
	}
	return append(paths, &avx2)
}
