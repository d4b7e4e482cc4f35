"""BitNet b1.58 in PyTorch, for training: ternary weights and int8 activations in
the forward pass, straight-through gradients to their float masters.

What does the work are the four functions of a module `ops`: this file's own are
the definition, in float32; those of fused.py do the same in bfloat16, faster.
"""

import json
import math
import os
import sys

import torch
import torch.nn.functional as F

NORM_EPS = 1e-5
ROPE_BASE = 10000.0
SIZES = dict(hidden=256, ffn=512, layers=5, heads=4, kv_heads=2, vocab=2048, context=512)


def absmean(weight):
    """The ternary values of a master matrix, and their scale."""
    scale = weight.abs().mean().clamp_(min=1e-5)
    return (weight / scale).round_().clamp_(-1, 1), scale


def straight_through(value, rounded):
    return value + (rounded - value).detach()


def linear(x, norm, base, *weights):
    """RMSNorm, absmax quantisation to int8, and one or more ternary matrices.

    x is [tokens, in], each matrix [out, in]; the results stand side by side,
    added to base where there is one.
    """
    x = rms_norm(x, norm)
    step = x.abs().amax(-1, keepdim=True).clamp(min=1e-5) / 127
    x = straight_through(x, (x / step).round() * step)
    values = []
    for weight in weights:
        ternary, scale = absmean(weight)
        values.append(straight_through(weight, ternary * scale))
    y = x @ torch.cat(values).t()
    return y if base is None else base + y


def gated(both):
    """relu(gate)^2 * up, of [tokens, gate and up]."""
    gate, up = both.chunk(2, -1)
    return gate.relu().square() * up


