"""Byte-level BPE, the tokenizer of GPT-2: merges of bytes, so that every text can be written and comes back exactly."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from d2lmini.tokenizers.bpe import BPE
from d2lmini.tokenizers.bpe_training import learn_merges
from d2lmini.tokenizers.pretokens import gpt2_words


def byte_alphabet() -> tuple[str, ...]:
    """One visible character a byte: itself when it can be seen, else the next one from U+0100 on (Radford et al. 2019).

    >>> [byte_alphabet()[byte] for byte in b"A e" + "é".encode()]
    ['A', 'Ġ', 'e', 'Ã', '©']
    """
    visible = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    hidden = [byte for byte in range(256) if byte not in visible]
    return tuple(chr(byte if byte in visible else 0x100 + hidden.index(byte)) for byte in range(256))


ALPHABET = byte_alphabet()
TO_BYTE = {character: byte for byte, character in enumerate(ALPHABET)}


@dataclass(frozen=True, kw_only=True)
class ByteBPE(BPE):
    """BPE on the bytes of UTF-8, its tokens written in `byte_alphabet` as in the files that GPT-2 published.

    >>> tokenizer = ByteBPE.train(["le marché, les marchés"], 267)
    >>> tokenizer.split(" marchés €")
    ['ĠmarchÃ©', 's', 'Ġ', 'â', 'Ĥ', '¬']
    >>> tokenizer.decode(tokenizer.encode(" marchés €"))
    ' marchés €'
    >>> list(tokenizer.stream(tokenizer.encode("s €")))
    ['s', ' ', '', '', '€']
    """

    @classmethod
    def train(
        cls, texts: Iterable[str], vocab_size: int, *, special: Sequence[str] = (), unknown: str | None = None, min_count: int = 2
    ) -> Self:
        """Learn merges on `texts`, as `learn_merges` says; all 256 bytes are tokens, so `unknown` is not needed."""
        words = Counter(word for text in texts for word in gpt2_words(text))
        spelled = {"".join(ALPHABET[byte] for byte in word.encode()): seen for word, seen in words.items()}
        tokens, merges = learn_merges(spelled, vocab_size, special=special, alphabet=ALPHABET, min_count=min_count)
        return cls(tokens=tokens, merges=merges, special=tuple(special), unknown=unknown)

    @classmethod
    def from_gpt2(cls, vocabulary: Path | str, merges: Path | str, *, special: Sequence[str] = ("<|endoftext|>",)) -> Self:
        """Read the two files of GPT-2: `encoder.json` (or `vocab.json`) and `vocab.bpe` (or `merges.txt`)."""
        ids: dict[str, int] = json.loads(Path(vocabulary).read_text("utf8"))
        lines = [line.split(" ") for line in Path(merges).read_text("utf8").split("\n") if line and not line.startswith("#version")]
        return cls(tokens=tuple(sorted(ids, key=ids.__getitem__)), merges=tuple((a, b) for a, b in lines), special=tuple(special))

    def __post_init__(self) -> None:
        super().__post_init__()
        for token in self.special:
            if token in TO_BYTE:
                raise ValueError(f"special token {token!r} must not be the sign of a byte, or a text would write it; try {f'<{token}>'!r}.")

    def _spelled(self, word: str) -> list[int]:
        return [self.ids[ALPHABET[byte]] for byte in word.encode()]

    def _bytes(self, token: str, start: bool) -> bytes:
        return bytes(TO_BYTE[character] for character in token)
