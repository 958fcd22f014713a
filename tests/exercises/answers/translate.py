"""Right answers to the exercises on translation, written in other ways than the reference."""

import math
from collections import Counter
from itertools import pairwise

import torch
import torch.nn.functional as F


def _origins_loop(weights):
    H, T, S = weights.shape
    found = []
    for i in range(T - 1):
        mean = [sum(weights[h, i, j].item() for h in range(H)) / H for j in range(S - 1)]
        found.append(mean.index(max(mean)))
    return torch.tensor(found)


word_origins = [
    _origins_loop,
    lambda weights: weights[:, :-1, :-1].sum(dim=0).max(dim=1).indices,
    lambda weights: torch.einsum("hts->ts", weights)[: weights.shape[1] - 1].narrow(1, 0, weights.shape[2] - 1).argsort(1)[:, -1],
]


def _hand_loop(written, reference):
    a, b = written.split(), reference.split()

    def common(a, b):
        left, found = list(b), 0
        for item in a:
            if item in left:
                left.remove(item)
                found += 1
        return found

    words, pairs = common(a, b), common(list(pairwise(a)), list(pairwise(b)))
    penalty = math.exp(1 - len(b) / len(a))
    first, second = (100 * math.sqrt(words / n * (pairs / (n - 1))) for n in (len(a), len(b)))
    return [words, pairs, penalty, penalty * first, second]


def _hand_count(written, reference):
    a, b = written.split(), reference.split()
    words = sum(min(a.count(w), b.count(w)) for w in {*a})
    two = [[f"{x} {y}" for x, y in pairwise(t)] for t in (a, b)]
    pairs = sum(min(two[0].count(w), two[1].count(w)) for w in {*two[0]})
    c, r = len(a), len(b)
    marks = [100 * math.exp(0.5 * (math.log(words / n) + math.log(pairs / (n - 1)))) for n in (c, r)]
    return torch.tensor([words, pairs, math.e ** (1 - r / c), math.e ** (1 - r / c) * marks[0], marks[1]])


bleu_by_hand = [_hand_loop, _hand_count]


def _split_loop(pairs, combination):
    lessons, held = [], []
    for source, target in pairs:
        (held if all(word in source.split() for word in combination) else lessons).append((source, target))
    english = {word for source, _ in lessons for word in source.split()}
    french = {word for _, target in lessons for word in target.split()}
    exam = [(s, t) for s, t in held if not set(s.split()) - english and not set(t.split()) - french]
    return lessons, list(dict.fromkeys(exam))


def _split_padded(pairs, combination):
    held = [all(f" {word} " in f" {source} " for word in combination) for source, _ in pairs]
    lessons = [pair for pair, new in zip(pairs, held, strict=True) if not new]
    columns = [" ".join(texts).split() for texts in zip(*lessons, strict=True)]
    exam = []
    for i, pair in enumerate(pairs):
        known = all(word in column for text, column in zip(pair, columns, strict=True) for word in text.split())
        if held[i] and known and pairs.index(pair) == i:
            exam.append(list(pair))
    return [lessons, exam]


compositional_split = [_split_loop, _split_padded]


def _smooth_loop(scores, guess, pad, epsilon):
    V, losses = scores.shape[-1], []
    for row, ids in zip(scores, guess.tolist(), strict=True):
        for s, right in zip(row, ids, strict=True):
            if right != pad:
                logs = (s - s.logsumexp(0)).tolist()
                others = sum(logs[k] for k in range(V) if k not in (right, pad))
                losses.append(-(1 - epsilon) * logs[right] - epsilon / (V - 2) * others)
    return sum(losses) / len(losses)


def _smooth_sums(scores, guess, pad, epsilon):
    real = guess != pad
    logs, right = scores[real].log_softmax(-1), guess[real]
    hit = logs[range(len(right)), right]
    others = logs.sum(-1) - hit - logs[:, pad]
    return -((1 - epsilon) * hit + epsilon * others / (scores.size(-1) - 2)).mean()


