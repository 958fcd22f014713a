"""The BPE stepper in a static page, opened from file:// in a real browser, with mouse and keyboard alone."""

import re
from collections import Counter

import pytest
from axe_playwright_python.sync_playwright import Axe
from ipywidgets import jslink
from playwright.sync_api import expect

from d2lmini.i18n import set_language
from d2lmini.tokenizers import BPE, ByteBPE
from d2lmini.tokenizers.pretokens import gpt2_words
from d2lmini.widgets import BPEStepper
from d2lmini.widgets.bpe_stepper import EXAMPLES, TEXTS
from tests.browser import needs_browser
from tests.widgets import test_static
from tests.widgets.conftest import EVIL

pytestmark = [pytest.mark.browser, needs_browser]
BOTH, visit = test_static.BOTH, test_static.visit
LEVELS = {"characters": BPE, "bytes": ByteBPE}
OF_EACH_WORD = "items => items.map((item) => [...item.querySelectorAll('.chip')].map((chip) => chip.textContent))"
NUMBERED = "chips => chips.map((chip) => [chip.firstChild.textContent, chip.querySelector('small').textContent])"


def stepper(lang="en", corpus=None, **choices):
    set_language(lang)
    return BPEStepper(corpus, **choices)


def seen(tokens):
    return [token.replace(" ", "␣").replace("\n", "↵").strip() for token in tokens]


def numbered(page, place):
    """The chips of a place as (token, number); the sign of an unknown character is struck through, its number is a question mark."""
    return [(token.strip(), number) for token, number in page.locator(f"{place} .chip").evaluate_all(NUMBERED)]


def learned(corpus, level, n=None):
    """The library's tokenizer after n merges, and all its merges; unknown characters have the last number."""
    whole = LEVELS[level].train([corpus], 10_000)
    n = len(whole.merges) if n is None else min(n, len(whole.merges))
    tokens = (*whole.tokens[: len(whole) - len(whole.merges) + n], "<unk>")
    return LEVELS[level](tokens=tokens, merges=whole.merges[:n], unknown="<unk>"), whole.merges


def assert_shown(page, corpus, text, n, level="characters"):
    """All that is on the page is what the library computes: words, pairs, vocabulary, the text cut twice, the table."""
    tokenizer, merges = learned(corpus, level, n)
    words = Counter(gpt2_words(corpus))
    assert page.locator(".words li").evaluate_all(OF_EACH_WORD) == [seen(tokenizer.split(word)) for word in words]
    times = [re.sub(r"\D", "", text) for text in page.locator(".words li > small").all_text_contents()]
    assert times == [str(count) for count in words.values() if count > 1]

    used = {i for word in words for i in learned(corpus, level, 0)[0].encode(word)}
    size = len(tokenizer) - 1
    kept = [i for i in range(size) if i in used or i >= size - len(tokenizer.merges)]
    assert numbered(page, ".vocabulary") == list(zip(seen(tokenizer.tokens[i] for i in kept), map(str, kept), strict=True))
    expect(page.locator(".vocabulary li.rest")).to_have_count(1 if level == "bytes" else 0)

    for name in LEVELS:
        other, _ = learned(corpus, name, n)
        ids = other.encode(text)
        known = [("?" if i == len(other) - 1 else str(i)) for i in ids]
        assert [number for _, number in numbered(page, f"[data-level={name}]")] == known
        expect(page.locator(f"[data-level={name}] .title b")).to_have_text(re.compile(rf"^{len(ids)} "))
    expect(page.locator(".own .help").first).to_have_text(re.compile(rf": {len(text)} · .*: {len(text.encode())}$".replace(": ", ".?: ")))

    done = len(tokenizer.merges)
    assert page.locator(".merges tbody tr td:nth-child(4)").all_text_contents() == seen(a + b for a, b in merges[:done])
    expect(page.locator("[name=n_merge] + output")).to_have_text(f"{done} / {len(merges)}")
    chosen = page.locator(".pairs tr.chosen .chip").all_text_contents()
    framed = page.locator(".words .joining").evaluate_all(OF_EACH_WORD)
    if done < len(merges):
        assert chosen == seen(merges[done])
        assert framed and all(pair == chosen for pair in framed)
    else:
        assert chosen == framed == []
    newest = set(page.locator(".newest").evaluate_all("chips => chips.map((chip) => chip.firstChild.textContent.trim())"))
    assert newest <= (set(seen(["".join(merges[done - 1])])) if done else set())
    assert bool(newest) == bool(done)  # in the vocabulary at least


