"""The Python side, the two dictionaries, and each module by itself."""

import re
import subprocess
from pathlib import Path

import pydata_sphinx_theme
import pytest
import torch

from d2lmini.i18n import THIN, set_language
from d2lmini.palette import PALETTE
from d2lmini.widgets import AttentionSteps, MaskBuilder, base
from tests.browser import node
from tests.widgets.conftest import EVIL, SENTENCE, examples, qkv, run_javascript

WIDGETS = (
    "attention_steps",
    "bpe_stepper",
    "cache_explorer",
    "decoding_explorer",
    "head_grid",
    "mask_builder",
    "mlm_playground",
    "parameter_counter",
    "position_explorer",
    "prompt_composer",
    "span_corruption",
    "three_modes",
)
SOURCES = sorted([*base.FOLDER.glob("*.mjs"), *base.FOLDER.glob("*.js")])


def check_syntax(path):
    return subprocess.run([node(), "--check", path], capture_output=True, text=True)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_each_script_parses(path):
    done = check_syntax(path)
    assert done.returncode == 0, f"{path.name}: {done.stderr}"


@pytest.mark.parametrize("name", WIDGETS)
def test_each_bundle_parses_and_imports_nothing(name, tmp_path):
    (tmp_path / f"{name}.mjs").write_text(base.bundle(name), "utf8")
    assert check_syntax(tmp_path / f"{name}.mjs").returncode == 0
    assert not re.search(r"^\s*import\b|\bimport\(|https?://", base.bundle(name), re.MULTILINE)


def test_a_broken_script_is_named(tmp_path):
    (tmp_path / "broken.mjs").write_text("const = 1;")
    done = check_syntax(tmp_path / "broken.mjs")
    assert done.returncode and "broken.mjs" in done.stderr


def words(name):
    return run_javascript(f'import {{ WORDS }} from "./{name}.mjs"; console.log(JSON.stringify(WORDS))')


def say(name, key):
    code = f'import {{ WORDS }} from "./{name}.mjs"; import {{ texts }} from "./shared.mjs";'
    return run_javascript(code + f' console.log(JSON.stringify(texts(WORDS, "fr")("{key}")))')


@pytest.mark.parametrize("name", WIDGETS)
def test_both_languages_have_the_same_texts(name):
    fr, en = words(name)["fr"], words(name)["en"]
    assert fr.keys() == en.keys()
    for key in fr:
        assert sorted(re.findall(r"\{\w+\}", fr[key])) == sorted(re.findall(r"\{\w+\}", en[key])), key


@pytest.mark.parametrize("name", WIDGETS)
def test_every_text_is_used(name):
    own = (base.FOLDER / f"{name}.mjs").read_text("utf8")
    source = own.split("export const WORDS", 1)[1].split("\n};\n", 1)[1]
    source += "".join((base.FOLDER / f"{part}.mjs").read_text("utf8") for part in base.IMPORT.findall(own) if part != "shared")
    built = {"size_prefix", "size_window", "size_padding", "chip_yes", "source", "target", "self", "cross"}  # say(`size_${kind}`)…
    for key in words(name)["fr"].keys() - built:
        assert f'"{key}"' in source or f'"{key}_' in source, key


@pytest.mark.parametrize("name", WIDGETS)
def test_french_has_its_no_break_spaces(name):
    code = f"""import {{ WORDS }} from "./{name}.mjs"; import {{ texts }} from "./shared.mjs"; const say = texts(WORDS, "fr");
    console.log(JSON.stringify(Object.fromEntries(Object.keys(WORDS.fr).map((key) => [key, say(key)]))))"""
    french = run_javascript(code)
    assert any(THIN in text for text in french.values())
    for key, text in french.items():
        assert not re.search(rf"(?<!{THIN})[;:!?»]|«(?!{THIN})", text), f"{key}: {text!r}"
        assert "'" not in text and '"' not in text, f"{key}: {text!r} wants ’ and « »"


def test_a_token_is_data_even_for_the_typography():
    code = """import { french, html, labels, texts } from "./shared.mjs";
    const say = texts({ fr: { see: "{a} voit : {b}" }, en: {} }, "fr");
    console.log(JSON.stringify([say("see", { a: "x :", b: "$& {a}" }), String(html`<b>${DATA[0]}</b>`), labels(["a", " ", "a"])]))"""
    text, markup, shown = run_javascript(code, EVIL)
    assert text == f"x : voit{THIN}: $& {{a}}"
    assert "<img" not in markup and "&#60;img" in markup
    assert shown == ["a₁", "␣", "a₂"] == base.labels(["a", " ", "a"])


