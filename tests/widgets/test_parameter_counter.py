"""The parameter counter: the browser counts what counting.py counts, and no slider leads to an impossible model."""

import json
import random
import re
from dataclasses import asdict, replace

import pytest

from d2lmini.counting import PRESETS, Architecture, cache_bytes, flops, parameters
from d2lmini.i18n import THIN, set_language
from d2lmini.palette import PALETTE
from d2lmini.widgets import ParameterCounter
from d2lmini.widgets.base import FOLDER
from d2lmini.widgets.parameter_counter import LONGEST, SIZES
from tests.widgets.conftest import run_javascript
from tests.widgets.test_widgets import luminance


def total(counts):
    return sum(counts.values())


# --- arithmetic -----------------------------------------------------------------------------------------------------


def random_architecture(rng):
    n_head = rng.choice([1, 2, 3, 5, 6, 12])
    encoder, decoder = rng.choice([(0, rng.randint(1, 40)), (rng.randint(1, 40), 0), (rng.randint(1, 40), rng.randint(1, 40))])
    text = rng.random() < 0.8
    return Architecture(
        d_model=n_head * rng.randint(1, 99), n_head=n_head, d_ff=rng.randint(1, 9999), n_encoder=encoder, n_decoder=decoder,
        d_head=rng.choice([0, rng.randint(1, 99)]), n_kv_head=rng.choice([0, *(k for k in range(1, n_head + 1) if n_head % k == 0)]),
        gated=rng.random() < 0.5, bias=rng.random() < 0.5, vocab_size=rng.randint(1, 99999) if text else 0,
        patch_size=0 if text else rng.randint(1, 32), n_channel=rng.randint(1, 4), n_position=rng.choice([0, 9973]),
        n_segment=rng.randint(0, 3), n_bucket=rng.choice([0, 31]), rms_norm=rng.random() < 0.5, embedding_norm=rng.random() < 0.5,
        final_norm=rng.random() < 0.5, output=rng.choice(["tied", "own", "none"]) if text else "own", output_bias=rng.random() < 0.5,
        n_class=0 if text else 1000, pooler=rng.random() < 0.5,
    )  # fmt: skip


COUNT = """
import { cacheBytes, flops, formula, parameters, terms } from "./parameter_counter.mjs";
console.log(JSON.stringify(DATA.map(([a, n, bytes]) => ({
  parameters: parameters(a), flops: flops(a, n), cache: cacheBytes(a, n, bytes),
  formulas: Object.fromEntries(Object.entries(terms(a)).map(([part, found]) => [part, formula(found, String)])),
}))));
"""


def test_the_browser_counts_what_python_counts():
    rng = random.Random(0)
    models = [(preset.architecture, n) for preset in PRESETS.values() for n in (1, 7, 197)]
    models += [(random_architecture(rng), rng.randint(1, 9973)) for _ in range(300)]
    cases = [(a, n, rng.choice([1, 2, 4])) for a, n in models]
    shown = run_javascript(COUNT, [(asdict(a), n, b) for a, n, b in cases])
    assert len(shown) == len(cases) > 300
    for (a, n, b), found in zip(cases, shown, strict=True):
        assert found["parameters"] == parameters(a)
        assert found["flops"] == flops(a, n)
        assert found["cache"] == cache_bytes(a, n, b)
        assert max(total(found["flops"]), total(found["parameters"])) < 2**53  # beyond, the browser would round
        for part, formula in found["formulas"].items():
            assert eval(formula.replace("×", "*")) == parameters(a)[part], formula


def test_formulas_read_well():
    def written(preset):
        return run_javascript(COUNT, [(asdict(PRESETS[preset].architecture), 1, 2)])[0]["formulas"]

    base, llama = written("transformer-base"), written("llama3-8b")
    assert base["embeddings"] == "37000 × 512"
    assert base["self-attention"] == "12 × (4 × 512 × 512 + 2048)"
    assert base["positions"] == base["output"] == "0"
    assert llama["self-attention"] == "32 × (2 × 4096 × 4096 + 2 × 4096 × 1024)"
    assert llama["norms"] == "65 × 4096"
    assert written("bert-base")["embeddings"] == "30522 × 768 + 2 × 768"


