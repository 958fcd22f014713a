"""The decoding explorer in a static page, opened from file:// in a real browser, with mouse and keyboard alone."""

import re

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from ipywidgets import jslink
from playwright.sync_api import expect

from d2lmini import decoding
from d2lmini.i18n import THIN, set_language
from d2lmini.widgets import DecodingExplorer
from tests.browser import needs_browser
from tests.widgets import test_static
from tests.widgets.conftest import EVIL
from tests.widgets.test_decoding_explorer import chance, example, explorer, random_model, reader

pytestmark = [pytest.mark.browser, needs_browser]
BOTH, visit = test_static.BOTH, test_static.visit
LIGHT = "rgb(255, 254, 251)"


def shares(page, column):
    texts = page.locator(f".bars tbody tr:not([hidden]) td:nth-child({column})").all_text_contents()
    return test_static.numbers([text.replace("–", "0").rstrip("%").strip(f"{THIN} ") for text in texts]) / 100


def press(page, name):
    page.locator(f"button[name={name}]").click()


def slide(page, name, value):
    page.locator(f"input[name={name}]").fill(str(value))


def written(page):
    return page.locator(".one > .chips .chip:not(.given, .blank)").all_text_contents()


@BOTH
def test_filters_with_the_mouse(visit, lang):
    """Every probability on the page is the library's, in its order, whatever the sliders say."""
    set_language(lang)
    page = visit([explorer(13, 4, max_new=3)], lang)
    scores = random_model(4, 13)([3, 1]).double()[None]
    model = scores.softmax(dim=-1)[0].sort(descending=True).values

    def assert_filtered(*filters):
        found = decoding.choices.filtered(scores, [[3, 1]], filters).softmax(dim=-1)[0].sort(descending=True).values
        torch.testing.assert_close(shares(page, 3), found.float(), rtol=0, atol=0.00051)
        assert page.locator(".bars tr.gone").count() == int((found == 0).sum())
        assert page.locator(".slices span").count() == int((found > 0).sum())
        widths = page.locator(".slices span").evaluate_all("nodes => nodes.map((node) => node.getBoundingClientRect().width)")
        assert torch.tensor(widths) / sum(widths) == pytest.approx(found[found > 0].float(), abs=0.01)

    assert_filtered()
    torch.testing.assert_close(shares(page, 4), model.float(), rtol=0, atol=0.00051)
    slide(page, "temperature", 0.7)
    assert_filtered(decoding.temperature(0.7))
    slide(page, "top_k", 6)
    assert_filtered(decoding.temperature(0.7), decoding.top_k(6))
    slide(page, "top_p", 0.9)
    slide(page, "penalty", 1.5)
    slide(page, "min_p", 0.05)
    every = [decoding.repetition_penalty(1.5), decoding.temperature(0.7), decoding.top_k(6), decoding.top_p(0.9), decoding.min_p(0.05)]
    assert_filtered(*every)
    notes = [int(re.sub(r"\D", "", text)) for text in page.locator(".tune li small").all_text_contents() if text]
    left = [int((decoding.choices.filtered(scores, [[3, 1]], every[:n]) > -torch.inf).sum()) for n in (3, 4, 5)]
    assert notes == left and left[-1] < 6
    press(page, "reset")
    assert_filtered()
    expect(page.locator("input[name=top_k] + output")).to_have_text("sans" if lang == "fr" else "off")


