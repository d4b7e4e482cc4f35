// Package compute is the contract between the engine and its backends: an
// interface of one forward pass (compute.go), and the arithmetic that makes
// every backend give the same bits. It lies below both sides, as
// database/sql/driver does, so that neither imports the other.
//
// # The arithmetic contract, version 1
//
// One model and one token sequence give the same float32 logits, bit for bit,
// on every backend, CPU path, thread count, batch size, prompt chunking and
// cache history.
//
// Equality and not a tolerance, because nothing fades here: one int8 code that
// flips in the first of thirty layers changes a tenth of the codes of the
// second and a percent of the energy of the last. The ternary products are
// integers and exact anyway; what stands between them is a few float
// operations, written down here. Package cpu/kernel holds them as plain Go,
// which is the definition; everything faster is tested against it.
//
// # Rules
//
//   - IEEE binary32, round to nearest even, no contraction, no reassociation.
//     In Go every product that meets a sum is written float32(a*b) + c, since
//     the language may otherwise fuse (it does on arm64, and on amd64 with
//     GOAMD64=v3). In GLSL every float result is precise.
//   - At run time only + - *, comparison, maximum, integer operations and exact
//     conversions. No division, sqrt, exp, sin, round or hardware float16
//     rounding: their results belong to the hardware.
//   - Every float sum of more than two terms has one order, given below. Maxima
//     and integer sums need none.
//   - Denormals and signed zeros decide nothing, because drivers flush and fold
//     them differently: fz(x) is +0 where |x| < 2^-50 (an integer test) and x
//     elsewhere. It is applied wherever a vector is stored, as marked below, to
//     the norm weights at load, and to the rows of dense matrices as they are
//     widened. Products of what remains are at least 2^-100, so no sum is ever
//     denormal. Chains start with their first product, not with 0 plus it.
//   - A quantised vector with A >= 2^100, or with a sum of squares >= 2^100, an
//     infinity or a NaN is ErrNumeric, and so is a cached key or value that
//     float16 cannot hold.
//
// # Operations, in the order of the forward pass
//
// halving(x) of a power of two of terms adds the upper half to the lower until
// one is left: x[k] = x[k] + x[k+w] for w = n/2, n/4, ..., 1.
//
//  1. Embedding: h = fz(row), the row as its stored type defines it. Block
//     formats: Q8_0 d*q; Q4_0 d*(q-8); Q6_K (d*scale)*(q-32), and ggml's others as
//     package weights has them, each with one rounding for each product and for
//     the sum. Head, embedding and dense matrices share this widening.
//  2. Norm and quantise, before each BitLinear, with n elements of h and norm
//     weight g: y = fz(h*g); A = max|y|; inv = 127*recip(A); q = roundEven(y*inv)
//     as int8; S = sum of q. A = 0 gives q = 0. The RMS factor is common to y and
//     A and cancels in q; it is needed only in the output's scale:
//     r = rsqrt(ss*(1/n) + eps), where ss is the sum of h*h: halving inside each
//     16 consecutive elements, then halving over the n/16 block sums, padded
//     with zeros to a power of two. 1/n and eps are rounded to float32 once.
//     Where a model has no norm before a BitLinear, y = h and r = 1, and ss is
//     not looked at.
//     (The reference clamps the normalised maximum at 1e-5; that is dropped on
//     purpose: only an all but zero vector could tell.)
//  3. recip, rsqrt, exp2: the sequences in cpu/kernel/scalar.go.
//  4. Ternary product: acc = sum of code*q - S with codes 0, 1, 2, in int32;
//     |acc| < 2^24, so its float is exact. out = float(acc) * s with
//     s = fz(((A*r)*(1/127)) * scale).
//  5. RoPE: pairs (i, i+d/2) of a head of d elements; cos and sin from the table
//     of RopeTable; x' = fz(x*cos - y*sin), y' = fz(y*cos + x*sin).
//  6. KV cache: float16, rounded to nearest even by integers, widened exactly.
//  7. Attention, over chunks of 64 positions from 0 on, for decode and prompts
//     alike. Score: 16 chains over the elements k, k+16, k+32, ... of q*key,
//     each in order, then halving(16), then times log2(e)/sqrt(d), rounded to
//     float32 once. In a chunk: m = max of the scores; p = exp2(score - m);
//     l = halving(64) of p, absent positions 0; o[i] = p*value summed in order of
//     the positions. The first chunk is M, L, O; a further one folds in with
//     M' = max(M, m), a = exp2(M - M'), b = exp2(m - M'):
//     O = fz(fz(O*a) + fz(o*b)), L = L*a + l*b. At the end kqv = fz(O * recip(L)).
//     Lengths of heads that are no multiple of 16 end their chains early; all
//     are at least 16.
//  8. Residual h = fz(h + out). Squared ReLU v = fz((u*u)*up), u = max(gate, 0).
//     SiLU, with x = gate: e = exp2(-(|x|*log2(e))), s = recip(1 + e),
//     v = fz((x*s)*up) for x >= 0 and fz((x*(e*s))*up) below, log2(e) rounded to
//     float32. v stays in float32: it exceeds the float16 range.
//  9. Head: x = fz(fz(h*g) * r) with the final norm's g and r as in 2;
//     logit = fz(sum of row*x): 64 chains over the elements k, k+64, k+128, ...,
//     each in order, then halving(64). Rows of the head are at least 64 long.
//     Only these values leave a backend; NaN or infinity is ErrNumeric. Ties go
//     to the lowest id. A backend may look at something cheaper to decide which
//     rows to compute, if what it leaves out cannot be among the best, or is so
//     with a probability below 1e-13 a row whatever the weights and the input:
//     see cpu/screen.go for such a bound.
//     A matrix of a layer that is dense, and not ternary, is multiplied in the same
//     way: x as above with the g and r of the norm before it, not quantised; where
//     there is no norm, x = h. out = fz(sum of row*x), which 5, 6 and 8 take as they
//     take a ternary product; a magnitude of 2^100 or more and NaN is ErrNumeric. Its
//     rows are at least 64 long. The norm is looked at as in 2, for A and ss.
//  10. Loading: one scale for a matrix, a float32 in [2^-18, 2^18]. Files that
//     store its reciprocal: 1/x, rounded once. Files with a factor beside the
//     scale: their product, rounded once. Master weights w: the scale m is the
//     mean of |w| over the matrix, at least 1e-5, from float64 sums of the rows,
//     each in the order of its columns, added in the order of the rows; a weight
//     is the sign of w where |w| > m/2, else 0. Rows of queries and keys that a
//     file orders for a rotation of neighbours are brought into the order for
//     half-split pairs first.
//
// The two lengths that set chains, 16 and 64, are one 64-byte register and four
// of them: a GPU's lane takes 8 consecutive elements of a row in one 16-byte
// load and keeps their 8 chains, and 8 lanes make a row.
package compute
