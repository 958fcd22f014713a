"""Pages of a guest book, in English or French: notes to read without labels, and small tasks whose test words no teacher labels.

Adjectives of one polarity keep company: "and" and "also" join two that agree, "but" two that don't, "not" turns one over. A note has
two sentences; the second goes on about the same thing, with its pronoun. Tasks take their adjectives from one of two halves.
"""

import random
from collections.abc import Callable, Hashable
from functools import cache
from typing import Literal, NamedTuple, TypeVar

from d2lmini.tokenizers.words import words_and_signs

Language = Literal["en", "fr"]
Tag = Literal["determiner", "noun", "adjective", "verb", "pronoun", "other"]
Item = TypeVar("Item", bound=Hashable)
Dice = random.Random
NOUNS = {  # English, then French; feminine after the bar
    "place": "garden jardin, bed lit, lounge salon, balcony balcon | room chambre, terrace terrasse, pool piscine, view vue",
    "meal": "cake gâteau, fish poisson, bread pain, cheese fromage | soup soupe, pie tarte, meat viande, salad salade",
    "person": "waiter serveur, landlord patron, porter portier | waitress serveuse, landlady patronne, singer chanteuse",
}
ADJECTIVES = {  # English, then French, with its feminine where that is another word; bad after the bar
    "any": "superb superbe, perfect parfait/parfaite, great formidable, pleasant agréable"
    " | horrible horrible, disappointing décevant/décevante, mediocre médiocre, dreadful lamentable",
    "place": "quiet calme, bright clair/claire, clean propre, comfortable confortable"
    " | noisy bruyant/bruyante, dark sombre, dirty sale, damp humide",
    "meal": "delicious délicieux/délicieuse, fresh frais/fraîche, fragrant parfumé/parfumée, tender tendre"
    " | bland fade, burnt brûlé/brûlée, stale rassis/rassise, inedible immangeable",
    "person": "kind aimable, polite poli/polie, helpful serviable, funny drôle"
    " | rude impoli/impolie, haughty hautain/hautaine, grumpy morose, slow lent/lente",
}
VERBS = {True: "liked aimé, loved adoré, admired admiré", False: "hated détesté, blamed blâmé, criticized critiqué"}
SIGHS = {"en": {True: "luckily", False: "sadly"}, "fr": {True: "heureusement", False: "hélas"}}
BACK = {
    "en": {True: "we will come back soon", False: "we will never come back"},
    "fr": {True: "nous reviendrons bientôt", False: "nous ne reviendrons jamais"},
}
ADVICE = {
    "en": {True: "we recommend {}", False: "we discourage {}"},
    "fr": {True: "nous {} recommandons", False: "nous {} déconseillons"},
}


class Noun(NamedTuple):
    """What one may praise; the gender is that of the French word, and of the person."""

    word: str
    feminine: bool
    topic: str


class Adjective(NamedTuple):
    """Masculine and feminine forms (the same in English), what it may be said of, and the half it belongs to."""

    forms: tuple[str, str]
    topic: str
    good: bool
    labeled: bool


class Opinion(NamedTuple):
    """One sentence with one adjective, and whether it is good."""

    text: str
    good: bool


class Couple(NamedTuple):
    """Two sentences on one thing, and whether they agree."""

    first: str
    second: str
    agree: bool


class Question(NamedTuple):
    """What was liked, or not, in a text: the answer is two words of the text, from its word number `start` on."""

    question: str
    text: str
    start: int


def notes(n: int, seed: int, language: Language) -> list[tuple[str, str]]:
    """`n` different notes of two sentences, in small letters and without full stops; the same for a seed.

    Raises `ValueError` when `n` is negative.

    >>> for first, second in notes(3, 0, "fr"):
    ...     print(first, "|", second)
    la tarte était fade | elle était aussi décevante
    le poisson n'était pas délicieux | il était aussi médiocre
    le portier était lent mais le salon était clair | nous avons adoré le salon
    """
    return _different(n, seed, lambda dice: _Writer(dice, language).note())


def opinions(n: int, seed: int, language: Language, *, labeled: bool) -> list[Opinion]:
    """`n` different sentences "the room was (really) quiet" or "was not noisy", with adjectives of one half; about one in two is good.

    >>> opinions(1, 0, "en", labeled=True)
    [Opinion(text='the pie was not fragrant', good=False)]
    """
    return _different(n, seed, lambda dice: _Writer(dice, language, labeled).opinion())


