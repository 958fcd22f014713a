"""Attention step by step: one query's scores, their scaling, the mask, the softmax, and the mean of the values."""

from collections.abc import Sequence
from typing import Any

import traitlets
from torch import Tensor

from d2lmini import masks
from d2lmini.attention import attention_weights
from d2lmini.i18n import number, t
from d2lmini.widgets.base import CourseWidget, bundle, check_choice, check_range, check_tokens, labels, pack, vectors

MASKS = ("none", "causal", "prefix", "window")


class AttentionSteps(CourseWidget):
    """How much a query token looks at each key, step by step (Vaswani et al. 2017, eq. 1).

    The reader picks the query, the mask and the temperature, and may leave out √d. Shapes: q (Tq, d), k (Tk, d),
    v (Tk, d_value), at most 24 tokens. `keys` names the tokens that are looked at, when they are not the queries
    (cross-attention). `mask` is one of "none", "causal", "prefix" (its length in `prefix`) and "window" (its width
    in `window`). In a notebook the reader's choices come back: `query`, `mask`, `scaled`, `temperature`, and `weights()`.

    Raises `ValueError` on shapes that disagree and on a mask that does not suit them.

    >>> import torch
    >>> AttentionSteps(["a", "b"], torch.eye(2), torch.eye(2), mask="causal").weights()[0]
    tensor([1., 0.])
    """

    _esm = bundle("attention_steps")
    tokens = traitlets.List(traitlets.Unicode()).tag(sync=True)
    key_tokens = traitlets.List(traitlets.Unicode()).tag(sync=True)  # `keys` is taken by ipywidgets
    q = traitlets.Bytes().tag(sync=True)  # float32, one row a token
    k = traitlets.Bytes().tag(sync=True)
    v = traitlets.Bytes(b"").tag(sync=True)
    query = traitlets.Int(0).tag(sync=True)
    mask = traitlets.Enum(MASKS, "none").tag(sync=True)
    prefix = traitlets.Int(2).tag(sync=True)
    window = traitlets.Int(2).tag(sync=True)
    scaled = traitlets.Bool(True).tag(sync=True)
    temperature = traitlets.Float(1.0, min=0.1).tag(sync=True)

    def __init__(
        self, tokens: Sequence[str], q: Any, k: Any, v: Any = None, *, mask: str = "none", keys: Sequence[str] | None = None,
        query: int = 0, prefix: int = 2, window: int = 2,
    ) -> None:  # fmt: skip
        tokens = check_tokens(tokens)
        keys = tokens if keys is None else check_tokens(keys, "keys")
        self._q, self._k = vectors(q, "q", len(tokens)), vectors(k, "k", len(keys))
        if self._q.shape[1] != self._k.shape[1]:
            raise ValueError(
                f"q has d={self._q.shape[1]} and k has d={self._k.shape[1]}: a dot product needs the same d; project both to one d_head."
            )
        super().__init__(
            tokens=tokens,
            key_tokens=keys,
            q=pack(self._q),
            k=pack(self._k),
            v=b"" if v is None else pack(vectors(v, "v", len(keys))),
            query=query,
            mask=check_choice(mask, "mask", suitable_masks(len(tokens), len(keys))),
            prefix=prefix,
            window=window,
        )

    @traitlets.validate("query", "prefix", "window")
    def _fits(self, proposal: Any) -> int:
        name, n_key = proposal["trait"].name, len(self.key_tokens)
        low, high = {"query": (0, len(self.tokens) - 1), "prefix": (0, n_key), "window": (1, n_key)}[name]
        return check_range(proposal["value"], name, low, high)

    def weights(self) -> Tensor:
        """The weights (Tq, Tk) with the reader's choices, by `d2lmini.attention`."""
        n, n_key = len(self.tokens), len(self.key_tokens)
        mask = {
            "none": lambda: None,
            "causal": lambda: masks.causal(n, n_key),
            "prefix": lambda: masks.prefix(n, self.prefix),
            "window": lambda: masks.sliding_window(n, self.window),
        }[self.mask]()
        scale = (self._q.shape[1] ** -0.5 if self.scaled else 1.0) / self.temperature
        return attention_weights(self._q, self._k, mask, scale=scale)

    def sentence(self) -> str:
        """Where the chosen query looks, at the reader's settings."""
        weight, j = self.weights()[self.query].max(dim=-1)
        query, key = labels(self.tokens)[self.query], labels(self.key_tokens)[int(j)]
        shown = number(float(weight), 2)
        return t(
            f"Figure interactive, l’attention pas à pas : « {query} » regarde surtout « {key} » (poids {shown}).",
            f"Interactive figure, attention step by step: “{query}” looks mostly at “{key}” (weight {shown}).",
        )


def suitable_masks(n_query: int, n_key: int) -> tuple[str, ...]:
    """The masks that make sense: those of self-attention need as many keys as queries."""
    if n_query == n_key:
        return MASKS
    return ("none", "causal") if n_key > n_query else ("none",)
