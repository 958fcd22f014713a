"""The MLM playground by itself: the browser's BERT is PyTorch's on the same bytes, its draws are BERT's, its words are right."""

import math
from functools import cache

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from d2lmini.attention import recorded
from d2lmini.i18n import THIN, set_language
from d2lmini.masks import causal
from d2lmini.models.bert import BertConfig, BertPretraining
from d2lmini.widgets import MLMPlayground
from d2lmini.widgets.mlm_playground import MAX_BYTES, pack, quantize
from tests.widgets.conftest import EVIL, run_javascript

CLS, SEP, MASK = 0, 1, 2
TOKENS = "[CLS] [SEP] [MASK] le la roi chat reine vache dort chante a an king cat owl eagle sleeps sings".split()
IDS = {token: i for i, token in enumerate(TOKENS)}
# The article is known from the noun at its right alone.
GRAMMAR = {"fr": [("le", "roi chat"), ("la", "reine vache")], "en": [("a", "king cat"), ("an", "owl eagle")]}
VERBS = {"fr": "dort chante", "en": "sleeps sings"}


def framed(text):
    return [CLS, *(IDS[word] for word in text.split()), SEP]


TEXTS = {
    lang: [framed(f"{article} {noun} {verb}") for article, nouns in rules for noun in nouns.split() for verb in VERBS[lang].split()]
    for lang, rules in GRAMMAR.items()
}


@cache
def trained():
    """A BERT that has learned the grammar of these texts, in about a second."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertPretraining(BertConfig(vocab_size=19, d_model=22, n_head=2, n_layer=1, d_ff=29, n_position=7))
        texts = torch.tensor([text for several in TEXTS.values() for text in several])
        optimizer = torch.optim.Adam(model.parameters(), 0.01)
        for _ in range(150):
            targets = texts.repeat(5, 1)
            chosen = (targets > MASK) & (torch.rand(targets.shape) < 0.3)
            loss = F.cross_entropy(model(targets.masked_fill(chosen, MASK))[0][chosen], targets[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model.eval()


def random_model(n_layer=2, *, vocab_size=19, d_model=14, n_head=2, d_ff=11, seed=0):
    """Weights far larger than at the start, so that every part counts."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        sizes = {"d_model": d_model, "n_head": n_head, "d_ff": d_ff}
        model = BertPretraining(BertConfig(vocab_size=vocab_size, n_layer=n_layer, n_position=13, **sizes))
        with torch.no_grad():
            for x in model.parameters():
                x += 0.4 * torch.randn(x.shape)
    return model.eval()


def example(lang="en", model=None, **choices):
    set_language(lang)
    return MLMPlayground(model or trained(), TOKENS, TEXTS, mask_id=MASK, special=[CLS, SEP], **choices)


def from_bytes(model, widget):
    """`model` with the weights that the widget carries, read here independently, in float64."""
    data, at = widget.weights, 0
    state = {name: x.double() for name, x in model.state_dict().items()}
    for name, n, *width in widget.layout:
        vector, at = np.frombuffer(data, "<f4", n, at), at + 4 * n
        values = torch.tensor(vector, dtype=torch.float64)
        if width:
            steps, at = np.frombuffer(data, "i1", n * width[0], at).reshape(n, width[0]), at + n * width[0]
            values = values[:, None] * torch.tensor(steps.astype("f8"))
        state[name][: len(values)] = values
    assert at == len(data)
    copy = BertPretraining(model.config).double().eval()
    copy.load_state_dict(state)
    return copy


# --- the forward pass -----------------------------------------------------------------------------------------------

FORWARD = """
import { encode, softmax, unpackWeights, wordScores } from "./bert.mjs";
const { bytes, layout, sizes, ids, sees } = DATA;
const weights = unpackWeights(new DataView(Uint8Array.from([7, ...bytes]).buffer, 1), layout); // from the middle, as Jupyter hands over
const { xs, looks } = encode(weights, ids, sizes, sees), scores = xs.map((x) => wordScores(weights, x, sizes));
console.log(JSON.stringify({ xs: xs.map((x) => [...x]), looks,
  scores: scores.map((s) => [...s]), shares: scores.map((s) => [...softmax(s)]) }));
"""


def forward(widget, ids, sees):
    data = {"bytes": list(widget.weights), "layout": widget.layout, "sizes": widget.sizes, "ids": ids, "sees": sees}
    return {name: torch.tensor(x, dtype=torch.float64) for name, x in run_javascript(FORWARD, data).items()}


