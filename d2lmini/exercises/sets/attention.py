"""Exercises on attention: the softmax, the weights by hand, the equation in rows and in columns, kernel regression."""

import torch
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise, normal, question
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
            "Vous retirez un seul maximum pour tout le tenseur : une ligne bien plus basse que les autres tombe à 0/0. Chaque ligne a le sien.",
            "You subtract one maximum for the whole tensor: a row far below the others ends as 0/0. Each row has its own.",
        ),
        "first_axis": Text(
            "Le softmax porte sur le premier axe : ce sont les colonnes qui somment à 1. Il doit porter sur le dernier, celui des clés.",
            "The softmax runs over the first axis: columns sum to 1. It must run over the last one, that of the keys.",
        ),
        "all_axes": Text(
            "Vous divisez par la somme de tout le tenseur : chaque ligne doit sommer à 1, et non l'ensemble.",
            "You divide by the sum of the whole tensor: each row must sum to 1, not all of them together.",
        ),
        "no_sum": Text(
            "Il manque la division : les poids sont positifs mais ne somment pas à 1.",
            "The division is missing: the weights are positive but do not sum to 1.",
        ),
        "logarithm": Text(
            "Vous renvoyez le logarithme des poids : ils doivent être positifs et sommer à 1.",
            "You return the logarithm of the weights: they must be positive and sum to 1.",
        ),
    },
    hints=(
        Text(
            "Retirer le même nombre à tous les scores d'une ligne ne change pas ses poids.",
            "Subtracting one number from all the scores of a row does not change its weights.",
        ),
        Text(
            "`amax` et `sum` prennent `dim=-1` et `keepdim=True` : l'axe reste, de taille 1, et la ligne se divise sans boucle.",
            "`amax` and `sum` take `dim=-1` and `keepdim=True`: the axis stays, of size 1, and the row divides without a loop.",
        ),
    ),
)
def softmax(scores: Tensor, *, bugs: Bugs = NONE) -> Tensor:
    axis: int | tuple[int, ...] = 0 if "first_axis" in bugs else -1
    if "one_shift" in bugs:
        scores = scores - scores.max()
    elif "no_shift" not in bugs:
        scores = scores - scores.amax(axis, keepdim=True)
    if "logarithm" in bugs:
        return scores - scores.exp().sum(axis, keepdim=True).log()
    weights = scores.exp()
    if "no_sum" in bugs:
        return weights
    return weights / (weights.sum() if "all_axes" in bugs else weights.sum(axis, keepdim=True))


# --- weights by hand ----------------------------------------------------------------------------------------


def _by_hand(seed: int) -> tuple:
    """A query and three keys whose scaled scores are 0, ln 2 and ln 3 in some order: weights are sixths."""
    generator = torch.Generator().manual_seed(seed)
    size = int(torch.randint(1, 4, (), generator=generator))  # q is (2·size, 0, 0, 0), so q·k / √4 = size·k₀
    order = torch.randperm(3, generator=generator)
    first = torch.tensor([1.0, 2.0, 3.0]).log()[order] / size
    return [2.0 * size, 0.0, 0.0, 0.0], [[round(float(value), 4), float(i), 1.0, -1.0] for i, value in enumerate(first)]


@question(
    title=Text("Trois poids à la main", "Three weights by hand"),
    skill=Text(
        "calculer des scores, les réduire et les normaliser sans machine", "compute scores, scale them and normalize them without a machine"
    ),
    level=1,
    minutes=10,
    points=2,
    given=_by_hand,
    mistakes={
        "no_scale": Text(
            "Les scores ne sont pas divisés par √d_head ; ici d_head = 4.", "The scores are not divided by √d_head; here d_head = 4."
        ),
        "over_d": Text("Vous divisez par d_head, et non par sa racine.", "You divide by d_head, not by its square root."),
        "scores": Text("Vous donnez les scores : il reste le softmax.", "You give the scores: the softmax is still to be taken."),
        "linear": Text(
            "Vous divisez les scores par leur somme : le softmax prend d'abord l'exponentielle.",
            "You divide the scores by their sum: softmax takes the exponential first.",
        ),
        "no_sum": Text("Vous donnez les exponentielles : elles ne somment pas à 1.", "You give the exponentials: they do not sum to 1."),
        "reversed": Text(
            "La clé la plus proche reçoit le plus petit poids : le signe des scores est inversé.",
            "The closest key gets the smallest weight: the sign of the scores is reversed.",
        ),
    },
    hints=(
        Text(
            "Un seul nombre de la requête n'est pas nul : le produit scalaire se lit de tête.",
            "Only one number of the query is not zero: the dot product can be read off.",
        ),
        Text("exp(0,693) ≈ 2 et exp(1,099) ≈ 3.", "exp(0.693) ≈ 2 and exp(1.099) ≈ 3."),
        Text("Les trois poids sont des sixièmes.", "The three weights are sixths."),
    ),
)
def weights_by_hand(q: list[float], keys: list[list[float]], *, bugs: Bugs = NONE) -> list[float]:
    scores = torch.tensor(keys) @ torch.tensor(q) / (1 if "no_scale" in bugs else 4 if "over_d" in bugs else 2)
    if "reversed" in bugs:
        scores = -scores
    if "scores" in bugs:
        return scores.tolist()
    weights = scores if "linear" in bugs else scores.exp()
    return (weights if "no_sum" in bugs else weights / weights.sum()).tolist()


