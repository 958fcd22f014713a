"""A set becomes an nbgrader assignment: answers between its marks, each check worth the exercise's points."""

from itertools import pairwise

import pytest

from book.press import SOLUTIONS, nbgrader, sources
from d2lmini.exercises.sets import SETS


@pytest.mark.parametrize("path", sources(shelves=(SOLUTIONS,)), ids=lambda path: path.stem)
def test_checks_carry_the_points_and_answers_their_marks(path):
    cells = [cell for cell in nbgrader.assignment(path, "fr").cells if "nbgrader" in cell.metadata]
    graded = {cell.metadata.nbgrader["grade_id"]: cell for cell in cells if cell.metadata.nbgrader["grade"]}
    assert {name: cell.metadata.nbgrader["points"] for name, cell in graded.items()} == {e.name: e.points for e in SETS[path.stem[3:]]}
    assert all(cell.source.endswith(f'earned("{name}")') and cell.metadata.nbgrader["locked"] for name, cell in graded.items())
    answers = [cell.source for cell in cells if cell.metadata.nbgrader["solution"]]
    assert len(answers) >= len(graded)  # an open question has an answer and no check
    assert all(before.metadata.nbgrader["solution"] for before, cell in pairwise(cells) if cell.metadata.nbgrader["grade"])
    assert all("### BEGIN SOLUTION" in answer and "### END SOLUTION" in answer and "#:" not in answer for answer in answers)