@pytest.mark.parametrize("sees", ["both", "left"])
@pytest.mark.parametrize(("n_layer", "n_head"), [(1, 7), (2, 2), (3, 1)])
def test_the_browser_computes_what_pytorch_computes(n_layer, n_head, sees):
    model = random_model(n_layer, n_head=n_head, seed=n_layer)
    widget = example(model=model)
    ids, reference = [CLS, 5, MASK, 9, SEP], from_bytes(model, widget)
    mask = causal(5) if sees == "left" else None
    with torch.no_grad(), recorded(reference) as seen:
        x = reference.body(torch.tensor([ids]), mask=mask)
        scores = reference.words(x)[0]
    got = forward(widget, ids, sees)
    torch.testing.assert_close(got["xs"], x[0], rtol=0, atol=1e-5)
    torch.testing.assert_close(got["scores"], scores, rtol=0, atol=1e-5)
    torch.testing.assert_close(got["shares"], scores.softmax(dim=-1), rtol=0, atol=1e-6)
    looks = torch.stack([seen[f"body.blocks.{layer}.attend"][0][0] for layer in range(n_layer)])
    torch.testing.assert_close(got["looks"], looks, rtol=0, atol=1e-6)
    assert scores.std() > 1 and looks.std() > 0.05  # a wrong sum would show


def test_python_and_browser_agree_on_the_shares():
    widget = example(model=random_model(), text=3, changes=[[1, 8], [3, MASK]])
    for sees in ("both", "left"):
        torch.testing.assert_close(forward(widget, widget.inputs(), sees)["shares"], widget.shares(sees).double(), rtol=0, atol=1e-5)


def test_on_the_left_alone_the_future_moves_nothing_and_with_both_sides_it_does():
    widget, ids = example(model=random_model()), [CLS, 5, MASK, 9, SEP]
    for sees in ("both", "left"):
        before, after = (forward(widget, [*ids[:3], last, SEP], sees)["xs"] for last in (9, 10))
        moved = (before - after).abs().amax(dim=1) > 1e-3
        assert moved.tolist() == ([True] * 5 if sees == "both" else [False, False, False, True, True])


def test_the_exact_gelu_and_its_neighbors():
    code = """import { affine, erf, gelu, layerNorm, softmax } from "./bert.mjs"; const { xs, table, shift, eps } = DATA;
    console.log(JSON.stringify({ erf: xs.map(erf), gelu: xs.map(gelu), norm: layerNorm(xs, xs.map((x) => x + 1), xs.map((x) => 2 * x), eps),
      softmax: softmax(xs.map((x) => 300 * x)), affine: [...affine([2, -1, 3], table, shift)] }))"""
    x = torch.linspace(-5, 5, 1001, dtype=torch.float64)
    got = run_javascript(code, {"xs": x.tolist(), "table": [[1, 2, 3], [0, -1, 0]], "shift": [10, 20], "eps": 0.1})
    torch.testing.assert_close(torch.tensor(got["erf"], dtype=torch.float64), torch.erf(x), rtol=0, atol=2e-7)
    torch.testing.assert_close(torch.tensor(got["gelu"], dtype=torch.float64), F.gelu(x), rtol=0, atol=1e-6)
    norm = F.layer_norm(x, x.shape, x + 1, 2 * x, 0.1)
    torch.testing.assert_close(torch.tensor(got["norm"], dtype=torch.float64), norm, rtol=0, atol=1e-12)
    assert sum(got["softmax"]) == pytest.approx(1) and got["softmax"][-1] == pytest.approx(1 - math.exp(-3), abs=1e-9)
    assert got["affine"] == [19, 21]


# --- the bytes ------------------------------------------------------------------------------------------------------


def test_a_row_is_rounded_to_127_steps_of_its_own():
    x = torch.randn(5, 31, generator=torch.Generator().manual_seed(0)) * torch.tensor([1e-4, 1, 50, 0, 3])[:, None]
    steps, scale = quantize(x)
    assert steps.dtype == torch.int8 and steps.abs().amax(dim=1).tolist() == [127, 127, 127, 0, 127]
    assert ((steps * scale[:, None] - x).abs() <= 0.5001 * scale[:, None]).all()


def test_rounding_hardly_moves_the_answers():
    widget = example()
    with torch.no_grad():
        exact = trained()(torch.tensor([widget.inputs()]))[0][0].softmax(dim=-1)
    assert 0 < (widget.shares("both") - exact).abs().max() < 0.02
    assert trained().body.embedding.weight.unique().numel() > 19 * 20  # the model that was given keeps its own weights


