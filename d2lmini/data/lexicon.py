"""The words of the small grammar, in both languages: what each noun is, where each adjective stands, how each verb is conjugated."""

from dataclasses import dataclass
from typing import Literal

Gender = Literal["m", "f"]
Kind = Literal["person", "animal", "thing", "place"]
ALIVE: tuple[Kind, ...] = ("person", "animal")
ALL: tuple[Kind, ...] = ("person", "animal", "thing", "place")


@dataclass(frozen=True)
class Noun:
    """English and French forms, one and many; `preposition` is what puts somebody in that place."""

    en: tuple[str, str]
    fr: tuple[str, str]
    gender: Gender
    kind: Kind
    preposition: tuple[str, str] | None = None


@dataclass(frozen=True)
class Adjective:
    """French forms in the order m. one, f. one, m. many, f. many; before or after the noun; `kinds` of nouns that can be so."""

    en: str
    fr: tuple[str, str, str, str]
    before: bool
    kinds: tuple[Kind, ...]


@dataclass(frozen=True)
class Verb:
    """English: alone and with he or she. French present with je, il, nous, vous, ils, and the stem of the future.

    `subjects` and `objects` say who can do it to what; `particle` follows the English verb (look for).
    """

    en: tuple[str, str]
    present: tuple[str, str, str, str, str]
    future: str
    subjects: tuple[Kind, ...] = ALIVE
    objects: tuple[Kind, ...] = ()
    particle: str = ""


def _noun(en: str, fr: str, gender: Gender, kind: Kind, *, preposition: tuple[str, str] | None = None) -> Noun:
    """A noun whose plurals add an s, or are given after a slash."""
    one_en, _, many_en = en.partition("/")
    one_fr, _, many_fr = fr.partition("/")
    return Noun((one_en, many_en or one_en + "s"), (one_fr, many_fr or one_fr + "s"), gender, kind, preposition)


def _adjective(en: str, fr: str, where: Literal["before", "after"], *kinds: Kind) -> Adjective:
    """An adjective whose feminine adds an e and whose plurals add an s, unless all four forms are given."""
    forms = fr.split("/") if "/" in fr else [fr, fr + "e" * (not fr.endswith("e"))]
    m, f, ms, fs = forms if len(forms) == 4 else (*forms, forms[0] + "s", forms[1] + "s")
    return Adjective(en, (m, f, ms, fs), where == "before", kinds)


def _er(en: str, stem: str, *objects: Kind, subjects: tuple[Kind, ...] = ALIVE, particle: str = "") -> Verb:
    """A French verb in -er."""
    present = (stem + "e", stem + "e", stem + "ons", stem + "ez", stem + "ent")
    return Verb((en, en + "s"), present, stem + "er", subjects, objects, particle)


def _irregular(en: str, forms: str, future: str, *objects: Kind, subjects: tuple[Kind, ...] = ALIVE) -> Verb:
    one, _, three = en.partition("/")
    je, il, nous, vous, ils = forms.split()
    return Verb((one, three or one + "s"), (je, il, nous, vous, ils), future, subjects, objects)


PERSON: tuple[Kind, ...] = ("person",)
NOUNS = (
    _noun("man/men", "homme", "m", "person"),
    _noun("woman/women", "femme", "f", "person"),
    _noun("boy", "garçon", "m", "person"),
    _noun("girl", "fille", "f", "person"),
    _noun("king", "roi", "m", "person"),
    _noun("queen", "reine", "f", "person"),
    _noun("cat", "chat", "m", "animal"),
    _noun("horse", "cheval/chevaux", "m", "animal"),
    _noun("bird", "oiseau/oiseaux", "m", "animal"),
    _noun("cow", "vache", "f", "animal"),
    _noun("mouse/mice", "souris/souris", "f", "animal"),
    _noun("book", "livre", "m", "thing"),
    _noun("hat", "chapeau/chapeaux", "m", "thing"),
    _noun("egg", "œuf", "m", "thing"),
    _noun("key", "clé", "f", "thing"),
    _noun("apple", "pomme", "f", "thing"),
    _noun("flower", "fleur", "f", "thing"),
    _noun("star", "étoile", "f", "thing"),
    _noun("house", "maison", "f", "place", preposition=("in", "dans")),
    _noun("garden", "jardin", "m", "place", preposition=("in", "dans")),
    _noun("school", "école", "f", "place", preposition=("in", "dans")),
    _noun("island", "île", "f", "place", preposition=("on", "sur")),
    _noun("boat", "bateau/bateaux", "m", "place", preposition=("on", "sur")),
    _noun("tree", "arbre", "m", "place", preposition=("under", "sous")),
)
ADJECTIVES = (
    _adjective("small", "petit", "before", *ALL),
    _adjective("big", "grand", "before", "animal", "place"),
    _adjective("beautiful", "beau/belle/beaux/belles", "before", *ALL),
    _adjective("old", "vieux/vieille/vieux/vieilles", "before", *ALL),
    _adjective("new", "nouveau/nouvelle/nouveaux/nouvelles", "before", "thing", "place"),
    _adjective("young", "jeune", "before", "person", "animal"),
    _adjective("black", "noir", "after", "animal", "thing"),
    _adjective("white", "blanc/blanche", "after", "animal", "thing", "place"),
    _adjective("green", "vert", "after", "thing", "place"),
    _adjective("happy", "heureux/heureuse/heureux/heureuses", "after", "person", "animal"),
    _adjective("tired", "fatigué", "after", "person", "animal"),
    _adjective("strange", "étrange", "after", *ALL),
)
VERBS = (  # with an object
    _irregular("see", "vois voit voyons voyez voient", "verr", *ALL),
    _irregular("hear", "entends entend entendons entendez entendent", "entendr", "person", "animal"),
    _irregular("follow", "suis suit suivons suivez suivent", "suivr", "person", "animal"),
    _irregular("want", "veux veut voulons voulez veulent", "voudr", "thing", subjects=PERSON),
    _irregular("have/has", "ai a avons avez ont", "aur", "animal", "thing", subjects=PERSON),
    _irregular("buy", "achète achète achetons achetez achètent", "achèter", "animal", "thing", "place", subjects=PERSON),
    _er("look", "cherch", *ALL, particle="for"),
    _er("find", "trouv", *ALL),
    _er("like", "aim", *ALL),
    _er("draw", "dessin", *ALL, subjects=PERSON),
    _er("hide", "cach", "thing"),
)
ACTIONS = (  # without an object
    _irregular("sleep", "dors dort dormons dormez dorment", "dormir"),
    _irregular("run", "cours court courons courez courent", "courr"),
    _irregular("wait", "attends attend attendons attendez attendent", "attendr"),
    _er("arrive", "arriv"),
    _er("sing", "chant"),
)
BE = Verb(("are", "is"), ("suis", "est", "sommes", "êtes", "sont"), "ser")
NEAR = (("near", "près de"), ("behind", "derrière"))  # of any place
PRONOUNS = {"I": "je", "he": "il", "she": "elle", "we": "nous", "you": "vous"}
OBJECT_PRONOUNS = {"me": "me", "him": "le", "her": "la", "us": "nous", "you": "vous", "them": "les"}
