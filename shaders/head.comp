// Logits (point 9 of the contract). Eight invocations take a row, of which each
// reads 8 consecutive elements and keeps their 8 chains; a group has TOKENS
// vectors to multiply the rows with. TYPE is that of the rows: 16 for float16,
// 17 for bfloat16, 32 for float32.

PARAMS {
	uint rows;   // of this part of the head
	uint first;  // token of the part's first row
	uint vocab;
	uint cols;   // a multiple of 16, at least 64
	uint tokens; // vectors
};
BUFFER(0) readonly buffer Head { uvec4 head[]; }; // (rows, cols) without small values
BUFFER(1) readonly buffer X { vec4 x[]; }; // (tokens, cols/4)
BUFFER(2) writeonly buffer Logits { float logits[]; }; // (tokens, vocab)

CONSTANT(1, TOKENS, 1u)
shared vec4 low[GROUP], high[GROUP]; // chains 0 to 3 and 4 to 7 of each invocation

struct Eight {
	vec4 low, high;
};

// eight returns elements 8i to 8i+7 of the head.
Eight eight(uint i) {
#if TYPE == 32
	return Eight(uintBitsToFloat(head[2u * i]), uintBitsToFloat(head[2u * i + 1u]));
#else
	uvec4 w = head[i];
#if TYPE == 16
	return Eight(vec4(fromHalves(w.x), fromHalves(w.y)), vec4(fromHalves(w.z), fromHalves(w.w)));
#else
	uvec4 a = w << 16, b = w & 0xFFFF0000u;
	return Eight(uintBitsToFloat(uvec4(a.x, b.x, a.y, b.y)), uintBitsToFloat(uvec4(a.z, b.z, a.w, b.w)));
#endif
#endif
}

// halving adds the chains of a row, those of its first invocation at last.
float halving() {
	for (uint w = 4u; w > 0u; w /= 2u) {
		if (lid % 8u < w) {
			precise vec4 a = low[lid] + low[lid + w];
			precise vec4 b = high[lid] + high[lid + w];
			low[lid] = a;
			high[lid] = b;
		}
		barrier();
	}
	precise vec4 four = low[lid] + high[lid];
	precise vec2 two = four.xy + four.zw;
	precise float one = two.x + two.y;
	return one;
}

void main() {
	uint row = gl_WorkGroupID.x * (GROUP / 8u) + lid / 8u, t0 = gl_WorkGroupID.y * TOKENS;
	uint at = min(row, rows - 1u) * (cols / 8u);
	precise vec4 a[TOKENS];
	precise vec4 b[TOKENS];
	for (uint i = lid % 8u; i < cols / 8u; i += 8u) {
		Eight e = eight(at + i);
		for (uint t = 0u; t < TOKENS; t++) {
			uint y = min(t0 + t, tokens - 1u) * (cols / 4u) + 2u * i;
			precise vec4 c = e.low * x[y];
			precise vec4 d = e.high * x[y + 1u];
			if (i < 8u) { // chains start with their first product
				a[t] = c;
				b[t] = d;
			} else {
				a[t] = a[t] + c;
				b[t] = b[t] + d;
			}
		}
	}
	for (uint t = 0u; t < TOKENS; t++) {
		low[lid] = a[t];
		high[lid] = b[t];
		barrier();
		precise float logit = halving();
		if (lid % 8u == 0u && row < rows && t0 + t < tokens) {
			logits[(t0 + t) * vocab + first + row] = fz(logit);
		}
		barrier();
	}
}
