"""A small grammar of English and of French: two sentences from one plan, so that each English one has one right translation.

French says what English leaves unsaid: gender, agreement of article, adjective and verb, adjectives after the noun, elision
(l'arbre, n'aime), contraction (du roi), « ne … pas », « est-ce que », pronouns before the verb.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from d2lmini.data.lexicon import (
    ACTIONS,
    ADJECTIVES,
    ALIVE,
    ALL,
    BE,
    NEAR,
    NOUNS,
    OBJECT_PRONOUNS,
    PRONOUNS,
    VERBS,
    Adjective,
    Kind,
    Noun,
    Verb,
)

FUTURE = ("ai", "a", "ons", "ez", "ont")
PERSONS = {"I": 0, "he": 1, "she": 1, "we": 2, "you": 3}
SAME = ({"I", "me"}, {"we", "us"}, {"I", "us"}, {"we", "me"}, {"you"})  # nobody sees himself here
VOWELS = tuple("aeiouéêîœh")  # no h of this lexicon is aspirate
ELIDED = {"je", "me", "ne", "le", "la", "de", "que"}
BEFORE_VOWEL = {"beau": "bel", "vieux": "vieil", "nouveau": "nouvel", "ce": "cet", "ma": "mon", "sa": "son"}
CONTRACTED = {("de", "le"): ["du"], ("de", "les"): ["des"]}
DEFINITE = {  # French: masculine, feminine, many
    "the": ("le", "la", "les"),
    "my": ("mon", "ma", "mes"),
    "his": ("son", "sa", "ses"),
    "her": ("son", "sa", "ses"),
    "our": ("notre", "notre", "nos"),
    "your": ("votre", "votre", "vos"),
}
ONE = {"a": ("un", "une"), "this": ("ce", "cette"), "each": ("chaque", "chaque")}
FREE = {"man", "woman"}  # nobody's
MANY = {"some": "des", "these": "ces", "two": "deux", "three": "trois"}
Dice = random.Random


@dataclass(frozen=True)
class Phrase:
    """A subject, an object or a place in both languages, before elision, and what a verb must know of it."""

    en: tuple[str, ...]
    fr: tuple[str, ...]
    kind: Kind
    person: int = 1  # je, il, nous, vous, ils
    feminine: bool = False
    pronoun: bool = False
    noun: Noun | None = None


@dataclass(frozen=True, kw_only=True)
class Role:
    """What a noun phrase may be, where it stands."""

    each: bool = False  # « chaque », not in a negative sentence
    nothing: bool = False  # « ne … pas de »: the object of a negative sentence
    any: bool = False  # for some, in a question or a negative sentence
    plain: bool = False  # a place: nobody's, and not « des »
    known: bool = False  # after "like": one likes this cat, the cats, not a cat


@dataclass(frozen=True)
class Mood:
    """What a whole sentence is."""

    future: bool
    negative: bool
    question: bool


def sentence_pairs(n: int, seed: int) -> list[tuple[str, str]]:
    """`n` different English sentences, each with its translation, in small letters and without a full stop; the same for a seed.

    Raises `ValueError` when `n` is negative.

    >>> for english, french in sentence_pairs(2, seed=7):
    ...     print(english, "→", french)
    the beautiful book is not strange → le beau livre n'est pas étrange
    the man's big white cats see some boats → les grands chats blancs de l'homme voient des bateaux
    """
    if n < 0:
        raise ValueError(f"n={n} must be a number of sentences; try n=1000.")
    dice = random.Random(seed)
    found: dict[str, str] = {}
    while len(found) < n:
        found.setdefault(*_sentence(dice))
    return list(found.items())


def _sentence(dice: Dice) -> tuple[str, str]:
    mood = Mood(future=dice.random() < 0.25, negative=dice.random() < 0.3, question=dice.random() < 0.25)
    kind = dice.choices(("being", "acting", "doing"), (2, 2, 6))[0]
    if kind == "being":
        return _being(dice, mood)
    verb = dice.choice(VERBS if kind == "doing" else ACTIONS)
    subject = _subject(dice, verb.subjects, mood)
    goal = _object(dice, verb, subject, mood) if kind == "doing" else None
    place = _place(dice, goal) if dice.random() < 0.25 else None
    after_en = [verb.particle] * bool(verb.particle) + [word for part in (goal, place) if part for word in part.en]
    after_fr = [word for part in (goal, place) if part and not part.pronoun for word in part.fr]
    clitic = list(goal.fr) if goal and goal.pronoun else []
    return _english(subject, verb.en, after_en, mood), _french(subject, clitic, verb, after_fr, mood)


def _being(dice: Dice, mood: Mood) -> tuple[str, str]:
    subject = _subject(dice, ALL, mood, pronouns=("he", "she"))
    fitting = [adjective for adjective in ADJECTIVES if subject.kind in adjective.kinds and adjective.en not in subject.en]
    quality = dice.choice(fitting)
    form = quality.fr[2 * (subject.person == 4) + subject.feminine]
    is_, rest = BE.en[subject.person == 1], [quality.en]
    if mood.future:
        english = _english(subject, ("be", "be"), rest, mood)
    else:
        no = ["not"] * mood.negative
        english = _text([is_, *subject.en, *no, *rest] if mood.question else [*subject.en, is_, *no, *rest], "?" * mood.question)
    return english, _french(subject, [], BE, [form], mood)


def _english(subject: Phrase, verb: Sequence[str], after: list[str], mood: Mood) -> str:
    does = "will" if mood.future else "does" if subject.person == 1 else "do"
    no = ["not"] * mood.negative
    if mood.question:
        return _text([does, *subject.en, *no, verb[0], *after], "?")
    if mood.future or mood.negative:
        return _text([*subject.en, does, *no, verb[0], *after])
    return _text([*subject.en, verb[subject.person == 1], *after])


def _french(subject: Phrase, clitic: list[str], verb: Verb, after: list[str], mood: Mood) -> str:
    conjugated = verb.future + FUTURE[subject.person] if mood.future else verb.present[subject.person]
    core = ["ne", *clitic, conjugated, "pas"] if mood.negative else [*clitic, conjugated]
    return _text(_elided([*(["est-ce", "que"] * mood.question), *subject.fr, *core, *after]), " ?" * mood.question)


def _subject(dice: Dice, kinds: Sequence[Kind], mood: Mood, pronouns: Sequence[str] = tuple(PRONOUNS)) -> Phrase:
    if "person" in kinds and dice.random() < 0.3:
        name = dice.choice(pronouns)
        return Phrase((name,), (PRONOUNS[name],), "person", PERSONS[name], feminine=name == "she", pronoun=True)
    return _noun_phrase(dice, [noun for noun in NOUNS if noun.kind in kinds], Role(each=not mood.negative))


def _object(dice: Dice, verb: Verb, subject: Phrase, mood: Mood) -> Phrase:
    if "person" in verb.objects and dice.random() < 0.2:
        name = dice.choice([me for me in OBJECT_PRONOUNS if {*subject.en, me} not in SAME])
        return Phrase((name,), (OBJECT_PRONOUNS[name],), "person", pronoun=True)
    nouns = [noun for noun in NOUNS if noun.kind in verb.objects and noun is not subject.noun]
    role = Role(each=not mood.negative, nothing=mood.negative, any=mood.negative or mood.question, known=verb.en[0] == "like")
    return _noun_phrase(dice, nouns, role)


def _place(dice: Dice, goal: Phrase | None) -> Phrase:
    noun = dice.choice([noun for noun in NOUNS if noun.preposition and (goal is None or noun is not goal.noun)])
    assert noun.preposition is not None, "chosen for it"
    english, french = dice.choice((noun.preposition, *NEAR))
    phrase = _noun_phrase(dice, [noun], Role(plain=True))
    return Phrase((english, *phrase.en), tuple(_contracted([*french.split(), *phrase.fr])), "place", noun=noun)


def _noun_phrase(dice: Dice, nouns: Sequence[Noun], role: Role) -> Phrase:
    """A determiner or an owner, up to two adjectives and a noun; sometimes what it does."""
    noun, many = dice.choice(nouns), dice.random() < 0.45
    feminine, form = noun.gender == "f", 2 * many + (noun.gender == "f")
    before, after = _adjectives(dice, noun)
    owner = None if role.plain or noun.kind == "person" or dice.random() > 0.15 else _owner(dice)
    name = "the" if owner else _determiner(dice, noun, many, role)
    article = "de" if _loses_article(name, role, before) else _article(name, many, feminine)
    french = [article, *[a.fr[form] for a in before], noun.fr[many], *[a.fr[form] for a in after]]
    if not many:
        french = [BEFORE_VOWEL.get(a, a) if b.startswith(VOWELS) else a for a, b in zip(french, [*french[1:], ""], strict=True)]
    english = [*[a.en for a in (*before, *after)], noun.en[many]]
    if owner:
        english, french = [*owner.en, *english], [*french, *_contracted(["de", *owner.fr])]
    else:
        english = ["any" if name == "some" and role.any else "an" if name == "a" and english[0][0] in "aeio" else name, *english]
    if noun.kind in ALIVE and not (owner or role.nothing) and dice.random() < 0.12:
        action = dice.choice(ACTIONS)
        english += ["who" if noun.kind == "person" else "that", action.en[not many]]
        french += ["qui", action.present[4 if many else 1]]
    return Phrase(tuple(english), tuple(french), noun.kind, 4 if many else 1, feminine, noun=noun)


def _adjectives(dice: Dice, noun: Noun) -> tuple[list[Adjective], list[Adjective]]:
    fitting = [adjective for adjective in ADJECTIVES if noun.kind in adjective.kinds]
    before = [adjective for adjective in fitting if adjective.before]
    after = [adjective for adjective in fitting if not adjective.before]
    return [dice.choice(before)] * (dice.random() < 0.3), [dice.choice(after)] * (dice.random() < 0.3)


def _owner(dice: Dice) -> Phrase:
    """Whose it is: « the king's », « le roi »."""
    owner, many = dice.choice([noun for noun in NOUNS if noun.kind == "person"]), dice.random() < 0.3
    name = "the" if owner.en[0] in FREE else dice.choice(("the", "the", *DEFINITE))
    word = owner.en[many] + ("'" if owner.en[many].endswith("s") else "'s")
    return Phrase((name, word), (_article(name, many, owner.gender == "f"), owner.fr[many]), "person")


