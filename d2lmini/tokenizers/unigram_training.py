"""Learning a unigram vocabulary: many pieces at first, their probabilities by EM, and the least useful ones dropped."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from d2lmini.tokenizers.lattice import best_cut, expected_counts

SEEDS = 4  # pieces to choose from, for one that is kept
LONGEST = 8  # characters of a piece
ROUNDS = 2  # of EM before each dropping
KEPT = 0.75  # share of the pieces that stays each time


def learn_pieces(words: Iterable[str], n_pieces: int, *, forbidden: Collection[str] = ()) -> dict[str, float]:
    """Pieces and their log-probabilities in nats, the most probable first (Kudo 2018, §3.2).

    It starts from the characters and the substrings that cover most text, and ends with `n_pieces` of them or fewer; characters
    always stay, so that every word of the training text can be cut. `forbidden` pieces are never made. Raises
    `ValueError` when the characters alone are more than `n_pieces`.

    >>> sorted(learn_pieces(["▁low", "▁lower", "▁new", "▁newer"] * 5, 9))
    ['e', 'l', 'n', 'o', 'r', 'w', '▁', '▁low', '▁new']
    """
    seen = Counter(words)
    scores = _seeds(seen, SEEDS * n_pieces, forbidden)
    characters = {piece for piece in scores if len(piece) == 1}
    if len(characters) > n_pieces:
        raise ValueError(
            f"n_pieces={n_pieces} must leave room for the {len(characters)} characters of the text; try {2 * len(characters)}."
        )
    while True:
        for _ in range(ROUNDS):
            scores, _ = em_step(seen, scores)
        if len(scores) <= n_pieces:
            return dict(sorted(scores.items(), key=lambda item: (-item[1], item[0])))
        scores = _drop(seen, scores, max(n_pieces, int(KEPT * len(scores))))


def em_step(seen: Mapping[str, int], scores: Mapping[str, float]) -> tuple[dict[str, float], float]:
    """New log-probabilities from expected counts, and the log-likelihood of the text under the old ones, which each step raises.

    A piece longer than a character that is expected less than once in a million words has no use any more, and goes.
    """
    longest = max(map(len, scores))
    likelihood, expected = 0.0, dict.fromkeys((piece for piece in scores if len(piece) == 1), 0.0)
    for word, count in seen.items():
        logarithm, counts = expected_counts(word, scores, longest)
        likelihood += count * logarithm
        for piece, value in counts.items():
            expected[piece] = expected.get(piece, 0.0) + count * value
    least = 1e-6 * sum(seen.values())
    kept = {piece: max(value, least) for piece, value in expected.items() if len(piece) == 1 or value >= least}
    total = sum(kept.values())
    return {piece: math.log(value / total) for piece, value in kept.items()}, likelihood


def _seeds(seen: Mapping[str, int], n: int, forbidden: Collection[str]) -> dict[str, float]:
    """The characters, and the `n` substrings seen twice or more that cover most characters of the text."""
    counts: Counter[str] = Counter()
    for word, count in seen.items():
        for start in range(len(word)):
            for end in range(start + 1, min(len(word), start + LONGEST) + 1):
                counts[word[start:end]] += count
    characters = {piece: count for piece, count in counts.items() if len(piece) == 1}
    longer = {piece: count for piece, count in counts.items() if len(piece) > 1 and count > 1 and piece not in forbidden}
    most = sorted(longer, key=lambda piece: (-longer[piece] * len(piece), piece))[:n]
    chosen = characters | {piece: longer[piece] for piece in most}
    total = sum(chosen.values())
    return {piece: math.log(count / total) for piece, count in chosen.items()}


def _drop(seen: Mapping[str, int], scores: Mapping[str, float], n: int) -> dict[str, float]:
    """Keep the `n` pieces whose absence would cost most: how often each serves, times what its best replacement costs more."""
    longest, uses = max(map(len, scores)), Counter[str]()
    for word, count in seen.items():
        for start, end in best_cut(word, scores, longest):
            uses[word[start:end]] += count

    def cost(piece: str) -> float:
        if len(piece) == 1:
            return math.inf
        without = best_cut(piece, scores, len(piece) - 1)
        return uses[piece] * (scores[piece] - sum(scores[piece[start:end]] for start, end in without))

    kept = sorted(scores, key=lambda piece: (-cost(piece), piece))[:n]
    return {piece: scores[piece] for piece in kept}
