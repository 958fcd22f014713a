"""Span corruption by itself: the browser drops, restores and draws as `d2lmini.objectives` does, and says what it did."""

import random
from collections import Counter
from itertools import groupby

import pytest
import torch

from d2lmini.i18n import THIN, set_language
from d2lmini.objectives import IGNORE, corrupt_at, corrupt_spans, framed, next_token, restore_spans
from d2lmini.palette import PALETTE
from d2lmini.widgets import SpanCorruption
from d2lmini.widgets.base import MAX_TOKENS
from d2lmini.widgets.span_corruption import EXAMPLES, LETTERS
from tests.widgets.conftest import EVIL, run_javascript
from tests.widgets.test_widgets import luminance

SENTINELS = [-1 - k for k in range(len(LETTERS))]  # as the browser writes them
CAR = "I love this red car".split()


def runs(dropped, n):
    """Where neighbors are all dropped, without the code under test."""
    return [(group[0], group[-1] + 1) for gone, grouped in groupby(range(n), dropped.__contains__) if gone for group in [list(grouped)]]


def random_choices(count, seed=0):
    rng = random.Random(seed)
    for _ in range(count):
        n = rng.randint(2, MAX_TOKENS)
        yield n, sorted(rng.sample(range(n), rng.randint(0, n)))


# --- dropping and restoring -----------------------------------------------------------------------------------------

CORRUPT = """
import { corrupt, objectives, restoring, sizes, spansOf } from "./span_corruption.mjs";
console.log(JSON.stringify(DATA.map(([n, dropped]) => {
  const spans = spansOf(dropped, n), { input, target } = corrupt(n, spans), steps = restoring(input, target);
  return { spans, input, target, steps, all: objectives(n, dropped), sizes: sizes(n, { noise: dropped.length, spans: spans.length }) };
})));
"""


def test_the_browser_drops_and_restores_what_python_does():
    cases = list(random_choices(1500))
    for (n, dropped), found in zip(cases, run_javascript(CORRUPT, cases), strict=True):
        spans, text = runs(dropped, n), list(range(n))
        assert [tuple(span) for span in found["spans"]] == spans
        assert (found["input"], found["target"]) == corrupt_at(text, spans, SENTINELS)
        assert restore_spans(found["input"], found["target"], SENTINELS) == text
        assert [i for step in found["steps"] for i in step["gained"]] == text
        assert [step["item"] for step in found["steps"]] == found["input"]
        for step in found["steps"]:  # what is gained stands in the target, after its sentinel
            if step["item"] < 0:
                assert found["target"][step["from"] : step["to"]] == [step["item"], *step["gained"]]
    assert {len(runs(dropped, n)) for n, dropped in cases} >= {0, 1, 2, 3, 5, 7}


def test_the_red_car_and_the_party_by_hand():
    """The course's example, and figure 2 of Raffel et al. 2020: "Thank you <X> me to your party <Y> week"."""
    car, party = run_javascript(CORRUPT, [(5, [1, 3, 4]), (11, [2, 3, 8])])
    assert (car["input"], car["target"]) == ([0, -1, 2, -2], [-1, 1, -2, 3, 4, -3])
    assert [step["gained"] for step in car["steps"]] == [[0], [1], [2], [3, 4]]
    widget = SpanCorruption(EXAMPLES["en"][1].split(), dropped=[2, 3, 8])
    assert [" ".join(items) for items in widget.corrupted()] == [
        "Thank you ⟨X⟩ me to your party ⟨Y⟩ week .",
        "⟨X⟩ for inviting ⟨Y⟩ last ⟨Z⟩",
    ]
    assert (party["input"], party["target"]) == ([0, 1, -1, 4, 5, 6, 7, -2, 9, 10], [-1, 2, 3, -2, 8, -3])


def test_all_or_nothing_and_every_other_word():
    nothing, everything, other = run_javascript(CORRUPT, [(3, []), (3, [0, 1, 2]), (24, list(range(0, 24, 2)))])
    assert (nothing["input"], nothing["target"]) == ([0, 1, 2], [-1])
    assert (everything["input"], everything["target"]) == ([-1], [-1, 0, 1, 2, -2])
    assert len(other["spans"]) + 1 == len(LETTERS) == len(set(LETTERS))  # never more sentinels than letters
    assert run_javascript('import { LETTERS } from "./span_corruption.mjs"; console.log(JSON.stringify(LETTERS))') == LETTERS


