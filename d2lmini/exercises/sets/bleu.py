"""The exercise on BLEU of a whole exam: a draft with three faults, to repair."""

from collections import Counter
from functools import cache, lru_cache
from itertools import chain
from math import exp, prod
from typing import Any

import torch

from d2lmini.exercises.exercise import NONE, Bugs, exercise
from d2lmini.i18n import Text
from d2lmini.trial import Case

Words = list[str]
Run = tuple[str, ...]
COUNTING = frozenset("unordered recall clip_sum clip_first clip_all distinct no_clip".split())
TO_THREE = Text(
    "Vous vous arrêtez aux suites de 3 mots : `range(1, 4)` s'arrête à 3.", "You stop at runs of 3 words: `range(1, 4)` ends with 3."
)


def _texts(seed: int) -> tuple[list[Words], list[list[Words]]]:
    """Five texts and two references each, of different lengths, near enough to share runs of four words."""
    generator = torch.Generator().manual_seed(seed)
    pick = lambda n: int(torch.randint(n, (), generator=generator))  # noqa: E731
    words = "le la un de chat lion voit suit sur et".split()
    written, references = [], []
    for i in range(5):
        told = [words[pick(10)] for _ in range(9 + 2 * i)]
        near, far = list(told), list(told)
        del near[2 + i : 4 + i]
        far[5:5] = [words[pick(10)] for _ in range(2 + pick(4))]
        told[3:3] = ["le"]
        told[-2:] = [told[-1], told[-1], told[-2]]
        written.append(told[i % 3 :])
        references.append([far, near] if i in (1, 2) else [near, far])
    return written, references


@cache
def _bleu_cases(seed: int) -> list[Case]:
    written, references = _texts(seed)
    short = [max(several, key=len)[: -1 if i % 2 else 5] for i, several in enumerate(references)]
    loud = [["le"] * 6, "le chat voit le lion".split()], [["le chat voit".split()], ["le chat voit le lion".split()]]
    tie = (
        ["un chat voit le lion et le chat".split()],
        [["un chat voit le lion et suit".split(), "il voit le lion et le chat suit un".split()]],
    )
    none = ["le chat sur la table".split()], [["la table sur le chat".split()]]
    single = ["un chat voit tout".split()], [["hier un chat voit tout".split(), "un chat voit".split()]]
    brief = ["le chat".split(), "la mer est".split()], [["le chat".split()], ["la mer est calme".split()]]
    return [
        Case(Text("cinq textes, deux références chacun", "five texts, two references each"), (written, references)),
        Case(Text("des textes trop courts", "texts that are too short"), (short, references)),
        Case(Text("un mot répété", "a repeated word"), loud),
        Case(Text("deux références aussi proches", "two references as close"), tie),
        Case(Text("aucune suite de quatre mots en commun", "no run of four words in common"), none),
        Case(Text("moins de quatre mots par texte", "fewer than four words a text"), brief),
        Case(Text("quatre mots, une seule suite de quatre", "four words, a single run of four"), single),
        Case(Text("de longs textes", "long texts"), (written, [[several[0][:7], several[1][:6]] for several in references])),
    ]


