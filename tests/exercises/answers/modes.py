"""Right answers to the exercises on the three modes, written in other ways than the reference."""

import itertools
import math

import torch
import torch.nn.functional as F

from d2lmini import masks as library
from d2lmini.objectives import packing, shifting


def _predictions_one_by_one(n, percent, n_summary, n_prefix):
    def targets(prefix, rest):
        return sum(target != -100 for target in shifting.prefix_lm(prefix, rest).targets)

    text, end = list(range(n)), [n]
    hidden = sum(word < n * percent / 100 for word in text)
    decoder, passes = targets([-1], text + end), 0
    while passes * hidden < decoder:
        passes += 1
    return [hidden, targets([-1], text[:n_summary] + end), decoder, targets(text[:n_prefix], text[n_prefix:] + end), passes]


def _predictions_by_formula(n, percent, n_summary, n_prefix):
    encoder = round(n * percent / 100)
    return torch.tensor([encoder, n_summary + 1, n + 1, n - n_prefix + 1, -(-(n + 1) // encoder)])


predictions_by_mode = [_predictions_one_by_one, _predictions_by_formula]


def _reach_by_walking(masks):
    """Backward from each output, the set of the vectors that it reads in the layer below."""
    T = len(masks[0])
    found = torch.zeros(T, T, dtype=torch.bool)
    for i in range(T):
        seen = {i}
        for mask in reversed(masks):
            seen |= {j for k in seen for j in range(T) if mask[k, j]}
        found[i, list(seen)] = True
    return found


def _reach_by_gradients(masks):
    def tower(x):
        for mask in masks:
            x = x + mask.double() @ x / len(x)
        return x

    return library.influence(tower, torch.rand(len(masks[0]), 2, dtype=torch.float64))


def _reach_from_the_top(masks):
    found = torch.eye(len(masks[0]))
    for mask in reversed(masks):
        found = ((found @ mask.float() + found) > 0).float()
    return found.bool()


reach_through = [_reach_by_walking, _reach_by_gradients, _reach_from_the_top]


def _places_counted(n_source, n_target, n, width):
    causal, size = library.causal(n_target), n_source + n_target
    window, layers, seen = library.sliding_window(n, width).float(), 0, torch.eye(n)
    while not seen[-1, 0]:
        seen, layers = (window @ seen).clamp(max=1), layers + 1
    return [
        len(list(itertools.product(range(n_source), repeat=2))),
        int(causal.sum()),
        n_target * n_source,
        int(library.causal(size).sum()),
        int(library.prefix(size, n_source).sum()),
        layers,
    ]


def _places_by_formula(n_source, n_target, n, width):
    decoder, cross = n_target * (n_target + 1) // 2, n_source * n_target
    size, layers = n_source + n_target, 1 + (n - 2) // (width - 1)
    return torch.tensor([n_source**2, decoder, cross, size * (size + 1) // 2, n_source**2 + decoder + cross, layers])


places_by_mode = [_places_counted, _places_by_formula]


def _layout_loop(tokens, start, pad):
    segment, position, targets = torch.full(tokens.shape, -1), torch.zeros_like(tokens), torch.full_like(tokens, -100)
    for b, row in enumerate(tokens.tolist()):
        number, place = -1, 0
        for t, token in enumerate(row):
            if token == pad:
                break
            number, place = (number + 1, 0) if token == start else (number, place + 1)
            segment[b, t], position[b, t] = number, place
            if place:
                targets[b, t - 1] = token
    return segment, position, targets


def _layout_by_the_library(tokens, start, pad):
    """Cut each row into its texts, and pack them again: one row at a time, the first fit finds them all in order."""
    rows = []
    for row in tokens.tolist():
        texts = []
        for token in row:
            if token == start:
                texts.append([])
            if token != pad:
                texts[-1].append(token)
        rows.append(packing.pack(texts, len(row), pad))
    targets = [packing.packed_targets(packed) for packed in rows]
    return [torch.cat(tables) for tables in ([r.segment for r in rows], [r.position for r in rows], targets)]


def _layout_by_masks(tokens, start, pad):
    segment = torch.where(tokens == pad, -1, (tokens == start).cumsum(1) - 1)
    own = segment[:, :, None] == segment[:, None]
    position = torch.where(tokens == pad, 0, own.tril(-1).sum(-1))
    targets = tokens.roll(-1, 1).masked_fill(segment.roll(-1, 1) != segment, -100).masked_fill(tokens == pad, -100)
    targets[:, -1] = -100
    return segment, position, targets


packed_layout = [_layout_loop, _layout_by_the_library, _layout_by_masks]


def _middle_by_the_library(texts, holes, hole, sep, end, pad):
    rows = [shifting.prefix_lm([*text[:i], hole, *text[j:], sep], [*text[i:j], end]) for text, (i, j) in zip(texts, holes, strict=True)]
    lengths = torch.tensor([len(row.inputs) for row in rows])
    T = int(lengths.max())
    inputs, targets = (
        torch.tensor([F.pad(torch.tensor(row), (0, T - len(row)), value=value).tolist() for row in column])
        for column, value in (([row.inputs for row in rows], pad), ([row.targets for row in rows], -100))
    )
    mask = torch.stack([library.prefix(T, row.n_prefix) for row in rows]) & library.padding(lengths, T)
    return inputs, targets, mask


def _middle_by_places(texts, holes, hole, sep, end, pad):
    T = 2 + max(len(text) for text in texts)
    inputs, targets, masks = [], [], []
    for text, (i, j) in zip(texts, holes, strict=True):
        whole = [*text[:i], hole, *text[j:], sep, *text[i:j], end]
        first = whole.index(sep)
        inputs.append([whole[t] if t < len(text) + 2 else pad for t in range(T)])
        targets.append([whole[t + 1] if first <= t < len(text) + 2 else -100 for t in range(T)])
        masks.append([[s < len(text) + 2 and (s <= t or s <= first) for s in range(T)] for t in range(T)])
    return torch.tensor(inputs), torch.tensor(targets), torch.tensor(masks)


middle_last = [_middle_by_the_library, _middle_by_places]


def _hole_loop(model, tokens, place):
    V, totals = model(tokens[None]).shape[-1], []
    for word in range(V):
        text = tokens.clone()
        text[place] = word
        losses = F.cross_entropy(model(text[None])[0, :-1], text[1:], reduction="none")
        totals.append(-float(losses.double().sum()))
    weights = [math.exp(total - max(totals)) for total in totals]
    return torch.tensor(weights) / sum(weights)


def _hole_from_the_place(model, tokens, place):
    """What stands left of the hole is the same in all trials: it cancels out."""
    V = model(tokens[None]).shape[-1]
    trials = torch.stack([torch.cat([tokens[:place], torch.tensor([word]), tokens[place + 1 :]]) for word in range(V)])
    logs = torch.log_softmax(model(trials), dim=-1)
    total = logs[0, place - 1].clone()
    for t in range(place, len(tokens) - 1):
        total += logs[:, t, tokens[t + 1]]
    return (total - total.logsumexp(0)).exp()


hole_probabilities = [_hole_loop, _hole_from_the_place]
