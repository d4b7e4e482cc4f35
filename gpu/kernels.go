package gpu

import (
	"fmt"
	"os"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"
	"bitnet-gpu/shaders"
	"bitnet-gpu/weights"
)

// kernels are those that a model needs.
type kernels struct {
	embed    *shaders.Kernel
	norm     *shaders.Kernel
	ternary  byTokens
	rope     *shaders.Kernel
	attend   *shaders.Kernel
	activate *shaders.Kernel
	outNorm  *shaders.Kernel
	headRows byTokens
	screen   byTokens
	rescore  *shaders.Kernel
	dense    [3]byTokens // by denseKind; of layers

	// For one token; nil where the device has too few bindings.
	qkv, o, gate, down *shaders.Kernel
	attendOne          *shaders.Kernel
}

// byTokens is one kernel for 1, 2, 4 and 8 tokens at a time.
type byTokens [4]*shaders.Kernel

func newByTokens(k *shaders.Kernel) (all byTokens) {
	for i := range all {
		all[i] = k.With(shaders.Constant{Name: "TOKENS", Value: 1 << i})
	}
	return all
}

// pick returns the kernel for so many tokens, and how many it takes at a time.
func (b *byTokens) pick(tokens int) (k *shaders.Kernel, each int) {
	i := 0
	for i < len(b)-1 && 1<<i < tokens {
		i++
	}
	return b[i], 1 << i
}

// pickKernels chooses the kernels and loads them.
func (b *backend) pickKernels() error {
	if err := b.pickVariant(); err != nil {
		return err
	}
	product := map[string]*shaders.Kernel{"dot": shaders.TernaryDot, "f32": shaders.TernaryF32, "i32": shaders.TernaryI32}[b.variant]
	k := &b.kernels
	*k = kernels{
		norm:     shaders.Norm,
		ternary:  newByTokens(product),
		rope:     shaders.RoPE,
		attend:   shaders.Attention,
		activate: shaders.Activate,
		outNorm:  shaders.OutputNorm,
		screen:   newByTokens(shaders.Screen),
	}
	embd, head := denseKind(b.model.TokenEmbd.Type), denseKind(b.model.Output.Type)
	k.embed = [...]*shaders.Kernel{shaders.EmbedF32, shaders.EmbedF16, shaders.EmbedBF16}[embd]
	k.headRows = newByTokens([...]*shaders.Kernel{shaders.HeadF32, shaders.HeadF16, shaders.HeadBF16}[head])
	k.rescore = [...]*shaders.Kernel{shaders.RescoreF32, shaders.RescoreF16, shaders.RescoreBF16}[head]
	b.pickFused()
	all := []*shaders.Kernel{shaders.Best, shaders.Pick, shaders.Top, k.embed, k.norm, k.rope, k.attend, k.activate, k.outNorm}
	all = append(all, k.ternary[:]...)
	for i, dense := range []*shaders.Kernel{shaders.DenseF32, shaders.DenseF16, shaders.DenseBF16} {
		if hasDense(b.model, i) {
			k.dense[i] = newByTokens(dense)
			all = append(append(all, shaders.NormLayer), k.dense[i][:]...)
		}
	}
	if b.fused {
		all = append(all, k.qkv, k.o, k.gate, k.down, k.attendOne)
	}
	b.screening = screens(b.model) && b.dev.Info().Limits.Bindings >= len(shaders.Screen.Bindings)
	if b.screening {
		all = append(all, shaders.ScreenInput, shaders.Bound, k.rescore)
		all = append(all, k.screen[:]...)
	}
	return b.dev.Load(append(all, k.headRows[:]...)...)
}

// denseKind returns how a type of dense matrices is on the device, see rowBytes: 0
// for float32, 1 for float16, 2 for bfloat16.
func denseKind(t weights.DType) int {
	switch t {
	case weights.F16:
		return 1
	case weights.BF16:
		return 2
	}
	return 0
}

// hasDense reports whether a layer has a dense matrix of that kind.
func hasDense(m *weights.Model, kind int) bool {
	for i := range m.Layers {
		for _, matrix := range m.Layers[i].Matrices() {
			if matrix.IsDense() && denseKind(matrix.Dense.Type) == kind {
				return true
			}
		}
	}
	return false
}

// pickVariant chooses the arithmetic of the ternary products that is fastest
// here, or that BITNET_GPU_VARIANT names.
func (b *backend) pickVariant() error {
	info := b.dev.Info()
	b.variant = os.Getenv("BITNET_GPU_VARIANT")
	switch b.variant {
	case "":
		b.variant = "f32"
		if info.FastDot {
			b.variant = "dot"
		}
	case "f32", "i32":
	case "dot":
		if !info.Dot {
			return fmt.Errorf("BITNET_GPU_VARIANT: %s has no integer dot product: %w", info.Device, compute.ErrUnavailable)
		}
	default:
		return fmt.Errorf("BITNET_GPU_VARIANT is %q, expected dot, f32 or i32: %w", b.variant, compute.ErrUnavailable)
	}
	return nil
}

// pickFused chooses the kernels of a layer for one token, where the device can
// run them and BITNET_GPU_FUSED is not 0.
func (b *backend) pickFused() {
	qkv, gate, add := shaders.QKVF32, shaders.GateF32, shaders.AddF32
	switch b.variant {
	case "dot":
		qkv, gate, add = shaders.QKVDot, shaders.GateDot, shaders.AddDot
	case "i32":
		qkv, gate, add = shaders.QKVI32, shaders.GateI32, shaders.AddI32
	}
	m, k, lim := b.model, &b.kernels, b.dev.Info().Limits
	q := m.Heads * m.HeadDim
	widest := 16 * steps(max(m.Hidden, q, m.FFN)) // words of shared memory
	b.fused = os.Getenv("BITNET_GPU_FUSED") != "0" &&
		lim.Bindings >= len(gate.Bindings) && lim.Params >= qkv.Params && lim.Shared >= 4*(widest+bitLinearGroup)
	if !b.fused {
		return
	}
	lanes, rows := b.split()
	with := func(k *shaders.Kernel, n int) *shaders.Kernel {
		return k.With(
			shaders.Constant{Name: "GROUP", Value: bitLinearGroup},
			shaders.Constant{Name: "WIDTH", Value: uint32(16 * steps(n))},
			shaders.Constant{Name: "LANES", Value: uint32(lanes)},
			shaders.Constant{Name: "TILES", Value: uint32(rows)},
		)
	}
	k.qkv, k.gate = with(qkv, m.Hidden), with(gate, m.Hidden)
	k.o, k.down = with(add, q), with(add, m.FFN)
	k.attendOne = shaders.AttentionOne
}

const bitLinearGroup = 128

// split returns how many invocations share a row, and how many rows each has
// one after the other. Every group norms the vector for itself: nothing on a
// device with many processors, much on one with few.
func (b *backend) split() (lanes, rows int) {
	switch b.dev.Info().Type {
	case driver.Discrete:
		return 16, 1
	case driver.Software:
		return 1, 2
	}
	return 4, 2
}

// groupRows returns how many rows a group of a fused BitLinear computes.
func (b *backend) groupRows() int {
	lanes, rows := b.split()
	return bitLinearGroup / lanes * rows
}
