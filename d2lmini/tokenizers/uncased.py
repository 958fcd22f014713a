"""The tokenizer of BERT uncased: WordPiece on a text without capitals, accents and control characters."""

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from d2lmini.tokenizers.wordpiece import WordPiece

IDEOGRAPH = re.compile(  # each is a word (Devlin et al. 2019, their code: `_is_chinese_char`)
    "[\u4e00-\u9fff\u3400-\u4dbf\U00020000-\U0002a6df\U0002a700-\U0002b73f\U0002b740-\U0002b81f\U0002b820-\U0002ceaf"
    "\uf900-\ufaff\U0002f800-\U0002fa1f]"
)


@dataclass(frozen=True, kw_only=True)
class UncasedWordPiece(WordPiece):
    """A `WordPiece` that reads `Été` as `ete`; decoding gives what it has read.

    >>> tokenizer = UncasedWordPiece(tokens=("[UNK]", "ete", "a", "##a"), unknown="[UNK]")
    >>> tokenizer.split("Été\\tAA"), UncasedWordPiece.plain("Noël à 東京")
    (['ete', 'a', '##a'], 'noel a  東  京 ')
    """

    @classmethod
    def from_vocab(cls, path: Path | str) -> Self:
        """Read the `vocab.txt` that Google published: one token a line, the special ones in square brackets."""
        tokens = tuple(Path(path).read_text("utf8").removesuffix("\n").split("\n"))
        names = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
        return cls(tokens=tokens, special=tuple(token for token in names if token in tokens), unknown="[UNK]")

    @staticmethod
    def plain(text: str) -> str:
        """Spaces for white space, nothing for other control characters and unassigned ones, no accents, small letters."""
        kept = (" " if c in "\t\n\r" or c.isspace() else c for c in text if c in "\t\n\r" or _prints(c))
        apart = IDEOGRAPH.sub(r" \g<0> ", "".join(kept))
        bare = (c for c in unicodedata.normalize("NFD", apart) if unicodedata.category(c) != "Mn")
        return "".join(c.lower() for c in bare)  # one by one: a final sigma is a sigma

    def _encode(self, text: str) -> list[int]:
        return super()._encode(self.plain(text))


def _prints(character: str) -> bool:
    return unicodedata.category(character)[0] != "C" and character != "\ufffd"
