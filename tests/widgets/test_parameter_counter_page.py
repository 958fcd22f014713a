"""The parameter counter in a static page, opened from file:// in a real browser, with mouse and keyboard alone."""

import re
from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe
from ipywidgets import jslink
from playwright.sync_api import expect

from d2lmini.counting import PRESETS, flops, parameters
from d2lmini.i18n import THIN, set_language
from d2lmini.widgets import ParameterCounter
from d2lmini.widgets.parameter_counter import LONGEST
from tests.browser import needs_browser
from tests.widgets import test_static
from tests.widgets.conftest import EVIL

pytestmark = [pytest.mark.browser, needs_browser]
BOTH, visit = test_static.BOTH, test_static.visit
PARTS = ["embeddings", "positions", "self-attention", "cross-attention", "scores", "feed-forward", "norms", "output"]


def counter(lang, preset="transformer-base", **choices):
    set_language(lang)
    return ParameterCounter(preset, **choices)


def integers(texts):
    return [0 if text == "–" else int(re.sub(r"\D", "", text)) for text in texts]


def shares(bar):
    return bar.locator("i").evaluate_all("nodes => nodes.map((node) => node.getBoundingClientRect().width)")


def assert_shown(page, a, n):
    """Every exact number on the page, and the widths of both bars, are the library's."""
    rows = page.locator(".exact tbody tr:not([hidden])")
    names = rows.evaluate_all("rows => rows.map((row) => row.dataset.part)")
    expected, ops = parameters(a), flops(a, n)
    assert names == [part for part in PARTS if expected.get(part) or ops.get(part)]
    assert integers(rows.locator("td:nth-child(3)").all_text_contents()) == [expected.get(part, 0) for part in names]
    assert integers(rows.locator("td:nth-child(4)").all_text_contents()) == [ops.get(part, 0) for part in names]
    assert integers([page.locator(".n-all").text_content()]) == [sum(parameters(a).values())]
    for name, counts in (("counts", expected), ("ops", ops)):
        widths = shares(page.locator(f"[data-bar={name}]"))
        for part, width in zip(PARTS, widths, strict=True):
            assert width == pytest.approx(counts.get(part, 0) / sum(counts.values()) * sum(widths), abs=2)


def slide(page, name, position):
    page.locator(f"[name={name}]").fill(str(position))


@BOTH
def test_with_the_mouse(visit, lang):
    page = visit([counter(lang)], lang)
    base = PRESETS["transformer-base"].architecture
    summary, published = page.locator(".summary"), page.locator(".published")
    assert_shown(page, base, 512)
    expect(published).to_contain_text("tableau 3" if lang == "fr" else "table 3")
    expect(summary).to_contain_text("63,1" if lang == "fr" else "63.1")
    expect(page.locator("[name=reset]")).to_be_disabled()
    slide(page, "n_encoder", 11)
    assert_shown(page, replace(base, n_encoder=12), 512)
    expect(summary).to_contain_text("modifié" if lang == "fr" else "changed")
    slide(page, "n_token", 10)
    assert_shown(page, replace(base, n_encoder=12), 1024)
    page.locator("[name=preset]").select_option("gpt2-xl")
    a = PRESETS["gpt2-xl"].architecture
    assert_shown(page, a, 1024)
    for name in ("n_encoder", "n_token"):
        expect(page.locator(f"[data-for={name}]")).to_be_visible(visible=name == "n_token")
    expect(published).to_contain_text("1,542" if lang == "fr" else "1.542")
    slide(page, "d_model", 0)
    assert_shown(page, replace(a, d_model=64, n_head=16), 1024)
    expect(page.locator("[name=n_head] + output")).to_have_text("16")
    page.locator("[name=reset]").click()
    assert_shown(page, a, 1024)
    box = page.locator("[name=n_decoder]").bounding_box()
    page.mouse.click(box["x"] + 1, box["y"] + box["height"] / 2)
    assert_shown(page, replace(a, n_decoder=1), 1024)
    page.locator("[name=preset]").select_option("bert-base")
    assert_shown(page, PRESETS["bert-base"].architecture, 512)  # no more positions than it has learned
    expect(page.locator("[data-fact=cache] b")).to_have_text("aucun" if lang == "fr" else "none")


