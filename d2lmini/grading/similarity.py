"""Which notebooks look alike: the share of runs of five tokens in common, names and layout forgotten, what most wrote left out."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

RUN = 5  # tokens in a row
ALIKE = 0.9  # of all the runs of two notebooks, the share that both have
ENOUGH = 40  # runs that few others have: below that, two honest answers may well be the same
FEW = 3  # a run that at most so many notebooks have is never common


@dataclass(frozen=True)
class Pair:
    """Two notebooks worth a look: how alike, and whether the very same file."""

    first: str
    second: str
    share: float
    identical: bool


def pairs(tokens: dict[str, list[str]], digests: dict[str, str]) -> list[Pair]:
    """The pairs worth a look, the most alike first. A run that more than half of the class wrote counts for nothing."""
    runs = {who: _runs(found) for who, found in tokens.items()}
    often = Counter(run for found in runs.values() for run in found)
    common = {run for run, n in often.items() if n > max(FEW, len(runs) / 2)}
    own = {who: found - common for who, found in runs.items()}
    result = []
    for first, second in sorted(_candidates(own, often, digests)):
        identical = digests[first] == digests[second]
        a, b = own[first], own[second]
        enough = min(len(a), len(b)) >= ENOUGH
        share = 1.0 if identical else len(a & b) / len(a | b) if enough else 0.0
        if share >= ALIKE:
            result.append(Pair(first, second, share, identical))
    return sorted(result, key=lambda pair: (-pair.share, pair.first, pair.second))


def _candidates(own: dict[str, set], often: Counter, digests: dict[str, str]) -> set[tuple[str, str]]:
    """The pairs that may be alike: with that much in common, they share one of the rarest tenth of the runs of each."""
    holders: dict[Any, list[str]] = {}
    for who, found in sorted(own.items()):
        rarest = sorted(found, key=lambda run: (often[run], run))[: len(found) - math.ceil(ALIKE * len(found)) + 1]
        for key in [*rarest, digests[who]]:
            holders.setdefault(key, []).append(who)
    return {pair for together in holders.values() for pair in combinations(together, 2)}


def _runs(tokens: Iterable[str]) -> set[int | tuple[str, ...]]:
    listed = list(tokens)
    return {tuple(listed[i : i + RUN]) for i in range(len(listed) - RUN + 1)}
