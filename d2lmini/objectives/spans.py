"""Span corruption: spans of tokens are dropped from the input, and the target tells them (T5)."""

import random
from collections.abc import Sequence
from itertools import pairwise


def corrupt_spans(
    tokens: Sequence[int], rng: random.Random, *, sentinels: Sequence[int], rate: float = 0.15, mean_length: float | int = 3.0
) -> tuple[list[int], list[int]]:
    """Drop random spans: `rate` of the tokens, in spans of `mean_length` on average (Raffel et al. 2020, §3.3.4).

    As in T5's code, only the lengths are random. Of n tokens, round(n·rate) are dropped, at least 1 and at most n − 1,
    in round(dropped / mean_length) spans, at least 1. Kept and dropped spans alternate and a kept one comes first, so the
    first token always stays, the last is always dropped, and all such choices are equally likely. Beyond T5's code, whose
    rates never need it: there are no more spans than kept tokens.

    Raises `ValueError` on fewer than 2 tokens, a rate or a mean out of bounds, and on what `corrupt_at` refuses.

    >>> corrupt_spans(range(10, 22), random.Random(0), sentinels=[99, 98, 97], rate=0.3, mean_length=2.0)
    ([10, 11, 12, 13, 14, 15, 16, 99, 19, 98], [99, 17, 18, 98, 20, 21, 97])
    """
    n = len(tokens)
    if n < 2:
        raise ValueError(f"a text of {n} tokens is too short: one token must stay and one must go; leave out texts of fewer than 2.")
    if not 0 < rate < 1:
        raise ValueError(f"rate={rate} must lie between 0 and 1, both excluded; try rate=0.15.")
    if mean_length < 1:
        raise ValueError(f"mean_length={mean_length} must be at least 1 token a span; try mean_length=3.")
    dropped = min(max(round(n * rate), 1), n - 1)
    n_span = min(max(round(dropped / mean_length), 1), n - dropped)
    spans, end = [], 0
    for kept, gone in zip(_segments(n - dropped, n_span, rng), _segments(dropped, n_span, rng), strict=True):
        spans.append((end + kept, end + kept + gone))
        end += kept + gone
    return corrupt_at(tokens, spans, sentinels)


def corrupt_at(tokens: Sequence[int], spans: Sequence[tuple[int, int]], sentinels: Sequence[int]) -> tuple[list[int], list[int]]:
    """The input, one sentinel for each span (start, end), and the target, each sentinel before its span and one to end (§3.1.4, fig. 2).

    `sentinels` are used in their order. Raises `ValueError` when they are too few, equal or in the text, and on spans that
    are empty, out of order, out of the text, or touch (two that touch are one).

    >>> i, love, this, red, car, X, Y, Z = 1, 2, 3, 4, 5, 97, 98, 99
    >>> corrupt_at([i, love, this, red, car], [(1, 2), (3, 5)], [X, Y, Z])
    ([1, 97, 3, 98], [97, 2, 98, 4, 5, 99])
    """
    _check_sentinels(sentinels, len(spans) + 1)
    if clash := set(tokens) & set(sentinels):
        raise ValueError(
            f"token {min(clash)} is in the text and also a sentinel, so nobody could tell them apart; reserve other sentinels."
        )
    inputs: list[int] = []
    target: list[int] = []
    done = 0
    for sentinel, (start, end) in zip(sentinels, spans, strict=False):
        if not done + (done > 0) <= start < end <= len(tokens):
            raise ValueError(
                f"span ({start}, {end}) must hold a token, stay within {len(tokens)} and not touch the one before, which ends at {done}; "
                "sort the spans and merge those that touch."
            )
        inputs += [*tokens[done:start], sentinel]
        target += [sentinel, *tokens[start:end]]
        done = end
    return [*inputs, *tokens[done:]], [*target, sentinels[len(spans)]]


def restore_spans(inputs: Sequence[int], target: Sequence[int], sentinels: Sequence[int]) -> list[int]:
    """The text again: each sentinel of the input makes way for what follows it in the target; the inverse of `corrupt_at`.

    A target that a model wrote may have an empty span. Raises `ValueError` when it doesn't fit the input: the same
    sentinels in the same order, and the next one to end.

    >>> restore_spans([1, 97, 3, 98], [97, 2, 98, 4, 5, 99], sentinels=[97, 98, 99])
    [1, 2, 3, 4, 5]
    """
    known = set(sentinels)
    used = [token for token in inputs if token in known]
    _check_sentinels(sentinels, len(used) + 1)
    wanted = list(sentinels[: len(used) + 1])
    if used != wanted[:-1]:
        raise ValueError(
            f"the input has sentinels {used}, but they are used in the order {wanted[:-1]}; give the sentinels it was made with."
        )
    found = [token for token in target if token in known]
    if found != wanted or target[0] != wanted[0] or target[-1] != wanted[-1]:
        raise ValueError(
            f"target {list(target)} does not fit the input: it must begin with {wanted[0]}, have sentinels {wanted} in this order "
            f"and end with {wanted[-1]}; take the target that came with this input."
        )
    places = [target.index(sentinel) for sentinel in wanted]
    span = {target[start]: target[start + 1 : end] for start, end in pairwise(places)}
    return [token for place in inputs for token in span.get(place, [place])]


def _segments(n: int, n_segment: int, rng: random.Random) -> list[int]:
    """Positive lengths that add up to n, all such lists being equally likely."""
    cuts = sorted(rng.sample(range(1, n), n_segment - 1))
    return [end - start for start, end in pairwise([0, *cuts, n])]


def _check_sentinels(sentinels: Sequence[int], needed: int) -> None:
    if len(sentinels) < needed:
        raise ValueError(
            f"{len(sentinels)} sentinels are too few: {needed - 1} spans and the end need {needed}; add some to the vocabulary."
        )
    if len(set(sentinels)) < len(sentinels):
        raise ValueError(f"sentinels={list(sentinels)} must differ from one another; remove the copies.")
