package kernel

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"reflect"
	"unsafe"
)

// An interpreter of the kernels' assembly, instruction by instruction, so that the tests
// of a path run on processors that lack its instructions. It knows those that kernels
// beyond AVX2 have and no others, in the words of Intel's manual (Software Developer's
// Manual, volume 2): DEST, SRC1, SRC2 and imm8 in this order, VL for the length of a
// vector, here in bytes. It is stricter than a processor: a kernel that touches anything
// but its arguments, locals and tables fails, and registers and locals begin as garbage.
// Exceptions of floating point, and which of two NaNs a sum keeps, are left out.

// A machine is the state of a processor, and the memory that a kernel may touch.
type machine struct {
	registers [50]vector // Z0 to Z31, AX to R15, FP, SB
	masks     [8]uint64
	tiles     [8]*tile // nil before they are configured
	flags     flags

	kernel           *routine
	next             int      // the number of the instruction to come
	memory           [][]byte // piece i, from address i<<32: argument i, or as follows
	dest, src1, src2 vector   // of the instruction that runs; dest begins as it was
}

const framePiece, localsPiece = 10, 11 // of memory; tables follow

// A vector is a register Z. X, Y and general registers are its first bytes.
type vector [64]byte

// lanes are the numbers of a vector, q is the first of 64 bits.
func lanes[T any](v *vector) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(v)), len(v)/int(unsafe.Sizeof(*new(T))))
}

func (v *vector) q() *uint64 { return &lanes[uint64](v)[0] }

// general is a general register. FP is at the arguments, SP at the locals, SB is 0.
func (m *machine) general(name string) *uint64 { return m.registers[registers[name].number].q() }

// call runs a kernel and returns the bits of its result, which mean nothing if it has
// none. The error names the instruction that did what it must not.
func (p *program) call(name string, args []reflect.Value) (result uint32, err error) {
	m := p.enter(p.kernels[name], args)
	var in *instruction
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s, %s: %v", name, in.text, r)
		}
	}()
	for range 1 << 22 { // more than the call of any test takes
		if m.next == len(m.kernel.code) {
			return binary.LittleEndian.Uint32(m.memory[framePiece][m.kernel.frame-4:]), nil
		}
		in = m.kernel.code[m.next]
		m.next, in.ran = m.next+1, true
		m.run(in)
	}
	return 0, fmt.Errorf("%s does not end", name)
}

// enter returns a machine that is about to run a kernel. Its frame has the arguments,
// slices, int32 and float32, as Go lays them out. All else is garbage.
func (p *program) enter(k *routine, args []reflect.Value) *machine {
	m := &machine{kernel: k, memory: append([][]byte{}, p.memory...)}
	frame, garbage := make([]byte, 0, k.frame), make([]byte, 64*len(m.registers)+k.locals)
	rand.NewChaCha8([32]byte{}).Read(garbage)
	for i := range m.registers {
		m.registers[i] = vector(garbage[64*i:])
	}
	*m.general("FP"), *m.general("SP"), *m.general("SB") = framePiece<<32, localsPiece<<32, 0
	m.memory[framePiece], m.memory[localsPiece] = frame[:k.frame], garbage[64*len(m.registers):]
	for i, arg := range args {
		if arg.Kind() != reflect.Slice {
			frame, _ = binary.Append(frame, binary.LittleEndian, arg.Interface())
			continue
		}
		frame, _ = binary.Append(frame[:(len(frame)+7)&^7], binary.LittleEndian, []int64{int64(i+1) << 32, int64(arg.Len()), int64(arg.Cap())})
		m.memory[i+1] = unsafe.Slice((*byte)(arg.UnsafePointer()), arg.Len()*int(arg.Type().Elem().Size()))
	}
	return m
}

// run runs an instruction: its operation makes dest of dest, src1 and src2.
func (m *machine) run(in *instruction) {
	m.dest, m.src1, m.src2 = m.load(in, 0), m.load(in, 1), m.load(in, 2)
	was, to := m.dest, &in.operands[0]
	in.operation(m, in)
	switch to.class {
	case 'K':
		m.masks[to.number] = 0
		for i, bit := range m.dest[:in.vl] { // of bytes; the kernels have no others
			m.masks[to.number] |= uint64(bit) << i
		}
	case 'M':
		copy(m.at(m.address(to), in.width), m.dest[:])
	case 'R':
		for i := range in.vl {
			if in.mask != 0 && m.masks[in.mask]>>i&1 == 0 {
				m.dest[i] = was[i] * truth[byte](!in.zeroing)
			}
		}
		clear(m.dest[in.vl:])
		m.registers[to.number] = m.dest
	}
}

// load returns what operand i holds; memory is repeated.
func (m *machine) load(in *instruction, i int) (v vector) {
	switch o := &in.operands[i]; o.class {
	case 'I':
		*v.q() = o.value
	case 'M':
		from := m.at(m.address(o), in.width)
		for at := 0; at < in.vl && in.width > 0; at += in.width {
			copy(v[at:], from)
		}
	case 'R':
		copy(v[:o.size], m.registers[o.number][:])
	}
	return v
}

// address is where an operand in memory lies.
func (m *machine) address(o *operand) uint64 {
	return *m.registers[o.base].q() + *m.registers[o.index].q()*o.scale + o.value
}

// at returns n bytes of memory. It panics where they are not the kernel's.
func (m *machine) at(address uint64, n int) []byte {
	if n == 0 {
		return nil
	}
	i, offset := (address+1<<31)>>32, int(int32(address)) // of the nearest piece
	if i >= uint64(len(m.memory)) || offset < 0 || offset+n > len(m.memory[i]) {
		panic(fmt.Sprintf("%d bytes at %d of piece %d are not the kernel's", n, offset, i))
	}
	return m.memory[i][offset:][:n]
}
