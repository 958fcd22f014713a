"""One token a word: the obvious vocabulary, which is large and never large enough."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from d2lmini.tokenizers.special import named
from d2lmini.tokenizers.tokenizer import Tokenizer

WORD = re.compile(r"[ -]?[^\W_]+|.", re.DOTALL)


def words_and_signs(text: str) -> list[str]:
    """Runs of letters and digits with the space or hyphen before them, and every other sign alone: joined, they are the text.

    >>> words_and_signs("quatre-vingt-dix ans, l'été")
    ['quatre', '-vingt', '-dix', ' ans', ',', ' l', "'", 'été']
    """
    return WORD.findall(text)


@dataclass(frozen=True, kw_only=True)
class Words(Tokenizer):
    """One token a word, as `words_and_signs` cuts them; what is not in the vocabulary becomes the unknown token.

    >>> tokenizer = Words.train(["le chat et le chien"], unknown="<unk>")
    >>> tokenizer.tokens
    ('<unk>', ' chat', ' chien', ' et', ' le', 'le')
    >>> tokenizer.split("le chat et la souris")
    ['le', ' chat', ' et', '<unk>', '<unk>']
    """

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        vocab_size: int | None = None,
        *,
        special: Sequence[str] = (),
        unknown: str | None = None,
        min_count: int = 1,
    ) -> Self:
        """Special tokens first, then the most frequent words, in the order of Unicode where counts are equal.

        `vocab_size` counts all tokens, special ones too; without it every word that was seen `min_count` times is kept.
        Raises `ValueError` when the special tokens alone are more than `vocab_size`.
        """
        first = named(special, unknown)
        if vocab_size is not None and vocab_size < len(first):
            raise ValueError(f"vocab_size={vocab_size} must hold the {len(first)} special tokens; try vocab_size={len(first) + 1_000}.")
        counts = Counter(word for text in texts for word in words_and_signs(text))
        kept = [word for word, seen in counts.items() if seen >= min_count and word not in first]
        ordered = sorted(kept, key=lambda word: (-counts[word], word))
        room = None if vocab_size is None else vocab_size - len(first)
        return cls(tokens=(*first, *ordered[:room]), special=tuple(special), unknown=unknown)

    def _encode(self, text: str) -> list[int]:
        return [self._known[word] if word in self._known else self._unknown_id(word) for word in words_and_signs(text)]

    @cached_property
    def _known(self) -> dict[str, int]:
        names = {*self.special, self.unknown}
        return {token: i for token, i in self.ids.items() if token not in names}
