"""The cache explorer: the browser counts what counting.py counts, and its picture counts what it says."""

import json
import random
import re
from dataclasses import asdict, replace

import pytest

from d2lmini import counting
from d2lmini.counting import PRESETS, Architecture, cache_bytes, n_fitting, parameters, step_flops, writing_flops
from d2lmini.i18n import THIN, set_language
from d2lmini.widgets import CacheExplorer
from d2lmini.widgets.base import FOLDER
from d2lmini.widgets.cache_explorer import DECODERS, LONGEST, MAX_STEPS, MOST_TEXTS, SIZES
from tests.widgets.conftest import EVIL, run_javascript


def total(counts):
    return sum(counts.values())


# --- arithmetic -----------------------------------------------------------------------------------------------------


def random_decoder(rng):
    n_head = rng.choice([1, 2, 3, 5, 6, 12])
    return Architecture(
        d_model=n_head * rng.randint(1, 99), n_head=n_head, d_ff=rng.randint(1, 9999), n_decoder=rng.randint(1, 40),
        d_head=rng.choice([0, rng.randint(1, 99)]), n_kv_head=rng.choice([0, *(k for k in range(1, n_head + 1) if n_head % k == 0)]),
        gated=rng.random() < 0.5, bias=rng.random() < 0.5, vocab_size=rng.randint(1, 99999), n_position=rng.choice([0, 9973]),
        rms_norm=rng.random() < 0.5, embedding_norm=rng.random() < 0.5, final_norm=rng.random() < 0.5,
        output=rng.choice(["tied", "own", "none"]), output_bias=rng.random() < 0.5,
    )  # fmt: skip


COUNT = """
import { cacheBytes, nFitting, nParameters, stepFlops, writingFlops } from "./cache_explorer.mjs";
console.log(JSON.stringify(DATA.map(([a, n, bytes, memory, weightBytes]) => ({
  parameters: nParameters(a), cache: cacheBytes(a, n, bytes), step: [true, false].map((cached) => stepFlops(a, n, cached)),
  writing: [true, false].map((cached) => writingFlops(a, n, cached)), fitting: nFitting(a, n, memory, bytes, weightBytes),
}))));
"""


def test_the_browser_counts_what_python_counts():
    rng = random.Random(0)
    models = [(preset.architecture, n) for preset in DECODERS.values() for n in (1, 7, 1024)]
    models += [(PRESETS["llama3-8b"].architecture, LONGEST)]
    models += [(random_decoder(rng), rng.randint(1, 9973)) for _ in range(300)]
    cases = [(a, n, rng.choice(SIZES["bytes_per_number"]), 10 ** rng.uniform(6, 12), rng.choice(SIZES["weight_bytes"])) for a, n in models]
    shown = run_javascript(COUNT, [(asdict(a), *others) for a, *others in cases])
    assert len(shown) == len(cases) > 300
    for (a, n, b, memory, w), found in zip(cases, shown, strict=True):
        assert found["parameters"] == total(parameters(a))
        assert found["cache"] == total(cache_bytes(a, n, b)) < 2**53  # beyond, the browser would round
        assert found["step"] == [pytest.approx(total(step_flops(a, n, cached=cached)), rel=1e-14) for cached in (True, False)]
        assert found["writing"] == [pytest.approx(total(writing_flops(a, n, cached=cached)), rel=1e-14) for cached in (True, False)]
        assert found["fitting"] == n_fitting(a, n, memory, bytes_per_number=b, weight_bytes=w)
    assert {found["fitting"] for found in shown} > {0, 1}


def test_the_cache_of_a_published_model_by_hand():
    """Llama 3 8B: keys and values, 32 layers, 8 heads of 128 coordinates, 2 bytes: 128 KiB a token."""
    explorer = CacheExplorer("llama3-8b", n_token=LONGEST, batch=3)
    assert explorer.cache_bytes() == 3 * LONGEST * 128 * 1024
    explorer.n_kv_head, explorer.bytes_per_number = 1, 1
    assert explorer.cache_bytes() == 3 * LONGEST * 8 * 1024
    assert explorer.flops_of_a_token() == total(step_flops(explorer.architecture(), LONGEST))
    assert explorer.flops_of_a_token(cached=False) > LONGEST * explorer.flops_of_a_token() / 2
    gpt = CacheExplorer("gpt2-xl", n_token=LONGEST)
    assert gpt.length == 1024 and gpt.cache_bytes() == 2 * 48 * 1600 * 1024 * 2


PICTURE = """
import { keyState, scoreState, stepCounts } from "./cache_explorer.mjs";
const all = (n) => Array.from({ length: n }, (_, i) => i + 1);
console.log(JSON.stringify(all(DATA).map((t) => [true, false].map((cached) => ({
  counts: stepCounts(t, cached), keys: all(DATA).map((j) => keyState(j, t, cached)),
  scores: all(DATA).map((i) => all(DATA).map((j) => scoreState(i, j, t, cached))),
})))));
"""


