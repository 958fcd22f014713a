"""Right answers to the exercises on BERT, written in other ways than the reference."""

import itertools
import math

import torch
import torch.nn.functional as F
from torch.nn.utils.rnn import pad_sequence

from d2lmini.objectives import pairs as library
from d2lmini.objectives.masking import whole_words


def _pairs_of_the_library(pairs, cls, sep, pad, max_len):
    rows = [library.join_pair(a, b, cls, sep, max_len) for a, b in pairs]
    tokens, segments = (pad_sequence([torch.tensor(row[i]) for row in rows], True, fill) for i, fill in ((0, pad), (1, 0)))
    return tokens, segments, tokens != pad


def _pairs_by_formula(pairs, cls, sep, pad, max_len):
    """How long each text may be, found without a loop."""
    cut = []
    for a, b in pairs:
        room = max_len - 3
        n = min(len(a), max(room - len(b), (room + 1) // 2))
        m = min(len(b), room - n)
        cut.append((a[:n], b[:m]))
    T = max(len(a) + len(b) + 3 for a, b in cut)
    tokens = torch.full((len(pairs), T), pad)
    segments, seen = torch.zeros_like(tokens), torch.zeros(len(pairs), T, dtype=torch.bool)
    for i, (a, b) in enumerate(cut):
        n, end = len(a) + 2, len(a) + len(b) + 3
        tokens[i, :end] = torch.tensor([cls, *a, sep, *b, sep])
        segments[i, n:end] = 1
        seen[i, :end] = True
    return [tokens, segments, seen]


pair_batch = [_pairs_of_the_library, _pairs_by_formula]


def _hide_loop(tokens, special, mask_id, dice, fates, draws):
    inputs, targets = tokens.clone(), torch.full_like(tokens, -100)
    for i, row in enumerate(tokens.tolist()):
        words = [place for place, token in enumerate(row) if token not in special]
        n = max(1, len(words) * 15 // 100)
        for place in sorted(words, key=lambda place, i=i: float(dice[i, place]))[:n]:
            targets[i, place] = row[place]
            if fates[i, place] < 0.8:
                inputs[i, place] = mask_id
            elif fates[i, place] < 0.9:
                inputs[i, place] = draws[i, place]
    return inputs, targets


def _hide_by_threshold(tokens, special, mask_id, dice, fates, draws):
    signs = (tokens[..., None] == torch.tensor(special)).any(-1)
    dice = dice.where(~signs, torch.inf)
    n = (0.15 * (~signs).sum(1) + 1e-6).floor().long().clamp(min=1)
    limit = dice.sort(1).values.gather(1, n[:, None] - 1)
    chosen = (dice <= limit) & ~signs
    tenth = (fates * 10).floor()
    read = torch.where(tenth == 8, draws, torch.where(tenth == 9, tokens, mask_id))
    return torch.where(chosen, read, tokens), torch.where(chosen, tokens, -100)


hide_tokens = [_hide_loop, _hide_by_threshold]


def _words_by_number(pieces, dice, budget):
    number = whole_words(pieces)
    groups = [[place for place, _ in group] for _, group in itertools.groupby(enumerate(number), key=lambda pair: pair[1])]
    groups = [places for places in groups if not pieces[places[0]].startswith("[")]
    inputs, left = pieces.copy(), budget
    while fitting := [places for places in groups if len(places) <= left]:
        word = min(fitting, key=lambda places: dice[places[0]])
        for place in word:
            inputs[place] = "[MASK]"
        left -= len(word)
        groups.remove(word)
    return inputs, [place for place, piece in enumerate(inputs) if piece == "[MASK]"]


def _words_from_their_heads(pieces, dice, budget):
    heads = [i for i, piece in enumerate(pieces) if piece[:2] != "##" and piece not in ("[CLS]", "[SEP]", "[PAD]")]
    hidden = set()
    for head in sorted(heads, key=dice.__getitem__):
        end = head + 1
        while end < len(pieces) and pieces[end].startswith("##"):
            end += 1
        if len(hidden) + end - head <= budget:
            hidden |= set(range(head, end))
    return [("[MASK]" if i in hidden else piece) for i, piece in enumerate(pieces)], sorted(hidden)


hidden_words = [_words_by_number, _words_from_their_heads]


def _counts_by_fate(B, T, percent, V, k):
    words = B * (T - 3)
    fates = {"out": 100 - percent, "mask": 0.8 * percent, "draw": 0.1 * percent, "kept": 0.1 * percent}
    number = {fate: words * share / 100 for fate, share in fates.items()}
    chosen = number["mask"] + number["draw"] + number["kept"]
    intact = number["out"] + number["kept"]
    return [chosen, number["mask"], intact, 100 * number["kept"] / intact, math.exp(k * math.log1p(-percent / 100)), chosen * V]


def _counts_rounded(B, T, percent, V, k):
    n = B * (T - 3) * percent // 100
    share = round(10 * percent / (100 - 0.9 * percent), 2)
    return [n, n * 8 // 10, B * (T - 3) - n * 9 // 10, share, round((1 - percent / 100) ** k, 2), n * V]


masking_counts = [_counts_by_fate, _counts_rounded]


def _spans_loop(starts, ends, allowed, longest):
    found = []
    for start, end, inside in zip(starts.tolist(), ends.tolist(), allowed.tolist(), strict=True):
        best, span = start[0] + end[0], (0, 0)
        for i, j in itertools.product(range(len(start)), repeat=2):
            if i <= j < i + longest and inside[i] and inside[j] and start[i] + end[j] > best:
                best, span = start[i] + end[j], (i, j)
        found.append(span)
    return torch.tensor(found)


def _spans_by_length(starts, ends, allowed, longest):
    """One length at a time: the end is a fixed number of places after the start."""
    T = starts.shape[1]
    starts, ends = starts.double(), ends.double()
    best, spans = starts[:, 0] + ends[:, 0], torch.zeros(len(starts), 2, dtype=torch.long)
    for n in range(min(longest, T)):
        totals = (starts[:, : T - n] + ends[:, n:]).masked_fill(~(allowed[:, : T - n] & allowed[:, n:]), -torch.inf)
        total, start = totals.max(1)
        better = total > best
        best = torch.where(better, total, best)
        spans[better] = torch.stack([start, start + n], dim=1)[better]
    return spans


def _spans_with_bands(starts, ends, allowed, longest):
    closed = torch.where(allowed, 0.0, -torch.inf)
    band = torch.ones(starts.shape[1], starts.shape[1]).triu().tril(longest - 1)
    totals = (starts + closed).unsqueeze(2) + (ends + closed).unsqueeze(1) + band.log()
    value, place = totals.flatten(1).max(1)
    spans = torch.stack(torch.unravel_index(place, band.shape), -1)
    return spans * (value > starts[:, 0] + ends[:, 0])[:, None]


answer_spans = [_spans_loop, _spans_by_length, _spans_with_bands]


def _similarity_loop(vectors, real):
    means = torch.stack([rows[kept].mean(0) for rows, kept in zip(vectors, real, strict=True)])
    cosines = [[float(a @ b / (a.norm() * b.norm())) for b in means] for a in means]
    nearest = [max((j for j in range(len(means)) if j != i), key=row.__getitem__) for i, row in enumerate(cosines)]
    return means, torch.tensor(cosines), torch.tensor(nearest)


def _similarity_of_torch(vectors, real):
    weights = real.float() / real.float().sum(1, keepdim=True)
    means = torch.einsum("btd,bt->bd", vectors, weights)
    alike = F.cosine_similarity(means[:, None], means[None], dim=-1)
    return [means, alike, (alike - 9 * torch.eye(len(means))).argmax(-1)]


text_similarity = [_similarity_loop, _similarity_of_torch]
