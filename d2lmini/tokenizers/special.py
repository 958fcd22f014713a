"""Special tokens: names that no text can write by accident, and how to find them when one asks for them."""

import re
from collections.abc import Sequence


def named(special: Sequence[str], unknown: str | None) -> tuple[str, ...]:
    """The tokens that come first in a vocabulary: the special ones, and the unknown one unless it is among them.

    >>> named(["<pad>"], "<unk>"), named(["<unk>", "<pad>"], "<unk>")
    (('<pad>', '<unk>'), ('<unk>', '<pad>'))
    """
    return (*special, *([] if unknown is None or unknown in special else [unknown]))


def check_special(tokens: Sequence[str], special: Sequence[str], unknown: str | None) -> None:
    """Raise `ValueError` on a token that is there twice, or a special one that is empty or missing.

    >>> check_special(["<eos>", "a"], ["<eos>"], None)
    """
    if len(set(tokens)) != len(tokens):
        twice = next(token for i, token in enumerate(tokens) if token in tokens[:i])
        raise ValueError(f"token {twice!r} must be in the vocabulary once, or it would have two numbers; remove one.")
    for token in named(special, unknown):
        if not token or token not in tokens:
            raise ValueError(f"special token {token!r} must be a token that is not empty; add it to tokens.")


def splitter(special: Sequence[str]) -> re.Pattern[str] | None:
    """Cut a text around special tokens and keep them, the longest first where one begins another; None when there are none.

    >>> splitter(["<eos>", "<eos>2"]).split("one<eos>two<eos>2")
    ['one', '<eos>', 'two', '<eos>2', '']
    """
    if not special:
        return None
    return re.compile("(" + "|".join(re.escape(token) for token in sorted(special, key=len, reverse=True)) + ")")
