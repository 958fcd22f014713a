"""Rows without waste: several texts packed in one, kept apart by a mask, or one long stream cut into rows."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from d2lmini.masks import block_diagonal
from d2lmini.masks import causal as causal_mask
from d2lmini.objectives.ignore import IGNORE

PADDING = -1  # the segment of what belongs to no text


class Packed(NamedTuple):
    """Texts in rows: text i is `tokens[segment == i]`."""

    tokens: Int[Tensor, "B T"]
    segment: Int[Tensor, "B T"]  # the number of the text, −1 for padding
    position: Int[Tensor, "B T"]  # within the text, from 0; 0 for padding


def pack(texts: Sequence[Sequence[int]], block_size: int, pad: int = 0) -> Packed:
    """Each text whole, in turn, in the first row that has room for it (first fit).

    Raises `ValueError` for a text longer than a row.

    >>> packed = pack([[5, 6, 7], [8, 9, 10], [11], [12]], block_size=5)
    >>> packed.tokens
    tensor([[ 5,  6,  7, 11, 12],
            [ 8,  9, 10,  0,  0]])
    >>> packed.segment
    tensor([[ 0,  0,  0,  2,  3],
            [ 1,  1,  1, -1, -1]])
    """
    room: list[int] = []
    places: list[tuple[int, slice]] = []
    for i, text in enumerate(texts):
        if len(text) > block_size:
            longest = max(map(len, texts))
            raise ValueError(
                f"text {i} has {len(text)} tokens, more than block_size={block_size}, and texts are never cut; "
                f"try block_size={longest}, or cut it with chunks."
            )
        row = next((r for r, left in enumerate(room) if len(text) <= left), len(room))
        if row == len(room):
            room.append(block_size)
        start = block_size - room[row]
        places.append((row, slice(start, start + len(text))))
        room[row] -= len(text)
    tokens, segment, position = (torch.full((len(room), block_size), value) for value in (pad, PADDING, 0))
    for i, (text, place) in enumerate(zip(texts, places, strict=True)):
        tokens[place], segment[place], position[place] = torch.tensor(text), i, torch.arange(len(text))
    return Packed(tokens, segment, position)


def packed_mask(segment: Int[Tensor, "*B T"], causal: bool) -> Bool[Tensor, "*B T T"]:
    """Each token sees its own text, its past only if `causal`; padding sees nothing and nobody sees it.

    >>> packed_mask(torch.tensor([0, 0, 1, -1]), causal=True).int()
    tensor([[1, 0, 0, 0],
            [1, 1, 0, 0],
            [0, 0, 1, 0],
            [0, 0, 0, 0]], dtype=torch.int32)
    """
    real = (segment != PADDING)[..., None]  # of the queries: the only keys that padding could see are padding too
    mask = block_diagonal(segment) & real
    return mask & causal_mask(segment.shape[-1]).to(segment.device) if causal else mask


def packed_targets(packed: Packed) -> Int[Tensor, "B T"]:
    """The next token of the same text at each place, IGNORE where a text ends: the next token of the row belongs to another.

    >>> packed_targets(pack([[5, 6, 7], [8, 9]], block_size=6))
    tensor([[   6,    7, -100,    9, -100, -100]])
    """
    targets = torch.full_like(packed.tokens, IGNORE)
    same = (packed.segment[:, 1:] == packed.segment[:, :-1]) & (packed.segment[:, 1:] != PADDING)
    targets[:, :-1] = packed.tokens[:, 1:].masked_fill(~same, IGNORE)
    return targets


def chunks(stream: Sequence[int], block_size: int) -> Int[Tensor, "B T"]:
    """One long stream of tokens cut into rows, as GPT reads its texts; what is left at the end is dropped.

    Ask for one token more than the model reads: `next_token` takes one away. Raises `ValueError` when not one row is full.

    >>> chunks(range(5, 13), block_size=3)
    tensor([[ 5,  6,  7],
            [ 8,  9, 10]])
    """
    if not 0 < block_size <= len(stream):
        raise ValueError(
            f"block_size={block_size} must lie between 1 and the {len(stream)} tokens of the stream; try block_size={max(len(stream), 1)}."
        )
    return torch.tensor(stream[: len(stream) // block_size * block_size]).view(-1, block_size)
