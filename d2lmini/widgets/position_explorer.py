"""Position explorer: what each scheme makes of two positions, and why only their offset matters."""

from typing import Any

import torch
import traitlets
from torch import Tensor

from d2lmini.i18n import number, t
from d2lmini.positions import ALiBi, Rotary, Shaw, sinusoid, t5_bucket
from d2lmini.widgets.base import CourseWidget, bundle, check_choice, check_range

SCHEMES = ("sinusoidal", "shaw", "t5", "alibi", "rotary")
# The least, the largest and the step of each choice; `i`, `j`, `head` and `pair` end where others say.
RANGES = {
    "n_position": (4, 64, 1), "d": (4, 64, 2), "n_head": (1, 16, 1), "clip": (1, 16, 1),
    "n_bucket": (8, 32, 4), "max_distance": (32, 128, 8),
    "i": (0, 63, 1), "j": (0, 63, 1), "head": (0, 15, 1), "pair": (0, 31, 1),
}  # fmt: skip

QUERY = 943  # among the examples, one that prefers near keys


class PositionExplorer(CourseWidget):
    """Two positions under five schemes: the reader moves them and sees the score follow their offset j − i, nothing else.

    `scheme` is one of "sinusoidal" (Vaswani et al. 2017, §3.5), "shaw" (Shaw et al. 2018, eq. 5), "t5" (Raffel et al.
    2020, §2.1), "alibi" (Press et al. 2022, §3) and "rotary" (Su et al. 2024, §3.2); see `d2lmini.positions`. What a
    model would learn is an example here: `example_vector`, `example_bias`. For the rotary scheme q and k are one same
    vector, (1, 0) in each pair, so that an arrow's angle is the angle by which it was turned. The choices: query `i` and
    key `j` (three before, unless you say) among `n_position`, `d` (d_model or d_head), `n_head` and `head` (ALiBi),
    `clip` (Shaw), `n_bucket` and `max_distance` (T5), `causal` (T5, ALiBi), `pair` and `interleaved` (rotary). In a
    notebook they come back, and so does `score()`.

    Raises `ValueError` on an unknown scheme and on choices out of range.

    >>> PositionExplorer("alibi", i=5, j=2, n_head=8).score()
    -1.5
    """

    _esm = bundle("position_explorer")
    scheme = traitlets.Enum(SCHEMES, "sinusoidal").tag(sync=True)
    n_position = traitlets.Int(32).tag(sync=True)
    i = traitlets.Int(20).tag(sync=True)
    j = traitlets.Int(17).tag(sync=True)
    together = traitlets.Bool(False).tag(sync=True)  # moving one position moves the other
    d = traitlets.Int(32).tag(sync=True)
    n_head = traitlets.Int(8).tag(sync=True)
    head = traitlets.Int(0).tag(sync=True)
    clip = traitlets.Int(4).tag(sync=True)
    n_bucket = traitlets.Int(32).tag(sync=True)
    max_distance = traitlets.Int(128).tag(sync=True)
    causal = traitlets.Bool(False).tag(sync=True)
    pair = traitlets.Int(3).tag(sync=True)
    interleaved = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self, scheme: str = "sinusoidal", *, i: int | None = None, j: int | None = None, n_position: int = 32, d: int = 32,
        n_head: int = 8, head: int = 0, clip: int = 4, n_bucket: int = 32, max_distance: int = 128, causal: bool = False,
        pair: int | None = None, interleaved: bool = False,
    ) -> None:  # fmt: skip
        i = 5 * n_position // 8 if i is None else i
        super().__init__(
            scheme=check_choice(scheme, "scheme", SCHEMES),
            i=i,
            j=max(i - 3, 0) if j is None else j,
            n_position=n_position,
            d=d,
            n_head=n_head,
            head=head,
            clip=clip,
            n_bucket=n_bucket,
            max_distance=max_distance,
            causal=causal,
            pair=min(3, d // 2 - 1) if pair is None else pair,
            interleaved=interleaved,
        )

    @traitlets.validate(*RANGES)
    def _fits(self, proposal: Any) -> int:
        name, value = proposal["trait"].name, proposal["value"]
        low, high, step = RANGES[name]
        high = {"i": self.n_position - 1, "j": self.n_position - 1, "head": self.n_head - 1, "pair": self.d // 2 - 1}.get(name, high)
        check_range(value, name, low, high)
        if (value - low) % step:
            raise ValueError(f"{name}={value} must be a multiple of {step}; try {name}={value - value % step}.")
        return value

    @traitlets.observe("n_position", "n_head", "d")
    def _stay_inside(self, _: object) -> None:
        last = {"i": self.n_position - 1, "j": self.n_position - 1, "head": self.n_head - 1, "pair": self.d // 2 - 1}
        for name, high in last.items():
            if getattr(self, name) > high:
                setattr(self, name, high)

    def score(self) -> float:
        """What the scheme makes of query `i` and key `j`, by `d2lmini.positions`; −∞ where a causal mask hides the key."""
        if self.causal and self.scheme in ("t5", "alibi") and self.j > self.i:
            return -torch.inf
        return float(getattr(self, f"_{self.scheme}")(torch.tensor([self.i, self.j])))

    def _sinusoidal(self, position: Tensor) -> Tensor:
        wave = sinusoid(position.double(), self.d)
        return wave[0] @ wave[1]

    def _shaw(self, position: Tensor) -> Tensor:
        scheme = Shaw(self.d, self.clip).double()
        scheme.table.data = torch.stack([example_vector(self.d, 1000 + offset) for offset in range(-self.clip, self.clip + 1)])
        q = example_vector(self.d, QUERY).expand(1, self.n_position, -1)
        return scheme.bias(q, q)[0, self.i, self.j].detach()

    def _t5(self, position: Tensor) -> Tensor:
        bucket = t5_bucket(position[1] - position[0], self.causal, self.n_bucket, self.max_distance)
        return example_bias(self.n_bucket, self.causal)[bucket]

    def _alibi(self, position: Tensor) -> Tensor:
        x = torch.zeros(self.n_head, self.n_position, 1, dtype=torch.float64)
        bias = ALiBi(self.n_head).bias(x, x)
        return bias[self.head, self.i, self.j]

    def _rotary(self, position: Tensor) -> Tensor:
        scheme = Rotary(self.d, interleaved=self.interleaved)
        turned = scheme.rotate(start_vector(self.d, self.interleaved).expand(2, -1), position)
        return turned[0] @ turned[1] / self.d**0.5

    def sentence(self) -> str:
        """The score of the two positions and their offset."""
        names = {
            "sinusoidal": ("sinusoïdes, produit scalaire", "sinusoids, dot product"),
            "shaw": ("clés relatives, score", "relative keys, score"),
            "t5": ("tranches de T5, biais", "T5 buckets, bias"),
            "alibi": ("ALiBi, biais", "ALiBi, bias"),
            "rotary": ("codage rotatif, score", "rotary encoding, score"),
        }
        fr, en = names[self.scheme]
        score = self.score()
        shown, offset = "−∞" if score == -torch.inf else number(score, 2), number(self.j - self.i)
        return t(
            f"Figure interactive, les positions ({fr}) : {shown} à l’écart {offset}, de la position {self.i} à la position {self.j}.",
            f"Interactive figure, positions ({en}): {shown} at offset {offset}, from position {self.i} to position {self.j}.",
        )


def example_vector(n: int, seed: int) -> Tensor:
    """n numbers between −1 and 1 that look drawn at random and are the same everywhere: late decimals of a sine."""
    x = 43758.5453 * torch.sin(12.9898 * torch.arange(1, n + 1, dtype=torch.float64) + 78.233 * seed)
    return 2 * (x - x.floor()) - 1


def example_bias(n_bucket: int, causal: bool) -> Tensor:
    """A bias for each bucket, such as a head that prefers near keys, and past ones, could learn: 2 exp(−b/4) − 1, less ½ for the future."""
    own = n_bucket if causal else n_bucket // 2
    bucket = torch.arange(n_bucket)
    return 2 * torch.exp(-(bucket % own).double() / 4) - 1 - 0.5 * (bucket >= own)


def start_vector(d: int, interleaved: bool) -> Tensor:
    """(1, 0) in each pair of coordinates: arrows that point right until they are turned."""
    pairs = torch.tensor([1.0, 0.0], dtype=torch.float64).repeat(d // 2, 1)
    return pairs.flatten() if interleaved else pairs.T.flatten()
