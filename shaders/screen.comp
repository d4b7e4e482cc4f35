// Bounds of the logits, from four-bit codes of the head's rows (kernel.Coder, in
// cpu/kernel). Eight invocations take a row; a group has TOKENS vectors to multiply
// the rows with.

PARAMS {
	uint rows;   // of this part of the codes
	uint first;  // token of the part's first row
	uint vocab;
	uint cols;   // a multiple of 16, at least 64
	uint tokens; // vectors
	uint band;   // float bits: half the width of the band for the codes' errors
	uint slop;   // float bits: and for the roundings
};
BUFFER(0) readonly buffer Codes { uvec4 codes[]; }; // (rows, cols/32 rounded up): code j of a word's eight in the low, 4+j in the high half of byte j
BUFFER(1) readonly buffer Rows { vec2 quanta[]; }; // (vocab) quantum and length
BUFFER(2) readonly buffer X { vec4 x[]; }; // (tokens, cols/4)
BUFFER(3) readonly buffer Inputs { vec2 inputs[]; }; // (tokens) u.x, |x|
BUFFER(4) writeonly buffer Lower { float lower[]; }; // (tokens, vocab)
BUFFER(5) writeonly buffer Upper { float upper[]; }; // (tokens, vocab)

CONSTANT(1, TOKENS, 1u)
shared float part[GROUP];

// low and high widen the codes 0 to 3 and 4 to 7 of a word.
vec4 low(uint w) {
	return vec4(ivec4(w << 28, w << 20, w << 12, w << 4) >> 28);
}

vec4 high(uint w) {
	return vec4(ivec4(w << 24, w << 16, w << 8, w) >> 28);
}

#define LARGEST bits(0x7F7FFFFFu)

void main() {
	uint row = gl_WorkGroupID.x * (GROUP / 8u) + lid / 8u, t0 = gl_WorkGroupID.y * TOKENS;
	uint vectors = (cols + 31u) / 32u, last = cols / 4u - 1u;
	uint at = min(row, rows - 1u) * vectors;
	precise vec4 sum[TOKENS];
	for (uint t = 0u; t < TOKENS; t++) {
		sum[t] = vec4(bits(0u));
	}
	for (uint i = lid % 8u; i < vectors; i += 8u) {
		uvec4 v = codes[at + i];
		for (uint k = 0u; k < 4u; k++) {
			uint w = v[k], j = 8u * i + 2u * k; // what pads a row are codes of 0
			vec4 a = low(w), b = high(w);
			for (uint t = 0u; t < TOKENS; t++) {
				uint y = min(t0 + t, tokens - 1u) * (cols / 4u);
				precise vec4 c = a * x[y + min(j, last)];
				precise vec4 d = b * x[y + min(j + 1u, last)];
				sum[t] = sum[t] + c;
				sum[t] = sum[t] + d;
			}
		}
	}
	for (uint t = 0u; t < TOKENS; t++) {
		precise vec2 two = sum[t].xy + sum[t].zw;
		precise float product = two.x + two.y;
		part[lid] = product;
		barrier();
		for (uint w = 4u; w > 0u; w /= 2u) {
			if (lid % 8u < w) {
				product = part[lid] + part[lid + w];
				part[lid] = product;
			}
			barrier();
		}
		if (lid % 8u == 0u && row < rows && t0 + t < tokens) {
			vec2 q = quanta[first + row], about = inputs[t0 + t];
			precise float estimate = product - about.x;
			estimate = estimate * q.x;
			precise float wide = q.x * bits(band);
			precise float more = q.y * bits(slop);
			wide = wide + more;
			wide = wide * about.y;
			precise float least = estimate - wide;
			precise float most = estimate + wide;
			uint to = (t0 + t) * vocab + first + row;
			lower[to] = least >= -LARGEST ? least : -LARGEST; // what is no number stays open
			upper[to] = most <= LARGEST ? most : LARGEST;
		}
		barrier();
	}
}
