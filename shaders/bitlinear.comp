// A whole BitLinear for one token: norm and quantise (point 2 of the contract),
// which every group does for itself, so that nothing waits in between, then the
// ternary product of its rows (point 4) and what follows it. Eight invocations
// side by side take 16 bytes, 64 weights, of a row each; the next eight take the
// next steps along the same rows, LANES of them, then come other tiles of rows.
//
// With QKV defined three matrices stand one behind the other; with GATE the
// product of another matrix is activated by this one's (point 8); else the
// product is added to the residual stream (point 8).

PARAMS {
	uint n;       // length of the vector, a multiple of 16, at most 4*WIDTH
	uint inverse; // 1/n, float bits; 0: no norm
	uint eps;     // float bits
	uint steps;   // of 64 codes that the vector takes
	uint rows;
	uint scale; // of the matrix, float bits
#ifdef QKV
	uint kRows;
	uint kTile; // the first of the keys, in weights
	uint kOut;  // where they begin in out
	uint kScale;
	uint vTile; // the same of the values
	uint vOut;
	uint vScale;
#elif defined(GATE)
	uint upScale;
	uint silu; // 1: SiLU; 0: squared ReLU
#endif
};
BUFFER(0) readonly buffer H { vec4 h[]; }; // (n/4)
BUFFER(1) readonly buffer G { vec4 g[]; }; // (n/4)
BUFFER(2) buffer Out { float o[]; }; // (rows)
BATCH(3);
BUFFER(4) readonly buffer Weights { uvec4 weights[]; }; // (tiles, steps, 8)
#ifdef GATE
BUFFER(5) readonly buffer Up { uvec4 up[]; }; // as weights
#endif
CONSTANT(1, WIDTH, 2048u)
CONSTANT(2, LANES, 8u) // invocations of a row, a power of two
CONSTANT(3, TILES, 1u) // of 8 rows, one after the other

#include "norm.glsl"
#include "product.glsl"
#include "activate.glsl"

void store(uint i, uint word) {
	work[i] = word;
}

// A Part is the part of weights and out that a tile belongs to.
struct Part {
	uint tile, rows, to, scale;
};

Part partOf(uint tile) {
#ifdef QKV
	if (tile >= vTile) {
		return Part(vTile, kRows, vOut, vScale);
	}
	if (tile >= kTile) {
		return Part(kTile, kRows, kOut, kScale);
	}
#endif
	return Part(0u, rows, 0u, scale);
}

// stepOf returns the product of a step of a row.
int stepOf(uvec4 w, uint s) {
	precise SUM sum = 0;
	for (uint j = 0u; j < 4u; j++) {
		uint i = 16u * s + 4u * j;
		precise SUM x = sixteen(w[j], uvec4(work[i], work[i + 1u], work[i + 2u], work[i + 3u]));
		sum = sum + x;
	}
	return int(sum);
}

// row adds up what LANES invocations, 8 apart, have of a row, for the first of
// them.
int row(int sum) {
	if (LANES == 1u) {
		return sum;
	}
	barrier();
	part[lid] = uint(sum);
	barrier();
	for (uint w = LANES / 2u; w > 0u; w /= 2u) {
		if (lid / 8u % LANES < w) {
			part[lid] += part[lid + 8u * w];
		}
		barrier();
	}
	return int(part[lid]);
}

// scaled returns the product of a row: point 4.
float scaled(int sum, uvec2 q, uint scale) {
	precise float s = bits(q.y) * bits(scale);
	s = fz(s);
	precise float x = float(sum - int(q.x)) * s;
	return x;
}

void main() {
	uvec2 q = quantise(0u);
	uint lane = lid / 8u % LANES, tilesAtOnce = GROUP / (8u * LANES);
	for (uint i = 0u; i < TILES; i++) {
		uint tile = (gl_WorkGroupID.x * TILES + i) * tilesAtOnce + lid / (8u * LANES);
		Part p = partOf(tile);
		uint r = (tile - p.tile) * 8u + lid % 8u;
		uint last = r < p.rows ? steps : 0u;
		int sum = 0;
		for (uint s = lane; s < last; s += LANES) {
			sum += stepOf(weights[(tile * steps + s) * 8u + lid % 8u], s);
		}
		precise float x = scaled(row(sum), q, p.scale);
#ifdef GATE
		sum = 0;
		for (uint s = lane; s < last; s += LANES) {
			sum += stepOf(up[(tile * steps + s) * 8u + lid % 8u], s);
		}
		x = activated(x, scaled(row(sum), q, upScale), silu == 1u);
#endif
		if (lane == 0u && r < p.rows) {
#if !defined(QKV) && !defined(GATE)
			x = o[r] + x;
			x = fz(x);
#endif
			o[p.to + r] = x;
		}
	}
}