@BOTH
def test_a_text_grows_as_chance_and_the_reader_decide(visit, lang):
    page = visit([example(lang, seed=5, n_context=600)], lang)  # enough for each pair of words
    assert written(page) == []
    expect(page.locator("button[name=back]")).to_have_attribute("aria-disabled", "true")
    u = f"{chance(5, 0):.2f}".replace(".", "," if lang == "fr" else ".")
    expect(page.locator(".lot")).to_contain_text(u)
    hit = page.locator(".slices .hit").text_content()
    left, needle = (page.locator(place).bounding_box() for place in (".slices .hit", ".needle"))
    assert left["x"] <= needle["x"] + needle["width"] / 2 <= left["x"] + left["width"]  # the needle points at what is drawn
    assert page.locator(".bars tr.hit button").text_content() == hit
    press(page, "draw")
    assert written(page) == [hit]
    expect(page.locator(".summary")).to_contain_text(hit)
    press(page, "back")
    assert written(page) == []
    press(page, "finish")
    text = written(page)
    assert text[0] == hit and (len(text) == 7 or text[-1] == ".")
    expect(page.locator(".summary")).to_contain_text(" ".join(word for word in text if word != "."))
    expect(page.locator(".asked")).to_be_hidden()
    press(page, "restart")
    press(page, "finish")
    assert written(page) == text  # the same seed, the same text
    press(page, "restart")
    while page.locator(".asked").is_visible():
        press(page, "greedy")
    assert written(page) == example(lang).greedy()
    expect(page.locator("button[name=greedy]")).to_have_attribute("aria-disabled", "true")
    page.locator("button[name=greedy]").dispatch_event("click")  # nothing happens
    assert written(page) == example(lang).greedy()
    press(page, "restart")
    other = {"fr": "une", "en": "a"}[lang]
    page.locator(".bars button").filter(has_text=re.compile(f"^{other}$")).click()  # a token taken by hand
    assert written(page) == [other]
    texts = set()
    for seed in range(6):
        slide(page, "seed", seed)
        press(page, "restart")
        press(page, "finish")
        texts.add(tuple(written(page)))
    assert len(texts) > 2


def test_what_the_figure_does_not_hold_is_said(visit):
    set_language("en")
    scores = torch.cat([torch.zeros(90), torch.tensor([0.5, 1.0])])
    page = visit([DecodingExplorer([f"t{i}" for i in range(92)], lambda ids: scores, [91], n_top=8, max_new=5, n_context=120)])
    assert page.locator(".bars tr:not([hidden]) button").all_text_contents()[-2:] == ["t5", "84 others"]
    page.locator(".bars button").filter(has_text="84 others").click()
    expect(page.locator(".summary")).to_have_text(
        "Chance took a rare token, of which the figure keeps the probability alone: “t91…”. Take it back."
    )
    press(page, "back")
    for _ in range(5):
        if page.locator(".asked").is_visible():
            page.locator(".bars button").filter(has_text="t5").click()
    expect(page.locator(".summary")).to_contain_text("what follows is not in the figure, which keeps 120 of the likeliest texts.")
    slide(page, "seed", 123456)
    page.locator("input[name=seed]").blur()
    press(page, "restart")
    expect(page.locator("input[name=seed]")).to_have_value("9999")


def buds(page, step):
    column = page.locator(f".tree ol:nth-of-type({step}) > li")
    words, totals = (column.locator(place).all_text_contents() for place in ("> span", "small"))
    return list(zip(words, totals, column.evaluate_all("nodes => nodes.map((node) => node.classList[1])"), strict=True))


def shown(x, lang):
    return f"{x:.2f}".replace("-", "−").replace(".", "," if lang == "fr" else ".")


@BOTH
def test_the_beam_with_the_mouse(visit, lang):
    set_language(lang)
    page = visit([explorer(11, 9, end=7, max_new=5, view="beam", width=2)], lang)
    model = random_model(9, 11)
    first = model([3, 1]).double().log_softmax(dim=-1)
    for width, alpha in ((2, 0.0), (4, 0.0), (3, 0.7), (1, 2.0)):
        slide(page, "width", width)
        slide(page, "length_penalty", alpha)
        (library,) = decoding.beam_search(reader(model), [[3, 1]], width=width, max_new=5, end=7, length_penalty=alpha, n_best=width)
        lines = page.locator(".ranking > li:not(:has(.place:text('★')))")
        expect(lines).to_have_count(len(library))
        for line, hypothesis in zip(lines.all(), library, strict=True):
            chips = line.locator(".chip").evaluate_all("nodes => nodes.map((node) => node.firstChild.textContent.trim())")
            assert chips == [f"t{token}" for token in hypothesis.tokens]
            assert line.locator(".sums > b").text_content() == shown(hypothesis.score, lang)
            end = page.locator(f".tree ol:nth-of-type({len(chips)}) > li:is(.finished, .full) > span", has_text=chips[-1])
            assert end.count() >= 1
        best = page.locator(".tree li.best > span").all_text_contents()
        assert best == [f"t{token}" for token in library[0].tokens]
        assert page.locator(".tree path.best").count() == len(library[0].tokens)
        kept = [word for word, _, state in buds(page, 1) if state != "dropped"]
        order = [f"t{token}" for token in first.argsort(descending=True).tolist()]
        going = [word for word in order if word != "t7"][:width]
        assert [word for word in kept if word != "t7"] == going
        for word, total, _ in buds(page, 1):
            assert total == shown(first[int(word[1:])].item(), lang)


