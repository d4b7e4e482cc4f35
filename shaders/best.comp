// The best token of each stretch of the vocabulary: highest logit, then lowest
// id. One group a stretch and row.

PARAMS {
	uint vocab;
	uint each; // logits of a stretch
};
BUFFER(0) readonly buffer Logits { uint logits[]; }; // (rows, vocab) float bits
BUFFER(1) writeonly buffer Best { uvec2 best[]; }; // (rows, stretches) rank of the logit, token
BATCH(2);

shared uint ranks[GROUP], token[GROUP];

void main() {
	uint first = gl_WorkGroupID.x * each, row = gl_WorkGroupID.y;
	uint last = min(first + each, vocab);
	uint top = 0u, id = 0u;
	bool bad = false;
	for (uint i = first + lid; i < last; i += GROUP) {
		uint u = logits[row * vocab + i];
		bad = bad || (u & 0x7F800000u) == 0x7F800000u;
		u = rank(u);
		if (u > top) {
			top = u;
			id = i;
		}
	}
	if (bad) {
		atomicOr(numeric, 1u);
	}
	ranks[lid] = top;
	token[lid] = id;
	barrier();
	for (uint w = GROUP / 2u; w > 0u; w /= 2u) {
		if (lid < w && (ranks[lid + w] > ranks[lid] || ranks[lid + w] == ranks[lid] && token[lid + w] < token[lid])) {
			ranks[lid] = ranks[lid + w];
			token[lid] = token[lid + w];
		}
		barrier();
	}
	if (lid == 0u) {
		best[row * gl_NumWorkGroups.x + gl_WorkGroupID.x] = uvec2(ranks[0], token[0]);
	}
}
