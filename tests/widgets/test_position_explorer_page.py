"""The position explorer in a static page, opened from file:// in a real browser: moved by mouse and keys, seen by all."""

import math
import re

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from d2lmini.i18n import set_language
from d2lmini.widgets import PositionExplorer
from d2lmini.widgets.position_explorer import SCHEMES
from tests.browser import needs_browser
from tests.widgets import test_static
from tests.widgets.conftest import run_javascript

pytestmark = [pytest.mark.browser, needs_browser]
BOTH, visit = test_static.BOTH, test_static.visit


def example(lang="en", scheme="sinusoidal", **choices):
    set_language(lang)
    return PositionExplorer(scheme, **choices)


def assert_shown(page, scheme, **choices):
    """The summary, the table, the square and the dot all hold the score of a widget with these choices."""
    widget = PositionExplorer(scheme, **choices)
    lang = page.evaluate("document.documentElement.lang")
    score, offset = widget.score(), widget.j - widget.i
    shown = f"{score:.2f}".replace("-0.00", "0.00").replace("-", "−").replace(".", "," if lang == "fr" else ".")
    expect(page.locator(".summary")).to_contain_text(re.compile(rf"^\S+ {str(offset).replace('-', '−')}\D* {re.escape(shown)},"))
    row = page.locator(".offsets tr.chosen")
    expect(row).to_have_count(1)
    assert row.locator("th, td").all_text_contents()[:2] == [str(offset).replace("-", "−"), shown]
    here = page.locator(".spot.here").evaluate("spot => [spot.offsetTop, spot.offsetLeft].map((x) => x / spot.parentElement.clientWidth)")
    assert [round(x * widget.n_position) for x in here] == [widget.i, widget.j]
    left = page.locator(".curve .dot").evaluate("dot => parseFloat(dot.style.left)")
    first = 1 - widget.n_position
    last = 0 if widget.causal else widget.n_position - 1
    half = 0.5 if scheme in ("shaw", "t5") else 0
    assert left == pytest.approx(100 * (offset - first + half) / (last - first + 2 * half), abs=0.1)
    return shown


def pixels(page, name):
    """The colors of a heat map, (height, width, 4)."""
    code = """canvas => [canvas.height, canvas.width, [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data]]"""
    height, width, data = page.locator(f"canvas[data-heat={name}]").first.evaluate(code)
    return torch.tensor(data).reshape(height, width, 4)


def cividis(values, low, high):
    code = 'import { cividis } from "./shared.mjs"; console.log(JSON.stringify(DATA.map((row) => row.map((x) => [...cividis(x), 255]))))'
    return torch.tensor(run_javascript(code, ((values - low) / (high - low)).tolist()))


@pytest.mark.parametrize("scheme", SCHEMES)
@BOTH
def test_each_scheme_with_the_mouse(visit, lang, scheme):
    page = visit([example(lang)], lang)
    page.locator("[name=scheme]").select_option(scheme)
    assert_shown(page, scheme)
    page.locator("[name=n_position]").fill("24")
    assert_shown(page, scheme, n_position=24, i=20, j=17)
    page.locator("[name=i]").fill("4")
    page.locator("[name=j]").fill("2")
    own = {
        "sinusoidal": {"d": 20}, "shaw": {"d": 12, "clip": 1}, "t5": {"n_bucket": 12, "max_distance": 40},
        "alibi": {"n_head": 12, "head": 10}, "rotary": {"d": 12, "pair": 5},
    }[scheme]  # fmt: skip
    for name, value in own.items():
        page.locator(f"[name={name}]").fill(str(value))
        shown = str(value + 1) if name == "head" else str(value)
        expect(page.locator(f"[name={name}] + output")).to_have_text(shown)
    assert_shown(page, scheme, n_position=24, i=4, j=2, **own)
    square = page.locator(".pairs").bounding_box()
    page.mouse.click(square["x"] + square["width"] * 21.5 / 24, square["y"] + square["height"] * 7.5 / 24)
    assert_shown(page, scheme, n_position=24, i=7, j=21, **own)


@BOTH
def test_everything_with_the_keyboard_alone(visit, lang):
    page = visit([example(lang)], lang)
    press = page.keyboard.press
    press("Tab")  # the scheme; the menu keeps the focus although the page is built anew
    for scheme in SCHEMES[1:]:
        press("ArrowDown")
        assert_shown(page, scheme)
        expect(page.locator("[name=scheme]")).to_be_focused()
    choices = {"i": 20, "j": 17}
    for name, key, value in (("n_position", "ArrowLeft", 31), ("d", "ArrowLeft", 30), ("pair", "End", 14)):
        press("Tab")
        expect(page.locator(f"[name={name}]")).to_be_focused()
        press(key)
        choices[name] = value
        assert_shown(page, "rotary", **choices)
    press("Tab")  # the pairs
    strip = pixels(page, "turned")
    press("ArrowUp")
    assert not torch.equal(strip, pixels(page, "turned"))
    final = {"n_position": 31, "d": 30, "interleaved": True}
    press("Tab")  # the query
    press("ArrowRight")
    press("Tab")  # the key
    press("ArrowLeft")
    assert_shown(page, "rotary", i=21, j=16, **final)
    press("Tab")  # together
    press("Space")
    press("Shift+Tab")
    press("Home")
    assert_shown(page, "rotary", i=5, j=0, **final)
    press("End")
    assert_shown(page, "rotary", i=30, j=25, **final)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_moving_both_together_does_not_change_the_score(visit, scheme):
    page = visit([example("en", scheme)])
    page.locator("[name=together]").click()
    sentences, places = set(), set()
    for i in range(3, 32, 7):
        page.locator("[name=i]").fill(str(i))
        assert_shown(page, scheme, i=i, j=i - 3)
        sentences.add(page.locator(".summary").text_content())
        places.add(page.locator(".spot.here").get_attribute("style"))
    assert len(sentences) == 1 and len(places) == 5
    page.locator("[name=i]").fill("0")  # no further than the edge
    assert_shown(page, scheme, i=3, j=0)


