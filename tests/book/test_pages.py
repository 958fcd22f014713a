"""The built pages read as files: pairs, links, languages, nothing from another host."""

import json
import os
import re
from copy import copy
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

from book.press import solutions
from tests.book.conftest import CHAPTER, EVERYWHERE, PAGES

pytestmark = pytest.mark.browser  # they need the printed book, as the browser's tests do
EVERY_PAGE = pytest.mark.parametrize("page", [*EVERYWHERE, "index.html", "404.html"])


@cache
def soup(site: Path, page: str) -> BeautifulSoup:
    return BeautifulSoup((site / page).read_text("utf8"), "html.parser")


def test_both_editions_have_the_pages_of_the_table_of_contents(site):
    for language in ("fr", "en"):
        assert sorted(path.stem for path in (site / language).glob("*.html")) == sorted(PAGES)


@EVERY_PAGE
def test_nothing_is_loaded_from_another_host(site, page):
    document = soup(site, page)
    loaded = [
        (tag.name, tag.get("src") or tag.get("href") or tag.get("data"))
        for tag in document.select("script, img, iframe, object, embed, source, video, audio")
    ]
    loaded += [
        (f"link rel={' '.join(tag['rel'])}", tag["href"])
        for tag in document.select("link[href]")
        if tag["rel"] not in (["alternate"], ["canonical"])
    ]
    foreign = [(kind, url) for kind, url in loaded if url and re.match(r"(?:[a-z]+:)?//", url)]
    assert foreign == [], f"{page} loads {foreign}: copy them into book/_static"
    inside = [str(tag) for tag in document.select("style")] + [tag["style"] for tag in document.select("[style]")]
    assert not [url for text in inside for url in re.findall(r"url\(\s*['\"]?(https?:[^)]*)", text)], page


def test_no_style_sheet_or_script_of_the_site_loads_from_another_host(site):
    for path in [*site.rglob("*.css"), *site.rglob("*.js")]:
        text = path.read_text("utf8")
        found = re.findall(
            r"""url\(\s*['"]?(?:https?:)?//[^)]*|@import\s+['"]https?:[^'"]*|\b(?:fetch|import)\(\s*['"]https?:[^'"]*""", text
        )
        assert found == [], f"{path.relative_to(site)} loads {found}"


@EVERY_PAGE
def test_every_internal_link_and_anchor_leads_somewhere(site, page):
    for tag in soup(site, page).select("[href], [src]"):
        url = urlsplit(tag.get("href") or tag.get("src"))
        if url.scheme:
            continue
        target = Path(os.path.normpath((site / page).parent / unquote(url.path))) if url.path else site / page
        assert target.is_file(), f"{page}: {url.geturl()} leads nowhere"
        if url.fragment and target.suffix == ".html":
            there = soup(site, target.relative_to(site).as_posix())
            assert there.find(id=unquote(url.fragment)), f"{page}: {url.geturl()} has no such place"


@EVERY_PAGE
def test_every_id_is_used_once(site, page):
    ids = [tag["id"] for tag in soup(site, page).select("[id]")]
    assert sorted(set(ids)) == sorted(ids), {i for i in ids if ids.count(i) > 1}


@pytest.mark.parametrize("page", EVERYWHERE)
def test_the_switch_leads_to_the_same_page(site, page):
    language, name = page.split("/")
    other = {"fr": "en", "en": "fr"}[language]
    document = soup(site, page)
    assert document.html["lang"] == language
    switch, alternate = document.select_one("a.language-switch"), document.select_one("link[rel=alternate]")
    assert switch["lang"] == switch["hreflang"] == alternate["hreflang"] == other
    assert os.path.normpath(f"{language}/{switch['href']}") == os.path.normpath(f"{language}/{alternate['href']}") == f"{other}/{name}"


# Words that a theme or an extension may leave in English and that French doesn't have.
ENGLISH = re.compile(
    r"\b(search|toggle|previous|next|skip|show|hide|copy|download|close|sidebar|click|link|permalink|theme|the|of|to)\b", re.I
)


@pytest.mark.parametrize("page", PAGES)
def test_the_french_edition_speaks_french(site, page):
    document = copy(soup(site, f"fr/{page}.html"))
    for tag in document.select("pre, code, script, style, .math, .widget, [lang=en]"):
        tag.decompose()
    words = [tag[name] for tag in document.find_all(True) for name in ("title", "aria-label", "alt", "placeholder") if tag.get(name)]
    words += [
        text for tag in document.select("nav, button, summary, dialog, .tools, .admonition-title, h1") for text in tag.stripped_strings
    ]
    assert len(words) > 10
    assert [text for text in words if ENGLISH.search(text)] == []


@pytest.mark.parametrize("page", [page for page in EVERYWHERE if re.search(r"/\d\d_", page) and solutions.SUFFIX not in page])
def test_figures_join_the_page(site, page):
    document = soup(site, page)
    for figure in document.select("figure.figure svg"):
        assert figure["aria-label"].strip()
        assert not figure.has_attr("width")
        assert "#1c2733" not in str(figure)
    assert document.select("figure.figure svg [style*='var(--c-']"), f"{page}: no figure takes the page's colors"
    assert not document.select("img[src^=data]")


def test_the_notebook_of_a_chapter_can_be_downloaded(site):
    for language in ("fr", "en"):
        link = soup(site, f"{language}/{CHAPTER}.html").select_one("a[download]")
        notebook = json.loads((site / language / link["href"]).read_text("utf8"))
        assert notebook["metadata"]["d2l"]["language"] == language
        assert any(cell.get("outputs") for cell in notebook["cells"])


def test_no_address_is_made_up_while_the_repository_is_unset(site):
    for page in EVERYWHERE:
        document = soup(site, page)
        assert document.select(".tools a[href^='http'], .tool-menu") == [], page
        links = [tag["href"] for tag in document.select("a[href^='http']")]
        made_up = r"//(?:[\w-]+\.)*(?:mybinder\.org|colab\.\w+|example\.\w+)|//[^/]+/(?:you|user|username|your-\w+|org|owner)/"
        assert [url for url in links if re.search(made_up, url, re.I)] == [], page


def test_terms_and_citations_carry_their_note(site):
    for language in ("fr", "en"):
        document = soup(site, f"{language}/{CHAPTER}.html")
        for kind in ("glossary", "references"):
            links = document.select(f"a[href^='{kind}.html#']")
            assert links, kind
            assert all(len(link["data-note"]) > 20 for link in links)
