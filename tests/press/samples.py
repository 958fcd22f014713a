"""Small bilingual sources, good and bad."""

from pathlib import Path

FR = """## Pourquoi diviser par $\\sqrt{d}$ ?
La variance vaut 1 000 fois plus, soit 0,5 de `q` [@vaswani2017attention] : voyez [les masques](03_masks.md)."""
EN = """## Why divide by $\\sqrt{d}$?
The variance is 1,000 times larger, 0.5 of `q` [@vaswani2017attention]: see [the masks](03_masks.md)."""


def prose(fr: str = FR, en: str = EN) -> str:
    """A pair of twin cells."""
    return f'<!-- #region lang="fr" -->\n{fr}\n<!-- #endregion -->\n\n<!-- #region lang="en" -->\n{en}\n<!-- #endregion -->\n\n'


def code(text: str) -> str:
    """A code cell."""
    return f"```python\n{text}\n```\n\n"


def write(folder: Path, *cells: str, name: str = "01_sample") -> Path:
    """A source file made of cells."""
    path = folder / f"{name}.md"
    header = "---\njupyter:\n  jupytext:\n    text_representation: {extension: .md, format_name: markdown, format_version: '1.3'}\n---\n\n"
    path.write_text(header + "".join(cells), "utf8")
    return path
