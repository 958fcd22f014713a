"""The three modes by themselves: their masks, powers, targets and costs are the library's."""

import itertools
import random

import pytest
import torch

from d2lmini import masks
from d2lmini.i18n import THIN, set_language
from d2lmini.objectives.spans import corrupt_spans
from d2lmini.widgets import MaskBuilder, ThreeModes
from d2lmini.widgets.three_modes import DECODERS, MODES, SENTENCES
from tests.widgets.conftest import run_javascript

NAMES = dict(zip(("encoder", "both", "decoder"), MODES, strict=True))  # in JavaScript, in Python
SPANS = {5: ((1, 2), (3, 5)), 7: ((0, 3), (5, 6)), 2: ((1, 2),)}

SHOW = """
import { costs, hops, modes } from "./three_modes.mjs";
console.log(JSON.stringify(DATA.map(({ tokens, spans, masked, decoder, size, layers, long }) => {
  const scenes = modes({ tokens, spans, masked, decoder, size });
  return Object.fromEntries(Object.entries(scenes).map(([name, found]) => [name,
    { ...found, hops: hops(found.allowed, layers), costs: costs(name, found, long, { decoder, size }) }]));
})))
"""


def widgets():
    """Every decoder with every depth on sentences of 2, 5 and 7 words."""
    for n, decoder, layers in itertools.product(SPANS, DECODERS, (1, 2, 3, 4)):
        yield ThreeModes(
            list("abcdefg"[:n]), spans=SPANS[n], masked=n - 1, decoder=decoder, layers=layers, prefix=min(3, n), window=min(2, n)
        )


def given(widget, long=512):
    size = {"causal": 0, "prefix": widget.prefix, "window": widget.window}[widget.decoder]
    traits = {name: getattr(widget, name) for name in ("tokens", "spans", "masked", "decoder", "layers")}
    return {**traits, "size": size, "long": long}


@pytest.fixture(scope="module")
def shown():
    made = list(widgets())
    return list(zip(made, run_javascript(SHOW, [given(widget) for widget in made]), strict=True))


def test_masks_and_what_depth_reaches_are_those_of_python(shown):
    for widget, found in shown:
        for name, mode in NAMES.items():
            assert torch.equal(torch.tensor(found[name]["allowed"]), widget.mask(mode))
            hops = torch.tensor(found[name]["hops"])
            for layers in range(1, widget.layers + 1):
                widget.layers = layers
                assert torch.equal((hops > 0) & (hops <= layers), widget.reach(mode))


def test_targets_are_those_of_python(shown):
    for widget, found in shown:
        for name, mode in NAMES.items():
            assert found[name]["targets"] == widget.predictions(mode)
            assert len(found[name]["words"]) == len(found[name]["tokens"]) == len(widget.mask(mode))
            assert set(found[name]["words"]) - {-1} == set(range(len(widget.tokens)))  # each word is somewhere, in each mode


def test_the_sentence_of_the_course_by_hand():
    """The figure of T5's paper on five words: what is read, what is written, one place late."""
    (found,) = run_javascript(SHOW, [given(ThreeModes(SENTENCES["en"]))])
    both = found["both"]
    assert both["tokens"] == ["I", "⟨X⟩", "this", "⟨Y⟩", "⟨s⟩", "⟨X⟩", "love", "⟨Y⟩", "red", "car"]
    assert both["targets"] == [None] * 4 + ["⟨X⟩", "love", "⟨Y⟩", "red", "car", "⟨Z⟩"]
    assert both["nSource"] == 4 and both["words"] == [0, -1, 2, -1, -1, -1, 1, -1, 3, 4]
    assert found["encoder"]["tokens"] == ["I", "love", "this", "[MASK]", "car"]
    assert found["encoder"]["targets"] == [None, None, None, "red", None]
    assert found["decoder"]["targets"] == ["love", "this", "red", "car", None]
    costs = {name: (entry["costs"]["here"]["connections"], entry["costs"]["here"]["predictions"]) for name, entry in found.items()}
    assert costs == {"encoder": (25, 0.75), "both": (4 * 4 + 6 * 4 + 21, 6), "decoder": (15, 4)}


