"""The unigram tokenizer of SentencePiece: of all the ways to cut a word, the most probable one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from d2lmini.tokenizers.lattice import best_cut
from d2lmini.tokenizers.pretokens import marked_words
from d2lmini.tokenizers.special import named
from d2lmini.tokenizers.tokenizer import Tokenizer
from d2lmini.tokenizers.unigram_training import learn_pieces

PENALTY = 10.0  # nats that an unknown character costs beyond the rarest piece, as in SentencePiece


@dataclass(frozen=True, kw_only=True)
class Unigram(Tokenizer):
    """Each piece has a log-probability; a word is cut where their sum is largest (Kudo 2018, §3.2).

    Words begin with `▁` where there was a space. A text comes back exactly, but for the sign `▁` itself, which is read as a
    space. Unknown characters that follow each other in a word are one unknown token.

    >>> pieces = {"<unk>": 0.0, "▁": -1.0, "a": -2.0, "b": -2.0, "ab": -3.0, "▁a": -3.5}
    >>> tokenizer = Unigram(tokens=tuple(pieces), scores=tuple(pieces.values()), unknown="<unk>")
    >>> tokenizer.split("ab ba"), tokenizer.split("axx")
    (['▁', 'ab', '▁', 'b', 'a'], ['▁', 'a', '<unk>'])
    """

    scores: tuple[float, ...]  # nats, one a token; those of special tokens only count in the penalty of unknown characters

    @classmethod
    def train(cls, texts: Iterable[str], vocab_size: int, *, special: Sequence[str] = (), unknown: str | None = None) -> Self:
        """Learn pieces and their probabilities on `texts`, as `learn_pieces` says."""
        first = named(special, unknown)
        pieces = learn_pieces((word for text in texts for word in marked_words(text)), vocab_size - len(first), forbidden=first)
        return cls(tokens=(*first, *pieces), scores=(*[0.0] * len(first), *pieces.values()), special=tuple(special), unknown=unknown)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.scores) != len(self.tokens):
            raise ValueError(f"{len(self.scores)} scores must be one for each of the {len(self.tokens)} tokens; give 0 to special ones.")

    def _encode(self, text: str) -> list[int]:
        result: list[int] = []
        for word in marked_words(text):
            gap = False
            for start, end in best_cut(word, self._known, self._longest, self._unknown_score):
                piece = word[start:end]
                if piece in self._known:
                    result.append(self.ids[piece])
                elif not gap:
                    result.append(self._unknown_id(piece))
                gap = piece not in self._known
        return result

    def _bytes(self, token: str, start: bool) -> bytes:
        text = token.replace("▁", " ")
        return (text.removeprefix(" ") if start else text).encode()

    @cached_property
    def _known(self) -> dict[str, float]:
        names = {*self.special, self.unknown}
        return {token: score for token, score in zip(self.tokens, self.scores, strict=True) if token not in names}

    @cached_property
    def _unknown_score(self) -> float:
        return min(self.scores, default=0.0) - PENALTY

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self.tokens), default=1)
