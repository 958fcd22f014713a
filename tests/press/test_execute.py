"""Executed notebooks: repeatable to the byte, complete, honest about failures."""

import json

import nbformat
import pytest

from book.press import Refused, execute, fingerprint
from tests.press.samples import code, prose, write

FIGURE = 'from d2lmini import plots\nfig, ax = plots.figure()\n_ = ax.plot([1, 3, 2])\nplots.show(fig, alt="un pic / a peak")'


@pytest.fixture
def chapter(tmp_path):
    return write(tmp_path, prose(), code("import sys, time\nprint(6 * 7)\nsys.stdout.flush()\ntime.sleep(0.3)\nprint(7 * 7)"), code(FIGURE))


def test_two_runs_give_the_same_bytes(chapter):
    execute.update(chapter, "fr")
    place = execute.target(chapter, "fr")
    first = place.read_bytes()
    place.unlink()
    execute.update(chapter, "fr")
    assert place.read_bytes() == first and b"<svg" in first
    assert nbformat.read(place, as_version=4).cells[2].outputs[0].text == "42\n49\n"


def test_unchanged_code_is_not_run_again_and_changed_prose_is_retold(chapter):
    assert "executed" in execute.update(chapter, "fr")
    assert "kept" in execute.update(chapter, "fr")
    chapter.write_text(chapter.read_text("utf8").replace("La variance", "Sa variance"), "utf8")
    assert "prose renewed" in execute.update(chapter, "fr")
    assert "Sa variance" in execute.target(chapter, "fr").read_text("utf8") and execute.is_fresh(chapter, "fr")
    chapter.write_text(chapter.read_text("utf8").replace("6 * 7", "6 * 8"), "utf8")
    assert "executed" in execute.update(chapter, "fr")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda cells: cells[2].update(execution_count=None, outputs=[]), "never executed"),
        (lambda cells: cells[2].update(source=["print(6 * 7) "]), "differs from 01_sample.md"),
        (lambda cells: cells[0].update(source=["Other prose"]), "differs from 01_sample.md"),
        (lambda cells: cells.pop(), "has 3 cells where 01_sample.md gives 4"),
    ],
)
def test_a_damaged_notebook_is_not_fresh(chapter, damage, reason):
    execute.update(chapter, "en")
    assert execute.why_stale(chapter, "en") is None
    place = execute.target(chapter, "en")
    notebook = json.loads(place.read_text("utf8"))
    damage(notebook["cells"])
    place.write_text(json.dumps(notebook), "utf8")
    assert reason in execute.why_stale(chapter, "en")


def test_a_failing_cell_names_chapter_language_cell_and_traceback(tmp_path):
    path = write(tmp_path, prose(), code("x = 1"), code("x / 0"))
    with pytest.raises(SystemExit, match=r"01_sample.md \[fr\], cell 4 \(\w+\) failed:[\s\S]*x / 0[\s\S]*ZeroDivisionError"):
        execute.update(path, "fr")
    assert not execute.target(path, "fr").exists()


def test_a_figure_without_alternative_text_is_refused(tmp_path):
    path = write(tmp_path, prose(), code("import matplotlib.pyplot as plt\n_ = plt.plot([1, 2])\nplt.show()"))
    line = path.read_text("utf8").split("import matplotlib")[0].count("\n") + 1
    with pytest.raises(Refused, match=rf"01_sample.md:{line}: a figure without alternative text \[en\]"):
        execute.update(path, "en")


def test_widgets_get_stable_names(tmp_path):
    path = write(tmp_path, code("import ipywidgets\nipywidgets.HBox([ipywidgets.IntSlider(value=v) for v in (3, 5)])"))
    execute.update(path, "en")
    place = execute.target(path, "en")
    first = place.read_bytes()
    place.unlink()
    execute.update(path, "en")
    assert place.read_bytes() == first
    state = nbformat.read(place, as_version=4).metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    assert f"{0:032x}" in state and len(state) >= 5


def key_now(cell):
    """The key of a cell, of the files as they are at this moment."""
    fingerprint._dependencies.cache_clear()
    fingerprint._essence.cache_clear()
    return fingerprint.key([cell])


def test_the_key_follows_code_and_library_but_not_comments(tmp_path, monkeypatch):
    package = tmp_path / "d2lmini"
    package.mkdir()
    (package / "__init__.py").write_text('"""Doc."""\n')
    (package / "a.py").write_text("from d2lmini import b\n")
    (package / "b.py").write_text("x = 1\n")
    (package / "c.py").write_text("y = 1\n")
    monkeypatch.setattr(fingerprint, "PACKAGE", package)

    before = key_now("import d2lmini.a")
    (package / "c.py").write_text("y = 2\n")
    (package / "b.py").write_text('"""Now documented."""\nx = 1  # a comment\n')
    assert key_now("import d2lmini.a") == before and key_now("import d2lmini.a as z") != before
    (package / "b.py").write_text("x = 2\n")
    assert key_now("import d2lmini.a") != before


def test_a_widget_does_not_depend_on_its_neighbors(tmp_path, monkeypatch):
    shelf = tmp_path / "d2lmini" / "widgets"
    shelf.mkdir(parents=True)
    (tmp_path / "d2lmini" / "__init__.py").write_text("")
    (shelf / "__init__.py").write_text("from d2lmini.widgets.a import A\nfrom d2lmini.widgets.b import B\n")
    for name in ("a.py", "b.py", "b.mjs", "part.mjs", "shared.mjs", "shared.css"):
        (shelf / name).write_text("")
    (shelf / "a.mjs").write_text('import { x } from "./part.mjs";\n')
    monkeypatch.setattr(fingerprint, "PACKAGE", tmp_path / "d2lmini")

    before = key_now("from d2lmini.widgets import A")
    decisive = {"b.py": False, "b.mjs": False, "a.py": True, "part.mjs": True, "a.mjs": True, "shared.mjs": True, "shared.css": True}
    for name, matters in decisive.items():
        (shelf / name).write_text("x = 1")
        after = key_now("from d2lmini.widgets import A")
        assert (after != before) == matters, name
        before = after


def test_a_package_that_imports_its_own_modules_depends_on_them(tmp_path, monkeypatch):
    sets = tmp_path / "d2lmini" / "sets"
    sets.mkdir(parents=True)
    (tmp_path / "d2lmini" / "__init__.py").write_text("")
    (sets / "__init__.py").write_text("from d2lmini.sets import a\nALL = a.x\n")
    (sets / "a.py").write_text("x = 1\n")
    monkeypatch.setattr(fingerprint, "PACKAGE", tmp_path / "d2lmini")

    before = key_now("from d2lmini.sets import ALL")
    (sets / "a.py").write_text("x = 2\n")
    assert key_now("from d2lmini.sets import ALL") != before