def test_only_what_predicts_words_travels():
    names = [name for name, *_ in example().layout]
    expected = [name for name, _ in trained().named_parameters() if not name.startswith(("body.pooler", "follows"))]
    assert names == expected and len(names) == 1 + 3 + 2 + (8 + 2 + 4 + 2) + 2 + 2
    shapes = {name: shape for name, *shape in example().layout}
    assert shapes["body.positions.table"] == [5, 22] and shapes["body.segments.weight"] == [1, 22] and shapes["word_bias"] == [19]


def test_the_miniature_of_the_chapter_stays_light():
    model = BertPretraining(BertConfig(vocab_size=400, d_model=64, n_head=4, n_layer=1, d_ff=128, n_position=24))
    widget = MLMPlayground(model, [f"word{i}" for i in range(400)], {"en": [[1, *range(10, 22), 2]] * 8}, mask_id=0, special=[1, 2])
    assert sum(x.numel() for x in model.parameters()) > 65_000
    rest = sum(len(str(value)) for name, value in widget.get_state().items() if name not in ("_esm", "weights"))
    assert 4 * len(widget.weights) / 3 + rest < 120_000
    assert len(widget._esm.encode()) < 55_000
    heavy = BertPretraining(BertConfig(vocab_size=400, d_model=128, n_head=4, n_layer=1, d_ff=128, n_position=24))
    with pytest.raises(
        ValueError, match=rf"takes \d+,\d+ bytes and must take {MAX_BYTES:,} at most to stay in a page; train a smaller one"
    ):
        pack(heavy, 24)


# --- what is hidden -------------------------------------------------------------------------------------------------

DRAW = """import { drawChanges } from "./mlm_playground.mjs"; const { ids, rate, seeds, vocabulary } = DATA;
const data = { special: [0, 1, 2], mask_id: 2, tokens: Array(vocabulary).fill("") };
console.log(JSON.stringify(Array.from({ length: seeds }, (_, seed) => drawChanges(ids, data, rate, seed))))"""


def within(successes, n, p):
    """Five standard deviations of a binomial."""
    return abs(successes - n * p) < 5 * math.sqrt(n * p * (1 - p))


def test_the_draw_is_80_10_10_and_favors_no_place():
    ids, vocabulary, seeds = [0, *range(3, 16), 1], 101, 20_000
    draws = run_javascript(DRAW, {"ids": ids, "rate": 0.15, "seeds": seeds, "vocabulary": vocabulary})
    assert {len(draw) for draw in draws} == {2}  # 15 % of 13 words
    assert all(draw == sorted(draw) and len(dict(draw)) == 2 for draw in draws)
    pairs = [(place, id_) for draw in draws for place, id_ in draw]
    for place in range(1, 14):
        assert within(sum(other == place for other, _ in pairs), seeds, 2 / 13)
    n, replaced = len(pairs), [id_ for place, id_ in pairs if id_ not in (MASK, ids[place])]
    same = 0.1 / (vocabulary - 3)  # a random word may be the word itself
    assert within(sum(id_ == MASK for _, id_ in pairs), n, 0.8)
    assert within(sum(id_ == ids[place] for place, id_ in pairs), n, 0.1 + same)
    assert within(len(replaced), n, 0.1 - same)
    assert set(replaced) == set(range(3, vocabulary))  # every word, nothing else
    both = sum(draw[0][1] == draw[1][1] == MASK for draw in draws)
    assert within(both, seeds, 0.64)  # the fates of two places don't depend on each other


@pytest.mark.parametrize(("n_word", "rate", "expected"), [(3, 0.15, 1), (7, 0.15, 1), (11, 0.15, 2), (10, 0.9, 9), (1, 0.15, 1), (5, 1, 5)])
def test_one_word_at_least_is_chosen(n_word, rate, expected):
    (draw, again), other = (run_javascript(DRAW, {"ids": [0, *range(3, 3 + n_word), 1], "rate": rate, "seeds": n, "vocabulary": 29})
                            for n in (2, 1))  # fmt: skip
    assert len(draw) == expected == len(again) and [draw] == other


def test_fates_and_changes():
    code = """import { beginning, changed, fateOf, wordPlaces } from "./mlm_playground.mjs";
    console.log(JSON.stringify([[2, 5, 7].map((id) => fateOf(id, 5, 2)), wordPlaces([0, 5, 2, 6, 1], [0, 1, 2]),
      changed([[1, 2], [4, 9]], 3, 8), changed([[1, 2], [4, 9]], 4, 8), changed([[1, 2], [4, 9]], 1),
      beginning({ starts: [3, 4], mask_id: 2 }, 1)]))"""
    assert run_javascript(code) == [
        ["masked", "kept", "replaced"], [1, 3], [[1, 2], [3, 8], [4, 9]], [[1, 2], [4, 8]], [[4, 9]], {"changes": [[4, 2]], "place": 4},
    ]  # fmt: skip


