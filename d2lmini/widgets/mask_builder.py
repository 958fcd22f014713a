"""Mask builder: who may look at whom in BERT, GPT, a prefix model, an encoder–decoder, a window, a padded text."""

from collections.abc import Sequence
from typing import Any

import torch
import traitlets
from torch import Tensor

from d2lmini import masks
from d2lmini.i18n import t
from d2lmini.widgets.base import CourseWidget, bundle, check_choice, check_range, check_tokens

NAMES = {  # of each kind's mask, in French and in English
    "full": ("masque complet", "full mask"),
    "causal": ("masque causal", "causal mask"),
    "prefix": ("masque à préfixe", "prefix mask"),
    "encoder-decoder": ("trois masques d’encodeur–décodeur", "three masks of an encoder–decoder"),
    "window": ("masque à fenêtre", "window mask"),
    "padding": ("masque de remplissage", "padding mask"),
}
KINDS = tuple(NAMES)


class MaskBuilder(CourseWidget):
    """Choose an architecture and see its mask; open or close single places; read the line of Python that makes it.

    `kind` is one of "full" (BERT), "causal" (GPT), "prefix", "encoder-decoder", "window" and "padding". An encoder–decoder
    reads `source` and writes `tokens`; without `source` the first half of the tokens is the source. In a notebook the
    reader's mask comes back as boolean tensors, True = may attend: `mask()`, or `mask("cross")` among three.

    Raises `ValueError` on an unknown kind, on fewer than 2 or more than 24 tokens, and on sizes that do not fit.

    >>> MaskBuilder(["a", "b", "c"]).mask().int()
    tensor([[1, 0, 0],
            [1, 1, 0],
            [1, 1, 1]], dtype=torch.int32)
    """

    _esm = bundle("mask_builder")
    tokens = traitlets.List(traitlets.Unicode()).tag(sync=True)
    source = traitlets.List(traitlets.Unicode()).tag(sync=True)
    kind = traitlets.Enum(KINDS, "causal").tag(sync=True)
    prefix = traitlets.Int(2).tag(sync=True)
    window = traitlets.Int(2).tag(sync=True)
    padding = traitlets.Int(2).tag(sync=True)  # how many tokens are real
    focus = traitlets.Int(0).tag(sync=True)  # the token in question, the source's counted before the target's
    flips = traitlets.List(traitlets.List(traitlets.Int())).tag(sync=True)  # [part, query, key] of each place the reader turned over

    def __init__(
        self, tokens: Sequence[str], *, kind: str = "causal", source: Sequence[str] | None = None,
        prefix: int = 2, window: int = 2, padding: int | None = None, focus: int = 0,
    ) -> None:  # fmt: skip
        tokens = check_tokens(tokens)
        source = [] if source is None else check_tokens(source, "source")
        super().__init__(
            tokens=tokens,
            source=source,
            kind=check_choice(kind, "kind", KINDS),
            prefix=prefix,
            window=window,
            padding=max(1, len(tokens) - 2) if padding is None else padding,
            focus=focus,
        )

    @traitlets.validate("prefix", "window", "padding", "focus")
    def _fits(self, proposal: Any) -> int:
        name, n = proposal["trait"].name, len(self.tokens)
        low, high = {"prefix": (0, n), "window": (1, n), "padding": (1, n), "focus": (0, n - 1 + len(self.source))}[name]
        return check_range(proposal["value"], name, low, high)

    @traitlets.observe("kind", "prefix", "window", "padding")
    def _forget_flips(self, _: object) -> None:
        self.flips = []  # what was opened by hand may be open by rule now

    def mask(self, part: str | None = None) -> Tensor:
        """The mask (Tq, Tk) with the reader's changes; `part` is "source", "target" or "cross" in an encoder–decoder."""
        parts = self._parts()
        part = next(iter(parts)) if part is None and len(parts) == 1 else part
        if part not in parts:
            raise ValueError(f"part={part!r} must be one of {', '.join(parts)} when kind={self.kind!r}; try part={list(parts)[-1]!r}.")
        result = parts[part].clone()
        for p, i, j in self.flips:
            if p == list(parts).index(part):
                result[i, j] = ~result[i, j]
        return result

    def _parts(self) -> dict[str, Tensor]:
        n = len(self.tokens)
        if self.kind == "encoder-decoder":
            n_source = len(self.source) or n // 2
            n_target = n if self.source else n - n_source
            return {
                "source": torch.ones(n_source, n_source, dtype=torch.bool),
                "target": masks.causal(n_target),
                "cross": torch.ones(n_target, n_source, dtype=torch.bool),
            }
        mask = {
            "full": lambda: torch.ones(n, n, dtype=torch.bool),
            "causal": lambda: masks.causal(n),
            "prefix": lambda: masks.prefix(n, self.prefix),
            "window": lambda: masks.sliding_window(n, self.window),
            "padding": lambda: masks.padding(torch.tensor(self.padding), n).repeat(n, 1),
        }[self.kind]()
        return {"self": mask}

    def sentence(self) -> str:
        """The kind of mask and how many places it opens."""
        masks_shown = [self.mask(part) for part in self._parts()]
        opened, places = sum(int(m.sum()) for m in masks_shown), sum(m.numel() for m in masks_shown)
        fr, en = NAMES[self.kind]
        return t(
            f"Figure interactive, qui voit qui : {fr}, {opened} cases ouvertes sur {places}.",
            f"Interactive figure, who sees whom: {en}, {opened} places open out of {places}.",
        )