def test_the_picture_shows_what_each_step_computes():
    """The reference writes the text itself: with a cache, it keeps keys by the token that made them."""
    n = 7
    for cached, found in (
        (True, [step[0] for step in run_javascript(PICTURE, n)]),
        (False, [step[1] for step in run_javascript(PICTURE, n)]),
    ):
        kept, tokens, scores = set(), 0, 0
        for t, step in enumerate(found, 1):
            through = [t] if cached else range(1, t + 1)
            computed = {(i, j) for i in through for j in range(1, t + 1) if j <= i}
            shown = {(i, j): state for i, row in enumerate(step["scores"], 1) for j, state in enumerate(row, 1)}
            assert {place for place, state in shown.items() if state == "now"} == computed
            assert {place for place, state in shown.items() if state == "none"} == {(i, j) for i, j in shown if j > i}
            assert {place for place, state in shown.items() if state == "later"} == {(i, j) for i, j in shown if t < i >= j}
            kept = kept if cached else set()
            assert step["keys"] == ["kept" if j in kept else "now" if j <= t else "later" for j in range(1, n + 1)]
            kept |= set(through)
            tokens, scores = tokens + len(through), scores + len(computed)
            assert step["counts"] == {"tokens": len(through), "scores": len(computed), "tokensSoFar": tokens, "scoresSoFar": scores}


MOVE = """
import { readable, stops } from "./cache_explorer.mjs";
const lengths = (a) => stops("n_token", a, readable(a, 131072)).map((n) => readable(a, n));
console.log(JSON.stringify(DATA.map(([a, name, now]) => [stops(name, a, now), lengths(a)])));
"""


def test_no_slider_leads_to_an_impossible_model():
    keys = list(DECODERS)
    presets = [DECODERS[key].architecture for key in keys]
    for key, a, (heads, lengths) in zip(keys, presets, run_javascript(MOVE, [(asdict(a), "n_kv_head", 0) for a in presets]), strict=True):
        assert heads == [n for n in range(1, a.n_head + 1) if a.n_head % n == 0]
        assert (a.n_kv_head or a.n_head) in heads
        assert lengths == sorted(set(lengths)) and lengths[0] == 16 and lengths[-1] == (a.n_position or LONGEST)
        for n in heads:
            explorer = CacheExplorer(key, n_kv_head=n)
            assert explorer.architecture() == replace(a, n_kv_head=n)
            for length in lengths:
                explorer.n_token = length
                assert explorer.length == length
    a = asdict(presets[-1])
    ((texts, _), (odd, _)) = run_javascript(MOVE, [(a, "batch", 7), (a, "n_token", 1000)])
    assert 7 in texts and [texts[0], texts[-1]] == [1, MOST_TEXTS] and texts == sorted(texts)
    assert odd.index(1000) == odd.index(512) + 1 == odd.index(1024) - 1


# --- texts ----------------------------------------------------------------------------------------------------------

SAY = """
import { WORDS, compact, rounded, sentence } from "./cache_explorer.mjs"; import { numbers, texts } from "./shared.mjs";
const [lang, view] = DATA, say = texts(WORDS, lang), fmt = numbers(lang);
console.log(JSON.stringify([sentence(view, say, fmt), [0.071, 0.997, 1.44, 9.97, 93.4, 999.6, 7754, 128876].map((x) => rounded(x, fmt)),
  [0, 999, 9994, 9996, 1.0737e9, 6.872e10, 5.65e17].map((x) => compact(x, fmt, say("byte_units").split(" ")))]));
"""


@pytest.mark.parametrize(("lang", "expected"), [
    ("fr", f"M garde 1,07\u00a0Go pour 1 texte de 8{THIN}192 jetons, soit 6,7{THIN}% de ses poids (16,1\u00a0Go). "
           f"Le jeton suivant coûte 19,3\u00a0GFLOP{THIN}; sans cache, 7{THIN}750 fois plus."),
    ("en", "M keeps 1.07\u00a0GB for 1 text of 8,192 tokens, which is 6.7% of its weights (16.1\u00a0GB). "
           "The next token costs 19.3\u00a0GFLOP; without a cache, 7,750 times more."),
])  # fmt: skip
def test_the_bill_in_a_sentence(lang, expected):
    view = {"preset": {"name": "M"}, "n": 8192, "batch": 1, "cache": 2**30, "weights": 16.06e9, "once": 19.3e9, "again": 7754 * 19.3e9}
    assert run_javascript(SAY, [lang, view])[0] == expected
    several = run_javascript(SAY, [lang, view | {"batch": 32, "cache": 4.4 * 16.06e9}])[0]
    assert {"fr": "32 textes", "en": "32 texts"}[lang] in several
    assert {"fr": "soit 4,4 fois ses poids", "en": "which is 4.4 times its weights"}[lang] in several
    tiny = run_javascript(SAY, [lang, view | {"cache": 0.00042 * 16.06e9}])[0]
    assert {"fr": f"0,04{THIN}%", "en": "0.04%"}[lang] in tiny


