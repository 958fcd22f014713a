"""Numbers, dates and the small grammar: each translation checked by a second way to say it."""

import datetime
import random
import re
import subprocess
import sys
from itertools import pairwise

import pytest

from d2lmini import i18n
from d2lmini.data import agreement, dates, grammar, numbers
from d2lmini.data.lexicon import ADJECTIVES, NOUNS

UNITS = dict(
    zip("zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize".split(), range(17), strict=True)
)
TENS = {"vingt": 20, "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60}
ENGLISH = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
)
ENGLISH_UNITS = {word: n for n, word in enumerate(ENGLISH.split())}
ENGLISH_TENS = {word: 10 * n for n, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}


def read_french(text: str) -> int:
    """The number that French words mean: « quatre-vingt » multiplies, the rest adds up."""
    total = part = 0
    for word in re.split("[ -]", text):
        word = word.removesuffix("s") if word in ("vingts", "cents", "millions") else word
        if word == "vingt" and part % 100 == 4:
            part += 76
        elif word == "cent":
            part = max(part, 1) * 100
        elif word in ("mille", "million"):
            total, part = total + max(part, 1) * {"mille": 1_000, "million": 1_000_000}[word], 0
        elif word != "et":
            part += (UNITS | TENS)[word]
    return total + part


def read_english(text: str) -> int:
    total = part = 0
    for word in re.split("[ -]", text):
        if word == "hundred":
            part *= 100
        elif word in ("thousand", "million"):
            total, part = total + part * {"thousand": 1_000, "million": 1_000_000}[word], 0
        elif word != "and":
            part += (ENGLISH_UNITS | ENGLISH_TENS)[word]
    return total + part


def test_numbers_by_hand():
    assert dict(numbers.number_pairs([0, 21, 80, 81, 99, 200, 1_000])) == {
        "zero": "zéro",
        "twenty-one": "vingt et un",
        "eighty": "quatre-vingts",
        "eighty-one": "quatre-vingt-un",
        "ninety-nine": "quatre-vingt-dix-neuf",
        "two hundred": "deux cents",
        "one thousand": "mille",
    }


def test_numbers_read_back():
    some = [*range(2_000), *random.Random(0).sample(range(10**9), 3_000)]
    for n, (english, french) in zip(some, numbers.number_pairs(some), strict=True):
        assert (read_english(english), read_french(french)) == (n, n)


@pytest.mark.parametrize(("make", "package"), [(numbers.number_pairs, "num2words"), (dates.date_pairs, "babel")])
def test_a_missing_library_is_named_with_its_repair(make, package, monkeypatch):
    for name in (package, f"{package}.dates"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ModuleNotFoundError, match=rf'need {package}; install it with pip install "{package}>='):
        make([])


def test_dates_agree_with_our_own_way_to_write_them():
    names = "lundi mardi mercredi jeudi vendredi samedi dimanche".split()
    days = dates.random_days(500, seed=3)
    for day, (english, french) in zip(days, dates.date_pairs(days), strict=True):
        i18n.set_language("fr")
        assert french == f"{names[day.weekday()]} {i18n.date(day)}"
        i18n.set_language("en")
        assert english == f"{day:%A}, {i18n.date(day)}"
    assert any(" 1er " in french for _, french in dates.date_pairs(days))


def test_every_format_has_the_same_translation_and_none_says_two_days():
    days = dates.random_days(400, seed=1)
    pairs = dates.date_pairs(days, dates.FORMATS)
    assert len(dict(pairs)) == len(pairs) == 4 * len(days) and len({french for _, french in pairs}) == len(days)
    assert [english for english, _ in dates.date_pairs([datetime.date(2000, 12, 1)], dates.FORMATS)] == [
        "Friday, December 1, 2000",
        "Friday, 1 December 2000",
        "Fri 1 Dec 2000",
        "2000-12-01, Friday",
    ]


def test_days_are_different_repeat_and_keep_their_limits():
    first, last = datetime.date(1999, 12, 30), datetime.date(2000, 1, 1)
    assert sorted(dates.random_days(3, 0, first, last)) == [first, datetime.date(1999, 12, 31), last]
    assert dates.random_days(50, seed=5) == dates.random_days(50, seed=5) != dates.random_days(50, seed=6)
    with pytest.raises(ValueError, match="n=4 different days must be among the 3 from 1999-12-30 to 2000-01-01; try n=3 or wider limits"):
        dates.random_days(4, 0, first, last)


