"""The head grid by itself: what it decodes is what Python gave, and what it says of a head is true."""

import json

import pytest
import torch

from d2lmini import masks
from d2lmini.i18n import THIN, set_language
from d2lmini.widgets import HeadGrid
from d2lmini.widgets.head_grid import MAX_BYTES, quantize
from tests.widgets.conftest import SENTENCE, run_javascript

L, H, N = 2, 3, 6


def softmax_weights(*shape, mask=None, seed=0, sharp=1.5):
    """Attention weights as a softmax makes them; exact zeros where the mask is closed."""
    scores = sharp * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return (scores if mask is None else scores.masked_fill(~mask, -torch.inf)).softmax(dim=-1)


WEIGHTS = softmax_weights(L, H, N, N, mask=masks.causal(N))


def example(lang="en", weights=WEIGHTS, **choices):
    set_language(lang)
    return HeadGrid(weights, SENTENCE[lang], **choices)


def decode(widget):
    """All the weights, decoded by the widget's own code."""
    code = """import { headWeights } from "./head_grid.mjs"; const { shape } = DATA, bytes = Uint8Array.from(DATA.bytes);
    const list = (n, f) => Array.from({ length: n }, (_, k) => f(k));
    console.log(JSON.stringify(list(shape[0], (l) => list(shape[1], (h) => headWeights(bytes, shape, l, h).map((row) => [...row])))))"""
    return torch.tensor(run_javascript(code, {"bytes": list(widget.weights), "shape": widget.shape}), dtype=torch.float64)


# --- arithmetic -------------------------------------------------------------------------------------------


def test_the_browser_decodes_what_python_gave():
    weights = softmax_weights(2, 3, 5, 7, sharp=4)
    widget = HeadGrid(weights, list("abcde"), keys=list("uvwxyz!"))
    decoded = decode(widget)
    assert decoded.shape == (2, 3, 5, 7)
    assert (decoded.sqrt() - weights.double().sqrt()).abs().max() <= 1 / 255
    for layer in range(2):
        for head in range(3):
            widget.layer, widget.head = layer, head
            torch.testing.assert_close(widget.chosen().double(), decoded[layer, head], rtol=0, atol=1e-6)


def test_quantization_errs_by_half_a_step_of_the_root_and_keeps_zeros_apart():
    weights = torch.cat([torch.linspace(0, 1, 10_001), torch.tensor([1e-12, 1e-7, 3e-6])])
    bytes_ = quantize(weights)
    steps = (255 * weights.sqrt() - bytes_).abs()
    assert steps[weights > 1e-5].max() <= 0.5 + 1e-4 and steps.max() <= 1
    assert torch.equal(bytes_ == 0, weights == 0)
    assert ((bytes_ / 255) ** 2 - weights).abs().max() < 0.004  # the second decimal on the page may be one off, no more


def test_masked_places_stay_blank_and_only_they():
    blank = decode(example()) == 0
    assert torch.equal(blank, ~masks.causal(N).expand(L, H, N, N))


def eye(n, offset=0):
    """Every query looks at the key `offset` further, where there is one, else evenly at all."""
    there = torch.diag(torch.ones(n - abs(offset)), offset)
    return there + (1 - there.sum(-1, keepdim=True)) / n


def column(n, j, share=1.0):
    return torch.full((n, n), (1 - share) / (n - 1)).index_fill(1, torch.tensor(j), share)


LOOP = list("abcabcab")  # tokens that come back after three


def mixed(n):
    return torch.eye(n)[torch.randperm(n, generator=torch.Generator().manual_seed(5))]