# --- attention ----------------------------------------------------------------------------------------------


def _attention_cases(seed: int) -> list[Case]:
    draw = normal(seed)
    q, k, v = draw(4, 8), draw(6, 8), draw(6, 5)
    real = torch.arange(6) < torch.tensor([4, 2])[:, None, None]  # two sequences of four and two tokens
    return [
        Case(Text("4 requêtes, 6 clés", "4 queries, 6 keys"), (q, k, v)),
        Case(Text("un lot de deux, trois têtes", "a batch of two, three heads"), (draw(2, 3, 4, 8), draw(2, 3, 6, 8), draw(2, 3, 6, 5))),
        Case(Text("de grands scores", "large scores"), (60 * q, 60 * k, v)),
        Case(Text("un masque causal", "a causal mask"), (draw(5, 8), draw(5, 8), draw(5, 8), torch.ones(5, 5, dtype=torch.bool).tril())),
        Case(Text("un masque de remplissage", "a padding mask"), (draw(2, 4, 8), draw(2, 6, 8), draw(2, 6, 5), real)),
    ]


@exercise(
    title=Text("L'attention, avec un masque", "Attention, with a mask"),
    skill=Text("écrire l'équation (1) de Vaswani et al., masque compris", "write equation (1) of Vaswani et al., mask included"),
    level=2,
    minutes=15,
    points=4,
    cases=_attention_cases,
    mistakes={
        "no_scale": Text(
            "Vous oubliez de diviser les scores par √d_head : leur variance grandit avec d_head et le softmax sature.",
            "You forgot to divide the scores by √d_head: their variance grows with d_head and the softmax saturates.",
        ),
        "over_d": Text(
            "Vous divisez par d_head et non par √d_head : les poids deviennent presque uniformes.",
            "You divide by d_head, not by √d_head: the weights become almost uniform.",
        ),
        "over_length": Text(
            "Vous divisez par la racine du nombre de clés : c'est la dimension d_head qui compte, non la longueur du texte.",
            "You divide by the root of the number of keys: the dimension d_head matters, not the length of the text.",
        ),
        "times_root": Text(
            "Vous multipliez par √d_head au lieu de diviser : le softmax sature encore plus.",
            "You multiply by √d_head instead of dividing: the softmax saturates even more.",
        ),
        "over_queries": Text(
            "Le softmax porte sur les requêtes : il doit porter sur les clés, pour que les poids de chaque requête somment à 1.",
            "The softmax runs over the queries: it must run over the keys, so that the weights of each query sum to 1.",
        ),
        "no_softmax": Text(
            "Il n'y a pas de softmax : les poids peuvent être négatifs et ne somment pas à 1.",
            "There is no softmax: weights can be negative and do not sum to 1.",
        ),
        "ignored": Text(
            "Le masque n'est pas utilisé : les clés interdites reçoivent du poids.", "The mask is not used: forbidden keys receive weight."
        ),
        "inverted": Text(
            "Le masque est inversé : ici True veut dire « a le droit de regarder ».", 'The mask is inverted: here True means "may attend".'
        ),
        "zero": Text(
            "Un score masqué vaut 0 chez vous, et exp(0) = 1 : la clé interdite garde du poids.",
            "A masked score is 0 in your version, and exp(0) = 1: the forbidden key keeps weight.",
        ),
        "after": Text(
            "Vous masquez après le softmax : les poids qui restent ne somment plus à 1.",
            "You mask after the softmax: the weights that remain no longer sum to 1.",
        ),
    },
    hints=(
        Text(
            "Les formes d'abord : (…, Tq, d_head) et (…, Tk, d_head) donnent des scores (…, Tq, Tk). Quel axe de k faut-il déplacer ?",
            "Shapes first: (…, Tq, d_head) and (…, Tk, d_head) give scores (…, Tq, Tk). Which axes of k must be swapped?",
        ),
        Text(
            "Pour qu'un poids soit nul après l'exponentielle, quelle valeur faut-il donner au score avant ?",
            "For a weight to be zero after the exponential, which value must the score have before it?",
        ),
        Text(
            "`masked_fill` remplit là où son masque vaut True ; le vôtre dit le contraire.",
            "`masked_fill` fills where its mask is True; yours says the opposite.",
        ),
    ),
)
def attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, *, bugs: Bugs = NONE) -> Tensor:
    size, length = q.shape[-1], k.shape[-2]
    power = {"no_scale": 1.0, "over_d": 1 / size, "over_length": length**-0.5, "times_root": size**0.5}
    scale = next((power[bug] for bug in power if bug in bugs), size**-0.5)
    scores = q @ k.transpose(-2, -1) * scale
    if mask is not None and "inverted" in bugs:
        mask = ~mask
    if mask is None or "ignored" in bugs:
        mask = torch.ones_like(scores, dtype=torch.bool)
    if "after" not in bugs:
        scores = scores.masked_fill(~mask, 0.0 if "zero" in bugs or "no_softmax" in bugs else -torch.inf)
    weights = scores if "no_softmax" in bugs else scores.softmax(-2 if "over_queries" in bugs else -1)
    return (weights.masked_fill(~mask, 0.0) if "after" in bugs else weights) @ v


