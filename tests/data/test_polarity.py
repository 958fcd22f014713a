"""The guest book: halves that share nothing, polarity and gender checked by a second reading, French and English of one plan."""

import re

import pytest

from d2lmini.data import polarity

GOOD = {
    "fr": "superbe agréable calme propre délicieux délicieuse fraîche fondant aimable polie drôle".split(),
    "en": "quiet kind fresh".split(),
}
BAD = {"fr": "bruyante sombre sale fade brûlée rassise impoli hautaine morose".split(), "en": "noisy bland rude".split()}
LANGUAGES = ("fr", "en")


def polarities(language):
    """Every form of every adjective, and whether it is good."""
    halves = [a for labeled in (True, False) for a in polarity.adjectives(language, labeled=labeled)]
    return {form: adjective.good for adjective in halves for form in adjective.forms}


def said(text, language):
    """What one clause says, read by rule: the polarity of its adjective, turned over by a negation."""
    (word,) = [word for word in text.split(" ") if word in polarities(language)]
    return polarities(language)[word] != bool(re.search(r"\b(not|pas)\b", text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_halves_share_no_form_and_both_have_good_and_bad(language):
    halves = [polarity.adjectives(language, labeled=labeled) for labeled in (True, False)]
    forms = [{form for adjective in half for form in adjective.forms} for half in halves]
    assert not forms[0] & forms[1]
    assert [sum(a.good for a in half) for half in halves] == [8, 8] and [len(half) for half in halves] == [16, 16]
    known = polarities(language)
    assert all(known[word] for word in GOOD[language] if word in known) and not any(known[word] for word in BAD[language] if word in known)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("labeled", [True, False])
def test_a_rule_finds_every_label(language, labeled):
    half = {form for a in polarity.adjectives(language, labeled=labeled) for form in a.forms}
    for text, good in polarity.opinions(200, 3, language, labeled=labeled):
        assert said(text, language) == good and half & set(text.split(" "))
    for first, second, agree in polarity.couples(200, 5, language, labeled=labeled):
        assert (said(first, language) == said(second, language)) == agree
    for question, text, start in polarity.questions(100, 7, language, labeled=labeled):
        liked = any(word in question for word in ("liked", "loved", "admired", "aimé", "adoré", "admiré"))
        answer = text.split(" ")[start : start + 2]
        clause = next(clause for clause in re.split(" but | mais ", text) if clause.startswith(" ".join(answer)))
        assert said(clause, language) == liked


def test_both_sides_of_a_note_agree_in_polarity():
    for language, also, but in (("fr", "aussi", "mais"), ("en", "also", "but")):
        known = polarities(language)
        for first, second in polarity.notes(500, 11, language):
            last = second.split(" ")[-1]
            if last in known and also in second.split(" ") and not re.search(r"\b(not|pas|but|mais)\b", first):
                assert all(known[word] == known[last] for word in first.split(" ") if word in known)
            if second.startswith(but) and not re.search(r"\b(not|pas)\b", first):
                assert all(known[word] != known[last] for word in first.split(" ") if word in known)


def test_french_pronouns_have_the_gender_of_their_noun():
    for first, second in polarity.notes(500, 13, "fr"):
        if second.startswith(("il ", "elle ", "mais ")):
            feminine = re.search(r"\bla (\w+)", first) is not None
            assert second.removeprefix("mais ").startswith("elle" if feminine else "il"), (first, second)


def test_one_seed_writes_the_same_notes_in_both_languages():
    english, french = (polarity.notes(50, 17, language) for language in ("en", "fr"))
    assert english == polarity.notes(50, 17, "en") and english != polarity.notes(50, 19, "en")
    for ours, theirs in zip(english, french, strict=True):
        assert ("luckily" in ours[0]) == ("heureusement" in theirs[0]) and ("sadly" in ours[0]) == ("hélas" in theirs[0])


def test_each_word_has_a_tag():
    assert polarity.tags("hélas la soupe n'était pas fraîche", "fr") == [
        "other", "determiner", "noun", "other", "other", "verb", "other", "adjective",
    ]  # fmt: skip
    assert polarity.tags("we recommend her", "en") == ["pronoun", "verb", "pronoun"]


def test_errors_give_the_number_and_a_repair():
    with pytest.raises(ValueError, match=r"n=-1 must be a number of texts; try n=100\."):
        polarity.notes(-1, 0, "fr")
    with pytest.raises(ValueError, match=r"n=5000 different texts are more than .* can make; try n=\d+\."):
        polarity.opinions(5000, 0, "fr", labeled=True)
