"""Writing, one token after another: streamed, many texts at once."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from d2lmini.decoding.choices import Choice, greedy
from d2lmini.decoding.readers import Reader


def stream(
    reader: Reader, prompt: Any, *, choose: Choice | None = None, max_new: int, end: int | None = None
) -> Iterator[list[int | None]]:
    """Write B texts at once and yield, at each step, the token that each has just received: None when it waits or is over.

    `prompt` has one row a text, a tensor (B, T) or lists of any lengths ≥ 1: the shortest is read at once, and a longer one
    goes on being read, token by token, while the others write; so no padding is needed. A text is over after `max_new`
    tokens of its own, or the token `end`.
    """
    choose = choose or greedy()
    prompts = as_prompts(prompt, max_new)
    shortest = min(map(len, prompts))
    texts = [row[:shortest] for row in prompts]
    writing = list(range(len(texts)))  # the texts that the reader holds, in its order
    tokens = torch.tensor(texts)
    while writing:
        with torch.inference_mode():
            chosen = choose(reader.read(tokens), [texts[i] for i in writing]).tolist()
        step: list[int | None] = [None] * len(texts)
        for i, token in zip(writing, chosen, strict=True):
            n, given = len(texts[i]), prompts[i]
            texts[i].append(given[n] if n < len(given) else token)
            if n >= len(given):
                step[i] = token
        yield step
        left = [i for i in writing if not (step[i] is not None and (step[i] == end or len(texts[i]) == len(prompts[i]) + max_new))]
        if 0 < len(left) < len(writing):
            reader.keep(torch.tensor([writing.index(i) for i in left]))
        writing = left
        tokens = torch.tensor([texts[i][-1:] for i in writing])


def generate(reader: Reader, prompt: Any, *, choose: Choice | None = None, max_new: int, end: int | None = None) -> list[list[int]]:
    """What `stream` writes, one list a text: without the prompt, with the token `end` where it came.

    >>> from d2lmini.decoding import Rereading
    >>> count = Rereading(lambda tokens: torch.eye(5)[(tokens + 1) % 5])  # after 2 comes 3
    >>> generate(count, [[2], [0, 1, 2]], max_new=4, end=4)
    [[3, 4], [3, 4]]
    """
    texts: list[list[int]] = [[] for _ in prompt]
    for step in stream(reader, prompt, choose=choose, max_new=max_new, end=end):
        for text, token in zip(texts, step, strict=True):
            text += [] if token is None else [token]
    return texts


def as_prompts(prompt: Any, max_new: int) -> list[list[int]]:
    """The prompt as lists, one a text, none of them empty."""
    rows: list[list[int]] = prompt.tolist() if isinstance(prompt, Tensor) else [list(row) for row in prompt]
    if max_new < 1:
        raise ValueError(f"max_new={max_new} must be at least 1, or nothing is written; try max_new=20.")
    if not rows or not all(rows):
        raise ValueError(f"prompt={rows} must hold at least one token a text; give the start token.")
    return rows
