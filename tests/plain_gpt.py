"""A GPT-2 written the plain way, each product spelled out: a peer for speed, and nothing else."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from d2lmini.models.gpt import GPTConfig


class PlainGPT(nn.Module):
    """The same sizes and operations as `GPT`, q, k and v in one map, attention by its formula."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.words = nn.Embedding(config.vocab_size, config.d_model)
        self.places = nn.Embedding(config.n_position, config.d_model)
        self.layers = nn.ModuleList(PlainLayer(config) for _ in range(config.n_layer))
        self.norm = nn.LayerNorm(config.d_model)
        self.apply(lambda m: nn.init.normal_(m.weight, std=0.02) if isinstance(m, nn.Embedding) else None)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.words(tokens) + self.places(torch.arange(tokens.shape[1]))
        for layer in self.layers:
            x = layer(x)
        return self.norm(x) @ self.words.weight.T


class PlainLayer(nn.Module):
    """One layer."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        d = config.d_model
        self.n_head = config.n_head
        self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.wide, self.narrow = nn.Linear(d, config.d_ff), nn.Linear(config.d_ff, d)
        self.register_buffer("past", torch.ones(config.n_position, config.n_position).tril())

    def forward(self, x: Tensor) -> Tensor:
        b, t, d = x.shape
        q, k, v = (y.view(b, t, self.n_head, -1).transpose(1, 2) for y in self.qkv(self.norm1(x)).chunk(3, dim=-1))
        scores = q @ k.transpose(-2, -1) / (d // self.n_head) ** 0.5
        weights = scores.masked_fill(self.past[:t, :t] == 0, -torch.inf).softmax(dim=-1)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(b, t, d))
        return x + self.narrow(F.gelu(self.wide(self.norm2(x)), approximate="tanh"))
