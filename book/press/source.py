"""Read a bilingual source: code cells shared by both languages, prose cells in pairs."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import jupytext

from book.press import Refused
from d2lmini.i18n import LANGUAGES, Language

MAX_LINES = 25


@dataclass(frozen=True, kw_only=True)
class Code:
    """A code cell and the line of the source where it starts."""

    text: str
    line: int
    tags: tuple[str, ...] = field(default=())


@dataclass(frozen=True, kw_only=True)
class Prose:
    """Twin prose cells: a text and its first line for each language."""

    text: dict[Language, str]
    line: dict[Language, int]
    tags: tuple[str, ...] = field(default=())


def read(path: Path) -> list[Code | Prose]:
    """The cells of a source, in order.

    Raises `Refused` on prose without its twin, twins out of order, prose without a language,
    a language other than fr and en, and code cells of more than 25 lines.
    """
    raw = path.read_text("utf8")
    _refuse_unknown_regions(path, raw)
    cells: list[Code | Prose] = []
    waiting: tuple[str, int] | None = None  # a French cell that still lacks its twin
    position = 0
    for cell in jupytext.reads(raw, fmt="md").cells:
        text = cell.source.strip("\n")
        if not text.strip():
            continue
        position = raw.index(text, position)
        line = raw.count("\n", 0, position) + 1
        position += len(text)
        language = None if cell.cell_type == "code" else cell.metadata.get("lang")
        if language == "en" and waiting:
            tags = tuple(cell.metadata.get("tags", ()))
            cells.append(Prose(text={"fr": waiting[0], "en": text}, line={"fr": waiting[1], "en": line}, tags=tags))
            waiting = None
            continue
        if waiting:
            raise Refused(path, waiting[1], "French prose without its English twin", f"fr: {_first(waiting[0])}")
        if language == "fr":
            waiting = (text, line)
        elif language == "en":
            raise Refused(path, line, "English prose without its French twin before it", f"en: {_first(text)}")
        elif cell.cell_type == "code":
            cells.append(_code(path, text, line, cell.metadata.get("tags", [])))
        else:
            raise Refused(path, line, 'prose without a language; wrap it in <!-- #region lang="fr" --> and its twin', _first(text))
    if waiting:
        raise Refused(path, waiting[1], "French prose without its English twin", f"fr: {_first(waiting[0])}")
    return cells


def _code(path: Path, text: str, line: int, tags: list[str]) -> Code:
    n = text.count("\n") + 1
    if n > MAX_LINES:
        raise Refused(path, line, f"a code cell of {n} lines; {MAX_LINES} at most, split it in two", _first(text))
    return Code(text=text, line=line, tags=tuple(tags))


def _refuse_unknown_regions(path: Path, raw: str) -> None:
    for match in re.finditer(r"<!-- #region(.*?)-->", raw):
        language = re.search(r'lang="([^"]*)"', match[1])
        if language is None or language[1] not in LANGUAGES:
            line = raw.count("\n", 0, match.start()) + 1
            raise Refused(path, line, f"a region must say one of lang={LANGUAGES}", match[0])


def _first(text: str) -> str:
    """The first line, to recognize a cell by."""
    return text.split("\n", 1)[0][:90]
