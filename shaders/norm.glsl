// The norm, for a group that works on one vector: point 2 of the contract. The
// kernel says what n, inverse, eps, steps, h, g and WIDTH are; where inverse is 0
// there is no norm, g is 1 and so is the RMS factor.

shared uint part[GROUP];
shared uint work[WIDTH]; // sums of squares of 16 elements, as float bits; then whatever the kernel stores

// normed returns four elements of y = h*g.
vec4 normed(uint at, uint i) {
	precise vec4 y = h[at + i] * g[i];
	return vec4(fz(y.x), fz(y.y), fz(y.z), fz(y.w));
}

uint magnitude(vec4 y) {
	uvec4 m = floatBitsToUint(y) & 0x7FFFFFFFu;
	return max(max(m.x, m.y), max(m.z, m.w));
}

// squares returns the sum of the squares of 16 elements: halving.
float squares(uint i) {
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

// largest returns the maximum of x over the group.
uint largest(uint x) {
	part[lid] = x;
	barrier();
	for (uint w = GROUP / 2u; w > 0u; w /= 2u) {
		if (lid < w) {
			part[lid] = max(part[lid], part[lid + w]);
		}
		barrier();
	}
	x = part[0];
	barrier();
	return x;
}

// total returns the sum of x over the group.
uint total(uint x) {
	part[lid] = x;
	barrier();
	for (uint w = GROUP / 2u; w > 0u; w /= 2u) {
		if (lid < w) {
			part[lid] += part[lid + w];
		}
		barrier();
	}
	x = part[0];
	barrier();
	return x;
}

// halving returns the sum of the blocks, as if zeros followed them up to a power
// of two.
float halving(uint blocks) {
	uint width = 1u;
	while (width < blocks) {
		width *= 2u;
	}
	for (uint w = width / 2u; w > 0u; w /= 2u) {
		for (uint k = lid; k < w && k + w < blocks; k += GROUP) {
			precise float sum = bits(work[k]) + bits(work[k + w]);
			work[k] = floatBitsToUint(sum);
		}
		barrier();
		blocks = min(blocks, w);
	}
	blocks = work[0]; // see shared variables in prelude.glsl
	barrier();
	return bits(blocks);
}

// measure returns A = max|y| and the RMS factor r of the vector that begins at
// h[at], and 0 for both where numbers leave the contract's range.
vec2 measure(uint at) {
	uint top = 0u;
	for (uint b = lid; b < n / 16u; b += GROUP) {
		work[b] = floatBitsToUint(squares(at + 4u * b));
		for (uint i = 4u * b; i < 4u * b + 4u; i++) {
			top = max(top, magnitude(normed(at, i)));
		}
	}
	top = largest(top);
	precise float ss = halving(n / 16u);
	bool norm = inverse != 0u;
	if (top >= 0x71800000u || norm && floatBitsToUint(ss) >= 0x71800000u) { // 2^100
		if (lid == 0u) {
			atomicOr(numeric, 1u);
		}
		return vec2(bits(0u), bits(0u));
	}
	if (!norm) {
		return vec2(bits(top), bits(0x3F800000u));
	}
	precise float mean = ss * bits(inverse);
	mean = mean + bits(eps);
	return vec2(bits(top), rsqrt(mean));
}

// store takes word i of the codes.
void store(uint i, uint word);

// quantise stores the codes of the vector that begins at h[at], whose last step
// is padded with zeros, and returns their sum and the bits of their scale.
uvec2 quantise(uint at) {
	vec2 m = measure(at);
	precise float a = m.x;
	precise float r = m.y;
	bool zero = floatBitsToUint(a) == 0u;
	if (zero) {
		a = bits(0x3F800000u);
	}
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
		store(i, word);
	}
	precise float scale = a * r;
	scale = scale * bits(0x3C010204u); // 1/127
	return uvec2(total(uint(sum)), zero ? 0u : floatBitsToUint(scale));
}
