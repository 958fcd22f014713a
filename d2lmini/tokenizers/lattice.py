"""All the ways to cut a word into pieces, by dynamic programming: the most probable one, and what is expected over all."""

import math
from collections.abc import Mapping


def best_cut(word: str, scores: Mapping[str, float], longest: int, unknown_score: float = -math.inf) -> list[tuple[int, int]]:
    """Where the pieces of the best way begin and end (Viterbi); of two that are as good, the one that began first.

    `scores` are log-probabilities, `longest` the length of the longest piece in characters. A character that is no piece
    costs `unknown_score`. The list is empty when the word cannot be cut.

    >>> best_cut("abc", {"a": -1.0, "b": -2.0, "c": -1.0, "ab": -2.5, "bc": -3.5}, 2)
    [(0, 2), (2, 3)]
    """
    best, came = [0.0] + [-math.inf] * len(word), [-1] * (len(word) + 1)
    for start in range(len(word)):
        so_far = best[start]
        for end in range(start + 1, min(len(word), start + longest) + 1):
            score = scores.get(word[start:end], unknown_score if end == start + 1 else -math.inf)
            if so_far + score > best[end]:
                best[end], came[end] = so_far + score, start
    cut, end = [], len(word)
    while end > 0 and came[end] >= 0:
        cut.append((came[end], end))
        end = came[end]
    return cut[::-1] if end == 0 else []


def expected_counts(word: str, scores: Mapping[str, float], longest: int) -> tuple[float, dict[str, float]]:
    """The log-probability of a word over all the ways to cut it, and how often each piece is expected (forward–backward).

    >>> logarithm, counts = expected_counts("ab", {"a": math.log(0.5), "b": math.log(0.25), "ab": math.log(0.125)}, 2)
    >>> round(math.exp(logarithm), 9)  # 0.5 × 0.25 + 0.125: both ways are as probable
    0.25
    >>> {piece: round(count, 9) for piece, count in sorted(counts.items())}
    {'a': 0.5, 'ab': 0.5, 'b': 0.5}
    """
    n = len(word)
    edges = [
        [(end, scores[word[start:end]]) for end in range(start + 1, min(n, start + longest) + 1) if word[start:end] in scores]
        for start in range(n)
    ]
    backward = [0.0] * (n + 1)
    for start in reversed(range(n)):
        backward[start] = _log_sum([score + backward[end] for end, score in edges[start]])
    counts: dict[str, float] = {}
    if backward[0] == -math.inf:
        return -math.inf, counts
    arriving: list[list[float]] = [[0.0], *([] for _ in word)]
    for start in range(n):
        forward = _log_sum(arriving[start])
        for end, score in edges[start]:
            arriving[end].append(forward + score)
            counts[word[start:end]] = counts.get(word[start:end], 0.0) + math.exp(forward + score + backward[end] - backward[0])
    return backward[0], counts


def _log_sum(logarithms: list[float]) -> float:
    """The logarithm of a sum, without leaving the range of floating-point numbers on long words."""
    largest = max(logarithms, default=-math.inf)
    return largest + math.log(sum(math.exp(x - largest) for x in logarithms)) if largest > -math.inf else largest