PATTERNS = [
    (eye(7, -1), None, None, {"what": "previous", "share": 1.0}),
    (eye(7), None, None, {"what": "itself", "share": 1.0}),
    (0.7 * eye(7, 1) + 0.3 / 7, None, None, {"what": "next", "share": 0.7 + 0.3 / 7}),
    (eye(7, -3), None, None, {"what": "back", "share": 1.0, "n": 3}),
    (eye(7, 2), None, None, {"what": "ahead", "share": 1.0, "n": 2}),
    (column(7, 0, 0.6), None, None, {"what": "first", "share": 0.6}),
    (column(7, 4, 0.5), None, None, {"what": "one", "share": 0.5, "j": 4}),
    (column(7, 4, 0.39), None, None, {"what": "mixed"}),
    (torch.full((7, 7), 1 / 7), None, None, {"what": "even"}),
    (masks.causal(7).float() / torch.arange(1, 8)[:, None], None, None, {"what": "even"}),
    (mixed(23), None, None, {"what": "mixed"}),
    (torch.eye(7), list("abcdefg"), list("ABCDEFG"), {"what": "rank", "share": 1.0}),
    (eye(7, -1), list("abcdefg"), list("ABCDEFG"), {"what": "rank_back", "share": 1.0}),
    (eye(7, 1), list("abcdefg"), list("ABCDEFG"), {"what": "rank_ahead", "share": 1.0}),
    (column(7, 6, 0.8), list("abcdefg"), list("ABCDEFG"), {"what": "one", "share": 0.8, "j": 6}),
    (torch.eye(2)[[0, 0]], list("ab"), list("ab"), {"what": "none"}),
    (torch.zeros(3, 3), list("abc"), list("abc"), {"what": "none"}),
]


@pytest.mark.parametrize(("weights", "tokens", "keys", "expected"), PATTERNS, ids=lambda x: x["what"] if isinstance(x, dict) else "")
def test_a_head_is_named_after_what_it_does(weights, tokens, keys, expected):
    tokens = tokens or list("abcdefghijklmnopqrstuvwxyz"[: len(weights)])
    found = named(weights + (1e-4 if expected["what"] not in ("none", "even") else 0), tokens, keys or tokens)
    assert {**found, "share": None} == {**expected, "share": None}
    assert found.get("share", 0) == pytest.approx(expected.get("share", 0), abs=2e-3)


def test_heads_that_look_for_the_same_token_are_named_too():
    after = masks.causal(8).float() * 1e-3
    same = after.clone()
    for i in range(3, 8):
        after[i, i - 2] = 0.9  # what followed the same letter three places before
        same[i, i - 3] = 0.8
    assert named(after, LOOP, LOOP)["what"] == "after_same"
    assert named(same, LOOP, LOOP)["what"] == "same"
    assert named(after, list("abcdefgh"), list("abcdefgh"))["what"] == "back"  # no letter comes back: then it is an offset


def named(weights, tokens, keys):
    code = """import { pattern, rules } from "./head_grid.mjs"; const { weights, tokens, keys, own } = DATA;
    console.log(JSON.stringify(pattern(weights, rules(tokens, keys, own))))"""
    found = run_javascript(code, {"weights": weights.tolist(), "tokens": tokens, "keys": keys, "own": tokens == keys})
    return {name: value for name, value in found.items() if name != "rare"}


def test_perplexity_is_the_exponential_of_the_entropy():
    weights = softmax_weights(5, 7).double()
    code = 'import { perplexity } from "./head_grid.mjs"; console.log(JSON.stringify(DATA.map(perplexity)))'
    expected = torch.distributions.Categorical(probs=weights).entropy().exp()
    torch.testing.assert_close(torch.tensor(run_javascript(code, weights.tolist()), dtype=torch.float64), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("n_query", "n_key", "block"), [(5, 7, 1), (32, 32, 1), (37, 11, 2), (13, 64, 2), (61, 64, 2)])
def test_a_picture_keeps_the_largest_weight_of_each_block(n_query, n_key, block):
    weights = torch.randint(0, 256, (n_query, n_key), generator=torch.Generator().manual_seed(1))
    code = """import { picture } from "./head_grid.mjs";
    const { width, height, pixels } = picture(Uint8Array.from(DATA.bytes), ...DATA.shape);
    console.log(JSON.stringify({ width, height, pixels: [...pixels] }))"""
    got = run_javascript(code, {"bytes": weights.flatten().tolist(), "shape": [n_query, n_key]})
    expected = torch.nn.functional.max_pool2d(weights[None].float(), block, ceil_mode=True)[0]
    assert (got["height"], got["width"]) == tuple(expected.shape)
    assert torch.equal(torch.tensor(got["pixels"]), expected.flatten().long())


def test_lines_are_the_weights_of_a_hundredth_and_more():
    weights = [[0.98, 0.015, 0.005], [0.2, 0.8, 0.0]]
    code = """import { lines } from "./head_grid.mjs"; const one = (side, index) => lines(DATA, { side, index });
    console.log(JSON.stringify([lines(DATA), one("query", 0), one("key", 1)]))"""
    everything, of_query, of_key = run_javascript(code, weights)
    assert everything == [[0, 0, 0.98], [0, 1, 0.015], [1, 0, 0.2], [1, 1, 0.8]]
    assert of_query == everything[:2] and of_key == [everything[1], everything[3]]


