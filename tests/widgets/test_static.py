"""The widgets in a static page, opened from file:// in a real browser, without kernel and without network."""

import re

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from d2lmini import masks
from d2lmini.attention import attention, attention_weights
from d2lmini.i18n import set_language
from d2lmini.widgets import AttentionSteps, MaskBuilder
from tests.browser import needs_browser, refuse_outbound, watch_errors
from tests.widgets.conftest import EVIL, SENTENCE, examples, qkv, static_page

pytestmark = [pytest.mark.browser, needs_browser]
BOTH = pytest.mark.parametrize("lang", ["fr", "en"])
Q, K, V = qkv()
N, D = Q.shape


@pytest.fixture
def visit(browser, tmp_path):
    """`visit(widgets, …)` opens their static page; at the end nothing was asked of the network and nothing failed."""
    watched = []

    def open_page(widgets, lang="en", theme="light", width=1000, change=lambda data: data, **context) -> Page:
        page = browser.new_context(viewport={"width": width, "height": 800}, **context).new_page()
        watched.append((page, refuse_outbound(page), watch_errors(page)))
        page.goto(static_page(tmp_path, widgets, lang, theme, change))
        expect(page.locator("[data-hydrated], [role=alert]")).to_have_count(len(widgets))
        return page

    yield open_page
    for page, refused, errors in watched:
        page.context.close()
        assert (refused, errors) == ([], [])


def numbers(texts):
    return torch.tensor([float(text.replace("−∞", "-inf").replace("−", "-").replace(",", ".")) for text in texts])


def assert_shown(locator, expected):
    """What is written, at two decimals, is `expected`."""
    torch.testing.assert_close(numbers(locator.all_text_contents()), expected.flatten().float(), rtol=0, atol=0.0051)


def assert_attention(page, query, mask=None, scale=D**-0.5):
    """Every number on the page is the library's."""
    weights = attention_weights(Q, K, mask, scale=scale)
    seen = torch.ones(N, N, dtype=torch.bool) if mask is None else mask
    assert_shown(page.locator(".weights td:not(.blocked)[data-i]"), weights[seen])
    expect(page.locator(".weights td.blocked")).to_have_count(int((~seen).sum()))
    scores = Q[query] @ K.T
    for column, expected in enumerate((scores, scores * scale, (scores * scale).masked_fill(~seen[query], -torch.inf))):
        assert_shown(page.locator(f".steps tbody td:not(.fan):nth-last-child({5 - column})"), expected)
    assert_shown(page.locator(".steps .number"), weights[query])
    assert_shown(page.locator(".values tfoot td:nth-child(n + 3)"), attention(Q, K, V, mask, scale=scale)[query])
    best = weights[query].argmax().item()
    expect(page.locator(".d2l-attention .summary")).to_contain_text(f"{weights[query, best]:.2f}".replace(".", page.evaluate(COMMA)))


COMMA = "document.documentElement.lang === 'fr' ? ',' : '.'"


@BOTH
def test_attention_steps_with_the_mouse(visit, lang):
    page = visit([examples(lang)[0]], lang)
    assert_attention(page, 2)
    page.locator("[name=query]").select_option(index=4)
    assert_attention(page, 4)
    page.locator("[name=mask]").select_option("causal")
    assert_attention(page, 4, masks.causal(N))
    page.locator("[name=scaled]").click()
    assert_attention(page, 4, masks.causal(N), 1.0)
    page.locator(".weights td[data-i='1'][data-j='0']").click()
    assert_attention(page, 1, masks.causal(N), 1.0)
    page.locator(".weights tbody th").nth(3).click()
    assert_attention(page, 3, masks.causal(N), 1.0)
    page.locator("[name=mask]").select_option("window")
    page.locator("[name=window]").fill("3")
    assert_attention(page, 3, masks.sliding_window(N, 3), 1.0)
    page.locator("[name=temperature]").fill("2.5")
    assert_attention(page, 3, masks.sliding_window(N, 3), 1 / 2.5)
    expect(page.locator("[name=temperature] + output")).to_have_text("2,5" if lang == "fr" else "2.5")