@pytest.fixture(scope="module")
def pairs():
    return dict(grammar.sentence_pairs(60_000, seed=0))


BY_HAND = {
    "I sleep": "je dors",
    "I wait": "j'attends",
    "I will arrive": "j'arriverai",
    "she is beautiful": "elle est belle",
    "we do not sleep": "nous ne dormons pas",
    "he does not wait": "il n'attend pas",
    "do you sleep?": "est-ce que vous dormez ?",
    "is he old?": "est-ce qu'il est vieux ?",
    "the horses sleep": "les chevaux dorment",
    "the star is beautiful": "l'étoile est belle",
    "is she not tired?": "est-ce qu'elle n'est pas fatiguée ?",
    "you hide her star": "vous cachez son étoile",
    "are some eggs strange?": "est-ce que des œufs sont étranges ?",
    "she likes him": "elle l'aime",
    "we see them": "nous les voyons",
}


def test_sentences_by_hand(pairs):
    assert {english: pairs.get(english) for english in BY_HAND} == BY_HAND


def test_sixty_thousand_sentences_and_one_translation_each(pairs):
    assert len(pairs) == 60_000
    more = dict(pairs)
    for english, french in grammar.sentence_pairs(60_000, seed=1):
        assert more.setdefault(english, french) == french
    assert 100_000 < len(more) < 120_000, "many are new, and some came back, so that something was compared"


def test_the_same_sentences_for_a_seed_in_every_process():
    code = (
        "from d2lmini.data.grammar import sentence_pairs; print(hash(tuple(sorted(map(len, map(str, sentence_pairs(500, 7)))))), len({}))"
    )
    code = "from d2lmini.data.grammar import sentence_pairs; import sys; sys.stdout.buffer.write(repr(sentence_pairs(500, 7)).encode())"
    runs = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env={"PYTHONHASHSEED": seed, "PATH": ""}).stdout
        for seed in "123"
    }
    assert runs == {repr(grammar.sentence_pairs(500, 7)).encode()}
    assert grammar.sentence_pairs(500, 7) != grammar.sentence_pairs(500, 8)
    with pytest.raises(ValueError, match="n=-1 must be a number of sentences; try n=1000"):
        grammar.sentence_pairs(-1, 0)


WRONG = {
    "a vowel without elision": r"\b(?:le|la|je|me|ne|de|que) [aeiouéêîœh]",
    "an elision before a consonant": r"'[^aeiouéêîœh]",
    "no contraction": r"\b(?:de les?\b|du [aeiouéêîœh]|du (?!\w))",
    "a masculine form before a vowel": r"\b(?:beau|nouveau|ce|ma|sa) [aeiouéêîœh]",
    "the form before a vowel elsewhere": r"\b(?:bel|vieil|nouvel|cet) [^aeiouéêîœh]",
    "two articles": r"\b(?:(?:des|du) (?:le|la|les|des|du|de)|de (?:les?|des|du|de|un|une))\b",
    "des before an adjective": r"^(?:est-ce que )?des (?:petit|vieux|vieille|beaux|belle|grand|nouve|jeune)",
}


@pytest.mark.parametrize("what", WRONG)
def test_no_sentence_has(what, pairs):
    assert not [pair for pair in pairs.items() if re.search(WRONG[what], pair[1])][:5]


def test_each_side_says_the_same_mood(pairs):
    for english, french in pairs.items():
        assert english.endswith("?") == french.endswith(" ?") == french.startswith("est-ce qu")
        assert ("not" in english.split()) == (" pas" in french) == bool(re.search(r"\bn(?:e |')", french))


def test_pronouns_stand_before_the_verb(pairs):
    after = re.compile(r"\b(?:me|le|la|les|nous|vous) pas\b|pas (?:me|le|la|les|nous|vous)$")
    said = [french for english, french in pairs.items() if re.search(r" not .*(?:me|him|her|us|them)\??$", english)]
    assert len(said) > 500 and not [french for french in said if after.search(french)]


