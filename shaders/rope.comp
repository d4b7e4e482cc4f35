// Rotates queries and keys and stores keys and values as float16 (points 5 and
// 6 of the contract). One group a head and token: query heads, key heads, value
// heads.

PARAMS {
	uint heads;
	uint kvHeads;
	uint dim;     // of a head, even, at most 512
	uint context; // positions of a slot
	uint slots;
	uint k; // where the keys begin in qkv
	uint v; // and the values
};
BUFFER(0) buffer QKV { float qkv[]; }; // (tokens, heads, dim), then (tokens, kvHeads, dim) of keys and of values
BUFFER(1) readonly buffer Table { float table[]; }; // (2, context, dim/2) cosines, sines
BUFFER(2) writeonly buffer Cache { uint cache[]; }; // (2, slots, kvHeads, context, dim/2) keys, values
BATCH(3);

#include "rope.glsl"

// turn loads a head, rotated or as it is, into x, and stores what it rotated.
void turn(uint at, uint pos, bool rotated) {
	for (uint i = lid; i < dim; i += GROUP) {
		x[i] = qkv[at + i];
	}
	barrier();
	if (!rotated) {
		return;
	}
	rotate(pos);
	for (uint i = lid; i < dim; i += GROUP) {
		qkv[at + i] = x[i];
	}
}

// keep stores x as float16.
void keep(uint to) {
	bool bad = false;
	for (uint i = lid; i < dim / 2u; i += GROUP) {
		uint lo = toHalf(x[2u * i]), hi = toHalf(x[2u * i + 1u]);
		bad = bad || (lo & 0x7C00u) == 0x7C00u || (hi & 0x7C00u) == 0x7C00u;
		cache[to + i] = lo | hi << 16;
	}
	if (bad) {
		atomicOr(numeric, 1u);
	}
}

void main() {
	uint head = gl_WorkGroupID.x, t = gl_WorkGroupID.y, slot = batch[t].SLOT, pos = batch[t].POS;
	if (head < heads) {
		turn((t * heads + head) * dim, pos, true);
		return;
	}
	head -= heads;
	bool key = head < kvHeads;
	head = key ? head : head - kvHeads;
	turn((key ? k : v) + (t * kvHeads + head) * dim, pos, key);
	uint part = key ? slot : slots + slot;
	keep(((part * kvHeads + head) * context + pos) * (dim / 2u));
}
