// Attention (point 7 of the contract): one group of 64 a query head and token,
// which goes through the chunks of 64 positions in order. An invocation has one
// position of a chunk for its score, then two elements of the value.
//
// With ONE defined the batch is one token, whose query, key and value come as
// they left the product: the group rotates the query and the key, and has both
// key and value take the way through float16 that they take in the cache; the
// first group of those that share them stores them there (points 5 and 6).

PARAMS {
	uint heads;
	uint kvHeads;
	uint dim;     // of a head, even, 16 to 512
	uint context; // positions of a slot
	uint slots;
	uint scale;   // log2(e)/sqrt(dim), float bits
#ifdef ONE
	uint k; // where the keys begin in q
	uint v; // and the values
#endif
};
BUFFER(0) readonly buffer Q { float q[]; }; // (tokens, heads, dim)
BUFFER(1) buffer Cache { uint cache[]; }; // (2, slots, kvHeads, context, dim/2) keys, values
BUFFER(2) writeonly buffer Out { float o[]; }; // (tokens, heads, dim)
BATCH(3);
#ifdef ONE
BUFFER(4) readonly buffer Table { float table[]; }; // (2, context, dim/2) cosines, sines

#include "rope.glsl"

shared uint newest[512]; // the token's key and value: two float16 a word
#endif

shared vec4 query[128];
shared float p[64]; // scores of a chunk, then their weights
shared float part[64];
shared vec2 sum[256]; // the weighted values so far

uint newKey, newValue; // where in the cache the token's key and value belong

// cached returns a word of the cache.
uint cached(uint i) {
#ifdef ONE
	if (i - newKey < dim / 2u) {
		return newest[i - newKey];
	}
	if (i - newValue < dim / 2u) {
		return newest[256u + i - newValue];
	}
#endif
	return cache[i];
}

vec4 halves(uint i) {
	return vec4(fromHalves(cached(i)), fromHalves(cached(i + 1u)));
}

// product is that of the query and one key: 16 chains, then halving.
float product(uint key) {
	precise vec4 c[4];
	for (uint j = 0u; j < 4u; j++) {
		c[j] = query[j] * halves(key + 2u * j);
	}
	uint i = 16u;
	for (; i + 16u <= dim; i += 16u) {
		for (uint j = 0u; j < 4u; j++) {
			precise vec4 xy = query[i / 4u + j] * halves(key + i / 2u + 2u * j);
			c[j] = c[j] + xy;
		}
	}
	for (uint k = 0u; i + k < dim; k++) { // chains that end later
		vec2 pair = fromHalves(cached(key + (i + k) / 2u));
		precise float xy = query[(i + k) / 4u][k % 4u] * pair[k % 2u];
		c[k / 4u][k % 4u] = c[k / 4u][k % 4u] + xy;
	}
	precise vec4 x = c[0] + c[2];
	precise vec4 y = c[1] + c[3];
	precise vec4 four = x + y;
	precise vec2 two = four.xy + four.zw;
	precise float one = two.x + two.y;
	return one;
}

// weighted is the sum of two elements of n values times their weights.
vec2 weighted(uint value, uint n) {
	precise vec2 s = p[0] * fromHalves(cached(value));
	for (uint t = 1u; t < n; t++) {
		precise vec2 x = p[t] * fromHalves(cached(value + t * (dim / 2u)));
		s = s + x;
	}
	return s;
}

#ifdef ONE
// load rotates a head of q into x.
void load(uint at, uint pos, bool rotated) {
	for (uint i = lid; i < dim; i += 64u) {
		x[i] = q[at + i];
	}
	barrier();
	if (rotated) {
		rotate(pos);
	}
}

// keep stores x in the newest words and, where first says so, in the cache.
void keep(uint at, uint to, bool first) {
	bool bad = false;
	for (uint i = lid; i < dim / 2u; i += 64u) {
		uint lo = toHalf(x[2u * i]), hi = toHalf(x[2u * i + 1u]);
		bad = bad || (lo & 0x7C00u) == 0x7C00u || (hi & 0x7C00u) == 0x7C00u;
		newest[at + i] = lo | hi << 16;
		if (first) {
			cache[to + i] = lo | hi << 16;
		}
	}
	if (bad) {
		atomicOr(numeric, 1u);
	}
	barrier();
}

// prepare makes the query, and the token's own key and value.
void prepare(uint head, uint pos) {
	uint group = heads / kvHeads;
	load(k + head / group * dim, pos, true);
	keep(0u, newKey, head % group == 0u);
	load(v + head / group * dim, pos, false);
	keep(256u, newValue, head % group == 0u);
	load(head * dim, pos, true);
	for (uint i = lid; i < dim; i += 64u) {
		query[i / 4u][i % 4u] = x[i];
	}
}
#endif

void main() {
	uint head = gl_WorkGroupID.x, t = gl_WorkGroupID.y, words = dim / 2u;
	uint slot = batch[t].SLOT, length = batch[t].POS + 1u;
	uint row = (slot * kvHeads + head / (heads / kvHeads)) * context;
	uint values = slots * kvHeads * context;
	uint at = (t * heads + head) * dim;
	newKey = (row + length - 1u) * words;
	newValue = newKey + values * words;
#ifdef ONE
	prepare(head, length - 1u);
#else
	for (uint i = lid; i < dim; i += 64u) {
		query[i / 4u][i % 4u] = q[at + i];
	}
#endif
	barrier();
	precise float M = bits(0u);
	precise float L = bits(0u);
	for (uint pos = 0u; pos < length; pos += 64u) {
		uint n = min(64u, length - pos);
		precise float score = bits(0xFF7FFFFFu); // of absent positions: the lowest
		if (lid < n) {
			score = product((row + pos + lid) * words);
			score = score * bits(scale);
		}
		part[lid] = score;
		barrier();
		for (uint w = 32u; w > 0u; w /= 2u) {
			if (lid < w) {
				part[lid] = max(part[lid], part[lid + w]);
			}
			barrier();
		}
		precise float m = part[0];
		barrier();
		precise float below = score - m;
		precise float weight = lid < n ? pow2(below) : bits(0u);
		p[lid] = weight;
		part[lid] = weight;
		barrier();
		for (uint w = 32u; w > 0u; w /= 2u) {
			if (lid < w) {
				precise float both = part[lid] + part[lid + w];
				part[lid] = both;
			}
			barrier();
		}
		precise float l = part[0];
		precise float top = pos == 0u ? m : max(M, m);
		precise float fall = M - top;
		precise float rise = m - top;
		precise float old = pow2(fall);
		precise float now = pow2(rise);
		for (uint i = lid; i < words; i += 64u) {
			precise vec2 s = weighted((values + row + pos) * words + i, n);
			if (pos != 0u) {
				precise vec2 a = sum[i] * old;
				precise vec2 b = s * now;
				a = vec2(fz(a.x), fz(a.y));
				b = vec2(fz(b.x), fz(b.y));
				s = a + b;
				s = vec2(fz(s.x), fz(s.y));
			}
			sum[i] = s;
		}
		if (pos == 0u) {
			L = l;
		} else {
			precise float a = L * old;
			precise float b = l * now;
			L = a + b;
		}
		M = top;
		barrier();
	}
	precise float inv = recip(L);
	for (uint i = lid; i < words; i += 64u) {
		precise vec2 x = sum[i] * inv;
		o[at + 2u * i] = fz(x.x);
		o[at + 2u * i + 1u] = fz(x.y);
	}
}
