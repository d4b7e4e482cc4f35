// What a row's logit must reach to be among the k best, by what the best rows of
// stretches of the vocabulary reach at least. One group a token.

PARAMS {
	uint stretches; // at most 256
	uint k;
};
BUFFER(0) readonly buffer Best { uvec2 best[]; }; // (tokens, stretches) rank of the lower bound, token
BUFFER(1) writeonly buffer Bound { uint bound[]; }; // (tokens) rank

shared uint list[256];

void main() {
	uint token = gl_WorkGroupID.x;
	for (uint i = lid; i < stretches; i += GROUP) {
		list[i] = best[token * stretches + i].x;
	}
	barrier();
	if (lid == 0u && k > stretches) {
		bound[token] = 0u;
	}
	for (uint i = lid; i < stretches; i += GROUP) {
		uint r = list[i], before = 0u;
		for (uint j = 0u; j < stretches; j++) {
			before += list[j] > r || list[j] == r && j < i ? 1u : 0u;
		}
		if (before == k - 1u) {
			bound[token] = r;
		}
	}
}
