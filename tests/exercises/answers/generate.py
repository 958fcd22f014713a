"""Right answers to the exercises on generation, written in other ways than the reference."""

import heapq
import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from d2lmini import decoding


def _text_loop(scores, tokens):
    total = 0.0
    for i in range(1, len(tokens)):
        row = scores[i - 1].double()
        total += float(row[tokens[i]] - row.logsumexp(0))
    return total, math.exp(-total / (len(tokens) - 1))


def _text_cross_entropy(scores, tokens):
    loss = F.cross_entropy(scores[:-1], tokens[1:])
    return -loss * (len(tokens) - 1), loss.exp()


def _text_in_bits(scores, tokens):
    bits = -torch.log_softmax(scores, dim=1)[torch.arange(len(tokens) - 1), tokens[1:]] / math.log(2)
    return [-float(bits.sum()) * math.log(2), 2 ** float(bits.mean())]


text_perplexity = [_text_loop, _text_cross_entropy, _text_in_bits]


def _nucleus_loop(scores, p):
    result = torch.full_like(scores, -torch.inf)
    for row, kept in zip(scores, result, strict=True):
        likely, mass = row.softmax(0), 0.0
        for token in sorted(range(len(row)), key=lambda i: -float(row[i])):
            kept[token] = row[token]
            mass += float(likely[token])
            if mass >= p:
                break
    return result


def _nucleus_threshold(scores, p):
    ordered = scores.sort(dim=-1, descending=True).values
    n = 1 + (ordered.softmax(-1).cumsum(-1) < p).sum(-1, keepdim=True)
    return torch.where(scores >= ordered.gather(-1, n - 1), scores, -torch.inf)


def _nucleus_of_others(scores, p):
    likely = scores.softmax(-1)
    likelier = likely[:, None, :] > likely[:, :, None]  # (B, V, V): whether the last token is likelier than the one before
    return scores.masked_fill((likelier * likely[:, None]).sum(-1) >= p, -torch.inf)


def _nucleus_from_the_tail(scores, p):
    ordered, order = scores.sort(-1)
    out = ordered.softmax(-1).cumsum(-1) <= 1 - p
    return scores.masked_fill(out.gather(-1, order.argsort(-1)), -torch.inf)


nucleus = [
    _nucleus_loop,
    _nucleus_threshold,
    _nucleus_of_others,
    _nucleus_from_the_tail,
    lambda scores, p: decoding.top_p(p)(scores, [[]] * len(scores)),
]


def _chain_of_filters(scores, written, penalty, heat, k):
    filters = [decoding.repetition_penalty(penalty)] * bool(written) + [decoding.temperature(heat), decoding.top_k(k)]
    return decoding.choices.filtered(scores[None], [written], filters)[0].softmax(-1)


def _chain_of_numbers(scores, written, penalty, heat, k):
    numbers = [
        s / heat if token not in written else s / penalty / heat if s > 0 else s * penalty / heat for token, s in enumerate(scores.tolist())
    ]
    last = min(heapq.nlargest(k, numbers))
    likely = [math.exp(s - max(numbers)) if s >= last else 0.0 for s in numbers]
    return torch.tensor(likely) / sum(likely)


def _chain_of_tensors(scores, written, penalty, heat, k):
    counts = torch.zeros(len(scores))
    for token in written:
        counts[token] += 1
    factor = torch.where(scores < 0, penalty, 1 / penalty)
    scores = torch.where(counts > 0, scores * factor, scores)
    better = (scores[None] > scores[:, None]).sum(1)  # how many tokens are likelier than each
    weights = (scores / heat).softmax(0) * (better < k)
    return weights / weights.sum()


next_probabilities = [_chain_of_filters, _chain_of_numbers, _chain_of_tensors]


def _sizes_step_by_step(n_layer, n_head, n_kv_head, d_head, n_prompt, n_new):
    text, cached, passed, again = list(range(n_prompt)), 0, 0, 0
    for _ in range(n_new):
        passed += len(text) - cached
        again += len(text)
        cached = len(text)
        text.append(0)
    every, shared = (sum(2 * d_head * 4 for _ in itertools.product(range(n_layer), range(n))) for n in (n_head, n_kv_head))
    return [every, shared, shared * cached, passed, again]


