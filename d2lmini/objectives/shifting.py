"""Predicting the next token: inputs and targets one place apart (GPT), and a prefix that is read without being predicted (T5)."""

from collections.abc import Sequence
from typing import NamedTuple

from jaxtyping import Int
from torch import Tensor

from d2lmini.masks import padding
from d2lmini.objectives.ignore import IGNORE


def next_token(
    tokens: Int[Tensor, "B T"], lengths: Int[Tensor, " B"] | None = None
) -> tuple[Int[Tensor, "B T_less_1"], Int[Tensor, "B T_less_1"]]:
    """The row without its last token, and the row without its first: place t reads x_t and predicts x_{t+1} (Radford et al. 2018, eq. 1).

    With `lengths`, targets after the end of each text are IGNORE; the padding in the inputs is after all that counts, so
    a causal mask hides it. Raises `ValueError` on rows of one token, and on lengths beyond T.

    >>> import torch
    >>> next_token(torch.tensor([[1, 5, 6, 2], [1, 7, 2, 0]]), torch.tensor([4, 3]))
    (tensor([[1, 5, 6],
            [1, 7, 2]]), tensor([[   5,    6,    2],
            [   7,    2, -100]]))
    """
    n = tokens.shape[-1]
    if n < 2:
        raise ValueError(f"rows of T={n} tokens have no next one; give at least 2, such as those of framed.")
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    if lengths is not None:
        targets = targets.masked_fill(~padding(lengths, n)[:, 0, 1:], IGNORE)
    return inputs, targets


def framed(ids: Sequence[int], bos: int, eos: int) -> list[int]:
    """<bos> ids <eos>: the first token has something to be predicted from, and the end is predicted too.

    >>> framed([5, 6], bos=1, eos=2)
    [1, 5, 6, 2]
    """
    return [bos, *ids, eos]


class PrefixRow(NamedTuple):
    """A row of a prefix language model."""

    inputs: list[int]
    n_prefix: int  # for `masks.prefix`
    targets: list[int]


def prefix_lm(prefix: Sequence[int], rest: Sequence[int]) -> PrefixRow:
    """The two joined: all of `prefix` is seen from everywhere, only `rest` is predicted (Raffel et al. 2020, §3.2.1).

    The last token of the prefix predicts the first of the rest. Raises `ValueError` when either is empty.

    >>> prefix_lm([1, 5, 6], [7, 8, 2])
    PrefixRow(inputs=[1, 5, 6, 7, 8], n_prefix=3, targets=[-100, -100, 7, 8, 2])
    """
    if not prefix or not rest:
        raise ValueError(f"prefix has {len(prefix)} tokens and rest {len(rest)}, but both need one; frame the texts with <bos> and <eos>.")
    return PrefixRow([*prefix, *rest][:-1], len(prefix), [IGNORE] * (len(prefix) - 1) + [*rest])