# --- the same in columns ------------------------------------------------------------------------------------


def _columns_cases(seed: int) -> list[Case]:
    draw = normal(seed)
    return [
        Case(Text("5 jetons de 8 nombres", "5 tokens of 8 numbers"), (draw(8, 5), draw(3, 8), draw(3, 8), draw(4, 8))),
        Case(Text("3 jetons de 3 nombres", "3 tokens of 3 numbers"), (draw(3, 3), draw(3, 3), draw(3, 3), draw(3, 3))),
        Case(Text("un seul jeton", "a single token"), (draw(7, 1), draw(2, 7), draw(2, 7), draw(3, 7))),
    ]


@exercise(
    title=Text("La même chose en colonnes", "The same thing in columns"),
    skill=Text("passer des lignes de PyTorch aux colonnes des mathématiciens", "go from PyTorch's rows to the mathematicians' columns"),
    level=2,
    minutes=15,
    points=3,
    cases=_columns_cases,
    mistakes={
        "over_rows": Text(
            "Chez vous les lignes des poids somment à 1. En colonnes, la colonne j contient les poids de la requête j : c'est elle qui somme à 1.",
            "The rows of your weights sum to 1. In columns, column j holds the weights of query j: it is the column that sums to 1.",
        ),
        "swapped": Text(
            "Les rôles de Q et de K sont échangés : l'élément (i, j) des scores est le produit de la clé i et de la requête j.",
            "Q and K trade places: element (i, j) of the scores is the product of key i and query j.",
        ),
        "in_rows": Text(
            "Vous renvoyez le résultat en lignes : ici chaque jeton est une colonne, à l'entrée comme à la sortie.",
            "You return the result in rows: here each token is a column, on the way in and on the way out.",
        ),
        "no_scale": Text(
            "Vous oubliez de diviser par √d_head, le nombre de lignes de Q.", "You forgot to divide by √d_head, the number of rows of Q."
        ),
        "scale_input": Text(
            "Vous divisez par la racine de la taille des jetons : c'est celle des requêtes et des clés, d_head, qui compte.",
            "You divide by the root of the tokens' size: that of the queries and keys, d_head, matters.",
        ),
    },
    hints=(
        Text(
            "Écrivez Q = W_q X, K = W_k X, V = W_v X, et la forme de chacun.",
            "Write Q = W_q X, K = W_k X, V = W_v X, and the shape of each.",
        ),
        Text(
            "Transposer un produit renverse son ordre : (QKᵀ)ᵀ = KQᵀ. Qu'est-ce qui remplace QKᵀ ?",
            "Transposing a product reverses its order: (QKᵀ)ᵀ = KQᵀ. What replaces QKᵀ?",
        ),
    ),
)
def attention_in_columns(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, *, bugs: Bugs = NONE) -> Tensor:
    q, k, v = w_q @ x, w_k @ x, w_v @ x
    if "swapped" in bugs:
        q, k = k, q
    size = 1 if "no_scale" in bugs else x.shape[0] if "scale_input" in bugs else q.shape[0]
    out = v @ (k.T @ q / size**0.5).softmax(1 if "over_rows" in bugs else 0)
    return out.T if "in_rows" in bugs else out


# --- kernel regression --------------------------------------------------------------------------------------


def _kernel_cases(seed: int) -> list[Case]:
    draw = normal(seed)
    return [
        Case(Text("3 requêtes, 7 exemples", "3 queries, 7 examples"), (draw(3), draw(7), draw(7), 0.5)),
        Case(Text("une largeur de 2", "a bandwidth of 2"), (draw(4), draw(5), draw(5), 2.0)),
        Case(Text("très loin des exemples", "far from the examples"), (draw(2) + 40, draw(6), draw(6), 0.7)),
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
        "no_sum": Text(
            "Les poids ne somment pas à 1 : loin des exemples, la prédiction tombe à 0.",
            "The weights do not sum to 1: far from the examples, the prediction falls to 0.",
        ),
        "over_queries": Text(
            "Les poids somment à 1 sur les requêtes : ils doivent le faire sur les exemples.",
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
    squared = gap.abs() if "absolute" in bugs else gap**2
    bandwidth = 1.0 if "no_width" in bugs else width if "width" in bugs else width**2
    scores = (1 if "sign" in bugs else -1) * squared / bandwidth / (1 if "no_half" in bugs else 2)
    if "no_sum" in bugs:
        return scores.exp() @ y
    axis = 0 if "over_queries" in bugs else 1
    if "underflow" in bugs:
        return scores.exp() / scores.exp().sum(axis, keepdim=True) @ y
    return scores.softmax(axis) @ y


SET = (softmax, weights_by_hand, attention, attention_in_columns, kernel_regression)
