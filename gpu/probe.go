package gpu

import (
	"fmt"
	"math"
	"math/rand/v2"

	"bitnet-gpu/cpu/kernel"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"
	"bitnet-gpu/shaders"
)

// probed names what probe.comp computes.
var probed = [12]string{
	"a product", "a product and a sum", "a product and a difference", "two products and a sum", "two products",
	"recip", "rsqrt", "exp2", "rounding to an integer", "rounding to float16", "widening float16", "a maximum",
}

// SelfTest has the device compute some of everything and compares with cpu/kernel.
// A device that fuses, flushes or rounds otherwise would not give the logits
// that the contract promises, only almost: ErrUnavailable.
func SelfTest(dev driver.Device) error {
	if err := dev.Load(shaders.Probe); err != nil {
		return err
	}
	operands := probeOperands()
	n := len(operands) / 4
	l := &loader{backend: &backend{dev: dev}}
	in := l.buffer("probe operands", 4*len(operands), driver.Local)
	out := l.buffer("probe results", 4*n*len(probed), driver.Local)
	if l.err != nil {
		return l.err
	}
	defer in.Release()
	defer out.Release()
	results := make([]uint32, n*len(probed))
	list := &driver.List{Label: "probe"}
	group := shaders.Probe.GroupSize()
	list.Add(
		driver.Upload{To: driver.Whole(in), Data: driver.Bytes(operands)},
		driver.Dispatch{
			Kernel: shaders.Probe, Buffers: []driver.Range{driver.Whole(in), driver.Whole(out)},
			Params: params(n), Groups: [3]int{(n + group - 1) / group, 1, 1},
		},
		driver.Download{From: driver.Whole(out), Data: driver.Bytes(results)},
	)
	defer dev.Forget(list)
	if err := dev.Run(list); err != nil {
		return err
	}
	for i := range n {
		x := [4]uint32(operands[4*i:])
		for j, want := range expected(x) {
			if got := results[i*len(probed)+j]; got != want {
				return fmt.Errorf("the self-test of %s fails: %s of %08x gives %08x, expected %08x: %w",
					dev.Info().Device, probed[j], x, got, want, compute.ErrUnavailable)
			}
		}
	}
	return nil
}

// probeOperands returns sets of three floats and a float16. Products stay above
// the denormals, where devices may differ.
func probeOperands() []uint32 {
	const sets = 256
	r := rand.New(rand.NewPCG(1, 0))
	operands := make([]uint32, 0, 4*sets)
	for i := range sets {
		x := [4]uint32{}
		for j := range 3 { // of magnitudes from 2^-12 to 2^12
			x[j] = uint32(127-12+r.IntN(25))<<23 | r.Uint32()&0x807FFFFF
		}
		x[3] = r.Uint32() & 0xFFFF
		switch i % 4 {
		case 1: // a*b + c is 0 rounded twice, and not if it is fused
			ab := math.Float32frombits(x[0]) * math.Float32frombits(x[1])
			x[2] = math.Float32bits(-ab)
		case 2: // few bits: ties
			x[0], x[1] = x[0]&^0xFFFFF, x[1]&^0xFFFFF
		}
		if x[3]&0x7C00 == 0x7C00 {
			x[3] = uint32(i) // a float16 subnormal, of infinities and NaNs there are none in the cache
		}
		operands = append(operands, x[:]...)
	}
	return operands
}

// expected returns what probe.comp computes from a set of operands.
func expected(x [4]uint32) (want [len(probed)]uint32) {
	a, b, c := math.Float32frombits(x[0]), math.Float32frombits(x[1]), math.Float32frombits(x[2])
	positive := math.Float32frombits(x[0]&0x0FFFFFFF | 0x38000000)
	ab := float32(a * b)
	code := math.Float32frombits(x[0]&0x87FFFFFF | 0x40000000)
	for i, f := range [...]float32{
		ab, ab + c, c - ab, ab + float32(c*c), kernel.FZ(float32(ab * c)),
		kernel.Recip(positive), kernel.Rsqrt(positive), kernel.Exp2(math.Float32frombits(x[2] | 0x80000000)),
	} {
		want[i] = math.Float32bits(f)
	}
	want[8] = uint32(int32(math.RoundToEven(float64(code))))
	want[9] = uint32(kernel.ToHalf(a))
	want[10] = math.Float32bits(kernel.FromHalf(uint16(x[3])))
	want[11] = math.Float32bits(max(ab+c, c))
	return want
}
