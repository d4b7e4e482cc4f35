//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

import "slices"

// Numbers of the SPIR-V specification and of SPV_KHR_float_controls.
const (
	opExtension     = 10
	opEntryPoint    = 15
	opExecutionMode = 16
	opCapability    = 17

	headerWords = 5

	capabilityRoundingModeRTE = 4467
	modeRoundingModeRTE       = 4462
)

// roundToEven returns a module that asks for the rounding of float32 results to
// nearest, ties to even, where the device lets one ask. It must not ask already.
func roundToEven(code []uint32) []uint32 {
	extension := words("SPV_KHR_float_controls")
	capability := []uint32{2<<16 | opCapability, capabilityRoundingModeRTE}
	extension = append([]uint32{uint32(1+len(extension))<<16 | opExtension}, extension...)

	// A module starts with its capabilities, then come extensions, and later
	// its entry points and their modes.
	out := slices.Clone(code[:headerWords])
	out = append(out, capability...)
	extended := false
	for i := headerWords; i < len(code); {
		op, n := code[i]&0xffff, int(code[i]>>16)
		if n == 0 || i+n > len(code) {
			return code // not a module; the driver will say so
		}
		if op != opCapability && !extended {
			out = append(out, extension...)
			extended = true
		}
		out = append(out, code[i:i+n]...)
		if op == opEntryPoint {
			out = append(out, 4<<16|opExecutionMode, code[i+2], modeRoundingModeRTE, 32)
		}
		i += n
	}
	return out
}

// words packs a string as SPIR-V does: with a zero behind it, four bytes a word.
func words(s string) []uint32 {
	w := make([]uint32, len(s)/4+1)
	for i := range len(s) {
		w[i/4] |= uint32(s[i]) << (8 * (i % 4))
	}
	return w
}
