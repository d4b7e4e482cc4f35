package kernel

import (
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A program is the kernels of a file.
type program struct {
	kernels map[string]*routine
	memory  [][]byte          // as a machine's, with the tables alone
	tables  map[string]uint64 // their addresses
}

type routine struct {
	code          []*instruction
	labels        map[string]int // numbers of instructions
	locals, frame int            // bytes of locals, of arguments and result
}

type instruction struct {
	text      string // with the number of its line
	operation operation
	operands  [3]operand // in the manual's order, destination first
	imm8, vl  int
	width     int  // bytes of an operand in memory, or of what is moved
	mask      int  // number of a mask register, or 0
	zeroing   bool // what the mask leaves out becomes 0
	ran       bool // in any call
}

type operand struct {
	class       byte // R general or vector, K mask, T tile, I immediate, M memory, L label
	number      int  // of a register
	size        int  // bytes of a general or vector register
	base, index int  // registers of memory
	scale       uint64
	value       uint64 // of an immediate; the displacement of memory
	label       string
}

var (
	dataLine    = regexp.MustCompile(`^DATA (\w+)<>\+\d+\(SB\)/8, \$(\w+)$`)
	textLine    = regexp.MustCompile(`^TEXT ·(\w+)\(SB\), NOSPLIT, \$(\d+)-(\d+)$`)
	memoryText  = regexp.MustCompile(`^(?:(\w+)<>)?(?:\w+\+)?(-?\d*)(?:\((\w+)\))?(?:\((\w*)\*(\d)\))?$`)
	intelMemory = regexp.MustCompile(`\[(\w+)(?:\+(\w+)\+?(-?\d+))?\]`)
	intelNames  = strings.NewReplacer("rax", "AX", "rcx", "CX", "rdx", "DX", "rbx", "BX", "rsi", "SI", "rdi", "DI",
		"r1", "R1", "tmm", "T", "ymm", "Y")
)

// parse reads Go assembly as the kernels' generator writes it: an instruction a line;
// those that Go's assembler lacks as bytes, beside their text in Intel's syntax.
func parse(text string) *program {
	p := &program{kernels: map[string]*routine{}, memory: make([][]byte, localsPiece+1), tables: map[string]uint64{}}
	k := new(routine)
	for i, line := range strings.Split(text, "\n") {
		code, comment, _ := strings.Cut(line, "//")
		code = strings.TrimSpace(code)
		if m := dataLine.FindStringSubmatch(code); m != nil {
			if p.tables[m[1]] == 0 {
				p.tables[m[1]], p.memory = uint64(len(p.memory))<<32, append(p.memory, nil)
			}
			table := &p.memory[len(p.memory)-1]
			*table = binary.LittleEndian.AppendUint64(*table, number(m[2]))
		} else if m := textLine.FindStringSubmatch(code); m != nil {
			k = &routine{labels: map[string]int{}, locals: int(number(m[2])), frame: int(number(m[3]))}
			p.kernels[m[1]] = k
		} else if label, ok := strings.CutSuffix(code, ":"); ok {
			k.labels[label] = len(k.code)
		} else if code != "" && line[0] == '\t' {
			k.code = append(k.code, p.instruction(i+1, code, strings.TrimSpace(comment)))
		}
	}
	return p
}

// instruction reads a line like "VPERMB.Z Z19, Z8, K1, Z13", or of one in bytes the
// comment, like "tileloadd tmm6, [rsi+rcx+64]".
func (p *program) instruction(line int, code, comment string) *instruction {
	name, rest, _ := strings.Cut(code, " ")
	inBytes := name == "BYTE"
	if inBytes {
		name, rest, _ = strings.Cut(strings.TrimPrefix(comment, "{vex} "), " ")
		name, rest = strings.ToUpper(name), intelNames.Replace(intelMemory.ReplaceAllString(rest, "$3($1)($2*1)"))
	}
	words := strings.Split(rest, ", ")
	in := &instruction{text: fmt.Sprintf("line %d: %s %s", line, name, rest), operation: operations[name], vl: 8, zeroing: strings.HasSuffix(name, ".Z")}
	if in.operation == nil { // it may be known for one imm8
		in.operation = operations[name+"/"+strings.TrimPrefix(words[0], "$")]
	}
	if in.operation == nil {
		in.operation = func(*machine, *instruction) { panic("the interpreter lacks this instruction") }
	}
	if !inBytes && !strings.HasPrefix(name, "CMP") { // which Go too has in the manual's order
		slices.Reverse(words)
	}
	to := in.operands[:]
	if slices.Contains(noDestination, name) {
		to = to[1:]
	}
	for i, word := range words {
		switch o := p.operand(word); {
		case o.class == 'I' && name[0] == 'V':
			in.imm8 = int(o.value)
		case o.class == 'K' && i > 0:
			in.mask = o.number
		default:
			to[0], to = o, to[1:]
			in.vl = max(in.vl, o.size)
		}
	}
	in.width = in.vl
	if n, ok := widths[name]; ok {
		in.width = n
	} else if name == "VCVTPH2PS" {
		in.width = in.vl / 2
	}
	return in
}

// operand reads "$8", "Z3", "AX", "8(SI)(BX*2)", "acc_len+8(FP)", "trits0<>(SB)" or a
// label.
func (p *program) operand(text string) operand {
	if imm, ok := strings.CutPrefix(text, "$"); ok {
		return operand{class: 'I', value: number(imm)}
	}
	if o, ok := registers[text]; ok {
		return o
	}
	m := memoryText.FindStringSubmatch(text)
	if m == nil {
		return operand{class: 'L', label: text}
	}
	o := operand{class: 'M', base: registers[m[3]].number, index: registers[m[4]].number, scale: number(m[5])}
	displacement, _ := strconv.Atoi(m[2])
	o.value = p.tables[m[1]] + uint64(displacement)
	return o
}

var registers = func() map[string]operand {
	all := map[string]operand{"": {number: 49}} // none is SB
	for i, name := range strings.Fields("AX CX DX BX SP BP SI DI R8 R9 R10 R11 R12 R13 R14 R15 FP SB") {
		all[name] = operand{class: 'R', number: 32 + i, size: 8}
	}
	for i := range 32 {
		for name, size := range map[string]int{"X": 16, "Y": 32, "Z": 64} {
			all[name+strconv.Itoa(i)] = operand{class: 'R', number: i, size: size}
		}
		all["K"+strconv.Itoa(i)] = operand{class: 'K', number: i}
		all["T"+strconv.Itoa(i)] = operand{class: 'T', number: i}
	}
	return all
}()

// number reads an unsigned number; no text is 0.
func number(text string) uint64 {
	n, _ := strconv.ParseUint(text, 0, 64)
	return n
}
