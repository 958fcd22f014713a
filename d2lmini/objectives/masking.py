"""Masked language modeling: some tokens are hidden, and the model finds them again (BERT, RoBERTa)."""

from collections.abc import Collection, Sequence
from itertools import accumulate

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from d2lmini.objectives.ignore import IGNORE


def mask_tokens(
    tokens: Int[Tensor, "*B T"],
    generator: torch.Generator,
    *,
    vocab_size: int,
    mask_id: int,
    special: Collection[int] = (),
    rate: float = 0.15,
    masked: float = 0.8,
    random: float = 0.1,
    words: Int[Tensor, "*#B T"] | None = None,
) -> tuple[Int[Tensor, "*B T"], Int[Tensor, "*B T"]]:
    """What the model reads, and what it must find: the token at each chosen place, IGNORE elsewhere (Devlin et al. 2019, §3.1).

    Each token is chosen with probability `rate`, whatever the others; of the chosen, `masked` become `mask_id`, `random`
    become any token (the same one, once in a while), the rest stays. Neither chosen nor drawn at random: `special` and
    `mask_id` (BERT's code and Hugging Face's may draw them).

    With `words`, the number of each token's word (`whole_words`; 0 to T − 1 in each row), all pieces of a word share
    one fate: whole-word masking. BERT's code shares the choice only, and draws the fate piece by piece.

    Called at each batch, masking is dynamic; on `tokens.expand(10, *tokens.shape)`, once and for all, it makes the 10
    copies of static masking (Liu et al. 2019, §4.1). Raises `ValueError` on shares, tokens or words out of bounds.

    Of four tokens chosen here, the 12 and the 15 are masked, the 16 becomes a 15 and the 11 stays, to be found all the same:

    >>> tokens = torch.tensor([[1, 11, 12, 13, 14, 15, 16, 2]])
    >>> inputs, targets = mask_tokens(tokens, torch.Generator().manual_seed(24), vocab_size=20, mask_id=3, special={0, 1, 2}, rate=0.4)
    >>> inputs
    tensor([[ 1, 11,  3, 13, 14,  3, 15,  2]])
    >>> targets
    tensor([[-100,   11,   12, -100, -100,   15,   16, -100]])
    """
    _check_shares(rate, masked, random)
    ordinary = _ordinary(tokens, vocab_size, {*special, mask_id})
    fate = torch.rand(tokens.shape, generator=generator, device=tokens.device)  # one draw tells whether a token is chosen, and for what
    if words is not None:
        _check_words(words, tokens.shape[-1])
        fate = fate.gather(-1, words.expand_as(tokens))
    fate = fate.masked_fill(~ordinary[tokens], 1.0)
    choices = ordinary.nonzero()[:, 0]
    drawn = choices[torch.randint(len(choices), tokens.shape, generator=generator, device=tokens.device)]
    inputs = torch.where(fate < rate * (masked + random), drawn, tokens).masked_fill(fate < rate * masked, mask_id)
    return inputs, tokens.masked_fill(fate >= rate, IGNORE)


def whole_words(pieces: Sequence[str], prefix: str = "##") -> list[int]:
    """The number of the word that each WordPiece token belongs to; `prefix` opens a piece that goes on a word.

    >>> whole_words(["[CLS]", "un", "##aff", "##able", "cat", "[SEP]"])
    [0, 1, 1, 1, 2, 3]
    """
    return list(accumulate(int(i > 0 and not piece.startswith(prefix)) for i, piece in enumerate(pieces)))


def _ordinary(tokens: Tensor, vocab_size: int, special: Collection[int]) -> Bool[Tensor, " V"]:
    """Which tokens of the vocabulary may be chosen or drawn."""
    for what, i in [("special token", i) for i in special] + [("token", int(i)) for i in (tokens.aminmax() if tokens.numel() else ())]:
        if not 0 <= i < vocab_size:
            raise ValueError(f"{what} {i} must lie between 0 and vocab_size - 1 = {vocab_size - 1}; give the tokenizer's numbers and size.")
    ordinary = torch.ones(vocab_size, dtype=torch.bool, device=tokens.device)
    ordinary[list(special)] = False
    if not ordinary.any():
        raise ValueError(f"all vocab_size={vocab_size} tokens are special and none can be masked; leave some out of special.")
    return ordinary


def _check_shares(rate: float, masked: float, random: float) -> None:
    if not 0 <= rate <= 1:
        raise ValueError(f"rate={rate} must lie between 0 and 1; try rate=0.15.")
    if min(masked, random) < 0 or masked + random > 1:
        raise ValueError(f"masked={masked} and random={random} must be shares whose sum is at most 1; try masked=0.8, random=0.1.")


def _check_words(words: Tensor, n: int) -> None:
    if words.numel() and not 0 <= int(words.min()) <= int(words.max()) < n:
        raise ValueError(
            f"words={words.min()}…{words.max()} must lie between 0 and T - 1 = {n - 1}; number the words of each row from 0 (whole_words)."
        )
