"""The position explorer by itself: every number is that of d2lmini.positions, and depends on the offset alone."""

import json
import math

import pytest
import torch

from d2lmini.i18n import THIN, set_language
from d2lmini.positions import Rotary, alibi_slopes, frequencies, sinusoid, t5_bucket
from d2lmini.widgets import PositionExplorer
from d2lmini.widgets.position_explorer import RANGES, SCHEMES, example_bias, example_vector, start_vector
from tests.widgets.conftest import run_javascript

CHOICES = [*RANGES, "scheme", "causal", "interleaved", "together"]
NBSP = "\u00a0"


def run(names, expression, data=None):
    return run_javascript(f'import {{ {names} }} from "./position_explorer.mjs"; console.log(JSON.stringify({expression}))', data)


def choices(widget):
    return {name: getattr(widget, name) for name in CHOICES}


def assert_equal(actual, expected):
    torch.testing.assert_close(torch.tensor(actual, dtype=torch.float64), expected.double(), rtol=0, atol=1e-6)


# --- arithmetic ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("d", [2, 6, 14, 64])
def test_sinusoids_are_those_of_the_library(d):
    positions = [0, 1, 5, 31, 63, 997]
    got = run("sinusoid", "DATA.p.map((p) => sinusoid(p, DATA.d))", {"p": positions, "d": d})
    assert_equal(got, sinusoid(torch.tensor(positions).double(), d))
    assert_equal(run("frequencies", "frequencies(DATA)", d), frequencies(d))


@pytest.mark.parametrize("interleaved", [True, False])
@pytest.mark.parametrize("d", [2, 6, 14, 64])
def test_turning_is_that_of_the_library_in_both_conventions(d, interleaved):
    x = torch.randn(5, d, generator=torch.Generator().manual_seed(d), dtype=torch.float64)
    positions = torch.tensor([0, 1, 7, 31, 997])
    expected = Rotary(d, interleaved=interleaved).rotate(x, positions)
    code = "DATA.x.map((row, k) => rotate(row, DATA.p[k], { interleaved: DATA.interleaved }))"
    got = run("rotate", code, {"x": x.tolist(), "p": positions.tolist(), "interleaved": interleaved})
    assert_equal(got, expected)
    pairs = run("pairAt", "Array.from({ length: DATA[0] / 2 }, (_, m) => pairAt(m, ...DATA))", [d, interleaved])
    assert sorted(c for pair in pairs for c in pair) == list(range(d))


def test_another_base_turns_more_slowly():
    x = torch.ones(1, 8, dtype=torch.float64)
    expected = Rotary(8, base=500.0).rotate(x, torch.tensor([13]))
    assert_equal(run("rotate", "[rotate(DATA[0], 13, { base: 500 })]", x.tolist()), expected)


@pytest.mark.parametrize("causal", [True, False])
def test_buckets_are_those_of_the_library(causal):
    sizes = [(b, m) for b in range(8, 33, 4) for m in range(32, 129, 8)]
    offsets = torch.arange(-150, 151)
    code = """DATA.sizes.map(([b, m]) => Array.from({ length: 301 }, (_, k) => t5Bucket(k - 150, DATA.causal, b, m)))"""
    got = torch.tensor(run("t5Bucket", code, {"sizes": sizes, "causal": causal}))
    assert torch.equal(got, torch.stack([t5_bucket(offsets, causal, b, m) for b, m in sizes]))


def test_slopes_are_those_of_the_library():
    for n_head, slopes in enumerate(run("alibiSlopes", "Array.from({ length: 20 }, (_, k) => alibiSlopes(k + 1))"), 1):
        assert_equal(slopes, alibi_slopes(n_head))


def test_examples_are_the_same_on_both_sides():
    assert_equal(run("exampleVector", "[0, 943, 996, 1016].map((seed) => exampleVector(64, seed))"),
                 torch.stack([example_vector(64, seed) for seed in (0, 943, 996, 1016)]))  # fmt: skip
    for n_bucket in (8, 20, 32):
        for causal in (True, False):
            assert_equal(run("exampleBias", "exampleBias(...DATA)", [n_bucket, causal]), example_bias(n_bucket, causal))
    for interleaved in (True, False):
        assert_equal(run("startVector", "startVector(10, DATA)", interleaved), start_vector(10, interleaved))


