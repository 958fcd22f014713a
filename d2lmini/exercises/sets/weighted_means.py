"""Exercises on weighted means, for the set of chapter 1: weights out of positive numbers, then out of a query and keys."""

import torch
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise, normal
from d2lmini.i18n import Text
from d2lmini.trial import Case

# --- weighted mean ------------------------------------------------------------------------------------------


def _mean_cases(seed: int) -> list[Case]:
    draw = normal(seed)
    some = draw(6).abs() * torch.tensor([1.0, 0, 1, 0, 0, 1])
    return [
        Case(Text("5 mots de 3 nombres", "5 words of 3 numbers"), (draw(5, 3), draw(5).abs())),
        Case(Text("4 mots de 4 nombres", "4 words of 4 numbers"), (draw(4, 4), draw(4).abs())),
        Case(Text("un lot de deux textes", "a batch of two texts"), (draw(2, 5, 3), draw(2, 5).abs())),
        Case(Text("un lot de trois textes de 7 mots", "a batch of three texts of 7 words"), (draw(3, 7, 2), 10 * draw(3, 7).abs())),
        Case(Text("des mots sans intérêt", "words of no interest"), (draw(6, 4), some)),
        Case(Text("un seul mot", "a single word"), (draw(1, 3), draw(1).abs())),
    ]


