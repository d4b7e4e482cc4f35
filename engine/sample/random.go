package sample

import "math/bits"

// philox is Philox4x32-10, a generator without state: each counter and key
// give four random words of their own. (Salmon, Moraes, Dror and Shaw,
// "Parallel random numbers: as easy as 1, 2, 3", 2011)
func philox(counter [4]uint32, key [2]uint32) [4]uint32 {
	for range 10 {
		hi0, lo0 := bits.Mul32(0xD2511F53, counter[0])
		hi1, lo1 := bits.Mul32(0xCD9E8D57, counter[2])
		counter = [4]uint32{hi1 ^ counter[1] ^ key[0], lo1, hi0 ^ counter[3] ^ key[1], lo0}
		key[0] += 0x9E3779B9
		key[1] += 0xBB67AE85
	}
	return counter
}

// uniform returns the nth number of a seed, a multiple of 2^-53 in [0, 1).
func uniform(seed, n uint64) float64 {
	words := philox([4]uint32{uint32(n), uint32(n >> 32)}, [2]uint32{uint32(seed), uint32(seed >> 32)})
	return float64((uint64(words[1])<<32|uint64(words[0]))>>11) * 0x1p-53
}
