// The activated product of the feed-forward layer (point 8 of the contract).

PARAMS {
	uint n;
};
BUFFER(0) buffer Gate { float gate[]; }; // (n), then the product
BUFFER(1) readonly buffer Up { float up[]; }; // (n)

void main() {
	uint i = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * GROUP + lid;
	if (i >= n) {
		return;
	}
	precise float u = gate[i];
	u = u > bits(0u) ? u : bits(0u);
	precise float v = u * u;
	v = v * up[i];
	gate[i] = fz(v);
}
