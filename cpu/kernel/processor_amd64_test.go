package kernel

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

// A state is what a snippet of assembly changes; SP, BP, R14 and R15 are left out.
type state struct {
	vectors [32]vector
	general [16]uint64
	masks   [8]uint64
	flags   uint64
	memory  [4096]byte
}

const (
	generalAt = unsafe.Offsetof(state{}.general)
	masksAt   = unsafe.Offsetof(state{}.masks)
	flagsAt   = unsafe.Offsetof(state{}.flags)
	memoryAt  = unsafe.Offsetof(state{}.memory)
	stateSize = unsafe.Sizeof(state{})

	rounds = 16 // of a snippet, with random states
)

var generalNames = []string{"AX", "CX", "DX", "BX", "", "", "SI", "DI", "R8", "R9", "R10", "R11", "R12", "R13"}

// TestInterpreter compares what the interpreter and this processor make of each kind of
// instruction and operands that kernels beyond AVX2 have.
func TestInterpreter(t *testing.T) {
	if testing.Short() {
		t.Skip("short: builds a program for each extension")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command")
	}
	text, err := os.ReadFile("kernels_amd64.s")
	if err != nil {
		t.Fatal(err)
	}
	all := snippets(string(text))
	for _, extension := range slices.Sorted(maps.Keys(all)) {
		t.Run(extension, func(t *testing.T) {
			if !slices.ContainsFunc(native(), func(p *Path) bool { return p.Name == extension }) {
				need(t, extension, "this processor lacks it")
			}
			testSnippets(t, all[extension], extension)
		})
	}
}

func testSnippets(t *testing.T, snippets []string, extension string) {
	wide := strings.HasPrefix(extension, "avx512")
	r := newRand()
	states := make([]state, rounds*len(snippets))
	for i := range states {
		states[i].fill(r, wide)
		states[i].forSnippet(snippets[i/rounds])
	}
	before := unsafe.Slice((*byte)(unsafe.Pointer(&states[0])), len(states)*int(stateSize))
	cmd := exec.Command(buildSnippets(t, snippets, wide, extension == "amx"))
	cmd.Stdin, cmd.Stderr = bytes.NewReader(slices.Clone(before)), os.Stderr
	after, err := cmd.Output()
	if err != nil || len(after) != len(before) {
		t.Fatalf("%d bytes of %d: %v", len(after), len(before), err)
	}
	for i, snippet := range snippets {
		for j := i * rounds; j < (i+1)*rounds; j++ {
			states[j].interpret(snippet)
			want := (*state)(unsafe.Pointer(&after[j*int(stateSize)]))
			if difference := states[j].difference(want, snippet); difference != "" {
				t.Errorf("%s: %s", snippet, difference)
				break
			}
		}
	}
	t.Logf("%d kinds of instructions", len(snippets))
}

var (
	memoryWord  = regexp.MustCompile(`[\w<>+-]*\([^ ,]*\)`)
	generalWord = regexp.MustCompile(`\b(R\d+|[ABCD]X|[SD]I)\b`)
	vectorWord  = regexp.MustCompile(`\b([XYZ])\d+\b`)
	alsoAVX2    = regexp.MustCompile(`^(V(ADD|MUL)PS|VBROADCASTSS|VCVTPH2PS|VMOVUPS|VP(ADD|SUB)[BD]|VPBROADCASTD [X\d]|VPS[RL]L[DW]|VPSRAD|VP?UNPCK).* Z$`)
	evexWord    = regexp.MustCompile(`\b([ZK]\d|[XY](1[6-9]|2\d|3[01]))`)
)

// snippets returns one for each kind of instruction, by the extension that it needs;
// what AVX2 has in half the length is also there.
func snippets(text string) map[string][]string {
	all, seen, beyond := map[string][]string{"amx": {tileSnippet(text)}}, map[string]bool{}, false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if m := textLine.FindStringSubmatch(line); m != nil {
			beyond = beyondAVX2(m[1])
		}
		line, ok := strings.CutPrefix(line, "\t")
		name, _, _ := strings.Cut(line, " ")
		if !ok || !beyond || name == "//" || name == "RET" || strings.Contains(line, " tile") || strings.Contains(line, "tmm") {
			continue
		}
		extension, kind := "avx2", ""
		switch {
		case name == "BYTE":
			extension, kind = "avxvnni", name
		case name[0] == 'J':
			line, kind = name+" over\n\tMOVQ $7, AX\nover:", name
		default:
			line, _, _ = strings.Cut(strings.NewReplacer("R14", "R12", "R15", "R12").Replace(line), " // ")
			if name != "LEAQ" { // which reads no memory
				line = memoryWord.ReplaceAllString(line, fmt.Sprintf("%d(R15)", memoryAt))
			} else if strings.Contains(line, "(S") {
				continue
			}
			kind = vectorWord.ReplaceAllString(generalWord.ReplaceAllString(line, "R"), "$1")
			if name[0] != 'V' {
				kind = regexp.MustCompile(`\$\w+`).ReplaceAllString(kind, "$$")
			} else if strings.HasPrefix(name, "VPERMB") || name == "VGF2P8AFFINEQB" {
				extension = "avx512vbmi"
			} else if evexWord.MatchString(line) {
				extension = "avx512"
			}
		}
		if !seen[kind] {
			seen[kind] = true
			all[extension] = append(all[extension], line)
			if alsoAVX2.MatchString(kind) {
				all["avx2"] = append(all["avx2"], narrower(line))
			}
		}
	}
	return all
}

