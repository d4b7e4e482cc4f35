package kernel

// TritWeights is the number of weights in a word of trits.
const TritWeights = 20

// A word of trits holds 20 consecutive weights of one row, five in a byte, in
// 1.6 bits each: byte j has the weights 4f + j, f = 0..4, whose codes are its
// digits t0 to t4. It is the kernel word (weights/ternary) in four fifths of the
// space: digit f of the bytes is four codes that meet four consecutive
// activations. The last word of a row that is no multiple of 20 long is filled
// up with codes of 0.
//
// 243 of the 256 values of a byte are in use, so that few instructions take one
// apart:
//
//	p = 3*t3 + t4 > 0:   8*(9*t0 + 3*t1 + t2) + p - 1   below 216
//	p = 0, an escape:  219 + 9*t0 + 3*t1 + t2           219 to 245

// tritSteps is how many words of trits hold the weights of so many kernel words.
func tritSteps(words int) int { return (16*words + TritWeights - 1) / TritWeights }

// packTrits is Path.PackTrits.
func packTrits(w, words []uint32) {
	fields := len(words) / TileRows * 4
	for b := range len(w) / TileRows {
		to := w[b*TileRows:][:TileRows:TileRows]
		first := 5 * b // the field of 4 weights that is digit 0
		var from [5][]uint32
		var shift [5]int
		for f := range from {
			from[f] = noWeights[:]
			if at := first + f; at < fields {
				from[f], shift[f] = words[at/4*TileRows:][:TileRows:TileRows], at%4*2
			}
		}
		for r := range to {
			t0, t1, t2 := from[0][r]>>shift[0]&0x03030303, from[1][r]>>shift[1]&0x03030303, from[2][r]>>shift[2]&0x03030303
			t3, t4 := from[3][r]>>shift[3]&0x03030303, from[4][r]>>shift[4]&0x03030303
			to[r] = packDigits(9*t0+3*t1+t2, 3*t3+t4)
		}
	}
}

var noWeights [TileRows]uint32

// packDigits codes the first three digits, 0 to 26, and the last two, 0 to 8, of
// the four bytes of a word.
func packDigits(triple, pair uint32) uint32 {
	const ones = 0x01010101
	some := (pair + 15*ones) >> 4 & ones // 1 in the bytes whose pair is not 0
	escape := (ones - some) * 0xFF
	plain := triple*8&^escape + (pair - some)
	return plain | (triple+219*ones)&escape
}

// unpackDigit returns digit f of the four bytes of a word of trits.
func unpackDigit(word uint32, f int) (digits uint32) {
	for j := 0; j < 32; j += 8 {
		digits |= uint32(tritDigits[word>>j&0xFF][f]) << j
	}
	return digits
}

// tritDigits holds the digits of every byte; those that stand for nothing are
// like some that do.
var tritDigits = func() (t [256][5]uint8) {
	for v := range t {
		triple, pair := v>>3, v&7+1
		if v >= 216 {
			triple, pair = (v-219)&31%27, 0
		}
		t[v] = [5]uint8{uint8(triple / 9), uint8(triple / 3 % 3), uint8(triple % 3), uint8(pair / 3), uint8(pair % 3)}
	}
	return t
}()

// unpackTrits is Path.UnpackTrits.
func unpackTrits(words, w []uint32) {
	clear(words)
	for i := range words {
		r, b := i%TileRows, i/TileRows
		for f := range 4 {
			at := 4*b + f
			words[i] |= unpackDigit(w[at/5*TileRows+r], at%5) << (2 * f)
		}
	}
}

// tritsFew is Path.TritsFew for four tokens.
func tritsFew(acc []int32, w []uint32, x []int8) {
	words := make([]uint32, len(x)/4/16*TileRows)
	unpackTrits(words, w)
	ternaryMat(acc, words, x, 4)
}

// tritsMat is Path.TritsMat.
func tritsMat(acc []int32, w []uint32, x []int8, _ []uint8) {
	tokens := len(acc) / TileRows
	n := len(x) / tokens
	clear(acc)
	for i, word := range w {
		r, b := i%TileRows, i/TileRows
		for f := range 5 {
			digits := unpackDigit(word, f)
			for k := b*TritWeights + 4*f; k < min(b*TritWeights+4*f+4, n); k++ {
				for t := range tokens {
					acc[t*TileRows+r] += int32(digits>>(8*(k%4))&0xFF) * int32(x[TokenBlock(t, k, n)])
				}
			}
		}
	}
}

// TokenBlock returns where Path.TritsMat has activation k, of n, of token t.
func TokenBlock(t, k, n int) int { return t/16*16*n + k/64*1024 + t%16*64 + k%64 }

// tritsVec is Path.TritsVec.
func tritsVec(acc []int32, w []uint32, x []int8) {
	n, steps := len(x)/16, tritSteps(len(x)/16)
	words := make([]uint32, n*TileRows)
	for tile := range len(acc) / TileRows {
		unpackTrits(words, w[tile*steps*TileRows:][:steps*TileRows])
		ternaryVec(acc[tile*TileRows:][:TileRows], words, x)
	}
}