def couples(n: int, seed: int, language: Language, *, labeled: bool) -> list[Couple]:
    """`n` different pairs "the room was quiet", "it was noisy", with adjectives of one half; about one in two agrees.

    >>> couples(1, 0, "fr", labeled=False)
    [Couple(first='la soupe était immangeable', second='elle était brûlée', agree=True)]
    """
    return _different(n, seed, lambda dice: _Writer(dice, language, labeled).couple())


def questions(n: int, seed: int, language: Language, *, labeled: bool) -> list[Question]:
    """`n` different questions "we liked what" on texts such as "the room was quiet but the soup was bland".

    >>> questions(1, 0, "en", labeled=True)
    [Question(question='we blamed what', text='the soup was horrible but the pool was quiet', start=0)]
    """
    return _different(n, seed, lambda dice: _Writer(dice, language, labeled).question())


def adjectives(language: Language, *, labeled: bool) -> list[Adjective]:
    """One half of the adjectives: in each topic, every second good one and every second bad one.

    >>> [len(adjectives("fr", labeled=labeled)) for labeled in (True, False)]
    [16, 16]
    """
    return [adjective for adjective in _adjectives(language) if adjective.labeled == labeled]


def tags(sentence: str, language: Language) -> list[Tag]:
    """What each word of a sentence is, as `words_and_signs` cuts it; the French "la" before a verb is a pronoun.

    >>> tags("nous la recommandons", "fr"), tags("la soupe", "fr")
    (['pronoun', 'pronoun', 'verb'], ['determiner', 'noun'])
    """
    found = [_tags(language).get(word.strip(), "other") for word in words_and_signs(sentence)]
    return ["pronoun" if (tag, after) == ("determiner", "verb") else tag for tag, after in zip(found, [*found[1:], ""], strict=True)]


# --- how they are written ---------------------------------------------------------------------------------------


class _Writer:
    """A guest in front of the book: dice, a language, and one half of the adjectives or all of them."""

    def __init__(self, dice: Dice, language: Language, labeled: bool | None = None) -> None:
        self.dice, self.language, self.labeled = dice, language, labeled

    def note(self) -> tuple[str, str]:
        good, noun = self._bet(0.5), self.dice.choice(_nouns(self.language))
        kind = self.dice.choices(("opinion", "two", "verdict", "contrast"), (4, 4, 1, 2))[0]
        if kind == "contrast":
            return self._contrast(noun, good), self._verdict(noun, good)
        if kind == "two":
            first = self._adjective(noun, good)
            text = f"{self._was(noun)} {first} {self._say('and', 'et')} {self._adjective(noun, good, first)}"
        else:
            text = self._judged(noun, good) if kind == "opinion" else self._verdict(noun, good)
        sigh = SIGHS[self.language][good] + " " if kind != "verdict" and self._bet(0.85) else ""
        return sigh + text, self._sequel(noun, good, text)

    def opinion(self) -> Opinion:
        good = self._bet(0.5)
        return Opinion(self._judged(self.dice.choice(_nouns(self.language)), good), good)

    def couple(self) -> Couple:
        noun, good, agree = self.dice.choice(_nouns(self.language)), self._bet(0.5), self._bet(0.5)
        second = f"{self._pronouns(noun)[0]} {self._say('was', 'était')} {self._adjective(noun, good == agree)}"
        return Couple(f"{self._was(noun)} {self._adjective(noun, good)}", second, agree)

    def question(self) -> Question:
        noun, good = self.dice.choice(_nouns(self.language)), self._bet(0.5)
        text = self._contrast(noun, good)
        asked = f"{self._did(good)} {self._say('what', 'quoi')}"
        return Question(asked, text, text.split(" ").index(noun.word) - 1)

    def _judged(self, noun: Noun, good: bool) -> str:
        """« la soupe était (vraiment) bonne » or « n'était pas mauvaise »."""
        if self._bet(0.25):
            return f"{self._was(noun, negative=True)} {self._adjective(noun, not good)}"
        return f"{self._was(noun)} {self._say('really ', 'vraiment ') if self._bet(0.25) else ''}{self._adjective(noun, good)}"

    def _contrast(self, noun: Noun, good: bool) -> str:
        """The noun and another, judged in opposite ways, in any order."""
        other = self.dice.choice([another for another in _nouns(self.language) if another.topic != noun.topic])
        parts = [f"{self._was(noun)} {self._adjective(noun, good)}", f"{self._was(other)} {self._adjective(other, not good)}"]
        self.dice.shuffle(parts)
        return self._say(" but ", " mais ").join(parts)

    def _verdict(self, noun: Noun, good: bool) -> str:
        return f"{self._did(good)} {self._the(noun)}"

    def _sequel(self, noun: Noun, good: bool, said: str) -> str:
        """What a second sentence says of the same thing."""
        (he, him), was = self._pronouns(noun), self._say("was", "était")
        kind = self.dice.choices(("also", "but", "back", "advice"), (6, 1, 2, 2))[0]
        if kind == "back":
            return BACK[self.language][good]
        if kind == "advice":
            return ADVICE[self.language][good].format(him)
        if kind == "but":
            return f"{self._say('but', 'mais')} {he} {was} {self._adjective(noun, not good)}"
        return f"{he} {was} {self._say('also', 'aussi')} {self._adjective(noun, good, said)}"

    def _adjective(self, noun: Noun, good: bool, said: str = "") -> str:
        """One that fits, and has not been said yet."""
        fitting = [a for a in _adjectives(self.language) if a.topic in ("any", noun.topic) and a.good == good]
        forms = [a.forms[noun.feminine] for a in fitting if self.labeled in (None, a.labeled)]
        return self.dice.choice([form for form in forms if form not in said.split(" ")])

    def _was(self, noun: Noun, negative: bool = False) -> str:
        return f"{self._the(noun)} " + (self._say("was not", "n'était pas") if negative else self._say("was", "était"))

    def _did(self, good: bool) -> str:
        verb = self.dice.choice(VERBS[good].split(", ")).split(" ")[self.language == "fr"]
        return f"{self._say('we', 'nous avons')} {verb}"

    def _the(self, noun: Noun) -> str:
        return f"{self._say('the', 'la' if noun.feminine else 'le')} {noun.word}"

    def _pronouns(self, noun: Noun) -> tuple[str, str]:
        """he, him."""
        if self.language == "fr":
            return ("elle", "la") if noun.feminine else ("il", "le")
        if noun.topic != "person":
            return "it", "it"
        return ("she", "her") if noun.feminine else ("he", "him")

    def _say(self, english: str, french: str) -> str:
        return french if self.language == "fr" else english

    def _bet(self, probability: float) -> bool:
        return self.dice.random() < probability