def test_bert_and_gpt_on_the_same_sentence():
    cases = list(random_choices(200, seed=1))
    for (n, dropped), found in zip(cases, run_javascript(CORRUPT, cases), strict=True):
        bert, gpt = found["all"]["bert"], found["all"]["gpt"]
        assert bert["input"] == ["mask" if i in dropped else i for i in range(n)]
        assert bert["target"] == [i if i in dropped else None for i in range(n)]
        inputs, targets = next_token(torch.tensor([framed(range(n), 97, 98)]))
        names = {97: "bos", 98: "eos"}
        assert gpt["input"] == [names.get(i, i) for i in inputs[0].tolist()]
        assert gpt["target"] == [names.get(i, i) for i in targets[0].tolist()] and IGNORE not in targets
        for name, (read, predicted) in found["sizes"].items():
            one = found["all"][name]
            assert (read, predicted) == (len(one["input"]), sum(i is not None for i in one["target"]))


# --- drawing --------------------------------------------------------------------------------------------------------

COUNTS = """
import { drawDropped, noiseCounts, sizes } from "./span_corruption.mjs";
console.log(JSON.stringify(DATA.map(([n, rate, mean, seed]) => {
  const counts = noiseCounts(n, rate, mean);
  return { ...counts, dropped: drawDropped(n, rate, mean, seed), t5: sizes(n, counts).t5 };
})));
"""


def test_a_draw_is_as_large_as_that_of_python():
    """All the lengths and settings that a reader can choose; 2.5 words are 2 and 3.5 are 4, in both languages."""
    rng = random.Random(2)
    cases = [(n, p / 100, m, rng.randrange(10_000)) for n in (*range(2, 25), 512) for p in range(5, 55, 5) for m in range(1, 11)]
    for (n, rate, mean, _), found in zip(cases, run_javascript(COUNTS, cases), strict=True):
        sentinels = range(-1, -600, -1)
        inputs, target = corrupt_spans(range(n), rng, sentinels=sentinels, rate=rate, mean_length=mean)
        assert found["t5"] == [len(inputs), len(target)], (n, rate, mean)
        dropped, spans = found["dropped"], runs(set(found["dropped"]), n)
        assert (len(set(dropped)), len(spans)) == (found["noise"], found["spans"])
        assert 0 not in dropped and n - 1 in dropped and dropped == sorted(dropped)
    by_hand = {case[:3]: found for case, found in zip(cases, run_javascript(COUNTS, cases), strict=True)}
    assert [by_hand[10, rate, 1]["noise"] for rate in (0.25, 0.35, 0.45)] == [2, 4, 4]
    assert by_hand[512, 0.15, 3]["t5"] == [512 - 77 + 26, 77 + 26 + 1]


def test_all_draws_are_equally_likely():
    """Of 12 words 6 go in 3 spans: 10 ways to cut the kept ones times 10 for the others, each within 5 standard deviations."""
    n_draw = 10_000
    seen = Counter(tuple(found["dropped"]) for found in run_javascript(COUNTS, [(12, 0.5, 2, seed) for seed in range(n_draw)]))
    rng, possible = random.Random(3), set()
    for _ in range(3000):
        inputs, _ = corrupt_spans(range(12), rng, sentinels=SENTINELS, rate=0.5, mean_length=2)
        possible.add(tuple(sorted(set(range(12)) - set(inputs))))
    assert set(seen) == possible and len(possible) == 100
    sigma = (n_draw * 0.01 * 0.99) ** 0.5
    assert max(abs(count - n_draw / 100) for count in seen.values()) < 5 * sigma


# --- what is shown --------------------------------------------------------------------------------------------------

SAY = """
import { WORDS, corrupt, restoring, sentence, sizes, spansOf, stepSentence } from "./span_corruption.mjs";
import { numbers, texts } from "./shared.mjs";
console.log(JSON.stringify(DATA.map(([lang, tokens, dropped, step]) => {
  const n = tokens.length, spans = spansOf(dropped, n), counts = { noise: dropped.length, spans: spans.length };
  const { input, target } = corrupt(n, spans);
  const view = { tokens, n, counts, sizes: sizes(n, counts), steps: restoring(input, target), step };
  const voice = { say: texts(WORDS, lang), fmt: numbers(lang), rules: new Intl.PluralRules(lang) };
  return [sentence(view, voice), stepSentence(view, voice)];
})))
"""