def test_numbers_in_both_languages():
    code = """import { numbers } from "./shared.mjs"; const [fr, en] = [numbers("fr"), numbers("en")];
    console.log(JSON.stringify([fr(0.617), en(0.617), fr(-1.5), fr(-0.001), fr(-Infinity), fr(1234.5, 1)]))"""
    assert run_javascript(code) == ["0,62", "0.62", "−1,50", "0,00", "−∞", f"1{THIN}234,5"]


@pytest.mark.parametrize(("weights", "fr", "en"), [
    ([0.2, 0.7, 0.1], "« a » regarde surtout « b » (0,70), puis « a » (0,20).", "“a” looks mostly at “b” (0.70), then at “a” (0.20)."),
    ([1.0, 0.0, 0.0], "« a » ne regarde que « a » (1,00).", "“a” looks only at “a” (1.00)."),
    ([0.34, 0.33, 0.33], "« a » partage son regard presque également entre 3 jetons (au plus 0,34).",
     "“a” shares its gaze almost evenly among 3 tokens (at most 0.34)."),
])  # fmt: skip
def test_the_summary_says_where_a_query_looks(weights, fr, en):
    for lang, expected in (("fr", fr), ("en", en)):
        code = """import { WORDS, sentence } from "./attention_steps.mjs"; import { numbers, texts } from "./shared.mjs";
        const [lang, w] = DATA; console.log(JSON.stringify(sentence(texts(WORDS, lang), numbers(lang), "a", ["a", "b", "c"], w)))"""
        assert run_javascript(code, [lang, weights]) == expected.replace("« ", f"«{THIN}").replace(" »", f"{THIN}»")


def luminance(color):
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("theme", [0, 1])
@pytest.mark.parametrize(("text", "ground"), [("ink", "paper"), ("muted", "paper"), ("ink", "panel"), ("paper", "blue"), ("paper", "ink")])
def test_text_of_the_frame_reads_well(text, ground, theme):
    a, b = sorted((luminance(PALETTE[name][theme]) + 0.05 for name in (text, ground)), reverse=True)
    assert a / b >= 4.5


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_without_javascript_there_is_a_sentence(lang):
    steps, builder = examples(lang)
    for widget in (steps, builder):
        data, _ = widget._repr_mimebundle_()
        assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == widget.model_id
        assert data["text/plain"] == widget.sentence() and widget.lang == lang
    weight = steps.weights()[2].max().item()
    shown = f"{weight:.2f}".replace(".", "," if lang == "fr" else ".")
    assert SENTENCE[lang][2] in steps.sentence() and shown in steps.sentence()
    assert (
        builder.sentence()
        == {
            "fr": f"Figure interactive, qui voit qui{THIN}: masque causal, 21 cases ouvertes sur 36.",
            "en": "Interactive figure, who sees whom: causal mask, 21 places open out of 36.",
        }[lang]
    )


AB = ["a", "b"]
EYE = torch.eye(2)


