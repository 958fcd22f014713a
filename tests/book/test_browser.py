"""The book as a reader meets it: a real browser, over http and from a disk, with mouse and keyboard, in both themes."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.book.conftest import CHAPTER, EVERYWHERE
from tests.browser import needs_browser

pytestmark = [pytest.mark.browser, needs_browser]
DISK = pytest.mark.parametrize("disk", [False, True], ids=["http", "file"])


@DISK
@pytest.mark.parametrize("page", EVERYWHERE)
def test_every_page_opens_without_leaving_the_machine(visit, page, disk):
    tab = visit(page, disk=disk)
    expect(tab.locator("main h1")).to_be_visible()
    failed = tab.evaluate("document.querySelectorAll('.katex-error').length")
    assert failed == 0


@DISK
def test_the_switch_leads_to_the_same_page_and_is_remembered(visit, disk):
    tab = visit(f"fr/{CHAPTER}.html", disk=disk, locale="fr-FR")
    tab.get_by_role("link", name="English").click()
    expect(tab).to_have_url(re.compile(f"/en/{CHAPTER}.html$"))
    tab.goto(re.sub("en/.*", "index.html", tab.url))
    expect(tab).to_have_url(re.compile("/en/index.html$"))


@DISK
@pytest.mark.parametrize(("locale", "edition"), [("fr-CA", "fr"), ("en-GB", "en"), ("de-DE", None)])
def test_the_landing_page_picks_the_readers_language(visit, locale, edition, disk):
    tab = visit("index.html", disk=disk, locale=locale)
    expect(tab).to_have_url(re.compile(f"/{edition}/index.html$" if edition else "/index.html$"))
    if edition is None:
        expect(tab.get_by_role("link")).to_have_count(2)


def test_without_javascript_the_landing_page_offers_both_editions(visit):
    tab = visit("index.html", java_script_enabled=False, locale="fr-FR")
    expect(tab.get_by_role("link", name="Lire en français")).to_be_visible()
    tab.get_by_role("link", name="Read in English").click()
    expect(tab).to_have_url(re.compile("/en/index.html$"))


@DISK
@pytest.mark.parametrize(
    ("language", "query"),
    [
        *(("fr", query) for query in ("modele", "modèle", "modéles", "cle", "CLÉS", "requete", "de\u0301finition")),
        *(("en", query) for query in ("language model", "queries", "quèry")),
    ],
)
def test_search_finds_words_whatever_their_accents_and_endings(visit, language, query, disk):
    tab = visit(f"{language}/index.html", disk=disk)
    tab.keyboard.press("Control+k")
    tab.get_by_role("searchbox").fill(query)
    tab.keyboard.press("Enter")
    expect(tab).to_have_url(re.compile("/search.html"))
    glossary = tab.locator("#search-results").get_by_role("link", name="Glossa").first
    expect(glossary).to_be_visible()
    glossary.click()
    expect(tab).to_have_url(re.compile("/glossary.html"))


def test_search_says_so_when_nothing_is_found(visit):
    tab = visit("fr/search.html?q=zxqvw")
    expect(tab.locator("#search-results")).to_contain_text("ne correspond")


def test_a_ligature_is_found_without_it(visit):
    tab = visit("fr/search.html?q=coeurs")
    expect(tab.locator("#search-results").get_by_role("link", name="Comment lire ce cours")).to_be_visible()


@pytest.mark.parametrize("dark", [False, True])
def test_the_theme_follows_the_system_then_the_reader(visit, dark):
    paper = {False: "rgb(255, 254, 251)", True: "rgb(20, 24, 29)"}
    tab = visit("en/index.html", dark=dark)
    expect(tab.locator("body")).to_have_css("background-color", paper[dark])
    toggle = tab.get_by_role("button", name="Dark theme")
    expect(toggle).to_have_attribute("aria-pressed", str(dark).lower())
    toggle.click()
    expect(tab.locator("body")).to_have_css("background-color", paper[not dark])
    tab.reload()
    expect(tab.locator("body")).to_have_css("background-color", paper[not dark])
    expect(tab.get_by_role("button", name="Dark theme")).to_have_attribute("aria-pressed", str(not dark).lower())


def test_figures_follow_the_theme(visit):
    tab = visit(f"fr/{CHAPTER}.html")
    mark = tab.locator("figure.figure svg [style*='fill: var(--c-ink)']").first
    expect(mark).to_have_css("fill", "rgb(28, 39, 51)")
    tab.get_by_role("button", name="Thème sombre").click()
    expect(mark).to_have_css("fill", "rgb(230, 233, 236)")


@pytest.mark.parametrize("page", [*EVERYWHERE, "index.html?choose", "404.html"])
def test_no_page_scrolls_sideways_on_a_narrow_phone(visit, page):
    tab = visit(page, width=320, locale="de-DE")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 320
    past = "[...document.querySelectorAll('main *')].filter(e => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1"
    past += " && !e.closest('pre, .math, .output, .table-scroll, svg, .katex, .d2l')).map(e => e.outerHTML.slice(0, 120))"
    assert tab.evaluate(past) == []


def test_the_keyboard_reaches_the_skip_link_then_the_switch(visit):
    tab = visit(f"fr/{CHAPTER}.html")
    tab.keyboard.press("Tab")
    expect(tab.locator(":focus")).to_have_text("Aller au contenu")
    expect(tab.locator(":focus")).to_be_in_viewport()
    tab.keyboard.press("Enter")
    for _ in range(8):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.matches('.language-switch')"):
            break
    tab.keyboard.press("Enter")
    expect(tab).to_have_url(re.compile(f"/en/{CHAPTER}.html$"))


def test_contents_open_on_a_phone_and_close_with_escape(visit):
    tab = visit(f"en/{CHAPTER}.html", width=375)
    contents = tab.get_by_role("navigation", name="Contents of the course")
    expect(contents).to_be_hidden()
    tab.get_by_role("button", name="Open or close the contents").click()
    expect(contents.get_by_role("link", name="Glossary")).to_be_visible()
    tab.keyboard.press("Escape")
    expect(contents).to_be_hidden()


def test_a_definition_shows_on_hover_on_focus_and_at_the_first_touch(visit):
    tab = visit(f"fr/{CHAPTER}.html")
    term, note = tab.locator("main a[href^='glossary.html#']").first, tab.get_by_role("tooltip")
    expect(note).to_be_hidden()
    term.hover()
    expect(note).to_have_text(term.get_attribute("data-note"))
    tab.keyboard.press("Escape")
    expect(note).to_be_hidden()
    term.focus()
    expect(note).to_be_visible()
    expect(term).to_have_attribute("aria-describedby", "note")

    phone = visit(f"fr/{CHAPTER}.html", width=375, has_touch=True)
    phone.locator("main a[href^='glossary.html#']").first.tap()
    expect(phone.get_by_role("tooltip")).to_be_in_viewport(ratio=1)
    expect(phone).to_have_url(re.compile(f"{CHAPTER}.html$"))
    phone.locator("main a[href^='glossary.html#']").first.tap()
    expect(phone).to_have_url(re.compile("glossary.html#"))


@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize("page", [*EVERYWHERE, "fr/search.html?q=attention", "index.html?choose", "404.html"])
def test_axe_finds_nothing(visit, page, width):
    tab = visit(page, width=width, locale="de-DE")
    if "?q" in page:
        expect(tab.locator("#search-results a").first).to_be_visible()
    tab.evaluate("document.querySelectorAll('main details').forEach(node => node.open = true)")
    found = Axe().run(tab)
    assert found.violations_count == 0, found.generate_report()
    if width == 375:
        return  # the colors are those of the wide page
    tab.evaluate("document.documentElement.dataset.theme = 'dark'")
    found = Axe().run(tab, options={"runOnly": ["color-contrast", "link-in-text-block"]})
    assert found.violations_count == 0, "dark: " + found.generate_report()


def test_an_address_that_leads_nowhere_shows_the_way_back(visit):
    tab = visit("fr/nowhere/at/all.html", locale="fr-FR")
    expect(tab.get_by_text("Cette page n’existe pas.")).to_be_visible()
    tab.get_by_role("link", name="Aller à l’accueil du cours").click()
    expect(tab).to_have_url(re.compile("/fr/index.html$"))


@pytest.mark.parametrize("page", EVERYWHERE)
def test_a_page_weighs_less_than_two_megabytes(browser, address, page):
    tab, weight = browser.new_page(), {}
    tab.on("response", lambda response: weight.update({response.url: len(response.body())}))
    tab.goto(address + page, wait_until="networkidle")
    tab.close()
    assert len(weight) > 5
    assert sum(weight.values()) < 2_000_000, sorted(weight.items(), key=lambda item: -item[1])[:5]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_chapters_widgets_answer_from_a_disk(visit, language):
    tab = visit(f"{language}/{CHAPTER}.html", disk=True)
    widget = tab.locator(".d2l-attention").first
    before = widget.locator(".summary").text_content()
    widget.locator("[name=mask]").select_option("causal")
    widget.locator("[name=query]").select_option("0")  # the first query sees itself alone
    expect(widget.locator(".summary")).not_to_have_text(before)
    expect(widget.locator(".summary")).to_contain_text("1,00" if language == "fr" else "1.00")
