"""Right answers to the exercises on the whole Transformer, written in other ways than the reference."""

import itertools
import math

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pad_sequence


def _embed_loop(tokens, table, waves):
    d = table.shape[1]
    return torch.stack([torch.stack([table[i] * math.sqrt(d) + waves[place] for place, i in enumerate(row)]) for row in tokens.tolist()])


embed_tokens = [
    _embed_loop,
    lambda tokens, table, waves: F.embedding(tokens, table) * table.size(1) ** 0.5 + waves[: tokens.size(1)].unsqueeze(0),
    lambda tokens, table, waves: (
        F.one_hot(tokens, len(table)).float() @ (table * table.shape[1] ** 0.5) + waves[torch.arange(tokens.shape[1])]
    ),
]


def _forcing_filled(answers, start, end, pad):
    T = 1 + max(len(row) for row in answers)
    read = torch.full((len(answers), T), pad)
    guess = torch.full((len(answers), T), pad)
    read[:, 0] = start
    for i, row in enumerate(answers):
        n = len(row)
        read[i, 1 : n + 1] = torch.tensor(row)
        guess[i, :n] = torch.tensor(row)
        guess[i, n] = end
    return [read, guess]


def _forcing_shifted(answers, start, end, pad):
    guess = pad_sequence([torch.tensor([*row, end]) for row in answers], batch_first=True, padding_value=pad)
    read = guess.roll(1, dims=1)
    read[:, 0] = start
    return read.masked_fill(read == end, pad), guess


teacher_forcing = [
    _forcing_filled,
    _forcing_shifted,
    lambda answers, start, end, pad: tuple(
        torch.tensor([*itertools.zip_longest(*rows, fillvalue=pad)]).T
        for rows in ([[start, *row] for row in answers], [[*row, end] for row in answers])
    ),
]


def _masks_loop(source, target, pad):
    (B, S), T = source.shape, target.shape[1]
    own, cross = torch.zeros(B, T, T, dtype=torch.bool), torch.zeros(B, 1, S, dtype=torch.bool)
    for b in range(B):
        for i, j in itertools.product(range(T), range(T)):
            own[b, i, j] = j <= i and target[b, j] != pad
        for j in range(S):
            cross[b, 0, j] = source[b, j] != pad
    return own, cross


def _masks_blocked(source, target, pad):
    T = target.size(1)
    blocked = torch.triu(torch.ones(T, T), diagonal=1).bool() | target.eq(pad).unsqueeze(1)
    return ~blocked, source.ne(pad).unsqueeze(1)


decoder_masks = [
    _masks_loop,
    _masks_blocked,
    lambda source, target, pad: [
        (torch.arange(target.shape[1])[:, None] >= torch.arange(target.shape[1])) * (target != pad)[:, None, :],
        ~(source == pad)[:, None, :],
    ],
]


def _loss_loop(scores, guess, pad):
    surprises = [s.logsumexp(0) - s[g] for row, ids in zip(scores, guess, strict=True) for s, g in zip(row, ids, strict=True) if g != pad]
    return float(sum(surprises)) / len(surprises)


def _loss_one_hot(scores, guess, pad):
    shifted = scores - scores.max(dim=-1, keepdim=True).values
    logs = shifted - shifted.exp().sum(-1, keepdim=True).log()
    real = (guess != pad).float()
    return -((logs * F.one_hot(guess, scores.shape[-1])).sum(-1) * real).sum() / real.sum()


padded_loss = [
    _loss_loop,
    _loss_one_hot,
    lambda scores, guess, pad: F.cross_entropy(scores.flatten(0, 1), guess.flatten(), ignore_index=pad),
    lambda scores, guess, pad: nn.CrossEntropyLoss(ignore_index=pad)(scores.transpose(1, 2), guess),
    lambda scores, guess, pad: F.nll_loss(scores[guess != pad].log_softmax(1), guess[guess != pad]),
]


def _greedy_while(decode, start, end, n_token):
    written = torch.tensor([start])
    while len(written) <= n_token:
        token = decode(written)[-1].argmax(dim=-1, keepdim=True)
        if token == end:
            break
        written = torch.cat([written, token])
    return written[1:]


def _greedy_then_cut(decode, start, end, n_token):
    ids = [start]
    for _ in range(n_token):
        ids.append(decode(torch.tensor(ids)).argmax(dim=1)[-1].item())
    ids = ids[1:]
    return ids[: ids.index(end)] if end in ids else ids


greedy_decoding = [_greedy_while, _greedy_then_cut]


def _count_modules(N, H, d, d_ff, V):
    def count(*modules):
        return sum(p.numel() for module in modules for p in module.parameters())

    attention = nn.MultiheadAttention(d, H)
    network = nn.Sequential(nn.Linear(d, d_ff), nn.ReLU(), nn.Linear(d_ff, d))
    reader, writer = nn.TransformerEncoderLayer(d, H, d_ff), nn.TransformerDecoderLayer(d, H, d_ff)
    stacks = [N * count(reader), N * count(writer)]
    return [count(attention), count(network), *stacks, sum(stacks) + count(nn.Linear(d, V))]


def _count_formulas(N, H, d, d_ff, V):
    attention, network = 4 * d * (d + 1), 2 * d * d_ff + d_ff + d
    encoder, decoder = N * (attention + network + 4 * d), N * (2 * attention + network + 6 * d)
    return torch.tensor([attention, network, encoder, decoder, encoder + decoder + (d + 1) * V])


transformer_parameters = [_count_modules, _count_formulas]

warmup_rates = [
    lambda n_step, d_model, warmup: [
        (s / warmup if s < warmup else (warmup / s) ** 0.5) / math.sqrt(d_model * warmup) for s in range(1, n_step + 1)
    ],
    lambda n_step, d_model, warmup: (
        torch.minimum(torch.arange(1, n_step + 1) ** -0.5, torch.arange(1, n_step + 1) * warmup**-1.5) / d_model**0.5
    ),
]