def test_the_ranking_ends_with_the_original_word():
    code = """import { ranking5 } from "./mlm_playground.mjs";
    const both = [0.02, 0.3, 0.1, 0.25, 0.05, 0.2, 0.08], left = [0.5, 0, 0, 0, 0.3, 0.2, 0];
    console.log(JSON.stringify([["both", 3], ["both", 4], ["both", 0], ["left", 0]].map(([sees, original]) =>
      ranking5({ both, left }, sees, original).map(({ id, rank, shares }) => [id, rank, shares.both, shares.left]))))"""
    top = [[1, 0, 0.3, 0], [3, 1, 0.25, 0], [5, 2, 0.2, 0.2], [2, 3, 0.1, 0], [6, 4, 0.08, 0]]
    inside, just_outside, outside, left = run_javascript(code)
    assert inside == top and just_outside == [*top, [4, 5, 0.05, 0.3]] and outside == [*top, [0, 6, 0.02, 0.5]]
    assert [item[:2] for item in left[:3]] == [[0, 0], [4, 1], [5, 2]]


SAY = """
import { WORDS, sentence } from "./mlm_playground.mjs"; import { numbers, texts } from "./shared.mjs"; const [lang, kind] = DATA;
const chat = { id: 1, shares: { both: 0.615, left: 0.052 } }, roi = { id: 0, shares: { both: 0.2, left: 0.7 } };
const found = { place: 1, best: chat, right: chat }, missed = { place: 2, best: roi, right: chat };
const answers = { none: [], right: [found], wrong: [found, missed] }, wrong = kind === "wrong";
const data = { say: texts(WORDS, lang), fmt: numbers(lang), names: ["le", "chat₁", "chat₂"], tokens: ["roi", "chat"] };
console.log(JSON.stringify(sentence({ answers: answers[kind], place: wrong ? 2 : 0, sees: wrong ? "left" : "both" }, data)))
"""


@pytest.mark.parametrize(("kind", "fr", "en"), [
    ("none", "Rien n’est masqué : choisissez un mot de la phrase.", "Nothing is masked: choose a word of the sentence."),
    ("right",
     "Retrouvés : 1 sur 1. « chat₁ » est le premier choix du modèle : 61,5 % avec les deux côtés, 5,2 % avec la gauche seule.",
     "Found: 1 of 1. “chat₁” is the model’s first choice: 61.5% with both sides, 5.2% with only the left."),
    ("wrong",
     "Retrouvés : 1 sur 2. Au lieu de « chat₂ », le modèle préfère « roi » (70,0 %) ; "
     "à « chat₂ » il donne 61,5 % avec les deux côtés, 5,2 % avec la gauche seule.",
     "Found: 1 of 2. Instead of “chat₂”, the model prefers “roi” (70.0%); "
     "to “chat₂” it gives 61.5% with both sides, 5.2% with only the left."),
])  # fmt: skip
def test_the_state_in_words(kind, fr, en):
    for space in (" :", " ;", " »", " %"):
        fr = fr.replace(space, THIN + space[1])
    assert run_javascript(SAY, ["fr", kind]) == fr.replace("« ", f"«{THIN}")
    assert run_javascript(SAY, ["en", kind]) == en


# --- the Python side ------------------------------------------------------------------------------------------------


def test_a_text_opens_with_the_word_that_needs_the_right_most():
    widget = example("fr")
    assert widget.text == 0 and set(widget.starts) == {1}  # the article, which its noun decides
    assert (widget.changes, widget.place) == ([[1, MASK]], 1)
    both, left = (widget.shares(sees)[1, IDS["le"]].item() for sees in ("both", "left"))
    assert both > 0.9 and 0.1 < left < 0.6


def test_another_text_begins_again():
    widget = example("en")
    assert widget.languages[widget.text] == "en"
    widget.changes, widget.place = [[3, IDS["sings"]], [2, MASK]], 3
    assert widget.changes == [[2, MASK], [3, IDS["sings"]]]  # in the order of the text
    assert [TOKENS[i] for i in widget.inputs()] == ["[CLS]", "a", "[MASK]", "sings", "[SEP]"]
    widget.text = 0
    assert (widget.changes, widget.place) == ([[1, MASK]], 1)


