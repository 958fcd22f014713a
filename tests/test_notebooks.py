"""The committed notebooks are what the sources and today's library give: paired, executed, untouched."""

import nbformat
import pytest

from book.press import CHAPTERS, EXERCISES, PAGES, SOLUTIONS, execute, markup, parity, sources, spelling

SOURCES = sources()
NOTEBOOKS = [(path, False) for path in SOURCES] + [(path, True) for path in SOURCES if path.parent == SOLUTIONS]  # True: without answers
EACH = pytest.mark.parametrize(
    ("path", "unsolved"), NOTEBOOKS, ids=[f"{'exercises' if unsolved else path.parent.name}-{path.stem}" for path, unsolved in NOTEBOOKS]
)
EVERY_SOURCE = pytest.mark.parametrize("path", [*SOURCES, *sorted(PAGES.glob("*.md"))], ids=lambda path: f"{path.parent.name}-{path.stem}")


def test_there_are_chapters():
    assert [path.stem for path in SOURCES][:3] == ["01_why_attention", "02_attention", "03_masks"]


@EVERY_SOURCE
def test_both_languages_say_the_same(path):
    parity.check(path)


@EVERY_SOURCE
def test_words_are_well_spelt(path):
    assert spelling.check(path) == []


@EACH
@pytest.mark.parametrize("language", ["fr", "en"])
def test_notebooks_are_fresh(path, unsolved, language):
    assert execute.why_stale(path, language, unsolved) is None


@EACH
@pytest.mark.parametrize("language", ["fr", "en"])
def test_notebooks_hold_results_and_no_error(path, unsolved, language):
    cells = nbformat.read(execute.target(path, language, unsolved), as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    assert len(outputs) >= 5
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]


@EACH
@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_figure_has_an_alternative_text(path, unsolved, language):
    for cell in nbformat.read(execute.target(path, language, unsolved), as_version=4).cells:
        for output in cell.get("outputs", ()):
            for kind in output.get("data", {}):
                said = output.metadata.get(kind, {}).get("alt", "")
                assert not kind.startswith("image/") or len(said) > 20, f"cell {cell.id}: a figure without alternative text"


@EACH
def test_both_languages_print_the_same_numbers(path, unsolved):
    """What is measured doesn't depend on the language it is told in."""
    told = []
    for language in ("fr", "en"):
        cells = nbformat.read(execute.target(path, language, unsolved), as_version=4).cells
        compared = [cell for cell in cells if cell.cell_type == "code" and "nbval-ignore-output" not in cell.metadata.get("tags", ())]
        outputs = [output for cell in compared for output in cell.outputs]
        told.append("\n".join(output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs).split("\n"))
    for fr, en in zip(*told, strict=True):
        assert fr == en or markup.numbers(fr, "fr") == markup.numbers(en, "en")


def test_no_notebook_without_a_source():
    known = {f"{path.stem}.ipynb" for path in SOURCES}
    assert {path.name for shelf in (CHAPTERS, SOLUTIONS, EXERCISES) for path in shelf.glob("*/*.ipynb")} <= known


@pytest.mark.parametrize("path", sources(shelves=(SOLUTIONS,)), ids=lambda path: path.stem)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_solutions_pass_their_checks_and_empty_notebooks_say_not_done(path, language):
    def printed(unsolved):
        cells = nbformat.read(execute.target(path, language, unsolved), as_version=4).cells
        checks = [cell for cell in cells if cell.cell_type == "code" and cell.source.startswith("check(")]
        return [cell.outputs[0].text[0] for cell in checks]

    assert {*printed(unsolved=False)} == {"✅"}
    assert {*printed(unsolved=True)} == {"⏳"}
