"""Right answers to the exercises on masks, written in other ways than the reference."""

import math

import torch

from d2lmini import masks


def _causal_loop(n_query, n_key):
    return torch.tensor([[key <= query + n_key - n_query for key in range(n_key)] for query in range(n_query)])


causal_mask = [
    _causal_loop,
    lambda n_query, n_key: torch.ones(n_key, n_key).tril()[-n_query:].bool(),
    lambda n_query, n_key: torch.arange(n_key)[None] - (n_key - n_query) <= torch.arange(n_query)[:, None],
    masks.causal,
]


def _padding_loop(lengths, n_key):
    mask = torch.zeros(len(lengths), 1, n_key, dtype=torch.bool)
    for row, length in enumerate(lengths.tolist()):
        mask[row, 0, :length] = True
    return mask


padding_mask = [
    _padding_loop,
    lambda lengths, n_key: ~(torch.arange(n_key).view(1, 1, -1) >= lengths.view(-1, 1, 1)),
    masks.padding,
]


def _count(n, n_prefix, width, token):
    causal, window = masks.causal(n), masks.sliding_window(n, width)
    places = [causal.sum(), masks.prefix(n, n_prefix).sum(), window.sum(), window[:, token - 1].sum(), (~causal)[token - 1].sum()]
    return [int(place) for place in places]


def _by_formula(n, n_prefix, width, token):
    triangle = n * (n + 1) / 2
    return [triangle, triangle + math.comb(n_prefix, 2), n * width - math.comb(width, 2), min(width, n - token + 1), n - token]


open_places = [_count, _by_formula]


def _packed_loop(segment, width):
    mask = torch.zeros(*segment.shape, segment.shape[1], dtype=torch.bool)
    for b, row in enumerate(segment.tolist()):
        for i in range(len(row)):
            for j in range(max(0, i - width + 1), i + 1):
                mask[b, i, j] = row[i] == row[j]
    return mask


def _packed_bands(segment, width):
    n = segment.shape[1]
    band = torch.ones(n, n, dtype=torch.bool).tril().triu(1 - width)
    return (segment.unsqueeze(2) - segment.unsqueeze(1)).eq(0).logical_and(band)


packed_window_mask = [
    _packed_loop,
    _packed_bands,
    lambda segment, width: masks.combine(masks.block_diagonal(segment), masks.sliding_window(segment.shape[-1], width)),
]

additive_mask = [
    lambda mask: torch.where(mask, 0.0, -torch.inf),
    lambda mask: mask.float().log(),
    masks.to_additive,
]


def _softmax_rows(scores, mask):
    mask = mask.broadcast_to(scores.shape)
    weights = torch.zeros(scores.shape)
    for place in mask.any(-1).nonzero():
        row = tuple(place.tolist())
        weights[row][mask[row]] = scores[row][mask[row]].softmax(0)
    return weights


def _softmax_twice(scores, mask):
    open_rows = mask.any(-1, keepdim=True)
    weights = scores.masked_fill(~mask & open_rows, -torch.inf).softmax(-1)
    return weights * open_rows


masked_softmax = [
    _softmax_rows,
    _softmax_twice,
    lambda scores, mask: (scores + torch.where(mask, 0.0, -torch.inf)).softmax(-1).nan_to_num(0.0),
    lambda scores, mask: torch.where(mask, scores.masked_fill(~mask, -1e9).softmax(-1), 0.0),
]
