"""Three modes of pretraining on one sentence: who may look at whom in BERT, T5 and GPT, and what each place must predict."""

from collections.abc import Sequence
from typing import Any

import torch
import traitlets
from jaxtyping import Bool
from torch import Tensor

from d2lmini import masks
from d2lmini.i18n import get_language, t
from d2lmini.objectives.spans import corrupt_at
from d2lmini.widgets.base import CourseWidget, bundle, check_choice, check_range, check_tokens

MODES = ("encoder", "encoder-decoder", "decoder")
DECODERS = ("causal", "prefix", "window")
SENTENCES = {"fr": "J’ aime cette voiture rouge".split(), "en": "I love this red car".split()}
SPANS = ((1, 2), (3, 5))  # what T5 drops of these five words
MAX_WORDS, MAX_LAYERS = 10, 4
SENTINELS = "XYZUVW"


class ThreeModes(CourseWidget):
    """One sentence in an encoder (BERT), an encoder–decoder (T5) and a decoder (GPT), seen from the word `focus`.

    BERT masks the word `masked` (Devlin et al. 2019, §3.1); T5 drops the `spans` (start, end) and writes them as its target
    (Raffel et al. 2020, §3.1.4); the `decoder` is "causal" (GPT), "prefix" or "window", of `prefix` or `window` words. After
    `layers` layers, a vector may depend on whatever a path of open places leads to.

    Raises `ValueError` on fewer than 2 or more than 10 words, on more than 5 spans or spans that touch, and on choices out of range.

    >>> ThreeModes(["a", "b", "c"], spans=[(1, 2)], decoder="window", layers=2).reach("decoder").int()
    tensor([[1, 0, 0],
            [1, 1, 0],
            [1, 1, 1]], dtype=torch.int32)
    """

    _esm = bundle("three_modes")
    tokens = traitlets.List(traitlets.Unicode()).tag(sync=True)
    spans = traitlets.List(traitlets.List(traitlets.Int())).tag(sync=True)
    masked = traitlets.Int(0).tag(sync=True)
    focus = traitlets.Int(0).tag(sync=True)
    layers = traitlets.Int(1).tag(sync=True)
    decoder = traitlets.Enum(DECODERS, "causal").tag(sync=True)
    prefix = traitlets.Int(2).tag(sync=True)
    window = traitlets.Int(2).tag(sync=True)

    def __init__(
        self, tokens: Sequence[str] | None = None, *, spans: Sequence[tuple[int, int]] = SPANS, masked: int | None = None,
        focus: int | None = None, layers: int = 1, decoder: str = "causal", prefix: int = 2, window: int = 2,
    ) -> None:  # fmt: skip
        tokens = check_tokens(SENTENCES[get_language()] if tokens is None else tokens, limit=MAX_WORDS)
        check_range(len(spans), "len(spans)", 1, len(SENTINELS) - 1)
        _corrupted(len(tokens), spans)  # which refuses spans that don't fit
        masked = spans[-1][0] if masked is None else check_range(masked, "masked", 0, len(tokens) - 1)
        super().__init__(
            tokens=tokens,
            spans=[list(span) for span in spans],
            masked=masked,
            focus=masked if focus is None else focus,
            layers=layers,
            decoder=check_choice(decoder, "decoder", DECODERS),
            prefix=prefix,
            window=window,
        )

    @traitlets.validate("masked", "focus", "layers", "prefix", "window")
    def _fits(self, proposal: Any) -> int:
        name, n = proposal["trait"].name, len(self.tokens)
        low, high = {"layers": (1, MAX_LAYERS), "prefix": (1, n), "window": (1, n)}.get(name, (0, n - 1))
        return check_range(proposal["value"], name, low, high)

    def mask(self, mode: str) -> Bool[Tensor, "T T"]:
        """Who looks at whom in one layer of "encoder", "encoder-decoder" or "decoder".

        An encoder–decoder has its source's places before its target's: [[full, closed], [cross, causal]].
        """
        n = len(self.tokens)
        if check_choice(mode, "mode", MODES) == "encoder":
            return torch.ones(n, n, dtype=torch.bool)
        if mode == "encoder-decoder":
            source, target = _corrupted(n, self.spans)
            result = torch.ones(len(source) + len(target), len(source) + len(target), dtype=torch.bool)
            result[: len(source), len(source) :] = False
            result[len(source) :, len(source) :] = masks.causal(len(target))
            return result
        return {
            "causal": lambda: masks.causal(n),
            "prefix": lambda: masks.prefix(n, self.prefix),
            "window": lambda: masks.sliding_window(n, self.window),
        }[self.decoder]()

    def reach(self, mode: str) -> Bool[Tensor, "T T"]:
        """On whom each place may depend after `layers` layers: the boolean power of the mask."""
        return torch.linalg.matrix_power(self.mask(mode).double(), self.layers) > 0

    def predictions(self, mode: str) -> list[str | None]:
        """What each place is trained to predict; None where nothing is asked of it."""
        n = len(self.tokens)
        if check_choice(mode, "mode", MODES) == "encoder":
            return [token if i == self.masked else None for i, token in enumerate(self.tokens)]
        if mode == "encoder-decoder":
            source, target = _corrupted(n, self.spans)
            return [None] * len(source) + [self._written(place) for place in target]
        first = self.prefix - 1 if self.decoder == "prefix" else 0
        return [self.tokens[i + 1] if first <= i < n - 1 else None for i in range(n)]

    def _written(self, place: int) -> str:
        """A word, or the sentinel of a span, numbered after the words."""
        n = len(self.tokens)
        return self.tokens[place] if place < n else f"⟨{SENTINELS[place - n]}⟩"

    def sentence(self) -> str:
        """How much the chosen word may depend on, in each mode."""
        n, word = len(self.tokens), self.tokens[self.focus]
        source, target = _corrupted(n, self.spans)
        places = [*source, -1, *target[:-1]]  # the decoder reads a sign of start, then its target one place late
        encoder, both, decoder = (
            int(self.reach(mode)[place].sum())
            for mode, place in zip(MODES, (self.focus, places.index(self.focus), self.focus), strict=True)
        )
        return t(
            f"Figure interactive, trois modes de pré-entraînement : le vecteur de « {word} » peut dépendre de {encoder} jetons sur {n} "
            f"dans BERT, de {both} sur {len(places)} dans T5, de {decoder} sur {n} dans GPT.",
            f"Interactive figure, three modes of pretraining: the vector of “{word}” may depend on {encoder} tokens out of {n} in BERT, "
            f"on {both} out of {len(places)} in T5, on {decoder} out of {n} in GPT.",
        )


def _corrupted(n: int, spans: Sequence[Sequence[int]]) -> tuple[list[int], list[int]]:
    """The source and the target of T5 as places in the sentence, sentinels being numbered from n on."""
    return corrupt_at(range(n), [(start, end) for start, end in spans], range(n, n + len(spans) + 1))