def test_depth_opens_nothing_but_a_window():
    for widget in widgets():
        widget.layers = 4
        for mode in MODES:
            same = torch.equal(widget.reach(mode), widget.mask(mode))
            assert same == (mode != "decoder" or widget.decoder != "window" or len(widget.tokens) == 2)


def test_through_a_window_each_layer_leads_one_window_further():
    widget = ThreeModes(list("abcdefg"), decoder="window", window=3, layers=2)
    assert torch.equal(widget.reach("decoder"), masks.sliding_window(7, 5))  # 3 + (3 − 1)


def test_the_masks_are_those_of_the_mask_builder():
    widget = ThreeModes(SENTENCES["en"], decoder="prefix", prefix=3)
    builder = MaskBuilder(SENTENCES["en"], kind="prefix", prefix=3)
    assert torch.equal(widget.mask("decoder"), builder.mask())
    builder = MaskBuilder(["x"] * 6, kind="encoder-decoder", source=["y"] * 4)
    both = widget.mask("encoder-decoder")
    assert torch.equal(both[:4, :4], builder.mask("source")) and not both[:4, 4:].any()
    assert torch.equal(both[4:, :4], builder.mask("cross")) and torch.equal(both[4:, 4:], builder.mask("target"))


@pytest.mark.parametrize("n", [7, 41, 512])
@pytest.mark.parametrize("decoder", DECODERS)
def test_costs_of_a_long_text_are_counted_on_its_masks(n, decoder):
    widget = ThreeModes(list("abcde"), decoder=decoder, prefix=5, window=3)
    (found,) = run_javascript(SHOW, [given(widget, n)])
    costs = {name: entry["costs"]["long"] for name, entry in found.items()}
    s, t = map(len, corrupt_spans(range(n), random.Random(0), sentinels=range(n, 2 * n)))  # whatever the draw, the lengths are the same
    assert costs["encoder"] == {"connections": n * n, "predictions": pytest.approx(0.15 * n)}
    assert costs["both"] == {"connections": s * s + t * s + int(masks.causal(t).sum()), "predictions": t}
    mask = {"causal": masks.causal(n), "prefix": masks.prefix(n, 5), "window": masks.sliding_window(n, 3)}[decoder]
    assert costs["decoder"] == {"connections": int(mask.sum()), "predictions": n - (5 if decoder == "prefix" else 1)}


SAY = """
import { WORDS, hops, modes, placeOf, sentence, task } from "./three_modes.mjs"; import { labels, numbers, texts } from "./shared.mjs";
const { lang, focus, ...given } = DATA, scenes = modes(given), say = texts(WORDS, lang);
const reached = Object.fromEntries(Object.entries(scenes).map(([name, { allowed }]) => [name, hops(allowed, given.layers)]));
const voice = { say, fmt: numbers(lang), plural: new Intl.PluralRules(lang) };
const said = sentence({ ...given, tokens: labels(given.tokens), focus, scenes, reached }, voice);
console.log(JSON.stringify([said, ...Object.entries(scenes).map(([name, found]) => task(name, found, placeOf(found, focus), given, say))]))
"""


def typeset(text):
    for sign in ":;»?!":
        text = text.replace(f" {sign}", THIN + sign)
    return text.replace("« ", f"«{THIN}")


