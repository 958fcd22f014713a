"""Figures of the notebooks, set into the page: they take its colors, light or dark, and its width."""

import html
import re

from d2lmini.palette import LIGHT

POINT = 4 / 3  # CSS pixels
PAPER = LIGHT["paper"].lower()
VARIABLES = {value.lower(): f"var(--c-{name})" for name, value in LIGHT.items()}


def inline(svg: str, alt: str, prefix: str) -> str:
    """An SVG picture as a block of the page; `prefix` keeps its ids apart from those of other figures.

    >>> inline('<svg width="3pt" viewBox="0 0 3 1"><path id="a" style="fill: #1c2733"/></svg>', 'a "dot"', "f1")[53:]
    'max-width: 4px" role="img" aria-label="a &quot;dot&quot;"><path id="f1-a" style="fill: var(--c-ink)"/></svg></figure>'
    """
    opening, body = re.match(r"(?s).*?(<svg\b[^>]*>)(.*)$", svg).groups()  # type: ignore[union-attr]
    body = re.sub(r"(?s)<metadata>.*?</metadata>|<title>.*?</title>|<!--.*?-->", "", body)
    body = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', body)
    body = re.sub(r'(href="#|url\(#)', rf"\g<1>{prefix}-", body)
    body = re.sub(r">\s+<", "><", _themed(body)).strip()
    return f'<figure class="figure">{_opened(opening, alt)}{body}</figure>'


def _opened(tag: str, alt: str) -> str:
    """The <svg> tag: as wide as it was drawn, narrower on a phone, and with its sentence."""
    width = float(re.search(r'\bwidth="([\d.]+)', tag)[1])  # type: ignore[index]
    pixels = round(width * POINT if re.search(r'\bwidth="[\d.]+pt', tag) else width)
    tag = re.sub(r'\s(?:width|height|version|xmlns(?::\w+)?|role|aria-label)="[^"]*"', "", tag)
    return tag[:-1].rstrip() + f' style="max-width: {pixels}px" role="img" aria-label="{html.escape(alt)}">'


def _themed(body: str) -> str:
    """Colors of the light palette become the page's variables; the sheet that carries the drawing becomes the page itself."""

    def variable(match: re.Match[str]) -> str:
        return VARIABLES.get(match[0].lower(), match[0])

    def declared(match: re.Match[str]) -> str:
        return re.sub(r"#[0-9a-fA-F]{6}\b", variable, match[0])

    body = re.sub(rf"fill: {PAPER}", "fill: none", body, count=1, flags=re.I)
    body = re.sub(r'\b(fill|stroke)="(#[0-9a-fA-F]{6})"', r'style="\1: \2"', body)
    return re.sub(r'style="[^"]*"', declared, body)