@pytest.mark.parametrize(("make", "message"), [
    (lambda: AttentionSteps(AB, torch.zeros(1, 3, 2, 5), EYE),
     "q has shape (1, 3, 2, 5) and must have two axes (T, d); pick one head of one text, such as q[0, 0]."),
    (lambda: AttentionSteps(AB, torch.zeros(2), EYE), "q has shape (2,) and must have two axes (T, d); give each token a vector."),
    (lambda: AttentionSteps(AB, EYE, torch.zeros(3, 2)),
     "k has 3 rows and must have one for each of the 2 tokens; try k[:2] or other tokens."),
    (lambda: AttentionSteps(AB, EYE, torch.zeros(2, 3)),
     "q has d=2 and k has d=3: a dot product needs the same d; project both to one d_head."),
    (lambda: AttentionSteps(AB, EYE, EYE, torch.zeros(3, 1)),
     "v has 3 rows and must have one for each of the 2 tokens; try v[:2] or other tokens."),
    (lambda: AttentionSteps(AB, EYE / 0, EYE), "q holds 4 values that are infinite or NaN; all must be finite: look upstream."),
    (lambda: AttentionSteps(AB, EYE, EYE, mask="gpt"), "mask='gpt' must be one of none, causal, prefix, window; try mask='none'."),
    (lambda: AttentionSteps(AB, EYE, torch.zeros(3, 2), keys=list("xyz"), mask="prefix"),
     "mask='prefix' must be one of none, causal; try mask='none'."),
    (lambda: AttentionSteps(AB, EYE, EYE, query=2), "query=2 must lie between 0 and 1; try query=1."),
    (lambda: AttentionSteps("le chat", EYE, EYE), "tokens='le chat' must be a list of tokens; try tokens=['le', 'chat']."),
    (lambda: AttentionSteps(["a"] * 25, EYE, EYE), "tokens has 25 tokens and must have 2 to 24 to stay readable; try tokens[:24]."),
    (lambda: MaskBuilder(["a"]), "tokens has 1 tokens and must have 2 to 24 to stay readable; give it a longer sentence."),
    (lambda: MaskBuilder(AB, kind="gpt"),
     "kind='gpt' must be one of full, causal, prefix, encoder-decoder, window, padding; try kind='full'."),
    (lambda: MaskBuilder(AB, window=3), "window=3 must lie between 1 and 2; try window=2."),
    (lambda: MaskBuilder(AB, kind="encoder-decoder").mask(),
     "part=None must be one of source, target, cross when kind='encoder-decoder'; try part='cross'."),
])  # fmt: skip
def test_errors_give_the_value_the_rule_and_a_repair(make, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the whole text is compared)
        make()
    assert str(caught.value) == message


def test_later_choices_are_checked_too():
    steps, builder = examples("en")
    for widget, name, value in ((steps, "query", 6), (steps, "window", 0), (builder, "prefix", 7), (builder, "focus", -1)):
        before = getattr(widget, name)
        with pytest.raises(ValueError, match=rf"{name}={value} must lie between \d and \d; try {name}=\d\."):
            setattr(widget, name, value)
        assert getattr(widget, name) == before


def test_arrays_of_any_kind_are_welcome():
    q, k, _ = qkv()
    tokens = SENTENCE["en"]
    expected = AttentionSteps(tokens, q, k)
    for convert in (torch.Tensor.numpy, torch.Tensor.double, torch.Tensor.tolist, torch.nn.Parameter, lambda x: x.T.contiguous().T):
        assert AttentionSteps(tokens, convert(q), convert(k)).q == expected.q


def test_a_new_mask_forgets_the_places_changed_by_hand():
    builder = MaskBuilder(["a", "b", "c"])
    builder.flips = [[0, 0, 2]]
    assert builder.mask()[0, 2]
    builder.kind = "window"
    assert builder.flips == [] and not builder.mask()[0, 2]


def test_the_language_is_the_one_of_the_moment():
    set_language("fr")
    french = MaskBuilder(AB)
    set_language("en")
    assert (french.lang, MaskBuilder(AB).lang) == ("fr", "en")


def test_a_widget_stays_light():
    steps, builder = examples("fr")
    assert len(steps._esm.encode()) < 40_000 and len(builder._esm.encode()) < 40_000


@pytest.mark.parametrize("name", WIDGETS)
def test_no_class_is_one_that_the_book_styles(name):
    """In the book a `.mark`, a `.row` or a `.note` of a widget would look like the theme's: there, names are shared."""
    theme = Path(pydata_sphinx_theme.__file__).parent / "theme/pydata_sphinx_theme/static/styles/pydata-sphinx-theme.css"
    sheets = [theme, *(base.FOLDER.parents[1] / "book/_static/css").glob("*.css")]
    rules = (rule for sheet in sheets for rule in re.findall(r"([^{}]+)\{", sheet.read_text("utf8")))
    selectors = {part.strip() for rule in rules for part in re.sub(r"\([^()]*\)", "", rule).split(",")}
    taken = {match[1] for part in selectors if (match := re.match(r"\.([\w-]+)(?=$|[:>])", part))}
    assert {"mark", "row", "note"} <= taken
    own = set(re.findall(r"\.([a-z][\w-]*)", (base.FOLDER / f"{name}.css").read_text("utf8")))
    for words in re.findall(r'class="([^"]*)"', (base.FOLDER / f"{name}.mjs").read_text("utf8")):
        own |= set(re.sub(r"\$\{[^}]*\}", " ", words).split())
    assert not own & taken