@BOTH
def test_attention_steps_with_the_keyboard_alone(visit, lang):
    page = visit([examples(lang)[0]], lang)
    press = page.keyboard.press
    press("Tab")  # the query
    press("ArrowDown")
    assert_attention(page, 3)
    press("Tab")  # the mask
    press("ArrowDown")
    press("ArrowDown")
    assert_attention(page, 3, masks.prefix(N, 2))
    press("Tab")  # the prefix
    press("ArrowRight")
    assert_attention(page, 3, masks.prefix(N, 3))
    press("Tab")  # √d
    press("Space")
    assert_attention(page, 3, masks.prefix(N, 3), 1.0)
    press("Tab")  # the temperature
    for _ in range(5):
        press("ArrowRight")
    assert_attention(page, 3, masks.prefix(N, 3), 1 / 1.5)
    for _ in range(3):  # the tables of steps and of values, then the grid, at the row of the query
        press("Tab")
    expect(page.locator("td:focus")).to_have_attribute("data-i", "3")
    press("ArrowUp")
    assert_attention(page, 2, masks.prefix(N, 3), 1 / 1.5)
    for keys, place in (("End", (2, 5)), ("ArrowRight", (2, 5)), ("ArrowDown", (3, 5)), ("Home", (3, 0)), ("Control+End", (5, 5)),
                        ("ArrowLeft", (5, 4)), ("Control+Home", (0, 0)), ("ArrowUp", (0, 0))):  # fmt: skip
        press(keys)
        focused = page.locator("td:focus")
        assert (focused.get_attribute("data-i"), focused.get_attribute("data-j")) == tuple(map(str, place)), keys
        assert page.locator(".weights td[tabindex='0']").count() == 1
    assert_attention(page, 0, masks.prefix(N, 3), 1 / 1.5)


def shown_mask(page, part=0):
    table = page.locator("[data-part]").nth(part)
    rows = table.locator("tbody tr").count()
    return torch.tensor([cell == "true" for cell in table.locator("td[data-i]").evaluate_all(OPEN)]).reshape(rows, -1)


OPEN = "cells => cells.map((cell) => String(cell.classList.contains('open')))"


@BOTH
def test_mask_builder_with_the_mouse(visit, lang):
    page = visit([examples(lang)[1]], lang)
    kind, code = page.locator("[name=kind]"), page.locator("code")
    assert torch.equal(shown_mask(page), masks.causal(6))
    kind.select_option("prefix")
    page.locator("[name=prefix]").fill("4")
    assert torch.equal(shown_mask(page), masks.prefix(6, 4))
    expect(code).to_have_text("mask = masks.prefix(6, 4)")
    kind.select_option("window")
    page.locator("[name=window]").fill("3")
    assert torch.equal(shown_mask(page), masks.sliding_window(6, 3))
    kind.select_option("padding")
    page.locator("[name=padding]").fill("5")
    assert torch.equal(shown_mask(page), masks.padding(torch.tensor(5), 6).expand(6, 6))
    kind.select_option("full")
    assert shown_mask(page).all()
    page.locator("td[data-i='1'][data-j='4']").click()
    expect(code).to_have_text("mask = torch.ones(6, 6, dtype=torch.bool)\nmask[1, 4] = False")
    assert shown_mask(page).sum() == 35 and not shown_mask(page)[1, 4]
    page.locator("[name=reset]").click()
    assert shown_mask(page).all()
    kind.select_option("encoder-decoder")
    for part, expected in enumerate((torch.ones(3, 3), masks.causal(3), torch.ones(3, 3))):
        assert torch.equal(shown_mask(page, part), expected.bool())


@BOTH
def test_mask_builder_with_the_keyboard_alone(visit, lang):
    page = visit([examples(lang)[1]], lang)
    press, summary = page.keyboard.press, page.locator(".summary")
    press("Tab")  # the architecture; the menu keeps the focus although the grids are built anew
    press("ArrowDown")
    press("ArrowDown")
    assert page.locator("[data-part]").count() == 3
    press("ArrowUp")
    press("Tab")
    press("ArrowRight")
    assert torch.equal(shown_mask(page), masks.prefix(6, 3))
    press("Tab")  # the grid: reset has nothing to do and takes no focus
    press("ArrowDown")
    press("ArrowDown")
    word = SENTENCE[lang][2]
    expect(summary).to_have_text(re.compile(rf"{word}.* 3 .* 6 .* 24 .* 36\."))
    press("End")
    press("Space")
    expect(summary).to_have_text(re.compile(rf"{word}.* 4 .* 6 .* 25 .* 36\..* 1 "))
    assert shown_mask(page)[2, 5]
    expect(page.locator("td:focus")).to_have_attribute("aria-label", re.compile(word))
    press("Enter")
    assert torch.equal(shown_mask(page), masks.prefix(6, 3))
    chips = [page.locator(f".line[data-direction={direction}] .yes").count() for direction in ("sees", "seen")]
    assert chips == [3, 6]


