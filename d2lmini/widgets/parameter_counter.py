"""Parameter counter: where the parameters, the operations and the memory of a transformer are, part by part."""

from dataclasses import asdict, replace
from typing import Any

import traitlets

from d2lmini.counting import PRESETS, Architecture, Preset, parameters
from d2lmini.i18n import apostrophes, number, t, typography
from d2lmini.widgets.base import CourseWidget, bundle, check_choice, check_range

SIZES = ("n_encoder", "n_decoder", "d_model", "n_head", "n_kv_head", "d_ff", "vocab_size")  # what the reader may change
LONGEST = 32_768  # tokens


class ParameterCounter(CourseWidget):
    """Take a published model, change its sizes, and see what each part costs: `d2lmini.counting`, live.

    `preset` is a key of `d2lmini.counting.PRESETS`; `n_token` is the length of the text, cut where the positions end. In a
    notebook the reader's choices come back: `preset`, `sizes` (only those changed), `n_token`, and `architecture()`.

    Raises `ValueError` on an unknown preset, on sizes that do not divide, and on a length out of range.

    >>> counter = ParameterCounter("gpt2-small", sizes={"n_decoder": 24})
    >>> sum(parameters(counter.architecture()).values())
    209494272
    """

    _esm = bundle("parameter_counter")
    presets = traitlets.List(traitlets.Dict()).tag(sync=True)
    preset = traitlets.Enum(tuple(PRESETS), "transformer-base").tag(sync=True)
    sizes = traitlets.Dict().tag(sync=True)
    n_token = traitlets.Int(512).tag(sync=True)

    def __init__(self, preset: str = "transformer-base", *, sizes: dict[str, int] | None = None, n_token: int = 512) -> None:
        super().__init__(
            presets=[_to_json(key, p) for key, p in PRESETS.items()],
            preset=check_choice(preset, "preset", tuple(PRESETS)),
            n_token=n_token,
        )
        self.sizes = sizes or {}  # after the preset, whose change forgets them

    @traitlets.validate("n_token")
    def _fits(self, proposal: Any) -> int:
        return check_range(proposal["value"], "n_token", 1, LONGEST)

    @traitlets.validate("sizes")
    def _divides(self, proposal: Any) -> dict[str, Any]:
        sizes: dict[str, Any] = proposal["value"]
        for name, value in sizes.items():
            check_choice(name, "size", SIZES)
            check_range(value, name, 1, 2**20)
        replace(PRESETS[self.preset].architecture, **sizes)  # raises when heads don't divide
        return sizes

    @traitlets.observe("preset")
    def _forget_sizes(self, _: object) -> None:
        self.sizes = {}

    def architecture(self) -> Architecture:
        """The preset's architecture with the reader's sizes."""
        return replace(PRESETS[self.preset].architecture, **self.sizes)

    def sentence(self) -> str:
        """The model and its number of parameters."""
        name, n = PRESETS[self.preset].name, number(sum(parameters(self.architecture()).values()))
        changed = t(" modifié", " with other sizes") if self.sizes else ""
        return t(
            f"Figure interactive, le compte des paramètres : {name}{changed}, {n}.",
            f"Interactive figure, parameters counted: {name}{changed}, {n}.",
        )


def _to_json(key: str, preset: Preset) -> dict[str, Any]:
    fr, en = preset.why
    return {
        "key": key,
        "name": preset.name,
        "architecture": asdict(preset.architecture),
        "published": preset.published,
        "cited": preset.cited,
        "where": {"fr": preset.where.replace("table", "tableau"), "en": preset.where},
        "why": {"fr": typography(fr), "en": apostrophes(en)},
    }
