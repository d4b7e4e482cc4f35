// The scalar operations of the contract, one invocation a set of operands: what
// a device answers tells whether it keeps the contract.

PARAMS {
	uint n; // sets
};
BUFFER(0) readonly buffer Operands { uvec4 operands[]; }; // (n) three floats, a float16
BUFFER(1) writeonly buffer Results { uint results[]; }; // (n, 12)

void main() {
	uint i = gl_WorkGroupID.x * GROUP + lid;
	if (i >= n) {
		return;
	}
	precise float a = bits(operands[i].x);
	precise float b = bits(operands[i].y);
	precise float c = bits(operands[i].z);
	precise float positive = bits((operands[i].x & 0x0FFFFFFFu) | 0x38000000u);
	precise float ab = a * b;
	precise float cc = c * c;
	precise float sum = ab + c;
	precise float difference = c - ab;
	precise float both = ab + cc;
	precise float product = ab * c;
	precise float below = bits(0x80000000u | (operands[i].z & 0x7FFFFFFFu));
	precise float code = bits((operands[i].x & 0x87FFFFFFu) | 0x40000000u);
	results[12u * i] = floatBitsToUint(ab);
	results[12u * i + 1u] = floatBitsToUint(sum);
	results[12u * i + 2u] = floatBitsToUint(difference);
	results[12u * i + 3u] = floatBitsToUint(both);
	results[12u * i + 4u] = floatBitsToUint(fz(product));
	results[12u * i + 5u] = floatBitsToUint(recip(positive));
	results[12u * i + 6u] = floatBitsToUint(rsqrt(positive));
	results[12u * i + 7u] = floatBitsToUint(pow2(below));
	results[12u * i + 8u] = uint(nearest(code));
	results[12u * i + 9u] = toHalf(a);
	results[12u * i + 10u] = floatBitsToUint(fromHalf(operands[i].w & 0xFFFFu));
	results[12u * i + 11u] = floatBitsToUint(max(sum, c));
}
