"""The MLM playground in a static page, opened from file:// in a real browser, with mouse and keyboard alone."""

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from ipywidgets import jslink
from playwright.sync_api import expect

from d2lmini.attention import recorded
from d2lmini.i18n import THIN, set_language
from d2lmini.masks import causal
from d2lmini.widgets import MLMPlayground
from tests.browser import needs_browser
from tests.widgets import test_static
from tests.widgets.conftest import EVIL
from tests.widgets.test_mlm_playground import CLS, IDS, MASK, SEP, TOKENS, example, random_model, trained

pytestmark = [pytest.mark.browser, needs_browser]
BOTH, visit = test_static.BOTH, test_static.visit


def percents(locator):
    return test_static.numbers([text.rstrip("%").strip(f"{THIN} ") for text in locator.all_text_contents()]) / 100


def word(page, place):
    return page.locator(f".read td[data-j='{place}']")


def states(page):
    return page.locator(".read td").evaluate_all("cells => cells.map((cell) => cell.classList[0])")


def assert_shown(page, widget):
    """Text, cards and weights on the page are those of `widget`, which had the same choices."""
    ids, inputs, shares = widget.texts[widget.text], widget.inputs(), {sees: widget.shares(sees) for sees in ("both", "left")}
    assert [text.split()[-1] for text in page.locator(".read td > .chip").all_text_contents()] == [TOKENS[i] for i in inputs]
    fates = {place: "masked" if i == MASK else "kept" if i == ids[place] else "replaced" for place, i in widget.changes}
    assert states(page) == [fates.get(place, "special" if i in widget.special else "plain") for place, i in enumerate(ids)]
    assert page.locator(".read [aria-selected=true]").count() == page.locator(".answer").count() == len(fates)
    for card, place in zip(page.locator(".answer").all(), fates, strict=True):
        order = shares[widget.sees][place].argsort(descending=True).tolist()
        rank = order.index(ids[place])
        expected = order[:5] if rank < 5 else [*order[:5], ids[place]]
        lines = [text.split() for text in card.locator("tbody th").all_text_contents()]
        assert [line[1] for line in lines] == [TOKENS[i] for i in expected]
        assert [line[0] for line in lines] == [f"{order.index(i) + 1}." for i in expected]
        assert [line[1] for line in lines if line[2:] == ["✓"]] == [TOKENS[ids[place]]]
        for k, sees in enumerate(("both", "left")):
            column = percents(card.locator(f"tbody td:nth-of-type({k + 2})"))
            torch.testing.assert_close(column, shares[sees][place, expected], rtol=0, atol=0.00051)
        guess = word(page, place).locator(".guess [aria-hidden]").text_content().split()
        assert guess[:2] == ["✓" if rank == 0 else "✗", TOKENS[order[0]]]
    assert_weights(page, widget)


def assert_weights(page, widget):
    n = len(widget.inputs())
    with torch.no_grad(), recorded(widget.quantized) as seen:
        widget.quantized(torch.tensor([widget.inputs()]), mask=causal(n) if widget.sees == "left" else None)
    looks = seen[f"body.blocks.{widget.layer}.attend"][0][0, :, widget.place]  # (H, T)
    hidden = widget.sees == "left" and widget.place < n - 1
    assert page.locator(".looks td.blocked").count() == (looks.shape[0] * (n - 1 - widget.place) if hidden else 0)
    visible = looks[:, : widget.place + 1] if widget.sees == "left" else looks
    test_static.assert_shown(page.locator(".looks tbody td:not(.blocked)"), visible.T)


@BOTH
def test_masks_with_the_mouse(visit, lang):
    """Each number on the page is PyTorch's, whatever is masked and whatever the model sees."""
    widget = example(lang, random_model())
    page = visit([widget], lang)
    assert_shown(page, widget)
    at, other = widget.place, 1 + widget.place % 3
    word(page, at).click()
    assert states(page) == ["special", "plain", "plain", "plain", "special"]
    expect(page.locator(".answer")).to_have_count(0)
    expect(page.locator(".summary")).to_contain_text("Rien n’est masqué" if lang == "fr" else "Nothing is masked")
    word(page, other).click()
    widget.changes, widget.place = [[other, MASK]], other
    assert_shown(page, widget)
    word(page, at).click()
    widget.changes, widget.place = [[other, MASK], [at, MASK]], at
    assert_shown(page, widget)
    page.locator("[value=left] + span").click()
    widget.sees = "left"
    assert_shown(page, widget)
    page.locator("[name=layer]").select_option(index=1)
    widget.layer = 1
    assert_shown(page, widget)
    word(page, 0).click()  # [CLS] is looked at, and stays
    widget.place = 0
    assert_shown(page, widget)
    expect(page.locator(".change")).to_be_hidden()
    page.locator("[name=clear]").click()
    widget.changes = []
    assert_shown(page, widget)
    expect(page.locator("[name=clear]")).to_have_attribute("aria-disabled", "true")


