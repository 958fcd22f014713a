"""A set's source gives a solved notebook and an empty one; the bank fills in titles, facts and mistakes."""

import pytest

from book.press import Refused, practice, solutions
from book.press.split import split
from tests.press.samples import code, prose

CELL = """def softmax(x):
    #: n nombres | n numbers
    ### BEGIN SOLUTION
    return x.softmax(-1)
    ### END SOLUTION"""
SOURCE = (
    prose("# Jeu\n\n## {exercise}`softmax`\n\nÉcrivez.", "# Set\n\n## {exercise}`softmax`\n\nWrite.")
    + code(CELL)
    + code('check("softmax")')
    + prose("Voici.\n\n{mistakes}`softmax`", "Here.\n\n{mistakes}`softmax`").replace('" -->', '" tags=["solution"] -->')
)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "02_attention.md"
    path.write_text(SOURCE, "utf8")
    return path


def test_an_answer_leaves_a_stub_with_a_word_in_the_readers_language():
    assert solutions.code(CELL, "fr", unsolved=True) == "def softmax(x):\n    # n nombres\n    raise NotImplementedError  # à vous"
    assert solutions.code(CELL, "en") == "def softmax(x):\n    # n numbers\n    return x.softmax(-1)"
    value = "### BEGIN SOLUTION\na = 2\nsize = [a, 3]\n### END SOLUTION\n"
    assert solutions.code(value, "en", unsolved=True) == "size = ...  # your turn"
    assert solutions.is_answer(CELL) and not solutions.is_answer("check('softmax')")


def test_the_empty_notebook_holds_no_answer_and_its_cells_keep_their_ids(source):
    solved, empty = split(source, "fr"), split(source, "fr", unsolved=True)
    assert "softmax(-1)" in str(solved) and "softmax(-1)" not in str(empty)
    assert "Voici" in str(solved) and "Voici" not in str(empty)
    ids = [cell.id for cell in empty.cells]
    assert ids == [cell.id for cell in solved.cells if cell.id in ids]


def test_titles_facts_and_mistakes_come_from_the_bank(source):
    text = "\n".join(cell.source for cell in split(source, "en").cells)
    assert "## 1. A softmax that does not overflow\n\n*★☆☆ · 10 min · 2 points · " in text
    assert "- The exponential overflows when scores are large" in text


def test_the_page_folds_hints_and_solution(source):
    page = practice.page(source, "fr", split(source, "fr", unsolved=True))
    stub, hints, solution = (
        page.index(words) for words in ("raise NotImplementedError", "<summary>Indices</summary>", "<summary>Solution</summary>")
    )
    assert stub < hints < solution < page.index("softmax(-1)")
    assert 'check("' not in page


def test_an_unknown_exercise_is_refused_with_its_line(source):
    source.write_text(source.read_text("utf8").replace("{exercise}`softmax`", "{exercise}`sofmax`"), "utf8")
    with pytest.raises(Refused, match=r"02_attention.md:\d+: no exercise is called 'sofmax'; did you mean 'softmax'"):
        split(source, "en")


def test_sets_hold_each_exercise_of_the_bank_once_and_in_order():
    from book.press import SOLUTIONS
    from book.press.source import Prose, read
    from d2lmini.exercises.sets import SETS

    for path in sorted(SOLUTIONS.glob("*.md")):
        told = [name for cell in read(path) if isinstance(cell, Prose) for name in solutions.HEADING.findall(cell.text["en"])]
        assert told == [exercise.name for exercise in SETS[path.stem[3:]]]