def _smooth_targets(scores, guess, pad, epsilon):
    V = scores.shape[-1]
    target = (1 - epsilon) * torch.eye(V)
    share = epsilon / (V - 2) * (1 - torch.eye(V))
    share[:, pad] = 0
    real = guess.flatten() != pad
    return F.cross_entropy(scores.flatten(0, 1)[real], (target + share)[guess.flatten()[real]])


smoothed_loss = [_smooth_loop, _smooth_sums, _smooth_targets]


def _bleu_logs(written, references):
    logs = 0.0
    for n in range(1, 5):
        common = total = 0
        for text, several in zip(written, references, strict=True):
            mine = Counter(tuple(text[i : i + n]) for i in range(len(text) - n + 1))
            for run, count in mine.items():
                total += count
                common += min(count, max(sum(tuple(other[i : i + n]) == run for i in range(len(other))) for other in several))
        if common == 0:
            return 0
        logs += math.log(common / total) / 4
    c = sum(len(text) for text in written)
    r = sum(sorted((abs(len(other) - len(text)), len(other)) for other in several)[0][1]
            for text, several in zip(written, references, strict=True))  # fmt: skip
    return 100 * math.exp(logs + min(0, 1 - r / c))


def _bleu_lists(written, references):
    def runs(words, n):
        return [" ".join(words[i : i + n]) for i in range(len(words) - n + 1)]

    product = 1.0
    for n in (1, 2, 3, 4):
        common = 0
        for text, several in zip(written, references, strict=True):
            mine = runs(text, n)
            common += sum(min(mine.count(run), max(runs(other, n).count(run) for other in several)) for run in set(mine))
        product *= common / max(sum(len(runs(text, n)) for text in written), 1)
    c, r = sum(map(len, written)), 0
    for text, several in zip(written, references, strict=True):
        best = None
        for other in sorted(several, key=len):
            if best is None or abs(len(other) - len(text)) < abs(best - len(text)):
                best = len(other)
        r += best
    return 100.0 * product**0.25 * (1 if c >= r else math.exp(1 - r / c))


corpus_bleu = [_bleu_logs, _bleu_lists]


def _one_by_one(model, source, start, end, pad, n_token):
    answers = []
    for row in source:
        real = row[row != pad][None]
        ids = []
        while len(ids) < n_token:
            token = model(real, torch.tensor([[start, *ids]]), torch.ones(1, 1, real.shape[1], dtype=torch.bool))[0, -1].argmax().item()
            if token == end:
                break
            ids.append(token)
        answers.append(ids)
    return answers


def _with_padding(model, source, start, end, pad, n_token):
    mask = source.ne(pad).unsqueeze(1).expand(-1, 1, -1)
    written, done = torch.full((source.size(0), 1), start), torch.zeros(source.size(0), dtype=torch.bool)
    for _ in range(n_token):
        if done.all():
            break
        token = model(source, written, mask)[:, -1, :].argmax(dim=1).masked_fill(done, pad)
        done = done | (token == end)
        written = torch.cat((written, token.unsqueeze(1)), dim=1)
    return [[i for i in row[1:].tolist() if i not in (pad, end)] for row in written]


def _only_the_unfinished(model, source, start, end, pad, n_token):
    answers = [[] for _ in source]
    active = list(range(len(source)))
    for _ in range(n_token):
        read = torch.tensor([[start, *answers[b]] for b in active])
        tokens = model(source[active], read, (source[active] != pad)[:, None, :])[:, -1].argmax(-1).tolist()
        for b, token in zip(list(active), tokens, strict=True):
            if token == end:
                active.remove(b)
            else:
                answers[b].append(token)
        if not active:
            break
    return answers


greedy_batch = [_one_by_one, _with_padding, _only_the_unfinished]
