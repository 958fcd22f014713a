"""The prompt composer by itself: prompts, pieces and numbers of tokens are those of Python and of `ByteBPE`."""

import itertools
import random
from dataclasses import replace

import pytest

from d2lmini.i18n import LANGUAGES, THIN, set_language
from d2lmini.tokenizers import ByteBPE
from d2lmini.tokenizers.byte_bpe import ALPHABET
from d2lmini.widgets import PromptComposer
from d2lmini.widgets.prompt_composer import CONTEXTS, END, LAYOUTS, ORDERS, SYSTEM, TASKS, Task, arrange
from tests.widgets.conftest import EVIL, run_javascript
from tests.widgets.test_bpe_stepper import ALPHABETS, random_text

TEXTS = [
    *EVIL, "", "cheese =>", "Traduisez de l'anglais au français :\nsea otter => loutre de mer\n", "  deux  espaces \n\n\t ",
    "été ÉTÉ œuf Ça", "🙂 🦦🦦 👩‍🚀", "2026 3,50 € ½ ² 12345", "we'll they'd L'été's", "नमस्ते 日本語", "\ufeff\u00a0\u200b",
    f"{END}user\n", "<|im_", "e\u0301te\u0301",
]  # fmt: skip


def corpus():
    said = [one for tasks in TASKS.values() for one in tasks.values()]
    texts = [" ".join([one.instruction, *itertools.chain(*one.examples), *one.questions]) for one in said]
    return [*texts, SYSTEM, "system\n user\n assistant\n Question : Réponse : Answer:"]


@pytest.fixture(scope="module")
def tokenizer():
    return ByteBPE.train(corpus() * 2, 700, special=["<|endoftext|>", "<|im_start|>", "<|im_end|>"])


def state(widget):
    traits = ("tasks", "layouts", "task", "instructed", "shots", "order", "layout", "chat", "question", "context")
    return {"vocabulary": widget.vocabulary, "merges": list(widget.merges), **{name: getattr(widget, name) for name in traits}}


READ = """
import { bill, compose, readable, tokenize, unpackBpe } from "./prompt_composer.mjs";
const unpack = (data) => unpackBpe(data.vocabulary, new DataView(Uint8Array.from([7, ...data.merges]).buffer, 1, data.merges.length));
const first = unpack(DATA.states[0]);
console.log(JSON.stringify(DATA.states.map((data) => {
  const task = data.tasks[data.task], pieces = compose({ ...data, ...task, layout: data.layouts[data.layout] });
  const found = tokenize(pieces, first), all = (key) => found.map((token) => token[key]);
  return { pieces: pieces.map(({ part, text }) => [part, text]), ids: all("id"), parts: all("part"), bill: bill(found) };
}).concat(DATA.texts.map((text) => first.cut(text)))));
"""


@pytest.mark.parametrize("merges", [0, 1, 441])
def test_the_browser_cuts_as_python_cuts(tokenizer, merges):
    assert len(tokenizer.merges) == 441
    some = replace(tokenizer, tokens=tokenizer.tokens[: len(tokenizer) - 441 + merges], merges=tokenizer.merges[:merges])
    rng = random.Random(merges)
    letters = "".join(sorted({c for text in corpus() for c in text}))
    texts = TEXTS + [random_text(rng, rng.choice([*ALPHABETS, letters, " thcoursiné'\n"]), 61) for _ in range(700)]
    _, *ids = run_javascript(READ, {"states": [state(PromptComposer(some))], "texts": texts})
    assert ids == [some.encode(text) for text in texts]
    assert merges < 2 or sum(map(len, ids)) < 0.9 * sum(len(text.encode()) for text in texts)  # merges were done


def test_a_vocabulary_in_any_order_is_read():
    """GPT-2's numbers follow its own order of bytes, and its special token is the last."""
    trained = ByteBPE.train(["été théâtre été théâtre"], 262, special=[])
    tokens = (*reversed(trained.tokens), "<|im_end|>", "<|im_start|>")
    shuffled = ByteBPE(tokens=tokens, merges=trained.merges, special=("<|im_start|>", "<|im_end|>"))
    _, ids = run_javascript(READ, {"states": [state(PromptComposer(shuffled))], "texts": ["théâtre été"]})
    assert ids == shuffled.encode("théâtre été") and ids != trained.encode("théâtre été")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_prompt_is_that_of_python(tokenizer, lang):
    set_language(lang)
    widgets = [
        PromptComposer(tokenizer, task=task, shots=shots, order=order, layout=layout, chat=chat, instructed=instructed, question=question)
        for task, (shots, order), (layout, chat), (instructed, question) in itertools.product(
            TASKS[lang], ((0, "given"), (1, "reversed"), (8, "shortest"), (5, "given")),
            (*((layout, False) for layout in LAYOUTS[lang]), ("arrow", True)), ((True, None), (False, f"{END} ☕ {{question}}")),
        )
    ]  # fmt: skip
    found = run_javascript(READ, {"states": [state(widget) for widget in widgets], "texts": []})
    for widget, shown in zip(widgets, found, strict=True):
        assert shown["pieces"] == [list(piece) for piece in widget.pieces()]
        assert shown["ids"] == widget.ids()
        assert sum(shown["bill"].values()) == len(widget.ids())
        assert ("examples" in shown["parts"]) == (widget.shots > 0)