@BOTH
def test_with_the_keyboard_alone(visit, lang):
    page = visit([counter(lang, "llama-7b", n_token=2048)], lang)
    press, a = page.keyboard.press, PRESETS["llama-7b"].architecture
    press("Tab")  # the model
    press("ArrowDown")
    a = PRESETS["llama3-8b"].architecture
    assert_shown(page, a, 2048)
    expect(page.locator("[data-fact=cache] b")).to_have_text("268\u00a0Mo" if lang == "fr" else "268\u00a0MB")
    press("Tab")  # layers: the button has nothing to do and takes no focus
    press("ArrowRight")
    assert_shown(page, replace(a, n_decoder=33), 2048)
    expect(page.locator("[name=n_decoder]")).to_be_focused()
    for _ in range(3):  # width, heads, key-value heads
        press("Tab")
    press("Home")
    assert_shown(page, replace(a, n_decoder=33, n_kv_head=1), 2048)
    expect(page.locator("[name=n_kv_head]")).to_have_attribute("aria-valuetext", "1")
    for _ in range(3):  # d_ff, vocabulary, length
        press("Tab")
    press("End")
    assert_shown(page, replace(a, n_decoder=33, n_kv_head=1), LONGEST)
    said = f"32{THIN}768 jetons" if lang == "fr" else "32,768 tokens"
    expect(page.locator("[name=n_token]")).to_have_attribute("aria-valuetext", said)
    expect(page.locator(".summary")).to_contain_text(said)
    for _ in range(2):
        press("Tab")  # the table of parts, then the exact one
    press("Enter")
    expect(page.locator(".exact")).to_be_visible()
    for _ in range(8):
        press("Shift+Tab")
    expect(page.locator("[name=n_decoder]")).to_be_focused()
    press("Shift+Tab")
    press("Space")  # reset
    assert_shown(page, a, LONGEST)


@BOTH
def test_the_summary_in_words(visit, lang):
    page = visit([counter(lang, sizes={"d_ff": 8192})], lang)
    fr = (
        f"Transformer base modifié{THIN}: 139\u00a0millions de paramètres, 2,20 fois l’original. La plus grosse part, "
        f"«{THIN}réseau à propagation avant{THIN}», en prend 73{THIN}%. Une passe avant sur 512 jetons{THIN}: 151\u00a0GFLOP."
    )
    en = (
        "Transformer base, changed: 139\u00a0million parameters, 2.20 times the original. The largest part, “feed-forward network”, "
        "takes 73% of them. A forward pass over 512 tokens: 151\u00a0GFLOP."
    )
    expect(page.locator(".summary")).to_have_text({"fr": fr, "en": en}[lang])
    expect(page.locator(".published")).to_have_text(
        f"Sans vos changements{THIN}: 63{THIN}082{THIN}496." if lang == "fr" else "Without your changes: 63,082,496."
    )
    page.locator("[name=reset]").click()
    expect(page.locator(".published")).to_contain_text(
        f"65\u00a0millions (Vaswani et al. 2017, tableau 3). Notre compte{THIN}: 63{THIN}082{THIN}496 (écart{THIN}:\u00a0−3,0{THIN}%)."
        if lang == "fr"
        else "65\u00a0million (Vaswani et al. 2017, table 3). Our count: 63,082,496 (difference:\u00a0−3.0%)."
    )


def test_hostile_texts_are_only_text(visit):
    def spoil(data):
        (state,) = (entry["state"] for entry in data["manager_state"]["state"].values() if "_esm" in entry["state"])
        for preset, evil in zip(state["presets"], EVIL * 2, strict=False):
            preset["name"] = preset["cited"] = preset["where"]["en"] = preset["why"]["en"] = evil
        return data

    page = visit([counter("en")], change=spoil)
    assert page.locator("img").count() == 0
    for key, evil in zip(PRESETS, EVIL, strict=False):
        page.locator("[name=preset]").select_option(key)
        for place in (".summary", ".published"):
            assert evil in page.locator(place).text_content()
    assert page.locator("[name=preset] option").all_text_contents()[: len(EVIL)] == EVIL


def more_examples(lang):
    return [counter(lang), counter(lang, "llama3-8b", sizes={"n_kv_head": 1}), counter(lang, "vit-b16")]


@pytest.mark.parametrize("width", [320, 1000])
def test_the_parts_fit_without_scrolling(visit, width):
    page = visit(more_examples("fr"), "fr", width=width)
    inside = page.locator(".views .scroll").evaluate_all("nodes => nodes.map((node) => node.scrollWidth - node.clientWidth)")
    assert max(inside) <= 0
    assert page.locator(".d2l input").evaluate_all("nodes => nodes.every((node) => node.labels.length === 1)")


def test_colors_are_never_alone(visit):
    page = visit([counter("en")], forced_colors="active")
    for segment in page.locator(".bar i:visible").all():
        assert segment.evaluate("node => getComputedStyle(node).borderTopStyle") == "solid"
    assert Axe().run(page).violations_count == 0
    shown = page.locator(".parts tbody tr:not([hidden]) b").all_text_contents()
    assert shown == ["1", "3", "4", "5", "6", "7", "8"]
    wide = page.locator("[data-bar=ops] i:not(.thin):visible").all_text_contents()
    assert wide == ["3", "4", "5", "6", "8"] and set(wide) <= set(shown)


def test_two_linked_counters_show_the_same_model(visit):
    first, second = counter("en"), counter("en", "bert-base")
    jslink((first, "preset"), (second, "preset"))
    page = visit([first, second])
    page.locator("[name=preset]").nth(0).select_option("vit-b16")
    expect(page.locator(".summary").nth(1)).to_contain_text("ViT-B/16")
