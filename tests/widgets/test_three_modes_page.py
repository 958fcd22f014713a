"""The three modes in a static page, opened from file:// in a real browser, with mouse and keyboard alone."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from d2lmini.i18n import set_language
from d2lmini.widgets import ThreeModes
from d2lmini.widgets.three_modes import MODES
from tests.browser import needs_browser
from tests.widgets import test_static
from tests.widgets.conftest import EVIL

pytestmark = [pytest.mark.browser, needs_browser]
BOTH, visit = test_static.BOTH, test_static.visit
NAMES = dict(zip(("encoder", "both", "decoder"), MODES, strict=True))
WITHOUT_HIDDEN = """nodes => nodes.map((node) => node.classList.contains("asked") ? node.textContent : null)"""


def modes(lang="en", *args, **choices):
    set_language(lang)
    return ThreeModes(*args, **choices)


def more_examples(lang):
    long = "le chat noir dort sur le grand lit de Paul".split()
    return [
        modes(lang),
        modes(lang, decoder="window", layers=3, focus=4),
        modes(lang, long, spans=[(0, 2), (4, 5), (7, 9)], decoder="prefix", prefix=4, focus=9),
    ]


def assert_shown(page, widget):
    """The grids, the targets, the chosen rows and the sentence are what Python computes from the same choices."""
    for name, mode in NAMES.items():
        section = page.locator(f"[data-mode={name}]")
        reach, direct = widget.reach(mode), widget.mask(mode)
        cells = section.locator("tbody td:not(.target)")
        kinds = cells.evaluate_all("nodes => nodes.map((node) => node.classList[0])")
        expected = ["open" if d else "deep" if r else "blocked" for r, d in zip(reach.flatten(), direct.flatten(), strict=True)]
        assert kinds == expected
        assert section.locator("tbody td.target").evaluate_all(WITHOUT_HIDDEN) == widget.predictions(mode)
        chosen = section.locator("tr.chosen")
        expect(chosen).to_have_count(1)
        expect(chosen).to_have_attribute("data-word", str(widget.focus))
        expect(section.locator("dd b")).to_contain_text(f"{int(reach[places(section).index(widget.focus)].sum())} ")
    expect(page.locator(".words input:checked")).to_have_value(str(widget.focus))
    expect(page.locator(".summary")).to_contain_text(widget.tokens[widget.focus])


def places(section):
    return [int(word) for word in section.locator("tbody tr").evaluate_all("rows => rows.map((row) => row.dataset.word)")]


@BOTH
def test_with_the_mouse(visit, lang):
    widget = modes(lang)
    page = visit([modes(lang)], lang)
    assert_shown(page, widget)
    page.locator(".words label").nth(0).click()
    widget.focus = 0
    assert_shown(page, widget)
    page.locator("[data-mode=both] tr[data-word='4'] td").nth(2).click()  # the row of a word, in any grid
    widget.focus = 4
    assert_shown(page, widget)
    page.locator("[data-mode=both] tr[data-word='-1']").first.click()  # a sentinel is no word of the sentence
    assert_shown(page, widget)
    page.locator("[name=masked]").select_option("1")
    widget.masked = 1
    assert_shown(page, widget)
    page.locator("[name=decoder]").select_option("prefix")
    page.locator("[name=prefix]").fill("4")
    widget.decoder, widget.prefix = "prefix", 4
    assert_shown(page, widget)
    page.locator("[name=decoder]").select_option("window")
    page.locator("[name=layers]").fill("3")
    widget.decoder, widget.layers = "window", 3
    assert_shown(page, widget)
    expect(page.locator("[name=prefix]")).to_be_hidden()
    assert page.locator("[data-mode=decoder] .chosen .deep").evaluate_all("nodes => nodes.map((node) => node.dataset.n)") == ["3", "2"]


@BOTH
def test_with_the_keyboard_alone(visit, lang):
    widget = modes(lang)
    page = visit([modes(lang)], lang)
    press = page.keyboard.press
    press("Tab")  # the words: one of them takes the Tab key, arrows go round
    for key, focus in (("ArrowRight", 4), ("ArrowRight", 0), ("ArrowLeft", 4), ("ArrowUp", 3), ("ArrowUp", 2)):
        press(key)
        widget.focus = focus
        assert_shown(page, widget)
    press("Tab")
    press("ArrowRight")
    widget.layers = 2
    assert_shown(page, widget)
    press("Tab")
    press("ArrowUp")
    widget.masked = 2
    assert_shown(page, widget)
    press("Tab")
    press("End")
    widget.decoder = "window"
    assert_shown(page, widget)
    press("Tab")
    press("ArrowRight")
    widget.window = 3
    assert_shown(page, widget)


def test_costs_and_the_table(visit):
    page = visit([modes("fr")], "fr")
    cells = page.locator("[data-cost]").evaluate_all("rows => rows.map((row) => [1, 2, 3, 4].map((j) => row.cells[j].textContent))")
    assert [[text.replace("\u202f", " ") for text in row] for row in cells] == [
        ["25", "0,75", "262 144", "77"],
        ["61", "6", "265 925", "104"],
        ["15", "4", "131 328", "511"],
    ]
    page.locator("summary").click()
    rows = page.locator(".places tbody tr")
    expect(rows).to_have_count(5 + 10 + 5)
    row = rows.nth(5 + 8).locator("td, th").all_text_contents()
    assert [text.replace("\u202f", " ") for text in row[1:]] == [
        "voiture",
        "Source : J’, ⟨X⟩, cette, ⟨Y⟩ ; cible : ⟨s⟩, ⟨X⟩, aime, ⟨Y⟩, voiture",
        "« rouge », le jeton suivant de la cible.",
    ]
    said = page.locator("[data-mode=decoder] .chosen td .unseen").all_text_contents()
    assert said == ["oui", "oui", "oui", "oui", "non"]


def test_hostile_words_are_only_text(visit):
    page = visit([modes("en", EVIL, spans=[(0, 2), (5, 7)])])
    for i in range(len(EVIL)):
        page.locator(".words label").nth(i).click()
    page.locator("summary").click()
    assert page.locator("img").count() == 0
    expect(page.locator("[data-mode=decoder] tbody th[scope=row]").first).to_have_text(EVIL[0])


def test_two_widgets_of_a_kind_do_not_clash(visit):
    page = visit([modes("en"), modes("en")])
    page.locator(".d2l").nth(1).locator(".words label").nth(0).click()
    expect(page.locator(".words input:checked").nth(0)).to_have_value("3")
    expect(page.locator(".words input:checked").nth(1)).to_have_value("0")
    ids = page.locator("[id]").evaluate_all("nodes => nodes.map((node) => node.id)")
    assert len(ids) == len(set(ids))


def test_forced_colors_keep_what_colors_said(visit):
    page = visit(more_examples("en"), forced_colors="active")
    dot = page.locator("td.open").first.evaluate("node => getComputedStyle(node, '::after').backgroundColor")
    assert dot == "rgb(0, 0, 0)"
    assert page.locator(".chosen td.blocked").first.evaluate("node => getComputedStyle(node).outlineStyle") == "solid"
    assert page.locator(".gauge i").first.evaluate("node => getComputedStyle(node).backgroundColor") == "rgb(0, 0, 0)"
    assert Axe().run(page).violations_count == 0
