"""Byte-pair encoding on characters: merges applied in the order in which they were learned."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Self

from d2lmini.tokenizers.bpe_training import learn_merges
from d2lmini.tokenizers.pretokens import gpt2_words
from d2lmini.tokenizers.special import named
from d2lmini.tokenizers.tokenizer import Tokenizer

CACHED = 32_768  # words; a text repeats its words, so most are found there


@dataclass(frozen=True, kw_only=True)
class BPE(Tokenizer):
    """Words of GPT-2's rule, spelled in characters, then merged pair by pair (Sennrich et al. 2016, §3.2).

    Unlike the paper, a word carries the space before it instead of a mark at its end, so that a text comes back exactly.

    >>> tokenizer = BPE.train(["marche marché marchés marchons"], 15)
    >>> tokenizer.merges
    (('a', 'r'), ('c', 'h'), ('m', 'ar'), ('mar', 'ch'))
    >>> tokenizer.split("marchés")
    ['march', 'é', 's']
    """

    merges: tuple[tuple[str, str], ...]

    @classmethod
    def train(
        cls, texts: Iterable[str], vocab_size: int, *, special: Sequence[str] = (), unknown: str | None = None, min_count: int = 2
    ) -> Self:
        """Learn merges on `texts`, as `learn_merges` says."""
        words = Counter(word for text in texts for word in gpt2_words(text))
        tokens, merges = learn_merges(words, vocab_size, special=named(special, unknown), min_count=min_count)
        return cls(tokens=tokens, merges=merges, special=tuple(special), unknown=unknown)

    def __post_init__(self) -> None:
        super().__post_init__()
        for left, right in self.merges:
            if not {left, right, left + right} <= self.ids.keys():
                raise ValueError(f"merge {(left, right)} must join two tokens into a third; add {left + right!r} and its parts to tokens.")

    def _encode(self, text: str) -> list[int]:
        result: list[int] = []
        for word in gpt2_words(text):
            if word not in self._cache:
                if len(self._cache) >= CACHED:
                    self._cache.clear()
                self._cache[word] = self._merged(self._spelled(word))
            result += self._cache[word]
        return result

    def _spelled(self, word: str) -> list[int]:
        return [self.ids[c] if c in self._letters else self._unknown_id(c) for c in word]

    def _merged(self, word: list[int]) -> list[int]:
        """Merge the pair that was learned first, everywhere in the word, until no pair is known."""
        ranks, last = self._ranks, (len(self.merges), 0)
        while len(word) > 1:
            pair = min(pairwise(word), key=lambda pair: ranks.get(pair, last))
            if pair not in ranks:
                break
            i, new = 0, ranks[pair][1]
            while i < len(word) - 1:
                if (word[i], word[i + 1]) == pair:
                    word[i : i + 2] = [new]
                i += 1
        return word

    @cached_property
    def _ranks(self) -> dict[tuple[int, int], tuple[int, int]]:
        """The rank of each pair and the number of what it gives."""
        return {(self.ids[a], self.ids[b]): (rank, self.ids[a + b]) for rank, (a, b) in enumerate(self.merges)}

    @cached_property
    def _letters(self) -> frozenset[str]:
        return frozenset(token for token in self.tokens if len(token) == 1) - {*self.special, self.unknown}

    @cached_property
    def _cache(self) -> dict[str, list[int]]:
        return {}
