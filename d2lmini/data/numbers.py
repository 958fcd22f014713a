"""Whole numbers in words, in English and in French: a translation task without end."""

from collections.abc import Iterable


def number_pairs(numbers: Iterable[int]) -> list[tuple[str, str]]:
    """Each number in English words and in French words, as the num2words library writes them; English without its commas.

    French words are those of France: soixante-dix, quatre-vingts. Raises `ModuleNotFoundError` without num2words.

    >>> number_pairs([42, 1_971])
    [('forty-two', 'quarante-deux'), ('one thousand nine hundred and seventy-one', 'mille neuf cent soixante et onze')]
    """
    try:
        from num2words import num2words
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError('numbers in words need num2words; install it with pip install "num2words>=0.5.14".') from error
    return [(num2words(n, lang="en").replace(",", ""), num2words(n, lang="fr")) for n in numbers]
