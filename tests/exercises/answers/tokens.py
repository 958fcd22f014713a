"""Right answers to the exercises on tokens, written in other ways than the reference."""

import codecs
import functools
import itertools
import math
import re
from collections import defaultdict

import torch
import torch.nn.functional as F
from torch import nn

from d2lmini.tokenizers import BPE, WordPiece
from d2lmini.tokenizers.lattice import best_cut as library_cut


def _merge_by_stack(tokens, pair, new):
    result = []
    free = False  # whether the last item is a token of the word, not a merge
    for token in tokens:
        if free and result[-1] == pair[0] and token == pair[1]:
            result[-1], free = new, False
        else:
            result.append(token)
            free = True
    return result


def _merge_in_place(tokens, pair, new):
    tokens, i = list(tokens), 0
    while i + 1 < len(tokens):
        if tokens[i] == pair[0] and tokens[i + 1] == pair[1]:
            tokens[i : i + 2] = [new]
        i += 1
    return tokens


def _merge_as_text(tokens, pair, new):
    text = "".join(map(chr, tokens)).replace(chr(pair[0]) + chr(pair[1]), chr(new))
    return torch.tensor([ord(character) for character in text])


merge_pair = [_merge_by_stack, _merge_in_place, _merge_as_text]


def _cuts_by_library(merges, words):
    letters = sorted({*"".join(words), *"".join(map("".join, merges))})
    tokens = (*letters, *("".join(pair) for pair in merges))
    bpe = BPE(tokens=tokens, merges=tuple(merges))
    continued = tuple("##" + token for token in tokens)
    pieces = WordPiece(tokens=("[UNK]", *tokens, *continued), unknown="[UNK]").split(words[0])
    return [*(" ".join(bpe.split(word)) for word in words), " ".join(piece.removeprefix("##") for piece in pieces)]


def _cuts_by_text(merges, words):
    cuts = []
    for word in words:
        cut = " ".join(word)
        for left, right in merges:
            cut = re.sub(rf"(?<!\S){left} {right}(?!\S)", left + right, cut)
        cuts.append(cut)
    longest = "|".join(sorted(map("".join, merges), key=len, reverse=True))
    return [*cuts, " ".join(re.findall(f"{longest}|.", words[0]))]


cuts_by_hand = [_cuts_by_library, _cuts_by_text]


def _learn_on_text(words, n_merge):
    text = {tuple(word.encode()): 0 for word in words}
    for word, count in words.items():
        text[tuple(word.encode())] += count
    merges = []
    while len(merges) < n_merge:
        counts = defaultdict(int)
        for tokens, count in text.items():
            for i in range(len(tokens) - 1):
                counts[tokens[i], tokens[i + 1]] += count
        if not counts:
            return merges
        most = max(counts.values())
        merges.append(min(pair for pair, count in counts.items() if count == most))
        text = {tuple(_merge_in_place(tokens, merges[-1], 255 + len(merges))): count for tokens, count in text.items()}
    return merges


def _learn_on_tables(words, n_merge):
    rows = [torch.tensor([*word.encode()]) for word in words]
    merges = []
    for new in range(256, 256 + n_merge):
        width = 512  # more than there are tokens
        seen = torch.zeros(width * width, dtype=torch.long)
        for row, count in zip(rows, words.values(), strict=True):
            seen.index_add_(0, row[:-1] * width + row[1:], torch.full((len(row) - 1,), count))
        if not seen.any():
            break
        best = int((seen == seen.max()).nonzero()[0])
        merges.append([best // width, best % width])
        rows = [_merge_as_text(row.tolist(), merges[-1], new) for row in rows]
    return merges


learn_bpe = [_learn_on_text, _learn_on_tables]


def _costs_counted(V, n_special, d, n_word, n_token, n_distinct, percent):
    read, write = nn.Embedding(V, d, device="meta"), nn.Linear(d, V, bias=False, device="meta")
    apart = sum(p.numel() for p in nn.ModuleList([read, write]).parameters())
    write.weight = read.weight
    tied = sum(p.numel() for p in nn.ModuleList([read, write]).parameters())
    table = torch.zeros(V, d, requires_grad=True)
    ids = torch.arange(n_distinct).repeat(2)[:n_token]
    F.embedding(ids, table).sum().backward()
    longer = n_token * (100 + percent)
    return [
        len(range(256, V - n_special)), sum([1 / n_word] * n_token), longer**2 / (100 * n_token) ** 2, apart, tied,
        table.numel() * len(ids), int((table.grad != 0).sum()),
    ]  # fmt: skip


def _costs_rounded(V, n_special, d, n_word, n_token, n_distinct, percent):
    r = 1 + percent / 100
    return (V - (256 + n_special), round(n_token / n_word, 2), round(r * r, 2), V * d + V * d, V * d, d * V * n_token, d * n_distinct)


vocabulary_costs = [_costs_counted, _costs_rounded]


def _stream_by_codec(tokens):
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    texts = [decoder.decode(bytes(token)) for token in tokens]
    rest = decoder.decode(b"", final=True)
    return [*texts, rest] if rest else texts


def _stream_by_first_byte(tokens):
    texts, waiting = [], []
    for token in tokens:
        text = ""
        for byte in token:
            waiting.append(byte)
            size = 1 if waiting[0] < 128 else 2 if waiting[0] < 224 else 3 if waiting[0] < 240 else 4
            if len(waiting) == size:
                text += bytes(waiting).decode()
                waiting = []
        texts.append(text)
    return texts + ["�"] * (len(waiting) > 0)


def _stream_by_prefixes(tokens):
    every = [bytes(itertools.chain(*tokens[:n])) for n in range(len(tokens) + 1)]
    shown = [text.decode("utf-8", "ignore") for text in every]
    texts = [after[len(before) :] for before, after in itertools.pairwise(shown)]
    return texts if shown[-1].encode() == every[-1] else [*texts, "\ufffd"]


stream_text = [_stream_by_codec, _stream_by_first_byte, _stream_by_prefixes]


def _cut_recursively(word, scores):
    @functools.cache
    def of(start):
        if start == len(word):
            return 0.0, ()
        found = [
            (scores[word[start:end]] + of(end)[0], (word[start:end], *of(end)[1]))
            for end in range(start + 1, len(word) + 1)
            if word[start:end] in scores
        ]
        return max(found, default=(-math.inf, ()))

    total, cut = of(0)
    return list(cut) if total > -math.inf else []


def _cut_walking_back(word, scores):
    n = len(word)
    best, came = {0: 0.0}, {}
    for start in range(n):
        if start in best:
            for end in range(start + 1, n + 1):
                total = best[start] + scores.get(word[start:end], -math.inf)
                if total > best.get(end, -math.inf):
                    best[end], came[end] = total, start
    cut, end = [], n
    while end and n in best:
        cut.insert(0, word[came[end] : end])
        end = came[end]
    return cut


best_cut = [
    _cut_recursively,
    _cut_walking_back,
    lambda word, scores: tuple(word[start:end] for start, end in library_cut(word, scores, len(word))),
]
