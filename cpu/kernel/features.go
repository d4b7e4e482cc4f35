package kernel

import "golang.org/x/sys/cpu"

// Features returns the names of the processor's features that kernels ask for.
func Features() []string {
	var names []string
	for _, f := range []struct {
		name string
		has  bool
	}{
		{"avx2", cpu.X86.HasAVX2},
		{"avxvnni", cpu.X86.HasAVXVNNI},
		{"avx512f", cpu.X86.HasAVX512F},
		{"avx512bw", cpu.X86.HasAVX512BW},
		{"avx512vl", cpu.X86.HasAVX512VL},
		{"avx512vnni", cpu.X86.HasAVX512VNNI},
		{"avx512vbmi", cpu.X86.HasAVX512VBMI},
		{"amx-int8", cpu.X86.HasAMXInt8},
		{"asimd", cpu.ARM64.HasASIMD},
		{"asimddp", cpu.ARM64.HasASIMDDP},
		{"i8mm", cpu.ARM64.HasI8MM},
	} {
		if f.has {
			names = append(names, f.name)
		}
	}
	return names
}
