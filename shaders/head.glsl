// A row of the head, for eight invocations, of which each reads 8 consecutive
// elements and keeps their 8 chains. TYPE is that of the rows: 16 for float16,
// 17 for bfloat16, 32 for float32. The kernel says what head is.

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
