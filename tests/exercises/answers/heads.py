"""Right answers to the exercises on heads, written in other ways than the references."""

import math

import torch
import torch.nn.functional as F
from torch import nn


def _split_slices(x, n_head):
    size = x.size(-1) // n_head
    return torch.stack([x[..., h * size : (h + 1) * size] for h in range(n_head)], dim=1)


split_heads = [
    _split_slices,
    lambda x, n_head: torch.stack(x.chunk(n_head, dim=-1), dim=1),
    lambda x, n_head: x.unflatten(-1, (n_head, -1)).movedim(-2, -3),
    lambda x, n_head: x.transpose(1, 2).reshape(len(x), n_head, -1, x.shape[1]).mT,
]

merge_heads = [
    lambda z: torch.cat([z[:, h] for h in range(z.shape[1])], dim=-1),
    lambda z: z.transpose(1, 2).contiguous().view(z.shape[0], z.shape[2], -1),
    lambda z: z.permute(0, 2, 1, 3).flatten(-2),
    lambda z: torch.cat(z.unbind(1), dim=2),
]


def _by_loop(x, memory, w_q, w_k, w_v, w_o, n_head, mask):
    """Head by head, each adding its block of W_O; `mask` broadcasts to (B, Tq, Tk)."""
    size, out = x.shape[-1] // n_head, 0
    for h in range(n_head):
        of = slice(h * size, (h + 1) * size)
        scores = torch.einsum("bid,bjd->bij", x @ w_q[:, of], memory @ w_k[:, of]) / math.sqrt(size)
        if mask is not None:
            scores = scores + torch.zeros(mask.shape).masked_fill(~mask, -1e30)
        out = out + scores.softmax(-1) @ (memory @ w_v[:, of]) @ w_o[of]
    return out


def _by_torch(x, memory, w_q, w_k, w_v, w_o, n_head, real=None):
    layer = nn.MultiheadAttention(x.shape[-1], n_head, bias=False, batch_first=True)
    with torch.no_grad():
        layer.in_proj_weight.copy_(torch.cat([w_q.T, w_k.T, w_v.T]))
        layer.out_proj.weight.copy_(w_o.T)
    return layer(x, memory, memory, key_padding_mask=None if real is None else ~real)[0]


def _fused(x, w_q, w_k, w_v, w_o, n_head, mask=None):
    q, k, v = ((x @ w).unflatten(-1, (n_head, -1)).transpose(1, 2) for w in (w_q, w_k, w_v))
    if mask is not None and mask.ndim == 3:
        mask = mask[:, None]
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2) @ w_o


multi_head = [
    _fused,
    lambda x, w_q, w_k, w_v, w_o, n_head, mask=None: _by_loop(x, x, w_q, w_k, w_v, w_o, n_head, mask),
]

cross_attention = [
    _by_torch,
    lambda x, memory, w_q, w_k, w_v, w_o, n_head, real=None: _by_loop(
        x, memory, w_q, w_k, w_v, w_o, n_head, None if real is None else real[:, None]
    ),
]


def _grouped_five_axes(q, k, v):
    B, H, T, size = q.shape
    q = q.view(B, k.shape[1], -1, T, size)
    weights = (torch.einsum("bghid,bgjd->bghij", q, k) / size**0.5).softmax(-1)
    return torch.einsum("bghij,bgjd->bghid", weights, v).flatten(1, 2)


def _grouped_loop(q, k, v):
    group = q.shape[1] // k.shape[1]
    heads = [F.scaled_dot_product_attention(q[:, h], k[:, h // group], v[:, h // group]) for h in range(q.shape[1])]
    return torch.stack(heads, dim=1)


grouped_attention = [
    _grouped_five_axes,
    _grouped_loop,
    lambda q, k, v: F.scaled_dot_product_attention(q, k, v, enable_gqa=True),
]


def _budget_of_layers(d_model, n_head, n_kv_head, n_token):
    narrow = d_model // n_head * n_kv_head
    full = sum(p.numel() for _ in range(4) for p in nn.Linear(d_model, d_model).parameters())
    grouped = sum(p.numel() for size in (d_model, narrow, narrow, d_model) for p in nn.Linear(d_model, size).parameters())
    scores = torch.empty(n_head, n_token, n_token).numel()
    return [full, grouped, scores, 2 * torch.empty(n_token, narrow).numel()]


head_budget = [
    _budget_of_layers,
    lambda d, H, G, T: torch.tensor(
        [4 * d * (d + 1), 4 * d * (d + 1) - 2 * (d + 1) * (d - d * G // H), H * T * T, 2 * T * d * G // H], dtype=torch.int64
    ),
]
