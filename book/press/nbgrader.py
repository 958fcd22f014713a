"""Exercise sets as nbgrader assignments, for schools that grade with it: `python -m book.press.nbgrader FOLDER --language fr`."""

import argparse
import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from book.press import SOLUTIONS, solutions, sources
from book.press.source import Code, read
from book.press.split import split
from d2lmini.exercises.notebook import find
from d2lmini.i18n import LANGUAGES, Language


def assignment(path: Path, language: Language) -> NotebookNode:
    """The source notebook of an assignment: answers between nbgrader's marks, and each check worth its exercise's points."""
    marked = {
        solutions.code(cell.text, language, unsolved=True): solutions.comments(cell.text, language)
        for cell in read(path)
        if isinstance(cell, Code) and solutions.is_answer(cell.text)
    }
    notebook = split(path, language, unsolved=True)
    for cell in notebook.cells:
        graded = re.match(r'check\("(\w+)"\)', cell.source)
        if cell.cell_type == "code" and cell.source in marked:
            cell.source = marked[cell.source]
            cell.metadata.nbgrader = _facts(f"answer-{cell.id}", solution=True)
        elif cell.cell_type == "code" and graded:
            cell.source = f'from d2lmini.exercises import earned\n\ncheck("{graded[1]}")\nearned("{graded[1]}")'
            cell.metadata.nbgrader = _facts(graded[1], grade=True, locked=True) | {"points": find(graded[1]).points}
    return notebook


def _facts(name: str, *, grade: bool = False, solution: bool = False, locked: bool = False) -> dict[str, object]:
    return {"schema_version": 3, "grade_id": name, "grade": grade, "solution": solution, "locked": locked, "task": False}


def main() -> None:
    """Write FOLDER/source/NN_slug/NN_slug.ipynb for each set, where `nbgrader generate_assignment` looks for it."""
    parser = argparse.ArgumentParser(prog="python -m book.press.nbgrader", description=__doc__)
    parser.add_argument("folder", type=Path, help="the course folder of nbgrader")
    parser.add_argument("--language", choices=LANGUAGES, default="en")
    chosen = parser.parse_args()
    for path in sources(shelves=(SOLUTIONS,)):
        place = chosen.folder / "source" / path.stem / f"{path.stem}.ipynb"
        place.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(assignment(path, chosen.language), place)
        print(place)


if __name__ == "__main__":
    main()