def _determiner(dice: Dice, noun: Noun, many: bool, role: Role) -> str:
    if dice.random() < 0.5:
        left_out = ["each"] * (not role.each) + ["some"] * role.plain + ["a", "some"] * role.known
        return dice.choice([name for name in (MANY if many else ONE) if name not in left_out])
    return "the" if noun.en[0] in FREE else dice.choice(("the", "the", "the", *DEFINITE))


def _article(name: str, many: bool, feminine: bool) -> str:
    if name in DEFINITE:
        return DEFINITE[name][2 if many else feminine]
    return MANY[name] if many else ONE[name][feminine]


def _loses_article(name: str, role: Role, before: Sequence[Adjective]) -> bool:
    """« elle ne voit pas de chat », « elle voit de vieux chats »."""
    return (role.nothing and name in ("a", "some")) or (name == "some" and bool(before))


def _contracted(words: list[str]) -> list[str]:
    """« de le » is « du »; but « de l'arbre », since a vowel elides the article first."""
    for i, pair in enumerate(pairwise(words)):
        if pair in CONTRACTED and not (pair[1] == "le" and words[i + 2].startswith(VOWELS)):
            return [*words[:i], *CONTRACTED[pair], *words[i + 2 :]]
    return words


def _elided(words: list[str]) -> list[str]:
    """« je aime » is « j'aime »."""
    result: list[str] = []
    for word, following in zip(words, [*words[1:], ""], strict=True):
        joined = word[:-1] + "'" if word in ELIDED and following.startswith(VOWELS) else word
        if result and result[-1].endswith("'"):
            result[-1] += joined
        else:
            result.append(joined)
    return result


def _text(words: list[str], end: str = "") -> str:
    return " ".join(words) + end