@BOTH
def test_a_word_is_replaced_or_kept(visit, lang):
    widget = example(lang, random_model())
    page = visit([widget], lang)
    menu = page.locator("[name=change]")
    for value, id_ in ((str(IDS["owl"]), IDS["owl"]), ("keep", widget.texts[widget.text][widget.place]), (str(MASK), MASK)):
        menu.select_option(value)
        widget.changes = [[widget.place, id_]]
        assert_shown(page, widget)
        assert menu.input_value() == value
    menu.select_option("leave")
    widget.changes = []
    assert_shown(page, widget)
    offered = menu.locator("optgroup option").all_text_contents()
    assert sorted(offered) == sorted(TOKENS[3:]) and offered != TOKENS[3:]  # in the order of the alphabet


@BOTH
def test_both_sides_find_what_the_left_cannot(visit, lang):
    widget = example(lang)
    page = visit([widget], lang)
    expect(page.locator(".summary")).to_contain_text("Retrouvés : 1 sur 1".replace(" :", f"{THIN}:") if lang == "fr" else "Found: 1 of 1")
    both, left = (widget.shares(sees)[1, widget.texts[widget.text][1]].item() for sees in ("both", "left"))
    bars = page.locator(".answer .right .pair i").evaluate_all("nodes => nodes.map((node) => node.getBoundingClientRect().width)")
    assert bars[1] / bars[0] == pytest.approx(left / both, abs=0.02) and left / both < 0.7
    page.locator("[value=left] + span").click()
    swapped = page.locator(".answer .right .pair i").evaluate_all("nodes => nodes.map((node) => node.getBoundingClientRect().width)")
    assert swapped == pytest.approx(bars[::-1], abs=1)
    assert page.locator(".answer thead .now").text_content() == ("gauche seule" if lang == "fr" else "only left")


@BOTH
def test_another_text_and_the_draw(visit, lang):
    widget = example(lang, random_model())
    page = visit([widget], lang)
    page.locator("[name=text]").focus()
    page.locator("[name=text]").select_option("11")
    expect(page.locator("[name=text]")).to_be_focused()  # although the page was built again
    expect(page.locator(".read")).to_have_attribute("lang", "en")
    widget.text = 11
    assert_shown(page, widget)
    page.locator("[name=rate]").fill("0.9")
    expect(page.locator("[name=draw]")).to_contain_text("90")
    seen = set()
    for _ in range(12):
        page.locator("[name=draw]").click()
        seen |= set(states(page))
        assert page.locator(".read [aria-selected=true]").count() == 3  # 90 % of 3 words
    assert seen == {"special", "masked", "replaced", "kept"}
    page.locator("[name=rate]").fill("0.15")
    page.locator("[name=draw]").click()
    assert page.locator(".read [aria-selected=true]").count() == 1
    assert page.locator(".read .here").get_attribute("aria-selected") == "true"


@BOTH
def test_with_the_keyboard_alone(visit, lang):
    widget = example(lang, random_model())
    page = visit([widget], lang)
    key = page.keyboard.press
    key("Tab")  # the text
    key("Tab")  # the sides
    key("ArrowRight")
    widget.sees = "left"
    assert_shown(page, widget)
    key("ArrowLeft")
    widget.sees = "both"
    for _ in range(4):  # the draw, the rate, the way back, the words
        key("Tab")
    expect(word(page, widget.place)).to_be_focused()
    key("Home")
    key("Enter")  # [CLS]: nothing happens
    widget.place = 0
    assert_shown(page, widget)
    key("End")
    key("ArrowLeft")
    key("Space")
    places = {place for place, _ in widget.changes} ^ {3}
    widget.place, widget.changes = 3, [[place, MASK] for place in sorted(places)]
    assert_shown(page, widget)
    expect(word(page, 3)).to_be_focused()
    assert page.locator(".read [tabindex='0']").count() == 1
    key("Tab")
    expect(page.locator("[name=change]")).to_be_focused()
    key("Home")
    widget.changes = [[place, MASK] for place in sorted(places - {3})]
    assert_shown(page, widget)


