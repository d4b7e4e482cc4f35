// The best token of each row, which becomes the token of the next batch, at the
// next position. One group a row, which is also its token's place in the batch.

PARAMS {
	uint stretches;
	uint at; // where in chosen the batch begins
};
BUFFER(0) readonly buffer Best { uvec2 best[]; }; // (rows, stretches) rank of the logit, token
BUFFER(1) writeonly buffer Chosen { uvec2 chosen[]; }; // (..., rows) token, and not 0 where numbers left the range
BATCH(2);

void main() {
	uint row = gl_WorkGroupID.x;
	if (lid != 0u) {
		return;
	}
	uvec2 top = best[row * stretches];
	for (uint i = 1u; i < stretches; i++) { // few, and in the order of the tokens
		uvec2 b = best[row * stretches + i];
		if (b.x > top.x) {
			top = b;
		}
	}
	chosen[at + row] = uvec2(top.y, numeric);
	batch[row].x = top.y;
	batch[row].POS++;
}
