"""Head grid: the attention of every head of a model as a small picture, one of them as lines and as a table."""

from collections.abc import Sequence
from typing import Any

import torch
import traitlets
from jaxtyping import Float, UInt8
from torch import Tensor

from d2lmini.i18n import number, t
from d2lmini.widgets.base import CourseWidget, bundle, check_range, check_tokens, labels

MAX_HEAD_TOKENS = 64  # the lines of one head fill a screen
MAX_BYTES = 1_000_000  # one byte a weight, and a page should stay under two megabytes


class HeadGrid(CourseWidget):
    """Every head at a glance, one head in detail: who looks at whom (Vaswani et al. 2017, §3.2.2).

    `weights` (L, H, Tq, Tk) holds the attention weights of L layers of H heads, or is a list of L tensors (H, Tq, Tk);
    `tokens` names the queries, and `keys` the keys when these are others (cross-attention), at most 64 of each. Layers and
    heads count from 0 in Python and from 1 on the screen. In a notebook the reader's choices come back: `layer`, `head`,
    the highlighted `query` or `key` (−1: none), and `chosen()`. The browser receives one byte a weight, see `quantize`.

    Raises `ValueError` when shapes and tokens disagree, when the rows are no weights, and beyond a million weights.

    >>> HeadGrid(torch.eye(3).expand(2, 4, 3, 3), ["a", "b", "c"], layer=1).chosen()[2]
    tensor([0., 0., 1.])
    """

    _esm = bundle("head_grid")
    tokens = traitlets.List(traitlets.Unicode()).tag(sync=True)
    key_tokens = traitlets.List(traitlets.Unicode()).tag(sync=True)  # `keys` is taken by ipywidgets
    shape = traitlets.List(traitlets.Int()).tag(sync=True)  # L, H, Tq, Tk
    weights = traitlets.Bytes().tag(sync=True)  # uint8, in the order of `shape`
    layer = traitlets.Int(0).tag(sync=True)
    head = traitlets.Int(0).tag(sync=True)
    query = traitlets.Int(-1).tag(sync=True)
    key = traitlets.Int(-1).tag(sync=True)

    def __init__(
        self, weights: Any, tokens: Sequence[str], *, keys: Sequence[str] | None = None, layer: int = 0, head: int = 0, query: int = -1,
    ) -> None:  # fmt: skip
        tokens = check_tokens(tokens, limit=MAX_HEAD_TOKENS)
        keys = tokens if keys is None else check_tokens(keys, "keys", MAX_HEAD_TOKENS)
        w = attention_weights(weights, len(tokens), len(keys))
        super().__init__(
            tokens=tokens,
            key_tokens=keys,
            shape=list(w.shape),
            weights=quantize(w).numpy().tobytes(),
            layer=layer,
            head=head,
            query=query,
        )

    @traitlets.validate("layer", "head", "query", "key")
    def _fits(self, proposal: Any) -> int:
        name = proposal["trait"].name
        n_layer, n_head, n_query, n_key = self.shape
        low, high = {"layer": (0, n_layer), "head": (0, n_head), "query": (-1, n_query), "key": (-1, n_key)}[name]
        return check_range(proposal["value"], name, low, high - 1)

    def chosen(self) -> Tensor:
        """The weights (Tq, Tk) of the reader's head, as the browser decodes them."""
        stored = torch.frombuffer(bytearray(self.weights), dtype=torch.uint8).reshape(self.shape)
        return (stored[self.layer, self.head] / 255) ** 2

    def sentence(self) -> str:
        """How many heads there are, and where one query of the chosen head looks."""
        n_layer, n_head = self.shape[:2]
        i = self.query if self.query >= 0 else len(self.tokens) - 1
        weight, j = self.chosen()[i].max(dim=-1)
        query, key, shown = labels(self.tokens)[i], labels(self.key_tokens)[int(j)], number(float(weight), 1)
        layer, head = self.layer + 1, self.head + 1
        return t(
            f"Figure interactive, toutes les têtes d’attention (couches : {n_layer}, têtes par couche : {n_head}). "
            f"Couche {layer}, tête {head} : « {query} » regarde surtout « {key} » (poids {shown}).",
            f"Interactive figure, all attention heads (layers: {n_layer}, heads per layer: {n_head}). "
            f"Layer {layer}, head {head}: “{query}” looks mostly at “{key}” (weight {shown}).",
        )


def quantize(weights: Float[Tensor, "*S"]) -> UInt8[Tensor, "*S"]:
    """One byte a weight, round(255 √w), so that (byte / 255)² gives it back: the square root spends the 256 steps on small weights.

    Only an exact 0, such as a masked place, becomes 0: a tiny weight becomes 1.

    >>> quantize(torch.tensor([0.0, 1e-9, 0.25, 1.0]))
    tensor([  0,   1, 128, 255], dtype=torch.uint8)
    """
    return (255 * weights.sqrt()).round().clamp(1, 255).where(weights > 0, 0).to(torch.uint8)


def attention_weights(weights: Any, n_query: int, n_key: int) -> Tensor:
    """`weights` as (L, H, Tq, Tk) in float32, or a `ValueError` that says how to get there."""
    if isinstance(weights, list | tuple):
        weights = _stack([torch.as_tensor(layer) for layer in weights])
    w = torch.as_tensor(weights).detach().to("cpu", torch.float32)
    if w.ndim != 4:
        repair = {2: "weights[None, None]", 3: "weights[None]", 5: "one text, weights[:, 0]"}.get(w.ndim, "one tensor (H, Tq, Tk) a layer")
        raise ValueError(f"weights has shape {tuple(w.shape)} and must have four axes (L, H, Tq, Tk); try {repair}.")
    for axis, name, n in ((2, "tokens", n_query), (3, "keys", n_key)):
        if w.shape[axis] != n:
            raise ValueError(
                f"weights has shape {tuple(w.shape)} and {name} has {n} tokens, where axis {axis} must count {n}; "
                f"give the {w.shape[axis]} {name} that made these weights."
            )
    if w.numel() > MAX_BYTES:
        raise ValueError(
            f"weights holds {w.numel():,} values and must hold {MAX_BYTES:,} at most, or the page grows heavy; show fewer layers."
        )
    sums = w.sum(dim=-1)
    usual = (sums - 1).abs() < 0.02
    if not (usual | (sums == 0)).all() or w.min() < 0:  # NaN is neither
        worst = sums[~(usual | (sums == 0))]
        found = f"a row that sums to {float(worst[0]):.2f}" if len(worst) else f"the value {float(w.min()):.2f}"
        raise ValueError(
            f"weights has {found}; each row must hold weights from 0 to 1 that sum to 1, or zeros only: "
            "give what the softmax over the keys returns, with model.eval() so that no dropout follows."
        )
    return w


def _stack(layers: list[Tensor]) -> Tensor:
    shapes = list(dict.fromkeys(tuple(layer.shape) for layer in layers))
    if len(shapes) != 1:
        raise ValueError(
            f"weights has layers of shapes {', '.join(map(str, shapes)) or 'none'} and all must have the same; make one HeadGrid a shape."
        )
    return torch.stack([layer.detach().to("cpu", torch.float32) for layer in layers])
