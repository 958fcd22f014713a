"""The decoding explorer: the browser filters, draws and searches as `d2lmini.decoding` does, on the scores that Python stored."""

import base64
import itertools
import json
import math
import random
import re
from collections import Counter

import pytest
import torch

from d2lmini import decoding
from d2lmini.i18n import THIN, set_language
from d2lmini.widgets import DecodingExplorer
from d2lmini.widgets.decoding_explorer import MAX_WIDTH, NONE, RANGES
from tests.widgets.conftest import run_javascript

FILTERS = ("penalty", "temperature", "top_k", "top_p", "min_p")
OFF = {"penalty": 1.0, "temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}
LIBRARY = {
    "penalty": decoding.repetition_penalty,
    "temperature": decoding.temperature,
    "top_k": decoding.top_k,
    "top_p": decoding.top_p,
    "min_p": decoding.min_p,
}
STORIES = {
    "fr": "le chat dort sur le lit . | le chat attend . | le chien court dans le jardin . | le vent souffle fort . | le facteur passe . "
    "| le chien dort dehors . | une souris grise dort . | une souris grise dort dans le jardin . | une souris blanche dort . "
    "| une souris grise mange .",
    "en": "the cat sleeps on the bed . | the cat waits . | the dog runs in the garden . | the wind blows hard . | the mail comes . "
    "| the dog sleeps outside . | a gray mouse sleeps . | a gray mouse sleeps in the garden . | a white mouse sleeps . "
    "| a gray mouse eats .",
}
START = {"fr": ["Ce", "soir"], "en": ["This", "evening"]}


def example(lang="en", **choices):
    """Counted triples of words of a few stories in which the greedy choice misses the likeliest text."""
    set_language(lang)
    stories = [[*START[lang], *story.split()] for story in STORIES[lang].split("|")]
    words = sorted({word for story in stories for word in story}, key=lambda word: (word not in START[lang], word))
    counts = torch.full((len(words),) * 3, 0.01)
    counts[..., :2] = 0
    for story in stories:
        for a, b, c in zip(story, story[1:], story[2:], strict=False):
            counts[words.index(a), words.index(b), words.index(c)] += 1
    scores = counts.log()
    choices = {"separator": " ", "memory": 2, "max_new": 7, **choices}
    return DecodingExplorer(words, lambda ids: scores[ids[-2], ids[-1]], [0, 1], end=words.index("."), **choices)


def random_model(seed, vocab_size):
    """Scores that depend on the whole text, each a multiple of 1/2048 so that nothing is lost on the way to the browser."""
    known = {}

    def next_scores(ids):
        if tuple(ids) not in known:
            generator = torch.Generator().manual_seed(random.Random(str((seed, tuple(ids)))).randrange(2**31))
            known[tuple(ids)] = (2 * 2048 * torch.randn(vocab_size, generator=generator)).round() / 2048
        return known[tuple(ids)]

    return next_scores


def reader(next_scores):
    return decoding.Rereading(lambda tokens: torch.stack([next_scores(row) for row in tokens.tolist()])[:, None])


def explorer(vocab_size=11, seed=0, **choices):
    return DecodingExplorer([f"t{i}" for i in range(vocab_size)], random_model(seed, vocab_size), [3, 1], **choices)


UNPACK = """import { beam, chance, distribution, entropy, follow, greedyText, pick, unpack }
from "./next_tokens.mjs";
const open = ({ contexts, n_top }) => {
  const bytes = Uint8Array.from(Buffer.from(contexts, "base64")); return unpack(new DataView(bytes.buffer), n_top); };
"""


def run(body, data):
    """What `body`, a function of `data`, returns for each item of `data`."""
    return run_javascript(f"{UNPACK} console.log(JSON.stringify(DATA.map((data) => {{ {body} }})));", data)


def sent(widget, **more):
    state = {name: getattr(widget, name) for name in ("n_top", "end", "max_new", "prompt")}
    return {**state, "contexts": base64.b64encode(widget.contexts).decode(), **more}


def names(widget, tokens):
    return [int(widget.stored[token][1:]) for token in tokens]


# --- filters ------------------------------------------------------------------------------------------------------


def expected(scores, text, settings):
    """Probabilities by the library, and how many tokens each of the last three filters leaves."""
    left = []
    for name in FILTERS:
        if settings[name] != OFF[name]:
            scores = LIBRARY[name](settings[name])(scores, [text])
        left.append(int((scores > -torch.inf).sum()))
    return scores.softmax(dim=-1)[0], left


def random_settings(rng):
    return {
        "penalty": rng.choice([1.0, 1.3, 2.9]),
        "temperature": rng.choice([0.1, 0.7, 1.0, 1.9]),
        "top_k": rng.choice([0, 1, 3, 7, 13]),
        "top_p": rng.choice([1.0, 0.95, 0.61, 0.2, 0.05]),
        "min_p": rng.choice([0.0, 0.03, 0.21, 0.5]),
    }


DISTRIBUTION = """const [context] = open(data), { list, left, all } = distribution(context, data.settings, new Set(data.prompt));
return { list, left, all, entropy: entropy(list.map(({ p }) => p), list.map(({ kept }) => kept || 1)) };"""


def test_filters_are_those_of_the_library():
    rng = random.Random(0)
    cases = [(explorer(13, seed, max_new=1), random_settings(rng)) for seed in range(150)]
    for seed, ((widget, settings), found) in enumerate(zip(cases, run(DISTRIBUTION, [sent(w, settings=s) for w, s in cases]), strict=True)):
        scores = random_model(seed, 13)([3, 1]).double()[None]
        p, left = expected(scores, [3, 1], settings)
        mine = torch.zeros(13, dtype=torch.float64)
        mine[names(widget, [item["token"] for item in found["list"]])] = torch.tensor(
            [item["p"] for item in found["list"]], dtype=torch.float64
        )
        torch.testing.assert_close(mine, p, rtol=0, atol=1e-9)
        assert [found["left"][name] for name in FILTERS] == left and found["all"] == 13
        assert [item["p"] for item in found["list"]] == sorted((item["p"] for item in found["list"]), reverse=True)
        bits = -(p[p > 0] * p[p > 0].log2()).sum().item()
        assert found["entropy"] == pytest.approx(bits, abs=1e-9)
        for item in found["list"]:
            assert ("cut" in item) == (item["kept"] == 0)
            model = scores.softmax(dim=-1)[0, names(widget, [item["token"]])[0]].item()
            assert item["model"] == pytest.approx(model, abs=1e-9)


def test_tokens_left_out_count_as_equally_likely():
    """53 tokens, of which 8 are stored and 45 have one score: then nothing is approximate."""
    rng = random.Random(1)
    best = [7.5, 6.25, 6.0, 5.5, 5.25, 4.75, 4.5, 4.25]
    scores = torch.tensor([*[4.0] * 45, *best])
    widget = DecodingExplorer([f"t{i}" for i in range(53)], lambda ids: scores, [50, 45], n_top=8, max_new=1)
    settings = [
        {**random_settings(rng), "penalty": 1.0, "top_k": rng.choice([0, 5, 8, 20]), "top_p": rng.uniform(0.5, 1)} for _ in range(80)
    ]
    seen_part = 0
    for chosen, found in zip(settings, run(DISTRIBUTION, [sent(widget, settings=s) for s in settings]), strict=True):
        p, left = expected(scores.double()[None], [50, 45], chosen)
        assert [found["left"][name] for name in FILTERS] == left and found["all"] == 53
        others = next(item for item in found["list"] if item["token"] == -1)
        assert others["count"] == 45 and others["p"] == pytest.approx(p[:45].sum().item(), abs=1e-6)
        assert others["kept"] == (p[:45] > 0).sum()
        assert found["entropy"] == pytest.approx(-(p[p > 0] * p[p > 0].log2()).sum().item(), abs=1e-6)
        seen_part += 0 < others["kept"] < 45
    assert seen_part > 3  # a nucleus may end among them


def test_a_nucleus_is_the_smallest_set_that_reaches_p():
    scores = torch.tensor([0.4, 0.3, 0.2, 0.1]).log()
    widget = DecodingExplorer(list("abcd"), lambda ids: scores, [0], max_new=1)
    shares = [0.05, 0.35, 0.45, 0.65, 0.75, 0.85, 0.95, 1.0]
    found = run(DISTRIBUTION, [sent(widget, settings={"top_p": p}) for p in shares])
    assert [each["left"]["top_p"] for each in found] == [1, 1, 2, 2, 3, 3, 4, 4]  # the token that crosses p is in
    by_size = [[c for n in range(1, 5) for c in itertools.combinations([0.4, 0.3, 0.2, 0.1], n) if sum(c) >= p - 1e-9] for p in shares]
    assert [each["left"]["top_p"] for each in found] == [len(sets[0]) for sets in by_size]


def test_a_penalty_may_change_the_order():
    scores = torch.tensor([2.0, 1.5, -1.0])
    widget = DecodingExplorer(list("abc"), lambda ids: scores, [0], max_new=1)
    ((found),) = run(DISTRIBUTION, [sent(widget, settings={"penalty": 2.0})])
    assert [widget.stored[item["token"]] for item in found["list"]] == ["b", "a", "c"]
    p = torch.tensor([1.5, 1.0, -1.0]).softmax(dim=-1)
    assert [item["p"] for item in found["list"]] == pytest.approx(p.tolist(), abs=1e-6)


# --- chance -------------------------------------------------------------------------------------------------------


def chance(seed, step):
    """The last mixing of MurmurHash3, on integers that have no sign."""
    h = ((seed + 1) * 0x9E3779B1 ^ (step + 1) * 0x85EBCA77) & 0xFFFFFFFF
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        h = (h ^ h >> shift) * factor & 0xFFFFFFFF
    return (h ^ h >> 16) / 2**32


def test_a_seed_and_a_step_decide_a_number():
    cases = [(seed, step) for seed in range(1000) for step in range(7)]
    found = run("return chance(...data)", cases)
    assert found == [chance(*case) for case in cases]
    counts = Counter(int(10 * u) for u in found)
    assert sum((n - 700) ** 2 / 700 for n in counts.values()) < 21.7  # chi-squared with 9 degrees of freedom, 1 % level
    later = torch.tensor(found).reshape(1000, 7)
    assert torch.corrcoef(later.T).fill_diagonal_(0).abs().max() < 0.12


def test_a_draw_falls_on_each_share():
    list_ = [{"p": 0.5}, {"p": 0.0}, {"p": 0.3}, {"p": 0.2}]
    found = run("return data.list.indexOf(pick(data.list, data.u))", [{"list": list_, "u": u} for u in (0, 0.49, 0.51, 0.79, 0.81, 0.999)])
    assert found == [0, 0, 2, 2, 3, 3]
    assert run("return data.list.indexOf(pick(data.list, 1))", [{"list": list_[:3]}]) == [2]  # rounding never leaves a draw without a token


# --- beam search --------------------------------------------------------------------------------------------------

SEARCH = """const contexts = open(data), { width, alpha, end, max_new: maxNew } = data;
const steps = beam(contexts, { width, alpha, end, maxNew });
return { finished: steps.at(-1).finished.map(({ tokens, score }) => [tokens, score]), n: steps.length, greedy: greedyText(contexts, maxNew),
  going: steps.map(({ going }) => going.length), states: steps.map(({ candidates }) => candidates.map(({ state }) => state)) };"""


def test_the_beam_is_that_of_the_library():
    """On random trees in which each text has its own scores, with and without an end token."""
    rng = random.Random(2)
    cases = []
    for seed in range(30):
        size, end, max_new = rng.choice([(5, 2, 6), (11, 7, 5), (13, None, 4), (23, 0, 9)])
        widget = explorer(size, seed, end=end, max_new=max_new, n_top=8, n_context=120)  # hardly more than the beams need
        cases += [(widget, seed, size, end, width, alpha) for width in range(1, MAX_WIDTH + 1) for alpha in (0.0, 0.6, 1.7)]
    n_early = 0
    results = run(SEARCH, [sent(widget, width=width, alpha=alpha) for widget, *_, width, alpha in cases])
    for (widget, seed, size, end, width, alpha), found in zip(cases, results, strict=True):
        model, prompt = random_model(seed, size), [[3, 1]]
        given = {"width": width, "max_new": widget.max_new, "end": end, "length_penalty": alpha, "n_best": width}
        (library,) = decoding.beam_search(reader(model), prompt, **given)
        assert [names(widget, tokens) for tokens, _ in found["finished"]] == [hypothesis.tokens for hypothesis in library]
        assert [score for _, score in found["finished"]] == pytest.approx([hypothesis.score for hypothesis in library], abs=1e-4)
        assert names(widget, found["greedy"]["tokens"]) == decoding.generate(reader(model), prompt, max_new=widget.max_new, end=end)[0]
        assert max(found["going"]) <= width and found["going"][-1] == 0
        n_early += found["n"] < widget.max_new
    assert n_early > 10


def test_a_wide_beam_finds_the_likeliest_of_all_texts():
    """Two words and an end, three steps: four beginnings are all there are, so nothing can be missed."""
    for seed in range(20):
        model = random_model(seed, 3)
        every = [
            text for n in (1, 2, 3) for text in itertools.product(range(3), repeat=n) if 2 not in text[:-1] and (text[-1] == 2 or n == 3)
        ]
        assert len(every) == 1 + 2 + 4 * 3

        def total(text, model=model):
            return sum(model([0, *text[:i]]).log_softmax(dim=-1)[token].item() for i, token in enumerate(text))

        best = max(every, key=total)
        widget = DecodingExplorer(["t0", "t1", "t2"], model, [0], end=2, max_new=3)
        ((found),) = run(SEARCH, [sent(widget, width=4, alpha=0)])
        tokens, score = found["finished"][0]
        assert tuple(names(widget, tokens)) == best and score == pytest.approx(total(best), abs=1e-5)


def test_width_one_without_length_is_greedy():
    cases = [sent(explorer(11, seed, end=5, max_new=6), width=1, alpha=0) for seed in range(20)]
    for found in run(SEARCH, cases):
        assert found["finished"][0][0] == found["greedy"]["tokens"]
        assert found["finished"][0][1] == pytest.approx(found["greedy"]["total"], abs=1e-9)


# --- what is stored -----------------------------------------------------------------------------------------------

WALK = """const contexts = open(data), found = [];
for (const path of data.paths) {
  const { context, why } = follow(contexts, path, data.end, data.max_new); found.push(context ? context.entries : why); }
return { found, n: contexts.length };"""


def test_stored_scores_are_those_of_the_text():
    asked = []

    def next_scores(ids):
        asked.append(tuple(ids))
        return random_model(7, 11)(ids)

    widget = DecodingExplorer([f"t{i}" for i in range(11)], next_scores, [3, 1], end=6, max_new=4, n_context=150)
    assert len(asked) == len(set(asked)) == 150  # each text once, and no more than was allowed
    paths = [[widget.stored.index(f"t{token}") for token in text[2:]] for text in asked]
    ((result),) = run(WALK, [sent(widget, paths=[*paths, [widget.end], [0] * 4, [-1]])])
    assert result["n"] == 150
    for text, entries in zip(asked, result["found"], strict=False):
        order = random_model(7, 11)(list(text)).argsort(descending=True, stable=True)
        assert names(widget, [entry["token"] for entry in entries]) == order.tolist()
        logs = random_model(7, 11)(list(text)).double().log_softmax(dim=-1)[order]
        assert [entry["log"] for entry in entries] == pytest.approx(logs.tolist(), abs=1e-9)
    assert result["found"][-3:] == ["ended", "long", "drawn_other"]
    likelihood = {
        text: sum(random_model(7, 11)(list(text[:i])).log_softmax(dim=-1)[text[i]].item() for i in range(2, len(text))) for text in asked
    }
    assert max(len(text) - 2 for text in asked) == 3  # nothing follows four tokens
    for text in asked:  # no text left aside is likelier than the last one that was stored
        logs = random_model(7, 11)(list(text)).log_softmax(dim=-1)
        for token in range(11):
            if token != 6 and len(text) - 2 < 3 and (*text, token) not in likelihood:
                assert likelihood[text] + logs[token].item() <= likelihood[asked[-1]] + 1e-5


def test_a_short_memory_needs_few_contexts():
    asked = []

    def next_scores(ids):
        asked.append(ids)
        return random_model(3, 7)(ids[-1:])

    widget = DecodingExplorer([f"t{i}" for i in range(7)], next_scores, [3, 1], end=6, max_new=9, memory=1)
    assert len(asked) == 6  # one for each token but the end
    rng = random.Random(0)
    paths = [[rng.randrange(6) for _ in range(n)] for n in range(9) for _ in range(5)]
    ((result),) = run(WALK, [sent(widget, paths=paths)])
    for path, entries in zip(paths, result["found"], strict=True):
        logs = random_model(3, 7)([path[-1] if path else 1]).double().log_softmax(dim=-1)
        assert {entry["token"]: entry["log"] for entry in entries} == pytest.approx(dict(enumerate(logs.tolist())), abs=1e-9)


def test_what_is_not_stored_is_said():
    widget = explorer(23, max_new=6, n_context=120, n_top=9, end=2)
    paths = [[a, b, c, d] for a in range(5) for b in range(5) for c in range(5) for d in range(5)]
    ((result),) = run(WALK, [sent(widget, paths=paths)])
    assert result["n"] == 120 and "unstored" in result["found"]


def test_scores_are_kept_to_a_fine_grain():
    scores = torch.linspace(5, -90, 40)
    widget = DecodingExplorer([str(i) for i in range(40)], lambda ids: scores, [0], max_new=1, n_top=20)
    ((result),) = run(WALK, [sent(widget, paths=[[]])])
    got = torch.tensor([entry["logit"] for entry in result["found"][0]])
    near = scores[:20] > 5 - 31
    torch.testing.assert_close(got[near], scores[:20][near], rtol=0, atol=1 / 4096)
    assert (got[~near] < 5 - 30).all()  # a token that far down is never drawn
    forbidden = torch.tensor([1.0, -torch.inf, 0.0])
    widget = DecodingExplorer(list("abc"), lambda ids: forbidden, [0], max_new=1)
    ((result),) = run(WALK, [sent(widget, paths=[[]])])
    assert [widget.stored[entry["token"]] for entry in result["found"][0]] == ["a", "c"]


# --- texts --------------------------------------------------------------------------------------------------------

SAY = """import { WORDS, beamSentence } from "./decoding_explorer.mjs";
import { beam, greedyText, unpack } from "./next_tokens.mjs";
import { numbers, texts } from "./shared.mjs";
const [lang, stored, end, bytes, nTop, maxNew, choices, step] = DATA, fmt = numbers(lang), say = texts(WORDS, lang);
const contexts = unpack(new DataView(Uint8Array.from(Buffer.from(bytes, "base64")).buffer), nTop);
const write = (tokens) => tokens.filter((token) => token !== end).map((token) => stored[token]).join(" ");
const steps = beam(contexts, { ...choices, end, maxNew });
const data = { say, fmt, write, greedy: greedyText(contexts, maxNew) };
console.log(JSON.stringify(beamSentence(steps, Math.min(step, steps.length), choices, data)));"""


def beam_said(lang, width, alpha, step=12):
    w = example(lang)
    data = [lang, w.stored, w.end, base64.b64encode(w.contexts).decode(), w.n_top, w.max_new, {"width": width, "alpha": alpha}, step]
    return run_javascript(SAY, data)


def test_the_summary_of_a_beam_compares_it_with_the_greedy_choice():
    n_word = len({word for story in [*STORIES["en"].split("|"), "This evening"] for word in story.split()})
    counted = [(6, 10), (2, 6), (1, 2), (1, 1), (1, 1), (1, 1), (1, 1)]  # of the stories that begin so, how many go on with the next word
    total = sum(math.log((n + 0.01) / (n_all + 0.01 * (n_word - 2))) for n, n_all in counted)
    text = f"“the cat sleeps on the bed” (log p = −{-total:.2f})"
    assert beam_said("en", 1, 0) == f"Width 1: the beam writes what the greedy choice writes, {text}."
    better = re.fullmatch(r"Width 3: the beam finds “a gray mouse sleeps”, (\d\.\d) times as likely as "
                          r"“the cat sleeps on the bed”, the greedy text\.",
                          beam_said("en", 3, 0))  # fmt: skip
    assert better and float(better[1]) > 1
    assert beam_said("fr", 3, 0).startswith(f"Largeur 3{THIN}: le faisceau trouve «{THIN}une souris grise dort{THIN}», ")
    assert beam_said("en", 3, 0, step=2).startswith("Step 2, width 3: 3 texts go on, ")


def test_a_length_exponent_may_prefer_a_less_likely_text():
    said = beam_said("fr", 2, 1.0).replace(THIN, " ")
    assert re.fullmatch(r"Largeur 2, α = 1,0 : le faisceau préfère « une souris .* jardin », bien que le texte du choix glouton, "
                        r"« le chat attend », soit 1,\d fois plus probable\.", said)  # fmt: skip


def test_blanks_of_a_token_are_visible():
    code = 'import { shown } from "./decoding_explorer.mjs"; console.log(JSON.stringify(DATA.map(shown)))'
    tokens = [" the", "a b", "  ", "\n", "", "x ", "\t"]
    assert run_javascript(code, tokens) == ["␣the", "a b", "␣␣", "⏎", "∅", "x␣", "⇥"]


def test_without_javascript_there_is_a_sentence():
    widget = example("fr")
    assert widget.sentence() == (
        f"Figure interactive, choisir le jeton suivant{THIN}: après «{THIN}Ce soir{THIN}», le plus probable est «{THIN}le{THIN}» "
        f"(59{THIN}%){THIN}; le choix glouton écrit «{THIN}{' '.join(widget.greedy())}{THIN}»."
    )
    widget = example("en")
    assert widget.sentence() == (
        "Interactive figure, choosing the next token: after “This evening”, the likeliest is “the” (59%); "
        "the greedy choice writes “the cat sleeps on the bed .”."
    )
    assert widget._repr_mimebundle_()[0]["text/plain"] == widget.sentence()


def test_the_share_in_the_sentence_counts_what_was_left_out():
    widget = DecodingExplorer([str(i) for i in range(100)], lambda ids: torch.zeros(100), [0], n_top=8, max_new=1)
    assert "(1%)" in widget.sentence()


AB = ["a", "b"]


@pytest.mark.parametrize(("make", "message"), [
    (lambda: DecodingExplorer(AB, lambda ids: torch.zeros(3), [0]),
     "next_scores([0]) has shape (3,) and must have one score for each of the 2 tokens; of a model that returns (B, T, V), give [0, -1]."),
    (lambda: DecodingExplorer(AB, lambda ids: torch.tensor([0, torch.nan]), [0]),
     "next_scores([0]) holds NaN, +∞ or nothing above −∞; give logits, −∞ for what is forbidden."),
    (lambda: DecodingExplorer(AB, lambda ids: torch.full((2,), -torch.inf), [1]),
     "next_scores([1]) holds NaN, +∞ or nothing above −∞; give logits, −∞ for what is forbidden."),
    (lambda: DecodingExplorer(AB, lambda ids: torch.zeros(2), [2]), "prompt=2 must lie between 0 and 1; try prompt=1."),
    (lambda: DecodingExplorer(AB, lambda ids: torch.zeros(2), [0], end=2), "end=2 must lie between 0 and 1; try end=1."),
    (lambda: DecodingExplorer(AB, lambda ids: torch.zeros(2), [0], max_new=13), "max_new=13 must lie between 1 and 12; try max_new=12."),
    (lambda: DecodingExplorer(AB, lambda ids: torch.zeros(2), [0], n_top=7), "n_top=7 must lie between 8 and 40; try n_top=8."),
    (lambda: DecodingExplorer(AB, lambda ids: torch.zeros(2), [0], memory=0), "memory=0 must lie between 1 and 99; try memory=1."),
    (lambda: DecodingExplorer(AB, lambda ids: torch.zeros(2), [0], heat=2),
     f"choice='heat' must be one of {', '.join(RANGES)}; try choice='temperature'."),
    (lambda: DecodingExplorer(AB, lambda ids: torch.zeros(2), [0], width=5), "width=5 must lie between 1 and 4; try width=4."),
    (lambda: DecodingExplorer(AB, lambda ids: torch.zeros(2), [0], temperature=0),
     "temperature=0.0 must lie between 0.1 and 3.0; try temperature=0.1."),
    (lambda: DecodingExplorer(AB, lambda ids: torch.zeros(2), [0], view="tree"), "view='tree' must be one of step, beam; try view='step'."),
])  # fmt: skip
def test_errors_give_the_value_the_rule_and_a_repair(make, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the whole text is compared)
        make()
    assert str(caught.value) == message


def test_later_choices_are_checked_too():
    widget = example()
    for name, value in (("top_p", 0.0), ("width", 0), ("path", [99]), ("path", [0] * 8)):
        before = getattr(widget, name)
        with pytest.raises(ValueError, match=r"must lie between"):
            setattr(widget, name, value)
        assert getattr(widget, name) == before


def test_what_the_reader_wrote_comes_back():
    widget = example()
    widget.path = [widget.stored.index("a"), -1, widget.end]
    assert widget.written() == ["a", "…", "."]


def test_a_widget_stays_light():
    widget = explorer(97, n_context=240, max_new=6)
    assert len(widget.contexts) == 240 * (12 + 6 * 16) and len(widget.stored) < NONE
    state = {name: value for name, value in widget.get_state().items() if name not in ("_esm", "contexts")}
    assert len(json.dumps(state)) < 3_000
    assert len(widget._esm.encode()) < 60_000
    assert math.isfinite(sum(map(len, widget.stored)))
