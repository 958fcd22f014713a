"""Turn a bilingual source into one notebook a language: stable ids, French typography, portable links."""

import hashlib
import re
import sys
from functools import cache
from pathlib import Path
from typing import Literal

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from book.press import CHAPTERS, PAGES, ROOT, SOLUTIONS, Refused, bibliography, markup, solutions, sources
from book.press.source import Code, Prose, read
from d2lmini.i18n import LANGUAGES, THIN, Language, apostrophes, typography

Flavour = Literal["notebook", "book"]  # plain Markdown for any notebook reader, or MyST for Sphinx
BOX_TITLES = {
    "fr": {"note": "Remarque", "tip": "Conseil", "warning": "Attention", "important": "Important"},
    "en": {"note": "Note", "tip": "Tip", "warning": "Warning", "important": "Important"},
}


def split(path: Path, language: Language, flavour: Flavour = "notebook", unsolved: bool = False) -> NotebookNode:
    """The notebook of one language, not yet executed. Both flavours have the same cells and ids; an unsolved one lacks the answers."""
    cells: list[NotebookNode] = []
    seen: dict[str, int] = {}
    for cell in read(path):
        if unsolved and solutions.TAG in cell.tags:
            continue
        if isinstance(cell, Code):
            text = solutions.code(cell.text, language, unsolved)
            node = new_code_cell(text, metadata={"tags": list(cell.tags)} if cell.tags else {})
        else:
            node = new_markdown_cell(prose(path, cell, language, flavour))
        node.id = _identity(path, cell, seen)
        cells.append(node)
    if any(cell.cell_type == "code" for cell in cells):
        opening = new_code_cell(f'import d2lmini\n\nd2lmini.start("{language}")', metadata={"tags": ["remove-cell"]})
        opening.id = "start"
        cells.insert(1 if cells[0].cell_type == "markdown" else 0, opening)
    notebook = new_notebook(cells=cells, metadata={
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "d2l": {"source": path.name, "language": language},
    })  # fmt: skip
    nbformat.validate(notebook)
    return notebook


def _identity(path: Path, cell: Code | Prose, seen: dict[str, int]) -> str:
    """An id that follows the cell's content, so that a new cell leaves its neighbours' ids alone."""
    text = cell.text if isinstance(cell, Code) else "\n".join(cell.text.values())
    digest = hashlib.sha256(f"{path.stem}\n{text}".encode()).hexdigest()[:10]
    seen[digest] = seen.get(digest, 0) + 1
    return digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"


def prose(path: Path, cell: Prose, language: Language, flavour: Flavour) -> str:
    """A prose cell in one language, its typography, citations and links in place."""
    try:
        text = solutions.expand(cell.text[language], language)
    except ValueError as problem:
        raise Refused(path, cell.line[language], str(problem)) from None
    text = markup.spare(text, typography if language == "fr" else apostrophes)
    text = _cite(path, text, cell.line[language], language, flavour)
    text = re.sub(r"\]\((\d\d_\w+)\.md(?=[)#])", lambda match: f"]({_address(path, match[1], language, flavour)}", text)
    return text if flavour == "book" else _portable(text, language)


def _address(path: Path, page: str, language: Language, flavour: Flavour) -> str:
    """Where a link to another chapter or set leads: a page of the book, or a notebook beside this one or on the other shelf."""
    name = page.removesuffix(solutions.SUFFIX)
    if flavour == "book":
        return f"{page}.md" if name != page else f"{page}.ipynb"
    if name != page:
        return f"../../exercises/{language}/{name}.ipynb"
    return f"../../chapters/{language}/{name}.ipynb" if path.parent == SOLUTIONS else f"{name}.ipynb"


@cache
def _references() -> dict[str, bibliography.Entry]:
    return bibliography.load(ROOT / "book" / "references.bib")


def _cite(path: Path, text: str, line: int, language: Language, flavour: Flavour) -> str:
    """`[@key]` → ([Vaswani et al., 2017](…)) and `@key` → [Vaswani et al. (2017)](…)."""
    entries = _references()

    def link(key: str, form: str) -> str:
        if key not in entries:
            raise Refused(path, line, f"@{key} is not in book/references.bib", text[:120])
        entry = entries[key]
        address = bibliography.anchor(entry) if flavour == "book" else bibliography.url(entry)
        return f"[{form.format(bibliography.label(entry, language), entry.year)}]({address})"

    def several(match: re.Match[str]) -> str:
        between = f"{THIN}; " if language == "fr" else "; "
        return "(" + between.join(link(key, "{}, {}") for key in re.findall(r"@([\w-]+)", match[0])) + ")"

    def cite(words: str) -> str:
        words = re.sub(rf"\[{markup.CITATION}(?:; {markup.CITATION})*\]", several, words)
        return re.sub(markup.CITATION, lambda match: link(match[0][1:], "{} ({})"), words)

    return markup.spare(text, cite, markup.VERBATIM)


def _portable(text: str, language: Language) -> str:
    """MyST → Markdown that Jupyter, Colab and forges display: plain terms, quoted boxes, no dead links."""
    text = re.sub(r"\{term\}`([^`<]*?)(?: *<[^`>]*>)?`", r"\1", text)
    pages = "|".join(page.stem for page in PAGES.glob("*.md"))
    if pages:
        text = re.sub(rf"\[([^\]]*)\]\((?:{pages})\.md(?:#[^)]*)?\)", r"\1", text)

    def quoted(match: re.Match[str]) -> str:
        title = match[2].strip() or BOX_TITLES[language][match[1]]
        return "\n".join(["> **" + title + "**", ">", *(f"> {row}".rstrip() for row in match[3].strip("\n").split("\n"))])

    return re.sub(r"^:{3,}\{(\w+)\}([^\n]*)\n(.*?)^:{3,}\s*$", quoted, text, flags=re.M | re.S)


def main(names: list[str]) -> None:
    """Say what would be split; `execute` writes the notebooks, for an unexecuted one is worth nothing."""
    for path in sources(names, (CHAPTERS,)):
        for language in LANGUAGES:
            cells = split(path, language).cells
            code = sum(cell.cell_type == "code" for cell in cells)
            print(f"{CHAPTERS.name}/{language}/{path.stem}.ipynb: {len(cells)} cells, {code} of code")


if __name__ == "__main__":
    main(sys.argv[1:])
