// Rotation of a head: point 5 of the contract. The kernel says what dim, context
// and table are.

shared float x[512];

// rotate turns the pairs (i, i+dim/2) of x.
void rotate(uint pos) {
	uint half_ = dim / 2u;
	for (uint i = lid; i < half_; i += GROUP) {
		precise float a = x[i];
		precise float b = x[i + half_];
		precise float c = table[pos * half_ + i];
		precise float s = table[(context + pos) * half_ + i];
		precise float ac = a * c;
		precise float bs = b * s;
		precise float bc = b * c;
		precise float as = a * s;
		precise float first = ac - bs;
		precise float second = bc + as;
		x[i] = fz(first);
		x[i + half_] = fz(second);
	}
	barrier();
}