def said(lang, found, weights, forward=None):
    code = """import { WORDS, sentence } from "./head_grid.mjs"; import { numbers, texts } from "./shared.mjs";
    const { lang, found, weights, forward } = DATA, say = texts(WORDS, lang);
    found.what = say(found.what, found);
    console.log(JSON.stringify(sentence({ say, fmt: numbers(lang) }, { layer: 2, head: 5 }, found, weights, forward ?? {})))"""
    return run_javascript(code, {"lang": lang, "found": found, "weights": weights, "forward": forward})


def side(which):
    return {"side": which, "index": 0, "token": "x", "names": ["a", "b", "c"]}


@pytest.mark.parametrize(("found", "weights", "forward", "fr", "en"), [
    ({"what": "previous", "share": 0.871}, [], None,
     "surtout le jeton précédent (poids moyen 0,87).", "mostly the previous token (mean weight 0.87)."),
    ({"what": "back", "share": 0.5, "n": 3}, [], None,
     "surtout 3 jetons plus tôt (poids moyen 0,50).", "mostly 3 tokens back (mean weight 0.50)."),
    ({"what": "mixed"}, [], None,
     "plusieurs jetons, selon la requête.", "several tokens, depending on the query."),
    ({"what": "even"}, [0.2, 0.7, 0.1], side("query"),
     "« x » regarde surtout « b » (0,70), puis « a » (0,20).", "“x” looks mostly at “b” (0.70), then at “a” (0.20)."),
    ({"what": "even"}, [0, 1, 0], side("query"), "« x » ne regarde que « b » (1,00).", "“x” looks only at “b” (1.00)."),
    ({"what": "even"}, [0.33, 0.33, 0.34], side("query"), "« x » partage son regard presque également entre 3 jetons (au plus 0,34).",
     "“x” shares its gaze almost evenly among 3 tokens (at most 0.34)."),
    ({"what": "even"}, [0, 0, 0], side("query"), "« x » ne regarde rien.", "“x” looks at nothing."),
    ({"what": "even"}, [0.9, 0.1, 0.8], side("key"), "« x » est regardé surtout par « a » (0,90), puis par « c » (0,80).",
     "“x” is looked at mostly by “a” (0.90), then by “c” (0.80)."),
    ({"what": "even"}, [0.9, 0.0, 0.001], side("key"),
     "« x » n’est regardé que par « a » (0,90).", "“x” is looked at only by “a” (0.90)."),
    ({"what": "even"}, [0.9, 0.9, 0.9], side("key"), "« x » est regardé presque également par 3 jetons (au plus 0,90).",
     "“x” is looked at almost evenly by 3 tokens (at most 0.90)."),
    ({"what": "even"}, [0, 0, 0], side("key"), "« x » n’est regardé par personne.", "“x” is looked at by nobody."),
])  # fmt: skip
def test_the_summary_says_what_the_head_or_the_token_does(found, weights, forward, fr, en):
    assert said("fr", found, weights, forward) == f"Couche 2, tête 5{THIN}: " + fr.replace("« ", f"«{THIN}").replace(" »", f"{THIN}»")
    assert said("en", found, weights, forward) == f"Layer 2, head 5: {en}"


# --- the Python side -------------------------------------------------------------------------------------------


def test_layers_come_stacked_or_one_by_one_and_of_any_kind():
    expected = example().weights
    for weights in (list(WEIGHTS), tuple(WEIGHTS), [layer.numpy() for layer in WEIGHTS], WEIGHTS.numpy(), WEIGHTS.double(),
                    torch.nn.Parameter(WEIGHTS), WEIGHTS.transpose(0, 1).contiguous().transpose(0, 1), WEIGHTS.tolist()):  # fmt: skip
        assert example(weights=weights).weights == expected


def test_the_weights_of_a_layer_of_pytorch_are_shown():
    torch.manual_seed(0)
    layer = torch.nn.MultiheadAttention(12, 3, batch_first=True)
    x = torch.randn(1, 5, 12)
    with torch.no_grad():
        _, weights = layer(x, x, x, average_attn_weights=False)
    torch.testing.assert_close(decode(HeadGrid([weights[0]], list("abcde")))[0], weights[0].double(), rtol=0, atol=0.004)


