// The rows of the embedding for the tokens of a batch (point 1 of the
// contract). One group a token; tokens of another part of the table are left
// alone. TYPE is the table's: 16 for float16, 17 for bfloat16, 32 for float32.

PARAMS {
	uint cols;
	uint first; // token of the table's first row
	uint rows;  // of the table
};
BUFFER(0) readonly buffer Table { uint table[]; }; // (rows, cols) without small values
BATCH(1);
BUFFER(2) writeonly buffer H { float h[]; }; // (tokens, cols)

void main() {
	uint t = gl_WorkGroupID.x, row = batch[t].x - first;
	if (row >= rows) {
		return;
	}
#if TYPE == 32
	for (uint i = lid; i < cols; i += GROUP) {
		h[t * cols + i] = bits(table[row * cols + i]);
	}
#else
	for (uint i = lid; i < cols / 2u; i += GROUP) {
		uint w = table[row * (cols / 2u) + i];
#if TYPE == 16
		vec2 x = fromHalves(w);
#else
		vec2 x = vec2(bits(w << 16), bits(w & 0xFFFF0000u));
#endif
		h[t * cols + 2u * i] = fz(x.x);
		h[t * cols + 2u * i + 1u] = fz(x.y);
	}
#endif
}
