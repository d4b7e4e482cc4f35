package kernel

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/cpu"
)

// interpreted returns the paths beyond AVX2, whatever this processor has, with what they
// add to it run by the interpreter. None in short tests, for they take a minute.
func interpreted() []*Path {
	if testing.Short() || !cpu.X86.HasAVX2 || !cpu.X86.HasF16C {
		return nil
	}
	var paths []*Path
	for _, p := range []*Path{&amx, &avx512vbmi, &avx512, &avxvnni} {
		paths = append(paths, kernels().path(p))
	}
	return paths
}

var kernels = sync.OnceValue(func() *program {
	text, err := os.ReadFile("kernels_amd64.s")
	if err != nil {
		panic(err)
	}
	if change := strings.Split(os.Getenv(changeVariable), "|"); len(change) == 3 {
		before, kernel, _ := strings.Cut(string(text), "TEXT ·"+change[0]+"(")
		text = []byte(before + "TEXT ·" + change[0] + "(" + strings.Replace(kernel, change[1], change[2], 1))
	}
	return parse(string(text))
})

// changeVariable has TestWrongKernels' kernel, a text in it, and what replaces it.
const changeVariable = "BITNET_TEST_WRONG_KERNEL"

// path returns p with the interpreter's kernels.
func (p *program) path(real *Path) *Path {
	path := *real
	path.Name += ", interpreted"
	fields := reflect.ValueOf(&path).Elem()
	for i := range fields.NumField() {
		if f := fields.Field(i); f.Kind() == reflect.Func && !f.IsNil() {
			name := runtime.FuncForPC(f.Pointer()).Name()
			name = name[strings.LastIndexByte(name, '.')+1:]
			if p.kernels[name] != nil && beyondAVX2(name) {
				p.bind(f, name)
			}
		}
	}
	// Those that Go functions call.
	if real == &avxvnni {
		path.NibbleVecs = oneByOne(bound[func(acc []int32, w []uint32, x []int8)](p, "nibbleVecVNNI"))
	}
	if real.PackTrits != nil {
		path.PackTrits = wholeGroups(bound[func(w, words []uint32)](p, "packTritsAVX512"))
	}
	return &path
}

// bound returns a function that runs a kernel.
func bound[F any](p *program, name string) (f F) {
	p.bind(reflect.ValueOf(&f).Elem(), name)
	return f
}

func beyondAVX2(kernel string) bool { return !strings.HasSuffix(kernel, "AVX2") }

// bind makes f a function that runs a kernel. It panics where the kernel fails.
func (p *program) bind(f reflect.Value, name string) {
	t := f.Type()
	f.Set(reflect.MakeFunc(t, func(args []reflect.Value) []reflect.Value {
		result, err := p.call(name, args)
		if err != nil {
			panic(err)
		}
		if t.NumOut() == 0 {
			return nil
		}
		return []reflect.Value{reflect.NewAt(t.Out(0), unsafe.Pointer(&result)).Elem()}
	}))
}

// TestMain asks, when all tests ran, whether they reached every instruction of the
// kernels beyond AVX2.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 && !someTests() && len(interpreted()) > 0 {
		for name, k := range kernels().kernels {
			for _, in := range k.code {
				if beyondAVX2(name) && !in.ran {
					fmt.Printf("no test reaches %s, %s\n", name, in.text)
					code = 1
				}
			}
		}
	}
	os.Exit(code)
}

// someTests reports whether flags chose among the tests.
func someTests() bool {
	return slices.ContainsFunc([]string{"run", "skip", "list", "fuzz", "fuzzworker"}, func(name string) bool {
		f := flag.Lookup("test." + name)
		return f.Value.String() != f.DefValue
	})
}

// TestWrongKernels changes an instruction of a kernel and expects that a test fails.
func TestWrongKernels(t *testing.T) {
	if len(interpreted()) == 0 {
		t.Skip("no path is interpreted here")
	}
	for _, test := range []struct{ name, test, kernel, line, change string }{
		{"a shift", "TestTernary/avx512", "ternaryVecAVX512", "VPSRAD $2, Z1, Z1", "VPSRAD $4, Z1, Z1"},
		{"signed and unsigned bytes", "TestTernary/avx512", "ternaryVecAVX512", "VPDPBUSD Z20, Z28, Z0", "VPDPBUSD Z28, Z20, Z0"},
		{"a step too many", "TestTernary/avx512", "ternaryMatAVX512", "DECQ CX", "SUBQ $0, CX"},
		{"a store aside", "TestTernary/avx512", "ternaryFewAVX512", "VMOVDQU32 Z0, 0(DX)", "VMOVDQU32 Z0, -4(DX)"},
		{"activations", "TestTernary/avxvnni", "ternaryVecVNNI", "vpdpbusd ymm0, ymm13, ymm9", "vpdpbusd ymm0, ymm13, ymm8"},
		{"a lane", "TestBlocks/avx512", "blocksAVX512", "VINSERTI32X4 $2, 0(R9), Z4, Z4", "VINSERTI32X4 $1, 0(R9), Z4, Z4"},
		{"halves", "TestBlocks/avx512", "blocksAVX512", "VPUNPCKLDQ Z5, Z4, Z8", "VPUNPCKHDQ Z5, Z4, Z8"},
		{"a selection", "TestNibblesPacked/avx512", "nibblesAVX512", "VPTERNLOGD $0xE2", "VPTERNLOGD $0xE4"},
		{"a shuffle", "TestFourHeads/avx512", "scores4AVX512", "VSHUFF64X2 $0xEE", "VSHUFF64X2 $0xEF"},
		{"the next position", "TestFourHeads/avx512", "weightedSum4AVX512", "ADDQ $4, DX", "ADDQ $8, DX"},
		{"the order of a sum", "TestDot/avx512", "dotF32AVX512", "VADDPS Z2, Z0, Z0", "VADDPS Z1, Z0, Z0"},
		{"a mask", "TestTrits/avx512vbmi", "tritsVecVBMI", "VPERMB.Z Z19, Z8, K1, Z13", "VPERMB Z19, Z8, Z13"},
		{"an escape", "TestTrits/avx512vbmi", "tritsFewVBMI", "MOVL $216, AX", "MOVL $215, AX"},
		{"a digit", "TestTrits/avx512vbmi", "unpackTritsVBMI", "trits1<>(SB)", "trits2<>(SB)"},
		{"a tile", "TestTritsMat/amx", "tritsMatAMX", "tdpbssd tmm1, tmm4, tmm7", "tdpbssd tmm1, tmm5, tmm7"},
		{"the distance of rows", "TestTritsMat/amx", "tritsMatAMX", "MOVQ $256, R14", "MOVQ $128, R14"},
	} {
		name, path, _ := strings.Cut(test.test, "/")
		cmd := exec.Command(os.Args[0], "-test.run", "^"+name+"$/^"+path+",_interpreted$")
		cmd.Env = append(os.Environ(), changeVariable+"="+strings.Join([]string{test.kernel, test.line, test.change}, "|"))
		out, err := cmd.CombinedOutput()
		said := regexp.MustCompile(`.*(want|not the kernel's|does not end|not the codes|not the weights|other words).*`).FindString(string(out))
		if err == nil || said == "" {
			t.Errorf("%s: %s does not hear of %s in %s: %v\n%s", test.name, test.test, test.change, test.kernel, err, out)
		}
		t.Logf("%s: %s", test.name, said)
	}
}