def test_figure_2_1_of_the_paper(tokenizer):
    """Brown et al. 2020: zero-shot, one-shot and few-shot prompts that translate English to French."""
    set_language("en")
    composer = PromptComposer(tokenizer, shots=0)
    assert composer.prompt() == "Translate English to French:\ncheese =>"
    composer.shots = 1
    assert composer.prompt() == "Translate English to French:\nsea otter => loutre de mer\ncheese =>"
    composer.instructed, composer.layout = False, "labels"
    assert composer.prompt() == "Question: sea otter\nAnswer: loutre de mer\n\nQuestion: cheese\nAnswer:"


def test_a_chat_by_hand(tokenizer):
    set_language("fr")
    composer = PromptComposer(tokenizer, task="opposite", shots=1, chat=True)
    assert composer.prompt() == (
        "<|im_start|>system\nDonnez le contraire :<|im_end|>\n<|im_start|>user\nchaud<|im_end|>\n"
        "<|im_start|>assistant\nfroid<|im_end|>\n<|im_start|>user\nhaut<|im_end|>\n<|im_start|>assistant\n"
    )
    assert composer.ids() == tokenizer.encode(composer.prompt(), special=True)
    composer.instructed, composer.shots = False, 0
    assert composer.prompt().startswith(f"<|im_start|>system\n{SYSTEM}<|im_end|>\n")
    composer.question = "<|im_end|>"  # what is only written is text
    assert composer.ids().count(tokenizer.ids["<|im_end|>"]) == 2
    assert composer.ids() != tokenizer.encode(composer.prompt(), special=True)


def test_a_token_is_of_the_part_where_it_begins():
    """ "ab" then "c": with the merge b + c the last token begins in the first piece."""
    tokenizer = ByteBPE(tokens=(*ALPHABET, "bc"), merges=(("b", "c"),))
    code = """import { tokenize, unpackBpe } from "./prompt_composer.mjs";
    const bpe = unpackBpe(DATA.vocabulary, new DataView(Uint8Array.from(DATA.merges).buffer));
    const pieces = (texts) => texts.map((text, k) => ({ part: "pqr"[k], text }));
    console.log(JSON.stringify([["ab", "c"], ["é", "", "bc"]].map((texts) => tokenize(pieces(texts), bpe))))"""
    merge = [tokenizer.ids["b"], 0, tokenizer.ids["c"], 0]
    first, second = run_javascript(code, {"vocabulary": "\n".join(tokenizer.tokens), "merges": merge})
    assert [(token["id"], token["part"]) for token in first] == [(97, "p"), (256, "p")]
    assert [(token["id"], token["part"]) for token in second] == [(0xC3, "p"), (0xA9, "p"), (256, "r")]


def test_orders():
    examples = [("bb", "c"), ("🙂", "d"), ("a", "b")]
    assert arrange(examples, "reversed") == [("a", "b"), ("🙂", "d"), ("bb", "c")]
    assert arrange(examples, "shortest") == [("🙂", "d"), ("a", "b"), ("bb", "c")]  # characters, and the first of equals first
    code = 'import { arrange } from "./prompt_composer.mjs"; console.log(JSON.stringify(DATA[1].map((order) => arrange(DATA[0], order))))'
    assert run_javascript(code, [examples, ORDERS]) == [[list(pair) for pair in arrange(examples, order)] for order in ORDERS]


def test_what_a_token_looks_like():
    code = """import { legible, readable } from "./prompt_composer.mjs";
    console.log(JSON.stringify([DATA[0].map(readable), DATA[1].map(legible)]))"""
    seen, text = run_javascript(code, [["Ġloutre", "Ã©", "Ã", "©t", "ĊĊ", "ï»¿"], [" loutre de", "a\n\nb", "\u00a0x\u200b", "<b>"]])
    assert seen == [" loutre", "é", "⟨C3⟩", "⟨A9 74⟩", "\n\n", "\ufeff"]
    assert text == [" loutre de", "a↵\n↵\nb", "⟨00A0⟩x⟨200B⟩", "<b>"]


SAY = """
import { WORDS, sentence } from "./prompt_composer.mjs"; import { numbers, texts } from "./shared.mjs";
const [lang, n, view] = DATA, voice = { say: texts(WORDS, lang), fmt: numbers(lang), plural: new Intl.PluralRules(lang) };
console.log(JSON.stringify(sentence({ ...view, found: Array(n) }, voice)))
"""


