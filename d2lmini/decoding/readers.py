"""Readers: what B texts hold so far, and the scores of what comes next."""

from collections.abc import Callable
from typing import Protocol

import torch
from jaxtyping import Float, Int
from torch import Tensor

from d2lmini.cache import Cache

Scores = Float[Tensor, "B V"]


class Reader(Protocol):
    """Reads B texts side by side."""

    def read(self, tokens: Int[Tensor, "B T"]) -> Scores:
        """Read T more tokens of each text; the scores (logits) of the token after them."""

    def keep(self, rows: Int[Tensor, " N"]) -> None:
        """Go on with these texts only, in this order; one may come several times."""


class Rereading:
    """Reads each text from its beginning at every token: slow, and right for any function of tokens.

    `decode(tokens, *context)` gives scores (B, T, V); the context has one row a text too: what an encoder has read, its mask.
    """

    def __init__(self, decode: Callable[..., Tensor], *context: Tensor | None) -> None:
        self.decode, self.context = decode, context
        self.tokens: Tensor | None = None

    @torch.inference_mode()
    def read(self, tokens: Int[Tensor, "B T"]) -> Scores:
        """Read everything again, with T more tokens of each text."""
        self.tokens = tokens if self.tokens is None else torch.cat([self.tokens, tokens], dim=-1)
        return self.decode(self.tokens, *self.context)[:, -1]

    @torch.inference_mode()
    def keep(self, rows: Int[Tensor, " N"]) -> None:
        """Go on with these texts only."""
        self.tokens = None if self.tokens is None else self.tokens[rows]
        self.context = _rows(self.context, rows)


class Cached:
    """Reads new tokens only: `decode(tokens, *context, cache=…)` finds the keys and values of the earlier ones in a `Cache`."""

    def __init__(self, decode: Callable[..., Tensor], *context: Tensor | None) -> None:
        self.decode, self.context, self.cache = decode, context, Cache()

    @torch.inference_mode()
    def read(self, tokens: Int[Tensor, "B T"]) -> Scores:
        """Read T new tokens of each text."""
        return self.decode(tokens, *self.context, cache=self.cache)[:, -1]

    @torch.inference_mode()
    def keep(self, rows: Int[Tensor, " N"]) -> None:
        """Go on with these texts only."""
        self.cache.keep(rows)
        self.context = _rows(self.context, rows)


def _rows(context: tuple[Tensor | None, ...], rows: Tensor) -> tuple[Tensor | None, ...]:
    return tuple(None if x is None else x[rows] for x in context)
