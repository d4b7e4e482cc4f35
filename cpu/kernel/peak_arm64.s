#include "textflag.h"

// SDOT is sdot v.4s, v30.16b, v31.16b, which the assembler lacks.
#define SDOT(REG) WORD $(0x4E9F97C0 | REG)

// func peakNEON(rounds int)
TEXT ·peakNEON(SB), NOSPLIT, $0-8
	MOVD rounds+0(FP), R0
	VEOR V30.B16, V30.B16, V30.B16
	VEOR V31.B16, V31.B16, V31.B16

loop:
	SDOT(0)
	SDOT(1)
	SDOT(2)
	SDOT(3)
	SDOT(4)
	SDOT(5)
	SDOT(6)
	SDOT(7)
	SDOT(8)
	SDOT(9)
	SDOT(10)
	SDOT(11)
	SDOT(12)
	SDOT(13)
	SDOT(14)
	SDOT(15)
	SDOT(16)
	SDOT(17)
	SDOT(18)
	SDOT(19)
	SDOT(20)
	SDOT(21)
	SDOT(22)
	SDOT(23)
	SUBS $1, R0
	BNE loop
	RET
