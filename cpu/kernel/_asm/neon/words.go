package main

import "fmt"

// Go's assembler lacks most vector instructions: these are written as words,
// with the instruction in a comment. A test of cpu/kernel has llvm-mc check that
// the two agree. Registers come as in the Arm manual, the result first.

func word(code uint32, text string, args ...any) {
	f.Op("WORD $0x%08X // %s", code, fmt.Sprintf(text, args...))
}

// three is an instruction on whole registers of four 32-bit lanes.
func three(name string, base uint32, d, n, m int) {
	word(base|uint32(m<<16|n<<5|d), "%s v%d.4s, v%d.4s, v%d.4s", name, d, n, m)
}

func fadd(d, n, m int)  { three("fadd", 0x4E20D400, d, n, m) }
func fsub(d, n, m int)  { three("fsub", 0x4EA0D400, d, n, m) }
func fmul(d, n, m int)  { three("fmul", 0x6E20DC00, d, n, m) }
func fcmge(d, n, m int) { three("fcmge", 0x6E20E400, d, n, m) }
func cmgt(d, n, m int)  { three("cmgt", 0x4EA03400, d, n, m) }
func umax(d, n, m int)  { three("umax", 0x6EA06400, d, n, m) }
func add(d, n, m int)   { three("add", 0x4EA08400, d, n, m) }
func sub(d, n, m int)   { three("sub", 0x6EA08400, d, n, m) }

func two(base uint32, d, n int, text string) {
	word(base|uint32(n<<5|d), text, d, n)
}

func scvtf(d, n int)    { two(0x4E21D800, d, n, "scvtf v%d.4s, v%d.4s") }
func fcvtl(d, n int)    { two(0x0E217800, d, n, "fcvtl v%d.4s, v%d.4h") }
func fcvtl2(d, n int)   { two(0x4E217800, d, n, "fcvtl2 v%d.4s, v%d.8h") }
func positive(d, n int) { two(0x4EA0C800, d, n, "fcmgt v%d.4s, v%d.4s, #0.0") }
func addv(d, n int)     { two(0x4EB1B800, d, n, "addv s%d, v%d.4s") }
func umaxv(d, n int)    { two(0x6EB0A800, d, n, "umaxv s%d, v%d.4s") }
func faddp(d, n int)    { two(0x7E30D800, d, n, "faddp s%d, v%d.2s") }
func xtn4(d, n int)     { two(0x0E612800, d, n, "xtn v%d.4h, v%d.4s") }
func xtn4hi(d, n int)   { two(0x4E612800, d, n, "xtn2 v%d.8h, v%d.4s") }
func xtn8(d, n int)     { two(0x0E212800, d, n, "xtn v%d.8b, v%d.8h") }
func xtn8hi(d, n int)   { two(0x4E212800, d, n, "xtn2 v%d.16b, v%d.8h") }

// sdot adds to each lane of d four products of bytes of n and of the four bytes
// of lane i of m.
func sdot(d, n, m, i int) {
	code := 0x4F80E000 | uint32(i&1<<21|i>>1<<11|m<<16|n<<5|d)
	word(code, "sdot v%d.4s, v%d.16b, v%d.4b[%d]", d, n, m, i)
}

// Those that Go has.

func and(d, n, m int)      { f.Op("VAND V%d.B16, V%d.B16, V%d.B16", m, n, d) }
func shiftBytes(d, by int) { f.Op("VUSHR $%d, V%d.B16, V%d.B16", by, d, d) }
func clear(i int)          { f.Op("VEOR V%d.B16, V%d.B16, V%d.B16", i, i, i) }
