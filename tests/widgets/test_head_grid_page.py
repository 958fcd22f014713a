"""The head grid in a static page, opened from file:// in a real browser: every head can be reached, seen and read."""

import re

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from d2lmini import masks
from d2lmini.i18n import set_language
from d2lmini.widgets import HeadGrid
from d2lmini.widgets.head_grid import quantize
from tests.browser import needs_browser
from tests.widgets import test_static
from tests.widgets.conftest import EVIL, SENTENCE, run_javascript
from tests.widgets.test_head_grid import BIG, TOKENS, WEIGHTS, N, example, softmax_weights

pytestmark = [pytest.mark.browser, needs_browser]
BOTH, visit = test_static.BOTH, test_static.visit
PIXELS = """canvases => canvases.map((canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const color = (k) => data[k + 3] ? data[k] * 65536 + data[k + 1] * 256 + data[k + 2] : -1;
  return [canvas.height, canvas.width, Array.from({ length: data.length / 4 }, (_, k) => color(4 * k))];
})"""


def shown_pictures(page):
    """The color of each pixel of each picture as one number, −1 where it is blank."""
    return [torch.tensor(pixels).reshape(height, width) for height, width, pixels in page.locator(".all canvas").evaluate_all(PIXELS)]


def palette():
    """The color of each byte, as in `shown_pictures`."""
    code = """import { cividis } from "./shared.mjs"; const color = ([red, green, blue]) => red * 65536 + green * 256 + blue;
    console.log(JSON.stringify(Array.from({ length: 256 }, (_, byte) => color(cividis(byte / 255)))))"""
    return torch.tensor([-1, *run_javascript(code)[1:]])


def assert_head(page, weights, layer, head, masked=None):
    """The pressed picture, the title, the table of numbers and the lines all show this head."""
    place = re.compile(rf"\D{layer + 1}\D.*\D{head + 1}\b")
    expect(page.locator(".all button[aria-pressed=true]")).to_have_count(1)
    expect(page.locator(".all button[aria-pressed=true]")).to_have_attribute("aria-label", place)
    expect(page.locator(".title")).to_have_text(place)
    expect(page.locator(".summary")).to_have_text(place)
    one = weights[layer, head]
    shown = test_static.numbers(page.locator(".numbers td:not(.blocked)[data-i]").all_text_contents())
    torch.testing.assert_close(shown, one[one > 0], rtol=0, atol=0.0091)  # two decimals, and half a step of the root
    expect(page.locator(".numbers td.blocked")).to_have_count(int((one == 0).sum()))


def drawn(page):
    return page.locator(".lines path").count()


@BOTH
def test_every_head_with_the_mouse(visit, lang):
    page = visit([example(lang)], lang)
    colors = palette()
    for k, pixels in enumerate(shown_pictures(page)):
        assert torch.equal(pixels, colors[quantize(WEIGHTS).flatten(0, 1)[k].long()])
    assert_head(page, WEIGHTS, 0, 0)
    for layer, head in ((1, 2), (0, 1), (1, 0)):
        page.locator(f".all button[data-i='{layer}'][data-j='{head}']").click()
        assert_head(page, WEIGHTS, layer, head)
    one = example(lang, layer=1).chosen()
    assert drawn(page) == (one >= 0.01).sum()
    query, key = SENTENCE[lang][3], SENTENCE[lang][1]
    seen, hidden = (page.locator(f".numbers td[data-i='{i}'][data-j='{j}']") for i, j in ((3, 1), (1, 3)))
    expect(seen).to_have_attribute("aria-label", re.compile(rf"{query}.*{key}.*{seen.text_content()}$"))
    expect(hidden).to_have_attribute("aria-label", re.compile(rf"{key}.*({'ne voit pas' if lang == 'fr' else 'does not see'}).*{query}"))
    code = 'import { cividis } from "./shared.mjs"; console.log(JSON.stringify(`rgb(${cividis(DATA).join(", ")})`))'
    color = seen.evaluate("cell => getComputedStyle(cell).backgroundColor")  # the same scale as in the pictures
    assert color == run_javascript(code, one[3, 1].sqrt().item())


