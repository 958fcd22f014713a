"""A two-glyph font for the narrow no-break space, which the course's typefaces lack and systems draw at any width."""

import base64
import io

from fontTools.fontBuilder import FontBuilder
from fontTools.ttLib.tables._g_l_y_f import Glyph

NAME = "Course spaces"
UNITS = 1000
NARROW = 190  # thousandths of an em: a French thin space, between a fifth and a sixth


def font() -> bytes:
    """The font, the same bytes at every call."""
    builder = FontBuilder(UNITS, isTTF=True)
    builder.setupGlyphOrder([".notdef", "narrow"])
    builder.setupCharacterMap({0x202F: "narrow"})
    builder.setupGlyf({".notdef": Glyph(), "narrow": Glyph()})
    builder.setupHorizontalMetrics({".notdef": (NARROW, 0), "narrow": (NARROW, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": NAME, "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=800, sTypoDescender=-200, usWinAscent=800, usWinDescent=200)
    builder.setupPost()
    builder.updateHead(created=0, modified=0)
    builder.font.recalcTimestamp = False
    buffer = io.BytesIO()
    builder.font.save(buffer)
    return buffer.getvalue()


def css() -> str:
    """The font as one CSS rule that needs no other file."""
    data = base64.b64encode(font()).decode()
    return f'@font-face {{ font-family: "{NAME}"; src: url("data:font/ttf;base64,{data}") format("truetype"); unicode-range: U+202F; }}\n'
