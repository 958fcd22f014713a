"""The cover: the attention of a text to its own past, woven. Each weft is a letter; it runs over the letters it looks at."""

import html

import numpy as np

from d2lmini import palette
from d2lmini.i18n import Language
from d2lmini.palette import DARK, LIGHT

TEXT = "pas à pas, step by step"
CELL = 20
ALT: dict[Language, str] = {
    "fr": f"Un tissu en train de se faire : chaque fil horizontal est une lettre de « {TEXT} », chaque fil vertical une lettre "
    "qu’elle peut regarder ; il passe dessus, plus épais et coloré, là où l’attention est forte. Au-dessus de la diagonale, "
    "l’avenir n’est pas tissé.",
    "en": f"A fabric on the loom: each horizontal thread is a letter of “{TEXT},” each vertical thread a letter that it may look "
    "at; it runs on top, thicker and colored, where attention is strong. Above the diagonal, the future is not woven.",
}


def attention(text: str = TEXT) -> np.ndarray:
    """Causal attention (T, T) between letters: alike ones attract each other, so do the ones that follow alike ones.

    One-hot letters as queries and keys, a bonus for what came after the same letter, a slope that forgets, then a softmax.
    """
    letters = np.array(list(text))
    same = (letters[:, None] == letters[None, :]).astype(float)
    after = np.zeros_like(same)
    after[:, 1:] = same[:, :-1]
    distance = np.arange(len(letters))[:, None] - np.arange(len(letters))[None, :]
    scores = 2.6 * same + 1.7 * after - 0.11 * distance
    scores[distance < 0] = -np.inf
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def figure(language: Language) -> str:
    """The cover as a block of the page, in the page's colors."""
    return f'<figure class="cover">{svg(ALT[language])}</figure>'


def svg(alt: str) -> str:
    """The woven attention as SVG, drawn with the palette's CSS variables."""
    weights = attention()
    n = len(weights)
    size = n * CELL
    warp = [_thread(j * CELL + CELL / 2, 0, j * CELL + CELL / 2, size, "warp") for j in range(n)]
    weft = [_weft(i, weights[i]) for i in range(n)]
    over = [_warp_over(i, j) for i in range(n) for j in range(i + 1) if weights[i, j] < 0.12 and (i + j) % 2]
    signs = [f'<text x="{i * CELL + CELL + 8}" y="{i * CELL + CELL / 2 + 5}">{html.escape(c)}</text>' for i, c in enumerate(TEXT)]
    body = "".join([*warp, *weft, *over, *signs])
    return f'<svg viewBox="-4 -4 {size + 32} {size + 8}" role="img" aria-label="{html.escape(alt)}">{body}</svg>'


def picture() -> str:
    """The cover as a file of its own, for the README: `python -m book.cover > book/cover.svg`."""
    variables = palette.css("svg", "svg").replace("\n", "@media (prefers-color-scheme: dark) {") + "}"
    threads = (
        "path { stroke-linecap: round } .warp { stroke: var(--c-rule); stroke-width: 5 } .weft { stroke: var(--c-blue); stroke-width: 4;"
        " opacity: 0.5 } .float { stroke: var(--c-vermilion) } .self { stroke: var(--c-blue) }"
        " text { font: 600 15px monospace; fill: var(--c-muted) }"
    )
    opening, rest = svg(ALT["en"]).split(">", 1)
    return f'{opening} xmlns="http://www.w3.org/2000/svg" width="420"><style>{variables} {threads}</style>{rest}\n'


def favicon() -> str:
    """A corner of the fabric, in the colors of the light and dark themes."""
    style = (
        f".a{{stroke:{LIGHT['blue']}}}.b{{stroke:{LIGHT['vermilion']}}}"
        f"@media(prefers-color-scheme:dark){{.a{{stroke:{DARK['blue']}}}.b{{stroke:{DARK['vermilion']}}}}}"
    )
    rows = "".join(f'<path class="{"ab"[i % 2]}" d="M4 {6 + 7 * i}H{7 + 7 * i}"/>' for i in range(4))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 33 33" fill="none" stroke-width="4.5" stroke-linecap="round">'
        f"<style>{style}</style>{rows}</svg>"
    )


def _thread(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<path class="{kind}" d="M{x1:g} {y1:g}L{x2:g} {y2:g}"/>'


def _weft(i: int, weights: np.ndarray) -> str:
    """One horizontal thread from the first letter to its own: thin, and thick where it looks."""
    y = i * CELL + CELL / 2
    parts = [_thread(2, y, i * CELL + CELL - 2, y, "weft")]
    for j in np.flatnonzero(weights >= 0.12):
        width = 5 + 10 * min(1, float(weights[j]) / 0.6)
        kind = "self" if j == i else "float"
        parts.append(f'<path class="{kind}" stroke-width="{width:.1f}" d="M{j * CELL + 3} {y:g}h{CELL - 6}"/>')
    return "".join(parts)


def _warp_over(i: int, j: int) -> str:
    x = j * CELL + CELL / 2
    return _thread(x, i * CELL + 3, x, i * CELL + CELL - 3, "warp")


if __name__ == "__main__":
    print(picture(), end="")