@pytest.mark.parametrize(("lang", "expected"), [
    ("fr", "Figure interactive, toutes les têtes d’attention (couches_: 2, têtes par couche_: 3). "
           "Couche 2, tête 1_: «_dort_» regarde surtout «_chat_» (poids 0,{share})."),
    ("en", "Interactive figure, all attention heads (layers: 2, heads per layer: 3). "
           "Layer 2, head 1: “sleeps” looks mostly at “cat” (weight 0.{share})."),
])  # fmt: skip
def test_without_javascript_there_is_a_sentence(lang, expected):
    weights = WEIGHTS.clone()
    weights[1, 0, 2] = torch.tensor([0.2, 0.64, 0.16, 0, 0, 0])
    widget = example(lang, weights, layer=1, query=2)
    assert widget.sentence() == expected.replace("_", THIN).format(share=6)
    data, _ = widget._repr_mimebundle_()
    assert data["text/plain"] == widget.sentence() and data["application/vnd.jupyter.widget-view+json"]["model_id"] == widget.model_id


AB = ["a", "b"]
W = torch.full((1, 1, 2, 2), 0.5)
ROWS = (
    "each row must hold weights from 0 to 1 that sum to 1, or zeros only: "
    "give what the softmax over the keys returns, with model.eval() so that no dropout follows."
)


@pytest.mark.parametrize(("make", "message"), [
    (lambda: HeadGrid(W[0, 0], AB), "weights has shape (2, 2) and must have four axes (L, H, Tq, Tk); try weights[None, None]."),
    (lambda: HeadGrid(W[0], AB), "weights has shape (1, 2, 2) and must have four axes (L, H, Tq, Tk); try weights[None]."),
    (lambda: HeadGrid(list(W[None]), AB),
     "weights has shape (1, 1, 1, 2, 2) and must have four axes (L, H, Tq, Tk); try one text, weights[:, 0]."),
    (lambda: HeadGrid(W, list("abc")), "weights has shape (1, 1, 2, 2) and tokens has 3 tokens, where axis 2 must count 3; "
     "give the 2 tokens that made these weights."),
    (lambda: HeadGrid(W, AB, keys=list("xyz")), "weights has shape (1, 1, 2, 2) and keys has 3 tokens, where axis 3 must count 3; "
     "give the 2 keys that made these weights."),
    (lambda: HeadGrid([W[0], torch.full((2, 2, 2), 0.5)], AB),
     "weights has layers of shapes (1, 2, 2), (2, 2, 2) and all must have the same; make one HeadGrid a shape."),
    (lambda: HeadGrid(10 * W, AB), "weights has a row that sums to 10.00; " + ROWS),
    (lambda: HeadGrid(W * torch.nan, AB), "weights has a row that sums to nan; " + ROWS),
    (lambda: HeadGrid(torch.tensor([[[[1.5, -0.5], [1, 0]]]]), AB), "weights has the value -0.50; " + ROWS),
    (lambda: HeadGrid(torch.full((20, 20, 64, 64), 1 / 64), ["a"] * 64),
     "weights holds 1,638,400 values and must hold 1,000,000 at most, or the page grows heavy; show fewer layers."),
    (lambda: HeadGrid(W, ["a"] * 65), "tokens has 65 tokens and must have 2 to 64 to stay readable; try tokens[:64]."),
    (lambda: HeadGrid(W, AB, layer=1), "layer=1 must lie between 0 and 0; try layer=0."),
    (lambda: HeadGrid(W, AB, query=2), "query=2 must lie between -1 and 1; try query=1."),
])  # fmt: skip
def test_errors_give_the_value_the_rule_and_a_repair(make, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the whole text is compared)
        make()
    assert str(caught.value) == message


def test_a_row_that_sees_nothing_is_welcome():
    weights = torch.tensor([[[[0.0, 0.0], [0.5, 0.5]]]])
    assert HeadGrid(weights, AB).chosen()[0].tolist() == [0, 0]


BIG = softmax_weights(12, 12, 64, 64, mask=masks.causal(64))
TOKENS = [f"tok{i}" for i in range(64)]


def test_a_full_grid_stays_light():
    widget = HeadGrid(BIG, TOKENS)
    assert len(widget.weights) == 589_824 < MAX_BYTES
    assert len(widget._esm.encode()) < 50_000
    assert len(widget.weights) + len(widget._esm.encode()) + len(json.dumps(widget.tokens)) < 1_000_000
