"""What is in a prose cell: the pieces that twins must share, and the pieces typography must not touch."""

import re
from collections import Counter
from collections.abc import Callable
from functools import cache

import yaml

from book.press import ROOT
from d2lmini.i18n import Language

FENCE = r"^(?:```|~~~).*?^(?:```|~~~)\s*?$"
CODE = r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)"
ROLE = r"\{(?:[\w:]+)\}`[^`]*`"
MATH = r"\$\$.+?\$\$(?: \([\w-]+\))?|(?<![\\$])\$(?! )[^$\n]+?(?<! )\$"
TARGET = r"\]\([^)\n]*\)"
CITATION = r"(?<![\w.])@[\w-]*\w"
MARKER = r"^:{3,}(?:\{\w+\})?|^\|[\s:|-]+\|\s*$"
PROTECTED = re.compile(f"{FENCE}|{ROLE}|{CODE}|{MATH}|{TARGET}|<[^<>]+>|https?://\\S+|{CITATION}|{MARKER}", re.M | re.S)
VERBATIM = re.compile(f"{FENCE}|{ROLE}|{CODE}", re.M | re.S)
HOLE = "\ue000"


def spare(text: str, change: Callable[[str], str], protected: re.Pattern[str] = PROTECTED) -> str:
    """Change the words of a Markdown text and none of its code, mathematics, links or HTML."""
    pieces = [match[0] for match in protected.finditer(text)]
    changed = change(protected.sub(HOLE, text))
    if changed.count(HOLE) != len(pieces):
        raise ValueError(f"the change lost a protected piece of: {text[:80]!r}")
    return re.sub(HOLE, lambda _: pieces.pop(0), changed)


def words(text: str) -> str:
    """The text without code, mathematics, addresses and HTML; roles keep their words."""
    text = re.sub(r"\{[\w:]+\}`([^`<]*?)(?: *<[^`]*>)?`", r"\1", text)
    return PROTECTED.sub(" ", text)


# --- what twins must share ------------------------------------------------------------------------


def headings(text: str) -> Counter[str]:
    """Heading levels: `##`."""
    return Counter(re.findall(r"^(#{1,6}) ", re.sub(FENCE, "", text, flags=re.M | re.S), re.M))


def equations(text: str, language: Language) -> Counter[str]:
    """Formulas, up to spacing, words in text mode and the decimal mark."""
    found = re.findall(r"\$\$(.+?)\$\$|(?<![\\$])\$(?! )([^$\n]+?)(?<! )\$", without_code(text), re.S)
    return Counter(_formula(a or b, language) for a, b in found)


def _formula(tex: str, language: Language) -> str:
    tex = re.sub(r"\\(?:text|textit|mathrm|operatorname)\{[^{}]*\}", r"\\text", tex)
    tex = tex.replace("{,}", "." if language == "fr" else "")
    return re.sub(r"\\[,;!:]|~|\s", "", tex)


def code_spans(text: str) -> Counter[str]:
    """Inline code, roles left out."""
    text = re.sub(ROLE, "", re.sub(FENCE, "", text, flags=re.M | re.S))
    return Counter(match[0] for match in re.finditer(CODE, text, re.S))


def fences(text: str) -> Counter[str]:
    """Fenced blocks, whole."""
    return Counter(re.findall(FENCE, text, re.M | re.S))


def without_code(text: str) -> str:
    """The text without fences, roles and inline code."""
    return VERBATIM.sub(" ", text)


def citations(text: str) -> Counter[str]:
    """Keys of the bibliography."""
    return Counter(re.findall(CITATION, without_code(text)))


def links(text: str) -> Counter[str]:
    """Addresses, those of a site's French and English editions counted as one."""
    found = re.findall(r"(?<!!)\[[^\]]*\]\(([^)\s]+)", without_code(text))
    return Counter(re.sub(r"(?<=[/.])(fr|en)(?=[/.])", "··", address) for address in found)


def figures(text: str) -> Counter[str]:
    """Pictures placed by hand."""
    return Counter(re.findall(r"!\[[^\]]*\]\(([^)\s]+)", without_code(text)))


def boxes(text: str) -> Counter[str]:
    """Admonitions and foldable questions, by kind."""
    return Counter(re.findall(r"(?<=^:::\{)\w+(?=\})|(?<=<)details(?=>)", text, re.M))


def numbers(text: str, language: Language) -> Counter[str]:
    """Figures in the prose, written one way whatever the language: `1 000,5` = `1,000.5`; sections (§3.2.1) as they are."""
    section = r"(?<=§)\s*\d+(?:\.\d+)*"
    if language == "fr":
        found = re.findall(rf"{section}|\d{{1,3}}(?:[ \u00a0\u202f]\d{{3}})+(?!\d)(?:,\d+)?|\d+(?:,\d+)?", words(text))
        return Counter(re.sub(r"\s", "", number).replace(",", ".") for number in found)
    found = re.findall(rf"{section}|\d{{1,3}}(?:,\d{{3}})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?", words(text))
    return Counter(number.replace(",", "").strip() for number in found)


# --- the glossary ---------------------------------------------------------------------------------


@cache
def glossary() -> tuple[dict, ...]:
    """The entries of `book/glossary.yml`: fr, en, def_fr, def_en and perhaps avoid."""
    return tuple(yaml.safe_load((ROOT / "book" / "glossary.yml").read_text("utf8")))


def terms(text: str) -> list[str]:
    """The glossary words that a cell points to, in its own language."""
    found = re.findall(r"\{term\}`([^`<]*?)(?: *<([^`>]*)>)?`", text)
    return [key or word for word, key in found]
