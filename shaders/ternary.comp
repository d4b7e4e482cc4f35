// The ternary product (point 4 of the contract): codes 0, 1, 2 of the kernel
// words (package weights/ternary) times int8, minus the sum of these. A group
// computes one tile of 8 rows for TOKENS tokens; of its invocations, 8 side by
// side take 16 bytes, 64 weights, of a row each, and the others the next steps
// along the rows.
//
// The integers of 4 x 4 products come from what the device does best: DOT, the
// instruction for packed bytes; F32, float32, which is exact below 2^24; else
// int32.

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

#define THREES 0x03030303u

#ifdef DOT
#extension GL_EXT_spirv_intrinsics : require
spirv_instruction(extensions = ["SPV_KHR_integer_dot_product"], capabilities = [6018, 6019], id = 4450)
int dotPacked(uint a, uint b, spirv_literal int format);
#define SUM int
int four(uint w, uint a) { return dotPacked(w & THREES, a, 0); }
#elif defined(F32)
#define SUM precise float
precise float four(uint w, uint a) {
	precise float x = float(int(w & 3u)) * float(bitfieldExtract(int(a), 0, 8));
	precise float y = float(int(w >> 8 & 3u)) * float(bitfieldExtract(int(a), 8, 8));
	precise float z = float(int(w >> 16 & 3u)) * float(bitfieldExtract(int(a), 16, 8));
	precise float v = float(int(w >> 24 & 3u)) * float(int(a) >> 24);
	precise float xy = x + y;
	precise float zv = z + v;
	precise float all = xy + zv;
	return all;
}
#else
#define SUM int
int four(uint w, uint a) {
	return int(w & 3u) * bitfieldExtract(int(a), 0, 8) + int(w >> 8 & 3u) * bitfieldExtract(int(a), 8, 8) +
	       int(w >> 16 & 3u) * bitfieldExtract(int(a), 16, 8) + int(w >> 24 & 3u) * (int(a) >> 24);
}
#endif

CONSTANT(1, TOKENS, 1u)
shared int part[TOKENS * GROUP];

void main() {
	uint row = lid % 8u, lanes = GROUP / 8u, tile = gl_WorkGroupID.x, first = gl_WorkGroupID.y * TOKENS;
	SUM sum[TOKENS];
	for (uint t = 0u; t < TOKENS; t++) {
		sum[t] = 0;
	}
	for (uint s = lid / 8u; s < steps; s += lanes) {
		uvec4 w = weights[(tile * steps + s) * 8u + row];
		for (uint t = 0u; t < TOKENS; t++) {
			uint at = min(first + t, tokens - 1u) * (1u + 4u * steps) + 1u + 4u * s;
			for (uint j = 0u; j < 4u; j++) {
				uvec4 a = codes[at + j];
				SUM word = four(w[j], a.x);
				word = word + four(w[j] >> 2, a.y);
				word = word + four(w[j] >> 4, a.z);
				word = word + four(w[j] >> 6, a.w);
				sum[t] = sum[t] + word;
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
