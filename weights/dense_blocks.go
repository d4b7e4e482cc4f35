package weights

import (
	"encoding/binary"

	"bitnet-gpu/cpu/kernel"
)

// The block formats, each from ggml's description in ggml-common.h. d and m are
// float16s of the block, scales and mins integers of a part of it; all products
// of these are exact in float32, but for Q6_K's, and so is every value without an
// m or a min. Elements that share a byte lie 16, 32 or 64 apart.

func halfAt(b []byte) float32 { return kernel.FromHalf(binary.LittleEndian.Uint16(b)) }

// widenQ8_0: d, then 32 signed bytes; value d*q.
func widenQ8_0(dst []float32, block []byte) {
	d := halfAt(block)
	for i, q := range block[2:] {
		dst[i] = d * float32(int8(q))
	}
}

// widenQ4_0: d, then 16 bytes: element j in the low half of byte j, 16+j in the
// high half; value d*(q-8).
func widenQ4_0(dst []float32, block []byte) {
	d := halfAt(block)
	for j, q := range block[2:] {
		dst[j] = d * float32(int(q&15)-8)
		dst[16+j] = d * float32(int(q>>4)-8)
	}
}

// widenQ4_1: d, m, then 16 bytes as Q4_0; value d*q + m.
func widenQ4_1(dst []float32, block []byte) {
	d, m := halfAt(block), halfAt(block[2:])
	for j, q := range block[4:] {
		dst[j] = float32(d*float32(q&15)) + m
		dst[16+j] = float32(d*float32(q>>4)) + m
	}
}

// widenQ5_0: d, 32 fifth bits in the order of the elements, then 16 bytes as
// Q4_0; value d*(q-16).
func widenQ5_0(dst []float32, block []byte) {
	d, high := halfAt(block), binary.LittleEndian.Uint32(block[2:])
	for j, q := range block[6:] {
		dst[j] = d * float32(int(q&15|byte(high>>j&1)<<4)-16)
		dst[16+j] = d * float32(int(q>>4|byte(high>>(16+j)&1)<<4)-16)
	}
}

// widenQ5_1: d, m, then as Q5_0; value d*q + m.
func widenQ5_1(dst []float32, block []byte) {
	d, m, high := halfAt(block), halfAt(block[2:]), binary.LittleEndian.Uint32(block[4:])
	for j, q := range block[8:] {
		dst[j] = float32(d*float32(q&15|byte(high>>j&1)<<4)) + m
		dst[16+j] = float32(d*float32(q>>4|byte(high>>(16+j)&1)<<4)) + m
	}
}