@exercise(
    title=Text("Une moyenne pondérée", "A weighted mean"),
    skill=Text(
        "changer des nombres positifs en poids, pour un texte ou un lot", "turn positive numbers into weights, for a text or a batch"
    ),
    level=1,
    minutes=10,
    points=3,
    cases=_mean_cases,
    mistakes={
        "no_division": Text(
            "C'est une somme, et non une moyenne : les poids doivent avoir pour somme 1. Doubler toutes les pertinences ne doit rien changer.",
            "This is a sum, not a mean: the weights must sum to 1. Doubling all the relevances must change nothing.",
        ),
        "over_count": Text(
            "Vous divisez par le nombre de mots : les poids n'ont pour somme 1 que si l'on divise par la somme des pertinences.",
            "You divide by the number of words: the weights only sum to 1 if you divide by the sum of the relevances.",
        ),
        "both": Text(
            "Vous divisez deux fois, par la somme puis par le nombre de mots : une fois les poids normalisés, il n'y a plus qu'à additionner.",
            "You divide twice, by the sum and then by the number of words: once the weights are normalized, adding up is all that remains.",
        ),
        "plain": Text(
            "Les pertinences ne servent pas : tous les mots comptent autant.", "The relevances are not used: all words count the same."
        ),
        "softmax": Text(
            "Le softmax est de trop : ces nombres sont déjà positifs, et un mot de pertinence nulle ne doit pas compter du tout.",
            "The softmax is not wanted: these numbers are positive already, and a word of relevance zero must not count at all.",
        ),
        "over_all": Text(
            "Vous divisez par la somme de tout le lot : un texte ne doit pas dépendre de ses compagnons de lot.",
            "You divide by the sum of the whole batch: a text must not depend on its companions in the batch.",
        ),
        "over_batch": Text(
            "Les poids ont pour somme 1 sur l'axe des textes du lot : ce doit être sur les mots de chaque texte.",
            "The weights sum to 1 over the texts of the batch: they must do so over the words of each text.",
        ),
        "one_text": Text(
            "Votre fonction ne sert que pour un texte : avec un lot, les formes ne s'accordent plus. Gardez l'axe des mots quand vous additionnez les pertinences.",
            "Your function only works for one text: with a batch the shapes no longer agree. Keep the axis of the words when you add up the relevances.",
        ),
        "crossed": Text(
            "Avec un lot, chaque texte est mélangé avec les pertinences de tous les textes : il y a un axe de trop.",
            "With a batch, each text is mixed with the relevances of all the texts: there is one axis too many.",
        ),
        "no_axis": Text(
            "Sans un axe de plus, les pertinences s'alignent sur les nombres des mots, et non sur les mots.",
            "Without one more axis, the relevances line up with the numbers of the words, not with the words.",
        ),
        "over_numbers": Text(
            "Vous additionnez les nombres de chaque mot : il faut additionner les mots, et garder un vecteur.",
            "You add up the numbers of each word: the words must be added up, and a vector kept.",
        ),
        "first_axis": Text(
            "Vous additionnez sur le premier axe : avec un lot, c'est celui des textes, et vous les mélangez.",
            "You add up over the first axis: with a batch it is that of the texts, and you mix them.",
        ),
        "second_axis": Text(
            "Vous additionnez sur le deuxième axe : c'est celui des mots pour un lot, mais non pour un seul texte. Comptez depuis la fin.",
            "You add up over the second axis: it is that of the words for a batch, but not for a single text. Count from the end.",
        ),
        "not_summed": Text(
            "Chaque mot est multiplié par son poids, mais rien n'est additionné : il faut un seul vecteur par texte.",
            "Each word is multiplied by its weight, but nothing is added up: there must be a single vector for each text.",
        ),
        "kept": Text("Il reste un axe de taille 1 à la place des mots.", "An axis of size 1 is left where the words were."),
    },
    hints=(
        Text(
            "Comptez les axes depuis la fin : celui des mots est le dernier de `relevance`, mais l'avant-dernier de `values`.",
            "Count axes from the end: that of the words is the last of `relevance`, but the last but one of `values`.",
        ),
        Text(
            "`relevance[..., None]` a un axe de plus, de taille 1 : chaque pertinence multiplie alors tout le vecteur de son mot.",
            "`relevance[..., None]` has one more axis, of size 1: each relevance then multiplies the whole vector of its word.",
        ),
        Text(
            "Pour diviser chaque texte par sa propre somme, `sum` prend un axe et `keepdim=True`.",
            "To divide each text by its own sum, `sum` takes an axis and `keepdim=True`.",
        ),
    ),
)
def weighted_mean(values: Tensor, relevance: Tensor, *, bugs: Bugs = NONE) -> Tensor:
    if "plain" in bugs:
        return values.mean(-2)
    if "no_axis" in bugs:
        return (relevance * values).sum(-2) / relevance.sum(-1, keepdim=True)
    total = relevance.sum(-1, keepdim="one_text" not in bugs)
    if "over_all" in bugs or "over_batch" in bugs:
        total = relevance.sum() if "over_all" in bugs else relevance.sum(0)
    if "no_division" in bugs or "over_count" in bugs:
        total = torch.tensor(1.0 if "no_division" in bugs else relevance.shape[-1])
    weights = relevance.softmax(-1) if "softmax" in bugs else relevance / total
    if "both" in bugs:
        weights = weights / weights.shape[-1]
    if "crossed" in bugs:
        return weights @ values
    weighted = weights[..., None] * values
    axes = {"over_numbers": -1, "first_axis": 0, "second_axis": 1}
    axis = next((axes[bug] for bug in axes if bug in bugs), -2)
    return weighted if "not_summed" in bugs else weighted.sum(axis, keepdim="kept" in bugs)


# --- one query ----------------------------------------------------------------------------------------------


def _query_cases(seed: int) -> list[Case]:
    draw = normal(seed)
    return [
        Case(Text("5 mots, requête de 4 nombres", "5 words, a query of 4 numbers"), (draw(4), draw(5, 4), draw(5, 3))),
        Case(Text("7 mots, requête de 7 nombres", "7 words, a query of 7 numbers"), (draw(7), draw(7, 7), draw(7, 7))),
        Case(Text("11 mots, requête de 2 nombres", "11 words, a query of 2 numbers"), (draw(2), draw(11, 2), draw(11, 5))),
        Case(Text("une requête nulle", "a query of zeros"), (torch.zeros(3), draw(6, 3), draw(6, 2))),
        Case(Text("un seul mot", "a single word"), (draw(3), draw(1, 3), draw(1, 4))),
    ]


