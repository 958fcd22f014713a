"""BPE stepper: a tokenizer learned merge by merge, on a corpus that the reader may rewrite."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import traitlets

from d2lmini.i18n import number, t
from d2lmini.tokenizers import BPE, ByteBPE
from d2lmini.widgets.base import CourseWidget, bundle, check_choice, check_range

LEVELS = {"characters": BPE, "bytes": ByteBPE}
LONGEST = {"corpus": 1000, "text": 200}  # characters: the browser learns the corpus again at each key
EXAMPLES = {
    "fr": (
        "marche marché marchés marchons marchez marcher démarche démarches",
        "un chasseur sachant chasser doit savoir chasser sans son chien, mais un chasseur sans chien sait-il chasser ?",
    ),
    "en": (
        "walk walks walked walking walker talk talks talked talking talker",
        "how much wood would a woodchuck chuck if a woodchuck could chuck wood?",
        "low low low low low lower lower newest newest newest newest newest newest widest widest widest",  # Sennrich et al. 2016
    ),
}
TEXTS = {"fr": "nous démarchons", "en": "they stalked"}  # words that the first corpus does not hold, but pieces of it


class BPEStepper(CourseWidget):
    """Learn byte-pair encoding step by step, as `d2lmini.tokenizers` does, and cut any text with the merges so far.

    `corpus` is the text to learn from, `examples` what a menu offers instead ({"fr": [...], "en": [...]}), `text` what is cut,
    `n_merge` the number of merges already done, `level` what a word is first spelled in: `characters` or `bytes`. In a
    notebook the reader's choices come back, and `tokenizer()` makes them a tokenizer of the library.

    Raises `ValueError` on a text that is too long or no text, on an unknown level, and on more merges than the corpus gives.

    >>> stepper = BPEStepper("marche marché marchés marchons", n_merge=2)
    >>> stepper.tokenizer().merges, stepper.tokenizer().split(" marchés")
    ((('a', 'r'), ('c', 'h')), [' ', 'm', 'ar', 'ch', 'é', 's'])
    """

    _esm = bundle("bpe_stepper")
    examples = traitlets.Dict().tag(sync=True)
    corpus = traitlets.Unicode().tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    level = traitlets.Enum(tuple(LEVELS), "characters").tag(sync=True)
    n_merge = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        corpus: str | None = None,
        *,
        text: str | None = None,
        n_merge: int = 0,
        level: str = "characters",
        examples: Mapping[str, Sequence[str]] = EXAMPLES,
    ) -> None:
        super().__init__(
            examples={lang: list(texts) for lang, texts in examples.items()},
            corpus=t(EXAMPLES["fr"][0], EXAMPLES["en"][0]) if corpus is None else corpus,
            text=t(TEXTS["fr"], TEXTS["en"]) if text is None else text,
            level=check_choice(level, "level", tuple(LEVELS)),
        )
        self.n_merge = n_merge  # after the corpus, which says how many there can be

    @traitlets.validate("corpus", "text")
    def _readable(self, proposal: Any) -> str:
        return _check_text(proposal["value"], proposal["trait"].name)

    @traitlets.validate("examples")
    def _all_readable(self, proposal: Any) -> dict[str, list[str]]:
        for lang, texts in proposal["value"].items():
            check_choice(lang, "language", ("fr", "en"))
            for text in texts:
                _check_text(text, "corpus")
        return dict(proposal["value"])

    @traitlets.validate("n_merge")
    def _exists(self, proposal: Any) -> int:
        return check_range(proposal["value"], "n_merge", 0, len(_learned(self.corpus, self.level).merges))

    @traitlets.observe("corpus", "level")
    def _no_more_than_there_are(self, change: Any) -> None:
        """Another corpus begins again; the other level goes on from the same number of merges, if it has as many."""
        n = 0 if change["name"] == "corpus" else len(_learned(self.corpus, self.level).merges)
        self.n_merge = min(self.n_merge, n)

    def tokenizer(self) -> BPE:
        """The library's tokenizer with the merges so far: a `BPE`, or a `ByteBPE` at the level of bytes."""
        whole = _learned(self.corpus, self.level)
        n_token = len(whole) - len(whole.merges) + self.n_merge
        return replace(whole, tokens=whole.tokens[:n_token], merges=whole.merges[: self.n_merge])

    def sentence(self) -> str:
        """How many merges are done, and what the corpus costs with them."""
        tokenizer, all_merges = self.tokenizer(), len(_learned(self.corpus, self.level).merges)
        n, n_now = number(len(replace(tokenizer, merges=()).encode(self.corpus))), number(len(tokenizer.encode(self.corpus)))
        done, of = number(self.n_merge), number(all_merges)
        return t(
            f"Figure interactive, l'apprentissage de BPE pas à pas ; fusions : {done} sur {of} ; "
            f"jetons du corpus : {n_now} (sans fusion, {n}).",
            f"Interactive figure, BPE learned step by step; merges: {done} out of {of}; "
            f"tokens of the corpus: {n_now} ({n} without merges).",
        )


@lru_cache(maxsize=16)
def _learned(corpus: str, level: str) -> BPE:
    """Everything that the corpus teaches, until no pair is seen twice."""
    return LEVELS[level].train([corpus], 256 + 2 * len(corpus.encode()))


def _check_text(text: str, name: str) -> str:
    longest = LONGEST[name]
    if len(text) > longest:
        raise ValueError(f"{name} has {len(text)} characters and must have at most {longest}; try {name}[:{longest}].")
    if half := re.search("[\ud800-\udfff]", text):
        raise ValueError(f"{name} holds {half[0]!r}, half a surrogate pair and no character; take it out.")
    return text
