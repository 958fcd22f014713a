"""The two smallest vocabularies: one token a character, and one token a byte."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from d2lmini.tokenizers.special import named
from d2lmini.tokenizers.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True)
class Characters(Tokenizer):
    """One token a character (a Unicode code point: `é` is one or two of them, as the text was typed).

    >>> tokenizer = Characters.train(["marché"], special=["<eos>"])
    >>> tokenizer.tokens
    ('<eos>', 'a', 'c', 'h', 'm', 'r', 'é')
    >>> tokenizer.encode("arche")
    Traceback (most recent call last):
        ...
    ValueError: 'e' is not in the vocabulary and this tokenizer has no unknown token; give one (unknown="<unk>"), ...
    """

    @classmethod
    def train(cls, texts: Iterable[str], *, special: Sequence[str] = (), unknown: str | None = None) -> Self:
        """Special tokens first, then every character of `texts` in the order of Unicode."""
        first = named(special, unknown)
        alphabet = sorted({character for text in texts for character in text} - set(first))
        return cls(tokens=(*first, *alphabet), special=tuple(special), unknown=unknown)

    def _encode(self, text: str) -> list[int]:
        ids, names = self.ids, {*self.special, self.unknown}
        return [ids[c] if c in ids and c not in names else self._unknown_id(c) for c in text]


@dataclass(frozen=True, kw_only=True)
class Bytes(Tokenizer):
    """One token a byte of UTF-8: 256 tokens write every text of every language (Xue et al. 2022, ByT5).

    >>> tokenizer = Bytes.make(special=["<pad>"])
    >>> tokenizer.encode("né")
    [111, 196, 170]
    >>> list(tokenizer.stream([111, 196, 170]))
    ['n', '', 'é']
    >>> tokenizer.decode([111, 196])
    'n�'
    """

    @classmethod
    def make(cls, *, special: Sequence[str] = ()) -> Self:
        """Special tokens first, then the bytes `<0x00>` to `<0xFF>`: there is nothing to learn."""
        return cls(tokens=(*special, *(f"<0x{byte:02X}>" for byte in range(256))), special=tuple(special))

    def _encode(self, text: str) -> list[int]:
        first = self.ids["<0x00>"]
        return [first + byte for byte in text.encode()]

    def _bytes(self, token: str, start: bool) -> bytes:
        return bytes([int(token[3:5], 16)])
