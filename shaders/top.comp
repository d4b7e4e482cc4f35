// The best tokens of 512, in order: highest logit, then lowest id. One group a
// stretch of 512 and row; run on its own results until one stretch is left.

PARAMS {
	uint n;      // of a row
	uint keep;   // best tokens to keep of a stretch, at most 512
	uint ranked; // 1: in are results; 0: logits
};
BUFFER(0) readonly buffer In { uint x[]; }; // (rows, n) float bits, or (rows, n, 2) ranks and tokens
BUFFER(1) writeonly buffer Out { uvec2 best[]; }; // (rows, stretches, keep) rank of the logit, token
BATCH(2);

shared uvec2 list[512];

uvec2 load(uint i) {
	if (ranked == 1u) {
		return uvec2(x[2u * i], x[2u * i + 1u]);
	}
	uint u = x[i];
	if ((u & 0x7F800000u) == 0x7F800000u) {
		atomicOr(numeric, 1u);
	}
	return uvec2(rank(u), i % n);
}

bool before(uvec2 a, uvec2 b) {
	return a.x > b.x || a.x == b.x && a.y < b.y;
}

void main() {
	uint first = gl_WorkGroupID.x * 512u, row = gl_WorkGroupID.y;
	for (uint i = lid; i < 512u; i += GROUP) {
		list[i] = first + i < n ? load(row * n + first + i) : uvec2(0u, 0xFFFFFFFFu);
	}
	barrier();
	for (uint k = 2u; k <= 512u; k *= 2u) { // a bitonic sort
		for (uint j = k / 2u; j > 0u; j /= 2u) {
			for (uint i = lid; i < 512u; i += GROUP) {
				uvec2 a = list[i], b = list[i ^ j];
				if ((i & j) == 0u && before(b, a) == ((i & k) == 0u)) {
					list[i] = b;
					list[i ^ j] = a;
				}
			}
			barrier();
		}
	}
	for (uint i = lid; i < keep; i += GROUP) {
		best[(row * gl_NumWorkGroups.x + gl_WorkGroupID.x) * keep + i] = list[i];
	}
}
