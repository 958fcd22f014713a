"""Texts, numbers and dates in either language; French typography."""

import datetime

import pytest

from d2lmini import i18n
from d2lmini.i18n import THIN


@pytest.mark.parametrize(
    ("x", "digits", "fr", "en"),
    [
        (1234.5, 2, f"1{THIN}234,50", "1,234.50"),
        (44_153_373, None, f"44{THIN}153{THIN}373", "44,153,373"),
        (0.5, None, "0,5", "0.5"),
        (-2.25, 1, "−2,2", "−2.2"),
        (3, 0, "3", "3"),
    ],
)
def test_numbers(x, digits, fr, en):
    assert i18n.number(x, digits) == en
    i18n.set_language("fr")
    assert i18n.number(x, digits) == fr


def test_texts_follow_the_language_and_french_gets_its_spaces():
    assert i18n.t("Qui regarde qui ?", "Who looks at whom?") == "Who looks at whom?"
    i18n.set_language("fr")
    assert i18n.t("Qui regarde qui ?", "Who looks at whom?") == f"Qui regarde qui{THIN}?"


def test_code_between_backticks_stays_as_it_is():
    assert i18n.t("", "`it's` isn't") == "`it's` isn’t"
    i18n.set_language("fr")
    assert i18n.t("`a ; b` ; c'est", "") == f"`a ; b`{THIN}; c’est"


def test_a_text_in_both_languages_is_filled_and_told_in_the_readers_own():
    text = i18n.Text("{n} {what}", "{what}: {n}").fill(n=2, what=i18n.Text("têtes", "heads"))
    assert text == ("2 têtes", "heads: 2") and str(text) == "heads: 2"
    assert text + i18n.Text(" !", "!") == ("2 têtes !", "heads: 2!")


def test_dates():
    first, last = datetime.date(2026, 8, 1), datetime.date(2026, 12, 31)
    assert (i18n.date(first), i18n.date(last)) == ("August 1, 2026", "December 31, 2026")
    i18n.set_language("fr")
    assert (i18n.date(first), i18n.date(last)) == ("1er août 2026", "31 décembre 2026")


def test_an_unknown_language_is_refused_and_changes_nothing():
    with pytest.raises(ValueError, match=r"language='de' must be one of \('fr', 'en'\); try 'fr' or 'en'"):
        i18n.set_language("de")
    assert i18n.get_language() == "en"