def test_arrows_turn_by_their_position_and_keep_their_angle(visit):
    page = visit([example("en", "rotary", i=7, j=5, d=16, pair=1)])
    theta = 10_000 ** (-2 / 16)
    for i, j in ((7, 5), (17, 15)):
        page.locator("[name=i]").fill(str(i))
        page.locator("[name=j]").fill(str(j))
        for side, position in (("q", i), ("k", j)):
            path = page.locator(f".circle g.{side} path").first.get_attribute("d")
            x, y = map(float, re.fullmatch(r"M0 0L(\S+) (\S+)", path).groups())
            assert math.hypot(x, y) == pytest.approx(0.9, abs=2e-3)
            angle = position * theta
            assert (x / 0.9, -y / 0.9) == pytest.approx((math.cos(angle), math.sin(angle)), abs=2e-3)  # counterclockwise
            tip = float(re.fullmatch(r"rotate\((\S+)\)", page.locator(f".circle g.{side} .point").get_attribute("transform"))[1])
            assert tip == pytest.approx(-math.degrees(angle), abs=0.01)
        expect(page.locator(".key")).to_contain_text(f"from q to k: −{2 * theta:.2f}\u00a0rad")


@pytest.mark.parametrize("interleaved", [True, False])
def test_the_pair_is_framed_where_the_convention_puts_it(visit, interleaved):
    page = visit([example("en", "rotary", d=10, pair=2, interleaved=interleaved)])
    left = page.locator(".turned .spot").evaluate_all("spots => spots.map((spot) => parseFloat(spot.style.left) / 10)")
    assert left == pytest.approx([4, 5, 4, 5] if interleaved else [2, 7, 2, 7])
    expect(page.locator(".picture .heading")).to_contain_text("coordinates 4 and 5" if interleaved else "coordinates 2 and 7")


@pytest.mark.parametrize(("scheme", "choices"), [("sinusoidal", {}), ("shaw", {}), ("t5", {}), ("alibi", {"causal": True}), ("rotary", {})])
def test_the_square_shows_all_scores(visit, scheme, choices):
    n = 9
    page = visit([example("en", scheme, n_position=n, **choices)])
    scores = torch.tensor([[PositionExplorer(scheme, n_position=n, i=i, j=j, **choices).score() for j in range(n)] for i in range(n)])
    seen, shown = scores.isfinite(), pixels(page, "pairs")
    expected = cividis(scores.where(seen, 0), scores[seen].min(), scores[seen].max())
    assert (shown[seen] - expected[seen]).abs().max() <= 1
    assert not shown[~seen].any()  # what the mask hides stays blank


def test_waves_are_drawn(visit):
    from d2lmini.positions import sinusoid

    page = visit([example("en", n_position=12, d=10)])
    assert (pixels(page, "vectors") - cividis(sinusoid(torch.arange(12.0).double(), 10), -1, 1)).abs().max() <= 1


def test_fewer_positions_pull_the_choices_inside(visit):
    page = visit([example("en", "alibi", head=7)])
    page.locator("[name=n_position]").fill("10")
    page.locator("[name=n_head]").fill("3")
    assert_shown(page, "alibi", n_position=10, i=9, j=9, n_head=3, head=2)
    assert [page.locator(f"[name={name}]").get_attribute("max") for name in ("i", "j", "head")] == ["9", "9", "2"]


def test_a_masked_key_says_so(visit):
    page = visit([example("en", "t5", causal=True)])
    page.locator("[name=j]").fill("25")
    expect(page.locator(".summary")).to_have_text("Position 20 does not see position 25, which comes after it.")
    assert page.locator(".dot").count() == 0
    page.locator("[name=causal]").click()
    assert_shown(page, "t5", j=25)


def more_examples(lang):
    set_language(lang)
    return [PositionExplorer(scheme) for scheme in SCHEMES] + [PositionExplorer("alibi", n_head=16, n_position=64, causal=True)]


def test_forced_colors_keep_what_colors_said(visit):
    page = visit(more_examples("en"), forced_colors="active")
    style = "node => { const s = getComputedStyle(node); return [s.outlineStyle, s.stroke, s.backgroundColor, s.strokeDasharray] }"
    assert page.locator(".frame path.main").first.evaluate(style)[1] == "rgb(0, 0, 0)"
    assert page.locator(".spot.here").first.evaluate(style)[0] == "solid"
    assert page.locator(".dot").first.evaluate(style)[2] == page.locator(".slopes .bar i").first.evaluate(style)[2] != "rgb(255, 255, 255)"
    dashes = [page.locator(f".circle .{side} path").first.evaluate(style)[3] for side in ("q", "k")]
    assert dashes[0] == "none" != dashes[1]  # the two arrows differ by more than their color
    assert Axe().run(page).violations_count == 0


def test_two_explorers_and_two_views_of_one_do_not_clash(visit):
    one, other = example("en", "rotary"), example("en", "t5")
    page = visit([one, other, one])
    first, second, again = (page.locator(".d2l").nth(k) for k in range(3))
    first.locator("[name=j]").fill("4")
    for view, offset in ((first, "−16"), (second, "−3"), (again, "−16")):
        expect(view.locator(".summary")).to_contain_text(f"Offset {offset}:")
    ids = page.locator("[id]").evaluate_all("nodes => nodes.map((node) => node.id)")
    assert len(ids) == len(set(ids))
