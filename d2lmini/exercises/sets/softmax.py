"""Weights that sum to 1: the softmax, and the Gaussian kernels of 1964."""

import torch
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise, normal
from d2lmini.i18n import Text
from d2lmini.trial import Case

# --- softmax ------------------------------------------------------------------------------------------------


def _softmax_cases(seed: int) -> list[Case]:
    draw = normal(seed)
    scores = draw(3, 5)
    return [
        Case(Text("un vecteur", "a vector"), (draw(4),)),
        Case(Text("une matrice", "a matrix"), (scores,)),
        Case(Text("deux têtes", "two heads"), (draw(2, 3, 4),)),
        Case(Text("de grands scores", "large scores"), (500 * scores,)),
        Case(Text("des lignes très différentes", "very different rows"), (scores + torch.tensor([[0.0], [-300.0], [300.0]]),)),
    ]


@exercise(
    title=Text("Un softmax qui ne déborde pas", "A softmax that does not overflow"),
    skill=Text("écrire un softmax stable sur le dernier axe", "write a stable softmax over the last axis"),
    level=1,
    minutes=10,
    points=2,
    cases=_softmax_cases,
    mistakes={
        "no_shift": Text(
            "L'exponentielle déborde quand les scores sont grands : exp(1 000) est infini et inf/inf donne NaN.",
            "The exponential overflows when scores are large: exp(1,000) is infinite and inf/inf gives NaN.",
        ),
        "one_shift": Text(
            "Vous retirez un seul maximum pour tout le tenseur : une ligne bien plus basse que les autres perd tous ses poids. Chaque ligne a le sien.",
            "You subtract one maximum for the whole tensor: a row far below the others loses all its weights. Each row has its own.",
        ),
        "first_axis": Text(
            "Le softmax porte sur le premier axe : ce sont les colonnes qui ont pour somme 1. Il doit porter sur le dernier, celui des clés.",
            "The softmax runs over the first axis: columns sum to 1. It must run over the last one, that of the keys.",
        ),
        "all_axes": Text(
            "Vous divisez par la somme de tout le tenseur : chaque ligne doit avoir pour somme 1, et non l'ensemble.",
            "You divide by the sum of the whole tensor: each row must sum to 1, not all of them together.",
        ),
        "no_sum": Text(
            "Il manque la division : les poids sont positifs, mais leur somme n'est pas 1.",
            "The division is missing: the weights are positive but do not sum to 1.",
        ),
        "no_keepdim": Text(
            "Sans `keepdim=True`, la somme perd son axe et ne s'aligne plus sur les lignes.",
            "Without `keepdim=True` the sum loses its axis and no longer lines up with the rows.",
        ),
        "pair": Text(
            "`max` avec un axe rend deux choses, les valeurs et leurs places : on ne soustrait que les valeurs.",
            "`max` with an axis returns two things, the values and their places: only the values can be subtracted.",
        ),
        "mean_shift": Text(
            "Retirer la moyenne ne suffit pas : le plus grand score reste positif et peut encore déborder.",
            "Subtracting the mean is not enough: the largest score stays positive and can still overflow.",
        ),
        "patched": Text(
            "Remplacer les NaN cache le débordement sans le corriger : les poids de ces lignes sont perdus.",
            "Replacing the NaN hides the overflow without curing it: the weights of those rows are lost.",
        ),
        "epsilon": Text(
            "Un petit nombre au dénominateur n'empêche pas exp(1 000) d'être infini.",
            "A small number in the denominator does not keep exp(1,000) from being infinite.",
        ),
        "logarithm": Text(
            "Vous renvoyez le logarithme des poids, et non les poids, qui sont positifs et de somme 1.",
            "You return the logarithm of the weights, not the weights, which are positive and sum to 1.",
        ),
    },
    hints=(
        Text(
            "Retirer le même nombre à tous les scores d'une ligne ne change pas ses poids.",
            "Subtracting one number from all the scores of a row does not change its weights.",
        ),
        Text(
            "`amax` et `sum` prennent `dim=-1` et `keepdim=True` : l'axe reste, de taille 1, et le calcul se fait sur toutes les lignes sans boucle.",
            "`amax` and `sum` take `dim=-1` and `keepdim=True`: the axis stays, of size 1, and all the rows are handled without a loop.",
        ),
    ),
)
def softmax(scores: Tensor, *, bugs: Bugs = NONE) -> Tensor:
    axis: int | tuple[int, ...] = 0 if "first_axis" in bugs else -1
    if "pair" in bugs:
        return scores - scores.max(-1, keepdim=True)  # type: ignore[operator]
    if "one_shift" in bugs:
        scores = scores - scores.max()
    elif "mean_shift" in bugs:
        scores = scores - scores.mean(axis, keepdim=True)
    elif not bugs & {"no_shift", "patched", "epsilon"}:
        scores = scores - scores.amax(axis, keepdim=True)
    if "logarithm" in bugs:
        return scores - scores.exp().sum(axis, keepdim=True).log()
    weights = scores.exp()
    if "no_sum" in bugs:
        return weights
    total = weights.sum() if "all_axes" in bugs else weights.sum(axis, keepdim="no_keepdim" not in bugs)
    if "patched" in bugs:
        return (weights / total).nan_to_num(0.0)
    return weights / (total + (1e-9 if "epsilon" in bugs else 0.0))


# --- kernel regression --------------------------------------------------------------------------------------