def test_not_a_cat_has_no_article(pairs):
    """« pas de chat »: after not, the object loses « un » and « des », which English says with a and any."""
    verbs = "see|hear|follow|want|have|buy|look for|find|draw|hide"
    said = {english: french for english, french in pairs.items() if re.search(rf" not (?:{verbs}) (?:an?|any) ", english)}
    assert len(said) > 1_000 and all(re.search(r" pas d(?:e |')", french) for french in said.values())
    some = [english for english in pairs if re.search(rf"(?:not|\?.*) (?:{verbs}) some |^(?:do|does|will) .* (?:{verbs}) some ", english)]
    assert not some and sum(" any " in english for english in pairs) > 500


def test_nouns_and_what_goes_with_them_agree(pairs):
    """Neighbours of a noun, looked up in a list that says what goes with each gender and number."""
    kinds = {
        ("m", 0): "le un ce cet du mon son notre votre chaque",
        ("f", 0): "la une cette ma mon sa son notre votre chaque",
        ("m", 1): "les des ces mes ses nos vos deux trois de",
        ("f", 1): "les des ces mes ses nos vos deux trois de",
    }
    fits = {key: set(words.split()) for key, words in kinds.items()}
    for adjective in ADJECTIVES:
        for number in (0, 1):
            for gender in "mf":
                fits[gender, number].add(adjective.fr[2 * number + (gender == "f")])
    for singular in ("bel", "vieil", "nouvel"):
        fits["m", 0].add(singular)
    nouns = {noun.fr[number]: (noun.gender, number) for noun in NOUNS for number in (0, 1) if noun.fr[0] != noun.fr[1]}
    checked = 0
    for english, french in pairs.items():
        words = french.split()
        for before, word in pairwise(words):
            before = before.removeprefix("qu'").removeprefix("d'")
            if word in nouns and before not in ("de", "pas") and not before.endswith("'"):
                checked += 1
                assert before in fits[nouns[word]], (english, french)
    assert checked > 60_000


def test_verbs_agree_with_their_subjects(pairs):
    """The end of a verb after a pronoun, or after a subject of an article and a noun."""
    ends = {"je": "esx", "il": "eats", "elle": "eats", "nous": "s", "vous": "z"}
    plural = {noun.fr[1] for noun in NOUNS if noun.fr[0] != noun.fr[1]}
    checked = 0
    for english, french in pairs.items():
        words = french.removesuffix(" ?").removeprefix("est-ce que ").split()
        if words[0] in ends and words[1] not in ("ne", "le", "la", "les", "me", "nous", "vous") and "'" not in words[1]:
            checked += 1
            assert words[1][-1] in ends[words[0]] or words[1].endswith(("ai", "a", "dort", "suit", "rit", "court", "d")), (english, french)
        if words[0] == "les" and words[1] in plural and len(words) == 3 and "est" not in english:
            checked += 1
            assert words[2].endswith("nt") or " are " in english, (english, french)
    assert checked > 2_000


def test_mistakes_are_named():
    wrong = {
        ("le vieux chat dort", "le vieille chat dort"): {"gender"},
        ("les chats dorment", "le chats dorment"): {"number"},
        ("les chats dorment", "les chats dort"): {"number"},
        ("nous dormons", "nous dormez"): {"person"},
        ("le chat dort", "le chat dormira"): {"tense"},
        ("elle m'aime", "elle me aime"): {"elision"},
        ("près du roi", "près de roi"): {"elision"},
        ("l'arbre vert", "le vert arbre"): {"order"},
        ("je dors", "il dort"): {"word"},
        ("les petites vaches dorment", "le petit vaches dormira"): {"gender", "number", "tense"},
    }
    assert {pair: agreement.mistakes(*pair) for pair in wrong} == wrong


def test_no_mistake_is_found_in_what_is_right_and_one_in_what_is_not(pairs):
    forms = [form for adjective in ADJECTIVES for form in adjective.fr if adjective.fr[0] not in ("vieux", "heureux")]
    other = {form: a.fr[i ^ 1] for a in ADJECTIVES for i, form in enumerate(a.fr) if a.fr[i ^ 1] != form and form in forms}
    changed = 0
    for french in list(pairs.values())[:5_000]:
        assert agreement.mistakes(french, french) == set()
        words = french.split()
        for i, word in enumerate(words):
            if word in other:
                changed += 1
                assert agreement.mistakes(french, " ".join([*words[:i], other[word], *words[i + 1 :]])) == {"gender"}
    assert changed > 1_000
