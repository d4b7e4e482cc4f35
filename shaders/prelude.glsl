#version 430
// This text stands before every kernel. It hides what differs between Vulkan
// and OpenGL, and holds the scalar sequences of the arithmetic contract (package
// engine/compute), as cpu/kernel/scalar.go has them.
//
// Every float result is precise, parameters and what is returned too: precise
// reaches back through locals, but neither into a callee nor out of it. A function
// returns a precise local, because not every OpenGL driver takes the word before
// the function's type.
//
// What is read of a shared variable before a barrier goes into a local that is
// assigned or used more than once: Mesa's compiler puts any other expression where
// the local is used, behind the barrier.

#ifdef VULKAN
layout(local_size_x = 64, local_size_x_id = 0) in;
layout(constant_id = 0) const uint GROUP = 64u; // invocations of a work-group
#define BUFFER(n) layout(std430, set = 0, binding = n)
#define CONSTANT(n, name, value) layout(constant_id = n) const uint name = value;
#define PARAMS layout(push_constant) uniform Params
#else
layout(local_size_x = GROUP) in; // defined by who compiles this
#define BUFFER(n) layout(std430, binding = n)
#define CONSTANT(n, name, value) // a macro already
#define PARAMS layout(std140, binding = 0) uniform Params
#endif

#define lid gl_LocalInvocationID.x

// A Batch says what the tokens of a batch are. In the w of entry i stands the
// token whose logits are row i.
#define BATCH(n) BUFFER(n) buffer Batch { uint numeric, unused[3]; uvec4 batch[]; }
#define SLOT y
#define POS z
#define ROW w

// bits makes a constant that no compiler rounds.
#define bits(x) uintBitsToFloat(x)

// fz returns +0 where |x| < 2^-50 and x elsewhere.
float fz(float x) {
	return (floatBitsToUint(x) & 0x7FFFFFFFu) < 0x26800000u ? bits(0u) : x;
}

// rank returns the bits of a float as a number above 0 in the order of the floats.
uint rank(uint u) {
	return (u >> 31) == 1u ? ~u : u | 0x80000000u;
}

// recip returns 1/x.
float recip(float x) {
	precise float y = bits(0x7EF33419u - floatBitsToUint(x));
	precise float t = x * y;
	precise float u = bits(0x400014FEu) - t;
	y = y * u;
	t = x * y;
	u = bits(0x40000000u) - t;
	y = y * u;
	t = x * y;
	u = bits(0x3F800000u) - t;
	t = y * u;
	y = y + t;
	return y;
}

// rsqrt returns 1/sqrt(x).
float rsqrt(float x) {
	precise float h = bits(0x3F000000u) * x;
	precise float y = bits(0x5F37670Cu - (floatBitsToUint(x) >> 1));
	precise float t = h * y;
	t = t * y;
	precise float u = bits(0x3FC01CDBu) - t;
	y = y * u;
	t = h * y;
	t = t * y;
	u = bits(0x3FC00000u) - t;
	y = y * u;
	t = h * y;
	t = t * y;
	u = bits(0x3F000000u) - t;
	t = y * u;
	y = y + t;
	return y;
}

// pow2 returns 2^x for x <= 0.
float pow2(float x) {
	if (!(x >= bits(0xC2800000u))) {
		return bits(0u);
	}
	precise float m = x + bits(0x4B400000u);
	precise float n = m - bits(0x4B400000u);
	precise float f = x - n;
	precise float y = bits(0x3923862Du) * f;
	y = y + bits(0x3AAFB95Bu);
	y = y * f;
	y = y + bits(0x3C1D91B9u);
	y = y * f;
	y = y + bits(0x3D635723u);
	y = y * f;
	y = y + bits(0x3E75FDF9u);
	y = y * f;
	y = y + bits(0x3F317219u);
	y = y * f;
	y = y + bits(0x3F800000u);
	return bits(floatBitsToUint(y) + ((floatBitsToUint(m) - 0x4B400000u) << 23));
}

// nearest returns x rounded to the nearest even integer, for |x| < 2^22.
int nearest(float x) {
	precise float m = x + bits(0x4B400000u);
	return int(floatBitsToUint(m)) - 0x4B400000;
}

// toHalf rounds x to float16, to nearest even.
uint toHalf(float x) {
	uint u = floatBitsToUint(x);
	uint sign = (u >> 16) & 0x8000u, m = u & 0x7FFFFFFFu;
	if (m > 0x7F800000u) {
		return 0x7E00u;
	}
	if (m >= 0x47800000u) {
		return sign | 0x7C00u;
	}
	if (m < 0x33000000u) {
		return sign;
	}
	if (m < 0x38800000u) { // a float16 subnormal
		uint v = (m & 0x7FFFFFu) | 0x800000u, shift = 126u - (m >> 23);
		uint almostHalf = (1u << (shift - 1u)) - 1u;
		return sign | ((v + almostHalf + ((v >> shift) & 1u)) >> shift);
	}
	return sign | ((m + 0xFFFu + ((m >> 13) & 1u) - 0x38000000u) >> 13);
}

// fromHalf widens a float16 exactly.
float fromHalf(uint h) {
	uint sign = (h & 0x8000u) << 16, e = h & 0x7C00u, m = h & 0x3FFu;
	precise float small = float(int(m)) * bits(0x33800000u);
	uint u = e == 0u ? floatBitsToUint(small) : ((h & 0x7FFFu) << 13) + (e == 0x7C00u ? 0x70000000u : 0x38000000u);
	return bits(sign | u);
}

// fromHalves widens the two float16 of a word, the lower half first.
vec2 fromHalves(uint w) {
	return vec2(fromHalf(w & 0xFFFFu), fromHalf(w >> 16));
}
