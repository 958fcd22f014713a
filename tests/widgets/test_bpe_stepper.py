"""The BPE stepper by itself: it learns and cuts as `d2lmini.tokenizers` does, ties and unknown characters included."""

import random
import sys
import unicodedata
from collections import Counter
from itertools import pairwise

import pytest

from d2lmini.i18n import THIN, set_language
from d2lmini.palette import PALETTE
from d2lmini.tokenizers import BPE, ByteBPE
from d2lmini.tokenizers.byte_bpe import byte_alphabet
from d2lmini.tokenizers.pretokens import gpt2_words
from d2lmini.widgets import BPEStepper
from d2lmini.widgets.bpe_stepper import EXAMPLES
from tests.widgets.conftest import EVIL, run_javascript
from tests.widgets.test_widgets import luminance

CORPORA = [text for texts in EXAMPLES.values() for text in texts]
LEVELS = {"characters": BPE, "bytes": ByteBPE}
# Few letters make many ties and overlaps; then what GPT-2's rule is about, and characters of 1 to 4 bytes.
ALPHABETS = ("a ", "ab ", "abc  ", "aé🙂 ", "ab'std1\n\t ", "de\u0301é\u00a0\ufeff\x85€𝒳٣²— ")


def random_text(rng, alphabet, longest):
    return "".join(rng.choices(alphabet, k=rng.randint(0, longest)))


# --- the words ------------------------------------------------------------------------------------------------------

CUT = 'import { gpt2Words } from "./byte_bpe.mjs"; console.log(JSON.stringify(DATA.map(gpt2Words)))'


def test_words_are_those_of_python():
    rng = random.Random(0)
    texts = [random_text(rng, rng.choice(ALPHABETS), 31) for _ in range(2000)]
    texts += [*EVIL, *CORPORA, "", "L'été 2024, we'll  see…", "they'd've\r\n\n said:  'so' \u3000x\x1c y", "नमस्ते दुनिया", "ça coûte 12½ €"]
    assert run_javascript(CUT, texts) == [gpt2_words(text) for text in texts]


def test_every_character_that_python_knows_is_of_the_same_kind():
    """Between two letters, then two digits, a character joins them or stands apart: that tells its kind."""
    code = """import { gpt2Words } from "./byte_bpe.mjs"; const kinds = [];
    for (let point = 0; point < 0x110000; point++) {
      if (point >= 0xd800 && point < 0xe000) { kinds.push(0); continue; }
      const c = String.fromCodePoint(point);
      kinds.push(gpt2Words(`a${c}a`).length + 10 * gpt2Words(`1${c}1`).length + 100 * gpt2Words(`!${c}!`).length);
    }
    console.log(JSON.stringify(kinds))"""
    kinds = run_javascript(code)
    known = [p for p in range(sys.maxunicode + 1) if unicodedata.category(chr(p)) not in ("Cn", "Cs")]
    differing = [
        hex(p) for p in known if kinds[p] != sum(n * len(gpt2_words(f"{x}{chr(p)}{x}")) for n, x in ((1, "a"), (10, "1"), (100, "!")))
    ]
    assert len(known) > 270_000 and differing == []


def test_bytes_have_the_signs_of_gpt2():
    assert run_javascript('import { BYTES } from "./byte_bpe.mjs"; console.log(JSON.stringify(BYTES))') == list(byte_alphabet())


# --- learning and cutting -------------------------------------------------------------------------------------------

LEARN = """
import { countPairs, learn, respell } from "./bpe_stepper.mjs"; import { encode } from "./byte_bpe.mjs";
console.log(JSON.stringify(DATA.map(([corpus, level, n, text]) => {
  const learned = learn(corpus, level), { tokens, first, merges } = learned, words = respell(learned, n);
  return { tokens, first, merges: merges.map(({ left, right }) => [tokens[left], tokens[right]]), counts: merges.map(({ count }) => count),
    ids: encode(learned, n, text), words: words.map(({ ids, seen }) => [ids, seen]), pairs: countPairs(words).map(Object.values) };
})));
"""


