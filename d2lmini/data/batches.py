"""Rows of unequal lengths made into one tensor, and batches whose rows are nearly as long, so that little is padding."""

from collections.abc import Sequence

import torch
from jaxtyping import Int
from torch import Tensor


def pad(rows: Sequence[Sequence[int]], value: int = 0) -> Int[Tensor, "B T"]:
    """The rows as one tensor, T being the longest; `value` fills the others to their end.

    Raises `ValueError` without rows.

    >>> pad([[5, 6, 7], [8]])
    tensor([[5, 6, 7],
            [8, 0, 0]])
    """
    if not rows:
        raise ValueError("rows=[] must hold at least one row; give pad the token ids of one text or more.")
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[value] * (longest - len(row))] for row in rows], dtype=torch.long)


def by_length(lengths: Sequence[int] | Sequence[tuple[int, ...]], size: int, generator: torch.Generator) -> list[list[int]]:
    """Batches of `size` positions whose lengths are near, in a random order; each position is in one batch, the last is what is left.

    Rows of equal length meet others at every call. A length may also be a pair (source, target): rows are then put in
    order by the first, then by the second. Raises `ValueError` when `size` is not positive.

    >>> by_length([3, 9, 3, 8, 2], 2, torch.Generator().manual_seed(0))
    [[2, 3], [1], [4, 0]]
    """
    if size < 1:
        raise ValueError(f"size={size} must be at least 1 row a batch; try size=64.")
    shuffled = torch.randperm(len(lengths), generator=generator).tolist()
    ordered = sorted(shuffled, key=lambda i: lengths[i])
    batches = [ordered[start : start + size] for start in range(0, len(ordered), size)]
    return [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]
