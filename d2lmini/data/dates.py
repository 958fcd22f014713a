"""Dates in words, in English and in French: the same facts in another order."""

import datetime
import random
from collections.abc import Iterable, Sequence

AMERICAN = "EEEE, MMMM d, y"  # Tuesday, March 3, 1987
FORMATS = (AMERICAN, "EEEE, d MMMM y", "EEE d MMM y", "y-MM-dd, EEEE")  # the patterns of Unicode (CLDR), which babel writes
FRENCH = "EEEE d MMMM y"


def date_pairs(days: Iterable[datetime.date], formats: Sequence[str] = (AMERICAN,)) -> list[tuple[str, str]]:
    """Each day in English, once in every format, and in French, where the first of a month is « 1er ».

    Raises `ModuleNotFoundError` without babel.

    >>> date_pairs([datetime.date(1987, 3, 3), datetime.date(2026, 5, 1)])
    [('Tuesday, March 3, 1987', 'mardi 3 mars 1987'), ('Friday, May 1, 2026', 'vendredi 1er mai 2026')]
    >>> [english for english, french in date_pairs([datetime.date(1987, 3, 3)], FORMATS)][2:]
    ['Tue 3 Mar 1987', '1987-03-03, Tuesday']
    """
    try:
        from babel.dates import format_date
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError('dates in words need babel; install it with pip install "babel>=2.16".') from error
    return [
        (
            format_date(day, pattern, locale="en_US"),
            format_date(day, FRENCH.replace("d", "d'er'") if day.day == 1 else FRENCH, locale="fr_FR"),
        )
        for day in days
        for pattern in formats
    ]


def random_days(
    n: int, seed: int, first: datetime.date = datetime.date(1900, 1, 1), last: datetime.date = datetime.date(2099, 12, 31)
) -> list[datetime.date]:
    """`n` different days between `first` and `last`, both included; raises `ValueError` when there are not so many.

    >>> random_days(2, seed=0, first=datetime.date(2024, 2, 28), last=datetime.date(2024, 2, 29))
    [datetime.date(2024, 2, 29), datetime.date(2024, 2, 28)]
    """
    there = (last - first).days + 1
    if not 0 <= n <= there:
        raise ValueError(
            f"n={n} different days must be among the {max(there, 0)} from {first} to {last}; try n={max(there, 0)} or wider limits."
        )
    return [first + datetime.timedelta(days) for days in random.Random(seed).sample(range(there), n)]
