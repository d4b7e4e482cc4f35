// Package shaders holds the GPU's kernels: each one a GLSL 430 source that
// serves Vulkan and OpenGL alike, the SPIR-V that go generate made of it, and a
// Kernel that says how it is called.
//
// The rules that make one source serve both: buffers hold 32-bit words and
// stand in set 0 at the bindings 0, 1, ...; parameters are 32-bit words in one
// block, push constants in Vulkan and uniform buffer 0 in OpenGL; constants are specialisation constants with the ids 0, 1, ... in Vulkan, and
// lines "#define NAME value" behind the #version line in OpenGL. Constant 0 is
// the size of a work group, which has one dimension.
package shaders

import (
	"fmt"
	"slices"
)

// A Kernel is one compute shader with the facts a driver needs to call it. It
// is data and never changes; its address is its identity.
type Kernel struct {
	Name     string
	Source   string     // GLSL
	SPIRV    []byte     // the same, compiled; entry point main
	Bindings []Binding  // binding i is Bindings[i]
	Params   int        // number of 32-bit parameters
	Consts   []Constant // constant i has the id i; the first is the size of a work group
	Dot      bool       // needs the integer dot product instructions
}

// A Binding is a buffer that a kernel takes, and what it does with it.
type Binding struct {
	Name   string
	Access Access
}

// Access is what a kernel does with a buffer. Barriers are derived from it, so
// an atomic operation is both.
type Access int

const (
	Read  Access = 1
	Write Access = 2
)

// A Constant is a value that is fixed when a driver compiles the kernel.
type Constant struct {
	Name  string
	Value uint32
}

// With returns a copy of the kernel with other values of some constants. The
// names must be the kernel's. A copy is a kernel of its own: make it once.
func (k *Kernel) With(values ...Constant) *Kernel {
	c := *k
	c.Consts = slices.Clone(k.Consts)
	for _, v := range values {
		i := slices.IndexFunc(c.Consts, func(o Constant) bool { return o.Name == v.Name })
		if i < 0 {
			panic(fmt.Sprintf("BUG: kernel %s has no constant %s", k.Name, v.Name))
		}
		c.Consts[i].Value = v.Value
	}
	return &c
}

// GroupSize returns how many invocations a work group has.
func (k *Kernel) GroupSize() int { return int(k.Consts[0].Value) }