SETTINGS = [
    {"scheme": "sinusoidal", "d": 6, "n_position": 7},
    {"scheme": "sinusoidal", "d": 64, "n_position": 64},
    {"scheme": "shaw", "d": 10, "n_position": 11, "clip": 3},
    {"scheme": "shaw", "d": 32, "n_position": 5, "clip": 16},
    {"scheme": "t5", "n_position": 64, "n_bucket": 32, "max_distance": 128},
    {"scheme": "t5", "n_position": 37, "n_bucket": 12, "max_distance": 32, "causal": True},
    {"scheme": "alibi", "n_position": 13, "n_head": 12, "head": 9},
    {"scheme": "alibi", "n_position": 13, "n_head": 4, "head": 3, "causal": True},
    {"scheme": "rotary", "d": 14, "n_position": 23, "interleaved": True},
    {"scheme": "rotary", "d": 14, "n_position": 23, "interleaved": False},
]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: "-".join(str(v) for v in s.values()))
def test_scores_are_those_of_the_kernel_and_follow_the_offset_alone(setting):
    n = setting["n_position"]
    widget = PositionExplorer(**{"i": 0, "j": 0, "pair": 0, **setting})
    code = """(() => { const score = scorer(DATA), n = DATA.n_position, list = (f) => Array.from({ length: n }, (_, k) => f(k));
      return [list((i) => list((j) => score(i, j) === -Infinity ? null : score(i, j))), byOffset(score, n)]; })()"""
    table, curve = run("scorer, byOffset", code, choices(widget))
    scores = torch.tensor([[-torch.inf if x is None else x for x in row] for row in table], dtype=torch.float64)
    for i in range(n):
        for j in range(0, n, 5):
            widget.i, widget.j = i, j
            assert widget.score() == pytest.approx(scores[i, j].item(), abs=1e-6)
    shown = dict(map(tuple, curve))
    for o in range(1 - n, n):
        along = scores.diagonal(o)
        if along.isfinite().all():
            assert along.max() - along.min() < 1e-9
            assert shown[o] == pytest.approx(along[0].item(), abs=1e-9)
        else:
            assert widget.causal and o > 0 and o not in shown
    assert len(shown) == (n if widget.causal else 2 * n - 1)


@pytest.mark.parametrize(("causal", "n_bucket", "max_distance"), [(False, 32, 128), (True, 32, 128), (False, 8, 32), (True, 20, 64)])
def test_bucket_mates_are_the_offsets_of_one_bucket(causal, n_bucket, max_distance):
    offsets = torch.arange(-4 * max_distance, 1 if causal else 4 * max_distance + 1)
    buckets = t5_bucket(offsets, causal, n_bucket, max_distance)
    asked = [o for o in (-500, -91, -64, -20, -8, -3, -1, 0, 1, 7, 8, 30, 200) if offsets[0] <= o <= offsets[-1]]
    code = "DATA.asked.map((o) => bucketMates(o, ...DATA.size).map((x) => Math.abs(x) === Infinity ? 1e6 * Math.sign(x) : x))"
    for o, (low, high) in zip(asked, run("bucketMates", code, {"asked": asked, "size": [causal, n_bucket, max_distance]}), strict=True):
        mates = offsets[buckets == buckets[offsets == o]].tolist()
        assert low == (-1e6 if mates[0] == -4 * max_distance else mates[0])
        assert high == (1e6 if mates[-1] == 4 * max_distance else mates[-1])


def test_moving_together_keeps_the_offset_and_stops_at_the_ends():
    code = "DATA.map(([i, j, ...rest]) => move({ i, j, n_position: 10, together: rest[2] }, ...rest)).map(({ i, j }) => [i, j])"
    cases = [
        [5, 2, "i", 6, True], [5, 2, "i", 9, True], [5, 2, "i", 0, True], [5, 2, "j", 0, True], [5, 2, "j", 9, True],
        [2, 5, "i", 9, True], [5, 2, "i", 9, False], [5, 2, "j", 7, False],
    ]  # fmt: skip
    assert run("move", code, cases) == [[6, 3], [9, 6], [3, 0], [3, 0], [9, 6], [6, 9], [9, 2], [5, 7]]


