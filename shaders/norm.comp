// Norm and quantise (point 2 of the contract), or with OUTPUT defined the norm
// before the head (point 9). One group a token.

PARAMS {
	uint n;       // length of a vector, a multiple of 16, at most 32768
	uint inverse; // 1/n, float bits
	uint eps;     // float bits
	uint steps;   // of 64 codes that a vector takes, the last padded with zeros
};
BUFFER(0) readonly buffer H { vec4 h[]; }; // (tokens, n/4)
BUFFER(1) readonly buffer G { vec4 g[]; }; // (n/4)
#ifdef OUTPUT
BUFFER(2) writeonly buffer X { vec4 x[]; }; // (rows, n/4)
#else
BUFFER(2) writeonly buffer Codes { uint codes[]; }; // (tokens, 4 + 16*steps) sum of the codes, scale, 0, 0, codes
#endif
BATCH(3);

shared uint part[GROUP];
shared float block[2048]; // sums of squares of 16 elements

vec4 normed(uint at, uint i) {
	precise vec4 y = h[at + i] * g[i];
	return vec4(fz(y.x), fz(y.y), fz(y.z), fz(y.w));
}

uint magnitude(vec4 y) {
	uvec4 m = floatBitsToUint(y) & 0x7FFFFFFFu;
	return max(max(m.x, m.y), max(m.z, m.w));
}

// squares returns the sum of the squares of 16 elements: halving.
precise float squares(uint i) {
	precise vec4 a = h[i] * h[i];
	precise vec4 b = h[i + 1u] * h[i + 1u];
	precise vec4 c = h[i + 2u] * h[i + 2u];
	precise vec4 d = h[i + 3u] * h[i + 3u];
	precise vec4 ac = a + c;
	precise vec4 bd = b + d;
	precise vec4 four = ac + bd;
	precise vec2 two = four.xy + four.zw;
	precise float one = two.x + two.y;
	return one;
}

// halving leaves the sum of the blocks, padded with zeros, in block[0].
void halving(uint blocks) {
	uint width = 1u;
	while (width < blocks) {
		width *= 2u;
	}
	for (uint w = width / 2u; w > 0u; w /= 2u) {
		for (uint k = lid; k < w && k + w < blocks; k += GROUP) {
			precise float sum = block[k] + block[k + w];
			block[k] = sum;
		}
		barrier();
		blocks = min(blocks, w);
	}
}

void main() {
	uint t = gl_WorkGroupID.x;
#ifdef OUTPUT
	uint at = batch[t].ROW * (n / 4u);
#else
	uint at = t * (n / 4u);
#endif
	uint top = 0u;
	for (uint b = lid; b < n / 16u; b += GROUP) {
		block[b] = squares(at + 4u * b);
		for (uint i = 4u * b; i < 4u * b + 4u; i++) {
			top = max(top, magnitude(normed(at, i)));
		}
	}
	part[lid] = top;
	barrier();
	for (uint w = GROUP / 2u; w > 0u; w /= 2u) {
		if (lid < w) {
			part[lid] = max(part[lid], part[lid + w]);
		}
		barrier();
	}
	top = part[0];
	halving(n / 16u);
	float ss = block[0];
	bool bad = top >= 0x71800000u || floatBitsToUint(ss) >= 0x71800000u; // 2^100
	if (bad && lid == 0u) {
		atomicOr(numeric, 1u);
	}
	precise float mean = ss * bits(inverse);
	mean = mean + bits(eps);
	precise float r = bad ? bits(0u) : rsqrt(mean);

#ifdef OUTPUT
	for (uint i = lid; i < n / 4u; i += GROUP) {
		precise vec4 y = normed(at, i) * r;
		x[t * (n / 4u) + i] = vec4(fz(y.x), fz(y.y), fz(y.z), fz(y.w));
	}
#else
	bool zero = bad || top == 0u;
	precise float a = bits(zero ? 0x3F800000u : top);
	precise float inv = bits(0x42FE0000u) * recip(a); // 127
	int sum = 0;
	for (uint i = lid; i < 16u * steps; i += GROUP) {
		uint word = 0u;
		if (i < n / 4u && !zero) {
			precise vec4 y = normed(at, i) * inv;
			ivec4 q = ivec4(nearest(y.x), nearest(y.y), nearest(y.z), nearest(y.w));
			sum += q.x + q.y + q.z + q.w;
			uvec4 u = uvec4(q) & 0xFFu;
			word = u.x | u.y << 8 | u.z << 16 | u.w << 24;
		}
		codes[t * (4u + 16u * steps) + 4u + i] = word;
	}
	barrier();
	part[lid] = uint(sum);
	barrier();
	for (uint w = GROUP / 2u; w > 0u; w /= 2u) {
		if (lid < w) {
			part[lid] += part[lid + w];
		}
		barrier();
	}
	if (lid == 0u) {
		precise float scale = a * r;
		scale = scale * bits(0x3C010204u); // 1/127
		codes[t * (4u + 16u * steps)] = part[0];
		codes[t * (4u + 16u * steps) + 1u] = zero ? 0u : floatBitsToUint(scale);
	}
#endif
}