@BOTH
def test_a_token_shows_its_lines_alone(visit, lang):
    page = visit([example(lang, layer=1)], lang)
    one, everything = example(lang, layer=1).chosen(), drawn(page)
    queries, keys = page.locator("li[data-side=query]"), page.locator("li[data-side=key]")
    queries.nth(4).hover()  # as long as the pointer is there
    assert drawn(page) == (one[4] >= 0.01).sum()
    shown = test_static.numbers([text for text in keys.locator("b").all_text_contents() if text])
    torch.testing.assert_close(shown, one[4][one[4] >= 0.01], rtol=0, atol=0.0051)
    keys.nth(0).hover()
    assert drawn(page) == (one[:, 0] >= 0.01).sum()
    page.locator(".title").hover()
    assert drawn(page) == everything
    keys.nth(1).click()  # to stay
    page.locator(".title").hover()
    assert drawn(page) == (one[:, 1] >= 0.01).sum()
    word = SENTENCE[lang][1]
    expect(page.locator(".summary")).to_contain_text(re.compile(rf"{word}.*({'regardé' if lang == 'fr' else 'looked at'})"))
    expect(page.locator("[name=token]")).to_have_value("key 1")
    keys.nth(1).click()  # and back
    page.locator(".title").hover()
    assert drawn(page) == everything
    expect(page.locator("[name=token]")).to_have_value("")
    page.locator("[name=token]").select_option("query 3")
    assert drawn(page) == (one[3] >= 0.01).sum()
    expect(page.locator("li.forward")).to_have_text(SENTENCE[lang][3])
    expect(page.locator("tr.chosen th")).to_have_text(SENTENCE[lang][3])
    page.locator(".numbers td[data-i='5'][data-j='2']").click()
    expect(page.locator("[name=token]")).to_have_value("query 5")


@BOTH
def test_everything_with_the_keyboard_alone(visit, lang):
    page = visit([example(lang)], lang)
    press, one = page.keyboard.press, example(lang, layer=1, head=2).chosen()
    press("Tab")  # the token put forward
    press("Tab")  # the heads
    for keys, place in (("ArrowDown", (1, 0)), ("ArrowRight", (1, 1)), ("End", (1, 2)), ("ArrowRight", (1, 2)), ("Control+Home", (0, 0)),
                        ("ArrowLeft", (0, 0)), ("Control+End", (1, 2))):  # fmt: skip
        press(keys)
        assert_head(page, WEIGHTS, *place)
        assert page.locator(".all button[tabindex='0']").count() == 1
    press("Tab")  # the queries
    assert drawn(page) == (one[0] >= 0.01).sum()
    for keys, i in (("ArrowDown", 1), ("End", 5), ("ArrowDown", 5), ("ArrowUp", 4), ("Home", 0), ("ArrowUp", 0), ("ArrowDown", 1)):
        press(keys)
        expect(page.locator("li:focus")).to_have_attribute("data-k", str(i))
        expect(page.locator("li:focus")).to_have_attribute("aria-selected", "true")
        assert drawn(page) == (one[i] >= 0.01).sum()
    press("Tab")  # the keys
    press("ArrowDown")
    assert drawn(page) == (one[:, 1] >= 0.01).sum()
    press("Escape")
    assert drawn(page) == (one >= 0.01).sum()
    press("Tab")  # the numbers
    press("ArrowDown")
    expect(page.locator("[name=token]")).to_have_value("query 1")
    press("Shift+Tab")
    press("Shift+Tab")  # back to the query that is put forward
    expect(page.locator("li:focus")).to_have_attribute("data-k", "1")
    press("Shift+Tab")
    expect(page.locator("button:focus")).to_have_attribute("aria-pressed", "true")


