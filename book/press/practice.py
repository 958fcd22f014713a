"""The page of an exercise set: each statement with its empty answer, hints and solution folded below."""

from pathlib import Path

from nbformat import NotebookNode

from book.press import solutions
from book.press.source import Code, read
from book.press.split import prose
from book.press.ui import UI
from d2lmini.i18n import Language, apostrophes, typography


def page(path: Path, language: Language, executed: NotebookNode) -> str:
    """The set in Markdown for Sphinx, with what the cells of its executed notebook print; the checks belong to the notebook."""
    printed = {cell.source: "".join(output.get("text", "") for output in cell.get("outputs", ())) for cell in executed.cells}
    parts: list[str] = []
    hints: list[str] = []
    solved: list[str] = []  # the answers of the exercise being told, until its explanation comes
    for cell in read(path):
        if isinstance(cell, Code):
            if cell.text.startswith("check("):
                continue
            empty = solutions.code(cell.text, language, unsolved=True)
            parts.append(_fence(empty))
            if printed.get(empty) and "check_all" not in empty:
                parts.append(_fence(printed[empty].rstrip("\n"), "text"))
            if solutions.is_answer(cell.text):
                solved.append(_fence(solutions.code(cell.text, language)))
                parts += [_folded(UI[language]["hints"], _numbered(hints, language))] if hints else []
                hints = []
            continue
        text = prose(path, cell, language, "book")
        if solutions.TAG in cell.tags:
            parts.append(_folded(UI[language]["solution"], "\n\n".join([*solved, text])))
            solved = []
        else:
            parts.append(text)
            hints = solutions.hints(cell.text[language], language)
    return "\n\n".join(parts)


def _numbered(hints: list[str], language: Language) -> str:
    return "\n".join(f"{n}. {(typography if language == 'fr' else apostrophes)(hint)}" for n, hint in enumerate(hints, 1))


def _fence(text: str, kind: str = "python") -> str:
    return f"```{kind}\n{text}\n```"


def _folded(summary: str, text: str) -> str:
    return f"<details>\n<summary>{summary}</summary>\n\n{text}\n\n</details>"