def _sizes_by_formula(n_layer, n_head, n_kv_head, d_head, n_prompt, n_new):
    every = 8 * n_layer * n_head * d_head
    shared, read = every * n_kv_head // n_head, n_prompt + n_new - 1
    return torch.tensor([every, shared, shared * read, read, n_new * (n_prompt + read) // 2])


cache_sizes = [_sizes_step_by_step, _sizes_by_formula]


def _attend_loop(q, k, v, past_k, past_v):
    keys, values = past_k, past_v
    found = torch.zeros(q.shape)
    for i in range(q.shape[1]):  # one token at a time needs no mask
        keys, values = torch.cat([keys, k[:, i : i + 1]], 1), torch.cat([values, v[:, i : i + 1]], 1)
        for h in range(len(q)):
            group = h * len(k) // len(q)
            found[h, i] = (keys[group] @ q[h, i] / math.sqrt(q.shape[-1])).softmax(0) @ values[group]
    return [found, keys, values]


def _attend_fused(q, k, v, past_k, past_v):
    k, v = torch.cat([past_k, k], -2), torch.cat([past_v, v], -2)
    mask = torch.ones(q.shape[-2], k.shape[-2]).tril(k.shape[-2] - q.shape[-2]).bool()
    return F.scaled_dot_product_attention(q[None], k[None], v[None], attn_mask=mask, enable_gqa=True)[0], k, v


def _attend_by_groups(q, k, v, past_k, past_v):
    k, v = torch.hstack([past_k, k]), torch.hstack([past_v, v])
    groups = q.unflatten(0, (len(k), -1))  # (G, H / G, T, d_head)
    scores = torch.einsum("ghtd,gsd->ghts", groups, k) * q.shape[-1] ** -0.5
    future = torch.ones(q.shape[1], k.shape[1], dtype=torch.bool).triu(1 + k.shape[1] - q.shape[1])
    return torch.einsum("ghts,gsd->ghtd", (scores + torch.where(future, -torch.inf, 0.0)).softmax(-1), v).flatten(0, 1), k, v


attend_with_cache = [_attend_loop, _attend_fused, _attend_by_groups]


def _beam_sorted(beams, totals, logs, width, end, alpha):
    every = [
        (total + log, [*beam, token])
        for beam, total, row in zip(beams, totals, logs.tolist(), strict=True)
        for token, log in enumerate(row)
    ]
    best = sorted(every, key=lambda pair: -pair[0])[: 2 * width]
    finished = [(text, total / len(text) ** alpha) for total, text in best[:width] if text[-1] == end]
    going = [pair for pair in best if pair[1][-1] != end][:width]
    return [text for _, text in going], [total for total, _ in going], finished


def _beam_apart(beams, totals, logs, width, end, alpha):
    """The ends on one side, the continuations on the other: an end counts if fewer than `width` of all sums exceed it."""
    sums = logs + torch.tensor(totals).unsqueeze(1)
    ends = sums[:, end]
    finished = []
    for i in ends.argsort(descending=True).tolist():
        if (sums > ends[i]).sum() < width:
            text = beams[i] + [end]
            finished.append([text, ends[i] / len(text) ** alpha])
    others = sums.index_fill(1, torch.tensor([end]), -torch.inf)
    best = others.flatten().topk(min(width, int(others.isfinite().sum())))
    texts = [beams[place // logs.shape[1]] + [place % logs.shape[1]] for place in best.indices.tolist()]
    return texts, best.values.tolist(), finished


class _Scores:
    """A reader that has one table of logarithms to give."""

    def __init__(self, logs: Tensor) -> None:
        self.logs = logs

    def read(self, tokens: Tensor) -> Tensor:
        return self.logs


def _beam_of_the_library(beams, totals, logs, width, end, alpha):
    search = decoding.beam._Search(width, len(beams[0]) + 99, end, alpha, list(beams), list(totals))
    search.extend(_Scores(logs).read(torch.zeros(1)))
    by_rank = sorted(search.finished, key=lambda found: -found.score * len(found.tokens) ** alpha)
    return search.beams, search.totals, [(found.tokens, found.score) for found in by_rank]


beam_step = [_beam_sorted, _beam_apart, _beam_of_the_library]
