// The logits that can be among the best, and the lowest number for all others. A
// group takes as many rows as it has invocations, and a token.

PARAMS {
	uint rows;  // of this part of the head
	uint first; // token of the part's first row
	uint vocab;
	uint cols;  // a multiple of 16, at least 64
};
BUFFER(0) readonly buffer Head { uvec4 head[]; }; // (rows, cols) without small values
BUFFER(1) readonly buffer X { vec4 x[]; }; // (tokens, cols/4)
BUFFER(2) buffer Logits { uint logits[]; }; // (tokens, vocab) float bits, at first upper bounds
BUFFER(3) readonly buffer Bound { uint bound[]; }; // (tokens) rank that an upper bound must reach

#include "head.glsl"

shared uint open[GROUP], opened;

void main() {
	uint token = gl_WorkGroupID.y, id = gl_WorkGroupID.x * GROUP + lid;
	if (lid == 0u) {
		opened = 0u;
	}
	barrier();
	if (id < rows) {
		uint at = token * vocab + first + id;
		if (rank(logits[at]) >= bound[token]) {
			open[atomicAdd(opened, 1u)] = id;
		} else {
			logits[at] = 0xFF7FFFFFu;
		}
	}
	barrier();
	uint n = opened;
	for (uint k = 0u; k < n; k += GROUP / 8u) {
		uint row = open[min(k + lid / 8u, n - 1u)];
		precise vec4 a;
		precise vec4 b;
		for (uint i = lid % 8u; i < cols / 8u; i += 8u) {
			Eight e = eight(row * (cols / 8u) + i);
			uint y = token * (cols / 4u) + 2u * i;
			precise vec4 c = e.low * x[y];
			precise vec4 d = e.high * x[y + 1u];
			if (i < 8u) { // chains start with their first product
				a = c;
				b = d;
			} else {
				a = a + c;
				b = b + d;
			}
		}
		low[lid] = a;
		high[lid] = b;
		barrier();
		precise float logit = halving();
		if (lid % 8u == 0u && k + lid / 8u < n) {
			logits[token * vocab + first + row] = floatBitsToUint(fz(logit));
		}
		barrier();
	}
}
