"""nbval compares texts exactly; here numbers may also move by one unit of their last printed digit.

Another processor rounds the last digit of a trained figure differently; a wrong result moves more. Pictures are
compared through their alternative text.
"""

import os
import re

from nbval.plugin import IPyNbCell, IPyNbFile

os.environ["D2L_QUIET"] = "1"  # the kernels inherit it: no progress bars
NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w])", re.I)


def close(a: str, b: str) -> bool:
    """Whether two printed numbers are the same up to one unit of the last digit; integers exactly."""
    if a == b:
        return True
    decimals = [len(x.lower().split("e")[0].partition(".")[2]) for x in (a, b)]
    if min(decimals) == 0:
        return False
    exponent = max(int(x.lower().partition("e")[2] or 0) for x in (a, b))
    return abs(float(a) - float(b)) <= 1.001 * 10.0 ** (exponent - min(decimals))


class Printed(str):
    """An output whose equality forgives the last digit of its numbers."""

    def __eq__(self, other: object) -> bool:
        mine, theirs = NUMBER.findall(self), NUMBER.findall(str(other))
        around = [re.sub(r"\s+", " ", NUMBER.sub("#", text)) for text in (str(self), str(other))]
        return around[0] == around[1] and len(mine) == len(theirs) and all(map(close, mine, theirs))

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__


def _sanitize(self: IPyNbCell, text: object) -> object:
    if not isinstance(text, str):
        return text
    if "fr" in self.parent.path.parts:
        text = re.sub(r"(?<=\d),(?=\d)", ".", text)
    return Printed(text)


def _setup(self: IPyNbFile) -> None:
    try:
        _original_setup(self)
    except RuntimeError:  # a kernel dies at birth when another program takes the port it was about to open
        _original_setup(self)
    self.skip_compare = (*self.skip_compare, "image/svg+xml")


_original_setup = IPyNbFile.setup
IPyNbCell.sanitize = _sanitize
IPyNbFile.setup = _setup