def test_144_heads_of_64_tokens(visit):
    page = visit([HeadGrid(BIG, TOKENS, layer=11, head=3)])
    pictures = shown_pictures(page)
    assert len(pictures) == 144
    pooled = torch.nn.functional.max_pool2d(quantize(BIG).float().flatten(0, 1), 2).long()
    assert torch.equal(torch.stack(pictures), palette()[pooled])
    sizes = page.locator(".all button").evaluate_all(
        "buttons => buttons.flatMap(({ offsetWidth, offsetHeight }) => [offsetWidth, offsetHeight])"
    )
    assert min(sizes) >= 24  # a finger can hit each
    expect(page.locator(".found tbody tr")).to_have_count(144)
    assert page.locator(".numbers").count() == 0  # 64 × 64 numbers can't be read: the row of one token can
    one = HeadGrid(BIG, TOKENS, layer=11, head=3).chosen()

    def row():
        return test_static.numbers([text.replace("–", "0") for text in page.locator(".ranked td").all_text_contents()])

    torch.testing.assert_close(row(), one.mean(0), rtol=0, atol=0.0051)
    page.locator("[name=token]").select_option("query 40")
    torch.testing.assert_close(row(), one[40], rtol=0, atol=0.0051)
    page.locator("[name=token]").select_option("key 2")
    torch.testing.assert_close(row(), one[:, 2], rtol=0, atol=0.0051)


def test_cross_attention_has_its_own_keys(visit):
    weights = softmax_weights(1, 2, 3, 5)
    set_language("fr")
    page = visit([HeadGrid(weights, ["il", "fait", "beau"], keys=["the", "sky", "is", "blue", "!"])], "fr")
    assert page.locator("li[data-side=query] span").all_text_contents() == ["il", "fait", "beau"]
    assert page.locator("li[data-side=key] span").all_text_contents() == ["the", "sky", "is", "blue", "!"]
    assert_head(page, weights, 0, 0)
    first, last = (page.locator(f"li[data-side=key] >> nth={k}").bounding_box() for k in (0, 4))
    shorter = page.locator("li[data-side=query] >> nth=1").bounding_box()
    assert shorter["y"] == pytest.approx((first["y"] + last["y"]) / 2, abs=1)  # the shorter list stands in the middle


def test_lines_end_at_their_tokens(visit):
    """Each line starts at the height of its query and ends at that of its key."""
    weights = torch.eye(6).flip(-1)[:3].expand(1, 1, 3, 6)  # fewer queries than keys: they stand in the middle
    page = visit([HeadGrid(weights, ["il", "fait", "beau"], keys=SENTENCE["en"], query=1)])
    ends = page.locator(".lines path").evaluate("""path => {
      const box = path.ownerSVGElement.getBoundingClientRect(), tall = path.ownerSVGElement.viewBox.baseVal.height;
      return [path.getPointAtLength(0), path.getPointAtLength(path.getTotalLength())].map(({ y }) => box.y + y / tall * box.height);
    }""")
    for y, (which, k) in zip(ends, (("query", 1), ("key", 4)), strict=True):
        box = page.locator(f"li[data-side={which}] >> nth={k}").bounding_box()
        assert y == pytest.approx(box["y"] + box["height"] / 2, abs=1)


def test_hostile_tokens_are_only_text(visit):
    n = len(EVIL)
    page = visit([HeadGrid(softmax_weights(2, 2, n, n), EVIL), HeadGrid(softmax_weights(1, 1, 2, n), ["a", "b"], keys=EVIL),
                  HeadGrid(torch.eye(n)[[0] * n].expand(1, 1, n, n) * 0.9 + 0.1 / n, EVIL)])  # fmt: skip
    assert page.locator("img").count() == 0
    shown = [token.strip() or "␣" for token in EVIL]
    first = page.locator(".d2l-heads").first
    assert first.locator("li[data-side=query] span").all_text_contents() == shown
    assert first.locator(".numbers tbody th").all_text_contents() == shown
    for i in range(n):
        first.locator("[name=token]").select_option(f"query {i}")
        expect(first.locator(".summary")).to_contain_text(f"“{shown[i]}” looks")


