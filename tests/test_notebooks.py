"""The committed notebooks are what the sources and today's library give: paired, executed, untouched."""

import nbformat
import pytest

from book.press import CHAPTERS, PAGES, execute, markup, parity, sources, spelling

SOURCES = sources()
EACH = pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)


def test_there_are_chapters():
    assert [path.stem for path in SOURCES][:3] == ["01_why_attention", "02_attention", "03_masks"]


@pytest.mark.parametrize("path", [*SOURCES, *sorted(PAGES.glob("*.md"))], ids=lambda path: path.stem)
def test_both_languages_say_the_same(path):
    parity.check(path)


@pytest.mark.parametrize("path", [*SOURCES, *sorted(PAGES.glob("*.md"))], ids=lambda path: path.stem)
def test_words_are_well_spelt(path):
    assert spelling.check(path) == []


@EACH
@pytest.mark.parametrize("language", ["fr", "en"])
def test_notebooks_are_fresh(path, language):
    assert execute.why_stale(path, language) is None


@EACH
@pytest.mark.parametrize("language", ["fr", "en"])
def test_notebooks_hold_results_and_no_error(path, language):
    cells = nbformat.read(execute.target(path, language), as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    assert len(outputs) >= 5
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]


@EACH
@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_figure_has_an_alternative_text(path, language):
    for cell in nbformat.read(execute.target(path, language), as_version=4).cells:
        for output in cell.get("outputs", ()):
            for kind in output.get("data", {}):
                said = output.metadata.get(kind, {}).get("alt", "")
                assert not kind.startswith("image/") or len(said) > 20, f"cell {cell.id}: a figure without alternative text"


@EACH
def test_both_languages_print_the_same_numbers(path):
    """What is measured doesn't depend on the language it is told in."""
    told = []
    for language in ("fr", "en"):
        cells = nbformat.read(execute.target(path, language), as_version=4).cells
        outputs = [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]
        told.append("\n".join(output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs).split("\n"))
    for fr, en in zip(*told, strict=True):
        assert fr == en or markup.numbers(fr, "fr") == markup.numbers(en, "en")


def test_no_notebook_without_a_source():
    known = {f"{path.stem}.ipynb" for path in SOURCES}
    assert {path.name for path in CHAPTERS.glob("*/*.ipynb")} <= known
