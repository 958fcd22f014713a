"""Span corruption: drop words from a sentence, read what T5 gets and must write; the same sentence for BERT and for GPT."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import traitlets

from d2lmini.i18n import number, t
from d2lmini.objectives import corrupt_at
from d2lmini.widgets.base import MAX_TOKENS, CourseWidget, bundle, check_choice, check_range, check_tokens

LETTERS = "XYZWVUTSRQPON"  # at most 12 spans in 24 words, and the last sentinel
EXAMPLES = {  # split at spaces; the second is that of Raffel et al. 2020, fig. 2
    "fr": (
        "J’ aime cette voiture rouge",
        "Merci de m’ avoir invité à votre fête la semaine dernière .",
        "Chaque soir le vieux gardien montait les marches du phare pour allumer la lampe qui ramenait les bateaux vers le port",
    ),
    "en": (
        "I love this red car",
        "Thank you for inviting me to your party last week .",
        "The old keeper climbed the stairs every evening to light the lamp that guided the boats back to the harbor",
    ),
}
EXAMPLE_DROPPED = [1, 3, 4]  # of the first sentence: « aime », “love”, and « voiture rouge », “red car”


class SpanCorruption(CourseWidget):
    """T5's objective live (Raffel et al. 2020, §3.1.4): the reader drops words, neighbors become a span with one sentinel.

    `tokens` are the words, `dropped` the places of those that go; `sentences` is what a menu offers instead ({"fr": [...],
    "en": [...]}, each a list of words). `rate` and `mean_length` are what the next draw aims at, as `corrupt_spans` does;
    `seed` numbers the draws. With `compare`, BERT's masks and GPT's next tokens stand beside. `step` is how far the sentence
    is put back together. In a notebook the reader's choices come back, and so do `spans()` and `corrupted()`.

    Raises `ValueError` on fewer than 2 or more than 24 tokens, on places outside the sentence, and on settings out of range.

    >>> SpanCorruption("I love this red car".split(), dropped=[1, 3, 4]).corrupted()
    (['I', '⟨X⟩', 'this', '⟨Y⟩'], ['⟨X⟩', 'love', '⟨Y⟩', 'red', 'car', '⟨Z⟩'])
    """

    _esm = bundle("span_corruption")
    sentences = traitlets.Dict().tag(sync=True)
    tokens = traitlets.List(traitlets.Unicode()).tag(sync=True)
    dropped = traitlets.List(traitlets.Int()).tag(sync=True)
    rate = traitlets.Float(0.15).tag(sync=True)
    mean_length = traitlets.Float(3.0).tag(sync=True)
    seed = traitlets.Int(0).tag(sync=True)
    compare = traitlets.Bool(True).tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)

    def __init__(
        self, tokens: Sequence[str] | None = None, *, dropped: Sequence[int] | None = None, rate: float = 0.15, mean_length: float = 3.0,
        seed: int = 0, compare: bool = True, step: int = 2, sentences: Mapping[str, Sequence[Sequence[str]]] | None = None,
    ) -> None:  # fmt: skip
        if sentences is None:
            sentences = {lang: [text.split() for text in texts] for lang, texts in EXAMPLES.items()}
        if dropped is None:
            dropped = EXAMPLE_DROPPED if tokens is None else [1]
        super().__init__(
            sentences={
                check_choice(lang, "language", ("fr", "en")): [
                    check_tokens(text, f"sentences[{lang!r}][{k}]") for k, text in enumerate(texts)
                ]
                for lang, texts in sentences.items()
            },
            tokens=check_tokens(t(EXAMPLES["fr"][0], EXAMPLES["en"][0]).split() if tokens is None else tokens),
            rate=rate,
            mean_length=mean_length,
            seed=seed,
            compare=compare,
        )
        self.dropped, self.step = list(dropped), step  # after the tokens, which say how many there can be

    @traitlets.validate("tokens")
    def _readable(self, proposal: Any) -> list[str]:
        return check_tokens(proposal["value"])

    @traitlets.validate("dropped")
    def _in_the_sentence(self, proposal: Any) -> list[int]:
        return sorted({check_range(place, "place in dropped", 0, len(self.tokens) - 1) for place in proposal["value"]})

    @traitlets.validate("rate", "mean_length", "seed", "step")
    def _fits(self, proposal: Any) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        low, high = {"rate": (0.05, 0.5), "mean_length": (1, 10), "seed": (0, 9999), "step": (0, MAX_TOKENS)}[name]
        if not low <= value <= high:
            raise ValueError(f"{name}={value} must lie between {low} and {high}; try {name}={min(max(value, low), high)}.")
        return value

    @traitlets.observe("tokens")
    def _keep_places(self, _: object) -> None:
        self.dropped = [place for place in self.dropped if place < len(self.tokens)]

    def spans(self) -> list[tuple[int, int]]:
        """The runs of neighbors among the dropped words, as (start, end) pairs."""
        starts = [place for place in self.dropped if place - 1 not in self.dropped]
        return [
            (start, start + sum(start <= place < stop for place in self.dropped)) for start, stop in pairwise([*starts, len(self.tokens)])
        ]

    def corrupted(self) -> tuple[list[str], list[str]]:
        """What the encoder reads and what the decoder must write, in words and sentinels."""
        n = len(self.tokens)
        shown = [*self.tokens, *(f"⟨{letter}⟩" for letter in LETTERS)]
        inputs, target = corrupt_at(range(n), self.spans(), range(n, len(shown)))
        return [shown[i] for i in inputs], [shown[i] for i in target]

    def sentence(self) -> str:
        """How much is dropped, what the encoder reads, what the decoder must write."""
        inputs, target = (" ".join(items) for items in self.corrupted())
        gone, n, n_span = number(len(self.dropped)), number(len(self.tokens)), number(len(self.spans()))
        return t(
            f"Figure interactive, les passages retirés de T5 ; mots retirés : {gone} sur {n}, passages : {n_span}. "
            f"L'encodeur lit « {inputs} », le décodeur doit écrire « {target} ».",
            f"Interactive figure, T5’s span corruption; words dropped: {gone} out of {n}, spans: {n_span}. "
            f"The encoder reads “{inputs}”, the decoder must write “{target}”.",
        )
