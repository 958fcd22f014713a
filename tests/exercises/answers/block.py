"""Right answers to the exercises on the block, written in other ways than the reference."""

import torch
import torch.nn.functional as F
from torch import nn


def _layer_norm_loop(x, g, b, eps=1e-5):
    out = []
    for row in x.reshape(-1, x.shape[-1]):
        centered = row - sum(row) / len(row)
        out.append(g * centered / (torch.dot(centered, centered) / len(row) + eps) ** 0.5 + b)
    return torch.stack(out).reshape(x.shape)


layer_norm = [
    lambda x, g, b, eps=1e-5: F.layer_norm(x, x.shape[-1:], g, b, eps),
    lambda x, g, b, eps=1e-5: (x - x.mean(-1, True)) / (x.var(-1, correction=0, keepdim=True) + eps) ** 0.5 * g + b,
    _layer_norm_loop,
]


def _rms_norm_loop(x, g, eps=1e-6):
    rows = [row / (torch.dot(row, row) / len(row) + eps).sqrt() * g for row in x.reshape(-1, x.shape[-1])]
    return torch.stack(rows).reshape(x.shape)


rms_norm = [
    lambda x, g, eps=1e-6: F.rms_norm(x, x.shape[-1:], g, eps),
    lambda x, g, eps=1e-6: x * torch.rsqrt((x * x).sum(-1, keepdim=True) / x.size(-1) + eps) * g,
    _rms_norm_loop,
]


def _residual_steps(x, f, norm, pre_norm):
    y = x.clone()
    if pre_norm:
        y = norm(y)
    y = torch.add(x, f(y))
    return y if pre_norm else norm(y)


residual_connection = [
    _residual_steps,
    lambda x, f, norm, pre_norm: (f(norm(x)) + x) if pre_norm else norm(f(x) + x),
]


def _swiglu_neurons(x, w, v, w_2):
    """The sum over the neurons, one at a time."""
    out = torch.zeros(*x.shape[:-1], w_2.shape[0])
    for key, other, value in zip(w, v, w_2.T, strict=True):
        z = (x * key).sum(-1, keepdim=True)
        out = out + z / (1 + torch.exp(-z)) * (x * other).sum(-1, keepdim=True) * value
    return out


def _swiglu_columns(x, w, v, w_2):
    x = x.unsqueeze(-1)
    z = w @ x
    return (w_2 @ (z * torch.sigmoid(z) * (v @ x))).squeeze(-1)


swiglu = [_swiglu_neurons, _swiglu_columns, lambda x, w, v, w_2: F.linear(F.silu(F.linear(x, w)) * F.linear(x, v), w_2)]


def _block_of_torch(x, weights, n_head, mask=None):
    d_ff, d_model = weights["w_1"].shape
    block = nn.TransformerEncoderLayer(d_model, n_head, d_ff, dropout=0.0, batch_first=True, norm_first=True, bias=False)
    names = "w_qkv w_o norm_1 norm_2 w_1 w_2".split()
    qkv, out, norm_1, norm_2, w_1, w_2 = (weights[name] for name in names)
    block.load_state_dict(
        {
            "self_attn.in_proj_weight": qkv.flatten(0, 1), "self_attn.out_proj.weight": out,
            "norm1.weight": norm_1[0], "norm2.weight": norm_2[0], "linear1.weight": w_1, "linear2.weight": w_2,
        }
    )  # fmt: skip
    block.norm1.bias, block.norm2.bias = nn.Parameter(norm_1[1]), nn.Parameter(norm_2[1])
    return block(x, src_mask=None if mask is None else ~mask)


def _block_head_by_head(x, weights, n_head, mask=None):
    def normalized(x, pair):
        return (x - x.mean(-1, keepdim=True)) / (x.var(-1, correction=0, keepdim=True) + 1e-5).sqrt() * pair[0] + pair[1]

    y = normalized(x, weights["norm_1"])
    for rows in torch.arange(x.shape[-1]).chunk(n_head):
        q, k, v = (y @ w[rows].T for w in weights["w_qkv"])
        x = x + F.scaled_dot_product_attention(q, k, v, attn_mask=mask) @ weights["w_o"][:, rows].T
    y = normalized(x, weights["norm_2"])
    return x + torch.relu(y @ weights["w_1"].T) @ weights["w_2"].T


encoder_block = [_block_of_torch, _block_head_by_head]


def _count(module):
    return sum(p.numel() for p in module.parameters())


def _counted_by_torch(length, d_model, n_head, d_ff):
    width = d_ff * 2 / 3
    attention = nn.MultiheadAttention(d_model, n_head, bias=False)
    gated = nn.ModuleList([nn.Linear(d_model, int(width), bias=False) for _ in range(3)])
    return [
        _count(nn.Sequential(nn.Linear(d_model, d_ff), nn.ReLU(), nn.Linear(d_ff, d_model))),
        2 * _count(nn.LayerNorm(d_model)),
        3 * _count(nn.Linear(d_model, d_ff, bias=False)),
        width,
        _count(attention) + _count(gated) + 2 * _count(nn.RMSNorm(d_model)),
    ]


block_parameters = [
    lambda T, d, H, f: [2 * d * f + f + d, 4 * d, 3 * d * f, f * 2 / 3, 4 * d * d + 2 * d * f + 2 * d],
    _counted_by_torch,
]
