"""Figures in one style, in the reader's language, with an alternative text for whoever can't see them."""

import io
import logging
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, ScalarFormatter

from d2lmini.i18n import get_language, number, t
from d2lmini.palette import HEAT, LIGHT, SERIES

logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # the fallback font has no weight 600
for _font in sorted((Path(__file__).parent / "fonts").glob("*.ttf")):
    font_manager.fontManager.addfont(str(_font))
STYLE: Any = {
    "font.family": [font_manager.FontProperties(fname=str(_font)).get_name(), "DejaVu Sans"],
    "font.size": 11,
    "mathtext.fontset": "stixsans",
    "figure.facecolor": LIGHT["paper"],
    "axes.facecolor": LIGHT["paper"],
    "savefig.facecolor": LIGHT["paper"],
    "text.color": LIGHT["ink"],
    "axes.labelcolor": LIGHT["ink"],
    "axes.edgecolor": LIGHT["muted"],
    "axes.titlelocation": "left",
    "axes.titlesize": 13,
    "axes.titleweight": 600,
    "axes.titlepad": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": plt.cycler(color=[LIGHT[name] for name in SERIES]),
    "axes.unicode_minus": True,
    "xtick.color": LIGHT["muted"],
    "ytick.color": LIGHT["muted"],
    "xtick.labelcolor": LIGHT["ink"],
    "ytick.labelcolor": LIGHT["ink"],
    "grid.color": LIGHT["rule"],
    "lines.linewidth": 2,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "svg.fonttype": "path",  # the same drawing in every reader, whatever fonts it has
    "svg.hashsalt": "d2lmini",  # the same bytes at every run
    "svg.image_inline": True,
}
plt.rcParams.update(STYLE)
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D", "v")


class _Localized(ScalarFormatter):
    """Tick labels with the reader's decimal mark."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        label = super().__call__(x, pos)
        return label.replace(".", ",") if get_language() == "fr" else label


def figure(width: float = 6.4, height: float = 3.4, columns: int = 1) -> tuple[Figure, Any]:
    """An empty figure in the course's style: (figure, axes), with an array of axes when columns > 1."""
    fig, axes = plt.subplots(1, columns, figsize=(width, height))
    for ax in np.atleast_1d(axes):
        ax.xaxis.set_major_formatter(_Localized())
        ax.yaxis.set_major_formatter(_Localized())
    return fig, axes


def show(fig: Figure, alt: str) -> None:
    """Display a finished figure as SVG, with `alt` saying what it shows, then close it.

    Raises `ValueError` on an empty `alt`: someone who listens to the page needs that sentence.
    """
    if not alt.strip():
        raise ValueError("alt='' must say what the figure shows; try alt=t('…', '…') with its finding.")
    buffer = io.StringIO()
    fig.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(fig)
    svg = buffer.getvalue()
    bundle = {"image/svg+xml": svg[svg.index("<svg") :], "text/plain": alt}
    display(bundle, raw=True, metadata={"image/svg+xml": {"alt": alt}})


def heatmap(weights: Any, queries: Sequence[str], keys: Sequence[str] | None = None, *, ax: Axes | None = None, title: str = "") -> Axes:
    """Attention weights (Tq, Tk) as a table of colored cells, each with its value; 0 stays blank."""
    weights = np.asarray(weights)
    keys = queries if keys is None else keys
    if weights.shape != (len(queries), len(keys)):
        raise ValueError(
            f"weights has shape {weights.shape} but there are {len(queries)} queries and {len(keys)} keys; "
            "pass one label a row and one a column."
        )
    if ax is None:
        _, ax = figure(1.6 + 0.62 * len(keys), 1.3 + 0.42 * len(queries))
    ax.set_facecolor(LIGHT["panel"])
    ax.imshow(np.ma.masked_equal(weights, 0), cmap=HEAT, vmin=0, vmax=1, aspect="auto")
    for (i, j), w in np.ndenumerate(weights):
        if w:
            color = "black" if w > 0.468 else "white"
            ax.text(j, i, number(float(w), 2), ha="center", va="center", fontsize=9, color=color)
    ax.set_xticks(range(len(keys)), keys, rotation=0 if max(map(len, keys)) < 7 else 35)
    ax.set_yticks(range(len(queries)), queries)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set(xlabel=t("clés", "keys"), ylabel=t("requêtes", "queries"), title=title)
    return ax


def bipartite(weights: Any, queries: Sequence[str], keys: Sequence[str] | None = None, *, ax: Axes | None = None, title: str = "") -> Axes:
    """Attention as lines from each query (left) to its keys (right); the darker, the heavier."""
    weights = np.asarray(weights)
    keys = queries if keys is None else keys
    if ax is None:
        _, ax = figure(4.2, 0.7 + 0.34 * max(weights.shape))
    for (i, j), w in np.ndenumerate(weights):
        if w > 0.02:
            ax.plot([0, 1], [i, j], color=LIGHT["blue"], alpha=float(min(1, w)), linewidth=0.5 + 3 * w)
    for x, labels, side in ((-0.03, queries, "right"), (1.03, keys, "left")):
        for i, label in enumerate(labels):
            ax.text(x, i, label, ha=side, va="center")
    ax.set(xlim=(-0.45, 1.45), ylim=(max(weights.shape) - 0.5, -0.5), title=title)
    ax.xaxis.set_major_locator(NullLocator())
    ax.yaxis.set_major_locator(NullLocator())
    ax.spines[:].set_visible(False)
    return ax


def curves(
    x: Sequence[float], ys: Mapping[str, Sequence[float]], *, ax: Axes | None = None, log: str = "", markers: bool = True, **labels: str
) -> Axes:
    """One line a name, told apart by color, dash and marker, and named at its right end.

    `log` holds "x", "y" or both; `labels` go to `Axes.set` (title, xlabel, ylabel).
    """
    if ax is None:
        _, ax = figure()
    if "x" in log:
        ax.set_xscale("log")
    if "y" in log:
        ax.set_yscale("log")
    styles = zip(ys.values(), cycle(SERIES), cycle(DASHES), cycle(MARKERS), strict=False)
    for y, color, dash, marker in styles:
        ax.plot(x, y, color=LIGHT[color], linestyle=dash, marker=marker if markers else None, markersize=5)
    ax.set(**labels)  # type: ignore[arg-type]
    ax.get_ylim()  # settles the limits, on which the next line depends
    ends = [ax.transData.transform((x[-1], y[-1]))[1] for y in ys.values()]
    for (name, y), color, end, place in zip(ys.items(), cycle(SERIES), ends, _apart(ends, ax.figure.dpi * 0.17), strict=False):
        shift = (8, (place - end) * 72 / ax.figure.dpi)
        ax.annotate(name, (x[-1], y[-1]), shift, textcoords="offset points", va="center", color=LIGHT[color], annotation_clip=False)
    ax.grid(axis="y")
    ax.set_axisbelow(True)
    return ax


def _apart(heights: Sequence[float], gap: float) -> list[float]:
    """The same heights, raised where needed so that no two are closer than `gap`.

    >>> _apart([5, 0, 1], 2)
    [5, 0, 2]
    """
    placed = list(heights)
    floor = -float("inf")
    for i in sorted(range(len(placed)), key=placed.__getitem__):
        placed[i] = floor = max(placed[i], floor + gap)
    return placed
