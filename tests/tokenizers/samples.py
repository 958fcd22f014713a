"""Texts that every machine has: the chapters of the course in both languages, the documentation of Python, and dice."""

import random
import re
import unicodedata
from pathlib import Path
from pydoc_data.topics import topics

ROOT = Path(__file__).resolve().parents[2]
SPECIAL = re.compile(r"<\|?/?\w+\|?>")  # the library reads the name of a special token as the token, ours only when asked to
CHAPTERS = [SPECIAL.sub("", path.read_text("utf8")) for path in sorted((ROOT / "chapters").glob("*.md"))]
PYTHON = list(topics.values())
CHARACTERS = [chr(point) for point in range(0x110000) if unicodedata.category(chr(point)) not in ("Cn", "Cs")]
COMMON = " \n\t'slt1é._\x1c\x85\u3000\u202f—"


def random_texts(n: int, seed: int = 0, characters: list[str] = CHARACTERS) -> list[str]:
    """Any assigned character of Unicode, mixed with the ones where words are cut."""
    dice = random.Random(seed)
    return ["".join(dice.choice(characters if dice.random() < 0.4 else COMMON) for _ in range(dice.randrange(40))) for _ in range(n)]
