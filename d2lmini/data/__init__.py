"""What the course reads: small languages that it makes itself, and old texts that arrive inside pinned packages."""

from d2lmini.data import agreement, dates, grammar, littre, numbers, shakespeare, splits, verses, vocabularies
from d2lmini.data.download import fetch
from d2lmini.data.sources import SOURCES, Source, describe

__all__ = [
    "SOURCES",
    "Source",
    "agreement",
    "dates",
    "describe",
    "fetch",
    "grammar",
    "littre",
    "numbers",
    "shakespeare",
    "splits",
    "verses",
    "vocabularies",
]
