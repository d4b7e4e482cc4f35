// The activated product of the feed-forward layer (point 8 of the contract).

PARAMS {
	uint n;
	uint silu; // 1: SiLU; 0: squared ReLU
};
BUFFER(0) buffer Gate { float gate[]; }; // (n), then the product
BUFFER(1) readonly buffer Up { float up[]; }; // (n)

#include "activate.glsl"

void main() {
	uint i = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * GROUP + lid;
	if (i < n) {
		gate[i] = activated(gate[i], up[i], silu == 1u);
	}
}