// iq4Values are what the four bits of IQ4_NL and IQ4_XS mean.
var iq4Values = [16]float32{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

// widenIQ4_NL: as Q4_0; value d*iq4Values[q].
func widenIQ4_NL(dst []float32, block []byte) {
	d := halfAt(block)
	for j, q := range block[2:] {
		dst[j] = d * iq4Values[q&15]
		dst[16+j] = d * iq4Values[q>>4]
	}
}

// widenIQ4_XS: d, the high 2 bits of 8 scales of 32 elements in 2 bytes, their low
// 4 bits in 4, then 16 bytes as Q4_0 for each 32; value d*(scale-32)*iq4Values[q].
func widenIQ4_XS(dst []float32, block []byte) {
	d, high := halfAt(block), binary.LittleEndian.Uint16(block[2:])
	for part := range 8 {
		scale := block[4+part/2]>>(4*(part%2))&15 | byte(high>>(2*part)&3)<<4
		d := d * float32(int(scale)-32)
		for j, q := range block[8+16*part:][:16] {
			dst[32*part+j] = d * iq4Values[q&15]
			dst[32*part+16+j] = d * iq4Values[q>>4]
		}
	}
}

// widenQ2_K: 16 bytes with a scale (low half) and a min for 16 elements each, the
// 2 bits of 256 elements, d, m; value (d*scale)*q - m*min. In each half of 128,
// element 32k+l is in bits 2k and 2k+1 of byte l.
func widenQ2_K(dst []float32, block []byte) {
	scales, low := block[:16], block[16:80]
	d, m := halfAt(block[80:]), halfAt(block[82:])
	for part, scale := range scales {
		d, m := d*float32(scale&15), m*float32(scale>>4)
		for j, q := range low[part/8*32+part%2*16:][:16] {
			dst[16*part+j] = float32(d*float32(q>>(part%8/2*2)&3)) - m
		}
	}
}

// widenQ3_K: the high bits of 256 elements, their low 2 bits as in Q2_K, 12 bytes
// of 16 scales, d; value (d*(scale-32))*(q-4). The high bit of element 32k+l of
// all is bit k of byte l. Scale s has its low 4 bits in half s/8 of byte s mod 8,
// its high 2 in bits 2*(s/4) and up of byte 8 + s mod 4.
func widenQ3_K(dst []float32, block []byte) {
	high, low, scales := block[:32], block[32:96], block[96:108]
	d := halfAt(block[108:])
	for part := range 16 {
		scale := scales[part%8]>>(part/8*4)&15 | scales[8+part%4]>>(part/4*2)&3<<4
		d, at := d*float32(int(scale)-32), part%2*16
		for j, q := range low[part/8*32+at:][:16] {
			q = q>>(part%8/2*2)&3 | high[at+j]>>(part/2)&1<<2
			dst[16*part+j] = d * float32(int(q)-4)
		}
	}
}

// scaleMin takes scale and min of part 0 to 7 from the 12 bytes of Q4_K and Q5_K:
// of the first four parts six bits stand in bytes 0 to 3 (scales) and 4 to 7
// (mins), of the others four bits in bytes 8 to 11 and two on top of those.
func scaleMin(packed []byte, part int) (scale, least float32) {
	if part < 4 {
		return float32(packed[part] & 63), float32(packed[part+4] & 63)
	}
	low := packed[part+4]
	return float32(low&15 | packed[part-4]>>6<<4), float32(low>>4 | packed[part]>>6<<4)
}

// widenQ4_K: d, m, 12 bytes of 8 scales and mins of 32 elements each, then 32
// bytes for each 64 elements, the first 32 in the low halves; value (d*scale)*q -
// m*min.
func widenQ4_K(dst []float32, block []byte) {
	d, m := halfAt(block), halfAt(block[2:])
	for part := range 8 {
		scale, least := scaleMin(block[4:16], part)
		d, m := d*scale, m*least
		for j, q := range block[16+part/2*32:][:32] {
			dst[32*part+j] = float32(d*float32(q>>(part%2*4)&15)) - m
		}
	}
}

// widenQ5_K: as Q4_K, with the fifth bits between: that of element 32k+l is bit k
// of byte l.
func widenQ5_K(dst []float32, block []byte) {
	d, m, high := halfAt(block), halfAt(block[2:]), block[16:48]
	for part := range 8 {
		scale, least := scaleMin(block[4:16], part)
		d, m := d*scale, m*least
		for j, q := range block[48+part/2*32:][:32] {
			q = q>>(part%2*4)&15 | high[j]>>part&1<<4
			dst[32*part+j] = float32(d*float32(q)) - m
		}
	}
}

// widenTQ1_0 and widenTQ2_0: of embeddings in the types of ternary matrices, which
// llama-quantize --pure writes. TQ2_0 has element 32k+l of each half of 128 in
// bits 2k and 2k+1 of byte l of that half, then d; value d*(q-1). TQ1_0: package
// ternary.
func widenTQ2_0(dst []float32, block []byte) {
	d := halfAt(block[64:])
	for i := range dst[:256] {
		q := block[i/128*32+i%32] >> (i % 128 / 32 * 2) & 3
		dst[i] = d * float32(int(q)-1)
	}
}

func widenTQ1_0(dst []float32, block []byte) {
	d := halfAt(block[52:])
	digits := func(dst []float32, bytes []byte, n int) {
		for k := range n {
			for l, q := range bytes {
				for range k {
					q *= 3
				}
				dst[k*len(bytes)+l] = d * float32(int(uint16(q)*3>>8)-1)
			}
		}
	}
	digits(dst, block[:32], 5)
	digits(dst[160:], block[32:48], 5)
	digits(dst[240:], block[48:52], 4)
}

// widenQ6_K: the low 4 bits of 256 elements, their high 2 bits, 16 signed
// scales of 16 elements, d; value (d*scale)*(q-32). In each half of 128,
// element 32k+l has its low bits in byte l + 32*(k&1), the low half of it for k
// < 2, and its high bits in bits 2k and 2k+1 of byte l.
func widenQ6_K(dst []float32, block []byte) {
	low, high, scales := block[:128], block[128:192], block[192:208]
	d := halfAt(block[208:])
	for i := range dst[:256] {
		half, k, l := i/128, i%128/32, i%32
		lo := low[64*half+32*(k&1)+l] >> (4 * (k >> 1)) & 15
		hi := high[32*half+l] >> (2 * k) & 3
		dst[i] = float32(d*float32(int8(scales[i/16]))) * float32(int(lo|hi<<4)-32)
	}
}