@BOTH
def test_with_the_mouse(visit, lang):
    corpus, text = EXAMPLES[lang][0], TEXTS[lang]
    page = visit([stepper(lang)], lang)

    def press(name):
        page.locator(f"button[name={name}]").click(force=True)  # also when it has nothing to do

    assert_shown(page, corpus, text, 0)
    expect(page.locator("[name=example]")).to_have_value(corpus)
    press("back")  # nothing to take back
    for n in (1, 2, 3):
        press("next")
        assert_shown(page, corpus, text, n)
    press("back")
    assert_shown(page, corpus, text, 2)
    page.locator("[value=bytes]").click()
    assert_shown(page, corpus, text, 2, "bytes")
    press("end")
    press("next")  # nothing left to learn
    assert_shown(page, corpus, text, 99, "bytes")
    page.locator("[value=characters]").click()  # which may learn fewer merges
    assert_shown(page, corpus, text, 99)
    press("start")
    assert_shown(page, corpus, text, 0)
    page.locator("[name=n_merge]").fill("4")
    assert_shown(page, corpus, text, 4)
    corpus = EXAMPLES["en" if lang == "fr" else "fr"][1]
    page.locator("[name=example]").select_option(corpus)
    expect(page.locator("[name=corpus]")).to_have_value(corpus)
    assert_shown(page, corpus, text, 0)


@BOTH
def test_with_the_keyboard_alone(visit, lang):
    page = visit([stepper(lang, "tata tatou")], lang)
    press, text = page.keyboard.press, TEXTS[lang]
    press("Tab")  # the examples: none is this corpus
    expect(page.locator("[name=example]")).to_be_focused()
    expect(page.locator("[name=example]")).to_have_value("")
    press("Tab")  # characters or bytes
    press("ArrowRight")
    assert_shown(page, "tata tatou", text, 0, "bytes")
    press("Tab")
    press("End")
    page.keyboard.type(" tatoué")
    corpus = "tata tatou tatoué"
    expect(page.locator("[name=corpus]")).to_have_value(corpus)
    expect(page.locator("[name=corpus]")).to_be_focused()
    assert_shown(page, corpus, text, 0, "bytes")
    for _ in range(3):  # start, back, next: those that have nothing to do keep their place
        press("Tab")
    for n in (1, 2):
        press("Enter")
        assert_shown(page, corpus, text, n, "bytes")
    press("Tab")
    press("Space")  # end
    assert_shown(page, corpus, text, 99, "bytes")
    expect(page.locator("button[name=end]")).to_be_focused()
    expect(page.locator("button[name=end]")).to_have_attribute("aria-disabled", "true")
    press("Tab")
    press("Home")
    assert_shown(page, corpus, text, 0, "bytes")
    press("ArrowRight")
    assert_shown(page, corpus, text, 1, "bytes")
    said = page.locator("[name=n_merge]").get_attribute("aria-valuetext")
    assert re.fullmatch(r"(fusion 1 sur|merge 1 of) \d+", said)
    for _ in range(4):  # words, vocabulary, pairs, the text
        press("Tab")
    page.keyboard.type("atout té")
    expect(page.locator("[name=text]")).to_be_focused()
    assert_shown(page, corpus, page.locator("[name=text]").input_value(), 1, "bytes")
    press("Tab")
    press("Enter")
    expect(page.locator(".merges")).to_be_visible()