@BOTH
def test_the_beam_step_by_step(visit, lang):
    page = visit([example(lang, view="beam", step=1)], lang)
    expect(page.locator(".tree ol")).to_have_count(1)
    expect(page.locator(".summary")).to_contain_text("Pas 1" if lang == "fr" else "Step 1")
    expect(page.locator("button[name=previous]")).to_have_attribute("aria-disabled", "true")
    press(page, "following")
    press(page, "following")
    expect(page.locator(".tree ol")).to_have_count(3)
    press(page, "previous")
    expect(page.locator(".tree ol")).to_have_count(2)
    press(page, "last")
    n = page.locator(".tree ol").count()
    expect(page.locator("button[name=following]")).to_have_attribute("aria-disabled", "true")
    expect(page.locator(".summary")).to_contain_text("glouton" if lang == "fr" else "greedy")
    assert page.locator("input[name=step]").input_value() == str(n)
    page.locator("summary").click()
    rows = page.locator(".all tbody tr")
    in_tree = page.locator(".tree li:not(.dropped)").count()
    assert rows.count() > in_tree
    kept = page.locator(".all tbody tr").filter(has_not_text="abandonné" if lang == "fr" else "dropped")
    assert kept.count() == in_tree
    said = page.locator(".tree .dropped em").first.text_content()
    assert said.startswith("abandonné" if lang == "fr" else "dropped")  # the state is text too


def test_edges_join_parents_to_children(visit):
    page = visit([example("en", view="beam", width=4)])
    ends = page.locator(".tree path.best").evaluate_all("""paths => paths.map((path) => {
      const box = path.ownerSVGElement.getBoundingClientRect();
      return [path.getPointAtLength(0), path.getPointAtLength(path.getTotalLength())].map(({ x, y }) => [box.x + x, box.y + y]); })""")
    boxes = [box.bounding_box() for box in [page.locator(".origin"), *page.locator(".tree li.best").all()]]
    assert len(ends) == len(boxes) - 1 > 3
    for (start, end), parent, child in zip(ends, boxes, boxes[1:], strict=False):
        assert start == pytest.approx([parent["x"] + parent["width"], parent["y"] + parent["height"] / 2], abs=1.5)
        assert end == pytest.approx([child["x"], child["y"] + child["height"] / 2], abs=1.5)