// narrower returns an instruction of AVX-512 with AVX2's length and registers.
func narrower(line string) string {
	return vectorWord.ReplaceAllStringFunc(line, func(register string) string {
		return fmt.Sprintf("%c%d", min(register[0], 'Y'), number(register[1:])%16)
	})
}

// tileSnippet configures tiles, loads, multiplies and stores some.
func tileSnippet(text string) string {
	lines := []string{fmt.Sprintf("LEAQ %d(R15), AX", memoryAt), "ldtilecfg [rax]", "MOVQ $64, AX", "MOVQ $64, CX"}
	for i, register := range []string{"SI", "BX", "DI"} {
		lines = append(lines, fmt.Sprintf("LEAQ %d(R15), %s", int(memoryAt)+64+512*i, register))
	}
	lines = append(lines, "tileloadd tmm0, [rdi+rax+0]", "tileloaddt1 tmm4, [rbx+rax+0]", "tileloadd tmm6, [rsi+rcx+0]",
		"tileloadd tmm7, [rsi+rcx+64]", "tilezero tmm1", "tdpbssd tmm0, tmm4, tmm6", "tdpbssd tmm1, tmm4, tmm7",
		"tilestored [rdi+rax+0], tmm0", "tilestored [rdi+rax+1024], tmm1", "tilerelease",
		"XORQ AX, AX", "XORQ SI, SI", "XORQ BX, BX", "XORQ DI, DI")
	for i, line := range lines {
		if m := regexp.MustCompile(`(?m)^\t(BYTE .* // ` + regexp.QuoteMeta(line) + `)$`).FindStringSubmatch(text); m != nil {
			lines[i] = m[1]
		}
	}
	return strings.Join(lines, "\n\t")
}

const snippetMain = `package main

import (
	"io"
	"os"
	"unsafe"
)

type state [%d]uint64

func main() {
	for _, run := range snippets {
		for range %d {
			s := new(state)
			bytes := unsafe.Slice((*byte)(unsafe.Pointer(s)), len(s)*8)
			if _, err := io.ReadFull(os.Stdin, bytes); err != nil {
				panic(err)
			}
			run(s)
			if _, err := os.Stdout.Write(bytes); err != nil {
				panic(err)
			}
		}
	}
}

`

// buildSnippets builds a program that reads states, runs snippets on them and writes
// them. It returns its name.
func buildSnippets(t *testing.T, snippets []string, wide, amx bool) string {
	var load, save, functions, names, assembly strings.Builder
	transfer := func(move, register string, at uintptr) {
		fmt.Fprintf(&load, "\t%s %d(R15), %s\n", move, at, register)
		fmt.Fprintf(&save, "\t%s %s, %d(R15)\n", move, register, at)
	}
	for i := range uintptr(32) {
		if wide {
			transfer("VMOVDQU64", fmt.Sprint("Z", i), 64*i)
		} else if i < 16 {
			transfer("VMOVDQU", fmt.Sprint("Y", i), 64*i)
		}
		if wide && i < 8 {
			transfer("KMOVQ", fmt.Sprint("K", i), masksAt+8*i)
		}
	}
	if amx { // as in mayUseTiles, once a process
		load.WriteString("\tMOVQ $158, AX\n\tMOVQ $0x1023, DI\n\tMOVQ $18, SI\n\tSYSCALL\n")
	}
	fmt.Fprintf(&load, "\tPUSHQ %d(R15)\n\tPOPFQ\n", flagsAt)
	fmt.Fprintf(&save, "\tPUSHFQ\n\tPOPQ %d(R15)\n", flagsAt)
	for i, name := range generalNames {
		if name != "" {
			transfer("MOVQ", name, generalAt+8*uintptr(i))
		}
	}
	assembly.WriteString("#include \"textflag.h\"\n")
	for i, s := range snippets {
		fmt.Fprintf(&functions, "func f%d(s *state)\n", i)
		fmt.Fprintf(&names, "f%d, ", i)
		fmt.Fprintf(&assembly, "\nTEXT ·f%d(SB), NOSPLIT, $0-8\n\tMOVQ s+0(FP), R15\n%s\t%s\n%s\tVZEROUPPER\n\tRET\n", i, &load, s, &save)
	}
	program := fmt.Sprintf(snippetMain, stateSize/8, rounds) +
		functions.String() + "\nvar snippets = []func(s *state){" + names.String() + "}\n"
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module snippets\n\ngo 1.23\n", "main.go": program, "snippets_amd64.s": assembly.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "build", "-o", "snippets.exe")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return filepath.Join(dir, "snippets.exe")
}

