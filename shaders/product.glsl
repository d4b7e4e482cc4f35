// The product of the codes of a kernel word (package weights/ternary) and int8,
// by what the device does best: with DOT defined the instruction for packed
// bytes; with F32 float32, which is exact below 2^24; else int32.

#define THREES 0x03030303u

#ifdef DOT
#extension GL_EXT_spirv_intrinsics : require
spirv_instruction(extensions = ["SPV_KHR_integer_dot_product"], capabilities = [6018, 6019], id = 4450)
int dotPacked(uint a, uint b, spirv_literal int format);
#define SUM int
int four(uint w, uint a) { return dotPacked(w & THREES, a, 0); }
#elif defined(F32)
#define SUM float
float four(uint w, uint a) {
	precise float x = float(int(w & 3u)) * float(bitfieldExtract(int(a), 0, 8));
	precise float y = float(int(w >> 8 & 3u)) * float(bitfieldExtract(int(a), 8, 8));
	precise float z = float(int(w >> 16 & 3u)) * float(bitfieldExtract(int(a), 16, 8));
	precise float v = float(int(w >> 24 & 3u)) * float(int(a) >> 24);
	precise float xy = x + y;
	precise float zv = z + v;
	precise float all = xy + zv;
	return all;
}
#else
#define SUM int
int four(uint w, uint a) {
	return int(w & 3u) * bitfieldExtract(int(a), 0, 8) + int(w >> 8 & 3u) * bitfieldExtract(int(a), 8, 8) +
	       int(w >> 16 & 3u) * bitfieldExtract(int(a), 16, 8) + int(w >> 24 & 3u) * (int(a) >> 24);
}
#endif

// sixteen returns the product of a kernel word and 16 activations.
SUM sixteen(uint w, uvec4 a) {
	precise SUM sum = four(w, a.x);
	sum = sum + four(w >> 2, a.y);
	sum = sum + four(w >> 4, a.z);
	sum = sum + four(w >> 6, a.w);
	return sum;
}
