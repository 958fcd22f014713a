"""Learning merges: the most frequent pair becomes a token, again and again, with counts that are corrected, never redone."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from heapq import heapify, heappop, heappush
from itertools import pairwise

Pair = tuple[int, int]
Word = list[int]


def learn_merges(
    words: Mapping[str, int],
    vocab_size: int,
    *,
    special: Collection[str] = (),
    alphabet: Iterable[str] = (),
    min_count: int = 2,
    prefix: str = "",
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Tokens and merges, in the order in which they were learned (Sennrich et al. 2016, algorithm 1).

    `words` gives how often each was seen. Special tokens come first, then the characters of `words` and of `alphabet` in the
    order of Unicode, then one token a merge. Of pairs that are as frequent, the one of the smallest numbers is merged. It
    stops at `vocab_size` tokens, or earlier when no pair is left that was seen `min_count` times. With a `prefix`,
    characters that go on a word wear it, as in `play ##ing`. Raises `ValueError` when the alphabet alone is larger than `vocab_size`.

    >>> learn_merges({"hug": 10, "pug": 5, "pun": 12, "bun": 4, "hugs": 5}, 10)[1]
    (('u', 'g'), ('u', 'n'), ('h', 'ug'))
    """
    special = tuple(special)
    symbols = {prefix * (i > 0) + character for word in words for i, character in enumerate(word)}
    tokens = [*special, *sorted({*symbols, *alphabet} - set(special))]
    if vocab_size < len(tokens):
        raise ValueError(
            f"vocab_size={vocab_size} must leave room for the {len(tokens)} special tokens and characters; try {2 * len(tokens)}."
        )
    ids = {token: i for i, token in enumerate(tokens)}
    spelled = [[ids[prefix * (i > 0) + character] for i, character in enumerate(word)] for word in words]
    pairs = _Pairs(spelled, list(words.values()))
    merges = []
    while len(tokens) < vocab_size and (pair := pairs.most_frequent(min_count)):
        left, right = tokens[pair[0]], tokens[pair[1]]
        merged = left + right.removeprefix(prefix)
        if merged in ids:  # a special token, or a piece with its prefix: characters that are joined must not be able to write it
            continue
        ids[merged] = len(tokens)
        tokens.append(merged)
        merges.append((left, right))
        pairs.merge(pair, ids[merged])
    return tuple(tokens), tuple(merges)


class _Pairs:
    """How often each pair of neighbors is seen, in which words, and which is the most frequent."""

    def __init__(self, words: list[Word], seen: list[int]) -> None:
        self.words, self.seen = words, seen
        self.counts: dict[Pair, int] = defaultdict(int)
        self.where: dict[Pair, set[int]] = defaultdict(set)
        for w, word in enumerate(words):
            for pair in pairwise(word):
                self.counts[pair] += seen[w]
                self.where[pair].add(w)
        self.queue = [(-count, pair) for pair, count in self.counts.items()]
        heapify(self.queue)

    def most_frequent(self, min_count: int) -> Pair | None:
        """The queue may hold old counts: counts only fall by themselves, so an old one is put back lower."""
        while self.queue:
            count, pair = heappop(self.queue)
            if -count != (now := self.counts[pair]):
                heappush(self.queue, (-now, pair))
            else:
                return pair if now >= max(min_count, 1) else None
        return None

    def merge(self, pair: Pair, new: int) -> None:
        """Write `new` for the pair in the words that hold it, and correct the counts of its neighbors."""
        counts, where, (left, right) = self.counts, self.where, pair
        grown = set()
        for w in where.pop(pair):
            word, seen, i = self.words[w], self.seen[w], 0
            while i < len(word) - 1:
                if word[i] != left or word[i + 1] != right:
                    i += 1
                    continue
                if i:
                    counts[word[i - 1], left] -= seen
                    grown.add((word[i - 1], new))
                    counts[word[i - 1], new] += seen
                    where[word[i - 1], new].add(w)
                if i + 2 < len(word):
                    counts[right, word[i + 2]] -= seen
                    grown.add((new, word[i + 2]))
                    counts[new, word[i + 2]] += seen
                    where[new, word[i + 2]].add(w)
                word[i : i + 2] = [new]
                i += 1
        for other in grown:
            heappush(self.queue, (-counts[other], other))