@pytest.mark.parametrize(("dropped", "step", "fr", "en"), [
    ([1, 3, 4], 0,
     ["3 mots retirés sur 5 (60 %), en 2 passages : l’encodeur lit 4 jetons au lieu de 5, le décodeur doit en écrire 6.",
      "L’entrée se lit de gauche à droite ; la phrase est encore vide."],
     ["3 words dropped out of 5 (60%), in 2 spans: the encoder reads 4 tokens instead of 5, the decoder must write 6.",
      "The input is read from left to right; the sentence is still empty."]),
    ([2], 3,
     ["1 mot retiré sur 5 (20 %), en 1 passage : l’encodeur lit 5 jetons, autant qu’il y a de mots, le décodeur doit en écrire 3.",
      "⟨X⟩ tient la place de « this » : la cible le dit, après la même sentinelle."],
     ["1 word dropped out of 5 (20%), in 1 span: the encoder reads 5 tokens, as many as there are words, the decoder must write 3.",
      "⟨X⟩ stands for “this”: the target says so, after the same sentinel."]),
    ([0, 1, 2, 3, 4], 1,
     ["5 mots retirés sur 5 (100 %), en 1 passage : l’encodeur lit 1 jeton au lieu de 5, le décodeur doit en écrire 7.",
      "⟨X⟩ tient la place de « I love this red car » : la cible le dit, après la même sentinelle. "
      "La phrase est revenue : rien n’est perdu."],
     ["5 words dropped out of 5 (100%), in 1 span: the encoder reads 1 token instead of 5, the decoder must write 7.",
      "⟨X⟩ stands for “I love this red car”: the target says so, after the same sentinel. The sentence is back: nothing is lost."]),
    ([], 5,
     ["Rien n’est retiré : l’encodeur lit la phrase entière, et le décodeur n’a que la sentinelle finale à écrire.",
      "« car » a été gardé : il est recopié. La phrase est revenue : rien n’est perdu."],
     ["Nothing is dropped: the encoder reads the whole sentence, and the decoder only has the last sentinel to write.",
      "“car” was kept: it is copied. The sentence is back: nothing is lost."]),
])  # fmt: skip
def test_each_choice_in_words(dropped, step, fr, en):
    def spaced(text):
        for sign in ":;»%":
            text = text.replace(f" {sign}", THIN + sign)
        return text.replace("« ", f"«{THIN}")

    found = run_javascript(SAY, [["fr", CAR, dropped, step], ["en", CAR, dropped, step]])
    assert found == [[spaced(text) for text in fr], en]


def test_words_are_written_as_a_text():
    code = 'import { written } from "./span_corruption.mjs"; console.log(JSON.stringify(DATA.map(written)))'
    sentences = [text.split() for text in (EXAMPLES["fr"][1], EXAMPLES["en"][1], "Oui , l’ été")]
    assert run_javascript(code, [*sentences, EVIL[:2], []]) == [
        "Merci de m’avoir invité à votre fête la semaine dernière.",
        "Thank you for inviting me to your party last week.",
        "Oui, l’été",
        " ".join(EVIL[:2]),
        "",
    ]


@pytest.mark.parametrize("theme", [0, 1])
@pytest.mark.parametrize("hue", ["blue", "vermilion", "green", "violet", "ochre"])
def test_a_sentinel_and_its_span_read_well(hue, theme):
    """A sentinel is paper on its color; the ground of a word is 15 % of it on paper; both stand out."""
    paper, color, ink = (PALETTE[name][theme] for name in ("paper", hue, "ink"))
    parts = [(int(paper[i : i + 2], 16), int(color[i : i + 2], 16)) for i in (1, 3, 5)]
    ground = "#" + "".join(f"{round(0.85 * p + 0.15 * c):02x}" for p, c in parts)
    for one, other in ((ink, ground), (paper, color)):
        a, b = sorted((luminance(one) + 0.05, luminance(other) + 0.05), reverse=True)
        assert a / b >= 4.5


# --- the Python side ------------------------------------------------------------------------------------------------