def test_numbers_say_no_more_than_they_know():
    _, ratios, sizes = run_javascript(SAY, ["en", {"preset": {}, "n": 1, "batch": 1, "cache": 1, "weights": 1, "once": 1, "again": 1}])
    assert ratios == ["0.07", "1.0", "1.4", "10", "93", "1,000", "7,750", "129,000"]
    assert sizes == ["0\u00a0B", "999\u00a0B", "9.99\u00a0kB", "10.0\u00a0kB", "1.07\u00a0GB", "68.7\u00a0GB", "565\u00a0PB"]


def test_without_javascript_there_is_a_sentence():
    set_language("fr")
    widget = CacheExplorer("gpt3", batch=3, n_kv_head=12, bytes_per_number=1)  # an eighth of the keys and values: 50.7 GB of weights less
    assert widget.sentence() == (
        f"Figure interactive, le cache des clés et des valeurs{THIN}: GPT-3, têtes de clés et valeurs{THIN}: 12 pour 96. "
        f"Textes{THIN}: 3, de 2{THIN}048 jetons{THIN}; cache{THIN}: 1,81 Go, poids{THIN}: 298,47 Go."
    )
    set_language("en")
    assert CacheExplorer("gpt2-small", n_token=512).sentence() == (
        "Interactive figure, the key/value cache: GPT-2 small, key-value heads: 12 for 12. "
        "Texts: 1, of 512 tokens; cache: 0.02 GB, weights: 0.25 GB."
    )
    data, _ = widget._repr_mimebundle_()
    assert data["text/plain"] == widget.sentence()


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("make", "message"), [
    (lambda: CacheExplorer("bert-base"), f"preset='bert-base' must be one of {', '.join(DECODERS)}; try preset='gpt2-small'."),
    (lambda: CacheExplorer(n_token=LONGEST + 1), "n_token=131073 must lie between 1 and 131072; try n_token=131072."),
    (lambda: CacheExplorer(batch=0), "batch=0 must lie between 1 and 1024; try batch=1."),
    (lambda: CacheExplorer(step=13), "step=13 must lie between 1 and 12; try step=12."),
    (lambda: CacheExplorer(bytes_per_number=3), "bytes_per_number=3 must be one of 4, 2, 1; try bytes_per_number=2."),
    (lambda: CacheExplorer(weight_bytes=0.25), "weight_bytes=0.25 must be one of 4, 2, 1, 0.5; try weight_bytes=2."),
    (lambda: CacheExplorer(n_kv_head=33), "n_kv_head=33 must lie between 0 and 32; try n_kv_head=32."),
    (lambda: CacheExplorer(n_kv_head=5), "n_head=32 must be a multiple of n_kv_head=5; try n_kv_head=4."),
    (lambda: CacheExplorer(tokens=["a"] * 17), "tokens has 17 tokens and must have 2 to 16 to stay readable; try tokens[:16]."),
])  # fmt: skip
def test_errors_give_the_value_the_rule_and_a_repair(make, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the whole text is compared)
        make()
    assert str(caught.value) == message


def test_later_choices_are_checked_too():
    widget = CacheExplorer(tokens=["a", "b", "c"])
    assert widget.step == 3
    for name, value, kept in (("step", 4, 3), ("n_kv_head", 7, 0), ("weight_bytes", 3, 2), ("batch", -1, 1)):
        with pytest.raises(ValueError, match=f"{value}|multiple"):
            setattr(widget, name, value)
        assert getattr(widget, name) == kept


def test_another_model_forgets_the_heads():
    widget = CacheExplorer("llama3-8b", n_kv_head=4)
    assert widget.architecture().n_kv_head == 4
    widget.preset = "gpt2-xl"  # 25 heads, which 4 do not divide
    assert widget.n_kv_head == 0 and widget.architecture() == PRESETS["gpt2-xl"].architecture


def test_decoders_are_those_that_write():
    assert list(DECODERS) == [key for key in PRESETS if re.match("gpt|llama", key)]
    for shown, (key, preset) in zip(CacheExplorer().presets, DECODERS.items(), strict=True):
        assert (shown["key"], shown["name"], Architecture(**shown["architecture"])) == (key, preset.name, preset.architecture)
        assert total(counting.cache_bytes(preset.architecture, 1)) > 0


def test_the_sources_are_in_the_bibliography():
    bibliography = (FOLDER.parents[1] / "book/references.bib").read_text("utf8")
    for key in ("shazeer2019fast", "ainslie2023gqa"):
        assert f"{{{key}," in bibliography


def test_the_widget_stays_light():
    widget = CacheExplorer(tokens=EVIL)
    assert len(EVIL) <= MAX_STEPS and widget.tokens == EVIL
    assert len(widget._esm.encode()) < 50_000 and len(json.dumps(widget.presets)) < 8_000