def _kernel_cases(seed: int) -> list[Case]:
    draw = normal(seed)
    return [
        Case(Text("3 requêtes, 7 exemples", "3 queries, 7 examples"), (draw(3), draw(7), draw(7), 0.5)),
        Case(Text("une largeur de 2", "a bandwidth of 2"), (draw(4), draw(5), draw(5), 2.0)),
        Case(Text("très loin des exemples", "far from the examples"), (draw(2) + torch.tensor([40.0, 60.0]), draw(6), draw(6), 0.7)),
    ]


@exercise(
    title=Text("L'attention de 1964", "The attention of 1964"),
    skill=Text("reconnaître l'attention dans la régression à noyau", "recognize attention in kernel regression"),
    level=2,
    minutes=15,
    points=3,
    cases=_kernel_cases,
    mistakes={
        "no_width": Text("La largeur n'est pas utilisée.", "The bandwidth is not used."),
        "width": Text(
            "Le noyau gaussien divise par le carré de la largeur ; vous divisez par la largeur.",
            "The Gaussian kernel divides by the square of the bandwidth; you divide by the bandwidth.",
        ),
        "no_half": Text(
            "Il manque le 1/2 devant le carré : exp(−u²/2), et non exp(−u²).",
            "The 1/2 before the square is missing: exp(−u²/2), not exp(−u²).",
        ),
        "sign": Text(
            "Les exemples les plus lointains pèsent le plus : il manque un signe moins.",
            "The farthest examples weigh most: a minus sign is missing.",
        ),
        "absolute": Text(
            "Vous prenez la distance, et non son carré : ce noyau-là est pointu.",
            "You take the distance, not its square: that kernel has a peak.",
        ),
        "laplace": Text(
            "Vous prenez la distance, et non son carré : ce noyau-là est pointu.",
            "You take the distance, not its square: that kernel has a peak.",
        ),
        "times_width": Text(
            "Vous multipliez l'écart par la largeur : une grande largeur doit rapprocher les exemples, non les éloigner.",
            "You multiply the difference by the bandwidth: a large bandwidth must bring the examples closer, not push them away.",
        ),
        "mean": Text(
            "Vous divisez par le nombre d'exemples, et non par la somme des noyaux : celle des poids n'est pas 1.",
            "You divide by the number of examples, not by the sum of the kernels: the weights do not sum to 1.",
        ),
        "patched": Text(
            "Loin des exemples, votre précaution rend 0 : tous les noyaux se sont éteints. C'est la division qu'il faut rendre sûre.",
            "Far from the examples your precaution returns 0: all the kernels have vanished. The division itself must be made safe.",
        ),
        "one_shift": Text(
            "Vous retirez un seul maximum pour tous les points : le plus lointain n'a plus que des noyaux nuls et finit à 0/0. Chaque point a le sien.",
            "You subtract one maximum for all the points: the farthest has only zero kernels left and ends as 0/0. Each point has its own.",
        ),
        "twice": Text(
            "Vous prenez l'exponentielle deux fois : le softmax la contient déjà.",
            "You take the exponential twice: the softmax already contains it.",
        ),
        "no_sum": Text(
            "La somme des poids n'est pas 1 : loin des exemples, la prédiction tombe à 0.",
            "The weights do not sum to 1: far from the examples, the prediction falls to 0.",
        ),
        "over_queries": Text(
            "Les poids ont pour somme 1 sur les requêtes : ce doit être sur les exemples.",
            "The weights sum to 1 over the queries: they must do so over the examples.",
        ),
        "underflow": Text(
            "Loin des exemples tous les noyaux valent 0 et vous divisez 0 par 0. Un softmax stable l'évite.",
            "Far from the examples all kernels are 0 and you divide 0 by 0. A stable softmax avoids it.",
        ),
    },
    hints=(
        Text(
            "`x_query[:, None] - x[None]` donne tous les écarts, de forme (Tq, Tk).",
            "`x_query[:, None] - x[None]` gives all the differences, of shape (Tq, Tk).",
        ),
        Text(
            "Un noyau gaussien normalisé est un softmax : de quels scores ?", "A normalized Gaussian kernel is a softmax: of which scores?"
        ),
    ),
)
def kernel_regression(x_query: Tensor, x: Tensor, y: Tensor, width: float, *, bugs: Bugs = NONE) -> Tensor:
    gap = x_query[:, None] - x
    u = gap * width if "times_width" in bugs else gap if "no_width" in bugs else gap / (width**0.5 if "width" in bugs else width)
    squared = u.abs() if bugs & {"absolute", "laplace"} else u**2
    scores = (1 if "sign" in bugs else -1) * squared / (1 if bugs & {"no_half", "laplace"} else 2)
    kernel = scores.exp()
    if "no_sum" in bugs:
        return kernel @ y
    if "mean" in bugs:
        return kernel @ y / len(x)
    axis = 0 if "over_queries" in bugs else 1
    if "underflow" in bugs:
        return kernel / kernel.sum(axis, keepdim=True) @ y
    if "patched" in bugs:
        return kernel / (kernel.sum(axis, keepdim=True) + 1e-9) @ y
    if "one_shift" in bugs:
        kernel = (scores - scores.max()).exp()
        return kernel / kernel.sum(axis, keepdim=True) @ y
    return (kernel if "twice" in bugs else scores).softmax(axis) @ y
