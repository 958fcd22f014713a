"""Cache explorer: what a decoder keeps so as not to read again, what it weighs, and what shared keys and values save."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import traitlets

from d2lmini import counting
from d2lmini.counting import PRESETS, Architecture
from d2lmini.i18n import number, t
from d2lmini.widgets.base import CourseWidget, bundle, check_choice, check_range, check_tokens

DECODERS = {key: preset for key, preset in PRESETS.items() if preset.architecture.n_decoder and not preset.architecture.n_encoder}
LONGEST, MOST_TEXTS, MAX_STEPS = 131_072, 1024, 16  # tokens of a text, texts at once, tokens of the picture
SIZES = {"bytes_per_number": (4, 2, 1), "weight_bytes": (4, 2, 1, 0.5)}
EXAMPLE = ("Le chat noir dort sur le vieux lit et rêve de lait", "The black cat sleeps on the old bed and dreams of milk")


class CacheExplorer(CourseWidget):
    """One step of writing with and without a cache, heads that share keys and values, and the bill: `d2lmini.counting`, live.

    `preset` is a key of `DECODERS`. Its query heads share `n_kv_head` heads of keys and values, the published number if 0: as
    many as query heads (Vaswani et al. 2017, §3.2.2), fewer (Ainslie et al. 2023, §2.2) or one (Shazeer 2019, §3). `batch` texts
    of `n_token` tokens are written at once, cut where the positions end. A number of the cache takes `bytes_per_number` bytes
    (4, 2 or 1), one of the weights `weight_bytes` (also 0.5). The picture is of token `step` among `tokens`, counted from 1. In
    a notebook the reader's choices come back, and so do `architecture()`, `cache_bytes()` and `flops_of_a_token()`.

    Raises `ValueError` on an unknown preset, on heads that do not divide, and on numbers out of range.

    >>> explorer = CacheExplorer("llama3-8b", n_token=8192, batch=3)
    >>> explorer.cache_bytes() == 3 * 2 * 32 * 8 * 128 * 8192 * 2
    True
    """

    _esm = bundle("cache_explorer")
    presets = traitlets.List(traitlets.Dict()).tag(sync=True)
    preset = traitlets.Enum(tuple(DECODERS), "llama3-8b").tag(sync=True)
    n_kv_head = traitlets.Int(0).tag(sync=True)
    n_token = traitlets.Int(8192).tag(sync=True)
    batch = traitlets.Int(1).tag(sync=True)
    bytes_per_number = traitlets.Int(2).tag(sync=True)
    weight_bytes = traitlets.Float(2.0).tag(sync=True)
    tokens = traitlets.List(traitlets.Unicode()).tag(sync=True)
    step = traitlets.Int(8).tag(sync=True)

    def __init__(
        self, preset: str = "llama3-8b", *, n_kv_head: int = 0, n_token: int = 8192, batch: int = 1, bytes_per_number: int = 2,
        weight_bytes: float = 2, tokens: Sequence[str] | None = None, step: int | None = None,
    ) -> None:  # fmt: skip
        tokens = check_tokens(t(*EXAMPLE).split() if tokens is None else tokens, limit=MAX_STEPS)
        super().__init__(
            presets=[{"key": key, "name": p.name, "architecture": asdict(p.architecture)} for key, p in DECODERS.items()],
            preset=check_choice(preset, "preset", tuple(DECODERS)),
            tokens=tokens,
            n_token=n_token,
            batch=batch,
            bytes_per_number=bytes_per_number,
            weight_bytes=weight_bytes,
            step=min(8, len(tokens)) if step is None else step,
        )
        self.n_kv_head = n_kv_head  # after the preset, whose change forgets it

    @traitlets.validate("n_token", "batch", "step")
    def _fits(self, proposal: Any) -> int:
        name = proposal["trait"].name
        return check_range(proposal["value"], name, 1, {"n_token": LONGEST, "batch": MOST_TEXTS, "step": len(self.tokens)}[name])

    @traitlets.validate(*SIZES)
    def _is_offered(self, proposal: Any) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        if value not in SIZES[name]:
            raise ValueError(f"{name}={value:g} must be one of {', '.join(f'{size:g}' for size in SIZES[name])}; try {name}=2.")
        return value

    @traitlets.validate("n_kv_head")
    def _divides(self, proposal: Any) -> int:
        value, a = proposal["value"], PRESETS[self.preset].architecture
        check_range(value, "n_kv_head", 0, a.n_head)
        replace(a, n_kv_head=value)  # raises when heads don't divide
        return int(value)

    @traitlets.observe("preset")
    def _forget_heads(self, _: object) -> None:
        self.n_kv_head = 0

    @property
    def length(self) -> int:
        """Tokens of a text, no more than the model has positions."""
        return min(self.n_token, PRESETS[self.preset].architecture.n_position or LONGEST)

    def architecture(self) -> Architecture:
        """The preset's architecture with the reader's heads of keys and values."""
        a = PRESETS[self.preset].architecture
        return replace(a, n_kv_head=self.n_kv_head or a.n_kv_head)

    def cache_bytes(self) -> int:
        """The keys and values of all the texts."""
        return self.batch * sum(counting.cache_bytes(self.architecture(), self.length, self.bytes_per_number).values())

    def flops_of_a_token(self, *, cached: bool = True) -> int:
        """Operations that score the token after a text of `length` tokens."""
        return sum(counting.step_flops(self.architecture(), self.length, cached=cached).values())

    def sentence(self) -> str:
        """The model, its texts, and the memory of their keys and values beside that of the weights."""
        a, name = self.architecture(), PRESETS[self.preset].name
        weights = self.weight_bytes * sum(counting.parameters(a).values())
        n, kv = number(self.length), a.n_kv_head or a.n_head
        cache_gb, weights_gb, texts = number(self.cache_bytes() / 1e9, 2), number(weights / 1e9, 2), number(self.batch)
        return t(
            f"Figure interactive, le cache des clés et des valeurs : {name}, têtes de clés et valeurs : {kv} pour {a.n_head}. "
            f"Textes : {texts}, de {n} jetons ; cache : {cache_gb} Go, poids : {weights_gb} Go.",
            f"Interactive figure, the key/value cache: {name}, key-value heads: {kv} for {a.n_head}. "
            f"Texts: {texts}, of {n} tokens; cache: {cache_gb} GB, weights: {weights_gb} GB.",
        )
