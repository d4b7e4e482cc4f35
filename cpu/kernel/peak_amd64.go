package kernel

func peaks() []peak {
	return []peak{
		{"amx", 4 * 16 * 16 * 64, peakAMX},
		{"avx512vbmi", 24 * 64, peakAVX512},
		{"avx512", 24 * 64, peakAVX512},
		{"avxvnni", 12 * 32, peakVNNI},
		{"avx2", 12 * 32, peakAVX2},
	}
}

// peakAMX runs 4 TDPBSSD of 16 by 16 by 64 products a round. rounds > 0.
//
//go:noescape
func peakAMX(rounds int)

// peakAVX512 runs 24 independent VPDPBUSD of 64 products a round. rounds > 0.
//
//go:noescape
func peakAVX512(rounds int)

// peakVNNI runs 12 independent VPDPBUSD of AVX-VNNI, of 32 products. rounds > 0.
//
//go:noescape
func peakVNNI(rounds int)

// peakAVX2 runs 12 VPMADDUBSW of 32 products, each with its VPADDW. rounds > 0.
//
//go:noescape
func peakAVX2(rounds int)
