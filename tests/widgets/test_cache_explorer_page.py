"""The cache explorer in a static page, opened from file:// in a real browser, with mouse and keyboard alone."""

import math
import re
from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe
from ipywidgets import jslink
from playwright.sync_api import expect

from d2lmini.counting import PRESETS, cache_bytes, n_fitting, parameters, step_flops, writing_flops
from d2lmini.i18n import THIN, set_language
from d2lmini.widgets import CacheExplorer
from d2lmini.widgets.cache_explorer import DECODERS, LONGEST
from tests.browser import needs_browser
from tests.widgets import test_static
from tests.widgets.conftest import EVIL, SENTENCE

pytestmark = [pytest.mark.browser, needs_browser]
BOTH, visit = test_static.BOTH, test_static.visit
LLAMA, XL = PRESETS["llama3-8b"].architecture, PRESETS["gpt2-xl"].architecture
POWERS = {prefix: 1000**k for k, prefix in enumerate(["", "k", "M", "G", "T", "P", "E", "Z"])}


def explorer(lang, preset="llama3-8b", **choices):
    set_language(lang)
    return CacheExplorer(preset, **choices)


def total(counts):
    return sum(counts.values())


def quantities(texts):
    """Numbers with their unit, in either language, or with a ×."""
    found = [re.fullmatch(rf"([\d.,{THIN}]+)\s(?:([kMGTPEZ]?)(?:FLOP|B|o)|×)", text.strip()) for text in texts]
    assert all(found), texts
    return [_number(match[1]) * POWERS[match[2] or ""] for match in found]


def _number(text):
    """7,750 and 1,07: three digits after a comma and nothing before it that needs one are thousands in English only."""
    text = text.replace(THIN, "")
    return float(text.replace(",", "") if re.fullmatch(r"\d{1,3}(,\d{3})+", text) else text.replace(",", "."))


def assert_close(shown, expected):
    assert shown == [pytest.approx(x, rel=0.0051) for x in expected]