@pytest.mark.parametrize(("lang", "focus", "choices", "expected"), [
    ("en", 3, {}, [
        "“red”, after 1 layer: it may depend on 5 tokens out of 5 in BERT, on 9 out of 10 in T5, on 4 out of 5 in GPT.",
        "“red”, the hidden word: it reads left and right.", "“car”, the next token of the target.", "“car”, the next token."]),
    ("en", 4, {"decoder": "window", "layers": 3}, [
        "“car”, after 3 layers: it may depend on 5 tokens out of 5 in BERT, on 10 out of 10 in T5, on 4 out of 5 in the decoder with a "
        "window. Through the window, 3 layers lead to 2 tokens more than a single one.",
        "Nothing: only masked words are predicted.", "“⟨Z⟩”, the next token of the target.", "Nothing: the sentence is over."]),
    ("fr", 0, {"decoder": "prefix", "layers": 2}, [
        "« J’ », après 2 couches : il peut dépendre de 5 jetons sur 5 dans BERT, de 4 sur 10 dans T5, de 2 sur 5 dans le décodeur à "
        "préfixe. Empiler des couches n’ouvre rien de plus : aucun détour ne mène à une case fermée.",
        "Rien : seuls les mots masqués sont prédits.", "Rien : l’encodeur lit, le décodeur prédit.", "Rien : le préfixe est donné."]),
])  # fmt: skip
def test_the_chosen_word_in_words(lang, focus, choices, expected):
    widget = ThreeModes(SENTENCES[lang], **choices)
    found = run_javascript(SAY, {**given(widget), "lang": lang, "focus": focus})
    assert found == [typeset(text) if lang == "fr" else text for text in expected]


def test_without_javascript_there_is_a_sentence():
    set_language("fr")
    widget = ThreeModes()
    assert widget.tokens == SENTENCES["fr"] and widget.focus == widget.masked == 3
    assert widget.sentence() == typeset(
        "Figure interactive, trois modes de pré-entraînement : le vecteur de « voiture » peut dépendre de 5 jetons sur 5 dans BERT, "
        "de 9 sur 10 dans T5, de 4 sur 5 dans GPT."
    )
    set_language("en")
    widget = ThreeModes(focus=2, decoder="window", layers=2)
    assert widget.sentence() == (
        "Interactive figure, three modes of pretraining: the vector of “this” may depend on 5 tokens out of 5 in BERT, "
        "on 4 out of 10 in T5, on 3 out of 5 in GPT."
    )
    assert widget._repr_mimebundle_()[0]["text/plain"] == widget.sentence()


FIVE = list("abcde")


@pytest.mark.parametrize(("make", "message"), [
    (lambda: ThreeModes(["a"]), "tokens has 1 tokens and must have 2 to 10 to stay readable; give it a longer sentence."),
    (lambda: ThreeModes(FIVE, masked=5), "masked=5 must lie between 0 and 4; try masked=4."),
    (lambda: ThreeModes(FIVE, focus=-1), "focus=-1 must lie between 0 and 4; try focus=0."),
    (lambda: ThreeModes(FIVE, layers=5), "layers=5 must lie between 1 and 4; try layers=4."),
    (lambda: ThreeModes(FIVE, prefix=0), "prefix=0 must lie between 1 and 5; try prefix=1."),
    (lambda: ThreeModes(FIVE, window=6), "window=6 must lie between 1 and 5; try window=5."),
    (lambda: ThreeModes(FIVE, decoder="full"), "decoder='full' must be one of causal, prefix, window; try decoder='causal'."),
    (lambda: ThreeModes(FIVE, spans=[]), "len(spans)=0 must lie between 1 and 5; try len(spans)=1."),
    (lambda: ThreeModes(FIVE, spans=[(1, 2), (2, 3)]),
     "span (2, 3) must hold a token, stay within 5 and not touch the one before, which ends at 2; "
     "sort the spans and merge those that touch."),
    (lambda: ThreeModes(FIVE).mask("bert"), "mode='bert' must be one of encoder, encoder-decoder, decoder; try mode='encoder'."),
])  # fmt: skip
def test_errors_give_the_value_the_rule_and_a_repair(make, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the whole text is compared)
        make()
    assert str(caught.value) == message


def test_the_widget_stays_light():
    widget = ThreeModes()
    assert len(widget._esm.encode()) < 50_000
    assert sum(len(str(value)) for name, value in widget.get_state().items() if name != "_esm") < 2000