def test_a_notebook_gets_text_and_changes_in_one_message():
    """The browser sends the new text with its beginning; the draw that follows is kept."""
    widget = example("en")
    widget.set_state({"changes": [[1, MASK]], "place": 1, "text": 2})
    assert (widget.text, widget.changes, widget.place) == (2, [[1, MASK]], 1)
    widget.set_state({"seed": 1, "changes": [[2, IDS["roi"]]], "place": 2})
    assert (widget.seed, widget.changes) == (1, [[2, IDS["roi"]]])


def test_without_javascript_there_is_a_sentence():
    for lang in ("fr", "en"):
        widget = example(lang)
        both, left = (f"{100 * widget.shares(sees)[1, widget.texts[widget.text][1]]:.0f}" for sees in ("both", "left"))
        expected = {
            "fr": "Figure interactive, le modèle de langage masqué : BERT lit « [MASK] roi dort ». "
            f"Au lieu de « le », son premier choix est « le » : {both} % avec les deux côtés, {left} % avec la gauche seule.",
            "en": "Interactive figure, the masked language model: BERT reads “[MASK] king sleeps”. "
            f"In place of “a”, its first choice is “a”: {both}% with both sides, {left}% with the left alone.",
        }[lang]  # fmt: skip
        for space in (" :", " »", " %"):
            expected = expected.replace(space, THIN + space[1]) if lang == "fr" else expected
        assert widget.sentence() == expected.replace("« ", f"«{THIN}")
        assert widget._repr_mimebundle_()[0]["text/plain"] == widget.sentence()
    widget.changes = []
    assert widget.sentence().endswith("BERT reads “a king sleeps”.")


def test_a_model_in_training_or_in_another_type_is_read_as_it_is():
    model = random_model()
    expected = example(model=model).weights
    assert example(model=model.train().double()).weights == expected and model.training
    assert not example(model=model).quantized.training


def make(tokens=TOKENS, texts=TEXTS, mask_id=MASK, model=None, **choices):
    return MLMPlayground(model or trained(), tokens, texts, mask_id=mask_id, special=[CLS, SEP], **choices)


@pytest.mark.parametrize(("choices", "message"), [
    ({"model": torch.nn.Linear(2, 2)}, "model is a Linear and must be a BertPretraining, whose head predicts words."),
    ({"tokens": TOKENS[:-1]}, "tokens has 18 texts and must have one for each of the 19 tokens of the model."),
    ({"mask_id": 19}, "special id=19 must lie between 0 and 18; try special id=18."),
    ({"texts": {}}, 'texts has no text and must have one at least; try texts={"en": [[…]]}.'),
    ({"texts": {"it": [[0, 3, 1]]}}, "language='it' must be one of fr, en; try language='fr'."),
    ({"texts": {"fr": [[0, 3, 4, 5, 6, 7, 8, 1]]}}, "length of a text=8 must lie between 2 and 7; try length of a text=7."),
    ({"texts": {"fr": [[0, 21]]}}, "id of a text=21 must lie between 0 and 18; try id of a text=18."),
    ({"texts": {"fr": [[0, 1]]}}, "the text [0, 1] holds special tokens alone and must have a word to hide; add one."),
    ({"text": 16}, "text=16 must lie between 0 and 15; try text=15."),
    ({"place": 5}, "place=5 must lie between 0 and 4; try place=4."),
    ({"layer": 1}, "layer=1 must lie between 0 and 0; try layer=0."),
    ({"rate": 0.0}, "rate=0.0 must lie above 0 and at most at 1; try rate=0.15."),
    ({"changes": [[0, 3]]}, "place 0 holds '[CLS]', which is no word and stays; try place 1."),
    ({"changes": [[7, 3]]}, "place of a change=7 must lie between 0 and 4; try place of a change=4."),
    ({"changes": [[1, 19]]}, "id of a change=19 must lie between 0 and 18; try id of a change=18."),
    ({"masks": 3}, "choice='masks' must be one of text, changes, place, sees, layer, rate, seed; try choice='text'."),
])  # fmt: skip
def test_errors_give_the_value_the_rule_and_a_repair(choices, message):
    set_language("fr")
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the whole text is compared)
        make(**choices)
    assert str(caught.value) == message


def test_any_text_may_be_a_token():
    set_language("fr")
    tokens = [*TOKENS[:3], *EVIL, *TOKENS[3 + len(EVIL) :]]
    assert make(tokens).tokens == tokens and EVIL[2] in make(tokens).sentence()