def test_hostile_tokens_stay_text_in_a_row_and_in_a_description(visit):
    tokens = (EVIL * 3)[:30]
    weights = (torch.eye(30)[[3] * 30] * 0.9 + 0.1 / 30).expand(1, 1, 30, 30)
    page = visit([HeadGrid(weights, tokens)])
    assert page.locator("img").count() == 0
    page.locator("[name=token]").select_option("key 3")
    expect(page.locator(".ranked caption")).to_have_text("Who looks at “&amp;₁”")
    assert "<img src=x onerror=alert(1)>₁" in page.locator(".ranked th").all_text_contents()
    expect(page.locator(".all button")).to_have_attribute("aria-label", "layer 1, head 1: mostly “&amp;₁”")


def more_examples(lang):
    set_language(lang)
    words = SENTENCE[lang]
    return [
        example(lang, layer=1, head=1, query=3),
        HeadGrid(softmax_weights(3, 2, N, 3), words, keys=["il", "fait", "beau"]),
        HeadGrid(softmax_weights(2, 8, 40, 40, mask=masks.causal(40)), [f"mot{i}" for i in range(40)], layer=1),
    ]


def test_a_full_grid_fits_a_phone(visit):
    page = visit([HeadGrid(BIG, TOKENS)], width=320)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.locator(".lines svg").bounding_box()["width"] >= 50


def test_dark_mode_keeps_masked_places_apart_from_small_weights(visit):
    page = visit([example()], theme="dark")
    blank = page.locator(".all button").first.evaluate("node => getComputedStyle(node).backgroundColor")
    assert blank == "rgb(58, 67, 78)"  # the palette's rule, well above cividis' darkest and the paper
    light = visit([example()]).locator(".all button").first
    assert light.evaluate("node => getComputedStyle(node).backgroundColor") == "rgb(255, 254, 251)"


def test_forced_colors_keep_what_colors_said(visit):
    page = visit(more_examples("en"), forced_colors="active")
    style = "node => { const s = getComputedStyle(node); return [s.outlineStyle, s.outlineWidth, s.stroke, s.backgroundColor] }"
    assert page.locator(".all button[aria-pressed=true]").first.evaluate(style)[:2] == ["solid", "3px"]
    assert page.locator(".all button[aria-pressed=false]").first.evaluate(style)[0] == "none"
    assert page.locator(".lines path").first.evaluate(style)[2] == "rgb(0, 0, 0)"
    assert page.locator(".bar i").first.evaluate(style)[3] == "rgb(0, 0, 0)"
    assert page.locator("li.forward").first.evaluate(style)[3] != page.locator("li.faint").first.evaluate(style)[3]
    assert page.locator(".numbers td.mine").first.evaluate(style)[0] == "solid"
    page.locator("li").first.focus()
    assert page.locator("li:focus").evaluate(style)[0] == "solid"
    assert Axe().run(page).violations_count == 0


def test_two_grids_and_two_views_of_one_do_not_clash(visit):
    one, other = example(), HeadGrid(softmax_weights(1, 2, 3, 3), list("xyz"))
    page = visit([one, other, one])
    first, second, again = (page.locator(".d2l").nth(k) for k in range(3))
    first.locator(".all button[data-i='1'][data-j='1']").click()
    for view, place in ((first, "Layer 2, head 2"), (second, "Layer 1, head 1"), (again, "Layer 2, head 2")):
        expect(view.locator(".title")).to_have_text(place)
    ids = page.locator("[id]").evaluate_all("nodes => nodes.map((node) => node.id)")
    assert len(ids) == len(set(ids))
