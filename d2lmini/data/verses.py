"""Verses of the Bible in five old translations, aligned line by line: real parallel text."""

import re
from functools import cache

from d2lmini.data.download import fetch
from d2lmini.data.extract import VERSIONS, table

# The French count the title of a psalm as a verse and say so: (9:1). Brackets hold words that translators added.
MARKS = re.compile(r"\(\d+:\d+\)\s*|(?<= )-(?=[\[\w])|[\[\]*#`]")


def verses(version: str) -> list[str]:
    """The 31,102 verses of a version: `basic`, `kjv`, `web` in English, `segond`, `darby` in French; line `i` is the same verse in all.

    Numbers of verses and brackets inside the text are left out; 20 verses that `basic` leaves out are empty.
    Raises `ValueError` on another version, `NotFetched` without the package.
    """
    if version not in VERSIONS:
        raise ValueError(f"version={version!r} must be one of {', '.join(VERSIONS)}; try 'segond'.")
    return list(_columns()[3 + list(VERSIONS).index(version)])


def verse_pairs(en: str = "basic", fr: str = "segond") -> list[tuple[str, str]]:
    """The verses that both versions have, in the order of the book."""
    return [pair for pair in zip(verses(en), verses(fr), strict=True) if all(pair)]


def places() -> list[tuple[int, int, int]]:
    """Where each verse stands: the number of its book (1 to 66, from 40 on the New Testament), chapter and verse."""
    book, chapter, verse = ([int(number) for number in column] for column in _columns()[:3])
    return list(zip(book, chapter, verse, strict=True))


@cache
def _columns() -> list[tuple[str, ...]]:
    _, *rows = table(fetch("verses"))
    book, chapter, verse, *texts = zip(*rows, strict=True)
    return [book, chapter, verse, *(tuple(map(_clean, text)) for text in texts)]


def _clean(text: str) -> str:
    return " ".join(MARKS.sub(lambda mark: "'" if mark[0] == "`" else "", text).split())
