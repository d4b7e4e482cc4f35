// What the screen must know of the head's inputs: the product with its dither, and
// the length. One group a token.

PARAMS {
	uint cols; // a multiple of 16
};
BUFFER(0) readonly buffer X { float x[]; }; // (tokens, cols)
BUFFER(1) readonly buffer Dither { float u[]; }; // (cols)
BUFFER(2) writeonly buffer Inputs { vec2 inputs[]; }; // (tokens) u.x, |x|

shared vec2 part[GROUP];

void main() {
	uint at = gl_WorkGroupID.x * cols;
	precise vec2 sum = vec2(bits(0u));
	for (uint i = lid; i < cols; i += GROUP) {
		precise vec2 p = vec2(u[i], x[at + i]) * x[at + i];
		sum = sum + p;
	}
	part[lid] = sum;
	barrier();
	for (uint w = GROUP / 2u; w > 0u; w /= 2u) {
		if (lid < w) {
			precise vec2 both = part[lid] + part[lid + w];
			part[lid] = both;
		}
		barrier();
	}
	if (lid == 0u) {
		precise float squares = part[0].y;
		precise float len = squares * rsqrt(squares);
		inputs[gl_WorkGroupID.x] = vec2(part[0].x, squares == bits(0u) ? bits(0u) : len);
	}
}