def test_python_reads_the_choice_as_its_library_does():
    for n, dropped in random_choices(300, seed=4):
        tokens = [f"t{i}" for i in range(n)]
        widget = SpanCorruption(tokens, dropped=random.Random(n).sample(dropped, len(dropped)))
        assert widget.dropped == dropped and widget.spans() == runs(dropped, n)
        inputs, target = corrupt_at(range(n), runs(dropped, n), SENTINELS)
        shown = [[tokens[i] if i >= 0 else f"⟨{LETTERS[-1 - i]}⟩" for i in items] for items in (inputs, target)]
        assert list(widget.corrupted()) == shown


def test_another_sentence_keeps_the_places_that_it_has():
    widget = SpanCorruption(CAR, dropped=[1, 4])
    widget.tokens = ["a", "b", "c"]
    assert widget.dropped == [1] and widget.corrupted()[0] == ["a", "⟨X⟩", "c"]
    widget.set_state({"tokens": CAR, "dropped": [3, 4], "step": 0})  # the browser sends both at once
    assert (widget.dropped, widget.step) == ([3, 4], 0)


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_without_arguments_it_speaks_the_language_of_the_moment(lang):
    set_language(lang)
    widget = SpanCorruption()
    assert widget.tokens == EXAMPLES[lang][0].split() and widget.lang == lang
    assert widget.corrupted()[1] == {
        "fr": "⟨X⟩ aime ⟨Y⟩ voiture rouge ⟨Z⟩".split(), "en": "⟨X⟩ love ⟨Y⟩ red car ⟨Z⟩".split(),
    }[lang]  # fmt: skip
    assert widget.sentences["fr"][2] == EXAMPLES["fr"][2].split()


def test_without_javascript_there_is_a_sentence():
    set_language("fr")
    widget = SpanCorruption()
    assert widget.sentence() == (
        f"Figure interactive, les passages retirés de T5{THIN}; mots retirés{THIN}: 3 sur 5, passages{THIN}: 2. "
        f"L’encodeur lit «{THIN}J’ ⟨X⟩ cette ⟨Y⟩{THIN}», le décodeur doit écrire «{THIN}⟨X⟩ aime ⟨Y⟩ voiture rouge ⟨Z⟩{THIN}»."
    )
    set_language("en")
    widget = SpanCorruption()
    assert widget.sentence() == (
        "Interactive figure, T5’s span corruption; words dropped: 3 out of 5, spans: 2. "
        "The encoder reads “I ⟨X⟩ this ⟨Y⟩”, the decoder must write “⟨X⟩ love ⟨Y⟩ red car ⟨Z⟩”."
    )
    data, _ = widget._repr_mimebundle_()
    assert data["text/plain"] == widget.sentence()


@pytest.mark.parametrize(("make", "message"), [
    (lambda: SpanCorruption("I love"), "tokens='I love' must be a list of tokens; try tokens=['I', 'love']."),
    (lambda: SpanCorruption(["a"]), "tokens has 1 tokens and must have 2 to 24 to stay readable; give it a longer sentence."),
    (lambda: SpanCorruption(["a"] * 25), "tokens has 25 tokens and must have 2 to 24 to stay readable; try tokens[:24]."),
    (lambda: SpanCorruption(CAR, dropped=[5]), "place in dropped=5 must lie between 0 and 4; try place in dropped=4."),
    (lambda: SpanCorruption(rate=0.9), "rate=0.9 must lie between 0.05 and 0.5; try rate=0.5."),
    (lambda: SpanCorruption(mean_length=0.5), "mean_length=0.5 must lie between 1 and 10; try mean_length=1."),
    (lambda: SpanCorruption(seed=-1), "seed=-1 must lie between 0 and 9999; try seed=0."),
    (lambda: SpanCorruption(step=25), "step=25 must lie between 0 and 24; try step=24."),
    (lambda: SpanCorruption(sentences={"it": [CAR]}), "language='it' must be one of fr, en; try language='fr'."),
    (lambda: SpanCorruption(sentences={"en": ["I love"]}),
     "sentences['en'][0]='I love' must be a list of tokens; try sentences['en'][0]=['I', 'love']."),
])  # fmt: skip
def test_errors_give_the_value_the_rule_and_a_repair(make, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the whole text is compared)
        make()
    assert str(caught.value) == message


def test_the_widget_stays_light():
    widget = SpanCorruption()
    assert len(widget._esm.encode()) < 55_000
    assert sum(len(str(value)) for name, value in widget.get_state().items() if name != "_esm") < 3000