@exercise(
    title=Text("L'attention d'un seul mot", "The attention of a single word"),
    skill=Text("dérouler l'attention pas à pas pour une requête", "go through attention step by step for one query"),
    level=2,
    minutes=20,
    points=4,
    cases=_query_cases,
    mistakes={
        "no_scale": Text(
            "Les scores ne sont pas divisés par √d, où d est le nombre de coordonnées de la requête.",
            "The scores are not divided by √d, where d is the number of coordinates of the query.",
        ),
        "over_d": Text("Vous divisez les scores par d, et non par sa racine.", "You divide the scores by d, not by its square root."),
        "over_length": Text(
            "Vous divisez par la racine du nombre de mots : d est le nombre de coordonnées de la requête.",
            "You divide by the root of the number of words: d is the number of coordinates of the query.",
        ),
        "over_value": Text(
            "Vous divisez par la racine de la taille des valeurs : d est le nombre de coordonnées de la requête.",
            "You divide by the root of the size of the values: d is the number of coordinates of the query.",
        ),
        "times_root": Text(
            "Vous multipliez les scores par √d au lieu de les diviser : les poids deviennent trop tranchés.",
            "You multiply the scores by √d instead of dividing: the weights become too clear-cut.",
        ),
        "scale_after": Text(
            "Vous divisez par √d après le softmax : ce sont les scores qu'il faut réduire, avant l'exponentielle.",
            "You divide by √d after the softmax: the scores are what must be scaled, before the exponential.",
        ),
        "cosine": Text(
            "Vous divisez par les longueurs des deux vecteurs, ce qui donne un cosinus : le score est leur produit scalaire, divisé par √d.",
            "You divide by the lengths of both vectors, which gives a cosine: the score is their dot product, divided by √d.",
        ),
        "over_words": Text(
            "Vous additionnez sur les mots : un produit scalaire additionne sur les coordonnées, et donne un score par mot.",
            "You add up over the words: a dot product adds up over the coordinates, and gives one score a word.",
        ),
        "running": Text(
            "Le score d'un mot s'ajoute à ceux des mots d'avant : repartez de zéro pour chaque mot.",
            "The score of a word adds to those of the words before it: start again from zero for each word.",
        ),
        "no_softmax": Text(
            "Les scores servent tels quels : il faut d'abord en faire des poids, positifs et de somme 1.",
            "The scores are used as they are: they must first become weights, positive and with a sum of 1.",
        ),
        "linear": Text(
            "Vous divisez les scores par leur somme, sans exponentielle : les scores négatifs donnent des poids négatifs.",
            "You divide the scores by their sum, without an exponential: negative scores give negative weights.",
        ),
        "no_sum": Text(
            "Les exponentielles ne sont pas divisées par leur somme : celle des poids n'est pas 1.",
            "The exponentials are not divided by their sum: the weights do not sum to 1.",
        ),
        "partial_sum": Text(
            "Vous divisez par une somme encore incomplète : additionnez d'abord toutes les exponentielles.",
            "You divide by a sum that is not complete yet: add up all the exponentials first.",
        ),
        "as_long_as_q": Text(
            "Votre boucle fait un tour par coordonnée de la requête : il en faut un par mot, `len(keys)`.",
            "Your loop runs once per coordinate of the query: it must run once per word, `len(keys)`.",
        ),
        "short": Text(
            "Le dernier mot ne compte jamais : `range` s'arrête déjà avant sa borne.",
            "The last word never counts: `range` already stops before its bound.",
        ),
        "short_sum": Text(
            "Le dernier mot ne compte jamais : d'un texte d'un seul mot, il ne reste que le nombre 0.",
            "The last word never counts: of a text of a single word, only the number 0 is left.",
        ),
        "hard": Text(
            "Vous rendez la valeur du mot qui a le plus grand score : l'attention fait une moyenne, où tous les mots comptent un peu.",
            "You return the value of the word with the largest score: attention takes a mean, in which all words count a little.",
        ),
        "both": Text(
            "Vous divisez encore par le nombre de mots : les poids ont déjà pour somme 1, et il n'y a plus qu'à additionner.",
            "You also divide by the number of words: the weights sum to 1 already, and adding up is all that remains.",
        ),
        "keys": Text(
            "Vous faites la moyenne des clés : elles servent à comparer, mais ce sont les valeurs que le mot reçoit.",
            "You take the mean of the keys: they serve to compare, but the word receives the values.",
        ),
        "last_word": Text(
            "Vous ne gardez que le dernier mot : chaque tour de boucle efface le précédent au lieu de s'y ajouter.",
            "You only keep the last word: each turn of the loop erases the previous one instead of adding to it.",
        ),
        "not_summed": Text(
            "Chaque valeur est multipliée par son poids, mais rien n'est additionné : il faut un seul vecteur.",
            "Each value is multiplied by its weight, but nothing is added up: there must be a single vector.",
        ),
        "weights": Text(
            "Vous rendez les poids : il reste à faire la moyenne des valeurs.",
            "You return the weights: the mean of the values is left to do.",
        ),
    },
    hints=(
        Text(
            "Trois temps : un score par mot, un poids par mot, puis une somme de vecteurs.",
            "Three steps: one score a word, one weight a word, then a sum of vectors.",
        ),
        Text(
            "Le score d'un mot additionne les produits `q[c] * keys[j][c]`, puis se divise par la racine de leur nombre.",
            "The score of a word adds up the products `q[c] * keys[j][c]`, then is divided by the root of their number.",
        ),
        Text(
            "Les poids sont les exponentielles des scores, divisées par leur somme. Partez ensuite d'un vecteur nul, et ajoutez-y chaque valeur, multipliée par son poids.",
            "The weights are the exponentials of the scores, divided by their sum. Then start from a vector of zeros, and add each value to it, times its weight.",
        ),
    ),
)
def attend_one(q: Tensor, keys: Tensor, values: Tensor, *, bugs: Bugs = NONE) -> Tensor | int:
    size, length = len(q), len(keys)
    if "as_long_as_q" in bugs and size > length:
        raise IndexError
    if {"as_long_as_q", "short", "short_sum"} & bugs:
        stop = size if "as_long_as_q" in bugs else length - 1
        keys, values = keys[:stop], values[:stop]
    if "short_sum" in bugs and not len(keys):
        return 0
    scores = (keys * q).sum(0 if "over_words" in bugs else 1)
    if "cosine" in bugs:
        scores = scores / (keys.norm(dim=1) * q.norm())
    else:
        over = {
            "no_scale": 1.0,
            "scale_after": 1.0,
            "over_d": size,
            "over_length": length**0.5,
            "over_value": values.shape[1] ** 0.5,
            "times_root": size**-0.5,
        }
        scores = scores / next((over[bug] for bug in over if bug in bugs), size**0.5)
    if "running" in bugs:
        scores = scores.cumsum(0)
    if "hard" in bugs:
        return values[scores.argmax()]
    weights = scores if "no_softmax" in bugs or "linear" in bugs else scores.exp()
    if "no_sum" not in bugs and "no_softmax" not in bugs:
        weights = weights / (weights.cumsum(0) if "partial_sum" in bugs else weights.sum())
    if "scale_after" in bugs:
        weights = weights / size**0.5
    if "weights" in bugs:
        return weights
    if "last_word" in bugs:
        return weights[-1] * values[-1]
    if "both" in bugs:
        weights = weights / length
    return weights[:, None] * values if "not_summed" in bugs else weights @ (keys if "keys" in bugs else values)
