"""Span corruption in a static page, opened from file:// in a real browser, with mouse and keyboard alone."""

import random
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from ipywidgets import jslink
from playwright.sync_api import expect

from d2lmini.i18n import set_language
from d2lmini.objectives import corrupt_at, corrupt_spans
from d2lmini.widgets import SpanCorruption
from d2lmini.widgets.span_corruption import EXAMPLES, LETTERS
from tests.browser import needs_browser
from tests.widgets import test_static
from tests.widgets.conftest import EVIL

pytestmark = [pytest.mark.browser, needs_browser]
BOTH, visit = test_static.BOTH, test_static.visit
PAIRS = "items => items.map((item) => [...item.querySelectorAll('.chip')].map((chip) => chip.textContent))"


def widget(lang="en", *args, **choices):
    set_language(lang)
    return SpanCorruption(*args, **choices)


def long_one(lang="en", **choices):
    return widget(lang, EXAMPLES[lang][2].split(), **choices)


def spans_of(dropped):
    starts = sorted(i for i in dropped if i - 1 not in dropped)
    return [(i, next(j for j in range(i, 99) if j not in dropped)) for i in starts]


def corrupted(tokens, dropped):
    n = len(tokens)
    shown = [*(token.strip() or "␣" for token in tokens), *(f"⟨{letter}⟩" for letter in LETTERS)]
    return [[shown[i] for i in items] for items in corrupt_at(range(n), spans_of(dropped), range(n, len(shown)))]


def chips(page, place):
    return [text.strip() for text in page.locator(f"{place} .chip").all_text_contents()]


def dropped_on(page):
    return [int(j) for j in page.locator(".choice td.gone").evaluate_all("cells => cells.map((cell) => cell.dataset.j)")]


def assert_shown(page, tokens, dropped, step=0, compare=True):
    """All that is on the page is what the library computes: the choice, three objectives, the way back, the table."""
    expect(page.locator(".choice td")).to_have_count(len(tokens))
    assert dropped_on(page) == sorted(dropped)
    pressed = page.locator(".choice td").evaluate_all("cells => cells.map((cell) => cell.getAttribute('aria-selected') === 'true')")
    assert pressed == [i in dropped for i in range(len(tokens))]
    words = [token.strip() or "␣" for token in tokens]
    inputs, target = corrupted(tokens, dropped)
    spans = spans_of(dropped)
    assert page.locator(".choice .sentinel").all_text_contents() == [f"⟨{letter}⟩" for letter in LETTERS[: len(spans)]]
    assert chips(page, ".t5 .line:nth-of-type(1)") == inputs and chips(page, ".t5 .line:nth-of-type(2)") == target
    expect(page.locator(".bert")).to_have_count(int(compare))
    expect(page.locator(".gpt")).to_have_count(int(compare))
    if compare:
        bert = [["[MASK]", word] if i in dropped else [word, "–"] for i, word in enumerate(words)]
        assert strip(page.locator(".bert .pairs li").evaluate_all(PAIRS)) == bert
        gpt = [list(pair) for pair in zip(["⟨bos⟩", *words], [*words, "⟨eos⟩"], strict=True)]
        assert strip(page.locator(".gpt .pairs li").evaluate_all(PAIRS)) == gpt
        assert page.locator(".bert .predicted").count() == len(dropped)

    assert chips(page, ".restore .line:nth-of-type(1)") == inputs and chips(page, ".restore .line:nth-of-type(2)") == target
    gained = []
    for item in inputs[:step]:
        place = target.index(item) + 1 if item in target and item.startswith("⟨") else None
        stop = next((k for k in range(place, len(target)) if target[k].startswith("⟨")), place) if place else None
        gained.append(target[place:stop] if place else [item])
    assert chips(page, ".restore .line:nth-of-type(3)") == [word for words_ in gained for word in words_]
    expect(page.locator("[name=step] + output")).to_have_text(f"{step} / {len(inputs)}")
    here = chips(page, ".restore .here")
    assert here == (
        [inputs[step - 1], *([inputs[step - 1], *gained[-1]] if inputs[step - 1] in target else []), *gained[-1]] if step else []
    )

    rows = page.locator(".all tbody tr")
    assert rows.nth(0).locator("td").all_text_contents()[:2] == [" ".join(inputs), " ".join(target)]
    assert rows.nth(0).locator("td").all_text_contents()[2:] == [str(len(inputs)), str(len(target))]
    assert rows.nth(1).locator("td").nth(2).text_content() == str(len(tokens))
    assert rows.nth(2).locator("td").all_text_contents()[2:] == [str(len(tokens) + 1)] * 2


def strip(pairs):
    return [[text.strip() for text in pair] for pair in pairs]


