"""A published book: once the repository has an address, each page offers it, on a phone too."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from book.press.build import build
from tests.book.conftest import CHAPTER
from tests.browser import browser, needs_browser, refuse_outbound  # noqa: F401 (a fixture)

pytestmark = [pytest.mark.browser, needs_browser]
REPOSITORY = "https://github.com/someone/somewhere"


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("D2L_REPOSITORY", REPOSITORY)
        out = tmp_path_factory.mktemp("published") / "html"
        build(out=out)
    return out


@pytest.mark.parametrize("width", [320, 1280])
def test_a_chapter_opens_elsewhere(published, browser, width):  # noqa: F811
    tab = browser.new_page(viewport={"width": width, "height": 800})
    refused = refuse_outbound(tab)
    tab.goto(f"{published.as_uri()}/fr/{CHAPTER}.html")
    tab.get_by_title("Ouvrir dans…").click()
    for name, inside in (
        ("Colab", f"chapters/fr/{CHAPTER}.ipynb"),
        ("Binder", f"chapters%2Ffr%2F{CHAPTER}.ipynb"),
        ("Code source", REPOSITORY),
    ):
        link = tab.get_by_role("link", name=name)
        expect(link).to_be_in_viewport(ratio=1)
        assert inside in link.get_attribute("href")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(tab, context=".bd-header-article")
    assert found.violations_count == 0, found.generate_report()
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("link", name="Colab")).to_be_hidden()
    tab.close()
    assert refused == []


def test_a_page_without_a_notebook_links_to_the_repository_only(published, browser):  # noqa: F811
    tab = browser.new_page()
    tab.goto(f"{published.as_uri()}/en/glossary.html")
    expect(tab.get_by_role("link", name="Source code of the course")).to_have_attribute("href", REPOSITORY)
    expect(tab.get_by_title("Open in…")).to_have_count(0)
    tab.close()
