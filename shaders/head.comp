// Logits (point 9 of the contract). Eight invocations take a row; a group has
// TOKENS vectors to multiply the rows with.

PARAMS {
	uint rows;   // of this part of the head
	uint first;  // token of the part's first row
	uint vocab;
	uint cols;   // a multiple of 16, at least 64
	uint tokens; // vectors
};
BUFFER(0) readonly buffer Head { uvec4 head[]; }; // (rows, cols) without small values
BUFFER(1) readonly buffer X { vec4 x[]; }; // (tokens, cols/4)
BUFFER(2) writeonly buffer Logits { float logits[]; }; // (tokens, vocab)

CONSTANT(1, TOKENS, 1u)

#include "head.glsl"

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
			logits[(t0 + t) * vocab + first + row] = fz(logit);
		}
		barrier();
	}
}
