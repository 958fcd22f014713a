"""WordPiece, the tokenizer of BERT: from the left, always the longest piece that the vocabulary has."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from d2lmini.tokenizers.bpe_training import learn_merges
from d2lmini.tokenizers.pretokens import bert_words
from d2lmini.tokenizers.special import named
from d2lmini.tokenizers.tokenizer import Tokenizer

PREFIX = "##"  # of a piece that goes on a word


@dataclass(frozen=True, kw_only=True)
class WordPiece(Tokenizer):
    """Words of BERT's rule, each cut greedily; a word that cannot be cut to its end is unknown as a whole (Devlin et al. 2019).

    Spaces are not kept: decoding writes one between words, so `don't` comes back as `don ' t`.

    >>> tokenizer = WordPiece(tokens=("[UNK]", "un", "##aff", "##able", "##a", "!"), unknown="[UNK]")
    >>> tokenizer.split("unaffable! unable affable")
    ['un', '##aff', '##able', '!', 'un', '##able', '[UNK]']
    >>> tokenizer.decode(tokenizer.encode("unaffable!"))
    'unaffable !'
    """

    longest_word: int = 100  # characters; a longer one is unknown

    @classmethod
    def train(
        cls, texts: Iterable[str], vocab_size: int, *, special: Sequence[str] = (), unknown: str = "[UNK]", min_count: int = 2
    ) -> Self:
        """Learn the pieces as BPE does, by counts, which is what the `tokenizers` library does too (BERT's own trainer is not public)."""
        words = Counter(word for text in texts for word in bert_words(text))
        tokens, _ = learn_merges(words, vocab_size, special=named(special, unknown), min_count=min_count, prefix=PREFIX)
        return cls(tokens=tokens, special=tuple(special), unknown=unknown)

    def _encode(self, text: str) -> list[int]:
        result: list[int] = []
        for word in bert_words(text):
            result += self._pieces(word) or [self._unknown_id(word)]
        return result

    def _pieces(self, word: str) -> list[int]:
        """The longest piece, then the longest that goes on, …; nothing when that leads nowhere."""
        if len(word) > self.longest_word:
            return []
        pieces: list[int] = []
        start = 0
        while start < len(word):
            known, prefix = self._known, PREFIX if start else ""
            for end in range(min(len(word), start + self._longest), start, -1):
                if (piece := prefix + word[start:end]) in known:
                    break
            else:
                return []
            pieces.append(self.ids[piece])
            start = end
        return pieces

    def _bytes(self, token: str, start: bool) -> bytes:
        if token.startswith(PREFIX) and token != PREFIX:
            return token.removeprefix(PREFIX).encode()
        return ("" if start else " ").encode() + token.encode()

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.tokens) - {*self.special, self.unknown}

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self.tokens), default=0)