def test_the_table_says_the_same(visit):
    widget = example("en", random_model(), changes=[[1, MASK], [2, IDS["roi"]]])
    page = visit([widget])
    page.locator("summary").click()
    rows = [row.locator("th, td").all_text_contents() for row in page.locator(".all tbody tr").all()]
    assert [row[1] for row in rows] == [TOKENS[i] for i in widget.texts[widget.text]]
    assert [row[2] for row in rows] == [TOKENS[i] for i in widget.inputs()]
    assert [row[3] for row in rows] == ["–", "masked", "replaced", "–", "–"]
    shares = widget.shares()
    for place in (1, 2):
        assert rows[place][4] == TOKENS[shares[place].argmax()]
        assert float(rows[place][5].rstrip("%")) == pytest.approx(100 * shares[place].max().item(), abs=0.051)
        for column, sees in ((6, "both"), (7, "left")):
            share = widget.shares(sees)[place, widget.texts[widget.text][place]].item()
            assert float(rows[place][column].rstrip("%")) == pytest.approx(100 * share, abs=0.051)


def test_a_fate_is_told_in_words_too(visit):
    page = visit([example("fr", changes=[[1, MASK], [2, IDS["owl"]], [3, IDS["dort"]]])], "fr")
    told = [word(page, place).locator(".origin .unseen").text_content() for place in (1, 2, 3)]
    assert told == ["masqué", "remplacé", "gardé tel quel"]
    assert "le modèle" in word(page, 1).locator(".guess .unseen").text_content()
    assert [word(page, place).locator(".chip i").text_content() for place in (1, 2, 3)] == ["▮", "⇄", "="]


def test_hostile_tokens_are_only_text(visit):
    set_language("fr")
    tokens = [*TOKENS[:3], *EVIL, *TOKENS[3 + len(EVIL) :]]
    texts = {"fr": [[0, *range(3, 3 + len(EVIL)), 1]]}
    widget = MLMPlayground(random_model(), tokens, texts, mask_id=MASK, special=[CLS, SEP], changes=[[3, MASK], [7, 4]])
    page = visit([widget], "fr")
    assert page.locator("img").count() == 0
    assert (
        page.locator(".read .chip").nth(1).text_content() == EVIL[0] == page.locator("[name=change] option", has_text="<img").text_content()
    )
    expect(page.locator("[name=text] option")).to_contain_text("</script>")
    page.locator("summary").click()
    word(page, 1).click()
    expect(page.locator(".answer caption").first).to_contain_text(EVIL[0])
    assert EVIL[0] in page.locator(".all th").all_text_contents()
    assert page.locator("img").count() == 0


def more_examples(lang):
    changes = [[1, MASK], [2, IDS["owl"]], [3, IDS["dort"]]]
    return [example(lang), example(lang, random_model(), text=0, changes=changes, sees="left", place=2, layer=1), example(lang, changes=[])]


def test_forced_colors_keep_what_colors_said(visit):
    page = visit(more_examples("en"), forced_colors="active")
    style = "node => { const s = getComputedStyle(node); return [s.backgroundColor, s.borderTopStyle]; }"
    chips = [page.locator(f".read .chip.{fate}").last.evaluate(style) for fate in ("masked", "replaced", "kept")]
    assert [border for _, border in chips] == ["solid", "dashed", "double"] and chips[0][0] != chips[1][0]
    solid, hollow = (page.locator(".pair i").nth(k).evaluate(style)[0] for k in (0, 1))
    assert solid != hollow
    here, away = (page.locator(f".read td{kind}").first.evaluate("node => getComputedStyle(node).borderBottomWidth")
                  for kind in (".here", ":not(.here)"))  # fmt: skip
    assert (here, away) == ("3px", "0px")
    assert Axe().run(page).violations_count == 0


def test_dark_mode_reaches_the_words(visit):
    ground = "node => getComputedStyle(node).backgroundColor"
    for theme, color in (("light", "rgb(28, 39, 51)"), ("dark", "rgb(230, 233, 236)")):
        assert visit([example()], theme=theme).locator(".read .masked .chip").evaluate(ground) == color


def test_two_linked_playgrounds_agree(visit):
    first, second = example(), example(model=trained())
    jslink((first, "changes"), (second, "changes"))
    page = visit([first, second])
    word(page.locator(".d2l").first, 2).click()
    assert states(page.locator(".d2l").nth(1)) == states(page.locator(".d2l").first) == ["special", "masked", "masked", "plain", "special"]
    ids = page.locator("[id]").evaluate_all("nodes => nodes.map((node) => node.id)")
    assert len(ids) == len(set(ids))
