"""Prompt composer: zero, one or a few solved examples before a question, as text or as a chat, and what they cost in tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import traitlets

from d2lmini.i18n import get_language, number, t
from d2lmini.tokenizers import ByteBPE
from d2lmini.widgets.base import CourseWidget, bundle, check_choice, check_range

ORDERS = ("given", "reversed", "shortest")
CONTEXTS = (128, 256, 512, 1024, 2048, 4096, 8192)  # tokens
MAX_SHOTS, MAX_QUESTION, MAX_TOKENS = 8, 300, 65_536  # examples, characters, tokens that two bytes can number
START, END = "<|im_start|>", "<|im_end|>"
SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"  # what SmolLM2's template says where nobody does


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is asked of a model: an instruction, solved examples (question, answer), and questions."""

    title: str
    instruction: str
    examples: tuple[tuple[str, str], ...]
    questions: tuple[str, ...]


class Piece(NamedTuple):
    """A stretch of a prompt and what it is there for: "instruction", "examples", "question", "template", or a "special" token."""

    part: str
    text: str


class Layout(NamedTuple):
    """What a text without template writes before a question, after it, and after the answer."""

    before: str
    after: str
    end: str


def _layouts(colon: str, answer: str) -> dict[str, Layout]:
    return {
        "arrow": Layout("", " =>", "\n"),
        "colon": Layout("", colon, "\n"),
        "labels": Layout(f"Question{colon} ", f"\n{answer}{colon}", "\n\n"),
    }


LAYOUTS = {"fr": _layouts(" :", "Réponse"), "en": _layouts(":", "Answer")}
WORDS = (  # the first three and cheese: Brown et al. 2020, figure 2.1
    ("sea otter", "loutre de mer"), ("peppermint", "menthe poivrée"), ("plush giraffe", "girafe en peluche"), ("bread", "pain"),
    ("red car", "voiture rouge"), ("good evening", "bonsoir"), ("strawberry", "fraise"), ("window", "fenêtre"),
)  # fmt: skip
TASKS = {
    "fr": {
        "translate": Task(
            title="traduire", instruction="Traduisez de l'anglais au français :", examples=WORDS,
            questions=("cheese", "black cat", "thank you")
        ),
        "opposite": Task(
            title="dire le contraire", instruction="Donnez le contraire :", questions=("haut", "triste", "commencer"),
            examples=(("chaud", "froid"), ("grand", "petit"), ("jour", "nuit"), ("rapide", "lent"), ("ancien", "nouveau"),
                      ("ouvrir", "fermer"), ("facile", "difficile"), ("plein", "vide")),
        ),
        "sentiment": Task(
            title="juger un avis", instruction="Dites si l'avis est positif ou négatif :",
            questions=("La carte est courte, mais tout est délicieux.", "Le serveur a oublié notre commande.",
                       "Je n'ai jamais si bien mangé."),
            examples=(("Le pain était chaud et le service charmant.", "positif"), ("Une heure d'attente pour une soupe froide.", "négatif"),
                      ("Nous reviendrons avec plaisir.", "positif"), ("La salle était bruyante et sale.", "négatif"),
                      ("Le dessert valait le voyage.", "positif"), ("Trop cher pour ce que c'est.", "négatif"),
                      ("Un accueil parfait du début à la fin.", "positif"), ("Le poisson n'était pas frais.", "négatif")),
        ),
        "capitals": Task(
            title="mettre en majuscules", instruction="Écrivez en majuscules :", questions=("école", "jardin", "voiture"),
            examples=tuple((word, word.upper()) for word in "chat maison fenêtre pomme été livre rivière route".split()),
        ),
    },
    "en": {
        "translate": Task(
            title="translate", instruction="Translate English to French:", examples=WORDS,
            questions=("cheese", "black cat", "thank you")
        ),
        "opposite": Task(
            title="say the opposite", instruction="Give the opposite:", questions=("high", "sad", "begin"),
            examples=(("hot", "cold"), ("big", "small"), ("day", "night"), ("fast", "slow"), ("old", "new"),
                      ("open", "close"), ("easy", "difficult"), ("full", "empty")),
        ),
        "sentiment": Task(
            title="judge a review", instruction="Say whether the review is positive or negative:",
            questions=("The menu is short, but everything is delicious.", "The waiter forgot our order.", "I have never eaten so well."),
            examples=(("The bread was warm and the service charming.", "positive"), ("An hour's wait for a cold soup.", "negative"),
                      ("We shall gladly come back.", "positive"), ("The room was noisy and dirty.", "negative"),
                      ("The dessert was worth the trip.", "positive"), ("Too expensive for what it is.", "negative"),
                      ("A perfect welcome from beginning to end.", "positive"), ("The fish was not fresh.", "negative")),
        ),
        "capitals": Task(
            title="write in capitals", instruction="Write in capital letters:", questions=("school", "garden", "car"),
            examples=tuple((word, word.upper()) for word in "cat house window apple summer book river road".split()),
        ),
    },
}  # fmt: skip


