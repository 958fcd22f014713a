"""The exercise on BLEU by hand: two short texts, their clipped counts, the penalty and the mark."""

from collections import Counter
from functools import cache
from math import exp, isclose

import torch

from d2lmini.exercises.exercise import NONE, Bugs, question
from d2lmini.i18n import Text

BY_HAND = {
    "no_clip": Text(
        "Vous ne plafonnez pas : un mot, ou une paire, qui revient plus souvent que dans la référence ne compte qu'autant de fois qu'elle le contient.",
        "You do not clip: a word, or a pair, that comes more often than in the reference counts only as many times as the reference holds it.",
    ),
    "no_clip_pairs": Text(
        "Les mots sont plafonnés, mais pas les paires : la même règle vaut pour elles.",
        "The words are clipped, but the pairs are not: the same rule holds for them.",
    ),
    "distinct": Text(
        "Vous comptez chaque mot et chaque paire une seule fois : s'ils figurent deux fois des deux côtés, ils comptent deux fois.",
        "You count each word and each pair once: if they stand twice on both sides, they count twice.",
    ),
    "in_place": Text(
        "Vous comptez les mots qui sont à la même place dans les deux textes : leur place n'importe pas, seule leur présence compte.",
        "You count the words that stand at the same place in both texts: their place does not matter, only their presence.",
    ),
    "unordered": Text(
        "Vos paires n'ont pas d'ordre : `le chat` n'est pas `chat le`.", "Your pairs have no order: `le chat` is not `chat le`."
    ),
    "recall": Text(
        "Vous divisez par les longueurs de la référence : c'est le rappel. BLEU prend la part de ce qui est écrit.",
        "You divide by the lengths of the reference: that is recall. BLEU takes the share of what is written.",
    ),
    "as_many_pairs": Text(
        "Un texte de c mots contient c − 1 paires : vous divisez aussi les paires par c.",
        "A text of c words holds c − 1 pairs: you divide the pairs by c too.",
    ),
    "inverted": Text(
        "Votre pénalité récompense les textes courts : r est la longueur de la référence, c celle du texte écrit.",
        "Your penalty rewards short texts: r is the length of the reference, c that of the written text.",
    ),
    "ratio": Text(
        "Votre pénalité est le rapport des longueurs : il manque l'exponentielle, e^(1 − r/c).",
        "Your penalty is the ratio of the lengths: the exponential is missing, e^(1 − r/c).",
    ),
    "no_one": Text("Dans l'exponentielle, il manque le 1 : 1 − r/c.", "In the exponential, the 1 is missing: 1 − r/c."),
    "always_one": Text(
        "Votre pénalité vaut 1, comme si le texte était assez long : il est plus court que la référence.",
        "Your penalty is 1, as if the text were long enough: it is shorter than the reference.",
    ),
    "left_out": Text("La pénalité est juste, mais elle manque dans la note.", "The penalty is right, but the mark leaves it out."),
    "arithmetic": Text(
        "Vous prenez la moyenne ordinaire des deux parts : c'est leur moyenne géométrique, la racine du produit.",
        "You take the ordinary mean of the two shares: it should be the geometric mean, the root of their product.",
    ),
    "no_root": Text(
        "Vous multipliez les deux parts : il reste à prendre la racine carrée du produit.",
        "You multiply the two shares: now take the square root of the product.",
    ),
    "fourth_root": Text(
        "Vous prenez la racine quatrième : elle convient à quatre parts. Ici il y en a deux.",
        "You take the fourth root: it suits four shares. Here there are two.",
    ),
    "fraction": Text("Vos notes vont de 0 à 1 : elles sont demandées sur 100.", "Your marks go from 0 to 1: they are asked out of 100."),
    "symmetric": Text(
        "Vous donnez la même note aux deux textes : les points communs ne changent pas, mais les longueurs par lesquelles on divise, si.",
        "You give both texts the same mark: what they share does not change, but the lengths you divide by do.",
    ),
    "swapped_penalty": Text(
        "Le second texte garde la pénalité du premier : il est plus long que sa référence, sa pénalité vaut 1.",
        "The second text keeps the penalty of the first: it is longer than its reference, its penalty is 1.",
    ),
    "swapped_bonus": Text(
        "Vous donnez plus que 1 au second texte parce qu'il est long : la pénalité s'arrête à 1.",
        "You give the second text more than 1 because it is long: the penalty stops at 1.",
    ),
    "swapped_shares": Text(
        "Pour la dernière note, vous gardez les parts du premier texte : divisez par les longueurs du second.",
        "For the last mark, you keep the shares of the first text: divide by the lengths of the second.",
    ),
}