@BOTH
def test_with_the_mouse(visit, lang):
    page = visit([widget(lang)], lang)
    tokens = EXAMPLES[lang][0].split()
    assert_shown(page, tokens, {1, 3, 4}, step=2)
    page.locator("[data-j='3']").click()  # put back
    assert_shown(page, tokens, {1, 4}, step=2)
    page.locator("[data-j='2']").click()  # two neighbors: one span
    assert_shown(page, tokens, {1, 2, 4}, step=2)
    page.locator("[data-j='3']").click()  # two spans become one: the step that is gone is the last
    assert_shown(page, tokens, {1, 2, 3, 4}, step=2)
    for name, step in (("next", 2), ("back", 1), ("back", 0), ("back", 0), ("next", 1)):
        page.locator(f"button[name={name}]").click(force=True)  # also when it has nothing to do
        assert_shown(page, tokens, {1, 2, 3, 4}, step=step)
    page.locator("[name=compare]").uncheck()
    assert_shown(page, tokens, {1, 2, 3, 4}, step=1, compare=False)
    page.locator("[name=compare]").check()
    for j in range(1, 5):
        page.locator(f"[data-j='{j}']").click()
    assert_shown(page, tokens, set(), step=1)
    page.locator("[data-j='0']").click()
    assert_shown(page, tokens, {0}, step=1)


@BOTH
def test_with_the_keyboard_alone(visit, lang):
    page = visit([widget(lang)], lang)
    press, tokens = page.keyboard.press, EXAMPLES[lang][0].split()
    press("Tab")
    expect(page.locator("[name=sentence]")).to_be_focused()
    for name in ("rate", "mean_length", "draw"):
        press("Tab")
        expect(page.locator(f"[name={name}]")).to_be_focused()
    press("Enter")  # one word of five, and it is the last
    assert_shown(page, tokens, {4})
    press("Tab")
    expect(page.locator("td:focus")).to_have_attribute("data-j", "0")
    press("ArrowRight")
    press("Space")
    assert_shown(page, tokens, {1, 4})
    press("End")
    press("Enter")
    assert_shown(page, tokens, {1})
    press("ArrowLeft")
    press("Space")
    expect(page.locator("td:focus")).to_have_attribute("aria-label", re.compile(rf"^{tokens[3]}, .* 4 .* 5, .*, .* Y$"))
    press("Home")
    expect(page.locator("td:focus")).to_have_attribute("data-j", "0")
    press("Tab")
    press("Space")
    assert_shown(page, tokens, {1, 3}, compare=False)
    press("Tab")
    press("Tab")
    for step in (1, 2):
        press("Enter")
        assert_shown(page, tokens, {1, 3}, step=step, compare=False)
    press("Tab")
    press("End")
    assert_shown(page, tokens, {1, 3}, step=5, compare=False)
    said = page.locator("[name=step]").get_attribute("aria-valuetext")
    assert re.match(r"(étape 5 sur 5|step 5 of 5).* ", said)
    press("Tab")
    press("Enter")
    expect(page.locator(".all")).to_be_visible()


@BOTH
def test_draws(visit, lang):
    tokens = EXAMPLES[lang][2].split()
    page = visit([widget(lang, mean_length=2)], lang)
    page.locator("[name=sentence]").focus()
    page.locator("[name=sentence]").select_option(str(("fr", "en").index(lang) * 3 + 2))
    expect(page.locator("[name=sentence]")).to_be_focused()
    sizes = corrupt_spans(range(len(tokens)), random.Random(0), sentinels=range(99, 120), mean_length=2)
    assert_shown(page, tokens, set(dropped_on(page)))
    assert [len(chips(page, f".t5 .line:nth-of-type({k})")) for k in (1, 2)] == [len(items) for items in sizes]
    page.locator("[name=rate]").fill("40")
    drawn = [dropped_on(page)]
    for _ in range(6):
        page.locator("[name=draw]").click()
        assert_shown(page, tokens, set(dropped_on(page)))
        assert 0 not in dropped_on(page) and len(tokens) - 1 in dropped_on(page)
        drawn.append(dropped_on(page))
    assert len({tuple(places) for places in drawn}) > 4 and {len(places) for places in drawn} == {8}
    assert re.findall(r"\b\d+\b", page.locator(".drawn").text_content()) == ["8", str(len(tokens)), "4"]
    page.locator("[name=mean_length]").fill("8")
    assert dropped_on(page) == list(range(len(tokens) - 8, len(tokens)))
    expect(page.locator(".drawn")).to_have_text(re.compile("fin de la phrase" if lang == "fr" else "end of the sentence"))
    expect(page.locator("[name=rate] + output")).to_have_text(re.compile(r"^40.?%$"))


