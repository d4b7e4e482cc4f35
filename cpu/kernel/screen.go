package kernel

import "math"

// A Coder makes four-bit codes of a head's rows, for a screen: what finds the rows
// that may hold the best logits without reading the head. A screen decides which
// rows are computed and never a value.
//
// The codes are made with subtractive dither. For a row r with the quantum d,
// c = round(r/d + u) and r = d*(c - u) + e, where u is a fixed vector of random
// numbers in [-1/2, 1/2). Whatever the row, its error e is then uniform in
// [-d/2, d/2], independent from element to element and of r. For every x that
// does not know u, e.x is a sum of independent uniform terms with the standard
// deviation sigma = d*|x|/sqrt(12); such sums are sub-Gaussian with that very
// sigma, so |e.x| > 8*sigma has a probability below 2*exp(-32) = 3e-14. That is
// the band; without the dither rows of few values would break it.
//
// So a logit r.x lies within d*ScreenBand*|x| of d*(c.x - u.x), and further away
// only by what the roundings of both sums add.
type Coder struct {
	path          *Path
	dither        []float32 // (cols) u
	ones, y, sums []float32
}

// ScreenBand is the half width of the band of a row, in units of d*|x|: eight
// standard deviations.
const ScreenBand = 8 / 3.4641 // sqrt(12), rounded down

const (
	screenLevels = 6.99 // |r|/d; with the dither codes are -7 to 7
	// Rows of larger numbers stay open always, smaller numbers count as this: so
	// that no square and no quotient leaves float32.
	screenLargest  = 1 << 40
	screenSmallest = 1. / (1 << 40)
)

// NewCoder returns a Coder for rows as long as the dither, a multiple of 16.
func (p *Path) NewCoder(dither []float32) *Coder {
	n := len(dither)
	c := &Coder{path: p, dither: dither, ones: make([]float32, n), y: make([]float32, n), sums: make([]float32, n/16)}
	for i := range c.ones {
		c.ones[i] = 1
	}
	return c
}

// Dither returns n fixed random numbers in [-1/2, 1/2), by SplitMix64.
func Dither(n int) []float32 {
	u, state := make([]float32, n), uint64(0)
	for i := range u {
		state += 0x9E3779B97F4A7C15
		z := state
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		u[i] = float32((z^z>>31)>>40)/(1<<24) - 0.5
	}
	return u
}

// Code stores the codes c of a row and returns its quantum d and a length that is
// at least |r| and d*|c-u|. A row that holds no numbers has an endless length, so
// that it always stays open.
func (c *Coder) Code(codes []int8, row []float32) (quantum, length float32) {
	c.path.BlockSquares(c.sums, row)
	length = float32(math.Sqrt(float64(Halving(c.sums))))
	top := math.Float32frombits(c.path.MulMax(c.y, row, c.ones)) // NaN wins
	if !(top <= screenLargest) {
		clear(codes)
		return 0, float32(math.Inf(1))
	}
	quantum = max(top, screenSmallest) / screenLevels
	c.path.MulAdd(c.y, row, c.dither, 1/quantum)
	c.path.Quantise(codes, c.y, 1)
	return quantum, length + quantum*float32(math.Sqrt(float64(len(row))))/2
}
