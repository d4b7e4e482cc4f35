// activated returns the product of the activated gate and up: point 8 of the
// contract.
float activated(float gate, float up, bool silu) {
	precise float v;
	if (silu) {
		precise float t = bits(floatBitsToUint(gate) & 0x7FFFFFFFu) * bits(0x3FB8AA3Bu); // log2(e)
		precise float e = pow2(bits(floatBitsToUint(t) | 0x80000000u));
		precise float one = bits(0x3F800000u) + e;
		precise float s = recip(one);
		precise float es = e * s;
		v = gate * (gate < bits(0u) ? es : s);
	} else {
		precise float u = gate > bits(0u) ? gate : bits(0u);
		v = u * u;
	}
	v = v * up;
	return fz(v);
}
