// Package ternary holds the packing of weights in {-1, 0, +1}: the kernel word
// that all backends compute with, and the layouts that files store.
//
// # The kernel word
//
// A uint32 holds 16 consecutive weights of one row. Weight k = 4f + j stands in
// byte j, bits 2f and 2f+1, as a code 0, 1, 2 for -1, 0, +1. So
// (w >> 2f) & 0x03030303 is four codes that meet four consecutive int8
// activations: one shift and one mask beside the multiply. Row lengths need
// only be a multiple of 16.
package ternary

import "fmt"

// WordWeights is the number of weights in a kernel word.
const WordWeights = 16

// Pack stores the kernel words of trits, each -1, 0 or +1, in dst
// (len(trits)/16). It panics on another value.
func Pack(dst []uint32, trits []int8) {
	for b := range dst {
		word := uint32(0)
		for k, t := range trits[16*b : 16*b+16] {
			if t < -1 || t > 1 {
				panic(fmt.Sprintf("BUG: ternary.Pack: weight %d", t))
			}
			word |= uint32(t+1) << (8*(k%4) + 2*(k/4))
		}
		dst[b] = word
	}
}

// Unpack is the reverse of Pack: dst (16*len(words)).
func Unpack(dst []int8, words []uint32) {
	for b, word := range words {
		for k := range 16 {
			dst[16*b+k] = int8(word>>(8*(k%4)+2*(k/4))&3) - 1
		}
	}
}
