package synthetic

import (
	"bitnet-gpu/weights"
)

// WinnerCosine is the cosine between the head's input and the row of the winner
// in a model that Plant has changed.
const WinnerCosine = 0.3

// smallestScale is the least that the contract allows for a matrix
// (engine/compute, point 10).
const smallestScale = 1. / (1 << 18)

// Plant changes a model of New so that every token has one clear winner, its own
// row of the head, at a cosine of about WinnerCosine; all other rows stay random,
// within a few 1/sqrt(Hidden) of 0. In a model as New makes it the winner is the
// best of as many random rows, at 0.085 for the 2B4T's shape.
//
// What the blocks add to the residual stream is made all but nothing, so that the
// head's input is the token's embedding times the weights of the last norm; and
// these become signs with a mean of WinnerCosine, which then is the cosine, up to
// about 1/sqrt(Hidden). A head that is not tied becomes the embedding's copy. No
// other tensor changes, and none its size or type.
func Plant(m *weights.Model) {
	for i := range m.Layers {
		m.Layers[i].O.Ternary.Scale = smallestScale
		m.Layers[i].Down.Ternary.Scale = smallestScale
	}
	m.OutputNorm = make([]float32, m.Hidden)
	sum := 0.0
	for i := range m.OutputNorm { // the sign that brings the mean so far nearer
		sign := float32(1)
		if sum > WinnerCosine*float64(i) {
			sign = -1
		}
		m.OutputNorm[i] = sign
		sum += float64(sign)
	}
	name := m.Output.Name
	m.Output = m.TokenEmbd
	m.Output.Name = name
}