def test_hostile_tokens_are_only_text(visit):
    q, k, v = qkv(len(EVIL))
    page = visit([AttentionSteps(EVIL, q, k, v), MaskBuilder(EVIL), MaskBuilder(EVIL, kind="encoder-decoder")])
    assert page.locator("img").count() == 0
    shown = [token.strip() or "␣" for token in EVIL]
    assert page.locator(".weights tbody th").all_text_contents() == shown
    assert page.locator("[name=query] option").all_text_contents() == shown
    for i in range(len(EVIL)):
        page.locator("[name=query]").select_option(str(i))
        expect(page.locator(".d2l-attention .summary")).to_contain_text(f"“{shown[i]}” ")
    page.locator(".d2l-masks").first.locator("tbody th").nth(0).click()
    expect(page.locator(".d2l-masks .summary").first).to_contain_text("<img src=x onerror=alert(1)>")


def test_two_widgets_of_a_kind_and_two_views_of_one_do_not_clash(visit):
    one, other = MaskBuilder(["a", "b", "c"]), MaskBuilder(["x", "y", "z"])
    page = visit([one, other, one, examples("en")[0]])
    first, second, again = (page.locator(".d2l").nth(i) for i in range(3))
    first.locator("td[data-i='0'][data-j='2']").click()
    for view, opened in ((first, 7), (second, 6), (again, 7)):
        expect(view.locator("td.open")).to_have_count(opened)
    ids = page.locator("[id]").evaluate_all("nodes => nodes.map((node) => node.id)")
    assert len(ids) == len(set(ids))


def test_a_link_between_two_widgets_survives_without_a_kernel(visit):
    import ipywidgets

    set_language("en")
    one, other = MaskBuilder(["a", "b", "c"], kind="prefix"), MaskBuilder(["x", "y", "z"], kind="prefix")
    link = ipywidgets.jslink((one, "prefix"), (other, "prefix"))

    def with_link(data):
        data["manager_state"]["state"][link.model_id] = link._get_embed_state()
        return data

    page = visit([one, other], change=with_link)
    for moved, follower in ((0, 1), (1, 0)):
        page.locator("[name=prefix]").nth(moved).fill(str(moved))
        expect(page.locator("[name=prefix]").nth(follower)).to_have_value(str(moved))


@pytest.mark.parametrize(("lang", "sorry"), [("fr", "n’a pas pu démarrer"), ("en", "could not start")])
@pytest.mark.parametrize("broken", ["const = 1;", "export default { render() { throw new Error('no luck') } };"])
def test_a_broken_module_says_so_and_spares_the_others(visit, lang, sorry, broken):
    steps, builder = examples(lang)

    def spoil(data):
        data["manager_state"]["state"][steps.model_id]["state"]["_esm"] = broken
        return data

    page = visit([steps, builder], lang, change=spoil)
    expect(page.get_by_role("alert")).to_contain_text(sorry)
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator(".d2l-masks[lang]")).to_be_visible()
    assert page.locator("[data-hydrated]").count() == 1


def more_examples(lang):
    set_language(lang)
    words = SENTENCE[lang]
    return [
        *examples(lang),
        AttentionSteps(words, *qkv(), query=4, mask="causal"),
        AttentionSteps(words, *qkv(6, 3), keys=["il", "fait", "beau"]),
        MaskBuilder(words, kind="encoder-decoder", source=["il", "fait", "beau"]),
    ]


def test_a_large_widget_scrolls_inside_itself_on_a_phone(visit):
    tokens = [f"token{i}" for i in range(24)]
    page = visit([AttentionSteps(tokens, *qkv(24, d_value=16)), MaskBuilder(tokens)], width=320)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_forced_colors_keep_what_colors_said(visit):
    page = visit(more_examples("en"), forced_colors="active")
    assert page.locator(".blocked[data-i]").first.evaluate("node => getComputedStyle(node).borderTopStyle") == "solid"
    bar, cell = page.locator(".bar i").first, page.locator(".d2l-masks td.open").first
    assert bar.evaluate("node => getComputedStyle(node).backgroundColor") == "rgb(0, 0, 0)"
    assert cell.evaluate("node => getComputedStyle(node, '::after').backgroundColor") == "rgb(0, 0, 0)"
    assert page.locator("path").first.evaluate("node => getComputedStyle(node).stroke") == "rgb(0, 0, 0)"
    page.locator(".weights td[data-i]").first.focus()
    assert page.locator("td:focus").evaluate("node => getComputedStyle(node).outlineStyle") == "solid"
    assert Axe().run(page).violations_count == 0