@BOTH
def test_what_a_long_text_would_cost(visit, lang):
    page = visit([widget(lang)], lang)
    costs = page.locator(".bars td:last-child")
    read, predicted = ("lus", "à prédire") if lang == "fr" else ("read", "to predict")
    for mean, spans in ((3, 26), (1, 77), (10, 8)):
        page.locator("[name=mean_length]").fill(str(mean))
        assert costs.all_text_contents() == [
            f"{512 - 77 + spans} {read}", f"{77 + spans + 1} {predicted}", f"512 {read}, 77 {predicted}", f"513 {read}, 513 {predicted}",
        ]  # fmt: skip
        saved = f" {77 - spans} " if spans < 77 else "n’épargnent rien" if lang == "fr" else "save nothing"
        expect(page.locator(".saved")).to_contain_text(saved)
    widths = page.locator(".bars div").evaluate_all("bars => bars.map((bar) => bar.style.width)")
    assert [float(width[:-1]) for width in widths] == [round(100 * n / 513, 1) for n in (443, 86, 512, 513)]


def test_the_voice_says_the_choice_then_the_step_alone(visit):
    page = visit([widget()])
    choice, step = page.locator(".summary > span").nth(0), page.locator(".summary > span").nth(1)
    expect(choice).to_have_text(re.compile("^3 words dropped"))
    page.evaluate("""() => { globalThis.said = [];
      const hear = (changes) => changes.forEach(({ target }) => said.push(target.className));
      new MutationObserver(hear).observe(document.querySelector('.summary'), { childList: true, subtree: true }); }""")
    page.locator("button[name=next]").click()
    expect(step).to_have_text("“this” was kept: it is copied.")
    assert page.evaluate("said") == ["unseen"]
    expect(page.locator(".restore .done")).to_have_text("“this” was kept: it is copied.")


def test_hostile_tokens_are_only_text(visit):
    page = visit([widget("en", EVIL, dropped=[0, 1, 5, 9], step=3, sentences={"fr": [EVIL], "en": [EVIL[:3]]})])
    assert page.locator("img").count() == 0
    assert_shown(page, EVIL, {0, 1, 5, 9}, step=3)
    page.locator("[name=sentence]").select_option("1")
    page.locator("[data-j='0']").click()
    assert page.locator("img").count() == 0 and page.locator(".choice td").count() == 3


def test_an_own_sentence_has_its_place_in_the_menu(visit):
    page = visit([widget("en", ["a", "b", "c"])])
    expect(page.locator("[name=sentence] option:checked")).to_have_text("your sentence")
    assert_shown(page, ["a", "b", "c"], {1}, step=2)


def more_examples(lang):
    return [
        widget(lang),
        long_one(lang, dropped=[1, 4, 5, 10, 11, 12, 15, 18, 19], step=5),
        widget(lang, ["mot" * 9] * 24, dropped=range(0, 24, 2)),
    ]


def test_a_finger_hits_what_can_be_pressed(visit):
    page = visit(more_examples("fr")[:2], "fr", width=320)
    sizes = page.locator("button, .choice td").evaluate_all(
        "nodes => nodes.flatMap(({ offsetWidth, offsetHeight }) => [offsetWidth, offsetHeight])"
    )
    assert min(sizes) >= 24
    assert page.locator(".d2l :is(input, select)").evaluate_all("nodes => nodes.every((node) => node.labels.length === 1)")


def test_forced_colors_keep_what_colors_said(visit):
    page = visit(more_examples("en")[:2], forced_colors="active")

    def style(place, name):
        return page.locator(place).first.evaluate(f"node => getComputedStyle(node).{name}")

    assert style(".choice .sentinel", "backgroundColor") == style("i.predicted", "backgroundColor") == "rgb(0, 0, 0)"
    assert style(".choice .gone", "borderTopStyle") == "dashed" and style(".choice .kept", "borderTopStyle") == "solid"
    assert style(".choice .gone s", "textDecorationLine") == "line-through"
    assert style(".bert .predicted", "borderBottomWidth") == "3px"
    assert style(".restore .here", "outlineStyle") == "solid"
    assert Axe().run(page).violations_count == 0


def test_two_views_of_one_and_a_link(visit):
    one, other = widget(), long_one(dropped=[2])
    jslink((one, "dropped"), (other, "dropped"))
    page = visit([one, other, one])
    page.locator(".d2l").nth(2).locator("[data-j='0']").click()
    expect(page.locator(".d2l").nth(0).locator(".gone")).to_have_count(4)
    page.locator(".d2l").nth(1).locator("[data-j='15']").click()  # a place that the other sentence does not have
    for view, count in ((0, 4), (1, 5), (2, 4)):
        expect(page.locator(".d2l").nth(view).locator(".gone")).to_have_count(count)
    expect(page.locator(".summary").nth(0)).to_have_text(re.compile("^4 words dropped out of 5 "))
    ids = page.locator("[id]").evaluate_all("nodes => nodes.map((node) => node.id)")
    assert len(ids) == len(set(ids))
