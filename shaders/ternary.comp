// The ternary product (point 4 of the contract): codes 0, 1, 2 of the kernel
// words (package weights/ternary) times int8, minus the sum of these. A group
// computes one tile of 8 rows for TOKENS tokens; of its invocations, 8 side by
// side take 16 bytes, 64 weights, of a row each, and the others the next steps
// along the rows.

PARAMS {
	uint rows;
	uint steps;  // along a row, 64 weights each
	uint tokens;
	uint scale;  // of the matrix, float bits
	uint add;    // 1: add to out, point 8
};
BUFFER(0) readonly buffer Weights { uvec4 weights[]; }; // (tiles, steps, 8)
BUFFER(1) readonly buffer Codes { uvec4 codes[]; }; // (tokens, 1 + 4*steps) sum of the codes and scale, codes
BUFFER(2) buffer Out { float o[]; }; // (tokens, rows)

CONSTANT(1, TOKENS, 1u)

#include "product.glsl"

shared int part[TOKENS * GROUP];

void main() {
	uint row = lid % 8u, lanes = GROUP / 8u, tile = gl_WorkGroupID.x, first = gl_WorkGroupID.y * TOKENS;
	precise SUM sum[TOKENS];
	for (uint t = 0u; t < TOKENS; t++) {
		sum[t] = 0;
	}
	for (uint s = lid / 8u; s < steps; s += lanes) {
		uvec4 w = weights[(tile * steps + s) * 8u + row];
		for (uint t = 0u; t < TOKENS; t++) {
			uint at = min(first + t, tokens - 1u) * (1u + 4u * steps) + 1u + 4u * s;
			for (uint j = 0u; j < 4u; j++) {
				precise SUM x = sixteen(w[j], codes[at + j]);
				sum[t] = sum[t] + x;
			}
		}
	}
	for (uint t = 0u; t < TOKENS; t++) {
		part[t * GROUP + lid] = int(sum[t]);
	}
	barrier();
	for (uint i = lid; i < 8u * TOKENS; i += GROUP) {
		uint t = first + i / 8u, r = tile * 8u + i % 8u;
		if (t >= tokens || r >= rows) {
			continue;
		}
		uvec4 quant = codes[t * (1u + 4u * steps)];
		int acc = -int(quant.x);
		for (uint l = 0u; l < lanes; l++) {
			acc += part[i / 8u * GROUP + l * 8u + i % 8u];
		}
		precise float s = bits(quant.y) * bits(scale);
		s = fz(s);
		precise float x = float(acc) * s;
		if (add == 1u) {
			x = o[t * rows + r] + x;
			x = fz(x);
		}
		o[t * rows + r] = x;
	}
}