@pytest.fixture(scope="module")
def runs():
    """Random corpora, a number of merges and a text for each; what the browser says of them, and the library's tokenizer cut there."""
    rng = random.Random(1)
    cases = []
    for k in range(600):
        alphabet, level = rng.choice(ALPHABETS), "bytes" if k % 2 else "characters"
        corpus = CORPORA[k // 2] if k < 2 * len(CORPORA) else random_text(rng, alphabet, rng.choice([7, 53, 409]))
        whole = LEVELS[level].train([corpus], 10_000, unknown=None)
        n = rng.choice([0, len(whole.merges), rng.randint(0, len(whole.merges))])
        cases.append((corpus, level, n, random_text(rng, corpus + alphabet + "q", 61), whole))
    return list(zip(cases, run_javascript(LEARN, [case[:4] for case in cases]), strict=True))


def test_the_browser_learns_what_python_learns(runs):
    for (corpus, _, _, _, whole), found in runs:
        assert tuple(found["tokens"]) == whole.tokens, corpus
        assert tuple(map(tuple, found["merges"])) == whole.merges, corpus
        assert found["first"] + len(whole.merges) == len(whole)
    assert sum(len(whole.merges) for (*_, whole), _ in runs) > 3000


def partial(level, whole, n):
    """The tokenizer after n merges, unknown characters being 0 and all numbers one higher."""
    tokens = ("<unk>", *whole.tokens[: len(whole) - len(whole.merges) + n])
    return LEVELS[level](tokens=tokens, merges=whole.merges[:n], unknown="<unk>")


def test_the_browser_cuts_as_python_cuts(runs):
    n_unknown = 0
    for (corpus, level, n, text, whole), found in runs:
        expected = partial(level, whole, n).encode(text)
        assert [0 if isinstance(i, str) else i + 1 for i in found["ids"]] == expected, (corpus, n, text)
        n_unknown += expected.count(0)
    assert n_unknown > 100  # characters that the corpus lacks were met


def test_the_table_counts_what_the_words_hold(runs):
    n_tie = 0
    for (corpus, level, n, _, whole), found in runs:
        words, tokenizer = Counter(gpt2_words(corpus)), partial(level, whole, n)
        assert found["words"] == [[[i - 1 for i in tokenizer.encode(word)], seen] for word, seen in words.items()]
        pairs = Counter()
        for ids, seen in found["words"]:
            for pair in pairwise(ids):
                pairs[pair] += seen
        expected = sorted(([left, right, count] for (left, right), count in pairs.items()), key=lambda row: (-row[2], row[:2]))
        assert found["pairs"] == expected
        if n < len(whole.merges):  # the first row is the next merge, with its count
            assert [found["tokens"][i] for i in expected[0][:2]] == list(whole.merges[n])
            assert found["counts"][n] == expected[0][2]
            n_tie += len(expected) > 1 and expected[1][2] == expected[0][2]
        else:
            assert not expected or expected[0][2] < 2
    assert n_tie > 50


def test_merges_by_hand():
    """aaabdaaabac, Gage's example of 1994, as a word: aa 4 times with overlaps, then ab by its numbers, then both together."""
    (found,) = run_javascript(LEARN, [("aaabdaaabac", "characters", 3, "aabaaab")])
    assert (found["merges"], found["counts"]) == ([["a", "a"], ["a", "b"], ["aa", "ab"]], [4, 2, 2])
    assert [found["tokens"][i] for i in found["ids"]] == ["aa", "b", "aaab"]


# --- what is shown --------------------------------------------------------------------------------------------------


def test_what_cannot_be_seen_is_named():
    code = 'import { visible } from "./byte_bpe.mjs"; console.log(JSON.stringify(DATA.map(visible)))'
    tokens = [" le", "\n\t", "\u0301", "e\u0301", "\u200d", "\u00a0", "<b>", "Ġ", ""]
    assert run_javascript(code, tokens) == ["␣le", "↵⇥", "◌\u0301", "e\u0301", "⟨200D⟩", "⟨00A0⟩", "<b>", "Ġ", ""]


def test_bytes_are_explained():
    code = """import { byteSigns } from "./bpe_stepper.mjs"; import { byteCodes } from "./byte_bpe.mjs";
    console.log(JSON.stringify([byteCodes("ĠcafÃ©"), byteSigns("été aé "), byteSigns("abc"), byteSigns("€")]))"""
    assert run_javascript(code) == ["20 63 61 66 C3 A9", [["é", ["Ã", "©"]], [" ", ["Ġ"]]], [], [["€", ["â", "Ĥ", "¬"]]]]


SAY = """
import { WORDS, countPairs, learn, respell, sentence } from "./bpe_stepper.mjs"; import { numbers, texts } from "./shared.mjs";
console.log(JSON.stringify(DATA.map(([lang, corpus, n, level]) => {
  const now = learn(corpus, level), words = respell(now, n), pairs = countPairs(words), next = n < now.merges.length ? pairs[0] : undefined;
  return sentence({ now, n, words, pairs, next }, { say: texts(WORDS, lang), fmt: numbers(lang), plural: new Intl.PluralRules(lang) });
})))
"""


@pytest.mark.parametrize(("corpus", "n", "level", "fr", "en"), [
    ("", 0, "characters", "Écrivez un corpus : il n’y a encore rien à compter.", "Write a corpus: there is nothing to count yet."),
    ("b", 0, "characters", "Avant toute fusion, le corpus compte 1 jeton. Aucune paire n’est vue deux fois : tout est appris.",
     "Before any merge, the corpus has 1 token. No pair is seen twice: everything is learned."),
    ("aaa", 0, "characters",
     "Avant toute fusion, le corpus compte 3 jetons. À fusionner ensuite : « a » + « a », vu 2 fois, la paire la plus fréquente.",
     "Before any merge, the corpus has 3 tokens. To be merged next: “a” + “a”, seen 2 times, the most frequent pair."),
    (" tu tu", 1, "characters",
     "Fusion 1 : « ␣ » suivi de « t » devient « ␣t ». Le corpus compte 4 jetons au lieu de 6. "
     "À fusionner ensuite : « ␣t » + « u », vu 2 fois, la paire la plus fréquente.",
     "Merge 1: “␣” followed by “t” becomes “␣t”. The corpus has 4 tokens instead of 6. "
     "To be merged next: “␣t” + “u”, seen 2 times, the most frequent pair."),
    ("é é", 0, "bytes",
     "Avant toute fusion, le corpus compte 5 jetons. À fusionner ensuite : « Ã » + « © », vu 2 fois, la paire la plus fréquente.",
     "Before any merge, the corpus has 5 tokens. To be merged next: “Ã” + “©”, seen 2 times, the most frequent pair."),
    ("abab bcbc", 0, "characters",
     "Avant toute fusion, le corpus compte 9 jetons. À fusionner ensuite : « a » + « b », vu 2 fois ; "
     "une autre paire l’est autant, mais ses numéros sont plus grands.",
     "Before any merge, the corpus has 9 tokens. To be merged next: “a” + “b”, seen 2 times; "
     "another pair is as frequent, but its numbers are larger."),
])  # fmt: skip
def test_each_step_in_words(corpus, n, level, fr, en):
    for space in (" :", " ;", " »"):
        fr = fr.replace(space, THIN + space[1])
    fr = fr.replace("« ", f"«{THIN}")
    assert run_javascript(SAY, [["fr", corpus, n, level], ["en", corpus, n, level]]) == [fr, en]


@pytest.mark.parametrize("theme", [0, 1])
@pytest.mark.parametrize("hue", ["blue", "green", "violet", "ochre"])
def test_a_token_reads_well_on_its_color(hue, theme):
    """The ground of a chip is 15 % of its color on paper; its frame stands out by 3:1 from the paper."""
    paper, color, ink = (PALETTE[name][theme] for name in ("paper", hue, "ink"))
    parts = [(int(paper[i : i + 2], 16), int(color[i : i + 2], 16)) for i in (1, 3, 5)]
    ground = "#" + "".join(f"{round(0.85 * p + 0.15 * c):02x}" for p, c in parts)
    for one, other, ratio in ((ink, ground, 4.5), (color, paper, 3)):
        a, b = sorted((luminance(one) + 0.05, luminance(other) + 0.05), reverse=True)
        assert a / b >= ratio


# --- the Python side ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
def test_the_choices_come_back_as_a_tokenizer(level):
    corpus = EXAMPLES["fr"][1]
    whole = LEVELS[level].train([corpus], 10_000)
    for n in (0, 5, len(whole.merges)):
        tokenizer = BPEStepper(corpus, n_merge=n, level=level).tokenizer()
        assert type(tokenizer) is LEVELS[level]
        assert tokenizer.merges == whole.merges[:n] and tokenizer.tokens == whole.tokens[: len(whole) - len(whole.merges) + n]
        assert tokenizer.decode(tokenizer.encode(corpus)) == corpus


def test_another_corpus_begins_again_and_another_level_goes_on():
    stepper = BPEStepper("été été", n_merge=2)  # é and t are joined first, then the third letter
    stepper.level = "bytes"
    assert stepper.n_merge == 2
    stepper.n_merge = 3
    stepper.level = "characters"
    assert stepper.n_merge == len(stepper.tokenizer().merges) == 2
    stepper.corpus = "tata"
    assert stepper.n_merge == 0 and stepper.tokenizer().tokens == ("a", "t")
    stepper.corpus = ""
    assert stepper.tokenizer().tokens == () and "0" in stepper.sentence()


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_without_arguments_it_speaks_the_language_of_the_moment(lang):
    set_language(lang)
    widget = BPEStepper()
    assert widget.corpus == EXAMPLES[lang][0] and widget.lang == lang
    for key in ("corpus", "text"):  # the text is of words that the corpus does not hold, but that it can almost write
        assert getattr(widget, key)
    known = set(widget.corpus.split())
    assert not known & set(widget.text.split())
    assert 0 < len(set(widget.text) - set(widget.corpus)) < 3


def test_without_javascript_there_is_a_sentence():
    set_language("fr")
    widget = BPEStepper("aaabdaaabac", n_merge=2)
    assert widget.sentence() == (
        f"Figure interactive, l’apprentissage de BPE pas à pas{THIN}; fusions{THIN}: 2 sur 3{THIN}; "
        f"jetons du corpus{THIN}: 7 (sans fusion, 11)."
    )
    set_language("en")
    assert widget.sentence() == (
        "Interactive figure, BPE learned step by step; merges: 2 out of 3; tokens of the corpus: 7 (11 without merges)."
    )
    data, _ = widget._repr_mimebundle_()
    assert data["text/plain"] == widget.sentence()


@pytest.mark.parametrize(("make", "message"), [
    (lambda: BPEStepper("a" * 1001), "corpus has 1001 characters and must have at most 1000; try corpus[:1000]."),
    (lambda: BPEStepper(text="a" * 201), "text has 201 characters and must have at most 200; try text[:200]."),
    (lambda: BPEStepper("a\ud83d"), "corpus holds '\\ud83d', half a surrogate pair and no character; take it out."),
    (lambda: BPEStepper("tata", level="words"), "level='words' must be one of characters, bytes; try level='characters'."),
    (lambda: BPEStepper("tata", n_merge=2), "n_merge=2 must lie between 0 and 1; try n_merge=1."),
    (lambda: BPEStepper("tata", n_merge=-1), "n_merge=-1 must lie between 0 and 1; try n_merge=0."),
    (lambda: BPEStepper("tata", examples={"it": ["ciao"]}), "language='it' must be one of fr, en; try language='fr'."),
])  # fmt: skip
def test_errors_give_the_value_the_rule_and_a_repair(make, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the whole text is compared)
        make()
    assert str(caught.value) == message


def test_the_widget_stays_light():
    widget = BPEStepper()
    assert len(widget._esm.encode()) < 50_000
    assert sum(len(str(value)) for name, value in widget.get_state().items() if name != "_esm") < 3000
