"""Printing is all or nothing, and only when something changed (Sphinx itself is replaced by a stand-in)."""

import pytest

from book.press import build as press


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A press whose sources are one file and whose Sphinx copies it."""
    source, printed = tmp_path / "source.md", []
    source.write_text("one")

    def stage(language, root, chapters):
        root.mkdir(parents=True, exist_ok=True)
        (root / "page.md").write_text(source.read_text())

    def sphinx(languages, draft):
        for language in languages:
            (draft / language).mkdir(parents=True)
            text = (tmp_path / "build" / "src" / language / "page.md").read_text()
            (draft / language / "page.html").write_text(text)
            printed.append(text)
            if text == "stop":
                raise KeyboardInterrupt

    monkeypatch.setattr(press, "BUILD", tmp_path / "build")
    monkeypatch.setattr(press.stage, "stage", stage)
    monkeypatch.setattr(press, "_sphinx", sphinx)
    return source, tmp_path / "build" / "html", printed


def test_nothing_is_printed_twice(house):
    source, out, printed = house
    assert press.build(out=out).endswith("4 pages")  # one a language, the landing page and 404.html
    assert press.build(out=out).endswith("nothing changed")
    assert printed == ["one", "one"]
    source.write_text("two")
    press.build(out=out)
    assert (out / "fr" / "page.html").read_text() == "two"


def test_another_repository_prints_again(house, monkeypatch):
    _, out, printed = house
    press.build(out=out)
    monkeypatch.setenv("D2L_REPOSITORY", "https://forge.org/me/course")
    press.build(out=out)
    assert len(printed) == 4


def test_an_interrupted_build_leaves_the_site_as_it_was(house):
    source, out, _ = house
    press.build(out=out)
    source.write_text("stop")
    with pytest.raises(KeyboardInterrupt):
        press.build(out=out)
    assert (out / "fr" / "page.html").read_text() == "one"
    assert (out / "index.html").exists()
    assert sorted(path.name for path in out.parent.iterdir()) == [".lock", "html", "src"], "no draft is left behind"


def test_a_page_that_sphinx_warns_about_is_not_printed(tmp_path, monkeypatch):
    monkeypatch.setattr(press, "BUILD", tmp_path)
    folder = tmp_path / "src" / "en"
    (folder / "_extra").mkdir(parents=True)
    (folder / "_static").mkdir()
    (folder / "_static" / "favicon.svg").write_text("<svg/>")
    (folder / "_toc.yml").write_text("root: index\n")
    (folder / "index.md").write_text("# A\n\n[nowhere](missing.md)\n")
    with pytest.raises(SystemExit, match=r"(?s)the book was not printed.*missing\.md"):
        press._sphinx(("en",), tmp_path / "html")
