// Norm and quantise (point 2 of the contract), or with OUTPUT defined the norm
// before the head, with LAYER too that before a dense matrix (point 9). One group a
// token.

PARAMS {
	uint n;       // length of a vector, a multiple of 16, at most 16*WIDTH
	uint inverse; // 1/n, float bits; 0: no norm
	uint eps;     // float bits
	uint steps;   // of 64 codes that a vector takes
};
BUFFER(0) readonly buffer H { vec4 h[]; }; // (tokens, n/4)
BUFFER(1) readonly buffer G { vec4 g[]; }; // (n/4)
#ifdef OUTPUT
BUFFER(2) writeonly buffer X { vec4 x[]; }; // (rows, n/4)
#else
BUFFER(2) writeonly buffer Codes { uint codes[]; }; // (tokens, 4 + 16*steps) sum of the codes, scale, 0, 0, codes
#endif
BATCH(3);
CONSTANT(1, WIDTH, 2048u)

#include "norm.glsl"

#ifdef OUTPUT

void store(uint i, uint word) {}

void main() {
#ifdef LAYER
	uint t = gl_WorkGroupID.x, at = t * (n / 4u);
#else
	uint t = gl_WorkGroupID.x, at = batch[t].ROW * (n / 4u);
#endif
	precise float r = measure(at).y;
	for (uint i = lid; i < n / 4u; i += GROUP) {
		precise vec4 y = normed(at, i) * r;
		x[t * (n / 4u) + i] = vec4(fz(y.x), fz(y.y), fz(y.z), fz(y.w));
	}
}

#else

void store(uint i, uint word) {
	codes[gl_WorkGroupID.x * (4u + 16u * steps) + 4u + i] = word;
}

void main() {
	uint t = gl_WorkGroupID.x;
	uvec2 q = quantise(t * (n / 4u));
	if (lid < 2u) {
		codes[t * (4u + 16u * steps) + lid] = q[lid];
	}
}

#endif