@BOTH
def test_what_it_says(visit, lang):
    page = visit([stepper(lang, "été, le café", text="é🙂 z", level="bytes")], lang)
    summary, own = page.locator(".summary"), page.locator(".own")
    expect(summary).to_have_text(re.compile("«.Ã.» \\+ «.©.», vu 3 fois" if lang == "fr" else "“Ã” \\+ “©”, seen 3 times"))
    expect(page.locator(".signs")).to_have_text(
        re.compile("é.{1,3}s’écrit Ã ©, .*␣.{1,3}s’écrit Ġ\\.$" if lang == "fr" else "“é” is written Ã ©, “␣” is written Ġ\\.$")
    )
    expect(own.locator("[data-level=bytes] .help")).to_contain_text("ð Ł Ļ Ĥ")
    assert own.locator("s").all_text_contents() == ["🙂", "z"]
    expect(own.locator("[data-level=characters] .help")).to_contain_text("Barré" if lang == "fr" else "Struck through")
    assert own.locator("[data-level=bytes] .chip").first.get_attribute("title") == "C3"
    page.locator("button[name=next]").click()
    expect(own.locator("[data-level=bytes] .chip").first).to_have_attribute("title", "C3 A9")
    page.locator("details summary").click()
    row = page.locator(".merges tbody tr").first
    assert row.locator("td, th").all_text_contents() == ["1", "Ã + ©", "3", "Ã©", "256", "C3 A9"]
    page.locator("[value=characters]").click()
    expect(row.locator("td").last).to_be_hidden()
    expect(page.locator(".signs")).to_have_text("")
    page.locator("[name=corpus]").fill("")
    expect(summary).to_have_text(re.compile("rien à compter" if lang == "fr" else "nothing to count"))
    expect(page.locator(".pairs")).to_be_hidden()
    page.locator("[name=corpus]").fill("à")
    expect(page.locator(".none")).to_have_text(re.compile("Plus aucune paire" if lang == "fr" else "No pair is left"))


def test_hostile_texts_are_only_text(visit):
    corpus = " ".join(EVIL * 2)
    for level in LEVELS:
        n = len(learned(corpus, level)[1])
        page = visit([stepper(corpus=corpus, text=corpus, level=level, n_merge=n, examples={"fr": EVIL, "en": EVIL[:2]})])
        assert page.locator("img, main b b").count() == 0
        assert_shown(page, corpus, corpus, n, level)
        page.locator("[name=corpus]").fill("".join(EVIL))
        assert_shown(page, "".join(EVIL), corpus, 0, level)
        page.locator("[name=example]").select_option(index=1)
        assert_shown(page, EVIL[0], corpus, 0, level)
        assert page.locator("img").count() == 0


def test_any_writing_is_welcome(visit):
    corpus = "e\u0301te\u0301 été 🙂🙂 नमस्ते नमस्ते שלום שלום\tx\u00a0y\nх\u200dх 𝒳𝒳𝒳"
    page = visit([stepper(corpus=corpus, text="𝒳é")])
    expect(page.locator(".words li")).to_have_count(len(Counter(gpt2_words(corpus))))
    page.locator("button[name=end]").click()
    n = len(learned(corpus, "characters")[1])
    expect(page.locator("[name=n_merge] + output")).to_have_text(f"{n} / {n}")
    page.locator("[name=text]").evaluate(
        """node => { node.value = "a\\ud83d"; node.dispatchEvent(new Event("input", { bubbles: true })); }"""
    )
    expect(page.locator("[name=text]")).to_have_value("a\ufffd")  # half a pair is no character


def test_a_line_can_be_ended_in_the_corpus(visit):
    """In JupyterLab the notebook around a widget keeps the Enter keys that it hears: it must hear none from the corpus."""
    page = visit([stepper(corpus="tata")])
    page.evaluate("document.addEventListener('keydown', ({ key }) => { globalThis.heard = `${globalThis.heard ?? ''} ${key}`; })")
    page.locator("[name=corpus]").press("End")
    for key in ("Enter", "t", "Tab", "a"):
        page.keyboard.press(key)
    expect(page.locator("[name=corpus]")).to_have_value("tata\nt")
    assert page.evaluate("globalThis.heard") == " a"  # from the button that Tab led to
    assert_shown(page, "tata\nt", TEXTS["en"], 0)


