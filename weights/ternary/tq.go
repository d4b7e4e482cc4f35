package ternary

import "encoding/binary"

// TQ1_0 and TQ2_0 of ggml: blocks of 256 weights along a row, each with a
// float16 scale d behind its codes. (ggml/src/ggml-quants.c)
//
// TQ2_0: 64 bytes, then d. Byte m of half h holds the elements 128h+m, +32,
// +64, +96 in bits 1:0, 3:2, 5:4, 7:6: I2_S with its fields in reverse.
//
// TQ1_0: 48 bytes, 4 bytes, then d. Five weights in a byte, or four, as digits
// of base 3, the first element's the highest. The number v of five digits is
// stored as ceil(v*256/243), so that 3*byte/256 is the first digit, and the
// rest of the product, a byte again, holds the others. Bytes m = 0..31: elements
// m+32n, n = 0..4. Bytes 32+m, m = 0..15: elements 160+m+16n. The last four
// bytes j: elements 240+j+4n, n = 0..3.
const (
	tqBlock  = 256
	tq1Bytes = 48 + 4 + 2
	tq2Bytes = 64 + 2
)

func tq1Scale(block []byte) uint16 { return binary.LittleEndian.Uint16(block[52:]) }
func tq2Scale(block []byte) uint16 { return binary.LittleEndian.Uint16(block[64:]) }

func tq2Row(m *Matrix, dst []uint32, row int) (bad uint64, err error) {
	data := m.Data[row*m.Cols/tqBlock*tq2Bytes:]
	for b := 0; b < len(dst); b, data = b+16, data[tq2Bytes:] {
		words := (*[16]uint32)(dst[b:])
		for h := range 2 {
			half := (*[32]byte)(data[32*h:])
			var w [8]uint32
			bad |= blockWords(&w, half)
			for i := range w { // pairs of words in reverse
				words[8*h+i] = w[i^6]
			}
		}
		if d := uint32(tq2Scale(data)); d != m.Level || d == 0 {
			if err = otherScale(words[:], "block", row, 16*b); err != nil {
				return 0, err
			}
		}
	}
	return bad, nil
}

func tq1Row(m *Matrix, dst []uint32, row int) (bad uint64, err error) {
	data := m.Data[row*m.Cols/tqBlock*tq1Bytes:]
	for b := 0; b < len(dst); b, data = b+16, data[tq1Bytes:] {
		words := (*[16]uint32)(dst[b:])
		for g := range 2 {
			digitWords(words[g:10:10], data[16*g:], 2)
		}
		digitWords(words[10:15], data[32:], 1)
		words[15] = 0
		last := uint64(binary.LittleEndian.Uint32(data[48:]))
		for n := range 4 {
			var digits uint64
			digits, last = digit(last)
			words[15] |= uint32(digits) << (2 * n)
		}
		if d := uint32(tq1Scale(data)); d != m.Level || d == 0 {
			if err = otherScale(words[:], "block", row, 16*b); err != nil {
				return 0, err
			}
		}
	}
	return 0, nil
}

// digitWords stores the words of the five digits of 16 bytes, each step words
// behind the one before.
func digitWords(dst []uint32, data []byte, step int) {
	lo, hi := binary.LittleEndian.Uint64(data), binary.LittleEndian.Uint64(data[8:])
	for n := 0; n < 5*step && n < len(dst); n += step {
		var a, b uint64
		a, lo = digit(lo)
		b, hi = digit(hi)
		dst[n] = joinBytes(a, b)
	}
}

// digit takes the first digit off each byte.
func digit(bytes uint64) (digits, rest uint64) {
	const even = 0x00FF00FF00FF00FF
	a, b := bytes&even*3, bytes>>8&even*3
	return a>>8&even | b&^even, a&even | b&even<<8
}

// encodeTQ2 is the reverse of tq2Row for one block.
func encodeTQ2(dst []byte, words []uint32, d uint16) {
	for h := range 2 {
		var w [8]uint32
		for i := range w {
			w[i] = words[8*h+i^6]
		}
		encodeI2S(dst[32*h:], w[:])
	}
	binary.LittleEndian.PutUint16(dst[64:], d)
}

// encodeTQ1 is the reverse of tq1Row for one block.
func encodeTQ1(dst []byte, words []uint32, d uint16) {
	var codes [tqBlock]byte
	for i, word := range words {
		lo, hi := splitBytes(word)
		binary.LittleEndian.PutUint64(codes[16*i:], lo)
		binary.LittleEndian.PutUint64(codes[16*i+8:], hi)
	}
	put := func(at, first, step, digits int) {
		v := 0
		for n := range 5 {
			v *= 3
			if n < digits {
				v += int(codes[first+n*step])
			}
		}
		dst[at] = byte((v*256 + 242) / 243)
	}
	for m := range 32 {
		put(m, m, 32, 5)
	}
	for m := range 16 {
		put(32+m, 160+m, 16, 5)
	}
	for j := range 4 {
		put(48+j, 240+j, 4, 4)
	}
	binary.LittleEndian.PutUint16(dst[52:], d)
}
