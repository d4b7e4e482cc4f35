// Logits, or with LAYER defined the product of a layer's dense matrix (point 9 of
// the contract). Eight invocations take a row; a group has TOKENS vectors to multiply
// the rows with.

PARAMS {
	uint rows;   // of this part of the matrix
	uint first;  // the part's first row
	uint vocab;  // rows of the matrix
	uint cols;   // a multiple of 16, at least 64
	uint tokens; // vectors
#ifdef LAYER
	uint add; // 1: add to what is there, point 8
#endif
};
BUFFER(0) readonly buffer Head { uvec4 head[]; }; // (rows, cols) without small values
BUFFER(1) readonly buffer X { vec4 x[]; }; // (tokens, cols/4)
#ifdef LAYER
BUFFER(2) buffer Logits { float logits[]; }; // (tokens, vocab)
BATCH(3);
#else
BUFFER(2) writeonly buffer Logits { float logits[]; }; // (tokens, vocab)
#endif

CONSTANT(1, TOKENS, 1u)

#include "head.glsl"

void store(uint i, float y) {
#ifdef LAYER
	if ((floatBitsToUint(y) & 0x7FFFFFFFu) >= 0x71800000u) { // 2^100
		atomicOr(numeric, 1u);
	}
	if (add == 1u) {
		precise float h = logits[i] + y;
		y = fz(h);
	}
#endif
	logits[i] = y;
}

void main() {
	uint row = gl_WorkGroupID.x * (GROUP / 8u) + lid / 8u, t0 = gl_WorkGroupID.y * TOKENS;
	uint at = min(row, rows - 1u) * (cols / 8u);
	precise vec4 a[TOKENS];
	precise vec4 b[TOKENS];
	for (uint i = lid % 8u; i < cols / 8u; i += 8u) {
		Eight e = eight(at + i);
		for (uint t = 0u; t < TOKENS; t++) {
			uint y = min(t0 + t, tokens - 1u) * (cols / 4u) + 2u * i;
			precise vec4 c = e.low * x[y];
			precise vec4 d = e.high * x[y + 1u];
			if (i < 8u) { // chains start with their first product
				a[t] = c;
				b[t] = d;
			} else {
				a[t] = a[t] + c;
				b[t] = b[t] + d;
			}
		}
	}
	for (uint t = 0u; t < TOKENS; t++) {
		low[lid] = a[t];
		high[lid] = b[t];
		barrier();
		precise float logit = halving();
		if (lid % 8u == 0u && row < rows && t0 + t < tokens) {
			store((t0 + t) * vocab + first + row, fz(logit));
		}
		barrier();
	}
}
