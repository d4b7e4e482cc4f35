// Package tiny has the small models of the tests: shapes for weights/synthetic
// that between them cover what kernels and formats get wrong, and the files that
// only tests write.
package tiny

import (
	"bitnet-gpu/weights"
	"bitnet-gpu/weights/synthetic"
)

// A Shape is the shape of a synthetic model.
type Shape = synthetic.Shape

// New makes the model of a shape.
func New(shape Shape, seed uint64) *weights.Model { return synthetic.New(shape, seed) }

// Big makes a model of exactly the shape of BitNet b1.58 2B4T, which has 30
// blocks: 0.7 GB of embedding and 17 MB for each block.
func Big(blocks int) *weights.Model {
	shape, ok := synthetic.Known("2b-4t")
	if !ok {
		panic("BUG: tiny.Big: no shape 2b-4t")
	}
	shape.Blocks = blocks
	return New(shape, 1)
}
