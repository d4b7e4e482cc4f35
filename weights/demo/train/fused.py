"""The operations of model.py in bfloat16, with all that goes between the matrix
products fused in C (fused.c, compiled on import).

Codes and ternary weights are exact in bfloat16; what is rounded are the results
of products, and gradients. Processors with AMX multiply so several times as fast.
"""

import ctypes
import os
import subprocess
import tempfile

import torch
from torch.autograd import Function

from model import NORM_EPS, absmean

BLOCK = 128  # queries that attend at once: no query needs a later key


def compiled():
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fused.c")
    with tempfile.TemporaryDirectory() as directory:
        library = os.path.join(directory, "fused.so")
        subprocess.run(["gcc", "-O3", "-march=native", "-ffast-math", "-shared", "-fPIC", "-o", library, source, "-lm"], check=True)
        return ctypes.CDLL(library)


C = compiled()
C.cross_entropy.restype = ctypes.c_double


def call(function, *args):
    """Calls C with tensors as pointers, None as null, integers as long and floats as float."""
    def argument(a):
        if isinstance(a, torch.Tensor):
            assert a.is_contiguous()
            return ctypes.c_void_p(a.data_ptr())
        return {int: ctypes.c_long, float: ctypes.c_float}.get(type(a), lambda a: a)(a)
    return function(*map(argument, args))


def new(*shape, like=torch.float32):
    return torch.empty(*shape, dtype=like)


class Linear(Function):
    @staticmethod
    def forward(ctx, x, norm, base, *weights):
        rows, n = x.shape
        codes, step, rms = new(rows, n, like=torch.bfloat16), new(rows), new(rows)
        call(C.quantize, x, norm, rows, n, NORM_EPS, codes, step, rms)
        ternary, scales = zip(*(absmean(weight) for weight in weights))
        scale = torch.cat([s.expand(len(w)) for s, w in zip(scales, weights)])
        ternary = torch.cat(ternary).bfloat16()
        y = codes @ ternary.t()
        out = new(*y.shape)
        call(C.rescale, y, step, scale, base, rows, y.shape[1], out)
        ctx.save_for_backward(x, norm, codes, step, rms, ternary, scale)
        ctx.sizes, ctx.residual = [len(w) for w in weights], base is not None
        return out

    @staticmethod
    def backward(ctx, grad):
        x, norm, codes, step, rms, ternary, scale = ctx.saved_tensors
        grad = grad.contiguous()
        for_weights, for_input = (new(*grad.shape, like=torch.bfloat16) for _ in range(2))
        call(C.rescale_back, grad, step, scale, *grad.shape, for_weights, for_input)
        of_weights = (for_weights.t() @ codes).float()
        of_x, of_norm = new(*x.shape), torch.zeros_like(norm)
        call(C.norm_back, for_input @ ternary, x, rms, norm, None, *x.shape, of_x, of_norm)
        return (of_x, of_norm, grad if ctx.residual else None, *of_weights.split(ctx.sizes))


class Gated(Function):
    @staticmethod
    def forward(ctx, both):
        out = new(len(both), both.shape[1] // 2)
        call(C.gated, both, *out.shape, out)
        ctx.save_for_backward(both)
        return out

    @staticmethod
    def backward(ctx, grad):
        both, = ctx.saved_tensors
        out = new(*both.shape)
        call(C.gated_back, grad.contiguous(), both, *grad.shape, out)
        return out


class Attend(Function):
    @staticmethod
    def forward(ctx, q, k, v, start):
        q, k, v = q.bfloat16(), k.bfloat16(), v.bfloat16()
        groups, heads, n, d = q.shape
        out, shares = new(groups, heads, n, d), []
        for at in range(0, n, BLOCK):
            end = min(n, at + BLOCK)
            share = q[:, :, at:end].reshape(groups, -1, d) @ k[:, :end].transpose(1, 2)
            each = groups // len(start) * share.shape[1]
            call(C.causal_softmax, share, start, len(start), each, end, end - at, at, n, d ** -0.5)
            out[:, :, at:end] = (share @ v[:, :end]).view(groups, heads, end - at, d)
            shares.append(share)
        ctx.save_for_backward(q, k, v, *shares)
        return out

    @staticmethod
    def backward(ctx, grad):
        q, k, v, *shares = ctx.saved_tensors
        groups, heads, n, d = q.shape
        of_q, of_k, of_v = new(*q.shape), torch.zeros(k.shape), torch.zeros(v.shape)
        grad = grad.bfloat16()
        for i, share in enumerate(shares):
            at, end = i * BLOCK, min(n, (i + 1) * BLOCK)
            g = grad[:, :, at:end].reshape(groups, -1, d)
            of_v[:, :end] += share.transpose(1, 2) @ g
            of_scores = g @ v[:, :end].transpose(1, 2)
            call(C.softmax_back, of_scores, share, share.shape[0] * share.shape[1], end, d ** -0.5)
            of_q[:, :, at:end] = (of_scores @ k[:, :end]).view(groups, heads, end - at, d)
            of_k[:, :end] += of_scores.transpose(1, 2) @ q[:, :, at:end].reshape(groups, -1, d)
        return of_q, of_k, of_v, None


class CrossEntropy(Function):
    @staticmethod
    def forward(ctx, x, embedding, targets):
        x, embedding = x.bfloat16(), embedding.bfloat16()
        logits = x @ embedding.t()
        count = max(1, int((targets >= 0).sum()))
        loss = call(C.cross_entropy, logits, targets.contiguous(), *logits.shape, 1 / count) / count
        ctx.save_for_backward(x, embedding, logits)  # which are their gradients now
        return torch.tensor(loss)

    @staticmethod
    def backward(ctx, grad):
        x, embedding, logits = ctx.saved_tensors
        return (logits @ embedding).float().mul_(grad), (logits.t() @ x).float().mul_(grad), None


linear, gated, attend, cross_entropy = Linear.apply, Gated.apply, Attend.apply, CrossEntropy.apply