def attend(q, k, v, start):
    """Causal attention of q [groups, heads of a group, n, d] over k, v [groups, n, d].

    start [batch, n] is where the document of each query begins: keys before it
    belong to another one.
    """
    groups, heads, n, d = q.shape
    scores = (q.reshape(groups, -1, d) @ k.transpose(1, 2)).view(groups, heads, n, n) * d ** -0.5
    hidden = torch.full((n, n), -1e30).triu(1) + (torch.arange(n) < start[:, :, None]) * -1e30
    share = (scores + hidden.repeat_interleave(groups // len(start), 0)[:, None]).softmax(-1)
    return (share.view(groups, -1, n) @ v).view(groups, heads, n, d)


def cross_entropy(x, embedding, targets):
    """The mean of -log p of the targets that are not negative, from the last hidden states."""
    return F.cross_entropy(x @ embedding.t(), targets, ignore_index=-1)


def rms_norm(x, weight):
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + NORM_EPS) * weight


class Layer(torch.nn.Module):
    def __init__(self, c):
        super().__init__()
        kv = c["hidden"] // c["heads"] * c["kv_heads"]
        matrix = lambda rows, cols: torch.nn.Parameter(torch.randn(rows, cols) / math.sqrt(cols))
        norm = lambda size: torch.nn.Parameter(torch.ones(size))
        self.attn_norm, self.attn_sub_norm = norm(c["hidden"]), norm(c["hidden"])
        self.q, self.k, self.v = matrix(c["hidden"], c["hidden"]), matrix(kv, c["hidden"]), matrix(kv, c["hidden"])
        self.o = matrix(c["hidden"], c["hidden"])
        self.ffn_norm, self.ffn_sub_norm = norm(c["hidden"]), norm(c["ffn"])
        self.gate, self.up = matrix(c["ffn"], c["hidden"]), matrix(c["ffn"], c["hidden"])
        self.down = matrix(c["hidden"], c["ffn"])


class Model(torch.nn.Module):
    def __init__(self, sizes, ops=sys.modules[__name__]):
        super().__init__()
        self.sizes, self.ops = sizes, ops
        self.head_dim = sizes["hidden"] // sizes["heads"]
        self.embedding = torch.nn.Parameter(torch.randn(sizes["vocab"], sizes["hidden"]) * 0.05)
        self.output_norm = torch.nn.Parameter(torch.ones(sizes["hidden"]))
        self.layers = torch.nn.ModuleList(Layer(sizes) for _ in range(sizes["layers"]))
        angle = torch.arange(sizes["context"])[:, None] * ROPE_BASE ** (-torch.arange(0, self.head_dim, 2) / self.head_dim)
        self.cos = torch.cat([angle.cos()] * 2, -1)
        self.sin = torch.cat([-angle.sin(), angle.sin()], -1)

    def rotate(self, x):
        n, half = x.shape[2], self.head_dim // 2
        return x * self.cos[:n] + torch.cat([x[..., half:], x[..., :half]], -1) * self.sin[:n]

    def attention(self, qkv, start):
        """[batch * n, q and k and v] to [batch * n, hidden]; the heads of a group share their keys."""
        c, d, (batch, n) = self.sizes, self.head_dim, start.shape
        groups, group = batch * c["kv_heads"], c["heads"] // c["kv_heads"]
        heads = lambda x: x.reshape(batch, n, -1, d).transpose(1, 2)
        q, k, v = (heads(x) for x in qkv.split([c["hidden"], d * c["kv_heads"], d * c["kv_heads"]], -1))
        q = self.rotate(q).reshape(groups, group, n, d)
        k, v = self.rotate(k).reshape(groups, n, d), v.reshape(groups, n, d)
        out = self.ops.attend(q, k, v, start)
        return out.view(batch, c["heads"], n, d).transpose(1, 2).reshape(batch * n, -1)

    def hidden(self, ids, start):
        """[batch, n] ids to [batch * n, hidden], normed for the head."""
        linear = self.ops.linear
        x = F.embedding(ids, self.embedding).flatten(0, 1)
        for l in self.layers:
            qkv = linear(x, l.attn_norm, None, l.q, l.k, l.v)
            x = linear(self.attention(qkv, start), l.attn_sub_norm, x, l.o)
            both = linear(x, l.ffn_norm, None, l.gate, l.up)
            x = linear(self.ops.gated(both), l.ffn_sub_norm, x, l.down)
        return rms_norm(x, self.output_norm)

    def forward(self, ids):
        """Logits, [batch, n, vocab]."""
        return (self.hidden(ids, torch.zeros_like(ids)) @ self.embedding.t()).view(*ids.shape, -1)

    def loss(self, ids, start, targets):
        return self.ops.cross_entropy(self.hidden(ids, start), self.embedding, targets.flatten())

    def groups(self):
        """The matrices, and all other parameters."""
        matrices = [p for l in self.layers for p in (l.q, l.k, l.v, l.o, l.gate, l.up, l.down)]
        known = {id(p) for p in matrices}
        return matrices, [p for p in self.parameters() if id(p) not in known]


HF_NAMES = {  # of a layer's parameters
    "attn_norm": "input_layernorm", "attn_sub_norm": "self_attn.attn_sub_norm", "ffn_norm": "post_attention_layernorm",
    "ffn_sub_norm": "mlp.ffn_sub_norm", "q": "self_attn.q_proj", "k": "self_attn.k_proj", "v": "self_attn.v_proj",
    "o": "self_attn.o_proj", "gate": "mlp.gate_proj", "up": "mlp.up_proj", "down": "mlp.down_proj",
}


def export(model, tokenizer, directory):
    """Writes a directory as Hugging Face has them, which `bitnet-gpu convert` reads."""
    os.makedirs(directory, exist_ok=True)
    tensors = {"model.embed_tokens.weight": model.embedding, "model.norm.weight": model.output_norm}
    for i, layer in enumerate(model.layers):
        for name, parameter in layer.named_parameters():
            tensors[f"model.layers.{i}.{HF_NAMES[name]}.weight"] = parameter
    header, data = {}, b""
    for name, tensor in tensors.items():
        raw = tensor.detach().numpy().astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    with open(os.path.join(directory, "model.safetensors"), "wb") as file:
        file.write(len(head).to_bytes(8, "little") + head + data)
    c = model.sizes
    config = {
        "architectures": ["BitNetForCausalLM"], "model_type": "bitnet", "_name_or_path": "bitnet-gpu-demo", "hidden_act": "relu2",
        "hidden_size": c["hidden"], "intermediate_size": c["ffn"], "num_hidden_layers": c["layers"],
        "num_attention_heads": c["heads"], "num_key_value_heads": c["kv_heads"], "vocab_size": c["vocab"],
        "max_position_embeddings": c["context"], "rms_norm_eps": NORM_EPS, "rope_theta": ROPE_BASE, "tie_word_embeddings": True,
        "bos_token_id": tokenizer.bos, "eos_token_id": [tokenizer.eos, tokenizer.eot],
        "quantization_config": {"quant_method": "bitnet", "linear_class": "autobitlinear", "quantization_mode": "online"},
    }
    template = ("{% for message in messages %}{% if loop.index0 == 0 %}{{ bos_token }}{% endif %}"
                "{{ message['role'] | capitalize + ': ' + message['content'] | trim + '<|eot_id|>' }}{% endfor %}"
                "{% if add_generation_prompt %}{{ 'Assistant: ' }}{% endif %}")
    for name, described in {"config.json": config, "generation_config.json": {"eos_token_id": config["eos_token_id"]},
                            "tokenizer_config.json": {"chat_template": template}}.items():
        with open(os.path.join(directory, name), "w") as file:
            json.dump(described, file, indent=1)
    tokenizer.save(os.path.join(directory, "tokenizer.json"))
