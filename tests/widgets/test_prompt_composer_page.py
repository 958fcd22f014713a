"""The prompt composer in a static page, opened from file:// in a real browser, with mouse and keyboard alone."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from ipywidgets import jslink
from playwright.sync_api import expect

from d2lmini.i18n import set_language
from d2lmini.tokenizers import ByteBPE
from d2lmini.widgets import PromptComposer
from d2lmini.widgets.prompt_composer import CONTEXTS, Task
from tests.browser import needs_browser
from tests.widgets import test_static
from tests.widgets.conftest import EVIL
from tests.widgets.test_prompt_composer import corpus

pytestmark = [pytest.mark.browser, needs_browser]
BOTH, visit = test_static.BOTH, test_static.visit
PARTS = ("instruction", "examples", "question", "template")


def composer(lang="en", **choices):
    set_language(lang)
    tokenizer = ByteBPE.train(corpus() * 2, 600, special=["<|im_start|>", "<|im_end|>"])
    return PromptComposer(tokenizer, **choices)


def more_examples(lang):
    return [composer(lang), composer(lang, task="sentiment", chat=True, shots=2, instructed=False, context=256), composer(lang, shots=8)]


def assert_shown(page, widget):
    """The frames joined are the prompt; the numbers in the table, the bill and the summary are what Python counts."""
    text = page.locator(".prompt-text").evaluate("node => node.textContent.slice(0, -node.lastChild.textContent.length)")
    text = re.sub("(?:⟨[0-9A-F ]+⟩)+", lambda bytes_: bytes.fromhex(re.sub("[⟨⟩ ]", "", bytes_[0])).decode(), text)
    assert text.replace("↵\n", "\n") == widget.prompt()
    ids = widget.ids()
    shown = page.locator(".prompt-text .piece").evaluate_all("nodes => nodes.map((node) => Number(node.title))")
    assert shown == ids
    assert page.locator(".tokens tbody td:nth-child(3)").all_text_contents() == [str(i) for i in ids]
    reserved = page.locator(".prompt-text .reserved").all_text_contents()
    assert reserved == [text for part, text in widget.pieces() if part == "special"]
    bill = [int(re.sub(r"\D", "", text)) for text in page.locator(".bill tbody td:nth-child(2)").all_text_contents()]
    assert sum(bill[:4]) == len(ids) and bill[4] == max(widget.context - len(ids), 0)
    for part, count in zip(PARTS, bill, strict=False):
        assert bool(count) == any(piece.part == part and piece.text for piece in widget.pieces())
    expect(page.locator(".summary")).to_contain_text(f" {len(ids)} ")
    ladder = [int(text) for text in page.locator(".ladder tbody td:nth-child(2)").all_text_contents()]
    assert ladder[widget.shots] == len(ids)
    expect(page.locator(".ladder tr.chosen th")).to_have_text(str(widget.shots))
    assert page.locator(".ladder tbody small").count() == sum(count > widget.context for count in ladder)


@BOTH
def test_with_the_mouse(visit, lang):
    widget = composer(lang)
    page = visit([composer(lang)], lang)
    assert_shown(page, widget)
    page.locator("[name=shots]").fill("7")
    widget.shots = 7
    assert_shown(page, widget)
    for name in ("chat", "instructed"):
        page.locator(f"[name={name}]").click()
        setattr(widget, name, not getattr(widget, name))
        assert_shown(page, widget)
    expect(page.locator("[name=layout]")).to_be_hidden()
    page.locator("[name=chat]").click()
    widget.chat = False
    for name, value in (("layout", "labels"), ("order", "shortest"), ("context", "2048"), ("task", "sentiment")):
        page.locator(f"[name={name}]").select_option(value)
        setattr(widget, name, int(value) if name == "context" else value)
        assert_shown(page, widget)
    other = widget.tasks["sentiment"]["questions"][2]
    page.locator("[name=other]").select_option(other)
    widget.question = other
    assert_shown(page, widget)
    expect(page.locator("[name=question]")).to_have_value(other)


@BOTH
def test_with_the_keyboard_alone(visit, lang):
    widget = composer(lang)
    page = visit([composer(lang)], lang)
    press = page.keyboard.press
    press("Tab")
    press("ArrowDown")
    widget.task = "opposite"
    assert_shown(page, widget)
    press("Tab")
    press("Home")
    widget.shots = 0
    assert_shown(page, widget)
    said = "sans exemple (zero-shot)" if lang == "fr" else "without examples (zero-shot)"
    expect(page.locator("[name=shots]")).to_have_attribute("aria-valuetext", said)
    press("Tab")
    press("Space")
    widget.instructed = False
    assert_shown(page, widget)
    expect(page.locator(".summary")).to_contain_text("rien ne dit" if lang == "fr" else "nothing says")
    press("Tab")
    press("Space")
    widget.chat = True
    assert_shown(page, widget)
    for name, value in (("order", "shortest"), ("context", CONTEXTS[-1])):
        press("Tab")
        press("End")
        setattr(widget, name, value)
        assert_shown(page, widget)
    press("Tab")
    press("End")
    page.keyboard.type(" café 🙂")
    widget.question += " café 🙂"
    assert_shown(page, widget)
    expect(page.locator("[name=question]")).to_be_focused()
    expect(page.locator("[name=other]")).to_have_value("")


def test_what_is_typed_gives_no_special_token(visit):
    widget = composer(chat=True)
    page = visit([composer(chat=True)])
    n = page.locator(".reserved").count()
    page.locator("[name=question]").fill("<|im_end|>")
    widget.question = "<|im_end|>"
    assert_shown(page, widget)
    assert page.locator(".reserved").count() == n
    page.locator("[name=question]").evaluate(
        """node => { node.value = "a\\ud83d"; node.dispatchEvent(new Event("input", { bubbles: true })); }"""
    )
    widget.question = "a\ufffd"  # half a pair is no character
    assert_shown(page, widget)
    page.locator("[name=question]").fill("")
    widget.question = ""
    assert_shown(page, widget)


def test_hostile_texts_are_only_text(visit):
    task = Task(title=EVIL[0], instruction=EVIL[1], examples=tuple(zip(EVIL, EVIL, strict=True)), questions=(EVIL[0], EVIL[2]))
    for chat in (False, True):
        page = visit([composer(tasks={EVIL[2]: task}, shots=8, chat=chat)])
        page.locator("summary").click()
        assert page.locator("img").count() == 0
        assert_shown(page, composer(tasks={EVIL[2]: task}, shots=8, chat=chat))
        expect(page.locator("[name=task] option")).to_have_text(EVIL[0])


def test_a_prompt_too_long_says_so(visit):
    page = visit([composer("fr", task="sentiment", shots=8)], "fr")
    expect(page.locator(".summary")).to_contain_text("déborde")
    widths = page.locator(".window-bar i").evaluate_all("nodes => nodes.map((node) => parseFloat(node.style.width))")
    assert sum(widths) == pytest.approx(100)
    page.locator("[name=context]").select_option("8192")
    expect(page.locator(".summary")).not_to_contain_text("déborde")
    assert page.locator(".ladder small").count() == 0


def test_two_composers_two_views_and_a_link(visit):
    one, other = composer(shots=1), composer(shots=2)
    jslink((one, "shots"), (other, "shots"))
    page = visit([one, other, one])
    page.locator("[name=shots]").nth(2).fill("4")
    assert page.locator("[name=shots] + output").all_text_contents() == ["4", "4", "4"]
    page.locator("[name=task]").nth(1).select_option("capitals")
    assert page.locator("[name=question]").evaluate_all("nodes => nodes.map((node) => node.value)") == ["cheese", "school", "cheese"]
    ids = page.locator("[id]").evaluate_all("nodes => nodes.map((node) => node.id)")
    assert len(ids) == len(set(ids))


def test_forced_colors_keep_what_colors_said(visit):
    page = visit(more_examples("en"), forced_colors="active")
    style = "node => { const s = getComputedStyle(node); return [s.borderInlineStartStyle, s.borderInlineStartWidth, s.borderBottomStyle] }"
    assert page.locator(".piece.of-examples").first.evaluate(style) == ["solid", "2px", "solid"]
    assert page.locator(".piece.of-instruction").first.evaluate(style)[2] == "double"
    assert page.locator(".piece.of-template").first.evaluate(style)[2] == "dotted"
    assert page.locator(".reserved").first.evaluate(style)[:2] == ["solid", "2px"]
    assert page.locator(".ladder i").first.evaluate("node => getComputedStyle(node).backgroundColor") == "rgb(0, 0, 0)"
    assert Axe().run(page).violations_count == 0
