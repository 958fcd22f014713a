"""The plays of Shakespeare: as text, or speech by speech."""

import gzip
import json
import re
from functools import cache
from typing import NamedTuple

from d2lmini.data.download import fetch


class Speech(NamedTuple):
    """What somebody says at once, and in which play."""

    play: str
    speaker: str
    text: str


def plays() -> dict[str, str]:
    """The text of each play, by title: who speaks on a line, then what is said, stage directions in brackets.

    Raises `NotFetched` without the package.
    """
    return {title: _plain(text) for title, text in _pages().items()}


def speeches() -> list[Speech]:
    """Every speech of every play, without stage directions, its lines as they are printed."""
    found = []
    for title, text in _pages().items():
        for block in re.split(r"\n\n+", text):
            name, _, words = block.partition("\n")
            if (speaker := re.fullmatch(r"\*\*(.+?)\*\*\s*", name)) and (said := _said(words)):
                found.append(Speech(title, speaker[1], said))
    return found


@cache
def _pages() -> dict[str, str]:
    with gzip.open(fetch("shakespeare"), "rt", encoding="utf8") as file:
        pages: dict[str, str] = json.load(file)
    return {_title(name, text): text for name, text in pages.items()}


def _title(name: str, text: str) -> str:
    """The heading of a page, or where it has none, the name of its file."""
    first = text.split("\n", 1)[0]
    return first.removeprefix("# ") if first.startswith("# ") else name.replace("-", " ").title().replace(" For ", " for ")


def _plain(markdown: str) -> str:
    """Without the signs of Markdown; a stage direction, which it sets in italics, in brackets."""
    blocks = [_block(block) for block in re.split(r"\n{2,}", re.sub(r"[ \t]+$", "", _mended(markdown), flags=re.MULTILINE))]
    return "\n\n".join(block for block in blocks if block)


def _said(markdown: str) -> str:
    return re.sub(
        r"\n{2,}", "\n", re.sub(r"\[[^\]]*\] *", "", _block(re.sub(r"[ \t]+$", "", _mended(markdown), flags=re.MULTILINE)))
    ).strip()


def _block(markdown: str) -> str:
    text = re.sub(r"\*\*(.+?)\*\*", r"\1", re.sub(r"^#+ ", "", markdown))
    text = re.sub(r"(\*|_+)\s*\\?\[?\s*([^*_]*?)\s*\]?(\*|_+)", r"[\2]", text)
    return re.sub(r"\\(?=\W)|[*_]", "", text.replace("[]", "")).strip()


def _mended(markdown: str) -> str:
    """`& c`, as the package writes etc., and `&amp;`."""
    return re.sub(r"&amp;|& (?=[cC]\b)", "&", markdown).replace("&C", "&c").replace("& c", "&c")
