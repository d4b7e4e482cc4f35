package synthetic

import (
	"encoding/binary"
	"hash/fnv"
	"unsafe"

	"bitnet-gpu/weights"
)

// A stream is the state of SplitMix64 (Steele, Lea and Flood, "Fast splittable
// pseudorandom number generators", 2014).
type stream uint64

// rowStride sets the streams of rows apart. It is odd and not SplitMix64's own
// increment, so that no stream is another one some steps later.
const rowStride = 0xD1342543DE82EF95

// newStream returns the stream of a tensor.
func newStream(seed uint64, name string) *stream {
	h := fnv.New64a()
	h.Write([]byte(name))
	r := stream(seed ^ h.Sum64())
	r = stream(r.next())
	return &r
}

func (r *stream) next() uint64 {
	*r += 0x9E3779B97F4A7C15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// unit returns a number in [0, 1), a multiple of 2^-24: sums and products with
// powers of two are exact.
func (r *stream) unit() float64 { return float64(r.next()>>40) * 0x1p-24 }

// alignedBytes returns n bytes that begin at a multiple of 32.
func alignedBytes(n int) []byte {
	b := make([]byte, n+31)
	skip := -uintptr(unsafe.Pointer(unsafe.SliceData(b))) & 31
	return b[skip:][:n:n]
}

// fillCodes fills data, whole 8-byte words, with two-bit codes: random bits in
// which 3 became 1, the code of 0.
func fillCodes(data []byte, r *stream) {
	for ; len(data) > 0; data = data[8:] {
		v := r.next()
		three := v & (v >> 1) & 0x5555555555555555
		binary.LittleEndian.PutUint64(data, v&^(three<<1))
	}
}

// blockLen returns how many elements a block of a type has, blockBytes its size.
func blockLen(t weights.DType) int {
	return [...]int{weights.F32: 1, weights.F16: 1, weights.BF16: 1, weights.Q8_0: 32, weights.Q6_K: 256, weights.Q4_0: 32}[t]
}

func blockBytes(t weights.DType) int {
	return [...]int{weights.F32: 4, weights.F16: 2, weights.BF16: 2, weights.Q8_0: 34, weights.Q6_K: 210, weights.Q4_0: 18}[t]
}

// topExponent returns t where elements below 2^t make the dot product of a row
// with a vector of n elements of size 1 a few units large: 2^t of about
// 8/sqrt(n), where their rms is 0.44 * 2^t.
func topExponent(n int) int {
	t := 0
	for size := float64(n); size > 64; size /= 4 {
		t--
	}
	return t
}

// fillRow fills a row of an embedding with random bits that mean finite
// numbers: most have exponents just below top, one in 64 is a denormal or 0
// (of the block formats: in one block of 64 all are next to 0).
func fillRow(row []byte, t weights.DType, top int, r *stream) {
	le := binary.LittleEndian
	for size := blockBytes(t); len(row) > 0; row = row[size:] {
		bits := r.next()
		octave := top - 1 - int(bits>>56&3)
		switch t {
		case weights.F32:
			le.PutUint32(row, uint32(float(bits, octave, 8, 23)))
		case weights.F16:
			le.PutUint16(row, uint16(float(bits, octave, 5, 10)))
		case weights.BF16:
			le.PutUint16(row, uint16(float(bits, octave, 8, 7)))
		case weights.Q8_0: // d, then 32 int8 of rms 74
			le.PutUint16(row, uint16(float(bits, top-8, 5, 10)))
			r.fill(row[2:size])
		case weights.Q4_0: // d, then 32 nibbles less 8, of rms 4.6
			le.PutUint16(row, uint16(float(bits, top-4, 5, 10)))
			r.fill(row[2:size])
		case weights.Q6_K: // 256 values of 6 bits less 32, of rms 18, 16 int8 scales of rms 74, d
			r.fill(row[:size-2])
			le.PutUint16(row[size-2:], uint16(float(bits, top-12, 5, 10)))
		}
	}
}

// float makes a float of 1 bit, exponentBits and mantissaBits out of random
// bits: of the given exponent, but one in 64 times a denormal. Exponents too
// small for the format become its smallest.
func float(bits uint64, exponent, exponentBits, mantissaBits int) uint64 {
	sign := bits >> 63
	mantissa := bits & (1<<mantissaBits - 1)
	field := max(1, exponent+1<<(exponentBits-1)-1)
	if bits>>32%64 == 0 {
		field = 0
	}
	return sign<<(exponentBits+mantissaBits) | uint64(field)<<mantissaBits | mantissa
}

// fill fills b with random bytes.
func (r *stream) fill(b []byte) {
	for i := range b {
		b[i] = byte(r.next() >> 56)
	}
}
