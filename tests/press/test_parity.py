"""Each way in which twins can disagree is refused, with file, line, rule and both texts."""

import pytest

from book.press import Refused
from book.press.parity import check
from tests.press.samples import EN, FR, code, prose, write


def test_good_twins_pass(tmp_path):
    check(write(tmp_path, prose(), code('t("3,5 mots", "3.5 words")')))


@pytest.mark.parametrize(
    ("what", "fr", "en"),
    [
        ("heading levels", FR, EN.replace("##", "###")),
        ("equations", FR, EN.replace("{d}", "{2d}")),
        ("equations", FR + "\n$$a = 0{,}5$$", EN + "\n$$a = 0.6$$"),
        ("code spans", FR, EN.replace("`q`", "`k`")),
        ("code blocks", FR + "\n```\na\n```", EN + "\n```\nb\n```"),
        ("citations", FR, EN.replace("vaswani2017attention", "raffel2020exploring")),
        ("links", FR, EN.replace("03_masks", "02_attention")),
        ("figures", FR + "\n![carte](a.svg)", EN + "\n![map](b.svg)"),
        ("boxes", FR + "\n:::{tip} Ici\nOui.\n:::", EN),
        ("boxes", FR + "\n<details>\n<summary>Ici</summary>\n\n</details>", EN),
        ("numbers", FR.replace("0,5", "0,6"), EN),
        ("numbers", FR.replace("1 000", "10 000"), EN),
        ("numbers", FR, EN.replace("1,000", "1.000")),
        ("glossary terms", FR + " {term}`requête`", EN + " {term}`key`"),
    ],
)
def test_twins_that_differ_are_refused(tmp_path, what, fr, en):
    path = write(tmp_path, prose(fr, en))
    with pytest.raises(Refused, match=f"twins differ in {what}") as refusal:
        check(path)
    assert f"{path}:8:" in str(refusal.value)


def test_the_refusal_quotes_both_texts(tmp_path):
    with pytest.raises(Refused) as refusal:
        check(write(tmp_path, prose(FR.replace("0,5", "0,6"), EN)))
    assert "soit 0,6 de" in str(refusal.value) and "larger, 0.5 of" in str(refusal.value)


def test_section_numbers_are_not_decimals(tmp_path):
    check(write(tmp_path, prose("Voir §3.2.1 et § 3.2, soit 0,5.", "See §3.2.1 and § 3.2, that is 0.5.")))


def test_equations_may_differ_in_words_spacing_and_decimal_mark(tmp_path):
    check(write(tmp_path, prose(r"$$a = 0{,}5 \, \text{si besoin}$$", r"$$a = 0.5 \; \text{if needed}$$")))


@pytest.mark.parametrize(
    ("fr", "en", "message"),
    [
        ("The cat is on the mat and it is happy.", "The cat is on the mat and it is happy.", "a paragraph in en inside a cell in fr"),
        ("Bon.\n\nThe cat sleeps on the mat and it is happy.", "Good.\n\nYes.", "a paragraph in en inside a cell in fr"),
        ("Le chat dort.", "Le chat dort sur le tapis et il est content dans la vie.", "a paragraph in fr inside a cell in en"),
        ('Il dit "oui".', 'He says "yes".', "French prose quotes with"),
        ("Un token est un mot.", "A token is a word.", "the glossary says « jeton », not « token »"),
        ("Le {term}`zorglub` agit.", "The {term}`zorglub` acts.", "not in book/glossary.yml"),
    ],
)
def test_prose_in_the_wrong_language_or_words_is_refused(tmp_path, fr, en, message):
    with pytest.raises(Refused, match=message):
        check(write(tmp_path, prose(fr, en)))


def test_a_foreign_word_in_italics_may_stand(tmp_path):
    check(write(tmp_path, prose("Un jeton (*token*) est un mot.", "A token is a word.")))


def test_strings_of_the_code_agree_in_numbers(tmp_path):
    with pytest.raises(Refused, match=r"two texts of t\(…\) differ in numbers"):
        check(write(tmp_path, code('x = 1\nt("8 têtes", "9 heads")')))
