"""Right answers to the exercises of chapter 1, written in other ways than the reference."""

import math

import torch
import torch.nn.functional as F
from torch import nn


def _sizes_of_modules(T, d, width):
    layers = nn.Linear(T * d, T * d), nn.Conv1d(d, d, width), nn.ModuleList(nn.Linear(d, d) for _ in range(3))
    return [sum(p.numel() for p in layer.parameters()) for layer in layers] + [T**2]


layer_parameters = [
    _sizes_of_modules,
    lambda T, d, width: [T * d * (T * d + 1), d * (width * d + 1), 3 * d * (d + 1), T * T],
    lambda T, d, width: torch.tensor([(T * d) ** 2 + T * d, width * d**2 + d, 3 * d**2 + 3 * d, T**2]),
]


def _field_by_gradients(widths, dilations):
    """From the first input with a gradient to the last, in the middle of a text long enough."""
    x = torch.ones(1, 1, 201, requires_grad=True)
    y = x
    for w, dilation in zip(widths, dilations, strict=True):
        y = F.conv1d(y, torch.ones(1, 1, w), dilation=dilation, padding=(w - 1) * dilation // 2)
    y[0, 0, 100].backward()
    places = x.grad[0, 0].nonzero()
    return int(places.max() - places.min() + 1)


def _field_by_sets(widths, dilations):
    seen = {0}
    for w, dilation in zip(widths, dilations, strict=True):
        seen = {place + dilation * step for place in seen for step in range(-(w // 2), w // 2 + 1)}
    return max(seen) - min(seen) + 1


receptive_field = [
    _field_by_gradients,
    _field_by_sets,
    lambda widths, dilations: 1 + sum(w * a - a for w, a in zip(widths, dilations, strict=True)),
]


def _convolution_padded(x, tables):
    reach = len(tables) // 2
    padded = torch.cat([torch.zeros(reach, x.shape[1]), x, torch.zeros(reach, x.shape[1])])
    return sum(padded[m : m + len(x)] @ tables[m] for m in range(len(tables)))


convolution = [
    _convolution_padded,
    lambda x, tables: F.conv1d(x.T[None], tables.permute(2, 1, 0), padding=len(tables) // 2)[0].T,
    lambda x, tables: torch.einsum("tdm,mde->te", F.pad(x, (0, 0, len(tables) // 2, len(tables) // 2)).unfold(0, len(tables), 1), tables),
]


def _mean_loop(values, relevance):
    if values.ndim == 3:
        return torch.stack([_mean_loop(v, r) for v, r in zip(values, relevance, strict=True)])
    total = torch.zeros(values.shape[1])
    for value, r in zip(values, relevance, strict=True):
        total = total + r * value
    return total / sum(relevance)


weighted_mean = [
    _mean_loop,
    lambda values, relevance: torch.einsum("...t,...td->...d", F.normalize(relevance, p=1, dim=-1), values),
    lambda values, relevance: ((relevance / relevance.sum(-1, keepdim=True)).unsqueeze(-2) @ values).squeeze(-2),
]


def _one_by_loops(q, keys, values):
    scores = [sum(float(a) * float(b) for a, b in zip(q, key, strict=True)) / math.sqrt(len(q)) for key in keys]
    total = sum(math.exp(score) for score in scores)
    out = torch.zeros(values.shape[1])
    for score, value in zip(scores, values, strict=True):
        out += math.exp(score) / total * value
    return out


attend_one = [
    _one_by_loops,
    lambda q, keys, values: F.scaled_dot_product_attention(q[None], keys, values)[0],
    lambda q, keys, values: F.softmax(keys @ q / q.numel() ** 0.5, dim=0) @ values,
]


def _nouns_loop(weights, pronouns, nouns):
    places = []
    for i in range(len(weights)):
        if pronouns[i]:
            places.append(max((j for j in range(len(weights)) if nouns[j]), key=lambda j: float(weights[i, j])))
    return places


find_antecedents = [
    _nouns_loop,
    lambda weights, pronouns, nouns: (weights * nouns)[pronouns].argmax(dim=1),
    lambda weights, pronouns, nouns: nouns.nonzero()[:, 0][weights[pronouns][:, nouns].argmax(-1)],
]
