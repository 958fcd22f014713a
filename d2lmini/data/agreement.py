"""What is wrong in a French sentence of the small grammar: gender, number, person, tense, elision, order, or another word."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Literal, NamedTuple

from d2lmini.data.grammar import BEFORE_VOWEL, DEFINITE, FUTURE, ONE
from d2lmini.data.lexicon import ACTIONS, ADJECTIVES, BE, NOUNS, VERBS, Verb

Mistake = Literal["gender", "number", "person", "tense", "elision", "order", "word"]
PERSON = ("1", "3", "1", "2", "3")  # je, il, nous, vous, ils
NUMBER = ("one", "one", "many", "", "many")  # vous may be one or many


class Reading(NamedTuple):
    """One way to read a form; an empty feature agrees with everything."""

    lemma: str
    gender: str = ""
    number: str = ""
    person: str = ""
    tense: str = ""


def mistakes(right: str, said: str) -> set[Mistake]:
    """How `said` differs from the `right` translation; nothing when they are the same.

    With the same words in the same order, each form that differs is named by what it gets wrong; `order` and `word` stand
    alone, since nothing can be compared then.

    >>> mistakes("la petite vache dort", "le petite vache dorment") == {"gender", "number"}
    True
    >>> mistakes("la vache noire dort", "la noire vache dort"), mistakes("la vache dort", "la souris dort")
    ({'order'}, {'word'})
    """
    ours, theirs = _forms(right), _forms(said)
    lemmas, others = ([_lemma(form) for form in forms] for forms in (ours, theirs))
    if lemmas != others:
        return {"order"} if Counter(lemmas) == Counter(others) else {"word"}
    return set().union(*(_difference(a, b) for a, b in zip(ours, theirs, strict=True) if a != b))


def _difference(a: str, b: str) -> set[Mistake]:
    """The fewest features in which two forms of a word disagree; with none, it is elision (le, l') or contraction (de, du)."""
    pairs = product(_readings()[a], _readings()[b])
    features: tuple[Mistake, ...] = ("gender", "number", "person", "tense")
    found = [{f for f in features if getattr(x, f) and getattr(y, f) and getattr(x, f) != getattr(y, f)} for x, y in pairs]
    return min(found, key=len) or {"elision"}


def _forms(text: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:-[^\W_]+)*'?|[^\w\s]", text)


def _lemma(form: str) -> str:
    return _readings()[form][0].lemma if form in _readings() else form


@cache
def _readings() -> dict[str, list[Reading]]:
    table: dict[str, list[Reading]] = {}
    for form, reading in _lexicon():
        table.setdefault(form, []).append(reading)
    return table


def _lexicon() -> Iterator[tuple[str, Reading]]:
    for noun in NOUNS:
        for form, number in zip(noun.fr, ("one", "many"), strict=True):
            yield form, Reading(noun.fr[0], noun.gender, number)
    for adjective in ADJECTIVES:
        for form, (number, gender) in zip(adjective.fr, product(("one", "many"), "mf"), strict=True):
            yield form, Reading(adjective.fr[0], gender, number)
    for masculine, feminine, many in DEFINITE.values():
        yield from (
            (masculine, Reading(masculine, "m", "one")),
            (feminine, Reading(masculine, "f", "one")),
            (many, Reading(masculine, "", "many")),
        )
    for masculine, feminine in ONE.values():
        yield from ((masculine, Reading(masculine, "m", "one")), (feminine, Reading(masculine, "f", "one")))
    for form, before in BEFORE_VOWEL.items():
        if form not in ("ma", "sa"):
            yield before, Reading(form, "m", "one")
    yield from (("mon", Reading("mon", "f", "one")), ("son", Reading("son", "f", "one")))  # mon île
    yield from (("l'", Reading("le", "", "one")), ("ces", Reading("ce", "", "many")))
    yield from (("de", Reading("de")), ("d'", Reading("de")), ("du", Reading("de", "m", "one")), ("des", Reading("de", "", "many")))
    for full in ("je", "me", "ne", "que"):
        yield from ((full, Reading(full)), (full[:-1] + "'", Reading(full)))
    yield from (("il", Reading("il", "m")), ("elle", Reading("il", "f")))
    for verb in (*VERBS, *ACTIONS, BE):
        yield from _conjugation(verb)


def _conjugation(verb: Verb) -> Iterator[tuple[str, Reading]]:
    lemma = verb.future + "…"
    for i, form in enumerate(verb.present):
        if verb is not BE or i in (1, 4):  # nobody says « je suis » here, so that « suis » is suivre
            yield form, Reading(lemma, "", NUMBER[i], PERSON[i], "present")
    for i, ending in enumerate(FUTURE):
        yield verb.future + ending, Reading(lemma, "", NUMBER[i], PERSON[i], "future")