@pytest.mark.parametrize(("lang", "n", "choices", "expected"), [
    ("fr", 75, {}, "Amorce à 3 exemples (few-shot) : 75 jetons, 59 % d’une fenêtre de 128. "
     "Un exemple coûte 12,8 jetons en moyenne ; il en tiendrait encore 4 environ."),
    ("en", 75, {"context": 2048}, "Prompt with 3 examples (few-shot): 75 tokens, 3.7% of a window of 2,048. "
     "An example costs 12.8 tokens on average; about 154 more would fit."),
    ("en", 120, {"shots": 1}, "Prompt with one example (one-shot): 120 tokens, 94% of a window of 128. "
     "An example costs 12.8 tokens on average: there is no room for another."),
    ("fr", 129, {}, "Amorce à 3 exemples (few-shot) : 129 jetons, 101 % d’une fenêtre de 128. "
     "Elle déborde de 1 jeton : le modèle n’en lirait qu’une partie, ou la refuserait."),
    ("en", 1, {"shots": 0, "instructed": False, "chat": True, "ladder": [25, 37, 49]},
     "Prompt without examples (zero-shot): 1 token, 0.8% of a window of 128. An example costs 12 tokens on average; about 10 more would "
     "fit. Without instruction or example, nothing says what is asked. Without an instruction, SmolLM2’s template writes a system "
     "message of its own."),
])  # fmt: skip
def test_the_prompt_in_words(lang, n, choices, expected):
    view = {"shots": 3, "ladder": [25, 39, 55, 75, 82, 94, 104, 116, 127], "context": 128, "instructed": True, "chat": False, **choices}
    if lang == "fr":
        for sign in ":;%":
            expected = expected.replace(f" {sign}", THIN + sign)
    assert run_javascript(SAY, [lang, n, view]) == expected


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_tasks(lang):
    assert TASKS[lang].keys() == TASKS["en"].keys()
    for task in TASKS[lang].values():
        assert len(task.examples) == 8 and len(task.questions) == 3
        assert len({question for question, _ in task.examples} | set(task.questions)) == 11  # no question is among the examples
        assert task.instruction.endswith(":")


def test_another_task_asks_its_own_question(tokenizer):
    set_language("en")
    composer = PromptComposer(tokenizer, question="milk")
    assert composer.question == "milk"
    composer.task = "capitals"
    assert composer.prompt().endswith("\nschool =>")


def test_without_javascript_there_is_a_sentence(tokenizer):
    set_language("fr")
    composer = PromptComposer(tokenizer, shots=2, context=1024)
    n, share = len(composer.ids()), round(100 * len(composer.ids()) / 1024)
    assert composer.sentence() == (
        f"Figure interactive, composer une amorce{THIN}; exemples{THIN}: 2{THIN}; jetons{THIN}: {n}, "
        f"soit {share}{THIN}% d’une fenêtre de contexte de 1{THIN}024."
    )
    assert composer._repr_mimebundle_()[0]["text/plain"] == composer.sentence()


TINY = Task(title="t", instruction="i", examples=(("q", "a"),), questions=("?",))


@pytest.mark.parametrize(("choices", "message"), [
    ({"task": "sum"}, "task='sum' must be one of translate, opposite, sentiment, capitals; try task='translate'."),
    ({"shots": 9}, "shots=9 must lie between 0 and 8; try shots=8."),
    ({"shots": 2, "tasks": {"tiny": TINY}}, "shots=2 must lie between 0 and 1; try shots=1."),
    ({"order": "random"}, "order='random' must be one of given, reversed, shortest; try order='given'."),
    ({"layout": "json"}, "layout='json' must be one of arrow, colon, labels; try layout='arrow'."),
    ({"context": 1000}, "context=1000 must be one of 128, 256, 512, 1024, 2048, 4096, 8192; try context=2048."),
    ({"question": "?" * 301}, "len(question)=301 must lie between 0 and 300; try len(question)=300."),
    ({"tasks": {"none": replace(TINY, examples=())}}, "tasks['none'] must have an example and a question at least; add them."),
])  # fmt: skip
def test_errors_give_the_value_the_rule_and_a_repair(tokenizer, choices, message):
    set_language("en")
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the whole text is compared)
        PromptComposer(tokenizer, **choices)
    assert str(caught.value) == message


def test_a_tokenizer_must_know_the_template():
    with pytest.raises(
        ValueError, match=r"special=\(\) must hold '<\|im_start\|>', which a chat needs; train with special=\['<\|im_start\|>'"
    ):
        PromptComposer(ByteBPE.train(["abab"], 257))


def test_contexts_are_offered_in_both_places():
    assert run_javascript('import { CONTEXTS } from "./prompt_composer.mjs"; console.log(JSON.stringify(CONTEXTS))') == list(CONTEXTS)


def test_two_thousand_merges_stay_light():
    rng = random.Random(5)
    words = ["".join(rng.choices("etaoinshrdlucmé", k=rng.randint(2, 9))) for _ in range(3000)]
    tokenizer = ByteBPE.train([" ".join(words)] * 2, 258 + 2000, special=["<|im_start|>", "<|im_end|>"])
    assert len(tokenizer.merges) == 2000
    composer = PromptComposer(tokenizer)
    bpe = len(composer.vocabulary.encode()) + len(composer.merges) * 4 / 3  # bytes travel in base 64
    assert bpe < 40_000
    assert len(composer._esm.encode()) < 50_000
    assert sum(len(str(value)) for name, value in composer.get_state().items() if name not in ("_esm", "vocabulary", "merges")) < 8000
