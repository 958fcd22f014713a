"""Filters change scores, a choice then takes one token a text: the likeliest, or one drawn with what the filters left."""

from collections.abc import Callable, Iterable, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from d2lmini.decoding.readers import Scores

Texts = Sequence[Sequence[int]]  # what each text holds so far, prompt included
Filter = Callable[[Scores, Texts], Scores]
Choice = Callable[[Scores, Texts], Int[Tensor, " B"]]


def temperature(heat: float) -> Filter:
    """Scores divided by `heat`: below 1 the likely becomes likelier, above 1 the unlikely gets its chance (Ackley et al. 1985).

    >>> temperature(0.5)(torch.tensor([[1.0, 2.0]]), [[]])
    tensor([[2., 4.]])
    """
    if heat <= 0:
        raise ValueError(f"temperature={heat} must be above 0; for the likeliest token always, choose greedy().")
    return lambda scores, texts: scores / heat


def top_k(k: int) -> Filter:
    """Only the k likeliest tokens remain, and those that tie with the last of them (Fan et al. 2018, §5.1).

    >>> top_k(1)(torch.tensor([[1.0, 3.0, 2.0]]), [[]])
    tensor([[-inf, 3., -inf]])
    """
    if k < 1:
        raise ValueError(f"k={k} must be at least 1, or no token is left; try k=1.")
    return lambda scores, texts: _above(scores, scores.topk(min(k, scores.shape[-1])).values[:, -1:])


def top_p(p: float) -> Filter:
    """Only the nucleus remains: the fewest likeliest tokens whose probabilities add up to p or more (Holtzman et al. 2020, §3.1).

    >>> top_p(0.8)(torch.tensor([[0.5, 0.3, 0.2]]).log(), [[]]).exp()
    tensor([[0.5000, 0.3000, 0.0000]])
    """
    _check_share(p, "p")

    def keep(scores: Scores, texts: Texts) -> Scores:
        ordered, order = scores.sort(descending=True, stable=True)
        likely = ordered.softmax(dim=-1)
        before = likely.cumsum(dim=-1) - likely  # the mass of the likelier tokens
        beyond = torch.zeros_like(scores, dtype=torch.bool).scatter(-1, order, before >= p)
        return scores.masked_fill(beyond, -torch.inf)

    return keep


def min_p(p: float) -> Filter:
    """Only tokens at least p times as likely as the likeliest remain (Nguyen et al. 2025, §3.1).

    >>> min_p(0.5)(torch.tensor([[0.5, 0.3, 0.2]]).log(), [[]]).exp()
    tensor([[0.5000, 0.3000, 0.0000]])
    """
    _check_share(p, "p")
    return lambda scores, texts: _above(scores, scores.amax(dim=-1, keepdim=True) + torch.tensor(p).log())


def repetition_penalty(penalty: float) -> Filter:
    """Tokens that the text already holds: positive scores divided by `penalty`, negative ones multiplied (Keskar et al. 2019, §4.1).

    The prompt counts as text, and a token that comes twice is punished once.

    >>> repetition_penalty(2.0)(torch.tensor([[1.0, -1.0, 3.0]]), [[0, 1, 1]])
    tensor([[ 0.5000, -2.0000,  3.0000]])
    """
    if penalty <= 0:
        raise ValueError(f"penalty={penalty} must be above 0: 1 changes nothing, 1.2 is usual.")

    def punish(scores: Scores, texts: Texts) -> Scores:
        scores = scores.clone()
        for row, text in zip(scores, texts, strict=True):
            seen = torch.tensor(sorted(set(text)), dtype=torch.long, device=row.device)
            row[seen] = torch.where(row[seen] > 0, row[seen] / penalty, row[seen] * penalty)
        return scores

    return punish


def allow(allowed: Callable[[Sequence[int]], Iterable[int]]) -> Filter:
    """Only the tokens that `allowed(text so far)` returns remain: the text obeys whatever rule the function knows.

    >>> digits = allow(lambda text: [1] if len(text) < 2 else [0])
    >>> digits(torch.zeros(1, 3), [[1, 1]])
    tensor([[0., -inf, -inf]])
    """

    def obey(scores: Scores, texts: Texts) -> Scores:
        free = torch.zeros_like(scores, dtype=torch.bool)
        for row, text in zip(free, texts, strict=True):
            row[torch.tensor(list(allowed(text)), dtype=torch.long, device=row.device)] = True
            if not row.any():
                raise ValueError(f"allowed({list(text)}) is empty and must name at least one token; return the end token to stop there.")
        return scores.masked_fill(~free, -torch.inf)

    return obey


def greedy(*filters: Filter) -> Choice:
    """The likeliest token, the first of them on a tie."""
    return lambda scores, texts: filtered(scores, texts, filters).argmax(dim=-1)


def sample(*filters: Filter, generator: torch.Generator | None = None) -> Choice:
    """A token drawn with the probabilities that are left after the filters, in the order given.

    The usual order: `repetition_penalty`, `temperature`, `top_k`, `top_p`, `min_p`. `generator` makes it repeatable.
    """

    def draw(scores: Scores, texts: Texts) -> Int[Tensor, " B"]:
        return torch.multinomial(filtered(scores, texts, filters).softmax(dim=-1), 1, generator=generator)[:, 0]

    return draw


def filtered(scores: Scores, texts: Texts, filters: Iterable[Filter]) -> Scores:
    """The scores after each filter in turn."""
    for change in filters:
        scores = change(scores, texts)
    return scores


def _above(scores: Scores, threshold: Float[Tensor, "B 1"]) -> Scores:
    return scores.masked_fill(scores < threshold, -torch.inf)


def _check_share(p: float, name: str) -> None:
    if not 0 < p <= 1:
        raise ValueError(f"{name}={p} must lie above 0 and up to 1, a share of the probability; try {name}=0.9.")