def _different(n: int, seed: int, draw: Callable[[Dice], Item]) -> list[Item]:
    if n < 0:
        raise ValueError(f"n={n} must be a number of texts; try n=100.")
    dice, found = random.Random(seed), dict[Item, None]()
    for _ in range(20 * n + 100):
        if len(found) == n:
            return list(found)
        found.setdefault(draw(dice))
    raise ValueError(f"n={n} different texts are more than this half of the words can make; try n={len(found) // 2}.")


# --- the words --------------------------------------------------------------------------------------------------


def _halves(text: str) -> list[list[list[str]]]:
    """Both sides of the bar, as lists of [English, French]."""
    return [[item.strip().split(" ") for item in side.split(",")] for side in text.split("|")]


@cache
def _nouns(language: Language) -> list[Noun]:
    listed = ((topic, feminine, pair) for topic, text in NOUNS.items() for feminine, side in enumerate(_halves(text)) for pair in side)
    return [Noun(pair[language == "fr"], bool(feminine), topic) for topic, feminine, pair in listed]


@cache
def _adjectives(language: Language) -> list[Adjective]:
    found = []
    for topic, text in ADJECTIVES.items():
        for good, side in zip((True, False), _halves(text), strict=True):
            for i, pair in enumerate(side):
                masculine, _, feminine = pair[language == "fr"].partition("/")
                found.append(Adjective((masculine, feminine or masculine), topic, good, i % 2 == 0))
    return found


@cache
def _tags(language: Language) -> dict[str, Tag]:
    table: dict[str, Tag] = {form: "adjective" for adjective in _adjectives(language) for form in adjective.forms}
    table |= {noun.word: "noun" for noun in _nouns(language)}
    lists: dict[Tag, str] = {
        "determiner": "the le la",
        "pronoun": "we it he she him her nous il elle",
        "verb": "was will come recommend discourage était avons reviendrons recommandons déconseillons",
    }
    table |= {word: tag for tag, words in lists.items() for word in words.split()}
    return table | {pair[language == "fr"]: "verb" for text in VERBS.values() for pair in _halves(text)[0]}
