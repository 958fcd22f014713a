"""Exercises on −∞ before the softmax: a mask that is added to the scores, and a softmax safe for blind rows."""

import torch
from torch import Tensor

from d2lmini import masks
from d2lmini.exercises.exercise import NONE, Bugs, exercise, normal
from d2lmini.i18n import Text
from d2lmini.trial import Case

# --- additive mask ------------------------------------------------------------------------------------------


def _additive_cases(seed: int) -> list[Case]:
    return [
        Case(Text("un masque causal", "a causal mask"), (masks.causal(4),)),
        Case(Text("un masque de remplissage", "a padding mask"), (masks.padding(torch.tensor([3, 5]), 5),)),
        Case(Text("une ligne aveugle", "a blind row"), (masks.causal(3) & torch.tensor([False, True, True]),)),
        Case(Text("tout est ouvert", "everything is open"), (torch.ones(2, 3, dtype=torch.bool),)),
    ]


@exercise(
    title=Text("Un masque qui s'additionne", "A mask to be added"),
    skill=Text(
        "convertir un masque de booléens en un terme à ajouter aux scores", "turn a mask of booleans into a term to add to the scores"
    ),
    level=1,
    minutes=10,
    points=2,
    cases=_additive_cases,
    mistakes={
        "inverted": Text(
            "Les −∞ tombent sur les places ouvertes : ici True veut dire « a le droit de regarder ».",
            'The −∞ fall on the open places: here True means "may look".',
        ),
        "nan": Text(
            "0 fois l'infini donne NaN : les places ouvertes sont perdues. Choisissez la valeur au lieu de multiplier.",
            "0 times infinity gives NaN: the open places are lost. Choose the value instead of multiplying.",
        ),
        "numbers": Text(
            "Le masque est seulement converti en 1 et 0 : ajoutés aux scores, ils n'interdisent rien, car exp(s + 0) n'est pas nul.",
            "The mask is merely converted to 1s and 0s: added to the scores, they forbid nothing, for exp(s + 0) is not zero.",
        ),
        "minus_one": Text(
            "Une place fermée ne perd que 1 : son poids est divisé par e, il n'est pas annulé.",
            "A closed place loses only 1: its weight is divided by e, not made zero.",
        ),
        "finite": Text(
            "−10⁹ n'est pas −∞ : dans une ligne aveugle tous les scores se valent, et la requête regarde les places fermées, sans que rien n'avertisse.",
            "−10⁹ is not −∞: in a blind row all scores are equal, and the query looks at the closed places, with no warning.",
        ),
        "least": Text(
            "Le plus petit nombre du type n'est pas −∞ : dans une ligne aveugle, la requête regarde les places fermées, sans que rien n'avertisse.",
            "The least number of the type is not −∞: in a blind row, the query looks at the closed places, with no warning.",
        ),
        "plus": Text(
            "Le signe est faux : avec +∞, le softmax donne NaN. Une place fermée doit perdre, non gagner.",
            "The sign is wrong: with +∞ the softmax gives NaN. A closed place must lose, not win.",
        ),
        "one_open": Text(
            "Une place ouverte ajoute 1 au score : c'est 0 qu'elle doit ajouter, pour ne rien y changer.",
            "An open place adds 1 to the score: it must add 0, so as to change nothing.",
        ),
        "blocked": Text(
            "Vous rendez des booléens, True = interdit : c'est une autre convention. Ici, le masque s'ajoute aux scores.",
            "You return booleans, True = forbidden: that is another convention. Here, the mask is added to the scores.",
        ),
    },
    hints=(
        Text(
            "Quel nombre peut-on ajouter à un score sans le changer ? Lequel rend nulle son exponentielle ?",
            "Which number can be added to a score without changing it? Which one makes its exponential zero?",
        ),
        Text(
            "N'obtenez pas −∞ par un produit : 0 × ∞ n'existe pas. Partez de zéros et remplissez, ou choisissez place par place.",
            "Do not get −∞ from a product: 0 × ∞ does not exist. Start from zeros and fill, or choose place by place.",
        ),
        Text(
            "`masked_fill` remplit là où son masque vaut True : ce sont les places fermées qu'il lui faut.",
            "`masked_fill` fills where its mask is True: it needs the closed places.",
        ),
    ),
)
def additive_mask(mask: Tensor, *, bugs: Bugs = NONE) -> Tensor:
    if "blocked" in bugs:
        return ~mask
    if "inverted" in bugs:
        mask = ~mask
    if "numbers" in bugs:
        return mask.float()
    value = {"minus_one": -1.0, "finite": -1e9, "least": torch.finfo(torch.float32).min, "plus": torch.inf}
    closed = next((value[bug] for bug in value if bug in bugs), -torch.inf)
    if "nan" in bugs:
        return (~mask).float() * closed
    bias = torch.zeros(mask.shape).masked_fill(~mask, closed)
    return bias + mask.float() if "one_open" in bugs else bias


# --- masked softmax -----------------------------------------------------------------------------------------