@pytest.mark.parametrize(("low", "high", "most", "values", "digits"), [
    (-31, 31, 7, [-30, -20, -10, 0, 10, 20, 30], 0), (0, 16, 5, [0, 5, 10, 15], 0),
    (-0.43, 0.42, 5, [-0.4, -0.2, 0, 0.2, 0.4], 1),
    (-0.012, 0, 5, [-0.01, -0.005, 0], 3), (-1.4, 1, 5, [-1, -0.5, 0, 0.5, 1], 1), (-3, 3, 7, [-3, -2, -1, 0, 1, 2, 3], 0),
])  # fmt: skip
def test_ticks_are_round_and_inside(low, high, most, values, digits):
    got = run("ticks", "ticks(...DATA)", [low, high, most])
    assert got["values"] == pytest.approx(values) and got["digits"] == digits


def said(lang, **setting):
    code = """import { WORDS, sentence } from "./position_explorer.mjs"; import { numbers, texts } from "./shared.mjs";
    const [c, lang] = DATA;
    console.log(JSON.stringify(sentence(c, { say: texts(WORDS, lang), fmt: numbers(lang) })))"""
    return run_javascript(code, [choices(PositionExplorer(**setting)), lang]).replace(NBSP, " ")


@pytest.mark.parametrize(("setting", "fr", "en"), [
    ({"scheme": "sinusoidal", "i": 5, "j": 5}, "Écart 0 : produit scalaire 16,00, où que soient les deux positions.",
     "Offset 0: dot product 16.00, wherever the two positions are."),
    ({"scheme": "rotary", "i": 5, "j": 3, "d": 4, "pair": 1}, "Écart −2 : score 0,29, où que soient les deux positions. "
     "Paire 1 : de la requête à la clé, l’angle est −2 × 0,0100 = −0,02 rad.",
     "Offset −2: score 0.29, wherever the two positions are. "  # (cos 2 + cos 0.02) / √4
     "Pair 1: from the query to the key, the angle is −2 × 0.0100 = −0.02 rad."),
    ({"scheme": "alibi", "i": 20, "j": 15, "head": 2}, "Écart −5 : biais −0,63, où que soient les deux positions. "
     "Tête 3, de pente 0,125 : 5 × 0,125 = 0,63 de moins.",
     "Offset −5: bias −0.63, wherever the two positions are. Head 3, of slope 0.125: 5 × 0.125 = 0.63 less."),
    ({"scheme": "t5", "i": 20, "j": 17}, "Écart −3 : biais −0,06, où que soient les deux positions. "
     "L’écart −3 a la tranche 3 pour lui seul.",
     "Offset −3: bias −0.06, wherever the two positions are. Offset −3 has bucket 3 to itself."),
    ({"scheme": "t5", "i": 20, "j": 0}, "Écart −20 : biais −0,84, où que soient les deux positions. "
     "L’écart −20 partage la tranche 10 avec tous ceux de −16 à −22.",
     "Offset −20: bias −0.84, wherever the two positions are. Offset −20 shares bucket 10 with all those from −16 to −22."),
    ({"scheme": "t5", "i": 0, "j": 63, "n_position": 64, "max_distance": 32},
     "Écart 63 : biais −1,45, où que soient les deux positions. L’écart 63 partage la tranche 31 avec tous ceux qui vont au-delà de 26.",
     "Offset 63: bias −1.45, wherever the two positions are. Offset 63 shares bucket 31 with all those beyond 26."),
    ({"scheme": "t5", "i": 3, "j": 5, "causal": True}, "La position 3 ne voit pas la position 5, qui vient après elle.",
     "Position 3 does not see position 5, which comes after it."),
])  # fmt: skip
def test_the_summary_states_the_finding(setting, fr, en):
    assert said("en", **setting) == en
    assert said("fr", **setting) == fr.replace(" :", f"{THIN}:")


def test_the_summary_tells_near_offsets_of_shaw_from_far_ones():
    assert said("en", scheme="shaw", i=20, j=18).endswith("Offset −2 has a key of its own.")
    assert said("fr", scheme="shaw", i=20, j=10).endswith("Tous les écarts à partir de −4 partagent une même clé.")
    assert said("en", scheme="shaw", i=3, j=7).endswith("All offsets from 4 on share one key.")


# --- the Python side --------------------------------------------------------------------------------------------------