MOVE = """
import { change, changes, readable, stops } from "./parameter_counter.mjs";
console.log(JSON.stringify(DATA.map(([original, sizes, names]) => {
  const a = { ...original, ...sizes };
  return { lengths: stops("n_token", a, original).map((n) => [n, readable(a, n)]),
    moves: names.flatMap((name) => stops(name, a, original).map((size) => [name, size, changes(change(a, name, size), original)])) };
})));
"""


def test_no_slider_leads_to_an_impossible_model():
    presets = [preset.architecture for preset in PRESETS.values()]
    n_move = 0
    for a, found in zip(presets, run_javascript(MOVE, [(asdict(a), {}, SIZES) for a in presets]), strict=True):
        for name, size, sizes in found["moves"]:
            moved = replace(a, **sizes)  # raises when heads don't divide
            assert getattr(moved, name) == size or (name == "n_kv_head" and size == moved.n_head)
            assert set(sizes) <= {name, "n_head", "n_kv_head"}
            n_move += 1
        for name in SIZES:  # each slider reaches the published size, and comes back to it
            if offered := [(size, sizes) for moved, size, sizes in found["moves"] if moved == name]:
                assert {} in [sizes for size, sizes in offered if size == (getattr(a, name) or a.n_head)]
        assert all(n == readable <= LONGEST for n, readable in found["lengths"])
        assert [n for n, _ in found["lengths"]][-1:] == ([] if a.patch_size else [a.n_position or LONGEST])
        assert ("n_encoder" in {name for name, *_ in found["moves"]}) == bool(a.n_encoder)
    assert n_move > 1000


@pytest.mark.parametrize(("preset", "sizes", "name", "size", "expected"), [
    ("gpt2-xl", {}, "d_model", 1024, {"d_model": 1024, "n_head": 16}),  # 25 heads no longer divide
    ("gpt2-xl", {"d_ff": 64}, "d_model", 1600, {"d_ff": 64}),
    ("gpt2-xl", {"vocab_size": 32}, "vocab_size", 50257, {}),  # a published size stays on offer
    ("t5-small", {}, "d_model", 64, {"d_model": 64}),  # heads of their own size need not divide
    ("llama3-8b", {}, "n_head", 4, {"n_head": 4, "n_kv_head": 4}),
    ("llama3-8b", {}, "n_head", 64, {"n_head": 64}),
    ("llama-7b", {}, "n_kv_head", 8, {"n_kv_head": 8}),
    ("llama-7b", {"n_kv_head": 8}, "n_kv_head", 32, {}),
])  # fmt: skip
def test_a_slider_takes_along_what_must_divide(preset, sizes, name, size, expected):
    a = PRESETS[preset].architecture
    ((found),) = run_javascript(MOVE, [(asdict(a), sizes, [name])])
    assert next(after for _, chosen, after in found["moves"] if chosen == size) == expected
    assert replace(a, **expected)


# --- texts ----------------------------------------------------------------------------------------------------------

WRITE = """
import { WORDS, compact } from "./parameter_counter.mjs"; import { numbers, texts } from "./shared.mjs";
const [lang, key, values] = DATA, say = texts(WORDS, lang), fmt = numbers(lang);
console.log(JSON.stringify(values.map(([x, published]) => compact(x, fmt, say(key).split(/, | /), published))))
"""


