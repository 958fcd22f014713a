"""What every tokenizer can do: encode, decode, stream, read special tokens, be saved as JSON that one can read."""

import codecs
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from re import Pattern
from typing import Any, Self

from d2lmini.tokenizers.special import check_special, splitter


@dataclass(frozen=True, kw_only=True)
class Tokenizer(ABC):
    """A vocabulary, token number `i` being `tokens[i]`, and a way to cut a text into its tokens.

    `special` tokens (start, end, padding…) are among `tokens`, and no text gives them unless `encode` is asked to read
    them. `unknown` is the one that replaces what the vocabulary cannot write; without it, such a text is refused.
    """

    tokens: tuple[str, ...]
    special: tuple[str, ...] = ()
    unknown: str | None = None

    def __post_init__(self) -> None:
        check_special(self.tokens, self.special, self.unknown)

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def ids(self) -> dict[str, int]:
        """The number of each token."""
        return {token: i for i, token in enumerate(self.tokens)}

    def encode(self, text: str, *, special: bool = False) -> list[int]:
        """The numbers of the tokens of `text`; with `special`, the names of special tokens in it stand for these tokens.

        Raises `ValueError` on half a surrogate pair, which is no character, and on what the vocabulary cannot write
        when there is no unknown token.
        """
        _refuse_half_pairs(text)
        if not special or self._splitter is None:
            return self._encode(text)
        result: list[int] = []
        for piece in self._splitter.split(text):
            result += [self.ids[piece]] if piece in self.special else self._encode(piece)
        return result

    def split(self, text: str, *, special: bool = False) -> list[str]:
        """The tokens themselves, as the vocabulary writes them."""
        return [self.tokens[i] for i in self.encode(text, special=special)]

    def decode(self, ids: Iterable[int], *, special: bool = False) -> str:
        """The text of a list of numbers; special tokens are left out unless `special`, broken UTF-8 becomes `�`."""
        return "".join(self.stream(ids, special=special))

    def stream(self, ids: Iterable[int], *, special: bool = False) -> Iterator[str]:
        """The text that each number adds, as soon as it comes: empty while a character still lacks some of its bytes.

        What is still incomplete at the end, or before a special token, becomes `�`. Raises `IndexError` on a number that
        the vocabulary does not have.
        """
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        start = True
        for i in ids:
            if not 0 <= i < len(self.tokens):
                raise IndexError(f"id={i} must lie between 0 and {len(self.tokens) - 1}; were these ids made by another tokenizer?")
            token = self.tokens[i]
            if token in self._special:
                piece = decoder.decode(b"", final=True) + (token if special else "")
            else:
                piece = decoder.decode(self._bytes(token, start))
                start = False
            yield piece
        if rest := decoder.decode(b"", final=True):
            yield rest

    def save(self, path: Path | str) -> None:
        """Write the tokenizer as JSON, one token a line."""
        entries = {"kind": type(self).__name__, **{field.name: getattr(self, field.name) for field in fields(self)}}
        lines = ",\n".join(f"{json.dumps(name)}: {_json(value)}" for name, value in entries.items())
        Path(path).write_text(f"{{\n{lines}\n}}\n", "utf8")

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read what `save` wrote; raises `ValueError` when the file holds another kind of tokenizer."""
        entries = json.loads(Path(path).read_text("utf8"))
        kind = entries.pop("kind", None) if isinstance(entries, dict) else None
        if kind != cls.__name__:
            raise ValueError(f"{path} holds kind={kind!r}, not a {cls.__name__}; read it with the class that saved it.")
        return cls(**{name: _tuples(value) for name, value in entries.items()})

    @cached_property
    def _special(self) -> frozenset[str]:
        return frozenset(self.special)

    @cached_property
    def _splitter(self) -> Pattern[str] | None:
        return splitter(self.special)

    @abstractmethod
    def _encode(self, text: str) -> list[int]: ...

    def _bytes(self, token: str, start: bool) -> bytes:
        """What an ordinary token adds to the text, in UTF-8; `start` when nothing comes before it."""
        return token.encode()

    def _unknown_id(self, what: str) -> int:
        if self.unknown is None:
            raise ValueError(
                f"{what!r} is not in the vocabulary and this tokenizer has no unknown token; "
                'give one (unknown="<unk>"), train on a text that holds it, or use Bytes or ByteBPE, which write everything.'
            )
        return self.ids[self.unknown]


def _refuse_half_pairs(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{text[error.start]!r} at position {error.start} is half a surrogate pair, not a character; "
            'clean the text first: text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").'
        ) from None


def _json(value: object) -> str:
    if isinstance(value, tuple) and value:
        return "[\n" + ",\n".join(json.dumps(item, ensure_ascii=False) for item in value) + "\n]"
    return json.dumps(value, ensure_ascii=False)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