class PromptComposer(CourseWidget):
    """Compose a prompt with or without instruction and examples (Brown et al. 2020, §2 and figure 2.1), and count its tokens.

    `tokenizer` cuts the prompt, in the browser too. `task` is one of `tasks`, by default translation, opposites, reviews and
    capital letters; `shots` examples are taken in the `order` "given", "reversed" or "shortest". Without `chat` the `layout` is
    "arrow", "colon" or "labels"; with `chat` the prompt is in the template of SmolLM2, whose special tokens `tokenizer` must have.
    `context` is the context window, in tokens. In a notebook the reader's choices come back: `prompt()` and `ids()`.

    Raises `ValueError` on choices that do not exist or fit, and on a tokenizer without these special tokens or of more than 65,536 tokens.

    >>> tokenizer = ByteBPE.train(["the bread, the other bread"], 270, special=["<|im_start|>", "<|im_end|>"])
    >>> composer = PromptComposer(tokenizer, shots=1)
    >>> print(composer.prompt())
    Translate English to French:
    sea otter => loutre de mer
    cheese =>
    """

    _esm = bundle("prompt_composer")
    vocabulary = traitlets.Unicode().tag(sync=True)  # one token a line: none holds an end of line
    merges = traitlets.Bytes().tag(sync=True)  # two numbers of tokens a merge, uint16
    tasks = traitlets.Dict().tag(sync=True)
    layouts = traitlets.Dict().tag(sync=True)
    task = traitlets.Unicode().tag(sync=True)
    instructed = traitlets.Bool(True).tag(sync=True)
    shots = traitlets.Int(0).tag(sync=True)
    order = traitlets.Enum(ORDERS, "given").tag(sync=True)
    layout = traitlets.Enum(tuple(LAYOUTS["en"]), "arrow").tag(sync=True)
    chat = traitlets.Bool(False).tag(sync=True)
    question = traitlets.Unicode().tag(sync=True)
    context = traitlets.Int(128).tag(sync=True)

    def __init__(
        self, tokenizer: ByteBPE, *, tasks: Mapping[str, Task] | None = None, task: str | None = None, instructed: bool = True,
        shots: int = 3, order: str = "given", layout: str = "arrow", chat: bool = False, question: str | None = None, context: int = 128,
    ) -> None:  # fmt: skip
        lang = get_language()
        tasks = dict(TASKS[lang] if tasks is None else tasks)
        for name, one in tasks.items():
            if not (one.examples and one.questions):
                raise ValueError(f"tasks[{name!r}] must have an example and a question at least; add them.")
        task = check_choice(next(iter(tasks)) if task is None else task, "task", tuple(tasks))
        check_range(len(tokenizer), "len(tokenizer)", 1, MAX_TOKENS)
        for name in (START, END):
            if name not in tokenizer.special:
                raise ValueError(
                    f"special={tokenizer.special} must hold {name!r}, which a chat needs; train with special=[{START!r}, {END!r}]."
                )
        self._tokenizer = tokenizer
        pairs = [[tokenizer.ids[left], tokenizer.ids[right]] for left, right in tokenizer.merges]
        super().__init__(
            vocabulary="\n".join(tokenizer.tokens),
            merges=np.array(pairs, dtype="<u2").tobytes(),
            tasks={name: asdict(one) for name, one in tasks.items()},
            layouts={name: list(one) for name, one in LAYOUTS[lang].items()},
            task=task,
            instructed=instructed,
            order=check_choice(order, "order", ORDERS),
            layout=check_choice(layout, "layout", tuple(LAYOUTS[lang])),
            chat=chat,
            question=tasks[task].questions[0] if question is None else question,
            context=context,
        )
        self.shots = shots  # after the task, which says how many there can be

    @traitlets.validate("shots", "question", "context", "task")
    def _fits(self, proposal: Any) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        if name == "task":
            return check_choice(value, name, tuple(self.tasks))
        if name == "question":
            check_range(len(value), "len(question)", 0, MAX_QUESTION)
        elif name == "shots":
            check_range(value, name, 0, min(MAX_SHOTS, len(self.tasks[self.task]["examples"])))
        elif value not in CONTEXTS:
            raise ValueError(f"context={value} must be one of {', '.join(map(str, CONTEXTS))}; try context=2048.")
        return value

    @traitlets.observe("task")
    def _other_question(self, change: Any) -> None:
        """Another task asks its own first question."""
        if change["old"]:
            self.question = self.tasks[self.task]["questions"][0]

    def pieces(self) -> list[Piece]:
        """The prompt piece by piece."""
        task = self.tasks[self.task]
        solved = arrange(task["examples"], self.order)[: self.shots]
        return (
            chat(task["instruction"], solved, self.question, self.instructed) if self.chat else self._written(task["instruction"], solved)
        )

    def _written(self, instruction: str, solved: Sequence[tuple[str, str]]) -> list[Piece]:
        before, after, end = self.layouts[self.layout]
        said = [Piece("instruction", f"{instruction}\n")] if self.instructed else []
        shown = [Piece("examples", f"{before}{question}{after} {answer}{end}") for question, answer in solved]
        return [*said, *shown, Piece("question", f"{before}{self.question}{after}")]

    def prompt(self) -> str:
        """The prompt as text, the names of special tokens included."""
        return "".join(piece.text for piece in self.pieces())

    def ids(self) -> list[int]:
        """The numbers of the prompt's tokens; a special token that is only written in the question is plain text."""
        result: list[int] = []
        run = ""
        for part, text in [*self.pieces(), Piece("special", "")]:
            if part != "special":
                run += text
                continue
            result += [*self._tokenizer.encode(run), *([self._tokenizer.ids[text]] if text else [])]
            run = ""
        return result

    def sentence(self) -> str:
        """How many examples, and what the prompt costs."""
        n = len(self.ids())
        values = number(self.shots), number(n), number(100 * n / self.context, 0), number(self.context)
        fr = "Figure interactive, composer une amorce ; exemples : {} ; jetons : {}, soit {} % d'une fenêtre de contexte de {}."
        en = "Interactive figure, composing a prompt; examples: {}; tokens: {}, or {}% of a context window of {}."
        return t(fr.format(*values), en.format(*values))