def test_large_numbers_have_three_digits_and_a_unit():
    values = [
        [0, False],
        [999, False],
        [1000, False],
        [9994, False],
        [9996, False],
        [63082496, False],
        [174604259328, False],
        [10**15, False],
    ]
    en = run_javascript(WRITE, ["en", "short_units", values])
    assert en == ["0", "999", "1.00\u00a0k", "9.99\u00a0k", "10.0\u00a0k", "63.1\u00a0M", "175\u00a0B", "1,000\u00a0T"]
    fr = run_javascript(WRITE, ["fr", "byte_units", [[537e6, False], [12.58e6, False], [512, False]]])
    assert fr == ["537\u00a0Mo", "12,6\u00a0Mo", "512\u00a0o"]
    printed = run_javascript(WRITE, ["fr", "long_units_plural", [[65e6, True], [6.7e9, True], [1.542e9, True]]])
    assert printed == ["65\u00a0millions", "6,7\u00a0milliards", "1,542\u00a0milliards"]


@pytest.mark.parametrize("theme", [0, 1])
def test_the_number_of_each_part_reads_well_on_its_color(theme):
    names = re.findall(r"--part: var\(--c-(\w+)\)", (FOLDER / "parameter_counter.css").read_text("utf8"))
    assert len(names) == 7  # positions and norms, both tiny, share one
    for name in names:
        a, b = sorted((luminance(PALETTE[color][theme]) + 0.05 for color in (name, "paper")), reverse=True)
        assert a / b >= 4.5, name


def test_presets_travel_in_both_languages_with_their_typography():
    for shown, (key, preset) in zip(ParameterCounter().presets, PRESETS.items(), strict=True):
        assert (shown["key"], shown["name"], shown["published"]) == (key, preset.name, preset.published)
        assert Architecture(**shown["architecture"]) == preset.architecture
        assert shown["where"]["fr"] == shown["where"]["en"].replace("table", "tableau")
        for lang, text in shown["why"].items():
            assert "'" not in text
            if lang == "fr":
                assert not re.search(rf"(?<!{THIN})[;:!?»]|«(?!{THIN})|\d \d", text), text


def test_without_javascript_there_is_a_sentence():
    set_language("fr")
    widget = ParameterCounter()
    assert widget.sentence() == f"Figure interactive, le compte des paramètres{THIN}: Transformer base, 63{THIN}082{THIN}496."
    set_language("en")
    widget = ParameterCounter("gpt2-small", sizes={"n_decoder": 24})
    assert widget.sentence() == "Interactive figure, parameters counted: GPT-2 small with other sizes, 209,494,272."
    data, _ = widget._repr_mimebundle_()
    assert data["text/plain"] == widget.sentence()


@pytest.mark.parametrize(("make", "message"), [
    (lambda: ParameterCounter("gpt4"), f"preset='gpt4' must be one of {', '.join(PRESETS)}; try preset='transformer-base'."),
    (lambda: ParameterCounter(n_token=0), "n_token=0 must lie between 1 and 32768; try n_token=1."),
    (lambda: ParameterCounter(sizes={"depth": 3}), f"size='depth' must be one of {', '.join(SIZES)}; try size='n_encoder'."),
    (lambda: ParameterCounter(sizes={"d_ff": 0}), "d_ff=0 must lie between 1 and 1048576; try d_ff=1."),
    (lambda: ParameterCounter(sizes={"n_head": 7}), "d_model=512 must be a multiple of n_head=7; try d_model=518, or give d_head."),
])  # fmt: skip
def test_errors_give_the_value_the_rule_and_a_repair(make, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the whole text is compared)
        make()
    assert str(caught.value) == message


def test_another_model_forgets_the_sizes():
    widget = ParameterCounter("bert-base", sizes={"d_ff": 1})
    assert widget.architecture() == replace(PRESETS["bert-base"].architecture, d_ff=1)
    widget.preset = "vit-l16"
    assert widget.sizes == {} and widget.architecture() == PRESETS["vit-l16"].architecture


def test_the_widget_stays_light():
    widget = ParameterCounter()
    assert len(widget._esm.encode()) < 40_000 and len(json.dumps(widget.presets)) < 20_000