def _by_hand(written: str, reference: str, bugs: Bugs) -> list[float]:
    found, right = written.split(), reference.split()
    m = [_common(found, right, n, bugs) for n in (1, 2)]
    c, r = len(found), len(right)
    penalties = {"inverted": exp(1 - c / r), "ratio": c / r, "no_one": exp(-r / c), "always_one": 1.0}
    penalty = next((penalties[bug] for bug in penalties if bug in bugs), exp(1 - r / c))
    sizes = (r, c) if "recall" in bugs else (c, r)
    pairs = [n - ("as_many_pairs" not in bugs) for n in sizes]

    def mark(side: int) -> float:
        p, q = m[0] / sizes[side], m[1] / pairs[side]
        power = 1 if "no_root" in bugs else 0.25 if "fourth_root" in bugs else 0.5
        return (1 if "fraction" in bugs else 100) * ((p + q) / 2 if "arithmetic" in bugs else (p * q) ** power)

    first = mark(0) * (1.0 if "left_out" in bugs else penalty)
    bonus = penalty if "swapped_penalty" in bugs else exp(1 - c / r) if "swapped_bonus" in bugs else 1.0
    second = first if "symmetric" in bugs else mark(0 if "swapped_shares" in bugs else 1) * bonus
    return [m[0], m[1], penalty, first, second]


def _common(found: list[str], right: list[str], n: int, bugs: Bugs) -> int:
    if "in_place" in bugs and n == 1:
        return sum(a == b for a, b in zip(found, right, strict=False))
    order = sorted if "unordered" in bugs else tuple
    mine, theirs = (Counter(tuple(order(run)) for run in _runs(text, n)) for text in (found, right))
    if "distinct" in bugs:
        return len(mine.keys() & theirs.keys())
    if "no_clip" in bugs or ("no_clip_pairs" in bugs and n == 2):
        return sum(count for run, count in mine.items() if run in theirs)
    return (mine & theirs).total()


def _runs(words: list[str], n: int) -> list[tuple[str, ...]]:
    return [*zip(*(words[i:] for i in range(n)), strict=False)]


@cache
def _two_texts(seed: int) -> tuple[str, str]:
    """A stammering translation and a longer reference, for which every mistake shows."""
    generator = torch.Generator().manual_seed(seed)
    pick = lambda n: int(torch.randint(n, (), generator=generator))  # noqa: E731
    nouns, verbs = "chat chien lion loup coq bouc".split(), "voit suit mord".split()
    while True:
        a, b, c = (nouns[i] for i in torch.randperm(6, generator=generator)[:3].tolist())
        v, opening, closing = verbs[pick(3)], ("", "ici ", "ce matin ")[pick(3)], ("", " ce soir", " dans la nuit")[pick(3)]
        reference = f"{opening}le {a} {v} le {b} et le {b} {v} le {c}{closing}"
        found = f"{opening}le {b} {v} le {c} et le {c} {v} le {a}{closing}".split()
        first, at = pick(6), pick(4)
        found = found[first : first + 4 + pick(5)]
        found[at:at] = found[at : at + 2]  # the stammer
        at = pick(len(found))
        found[at : at + 2] = found[at : at + 2][::-1]
        found[at:at] = ["le"] * pick(2)
        written = " ".join(found)
        told = [_by_hand(written, reference, frozenset(bugs)) for bugs in ((), *([bug] for bug in BY_HAND))]
        shared = len(found) >= 6 and min(told[0][:2]) > 1
        if shared and not any(_close(x, y) for i, x in enumerate(told) for y in told[:i]):
            return written, reference


def _close(x: list[float], y: list[float]) -> bool:
    return all(isclose(a, b, rel_tol=0.03, abs_tol=0.03) for a, b in zip(x, y, strict=True))


@question(
    title=Text("BLEU à la main", "BLEU by hand"),
    skill=Text("plafonner, punir, moyenner : calculer la note d'une phrase", "clip, punish, average: work out the mark of a sentence"),
    level=2,
    minutes=15,
    points=3,
    given=_two_texts,
    mistakes=BY_HAND,
    hints=(
        Text(
            "Faites deux colonnes, une par texte, et comptez chaque mot des deux côtés : c'est le plus petit des deux comptes qui vaut.",
            "Make two columns, one a text, and count each word on both sides: the smaller of the two counts is the one that holds.",
        ),
        Text(
            "Un texte de c mots contient c − 1 paires de mots voisins. La moyenne géométrique de deux parts est la racine de leur produit.",
            "A text of c words holds c − 1 pairs of neighboring words. The geometric mean of two shares is the root of their product.",
        ),
        Text(
            "Pour la dernière note, les points communs restent les mêmes : seules changent les longueurs, et donc aussi la pénalité.",
            "For the last mark, what is shared stays the same: only the lengths change, and so the penalty does too.",
        ),
    ),
)
def bleu_by_hand(written: str, reference: str, *, bugs: Bugs = NONE) -> list[float]:
    return _by_hand(written, reference, bugs)