def more_examples(lang):
    long = " ".join(f"mot{i} démarche{i % 7}" for i in range(60))
    assert len(long) < 1000
    return [
        stepper(lang, n_merge=3),
        stepper(lang, "été " * 9 + "x" * 150, text="z🙂 " * 50, level="bytes", n_merge=4),
        stepper(lang, long, n_merge=9),
    ]


def test_a_phone_shows_all_of_a_pair_and_a_finger_hits_the_buttons(visit):
    page = visit(more_examples("fr"), "fr", width=320)
    assert page.locator(".pairs").first.evaluate("node => node.scrollWidth <= node.clientWidth")
    sizes = page.locator("button").evaluate_all("nodes => nodes.flatMap(({ offsetWidth, offsetHeight }) => [offsetWidth, offsetHeight])")
    assert min(sizes) >= 24
    assert page.locator(".d2l :is(input, select, textarea)").evaluate_all("nodes => nodes.every((node) => node.labels.length === 1)")
    assert page.locator("textarea").evaluate_all("nodes => nodes.every((node) => 'lmSuppressShortcuts' in node.dataset)")


def test_forced_colors_keep_what_colors_said(visit):
    page = visit(more_examples("en"), forced_colors="active")
    style = (
        "node => { const s = getComputedStyle(node); return [s.borderTopStyle, s.borderBottomWidth, s.outlineStyle, s.backgroundColor] }"
    )
    border, thick, _, _ = page.locator(".words .newest").first.evaluate(style)
    assert (border, thick) == ("solid", "4px")
    assert page.locator(".words .chip:not(.newest)").first.evaluate(style)[:2] == ["solid", "1px"]
    assert page.locator(".lacked").first.evaluate(style)[0] == "dashed"
    assert page.locator(".joining").first.evaluate(style)[2] == "dashed"
    assert page.locator(".gauge i").first.evaluate(style)[3] == "rgb(0, 0, 0)"
    assert Axe().run(page).violations_count == 0


def test_two_steppers_two_views_and_a_link(visit):
    """One merge is all that "tata" gives: its buttons hand no more to the other, nor to Python, which would refuse."""
    one, other = stepper(corpus="tata"), stepper(corpus="tata tatou tatou")
    jslink((one, "n_merge"), (other, "n_merge"))
    page = visit([one, other, one])
    counts, total = page.locator("[name=n_merge] + output"), len(learned(other.corpus, "characters")[1])
    assert total > 3
    for place in (2, 0, 2):
        page.locator("button[name=next]").nth(place).click(force=True)
        assert counts.all_text_contents() == ["1 / 1", f"1 / {total}", "1 / 1"]
    for _ in range(2):
        page.locator("button[name=next]").nth(1).click()
    assert counts.all_text_contents() == ["1 / 1", f"3 / {total}", "1 / 1"]
    page.locator("button[name=back]").nth(0).click()
    assert counts.all_text_contents() == ["0 / 1", f"0 / {total}", "0 / 1"]
    page.locator("button[name=back]").nth(0).click(force=True)
    assert counts.all_text_contents() == ["0 / 1", f"0 / {total}", "0 / 1"]
    page.locator("[value=bytes]").nth(1).click()
    for level, place in (("characters", 0), ("bytes", 1), ("characters", 2)):
        expect(page.locator(f"[value={level}]").nth(place)).to_be_checked()
    ids = page.locator("[id]").evaluate_all("nodes => nodes.map((node) => node.id)")
    assert len(ids) == len(set(ids))


def test_a_corpus_of_full_length_is_learned_to_its_end(visit):
    corpus = "".join(chr(0x4E00 + i % 251) for i in range(1000))  # each letter 3 or 4 times, all in one word
    page = visit([stepper(corpus=corpus)])
    page.locator("button[name=end]").click()
    assert_shown(page, corpus, TEXTS["en"], 999)
