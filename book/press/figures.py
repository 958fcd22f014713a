"""Figures of the notebooks, set into the page: they take its colors, light or dark, and its width."""

import html
import re

from d2lmini.palette import LIGHT

POINT = 4 / 3  # CSS pixels
PAPER = LIGHT["paper"].lower()
VARIABLES = {value.lower(): f"var(--c-{name})" for name, value in LIGHT.items()}


def inline(svg: str, alt: str, prefix: str) -> str:
    """An SVG picture as a block of the page; `prefix` keeps its ids apart from those of other figures.

    >>> inline('<svg width="3pt" height="2pt" viewBox="0 0 3 2"><path id="a" style="fill: #1c2733"/></svg>', 'a "dot"', "f1")[:72]
    '<figure class="figure" style="max-width: 4px; aspect-ratio: 3 / 2"><svg '
    """
    opening, body = re.match(r"(?s).*?(<svg\b[^>]*>)(.*)$", svg).groups()  # type: ignore[union-attr]
    # A <style> inside would dress the whole page; notebook.css says what it says.
    body = re.sub(r"(?s)<style.*?</style>|<metadata>.*?</metadata>|<title>.*?</title>|<!--.*?-->|<defs>\s*</defs>", "", body)
    body = re.sub(r'(href="#|url\(#)', rf"\g<1>{prefix}-", _named(body, prefix))
    body = re.sub(r">\s+<", "><", _themed(body)).strip()
    left, top, width, height = re.search(r'viewBox="([^"]*)"', opening)[1].split()  # type: ignore[index]
    # The browser knows the figure's height before it draws it: the page doesn't jump while it loads.
    size = f"max-width: {_pixels(opening)}px; aspect-ratio: {width} / {height}"
    said = html.escape(alt)
    return (
        f'<figure class="figure" style="{size}"><svg viewBox="{left} {top} {width} {height}" role="img" aria-label="{said}">{body}</figure>'
    )


def _named(body: str, prefix: str) -> str:
    """Ids that something points to, once each and with the prefix; the drawing library names every stroke, pictures even twice."""
    wanted = set(re.findall(r'(?:href="#|url\(#)([^")]+)', body))

    def name(match: re.Match[str]) -> str:
        if match[1] not in wanted:
            return ""
        wanted.remove(match[1])
        return f' id="{prefix}-{match[1]}"'

    return re.sub(r'\sid="([^"]+)"', name, body)


def _pixels(tag: str) -> int:
    """The width that the figure was drawn for."""
    width, unit = re.search(r'\bwidth="([\d.]+)(\w*)"', tag).groups()  # type: ignore[union-attr]
    return round(float(width) * (POINT if unit == "pt" else 1))


def _themed(body: str) -> str:
    """Colors of the light palette become the page's variables; the sheet that carries the drawing becomes the page itself."""

    def variable(match: re.Match[str]) -> str:
        return VARIABLES.get(match[0].lower(), match[0])

    def declared(match: re.Match[str]) -> str:
        return re.sub(r"#[0-9a-fA-F]{6}\b", variable, match[0])

    body = re.sub(rf"fill: {PAPER}", "fill: none", body, count=1, flags=re.I)
    body = re.sub(r'\b(fill|stroke)="(#[0-9a-fA-F]{6})"', r'style="\1: \2"', body)
    return re.sub(r'style="[^"]*"', declared, body)
