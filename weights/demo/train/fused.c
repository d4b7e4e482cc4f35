// What goes between the matrix products of model.py, each in one pass over its
// data. Rows are tokens; bf is bfloat16. model.py says what each computes: its
// plain forms are the definition, and test_train.py compares them with these.
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef uint16_t bf;

static inline float widen(bf h) {
	uint32_t u = (uint32_t)h << 16;
	float f;
	memcpy(&f, &u, 4);
	return f;
}

static inline bf narrow(float f) { // to nearest even; no NaN comes here
	uint32_t u;
	memcpy(&u, &f, 4);
	return (u + 0x7fff + (u >> 16 & 1)) >> 16;
}

// RMSNorm and absmax quantisation of x [rows, n].
void quantize(const float *x, const float *norm, long rows, long n, float eps, bf *codes, float *step, float *rms) {
	for (long r = 0; r < rows; r++, x += n, codes += n) {
		float sum = 0, top = 0;
		for (long i = 0; i < n; i++) sum += x[i] * x[i];
		float scale = 1 / sqrtf(sum / n + eps);
		for (long i = 0; i < n; i++) top = fmaxf(top, fabsf(x[i] * scale * norm[i]));
		if (top < 1e-5f) top = 1e-5f;
		float by = 127 / top * scale;
		for (long i = 0; i < n; i++) {
			codes[i] = narrow(rintf(x[i] * norm[i] * by));
		}
		step[r] = top / 127;
		rms[r] = scale;
	}
}

// out = base + y * step * scale, of a product y [rows, n]; base may be null.
void rescale(const bf *y, const float *step, const float *scale, const float *base, long rows, long n, float *out) {
	for (long r = 0; r < rows; r++, y += n, out += n) {
		float s = step[r];
		if (base) {
			for (long i = 0; i < n; i++) out[i] = base[i] + widen(y[i]) * s * scale[i];
			base += n;
		} else {
			for (long i = 0; i < n; i++) out[i] = widen(y[i]) * s * scale[i];
		}
	}
}

// The gradient of a product, times the step for the weights and times the scale
// for the input.
void rescale_back(const float *grad, const float *step, const float *scale, long rows, long n, bf *for_weights, bf *for_input) {
	for (long r = 0; r < rows; r++, grad += n, for_weights += n, for_input += n) {
		float s = step[r];
		for (long i = 0; i < n; i++) {
			for_weights[i] = narrow(grad[i] * s);
			for_input[i] = narrow(grad[i] * scale[i]);
		}
	}
}

// The gradient of RMSNorm from that of what it gave; of_norm is added to, base
// (the gradient that goes past the norm) may be null.
void norm_back(const bf *grad, const float *x, const float *rms, const float *norm, const float *base, long rows, long n, float *of_x, float *of_norm) {
	for (long r = 0; r < rows; r++, grad += n, x += n, of_x += n) {
		float s = rms[r], dot = 0;
		for (long i = 0; i < n; i++) {
			float hat = x[i] * s, g = widen(grad[i]);
			of_norm[i] += g * hat;
			dot += g * norm[i] * hat;
		}
		dot = dot / n * s;
		for (long i = 0; i < n; i++) of_x[i] = (widen(grad[i]) * norm[i] - x[i] * dot) * s;
		if (base) {
			for (long i = 0; i < n; i++) of_x[i] += base[i];
			base += n;
		}
	}
}

// relu(gate)^2 * up, of rows of n gates and n ups.
void gated(const float *both, long rows, long n, float *out) {
	for (long r = 0; r < rows; r++, both += 2 * n, out += n)
		for (long i = 0; i < n; i++) {
			float g = both[i] > 0 ? both[i] : 0;
			out[i] = g * g * both[n + i];
		}
}

void gated_back(const float *grad, const float *both, long rows, long n, float *out) {
	for (long r = 0; r < rows; r++, both += 2 * n, out += 2 * n, grad += n)
		for (long i = 0; i < n; i++) {
			float g = both[i] > 0 ? both[i] : 0;
			out[i] = 2 * g * both[n + i] * grad[i];
			out[n + i] = g * g * grad[i];
		}
}

// Softmax of scores [sequences, each, n] in place. A row is a query, row modulo
// queries, behind `at` others; it sees the keys from the first of its document,
// start [sequences, length], up to itself.
void causal_softmax(bf *scores, const int64_t *start, long sequences, long each, long n, long queries, long at, long length, float scale) {
	for (long r = 0; r < sequences * each; r++, scores += n) {
		long query = at + r % queries, from = start[r / each * length + query], seen = query + 1;
		float e[n], top = -1e30f, sum = 0;
		for (long i = from; i < seen; i++) {
			e[i] = widen(scores[i]) * scale;
			top = fmaxf(top, e[i]);
		}
		for (long i = from; i < seen; i++) {
			e[i] = expf(e[i] - top);
			sum += e[i];
		}
		sum = 1 / sum;
		memset(scores, 0, from * sizeof *scores);
		for (long i = from; i < seen; i++) scores[i] = narrow(e[i] * sum);
		memset(scores + seen, 0, (n - seen) * sizeof *scores);
	}
}

// The gradient of the scores from that of the shares, in place.
void softmax_back(bf *grad, const bf *share, long rows, long n, float scale) {
	for (long r = 0; r < rows; r++, grad += n, share += n) {
		float dot = 0;
		for (long i = 0; i < n; i++) dot += widen(grad[i]) * widen(share[i]);
		for (long i = 0; i < n; i++) grad[i] = narrow(widen(share[i]) * (widen(grad[i]) - dot) * scale);
	}
}

// Cross entropy: the sum of -log p of the targets that are not negative, and in
// place of the logits [rows, n] the gradient of it times weight.
double cross_entropy(bf *logits, const int64_t *target, long rows, long n, float weight) {
	double loss = 0;
	for (long r = 0; r < rows; r++, logits += n) {
		if (target[r] < 0) {
			memset(logits, 0, n * sizeof *logits);
			continue;
		}
		float e[n], top = -1e30f, sum = 0, of_target = widen(logits[target[r]]);
		for (long i = 0; i < n; i++) {
			e[i] = widen(logits[i]);
			top = fmaxf(top, e[i]);
		}
		for (long i = 0; i < n; i++) {
			e[i] = expf(e[i] - top);
			sum += e[i];
		}
		loss += logf(sum) + top - of_target;
		float by = weight / sum;
		for (long i = 0; i < n; i++) logits[i] = narrow(e[i] * by);
		logits[target[r]] = narrow((e[target[r]] / sum - 1) * weight);
	}
	return loss;
}