def _softmax_cases(seed: int) -> list[Case]:
    draw = normal(seed)
    causal, text = masks.causal(5), masks.padding(torch.tensor([4, 2]), 4)
    hidden = torch.tensor([[300.0], [300.0], [1e10]]) * (torch.arange(4) == 3)  # the closed key of the second case scores highest by far
    far = 300.0 * torch.tensor([[0.0], [1.0], [-1.0], [1.0]])
    return [
        Case(Text("un masque causal", "a causal mask"), (draw(5, 5), causal)),
        Case(
            Text("de grands scores sous le masque", "large scores under the mask"), (draw(3, 4) + hidden, torch.arange(4).expand(3, 4) < 3)
        ),
        Case(Text("des lignes très différentes", "very different rows"), (draw(4, 4) + far, masks.causal(4))),
        Case(Text("un lot de deux textes", "a batch of two texts"), (draw(2, 3, 4), text)),
        Case(Text("deux lignes aveugles", "two blind rows"), (draw(2, 5, 5), causal & (torch.arange(5) > 1))),
    ]


@exercise(
    title=Text("Un softmax qui supporte les lignes aveugles", "A softmax that survives blind rows"),
    skill=Text("masquer avant le softmax et rendre des zéros plutôt que des NaN", "mask before the softmax and return zeros, not NaN"),
    level=3,
    minutes=20,
    points=4,
    cases=_softmax_cases,
    mistakes={
        "blind": Text(
            "Une requête qui ne voit personne donne des NaN : le softmax d'une ligne de −∞ est 0/0. Ses poids doivent être nuls.",
            "A query that sees nobody gives NaN: the softmax of a row of −∞ is 0/0. Its weights must be zero.",
        ),
        "uniform": Text(
            "Une ligne aveugle regarde toutes les places à parts égales : c'est ce que donne un grand nombre négatif au lieu de −∞. Ses poids doivent être nuls.",
            "A blind row looks at all the places equally: a large negative number instead of −∞ does that. Its weights must be zero.",
        ),
        "ignored": Text(
            "Le masque n'est pas utilisé : les places fermées reçoivent du poids.", "The mask is not used: closed places receive weight."
        ),
        "inverted": Text(
            "Le masque est inversé : ici True veut dire « a le droit de regarder ».", 'The mask is inverted: here True means "may look".'
        ),
        "zero": Text(
            "Un score masqué vaut 0 chez vous, et exp(0) = 1 : la place fermée garde du poids.",
            "A masked score is 0 in your version, and exp(0) = 1: the closed place keeps weight.",
        ),
        "after": Text(
            "Vous effacez les poids après le softmax : ceux qui restent n'ont plus pour somme 1, et dépendent encore des places fermées.",
            "You erase weights after the softmax: those that remain no longer sum to 1, and still depend on the closed places.",
        ),
        "rescaled": Text(
            "Effacer après l'exponentielle puis diviser par la somme donne 0/0 : dans une ligne aveugle, ou si une place fermée a un score énorme.",
            "Erasing after the exponential and dividing by the sum gives 0/0: in a blind row, or if a closed place has a huge score.",
        ),
        "closed_shift": Text(
            "Une place fermée au score énorme écrase les autres avant d'être effacée : les poids tombent tous à 0. Masquez d'abord.",
            "A closed place with a huge score crushes the others before it is erased: all the weights fall to 0. Mask first.",
        ),
        "overflow": Text(
            "L'exponentielle déborde quand les scores sont grands ; effacer ensuite n'y peut rien, car ∞ × 0 donne NaN.",
            "The exponential overflows when scores are large; erasing afterwards does not help, for ∞ × 0 gives NaN.",
        ),
        "swept": Text(
            "L'exponentielle déborde quand les scores sont grands, et vous changez en 0 les NaN qui en sortent : la ligne perd tous ses poids.",
            "The exponential overflows when scores are large, and you turn the resulting NaN into 0: the row loses all its weights.",
        ),
        "no_shift": Text(
            "Vous masquez bien, mais l'exponentielle déborde quand les scores sont grands : retirez d'abord à chaque ligne son maximum.",
            "Your masking is right, but the exponential overflows when scores are large: subtract from each row its own maximum first.",
        ),
        "one_shift": Text(
            "Vous retirez un seul maximum pour tout le tenseur : une ligne bien plus basse que les autres perd tous ses poids. Chaque ligne a le sien.",
            "You subtract one maximum for the whole tensor: a row far below the others loses all its weights. Each row has its own.",
        ),
        "poisoned": Text(
            "Vous multipliez −∞ par le masque : aux places ouvertes, 0 fois l'infini donne NaN, et le softmax le répand sur toute la ligne.",
            "You multiply −∞ by the mask: in the open places, 0 times infinity gives NaN, and the softmax spreads it over the whole row.",
        ),
        "poison_swept": Text(
            "−∞ multiplié par le masque donne NaN aux places ouvertes, et vous changez ces NaN en 0 : tous les poids sont perdus.",
            "−∞ times the mask gives NaN in the open places, and you turn these NaN into 0: all the weights are lost.",
        ),
        "signed": Text(
            "Le signe du score change celui de −∞ : un score négatif donne +∞, et toute la ligne est perdue. Remplacez le score.",
            "The sign of the score changes that of −∞: a negative score gives +∞, and the whole row is lost. Replace the score.",
        ),
        "added": Text(
            "Vous ajoutez le masque aux scores, changé en 1 et 0 : il n'interdit rien, toutes les places gardent du poids.",
            "You add the mask to the scores, as 1s and 0s: it forbids nothing, all places keep weight.",
        ),
        "outweighed": Text(
            "Vous ajoutez un grand nombre négatif : une place fermée au score encore plus grand lui résiste. Remplacez le score.",
            "You add a large negative number: a closed place with an even larger score resists it. Replace the score.",
        ),
        "over_queries": Text(
            "Le softmax porte sur les requêtes : il doit porter sur les clés, le dernier axe.",
            "The softmax runs over the queries: it must run over the keys, the last axis.",
        ),
        "second_axis": Text(
            "Le softmax porte sur l'axe 1 : sans lot ce sont les clés, avec un lot les requêtes. Comptez les axes depuis la fin.",
            "The softmax runs over axis 1: the keys without a batch, the queries with one. Count the axes from the end.",
        ),
        "all_axes": Text(
            "Vous divisez par la somme de tout le tenseur : chaque ligne qui voit quelqu'un doit avoir pour somme 1.",
            "You divide by the sum of the whole tensor: each row that sees someone must sum to 1.",
        ),
        "no_keepdim": Text(
            "Sans `keepdim=True`, l'axe disparaît, et le résultat ne s'aligne plus sur les lignes.",
            "Without `keepdim=True`, the axis disappears, and the result no longer lines up with the rows.",
        ),
        "closed_columns": Text(
            "Vous cherchez les colonnes fermées : une ligne aveugle se lit sur le dernier axe.",
            "You look for the closed columns: a blind row is read along the last axis.",
        ),
    },
    hints=(
        Text(
            "Commencez par les lignes qui voient quelqu'un : quelle valeur donner aux scores fermés, et à quel moment ?",
            "Start with the rows that see someone: which value should closed scores take, and at what moment?",
        ),
        Text(
            "Une ligne est aveugle quand aucune de ses places n'est ouverte. `any` répond à cette question, sur un axe de votre choix.",
            "A row is blind when none of its places is open. `any` answers that question, over an axis of your choice.",
        ),
        Text(
            "Après le softmax, écrivez des zéros aux places fermées : un remplissage efface un NaN, un produit par 0 non.",
            "After the softmax, write zeros in the closed places: filling erases a NaN, multiplying by 0 does not.",
        ),
    ),
)
def masked_softmax(scores: Tensor, mask: Tensor, *, bugs: Bugs = NONE) -> Tensor:
    mask = ~mask if "inverted" in bugs else mask
    axis = -2 if "over_queries" in bugs else 1 if "second_axis" in bugs else -1
    unmasked = {
        "ignored": scores,
        "poisoned": scores + (~mask).float() * -torch.inf,
        "poison_swept": scores + (~mask).float() * -torch.inf,  # then without its NaN
        "added": scores + mask.float(),
        "zero": scores * mask,
    }
    for bug in unmasked:
        if bug in bugs:
            weights = unmasked[bug].softmax(axis) * (mask if "after" in bugs else 1)
            return weights.nan_to_num(0.0) if "poison_swept" in bugs else weights
    if "after" in bugs:
        return scores.softmax(axis) * mask
    if {"rescaled", "closed_shift", "overflow", "swept"} & bugs:
        weights = (scores.exp() if {"overflow", "swept"} & bugs else scores.softmax(axis)) * mask
        total = weights.sum(axis, keepdim=True)
        weights = weights / (total if "rescaled" in bugs else total.clamp(min=1e-9))
        return weights.nan_to_num(0.0) if "swept" in bugs else weights
    finite = {"uniform", "no_keepdim", "closed_columns"} & bugs
    if "outweighed" in bugs:
        scores = scores + (~mask).float() * -1e9
    elif "signed" in bugs:
        scores = torch.where(mask, scores, -torch.inf * scores)
    else:
        scores = scores.masked_fill(~mask, -1e9 if finite else -torch.inf)
    if {"all_axes", "no_shift", "one_shift"} & bugs:
        weights = (scores if "no_shift" in bugs else scores - scores.max()).exp()
        total = weights.sum() if "all_axes" in bugs else weights.sum(axis, keepdim=True)
        return weights / total if "blind" in bugs else (weights / total.clamp(min=1e-9))
    weights = scores.softmax(axis)
    if {"no_keepdim", "closed_columns"} & bugs:
        return weights * (mask.any(-1) if "no_keepdim" in bugs else mask.any(-2, keepdim=True))
    if {"blind", "uniform"} & bugs:
        return weights
    return weights.nan_to_num(0.0) if "signed" in bugs else weights.masked_fill(~mask, 0.0)