def arrange(examples: Sequence[Sequence[str]], order: str) -> list[tuple[str, str]]:
    """The examples as given, from the last to the first, or those with the fewest characters first.

    >>> arrange([("été", "ÉTÉ"), ("a", "A")], "shortest")
    [('a', 'A'), ('été', 'ÉTÉ')]
    """
    pairs = [(question, answer) for question, answer in examples]
    if order == "shortest":
        return sorted(pairs, key=lambda pair: len("".join(pair)))
    return pairs[::-1] if order == "reversed" else pairs


def chat(instruction: str, solved: Sequence[tuple[str, str]], question: str, instructed: bool) -> list[Piece]:
    """A conversation in the template of SmolLM2-Instruct: the instruction is the system's message, each example a turn of both."""

    def message(role: str, part: str, content: str) -> list[Piece]:
        return [
            Piece("special", START),
            Piece("template", f"{role}\n"),
            Piece(part, content),
            Piece("special", END),
            Piece("template", "\n"),
        ]

    pieces = message("system", "instruction", instruction) if instructed else message("system", "template", SYSTEM)
    for asked, answer in solved:
        pieces += [*message("user", "examples", asked), *message("assistant", "examples", answer)]
    return [*pieces, *message("user", "question", question), Piece("special", START), Piece("template", "assistant\n")]
