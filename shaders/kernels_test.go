package shaders

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Numbers of SPIR-V's grammar.
const (
	magic = 0x07230203

	opExtInst           = 12
	opTypeFloat         = 22
	opDecorate          = 71
	opConvertFToU       = 109
	opConvertUToF       = 112
	opQuantizeToF16     = 116
	opFNegate           = 127
	opFAdd              = 129
	opFSub              = 131
	opFMul              = 133
	opFDiv              = 136
	opFRem              = 140
	opFMod              = 141
	opVectorTimesScalar = 142
	opDot               = 148

	noContraction = 42
)

// extended are the instructions of GLSL.std.450 that the contract allows: none
// that rounds.
var extended = map[uint32]string{
	38: "UMin", 39: "SMin", 40: "FMax", 41: "UMax", 42: "SMax", 37: "FMin",
}

// words returns the words of a kernel's SPIR-V.
func words(t *testing.T, k *Kernel) []uint32 {
	t.Helper()
	w := make([]uint32, len(k.SPIRV)/4)
	if err := binary.Read(bytes.NewReader(k.SPIRV), binary.LittleEndian, w); err != nil {
		t.Fatal(err)
	}
	if len(w) < 5 || w[0] != magic {
		t.Fatalf("%s: no SPIR-V of %d bytes: run go generate", k.Name, len(k.SPIRV))
	}
	return w
}

// instructions calls f with each instruction, its first word cut to the opcode.
func instructions(w []uint32, f func(op uint32, operands []uint32)) {
	for w = w[5:]; len(w) > 0; {
		n := w[0] >> 16
		f(w[0]&0xFFFF, w[1:n])
		w = w[n:]
	}
}

// TestExact reads the compiled kernels: every sum and product of floats is
// rounded by itself, and nothing is used whose rounding is the device's.
func TestExact(t *testing.T) {
	for _, k := range All() {
		w := words(t, k)
		exact := map[uint32]bool{}
		instructions(w, func(op uint32, x []uint32) {
			if op == opDecorate && x[1] == noContraction {
				exact[x[0]] = true
			}
		})
		floats := 0
		instructions(w, func(op uint32, x []uint32) {
			switch op {
			case opFAdd, opFSub, opFMul, opVectorTimesScalar:
				floats++
				if !exact[x[1]] {
					t.Errorf("%s: a float operation (opcode %d, %%%d) lacks NoContraction: precise is missing", k.Name, op, x[1])
				}
			case opFDiv, opFRem, opFMod, opFNegate, opDot, opConvertUToF, opConvertFToU, opQuantizeToF16:
				t.Errorf("%s: opcode %d, which rounds as the device likes", k.Name, op)
			case opTypeFloat:
				if x[1] != 32 {
					t.Errorf("%s: floats of %d bits", k.Name, x[1])
				}
			case opExtInst:
				if extended[x[3]] == "" {
					t.Errorf("%s: instruction %d of GLSL.std.450, which the contract does not allow", k.Name, x[3])
				}
			}
		})
		if none := k == Best || k == Pick || k == Top || k == Bound || k == ReadBuffer; floats == 0 && !none && !strings.HasPrefix(k.Name, "embed") {
			t.Errorf("%s: no float operation found, the test reads it wrongly", k.Name)
		}
	}
}

// TestTable compares the table with the compiled kernels: bindings, parameters,
// constants, and whether what is only read is marked so.
func TestTable(t *testing.T) {
	const (
		opTypeStruct     = 30
		opTypePointer    = 32
		opVariable       = 59
		decorationBlock  = 3
		decorationSpecID = 1
		binding          = 33
		pushConstant     = 9
	)
	for _, k := range All() {
		bindings, specs, params := map[uint32]bool{}, map[uint32]bool{}, 0
		pointers, structs := map[uint32][]uint32{}, map[uint32]int{}
		instructions(words(t, k), func(op uint32, x []uint32) {
			switch {
			case op == opDecorate && x[1] == binding:
				bindings[x[2]] = true
			case op == opDecorate && x[1] == decorationSpecID:
				specs[x[2]] = true
			case op == opTypeStruct:
				structs[x[0]] = len(x) - 1
			case op == opTypePointer:
				pointers[x[0]] = x[1:]
			case op == opVariable && x[2] == pushConstant:
				params = structs[pointers[x[0]][1]]
			}
		})
		if len(bindings) != len(k.Bindings) || len(specs) != len(k.Consts) || params != k.Params {
			t.Errorf("%s has %d bindings, %d constants and %d parameters, the table says %d, %d and %d",
				k.Name, len(bindings), len(specs), params, len(k.Bindings), len(k.Consts), k.Params)
		}
	}
}

// tool skips a test that needs a program of Debian's glslc or spirv-tools.
func tool(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		if slices.Contains(strings.Split(os.Getenv("BITNET_TEST_REQUIRE"), ","), "shadertools") {
			t.Fatal(err)
		}
		t.Skipf("shadertools: %v", err)
	}
}

// TestGenerated compiles every kernel again.
func TestGenerated(t *testing.T) {
	tool(t, "glslc")
	for _, k := range All() {
		out := filepath.Join(t.TempDir(), "out.spv")
		cmd := exec.Command("glslc", append(Flags(), "-Werror", "-o", out, "-")...)
		cmd.Stdin = strings.NewReader(k.Source)
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", k.Name, err, text)
		}
		if got, err := os.ReadFile(out); err != nil || !bytes.Equal(got, k.SPIRV) {
			t.Errorf("%s.spv is not what %s compiles to (%v): run go generate", k.Name, "glslc", err)
		}
	}
}

func TestValid(t *testing.T) {
	tool(t, "spirv-val")
	for _, k := range All() {
		cmd := exec.Command("spirv-val", "--target-env", "vulkan1.1", "-")
		cmd.Stdin = bytes.NewReader(k.SPIRV)
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", k.Name, err, text)
		}
	}
}

// TestOpenGL compiles the sources as OpenGL would.
func TestOpenGL(t *testing.T) {
	tool(t, "glslangValidator")
	for _, k := range All() {
		if k.Dot {
			continue // an extension of Vulkan
		}
		version, rest, _ := strings.Cut(k.Source, "\n")
		source := version + "\n"
		for _, c := range k.Consts {
			source += "#define " + c.Name + " 64u\n"
		}
		file := filepath.Join(t.TempDir(), "k.comp")
		if err := os.WriteFile(file, []byte(source+rest), 0o644); err != nil {
			t.Fatal(err)
		}
		if text, err := exec.Command("glslangValidator", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", k.Name, err, text)
		}
	}
}
