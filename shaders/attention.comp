// Attention (point 7 of the contract): one group of 64 a query head and token,
// which goes through the chunks of 64 positions in order. An invocation has one
// position of a chunk for its score, then two elements of the value.
//
// With ONE defined the batch is one token, whose query, key and value come as
// they left the product: the group rotates the query and the key, and has both
// key and value take the way through float16 that they take in the cache; the
// first group of those that share them stores them there (points 5 and 6). The
// chunks are then groups of their own, and the last one to finish folds them.

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
	uint most; // chunks in partial
#endif
};
BUFFER(0) readonly buffer Q { float q[]; }; // (tokens, heads, dim)
BUFFER(1) buffer Cache { uint cache[]; }; // (2, slots, kvHeads, context, dim/2) keys, values
BUFFER(2) writeonly buffer Out { float o[]; }; // (tokens, heads, dim)
BATCH(3);
#ifdef ONE
BUFFER(4) readonly buffer Table { float table[]; }; // (2, context, dim/2) cosines, sines

#include "rope.glsl"

// How many chunks of each head are done, between tokens none; then of each chunk
// the highest score, the sum of weights and the weighted values.
BUFFER(5) coherent buffer Partial { uint partial[]; }; // (heads), (heads, most, 2 + dim)

shared uint arrived;
shared uint newest[512]; // the token's key and value: two float16 a word
#endif

shared vec4 query[128];
shared float p[64]; // scores of a chunk, then their weights
shared float part[64];
#ifndef ONE
shared vec2 sum[256]; // the weighted values so far
#endif

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

// weigh stores the weights of n positions in p, and returns their highest score
// and the sum of the weights.
vec2 weigh(uint row, uint n) {
	precise float score = bits(0xFF7FFFFFu); // of absent positions: the lowest
	if (lid < n) {
		score = product((row + lid) * (dim / 2u));
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
	return vec2(m, part[0]);
}

// factors are what the sums so far and those of a chunk are multiplied with
// where they meet.
vec2 factors(float M, float m) {
	precise float top = max(M, m);
	precise float fall = M - top;
	precise float rise = m - top;
	return vec2(pow2(fall), pow2(rise));
}

// folded adds a chunk's weighted values to those so far.
vec2 folded(vec2 so, vec2 chunk, vec2 f) {
	precise vec2 a = so * f.x;
	precise vec2 b = chunk * f.y;
	a = vec2(fz(a.x), fz(a.y));
	b = vec2(fz(b.x), fz(b.y));
	precise vec2 s = a + b;
	return vec2(fz(s.x), fz(s.y));
}

// foldedSum adds a chunk's sum of weights to that so far.
float foldedSum(float so, float chunk, vec2 f) {
	precise float a = so * f.x;
	precise float b = chunk * f.y;
	precise float s = a + b;
	return s;
}

// finish stores two elements of the output.
void finish(uint at, vec2 sum, float inv) {
	precise vec2 x = sum * inv;
	o[at] = fz(x.x);
	o[at + 1u] = fz(x.y);
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

// prepare makes the query, and for the chunk that needs them the token's own key
// and value.
void prepare(uint head, uint pos, bool own) {
	if (own) {
		uint group = heads / kvHeads;
		load(k + head / group * dim, pos, true);
		keep(0u, newKey, head % group == 0u);
		load(v + head / group * dim, pos, false);
		keep(256u, newValue, head % group == 0u);
	}
	load(head * dim, pos, true);
	for (uint i = lid; i < dim; i += 64u) {
		query[i / 4u][i % 4u] = x[i];
	}
	barrier();
}

// fold adds up all chunks of a head.
void fold(uint head, uint chunks) {
	uint from = heads + head * most * (dim + 2u), each = dim + 2u;
	for (uint i = lid; i < dim / 2u; i += 64u) {
		precise float M = bits(partial[from]);
		precise float L = bits(partial[from + 1u]);
		vec2 s = vec2(bits(partial[from + 2u + 2u * i]), bits(partial[from + 3u + 2u * i]));
		for (uint c = 1u; c < chunks; c++) {
			uint at = from + c * each;
			float m = bits(partial[at]);
			vec2 f = factors(M, m);
			s = folded(s, vec2(bits(partial[at + 2u + 2u * i]), bits(partial[at + 3u + 2u * i])), f);
			L = foldedSum(L, bits(partial[at + 1u]), f);
			M = max(M, m);
		}
		finish(head * dim + 2u * i, s, recip(L));
	}
}

void main() {
	uint head = gl_WorkGroupID.x, chunk = gl_WorkGroupID.y, words = dim / 2u;
	uint length = batch[0].POS + 1u, chunks = (length + 63u) / 64u;
	if (chunk >= chunks) {
		return;
	}
	uint row = (batch[0].SLOT * kvHeads + head / (heads / kvHeads)) * context;
	uint values = slots * kvHeads * context;
	newKey = (row + length - 1u) * words;
	newValue = newKey + values * words;
	prepare(head, length - 1u, chunk == chunks - 1u);
	row += 64u * chunk;
	uint n = min(64u, length - 64u * chunk);
	vec2 w = weigh(row, n);
	uint to = heads + (head * most + chunk) * (dim + 2u);
	for (uint i = lid; i < words; i += 64u) {
		vec2 s = weighted((values + row) * words + i, n);
		partial[to + 2u + 2u * i] = floatBitsToUint(s.x);
		partial[to + 3u + 2u * i] = floatBitsToUint(s.y);
	}
	if (lid == 0u) {
		partial[to] = floatBitsToUint(w.x);
		partial[to + 1u] = floatBitsToUint(w.y);
	}
	memoryBarrierBuffer();
	barrier();
	if (lid == 0u) {
		arrived = atomicAdd(partial[head], 1u) + 1u;
	}
	barrier();
	if (arrived == chunks) { // the last one folds
		memoryBarrierBuffer();
		if (lid == 0u) {
			partial[head] = 0u;
		}
		fold(head, chunks);
	}
}

#else


void main() {
	uint head = gl_WorkGroupID.x, t = gl_WorkGroupID.y, words = dim / 2u;
	uint length = batch[t].POS + 1u;
	uint row = (batch[t].SLOT * kvHeads + head / (heads / kvHeads)) * context;
	uint values = slots * kvHeads * context;
	uint at = (t * heads + head) * dim;
	for (uint i = lid; i < dim; i += 64u) {
		query[i / 4u][i % 4u] = q[at + i];
	}
	barrier();
	float M = bits(0u), L = bits(0u);
	for (uint pos = 0u; pos < length; pos += 64u) {
		uint n = min(64u, length - pos);
		vec2 w = weigh(row + pos, n), f = factors(M, w.x);
		for (uint i = lid; i < words; i += 64u) {
			vec2 s = weighted((values + row + pos) * words + i, n);
			sum[i] = pos == 0u ? s : folded(sum[i], s, f);
		}
		L = pos == 0u ? w.y : foldedSum(L, w.y, f);
		M = pos == 0u ? w.x : max(M, w.x);
		barrier();
	}
	float inv = recip(L);
	for (uint i = lid; i < words; i += 64u) {
		finish(at + 2u * i, sum[i], inv);
	}
}

#endif
