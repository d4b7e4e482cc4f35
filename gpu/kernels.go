package gpu

import (
	"fmt"
	"os"

	"bitnet-gpu/engine/compute"
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
	relu2    *shaders.Kernel
	outNorm  *shaders.Kernel
	headRows byTokens
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
	product, err := b.pickVariant()
	if err != nil {
		return err
	}
	k := &b.kernels
	*k = kernels{
		embed:    shaders.EmbedF32,
		norm:     shaders.Norm,
		ternary:  newByTokens(product),
		rope:     shaders.RoPE,
		attend:   shaders.Attention,
		relu2:    shaders.ReLU2,
		outNorm:  shaders.OutputNorm,
		headRows: newByTokens(shaders.HeadF32),
	}
	switch b.model.TokenEmbd.Type {
	case weights.F16:
		k.embed = shaders.EmbedF16
	case weights.BF16:
		k.embed = shaders.EmbedBF16
	}
	switch b.model.Output.Type {
	case weights.F16:
		k.headRows = newByTokens(shaders.HeadF16)
	case weights.BF16:
		k.headRows = newByTokens(shaders.HeadBF16)
	}
	all := []*shaders.Kernel{shaders.Probe, k.embed, k.norm, k.rope, k.attend, k.relu2, k.outNorm}
	all = append(all, k.ternary[:]...)
	return b.dev.Load(append(all, k.headRows[:]...)...)
}

// pickVariant returns the ternary product of the arithmetic that is fastest
// here, or that BITNET_GPU_VARIANT names.
func (b *backend) pickVariant() (*shaders.Kernel, error) {
	info := b.dev.Info()
	b.variant = os.Getenv("BITNET_GPU_VARIANT")
	if b.variant == "" {
		b.variant = "f32"
		if info.FastDot {
			b.variant = "dot"
		}
	}
	switch b.variant {
	case "f32":
		return shaders.TernaryF32, nil
	case "i32":
		return shaders.TernaryI32, nil
	case "dot":
		if info.Dot {
			return shaders.TernaryDot, nil
		}
		return nil, fmt.Errorf("BITNET_GPU_VARIANT: %s has no integer dot product: %w", info.Device, compute.ErrUnavailable)
	}
	return nil, fmt.Errorf("BITNET_GPU_VARIANT is %q, expected dot, f32 or i32: %w", b.variant, compute.ErrUnavailable)
}
