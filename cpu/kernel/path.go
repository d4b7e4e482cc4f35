// Package kernel holds the inner loops of the CPU backend. Every loop exists as
// portable Go, which is the definition (portable.go, scalar.go), and on most
// CPUs once more as assembly that gives the same bits. The assembly is written
// by the programs in _asm; go generate runs them.
package kernel

import (
	"fmt"
	"strings"
)

//go:generate go run -C _asm ./amd64 ../kernels_amd64
//go:generate go run -C _asm ./neon ../kernels_arm64

const (
	TileRows = 64 // rows of a weight tile, see Path.TernaryVec
	Chunk    = 64 // positions of an attention chunk

	TritsMatRoom = 32*640 + 128*32*4 // bytes that Path.TritsMat needs for itself
)

// A Path is one set of inner loops for one kind of CPU (path_amd64.go,
// path_arm64.go). The comments name shapes; all slices of one call agree with
// them, which the callers see to: assembly checks nothing. Nothing needs to be
// aligned, nothing outside the slices is touched, and no argument is kept.
// Lengths are multiples of 16 where nothing else is said. A call runs to its end
// before the garbage collector can stop its thread, so a large matrix is best
// given in pieces.
type Path struct {
	Name  string
	Panel int // tokens that TernaryMat takes at once, or a multiple of which TritsMat
	Few   int // tokens that cost a batch little more than one; 0: none, or not measured

	// TernaryVec stores acc[r] = sum over k of code[r][k] * x[k], with codes
	// 0, 1, 2 for the weights -1, 0, +1: the caller takes off the sum of x.
	// acc (rows), a multiple of 64; x (k); w (rows/64, k/16, 64): tiles of 64
	// kernel words (weights/ternary), one for each row of the tile. Bits left
	// over (rows that pad a tile) must be codes too. k is below 2^18.
	TernaryVec func(acc []int32, w []uint32, x []int8)

	// TernaryMat is TernaryVec for Panel tokens: acc (Panel, rows);
	// x (k/4, Panel, 4), so that the four activations that meet one field of a
	// word lie together.
	TernaryMat func(acc []int32, w []uint32, x []int8)

	// TernaryFew is TernaryMat for Few tokens, which it multiplies in about the
	// time that the words take to come from memory. nil where TernaryMat does.
	TernaryFew func(acc []int32, w []uint32, x []int8)

	// TritsVec is TernaryVec for words of trits (trits.go), a fifth less to read:
	// w (rows/64, ceil(k/20), 64). TritsFew is TernaryFew for a tile of them.
	// PackTrits stores a tile of kernel words (k/16, 64), of valid codes, as w
	// (ceil(k/20), 64); UnpackTrits is the reverse, for TernaryMat. All four are nil
	// where trits cost more than they save.
	TritsVec    func(acc []int32, w []uint32, x []int8)
	TritsFew    func(acc []int32, w []uint32, x []int8)
	PackTrits   func(w, words []uint32)
	UnpackTrits func(words, w []uint32)

	// TritsMat is TritsVec for one tile and tokens at once, a multiple of 16 and at
	// most 128: acc (tokens, 64); x (tokens/16, k/64, 16, 64): 64 activations of 16
	// tokens lie together, and k is rounded up with zeros. It scribbles on room
	// (TritsMatRoom). It stands in for TernaryMat, which is nil then; nil where no
	// unit multiplies matrices.
	TritsMat func(acc []int32, w []uint32, x []int8, room []uint8)

	// Blocks turns 64 rows of I2_S as a file has them (weights/ternary/i2s.go), blocks
	// of 128 weights in 32 bytes, into a tile of kernel words (k/16, 64): row r begins
	// at data[r*stride]. It returns 0 where all codes are valid. nil where
	// ternary.Interleave is as good.
	Blocks func(words []uint32, data []byte, stride int32) int32

	// Nibbles packs the codes of a tile, -8 to 7 in (64, k), each plus 8, into words
	// for NibbleVecs (k/8, 64).
	Nibbles func(words []uint32, codes []int8)

	// NibbleVecs stores acc[r] = sum over k of code[r][k] * x[k], with codes 0 to
	// 15, and acc2 the same of x2. acc and acc2 (rows), a multiple of 64; x and x2
	// (k); w (rows/64, k/8, 64): a word holds 8 codes of a row, code j in the low
	// and code 4+j in the high half of byte j. k is below 2^17.
	NibbleVecs func(acc, acc2 []int32, w []uint32, x, x2 []int8)

	// MulMax stores y = FZ(h*g) and returns the bits of max|y|.
	MulMax func(y, h, g []float32) uint32

	// BlockSquares stores for each 16 elements of h (16*len(sums)) the halving
	// sum of their squares. Any number of blocks.
	BlockSquares func(sums, h []float32)

	// Quantise stores q = roundEven(y*inv), which lies in [-127, 127], and
	// returns the sum of q.
	Quantise func(q []int8, y []float32, inv float32) int32

	// Scale stores out = float(acc - sum) * s. Any length.
	Scale func(out []float32, acc []int32, sum int32, s float32)

	// AddScaled stores h = FZ(h + float(acc - sum)*s). Any length.
	AddScaled func(h []float32, acc []int32, sum int32, s float32)

	// ScaleTile and AddScaledTile are Scale and AddScaled for some tokens and a whole
	// tile: acc (tokens, 64); sums and scales (tokens); the 64 rows of token t begin
	// at out[t*stride].
	ScaleTile     func(out []float32, acc, sums []int32, scales []float32, stride int32)
	AddScaledTile func(out []float32, acc, sums []int32, scales []float32, stride int32)

	// ReLU2 stores v = FZ((u*u)*up), u = max(gate, 0). Any length; v may be gate.
	ReLU2 func(v, gate, up []float32)

	// ReLU2Tile is ReLU2 of what Scale makes of the sums of two tiles: as ScaleTile,
	// acc being those of gate, up (tokens, 64) the others', and scales (2, tokens)
	// both's.
	ReLU2Tile func(out []float32, acc, up, sums []int32, scales []float32, stride int32)

	// Times stores y = FZ(x*a). Any length; y may be x.
	Times func(y, x []float32, a float32)

	// MulAdd stores y = x*a + u. Any length; y may be x.
	MulAdd func(y, x, u []float32, a float32)

	// Scores stores s[t] = (q . keys[t]) * c for the first len(s) keys
	// (len(s), len(q)) of one head. 1 to 64 scores; any len(q) >= 16.
	Scores func(s, q []float32, keys []uint16, c float32)

	// Rotate turns the pairs (i, i+n) of x (2n) by the angles whose cosines and
	// sines are given (n): FZ of a*cos - b*sin and b*cos + a*sin. Any length.
	Rotate func(x, cos, sin []float32)

	// Halves rounds x to float16 and returns the largest of the results without
	// their signs, as bits. Any length.
	Halves func(dst []uint16, x []float32) uint32

	// Blend stores o = FZ(FZ(o*a) + FZ(w*b)). Any length.
	Blend func(o, w []float32, a, b float32)

	// Highest returns the largest of the scores p, which are numbers; of zeros
	// either. At least one.
	Highest func(p []float32) float32

	// Exps replaces the scores p by Exp2(p-m) and returns their halving sum
	// over 64 places. 1 to 64 scores.
	Exps func(p []float32, m float32) float32

	// WeightedSum stores o[i] = sum over t of p[t]*values[t][i], in the order of
	// t. values (len(p), len(o)); any len(o) >= 16.
	WeightedSum func(o, p []float32, values []uint16)

	// Scores4 and WeightedSum4 are Scores and WeightedSum for four heads that share
	// keys and values: s and p (4, Chunk), q and o (4, n), n a multiple of 16;
	// Scores4 takes at least four keys. nil where they save nothing.
	Scores4      func(s, q []float32, keys []uint16, c float32)
	WeightedSum4 func(o, p []float32, values []uint16)

	// DotF16 and DotF32 return the product of one row of a dense matrix, in 64 chains.
	// len(x) >= 64.
	DotF16 func(row []uint16, x []float32) float32
	DotF32 func(row, x []float32) float32
}

// Paths returns the paths this machine can run, the best first; the last is
// "portable".
func Paths() []*Path { return append(native(), &portable) }

// Pick returns the path of that name, or the best one for "".
func Pick(name string) (*Path, error) {
	paths := Paths()
	if name == "" {
		return paths[0], nil
	}
	var names []string
	for _, p := range paths {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return nil, fmt.Errorf("CPU path %q: this machine has %s", name, strings.Join(names, ", "))
}