def test_scores_by_hand():
    assert PositionExplorer("sinusoidal", i=9, j=9, d=10, pair=0).score() == pytest.approx(5)  # five times sin² + cos²
    assert PositionExplorer("sinusoidal", i=3, j=1, d=4, pair=0).score() == pytest.approx(math.cos(2) + math.cos(0.02))
    assert PositionExplorer("rotary", i=9, j=9, d=16).score() == pytest.approx(2)  # 8 pairs of length 1, over √16
    assert PositionExplorer("alibi", i=2, j=12, n_head=8, head=1).score() == pytest.approx(-2.5)
    assert PositionExplorer("alibi", i=2, j=12, causal=True).score() == -math.inf
    assert PositionExplorer("sinusoidal", i=2, j=12, causal=True).score() > 0  # the mask is a matter of T5 and ALiBi here
    assert PositionExplorer("t5", i=12, j=12).score() == pytest.approx(1)  # 2 exp(0) − 1
    assert PositionExplorer("shaw", i=12, j=2).score() == PositionExplorer("shaw", i=12, j=5).score()


@pytest.mark.parametrize(("scheme", "fr", "en"), [
    ("sinusoidal", "sinusoïdes, produit scalaire", "sinusoids, dot product"), ("shaw", "clés relatives, score", "relative keys, score"),
    ("t5", "tranches de T5, biais", "T5 buckets, bias"), ("alibi", "ALiBi, biais", "ALiBi, bias"),
    ("rotary", "codage rotatif, score", "rotary encoding, score"),
])  # fmt: skip
def test_without_javascript_there_is_a_sentence(scheme, fr, en):
    for lang, name in (("fr", fr), ("en", en)):
        set_language(lang)
        widget = PositionExplorer(scheme)
        shown = f"{widget.score():.2f}".replace("-", "−")
        french = shown.replace(".", ",")
        expected = {
            "fr": f"Figure interactive, les positions ({name}){THIN}: {french} à l’écart −3, de la position 20 à la position 17.",
            "en": f"Interactive figure, positions ({name}): {shown} at offset −3, from position 20 to position 17.",
        }[lang]
        data, _ = widget._repr_mimebundle_()
        assert widget.sentence() == expected == data["text/plain"] and widget.lang == lang
    assert "−∞" in PositionExplorer("t5", i=1, j=3, causal=True).sentence()


@pytest.mark.parametrize(("make", "message"), [
    (lambda: PositionExplorer("rope"), "scheme='rope' must be one of sinusoidal, shaw, t5, alibi, rotary; try scheme='sinusoidal'."),
    (lambda: PositionExplorer(d=7), "d=7 must be a multiple of 2; try d=6."),
    (lambda: PositionExplorer(d=66), "d=66 must lie between 4 and 64; try d=64."),
    (lambda: PositionExplorer("t5", n_bucket=30), "n_bucket=30 must be a multiple of 4; try n_bucket=28."),
    (lambda: PositionExplorer(n_position=8, i=20, j=0), "i=20 must lie between 0 and 7; try i=7."),
    (lambda: PositionExplorer("alibi", head=8), "head=8 must lie between 0 and 7; try head=7."),
    (lambda: PositionExplorer("rotary", d=8, pair=4), "pair=4 must lie between 0 and 3; try pair=3."),
])  # fmt: skip
def test_errors_give_the_value_the_rule_and_a_repair(make, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the whole text is compared)
        make()
    assert str(caught.value) == message


def test_fewer_positions_heads_or_coordinates_keep_the_choices_inside():
    widget = PositionExplorer("alibi", head=7, pair=15)
    widget.n_position, widget.n_head, widget.d = 10, 3, 8
    assert (widget.i, widget.j, widget.head, widget.pair) == (9, 9, 2, 3)
    with pytest.raises(ValueError, match=r"i=10 must lie between 0 and 9; try i=9\."):
        widget.i = 10


def test_both_sides_know_the_same_schemes_and_ranges():
    assert run("SCHEMES", "SCHEMES") == list(SCHEMES)
    assert run("RANGES", "RANGES") == {name: list(value) for name, value in RANGES.items()}


def test_a_widget_stays_light():
    widget = PositionExplorer()
    assert len(widget._esm.encode()) < 50_000
    assert len(json.dumps({name: value for name, value in widget.get_state().items() if name != "_esm"})) < 2_000
