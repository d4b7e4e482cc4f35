// Package demo holds a small model, so that there is one without a download: a
// ternary transformer trained from scratch on stories, jokes, small sums and
// questions (README.md tells how, and what it can do; train/ has all of it).
//
// weights.Open and every verb know it by its name.
package demo

import _ "embed"

// Name is what stands for the model where a path is expected, unless there is a
// file of that name.
const Name = "demo"

//go:embed demo.gguf
var file string

// File returns the model's GGUF file. The bytes are the caller's.
func File() []byte { return []byte(file) }