@exercise(
    title=Text("Réparer un BLEU", "Repair a BLEU"),
    skill=Text("trouver les fautes d'une note de traduction et la réécrire", "find the faults of a translation mark and rewrite it"),
    level=3,
    minutes=30,
    points=5,
    cases=_bleu_cases,
    mistakes={
        "draft": Text(
            "C'est la note du brouillon, avec ses trois fautes : ni le plafond, ni la moyenne, ni la longueur ne sont réparés.",
            "This is the mark of the draft, with its three faults: neither the clipping, nor the mean, nor the length is repaired.",
        ),
        "no_clip": Text(
            "Vous ne plafonnez pas : une suite répétée compte à chaque fois qu'elle revient, et `le le le le` a tout juste.",
            "You do not clip: a repeated run counts each time it comes back, and `le le le le` gets everything right.",
        ),
        "arithmetic": Text(
            "Vous prenez la moyenne ordinaire des parts : avec la moyenne géométrique, une seule part nulle annule la note.",
            "You take the ordinary mean of the shares: with the geometric mean, a single zero share brings the mark to zero.",
        ),
        "longest": Text(
            "Vous comparez à la plus longue des références : prenez celle dont la longueur est la plus proche de celle du texte.",
            "You compare with the longest reference: take the one whose length is nearest to that of the text.",
        ),
        "shortest": Text(
            "Vous comparez à la plus courte des références : prenez celle dont la longueur est la plus proche de celle du texte.",
            "You compare with the shortest reference: take the one whose length is nearest to that of the text.",
        ),
        "first_length": Text(
            "Vous prenez la longueur de la première référence : prenez la plus proche de celle du texte.",
            "You take the length of the first reference: take the nearest to that of the text.",
        ),
        "mean_length": Text(
            "Vous prenez la longueur moyenne des références : prenez la plus proche de celle du texte.",
            "You take the mean length of the references: take the nearest to that of the text.",
        ),
        "all_lengths": Text(
            "Vous ajoutez les longueurs de toutes les références : une seule par texte, la plus proche.",
            "You add up the lengths of all the references: a single one a text, the nearest.",
        ),
        "tie": Text(
            "À égalité de distance, vous gardez la plus longue référence : la règle veut la plus courte.",
            "When two lengths are as close, you keep the longer reference: the rule wants the shorter.",
        ),
        "clip_sum": Text(
            "Vous plafonnez par le total de toutes les références : une suite ne compte qu'autant que dans la référence qui la contient le plus.",
            "You clip by the total over all references: a run counts only as many times as in the reference that holds it most.",
        ),
        "clip_first": Text(
            "Vous ne plafonnez qu'avec la première référence : les autres disent aussi ce qui est juste.",
            "You clip with the first reference only: the others tell what is right too.",
        ),
        "clip_all": Text(
            "Vous exigez une suite dans toutes les références à la fois : une seule suffit.",
            "You demand a run in all the references at once: a single one is enough.",
        ),
        "distinct": Text(
            "Vous comptez des suites distinctes : une suite répétée des deux côtés doit compter chaque fois.",
            "You count distinct runs: a run repeated on both sides must count each time.",
        ),
        "unordered": Text(
            "L'ordre des mots d'une suite est perdu : un texte mélangé garderait sa note.",
            "The order of the words in a run is lost: a shuffled text would keep its mark.",
        ),
        "joined": Text(
            "Vous collez tous les textes bout à bout : des suites se forment à cheval sur deux textes.",
            "You glue all the texts end to end: runs appear that straddle two texts.",
        ),
        "by_text": Text(
            "Vous notez chaque texte, puis faites la moyenne : BLEU additionne d'abord les comptes de tout l'examen.",
            "You mark each text, then average: BLEU first adds up the counts of the whole exam.",
        ),
        "shares_by_text": Text(
            "Vous faites la moyenne des parts de chaque texte : additionnez les comptes de tous, puis divisez une fois.",
            "You average the shares of each text: add up the counts of all, then divide once.",
        ),
        "penalty_by_text": Text(
            "Vous punissez chaque texte pour sa longueur, puis faites la moyenne des pénalités : comparez les totaux de l'examen.",
            "You punish each text for its length, then average the penalties: compare the totals of the exam.",
        ),
        "no_penalty": Text(
            "Il manque la pénalité des textes courts : écrire deux mots sûrs suffirait.",
            "The penalty of short texts is missing: writing two sure words would be enough.",
        ),
        "inverted": Text(
            "La pénalité est à l'envers : elle punit les textes longs.", "The penalty is the wrong way round: it punishes long texts."
        ),
        "ratio": Text(
            "Votre pénalité est le rapport des longueurs, sans l'exponentielle.",
            "Your penalty is the ratio of lengths, without the exponential.",
        ),
        "bonus": Text(
            "Un texte plus long que sa référence est récompensé : la pénalité ne dépasse pas 1.",
            "A text longer than its reference is rewarded: the penalty never exceeds 1.",
        ),
        "no_root": Text(
            "Vous multipliez les quatre parts : il manque la racine quatrième.", "You multiply the four shares: the fourth root is missing."
        ),
        "fraction": Text("Votre note va de 0 à 1 : elle est demandée sur 100.", "Your mark goes from 0 to 1: it is asked out of 100."),
        "to_three": TO_THREE,
        "to_three_root": TO_THREE,
        "four_only": Text(
            "Vous ne comptez que les suites de 4 mots : il en faut de 1, 2, 3 et 4.",
            "You count runs of 4 words only: those of 1, 2, 3 and 4 are needed.",
        ),
        "log_zero": Text(
            "Le logarithme d'une part nulle n'existe pas : la note vaut alors 0.",
            "The logarithm of a zero share does not exist: the mark is 0 then.",
        ),
        "no_runs": Text(
            "Sans aucun texte de quatre mots, vous divisez par 0 : la note vaut alors 0.",
            "Without any text of four words, you divide by 0: the mark is 0 then.",
        ),
        "zeros_skipped": Text(
            "Vous écartez les parts nulles de la moyenne : une seule annule la note.",
            "You leave zero shares out of the mean: a single one brings the mark to zero.",
        ),
        "one_more": Text(
            "Vous ajoutez 1 aux comptes pour éviter les zéros : c'est un lissage, qui n'est pas demandé ici.",
            "You add 1 to the counts to avoid zeros: that is a smoothing, not asked for here.",
        ),
        "recall": Text(
            "Vous divisez par les suites de la référence : c'est le rappel. BLEU prend la part de ce qui est écrit.",
            "You divide by the runs of the reference: that is recall. BLEU takes the share of what is written.",
        ),
    },
    hints=(
        Text(
            "Éprouvez le brouillon sur des cas dont vous savez la note : un texte égal à sa référence, `le le le le`, un seul mot juste.",
            "Try the draft on cases whose mark you know: a text equal to its reference, `le le le le`, a single right word.",
        ),
        Text(
            "Entre deux `Counter`, `|` garde le plus grand de deux comptes et `&` le plus petit. L'un sert aux références, l'autre au plafond.",
            "Between two `Counter`s, `|` keeps the larger of two counts and `&` the smaller. One serves for the references, the other for clipping.",
        ),
        Text(
            "La longueur la plus proche, la plus courte à égalité : `min(lengths, key=lambda n: (abs(n - c), n))`.",
            "The nearest length, the shorter when two are as close: `min(lengths, key=lambda n: (abs(n - c), n))`.",
        ),
    ),
)
def corpus_bleu(written: list[Words], references: list[list[Words]], *, bugs: Bugs = NONE) -> float:
    return _mark(written, references, bugs)


