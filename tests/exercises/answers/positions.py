"""Right answers to the exercises on positions, written in other ways than the reference."""

import math

import torch
import torch.nn.functional as F

from d2lmini.positions import ALiBi, Rotary, sinusoid, t5_bucket


def _permuted_matrix(scores, order):
    P = F.one_hot(order, len(order)).float()
    return P @ scores @ P.T


permuted_scores = [
    _permuted_matrix,
    lambda scores, order: scores.index_select(-2, order).index_select(-1, order),
    lambda scores, order: scores[..., order[:, None], order],
]


def _sinusoidal_loop(n, d_model):
    p = torch.zeros(n, d_model)
    for i in range(n):
        for c in range(d_model // 2):
            angle = i / 10_000 ** (2 * c / d_model)
            p[i, 2 * c], p[i, 2 * c + 1] = math.sin(angle), math.cos(angle)
    return p


def _sinusoidal_filled(n, d_model):
    p = torch.zeros(n, d_model)
    speeds = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10_000.0) / d_model))
    angle = torch.outer(torch.arange(n).float(), speeds)
    p[:, 0::2], p[:, 1::2] = angle.sin(), angle.cos()
    return p


sinusoidal_positions = [_sinusoidal_loop, _sinusoidal_filled, lambda n, d_model: sinusoid(torch.arange(float(n)), d_model)]


def _bias_loop(table, n_query, n_key):
    reach = len(table) // 2
    bias = torch.zeros(table.shape[1], n_query, n_key)
    for i in range(n_query):
        for j in range(n_key):
            bias[:, i, j] = table[max(-reach, min(reach, j - (n_key - n_query + i))) + reach]
    return bias


def _bias_one_hot(table, n_query, n_key):
    offset = torch.arange(n_key)[None] - torch.arange(n_key)[-n_query:, None]
    which = (offset + len(table) // 2).clamp(0, len(table) - 1)
    return torch.einsum("ijo,oh->hij", F.one_hot(which, len(table)).float(), table)


relative_bias = [_bias_loop, _bias_one_hot]


def _buckets_by_bounds(offsets, max_distance):
    ratio = round((max_distance / 4) ** 0.25)
    starts = [0, 1, 2, 3, *(4 * ratio**e for e in range(4))]
    return [sum(abs(o) >= start for start in starts) - 1 + (8 if o > 0 else 0) for o in offsets]


buckets_by_hand = [
    _buckets_by_bounds,
    lambda offsets, max_distance: t5_bucket(torch.tensor(offsets), False, n_bucket=16, max_distance=max_distance),
]


def _alibi_loop(q, k):
    scores = torch.einsum("...id,...jd->...ij", q, k) / math.sqrt(q.size(-1))
    n_head, n_query, n_key = scores.shape[-3:]
    for h in range(n_head):
        for i in range(n_query):
            for j in range(n_key):
                scores[..., h, i, j] -= 0.5 ** (8 * (h + 1) / n_head) * abs(n_key - n_query + i - j)
    return scores


alibi_scores = [_alibi_loop, lambda q, k: q @ k.mT / q.shape[-1] ** 0.5 + ALiBi(q.shape[-3]).bias(q, k)]


def _rotary_complex(x, position):
    d = x.shape[-1]
    angle = position[:, None] / 10_000 ** (torch.arange(0, d, 2) / d)
    z = torch.complex(x[..., : d // 2], x[..., d // 2 :]) * torch.exp(1j * angle)
    return torch.cat([z.real, z.imag], dim=-1)


def _rotary_half(x, position):
    d = x.shape[-1]
    angle = torch.outer(position.float(), 10_000 ** (-torch.arange(0, d, 2).float() / d)).repeat(1, 2)
    return x * angle.cos() + torch.cat([-x[..., d // 2 :], x[..., : d // 2]], dim=-1) * angle.sin()


rotary = [_rotary_complex, _rotary_half, lambda x, position: Rotary(x.shape[-1]).rotate(x, position)]