// fill makes all random; without wide, what AVX2 has.
func (s *state) fill(r *rand.Rand, wide bool) {
	special := []uint32{0, 1, 2, 0x007FFFFF, 0x00800000, 0x3F800000, 0x7F7FFFFF, 0x7F800000, 0x7FC00000, 0x80000000,
		0xFF800000, 0xFFFFFFFF, 0x80808080, 0x7F7F7F7F, 0x7C00FC00, 0x03FF8001}
	words := unsafe.Slice((*uint32)(unsafe.Pointer(s)), stateSize/4)
	for i := range words {
		words[i] = r.Uint32()
		if r.IntN(3) == 0 {
			words[i] = special[r.IntN(len(special))]
		}
	}
	s.flags = s.flags&(carry|zero|sign|overflow) | 2
	if wide {
		return
	}
	for i := range s.vectors {
		clear(s.vectors[i][32*truth[int](i < 16):])
	}
	clear(s.masks[:])
}

// forSnippet makes of what is random what an instruction takes.
func (s *state) forSnippet(snippet string) {
	if strings.HasPrefix(snippet, "DIVQ") { // the quotient fits
		for i := range s.general {
			s.general[i] |= 4
		}
		s.general[2] &= 3
	}
	if strings.Contains(snippet, "ldtilecfg") {
		clear(s.memory[:64])
		s.memory[0] = 1 // palette
		for i := range 8 {
			s.memory[16+2*i], s.memory[48+i] = 64, 16 // bytes of a row, rows
		}
	}
}

// Bits of the flags register.
const carry, zero, sign, overflow = 1 << 0, 1 << 6, 1 << 7, 1 << 11

// interpret runs a snippet.
func (s *state) interpret(snippet string) {
	k := parse("TEXT ·snippet(SB), NOSPLIT, $0-8\n\t" + snippet + "\n\tRET\n").kernels["snippet"]
	m := &machine{kernel: k, memory: [][]byte{nil, s.memory[:]}, masks: s.masks}
	copy(m.registers[:], s.vectors[:])
	for i, value := range s.general {
		*m.registers[32+i].q() = value
	}
	*m.general("R15") = 1<<32 - uint64(memoryAt)
	m.flags = flags{s.flags&zero != 0, s.flags&sign != 0, s.flags&carry != 0, s.flags&overflow != 0}
	for m.next < len(k.code) {
		in := k.code[m.next]
		m.next++
		m.run(in)
	}
	copy(s.vectors[:], m.registers[:])
	for i := range s.general {
		s.general[i] = *m.registers[32+i].q()
	}
	s.masks = m.masks
	s.flags = zero*truth[uint64](m.flags.zf) | sign*truth[uint64](m.flags.sf) | carry*truth[uint64](m.flags.cf) | overflow*truth[uint64](m.flags.of)
}

// difference says where s is not what the processor made of the same. All NaNs are the
// same, and so are flags that the manual leaves undefined.
func (s *state) difference(want *state, snippet string) string {
	floats := regexp.MustCompile(`^V(ADD|MUL|CVT)`).MatchString(snippet)
	for i := range s.vectors {
		got, want := lanes[float32](&s.vectors[i]), lanes[float32](&want.vectors[i])
		for j := range got {
			gotBits, wantBits := math.Float32bits(got[j]), math.Float32bits(want[j])
			if gotBits != wantBits && !(floats && same(got[j], want[j])) {
				return fmt.Sprintf("register %d, lane %d: %08X, want %08X", i, j, gotBits, wantBits)
			}
		}
	}
	for i, name := range generalNames {
		if name != "" && s.general[i] != want.general[i] {
			return fmt.Sprintf("%s: %016X, want %016X", name, s.general[i], want.general[i])
		}
	}
	defined := uint64(carry | zero | sign | overflow)
	switch name, _, _ := strings.Cut(snippet, " "); name {
	case "DIVQ", "IMULQ":
		defined = 0
	case "SHLQ", "SHRQ":
		defined &^= overflow
	}
	switch {
	case s.flags&defined != want.flags&defined:
		return fmt.Sprintf("flags %03X, want %03X", s.flags&defined, want.flags&defined)
	case s.masks != want.masks:
		return fmt.Sprintf("masks %X, want %X", s.masks, want.masks)
	case s.memory != want.memory:
		return "other memory"
	}
	return ""
}