def _mark(written: list[Words], references: list[list[Words]], bugs: Bugs) -> float:
    if "draft" in bugs:
        bugs = bugs | {"no_clip", "arithmetic", "longest"}
    if "by_text" in bugs:
        each = zip(written, references, strict=True)
        return sum(_mark([text], [several], bugs - {"by_text"}) for text, several in each) / len(written)
    sizes = [4] if "four_only" in bugs else range(1, 4 if bugs & {"to_three", "to_three_root"} else 5)
    shares = [_share(written, references, n, bugs) for n in sizes]
    penalty = _penalty(written, references, bugs)
    scale = penalty if "fraction" in bugs else 100 * penalty
    if "arithmetic" in bugs:
        return scale * sum(shares) / len(shares)
    if 0 in shares and "log_zero" in bugs:
        raise ValueError("math domain error")
    if "zeros_skipped" in bugs:
        shares = [share for share in shares if share] or [0.0]
    return scale * prod(shares) ** (1 if "no_root" in bugs else 0.25 if "to_three_root" in bugs else 1 / len(shares))


def _share(written: list[Words], references: list[list[Words]], n: int, bugs: Bugs) -> float:
    """Which part of the runs of n words is in the references."""
    if "joined" in bugs:
        n_reference = min(map(len, references))
        written = [[*chain.from_iterable(written)]]
        references = [[[*chain.from_iterable(several[i] for several in references)] for i in range(n_reference)]]
    texts = [(tuple(text), tuple(map(tuple, several))) for text, several in zip(written, references, strict=True)]
    counts = [_counts(text, several, n, bugs & COUNTING) for text, several in texts]
    if "shares_by_text" in bugs:
        return sum(common / total if total else 0.0 for common, total in counts) / len(counts)
    common, total = (sum(column) + ("one_more" in bugs) for column in zip(*counts, strict=True))
    return common / total if total or "no_runs" in bugs else 0.0


@lru_cache(maxsize=5_000)  # most mistakes leave the counts as they are
def _counts(text: Run, several: tuple[Run, ...], n: int, bugs: Bugs) -> tuple[int, int]:
    """How many runs of n words of a text are in its references, and how many it has."""
    order: Any = sorted if "unordered" in bugs else tuple
    mine, *others = (Counter(tuple(order(run)) for run in zip(*(x[i:] for i in range(n)), strict=False)) for x in (text, *several))
    total = mine.total()
    if "recall" in bugs:
        total = min((abs(other.total() - total), other.total()) for other in others)[1]
    ceiling = others[0]
    for other in others[1:]:
        ceiling = ceiling + other if "clip_sum" in bugs else ceiling & other if "clip_all" in bugs else ceiling | other
    if "clip_first" in bugs:
        ceiling = others[0]
    if "distinct" in bugs:
        return len(mine.keys() & ceiling.keys()), len(mine)
    if "no_clip" in bugs:
        return sum(count for run, count in mine.items() if run in ceiling), total
    return (mine & ceiling).total(), total


def _penalty(written: list[Words], references: list[list[Words]], bugs: Bugs) -> float:
    pairs = [(len(text), _length(len(text), [*map(len, several)], bugs)) for text, several in zip(written, references, strict=True)]
    if "penalty_by_text" in bugs:
        return sum(min(1.0, exp(1 - r / c)) for c, r in pairs) / len(pairs)
    c, r = (sum(column) for column in zip(*pairs, strict=True))
    penalty = exp(1 - c / r) if "inverted" in bugs else c / r if "ratio" in bugs else exp(1 - r / c)
    return 1.0 if "no_penalty" in bugs else penalty if "bonus" in bugs else min(1.0, penalty)


def _length(c: int, lengths: list[int], bugs: Bugs) -> float:
    found = {
        "longest": max(lengths), "shortest": min(lengths), "first_length": lengths[0],
        "mean_length": sum(lengths) / len(lengths), "all_lengths": sum(lengths),
    }  # fmt: skip
    nearest = min(lengths, key=lambda n: (abs(n - c), -n if "tie" in bugs else n))
    return next((found[bug] for bug in found if bug in bugs), nearest)
