// Reads a buffer by 16-byte loads and does next to nothing with it: what that
// takes is what reading takes. Benchmarks compare with it.

PARAMS {
	uint n; // 16-byte words
};
BUFFER(0) readonly buffer Words { uvec4 words[]; }; // (n)
BUFFER(1) writeonly buffer Out { uint o[]; }; // (1)
CONSTANT(1, STEPS, 16u) // words of an invocation

void main() {
	uint i = gl_WorkGroupID.x * GROUP * STEPS + lid;
	uvec4 all = uvec4(0u);
	for (uint s = 0u; s < STEPS && i + s * GROUP < n; s++) {
		all ^= words[i + s * GROUP];
	}
	if ((all.x ^ all.y ^ all.z ^ all.w) == 0x9E3779B9u) { // hardly ever
		o[0] = 1u;
	}
}