def assert_shown(page, a, n, batch=1, bytes_per_number=2, weight_bytes=2.0):
    """Every figure of the page is the library's."""
    weights, each = weight_bytes * total(parameters(a)), total(cache_bytes(a, n, bytes_per_number))
    assert_close(quantities(page.locator("[data-bar] td:last-child").all_text_contents()), [weights, batch * each])
    assert_close(quantities(page.locator(".factors .result").all_text_contents()), [batch * each])
    product = [int(re.sub(r"\D", "", text)) for text in page.locator(".factor b:not(.sign, .result)").all_text_contents()]
    n_kv_head = a.n_kv_head or a.n_head
    assert product == [2, a.n_decoder, n_kv_head, a.width // a.n_head, n, batch, bytes_per_number]
    assert [page.locator(f".sharing .{kind} i").count() for kind in "qkv"] == [a.n_head, n_kv_head, n_kv_head]
    for memory in (8, 24, 80):
        most = n_fitting(a, n, memory * 1e9, bytes_per_number=bytes_per_number, weight_bytes=weight_bytes)
        cell = page.locator(f"[data-memory='{memory}']")
        said = cell.locator("td").last.text_content()
        assert ("✓" in said) == (batch <= most) == (cell.locator(".beyond").count() == 0)
        assert re.sub(r"\D", "", said) == (str(most) if most else "")
    steps = [total(step_flops(a, n, cached=cached)) for cached in (True, False)]
    texts = [total(writing_flops(a, n, cached=cached)) for cached in (True, False)]
    for row, (once, again) in zip(page.locator(".bill tbody tr").all(), (steps, texts), strict=True):
        assert_close(quantities(row.locator("td").all_text_contents()), [once, again, again / once])


def slide(page, name, position):
    page.locator(f"[name={name}]").fill(str(position))


@BOTH
def test_with_the_mouse(visit, lang):
    page = visit([explorer(lang)], lang)
    assert_shown(page, LLAMA, 8192)
    slide(page, "n_kv_head", 0)
    one = replace(LLAMA, n_kv_head=1)
    assert_shown(page, one, 8192)
    expect(page.locator(".about")).to_contain_text("multi-requêtes" if lang == "fr" else "Multi-query")
    slide(page, "n_token", 13)
    slide(page, "batch", 5)
    assert_shown(page, one, LONGEST, 32)
    page.locator("[name=bytes_per_number]").select_option("1")
    page.locator("[name=weight_bytes]").select_option("0.5")
    assert_shown(page, one, LONGEST, 32, 1, 0.5)
    page.locator("[name=reset]").click()
    assert_shown(page, LLAMA, LONGEST, 32, 1, 0.5)
    expect(page.locator("[name=reset]")).to_be_disabled()
    expect(page.locator(".about")).to_contain_text("4 fois plus petit" if lang == "fr" else "4 times smaller")
    page.locator("[name=preset]").select_option("gpt2-xl")  # no more positions than it has learned
    assert_shown(page, XL, 1024, 32, 1, 0.5)
    expect(page.locator(".about")).to_contain_text("à plusieurs têtes" if lang == "fr" else "Multi-head")
    slide(page, "n_kv_head", 1)
    assert_shown(page, replace(XL, n_kv_head=5), 1024, 32, 1, 0.5)
    page.locator("[name=preset]").select_option("llama-7b")
    assert_shown(page, PRESETS["llama-7b"].architecture, LONGEST, 32, 1, 0.5)
    box = page.locator("[name=batch]").bounding_box()
    page.mouse.click(box["x"] + 1, box["y"] + box["height"] / 2)
    assert_shown(page, PRESETS["llama-7b"].architecture, LONGEST, 1, 1, 0.5)


@BOTH
def test_with_the_keyboard_alone(visit, lang):
    page = visit([explorer(lang, "llama-7b", n_token=1000)], lang)
    press, a = page.keyboard.press, PRESETS["llama-7b"].architecture
    press("Tab")  # the step
    press("Home")
    assert picture(page, "cached") == (1, 1)
    for _ in range(2):
        press("ArrowRight")
    assert (picture(page, "fresh"), picture(page, "cached")) == ((3, 6), (1, 3))
    said = page.locator("[name=step]").get_attribute("aria-valuetext")
    assert (
        said
        == {
            "fr": f"jeton 3 sur 12, «{THIN}noir{THIN}»{THIN}; avec le cache, 1 jeton dans les couches et 3 scores{THIN}; sans, 3 et 6",
            "en": "token 3 of 12, “cat”; with the cache, 1 token in the layers and 3 scores; without, 3 and 6",
        }[lang]
    )
    press("Tab")  # the model: the button has nothing to do and takes no focus
    press("ArrowDown")
    assert_shown(page, LLAMA, 1000)
    press("Tab")  # heads
    press("End")
    assert_shown(page, replace(LLAMA, n_kv_head=32), 1000)
    expect(page.locator("[name=n_kv_head]")).to_have_attribute("aria-valuetext", "32")
    press("Tab")  # length
    press("ArrowRight")
    assert_shown(page, replace(LLAMA, n_kv_head=32), 1024)
    press("Tab")  # texts
    press("ArrowRight")
    press("Tab")  # bytes of the cache, of the weights
    press("ArrowUp")
    press("Tab")
    press("End")
    assert_shown(page, replace(LLAMA, n_kv_head=32), 1024, 2, 4, 0.5)
    for _ in range(2):  # the table of operations, then all lengths
        press("Tab")
    press("Enter")
    rows = page.locator(".lengths tbody tr")
    expect(rows).to_have_count(14)
    assert_close(
        quantities(rows.first.locator("td").all_text_contents())[:3],
        [
            2 * total(cache_bytes(replace(LLAMA, n_kv_head=32), 16, 4)),
            *(total(step_flops(replace(LLAMA, n_kv_head=32), 16, cached=c)) for c in (True, False)),
        ],
    )
    expect(page.locator(".lengths .chosen th")).to_have_text("1" + THIN + "024" if lang == "fr" else "1,024")
    for _ in range(7):
        press("Shift+Tab")
    press("Space")  # the button
    assert_shown(page, LLAMA, 1024, 2, 4, 0.5)
    assert a != LLAMA


def picture(page, kind):
    """Tokens in the layers and scores of a panel, counted in the picture; its caption says the same."""
    panel = page.locator(f"[data-picture={kind}]")
    tokens = panel.locator(".cells span.now").count()
    scores = panel.locator(".cells u ~ i.now").count()
    caption = panel.locator(".spent b").text_content()
    assert [int(n) for n in re.findall(r"\d+", caption)] == [tokens, scores]
    assert panel.locator(".cells i.now").count() - scores == 2 * tokens  # a key and a value each
    return tokens, scores


def test_the_step_moves_the_picture_and_nothing_else(visit):
    page = visit([explorer("fr", tokens=SENTENCE["fr"])], "fr")
    summary = page.locator(".summary").text_content()
    for t in range(1, 7):
        slide(page, "step", t - 1)
        assert picture(page, "fresh") == (t, t * (t + 1) // 2)
        assert picture(page, "cached") == (1, t)
        kept = page.locator("[data-picture=cached] i.kept").count()
        assert kept == 2 * (t - 1) and page.locator("[data-picture=fresh] i.kept").count() == 0
    assert page.locator(".summary").text_content() == summary


def test_hostile_texts_are_only_text(visit):
    def spoil(data):
        (state,) = (entry["state"] for entry in data["manager_state"]["state"].values() if "_esm" in entry["state"])
        for preset, evil in zip(state["presets"], EVIL, strict=False):
            preset["name"] = evil
        return data

    page = visit([explorer("en", tokens=EVIL)], change=spoil)
    assert page.locator("img").count() == 0
    shown = [token.strip() or "␣" for token in EVIL]
    assert page.locator("[data-picture=fresh] span:not(.held)").all_text_contents() == shown
    for i, token in enumerate(shown):
        slide(page, "step", i)
        expect(page.locator("[name=step] + output")).to_have_text(token)
        assert f"“{token}”" in page.locator("[name=step]").get_attribute("aria-valuetext")
    for key, evil in zip(DECODERS, EVIL, strict=False):
        page.locator("[name=preset]").select_option(key)
        assert page.locator(".summary").text_content().startswith(f"{evil} keeps")


def more_examples(lang):
    return [
        explorer(lang),
        explorer(lang, n_kv_head=1, n_token=LONGEST, batch=64, step=1),
        explorer(lang, "gpt3", tokens=[f"token{i}" for i in range(16)], bytes_per_number=4),
        explorer(lang, "gpt2-small", n_token=7, weight_bytes=0.5),
    ]


@BOTH
@pytest.mark.parametrize("width", [320, 1000])
def test_pictures_and_bill_fit_without_scrolling(visit, width, lang):
    page = visit(more_examples(lang), lang, width=width)
    inside = page.locator(".view .scroll").evaluate_all("nodes => nodes.map((node) => node.scrollWidth - node.clientWidth)")
    assert max(inside) <= 0
    assert page.locator(".d2l :is(input, select)").evaluate_all("nodes => nodes.every((node) => node.labels.length === 1)")
    lines = "nodes => nodes.every((node) => node.getBoundingClientRect().width >= 1)"
    assert page.locator(".sharing i, .cells i").evaluate_all(lines)
    outside = """plots => plots.flatMap((plot) => {
        const { left, right } = plot.getBoundingClientRect(), inside = ({ left: l, right: r }) => l >= left - 1 && r <= right + 1;
        const out = [...plot.querySelectorAll('span, b')].filter((text) => !inside(text.getBoundingClientRect()));
        return out.map((text) => text.textContent); })"""
    assert page.locator(".plot").evaluate_all(outside) == []
    crossing = """frames => frames.every((frame) => [...frame.querySelectorAll('b')].every((name) =>
        name.getBoundingClientRect().left >= frame.getBoundingClientRect().left))"""
    assert page.locator(".frame").evaluate_all(crossing)


def test_the_bars_are_to_scale(visit):
    page = visit([explorer("en", batch=5)])
    weights, cache = 2 * total(parameters(LLAMA)), 5 * total(cache_bytes(LLAMA, 8192))
    width = "node => node.getBoundingClientRect().width"
    tank, first, second = (page.locator(f"[data-memory='80'] {part}").evaluate(width) for part in (".tank", ".weights", ".cache"))
    assert (first / tank, second / tank) == (pytest.approx(weights / 80e9, abs=0.01), pytest.approx(cache / 80e9, abs=0.01))
    assert [page.locator(f"[data-memory='8'] {part}").count() for part in (".weights", ".cache", ".beyond")] == [1, 0, 1]
    bars = [page.locator(f"[data-bar={name}] i").evaluate(width) for name in ("weights", "cache")]
    assert bars[1] / bars[0] == pytest.approx(cache / weights, abs=0.01)


def test_the_curves_are_the_counts(visit):
    page = visit([explorer("en")])
    read = """path => { const end = path.getTotalLength(), box = (at) => path.getPointAtLength(at);
      return [box(0), box(end)].map(({ x, y }) => [x, y]); }"""
    (left_again, right_again), (left_once, right_once) = (page.locator(f"path.{side}").evaluate(read) for side in ("again", "once"))
    assert [left_again[0], right_again[0], left_once[0], right_once[0]] == [0, 100, 0, 100]
    costs = [total(step_flops(LLAMA, n, cached=cached)) for cached in (False, True) for n in (16, LONGEST)]
    heights = [left_again[1], right_again[1], left_once[1], right_once[1]]
    slope = (heights[0] - heights[1]) / math.log10(costs[1] / costs[0])
    for height, cost in zip(heights, costs, strict=True):
        assert heights[0] - height == pytest.approx(slope * math.log10(cost / costs[0]), abs=0.05)


def test_forced_colors_keep_what_colors_said(visit):
    page = visit(more_examples("en"), forced_colors="active")
    style = "(node, [pseudo, name]) => getComputedStyle(node, pseudo)[name]"
    for where, pseudo in ((".cells i.now", None), (".cells i.past", "::after"), (".heads.q i", None), (".bars i.weights", None)):
        assert page.locator(where).first.evaluate(style, [pseudo, "backgroundColor"]) == "rgb(0, 0, 0)", where
    kept, later = (page.locator(f".cells i.{state}").first.evaluate(style, [None, "borderTopWidth"]) for state in ("kept", "later"))
    assert (kept, later) == ("3px", "1px")
    assert page.locator("path.again").first.evaluate(style, [None, "strokeDasharray"]) != "none"
    assert Axe().run(page).violations_count == 0


def test_two_linked_explorers_show_the_same_length(visit):
    first, second = explorer("en"), explorer("en", "gpt3")
    jslink((first, "n_token"), (second, "n_token"))
    page = visit([first, second])
    slide(page.locator(".d2l").nth(0), "n_token", 4)
    expect(page.locator(".summary").nth(1)).to_contain_text("256 tokens")