@BOTH
def test_with_the_keyboard_alone(visit, lang):
    page = visit([example(lang)], lang)
    key = page.keyboard.press
    key("Tab")  # the views
    key("ArrowRight")
    expect(page.locator(".search")).to_be_visible()
    expect(page.locator(".one")).to_be_hidden()
    key("Tab")
    key("ArrowRight")
    expect(page.locator("input[name=width] + output")).to_have_text("4")
    key("Tab")
    key("End")
    expect(page.locator("input[name=length_penalty] + output")).to_have_text("2,0" if lang == "fr" else "2.0")
    key("Tab")
    key("Home")
    expect(page.locator("input[name=step]")).to_have_attribute("aria-valuetext", re.compile(r"^1 "))
    key("Tab")
    key("Tab")
    key("Enter")
    key("Enter")
    expect(page.locator(".tree ol")).to_have_count(3)
    for _ in range(5):
        key("Shift+Tab")
    key("ArrowLeft")
    expect(page.locator(".one")).to_be_visible()
    key("Tab")
    key("Tab")
    key("Space")  # the likeliest
    key("Space")
    assert written(page) == example(lang).greedy()[:2]
    for _ in range(5):
        key("Tab")
    expect(page.locator("input[name=seed]")).not_to_be_focused()
    key("Tab")
    word = page.evaluate("document.activeElement.textContent")
    key("Enter")
    assert written(page) == [*example(lang).greedy()[:2], word]
    expect(page.locator(".bars button").first).to_be_focused()
    while page.locator(".asked").is_visible():
        key("Enter")
    expect(page.locator("button[name=back]")).to_be_focused()  # not lost with the token that has gone
    key("Enter")
    expect(page.locator(".asked")).to_be_visible()


def test_hostile_tokens_are_only_text(visit):
    set_language("en")
    scores = torch.linspace(1, 0, len(EVIL))
    choices = {"n_top": 8, "memory": 1, "separator": "<b>", "max_new": 4}
    page = visit([DecodingExplorer(EVIL, lambda ids: scores, [0], view=view, **choices) for view in ("step", "beam")])
    assert page.locator("img").count() == 0
    assert EVIL[0] in page.locator(".bars button").all_text_contents()
    press(page.locator(".d2l").first, "greedy")
    assert written(page.locator(".d2l").first) == [EVIL[0]]
    expect(page.locator(".summary").first).to_contain_text(f"After “{EVIL[0]}<b>{EVIL[0]}”")
    assert EVIL[0] in page.locator(".tree li > span").all_text_contents()
    page.locator(".d2l").nth(1).locator("summary").click()
    assert f"{EVIL[0]}<b>{EVIL[1]}" in page.locator(".all th").all_text_contents()
    assert page.locator("img").count() == 0


def more_examples(lang):
    return [example(lang, top_p=0.8), example(lang, view="beam", width=4), explorer(31, 2, view="beam", step=2)]


def test_forced_colors_keep_what_colors_said(visit):
    page = visit(more_examples("en"), forced_colors="active")
    style = "node => { const s = getComputedStyle(node); return [s.backgroundColor, s.borderTopStyle, s.strokeWidth, s.color]; }"
    assert page.locator(".pair i").first.evaluate(style)[0] == "rgb(0, 0, 0)"
    assert page.locator(".slices .hit").first.evaluate(style)[0] != page.locator(".slices span:not(.hit)").first.evaluate(style)[0]
    states = {state: page.locator(f".tree li.{state}:not(.best)").first.evaluate(style)[1] for state in ("going", "dropped", "finished")}
    assert states == {"going": "solid", "dropped": "dashed", "finished": "double"}
    widths = [page.locator(f".tree path{kind}").first.evaluate(style)[2] for kind in (".best", ".going:not(.best)")]
    assert widths == ["4px", "1.4px"]
    off, on = (page.locator(f"button[name={name}]").first.evaluate(style)[3] for name in ("back", "draw"))
    assert off != on
    assert Axe().run(page).violations_count == 0


def test_dark_mode_reaches_the_tree(visit):
    paper = "node => getComputedStyle(node).backgroundColor"
    for theme, color in (("light", LIGHT), ("dark", "rgb(20, 24, 29)")):
        assert visit([example(view="beam")], theme=theme).locator(".tree li.going:not(.best)").first.evaluate(paper) == color


def test_two_linked_explorers_agree(visit):
    first, second = example(seed=3), example(seed=3)
    jslink((first, "path"), (second, "path"))
    page = visit([first, second])
    press(page.locator(".d2l").first, "finish")
    assert written(page.locator(".d2l").nth(1)) == written(page.locator(".d2l").first) != []
    ids = page.locator("[id]").evaluate_all("nodes => nodes.map((node) => node.id)")
    assert len(ids) == len(set(ids))
