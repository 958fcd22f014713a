"""Refuse twins that don't say the same, and prose that isn't in its own language."""

import ast
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from book.press import PAGES, Refused, markup, sources
from book.press.source import Code, Prose, read
from d2lmini.i18n import LANGUAGES, Language

# What twins must share, and how it is read from a text.
SHARED: dict[str, Callable[[str, Language], Counter[str]]] = {
    "heading levels": lambda text, _: markup.headings(text),
    "equations": markup.equations,
    "code spans": lambda text, _: markup.code_spans(text),
    "code blocks": lambda text, _: markup.fences(text),
    "citations": lambda text, _: markup.citations(text),
    "links": lambda text, _: markup.links(text),
    "figures": lambda text, _: markup.figures(text),
    "boxes": lambda text, _: markup.boxes(text),
    "numbers": markup.numbers,
}
# Words that are frequent in one language and foreign to the other.
FUNCTION_WORDS = {
    "fr": set("le la les un une des du et est que qui dans pour avec vous ce cette il elle ne pas au aux sont par plus ses".split()),
    "en": set("the of and is that with for you this it not to in are by from its their be as an at which what each does".split()),
}


def check(path: Path) -> None:
    """Read a source and raise `Refused` at the first pair of twins that disagree."""
    for cell in read(path):
        if isinstance(cell, Prose):
            check_twins(path, cell)
            for language in LANGUAGES:
                check_language(path, cell.text[language], cell.line[language], language)
                check_terms(path, cell.text[language], cell.line[language], language)
        else:
            check_strings(path, cell)


def check_twins(path: Path, cell: Prose) -> None:
    """Same headings, equations, code, citations, links, figures, boxes, terms and numbers."""
    fr, en = cell.text["fr"], cell.text["en"]
    for what, pieces in SHARED.items():
        in_fr, in_en = pieces(fr, "fr"), pieces(en, "en")
        if in_fr != in_en:
            raise Refused(
                path,
                cell.line["fr"],
                f"twins differ in {what} (the English twin is at line {cell.line['en']})",
                f"fr only: {_listed(in_fr - in_en)}; fr text: {_around(fr, 'fr', pieces, in_fr - in_en)}",
                f"en only: {_listed(in_en - in_fr)}; en text: {_around(en, 'en', pieces, in_en - in_fr)}",
            )
    if _entries(path, cell, "fr") != _entries(path, cell, "en"):
        raise Refused(path, cell.line["fr"], "twins differ in glossary terms", str(markup.terms(fr)), str(markup.terms(en)))


def check_language(path: Path, text: str, line: int, language: Language) -> None:
    """Refuse a paragraph written in the other language, and straight quotation marks in French."""
    for paragraph, offset in _paragraphs(text):
        found = re.findall(r"[^\W\d_]+", markup.words(paragraph).lower())
        score = {lang: sum(word in FUNCTION_WORDS[lang] for word in found) for lang in LANGUAGES}
        other: Language = "en" if language == "fr" else "fr"
        if score[other] >= 3 and score[other] > 2 * score[language]:
            raise Refused(path, line + offset, f"a paragraph in {other} inside a cell in {language}", paragraph[:120])
        if language == "fr" and '"' in markup.words(paragraph):
            raise Refused(path, line + offset, 'French prose quotes with « … », not with "…"', paragraph[:120])


def check_terms(path: Path, text: str, line: int, language: Language) -> None:
    """Refuse a word that the glossary says to avoid; in italics, as a foreign word, it may stand."""
    plain = re.sub(r"(?<!\*)\*[^*\n]+\*(?!\*)", " ", markup.words(text))
    for entry in markup.glossary():
        for word in entry.get("avoid", []) if language == "fr" else []:
            match = re.search(rf"\b{re.escape(word)}s?\b", plain, re.I)
            if match:
                around = plain[max(0, match.start() - 50) : match.end() + 50]
                raise Refused(path, line, f"the glossary says « {entry['fr']} », not « {word} »", around)


def check_strings(path: Path, cell: Code) -> None:
    """The strings of `t("…", "…")` in the code carry the same numbers."""
    code = "\n".join("" if re.match(r"\s*[%!]", row) else row for row in cell.text.split("\n"))
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "t":
            fr, en = ("".join(_literals(arg)) for arg in node.args)
            if markup.numbers(fr, "fr") != markup.numbers(en, "en"):
                raise Refused(path, cell.line + node.lineno - 1, "the two texts of t(…) differ in numbers", f"fr: {fr}", f"en: {en}")


def _literals(node: ast.expr) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def _entries(path: Path, cell: Prose, language: Language) -> Counter[str]:
    """The glossary entries of a cell, named in English so that twins compare."""
    known = {entry[language]: entry["en"] for entry in markup.glossary()}
    found: Counter[str] = Counter()
    for word in markup.terms(cell.text[language]):
        if word not in known:
            rule = f"{{term}}`{word}` is not in book/glossary.yml"
            raise Refused(path, cell.line[language], rule, f"write the entry's own word: {{term}}`{word} <entry>`, or add the entry")
        found[known[word]] += 1
    return found


def _paragraphs(text: str) -> Iterator[tuple[str, int]]:
    """The paragraphs of a cell, fenced code left out, each with the line where it starts."""
    text = re.sub(markup.FENCE, lambda m: "\n" * m[0].count("\n"), text, flags=re.M | re.S)
    for match in re.finditer(r"\S.*?(?=\n\s*\n|\Z)", text, re.S):
        yield match[0], text.count("\n", 0, match.start())


def _listed(found: Counter[str]) -> str:
    return ", ".join(sorted(found.elements())) or "—"


def _around(text: str, language: Language, pieces: Callable[[str, Language], Counter[str]], missing: Counter[str]) -> str:
    """The line that holds the first of the differing pieces, or the cell's first line."""
    rows = text.split("\n")
    return next((row.strip()[:160] for row in rows if pieces(row, language) & missing), rows[0][:160])


def main(names: list[str]) -> None:
    """Check the named chapters, or every chapter and page."""
    paths = sources(names) + ([] if names else sorted(PAGES.glob("*.md")))
    refusals = []
    for path in paths:
        try:
            check(path)
        except Refused as refusal:
            refusals.append(str(refusal))
    if refusals:
        raise SystemExit("\n".join(refusals))
    print(f"parity: {len(paths)} sources say the same in both languages")


if __name__ == "__main__":
    main(sys.argv[1:])
