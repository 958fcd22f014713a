"""Where a token may not cross: texts cut into words, by the rules of GPT-2, of BERT and of SentencePiece."""

import re
import sys
import unicodedata
from functools import cache
from itertools import groupby

# What Unicode calls white space. Python's own \s also takes U+001C–U+001F, which GPT-2 reads as punctuation.
SPACE = "\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
BEYOND = re.compile("[\U00010000-\U0010ffff]")


def gpt2_words(text: str) -> list[str]:
    r"""Words with the space before them, numbers, punctuation, runs of spaces (Radford et al. 2019).

    The published rule names the letters `\p{L}` and numbers `\p{N}` of Unicode, which Python's `re` does not know; here they
    are listed from `unicodedata`. Nothing is lost: joined, the words are the text. Characters that are newer
    than Python's tables (`unicodedata.unidata_version`) count as punctuation.

    >>> gpt2_words("L'été 2024, we'll  see…")
    ['L', "'", 'été', ' 2024', ',', ' we', "'ll", ' ', ' see', '…']
    """
    return _gpt2(BEYOND.search(text) is not None).findall(text)


def bert_words(text: str) -> list[str]:
    """Words and single signs of punctuation, without the spaces (Devlin et al. 2019).

    >>> bert_words("L'été 2024, we'll  see…")
    ['L', "'", 'été', '2024', ',', 'we', "'", 'll', 'see', '…']
    """
    return _bert().findall(text)


def marked_words(text: str) -> list[str]:
    r"""Words that begin with `▁` where there was a space, one being added in front, and ends of lines (Kudo and Richardson 2018).

    >>> marked_words("to  be\nor not")
    ['▁to', '▁', '▁be', '\n', 'or', '▁not']
    """
    return re.findall("\n|▁?[^▁\n]+|▁", "▁" + text.replace(" ", "▁")) if text else []


@cache
def _gpt2(beyond: bool) -> re.Pattern[str]:
    """The pattern for texts with characters beyond U+FFFF, or the one without: their 330 ranges make it five times slower."""
    letters, numbers = _characters("L", beyond), _characters("N", beyond)
    return re.compile(
        rf"'s|'t|'re|'ve|'m|'ll|'d| ?[{letters}]+| ?[{numbers}]+| ?[^{SPACE}{letters}{numbers}]+"
        rf"|[{SPACE}]+(?![^{SPACE}])|[{SPACE}]+"
    )


@cache
def _bert() -> re.Pattern[str]:
    signs = r"!-/:-@\[-`{-~" + _characters("P", beyond=True)  # BERT counts $, + or ^ as punctuation, Unicode does not
    return re.compile(rf"[{signs}]|[^{SPACE}{signs}]+")


def _characters(category: str, beyond: bool) -> str:
    r"""The ranges of a general category of Unicode, as inside the brackets of a pattern."""
    last = sys.maxunicode if beyond else 0xFFFF
    runs = groupby(range(last + 1), lambda point: unicodedata.category(chr(point))[0] == category)
    members = [list(points) for inside, points in runs if inside]
    return "".join(f"\\U{points[0]:08x}-\\U{points[-1]:08x}" for points in members)
