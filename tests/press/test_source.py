"""Reading: cells in order with their lines, and a refusal for each way a source can be malformed."""

import pytest

from book.press import Refused
from book.press.source import Code, Prose, read
from tests.press.samples import EN, FR, code, prose, write


def test_cells_come_in_order_with_the_lines_of_the_file(tmp_path):
    path = write(tmp_path, prose(), code("x = 1\nx"), prose("Fin.", "End."))
    rows = path.read_text("utf8").split("\n")
    first, middle, last = read(path)
    assert isinstance(first, Prose) and first.text == {"fr": FR, "en": EN}
    assert isinstance(middle, Code) and middle.text == "x = 1\nx"
    assert [rows[n - 1] for n in (first.line["fr"], first.line["en"], middle.line, last.line["fr"], last.line["en"])] == [
        FR.split("\n")[0], EN.split("\n")[0], "x = 1", "Fin.", "End.",
    ]  # fmt: skip


def test_tags_are_kept(tmp_path):
    (cell,) = read(write(tmp_path, '```python tags=["hide-input"]\nx\n```\n'))
    assert cell.tags == ("hide-input",)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (['<!-- #region lang="fr" -->\nSeul.\n<!-- #endregion -->\n'], "French prose without its English twin"),
        (['<!-- #region lang="fr" -->\nSeul.\n<!-- #endregion -->\n\n', code("x")], "French prose without its English twin"),
        (['<!-- #region lang="en" -->\nAlone.\n<!-- #endregion -->\n'], "English prose without its French twin"),
        (["Homeless prose.\n"], "prose without a language"),
        (['<!-- #region lang="de" -->\nHallo.\n<!-- #endregion -->\n'], "a region must say one of"),
        (["<!-- #region -->\nHello.\n<!-- #endregion -->\n"], "a region must say one of"),
        ([code("\n".join("x" for _ in range(26)))], "a code cell of 26 lines; 25 at most"),
    ],
)
def test_malformed_sources_are_refused_with_file_line_and_text(tmp_path, cells, message):
    path = write(tmp_path, *cells)
    with pytest.raises(Refused, match=message) as refusal:
        read(path)
    text = str(refusal.value)
    assert f"{path}:8:" in text or f"{path}:7:" in text, "file and line"
    assert len(text.split("\n")) >= 2, "the offending text"
