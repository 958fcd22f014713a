"""Exercises on attention: the weights by hand, then the equation in rows and in columns."""

import torch
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise, normal, question
from d2lmini.exercises.sets.softmax import kernel_regression, softmax
from d2lmini.i18n import Text
from d2lmini.trial import Case

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
        "no_sum": Text("Vous donnez les exponentielles : leur somme n'est pas 1.", "You give the exponentials: they do not sum to 1."),
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
        "over_values": Text(
            "Vous divisez par la racine de la taille des valeurs : c'est celle des requêtes et des clés qui compte.",
            "You divide by the root of the size of the values: that of the queries and keys matters.",
        ),
        "late": Text(
            "Vous divisez les poids, après le softmax : ce sont les scores qu'il faut réduire, avant.",
            "You divide the weights, after the softmax: the scores must be scaled, before it.",
        ),
        "times_root": Text(
            "Vous multipliez par √d_head au lieu de diviser : le softmax sature encore plus.",
            "You multiply by √d_head instead of dividing: the softmax saturates even more.",
        ),
        "over_queries": Text(
            "Le softmax porte sur les requêtes : il doit porter sur les clés, pour que les poids de chaque requête aient pour somme 1.",
            "The softmax runs over the queries: it must run over the keys, so that the weights of each query sum to 1.",
        ),
        "axis_one": Text(
            "Le softmax porte sur l'axe 1 : avec des lots ou des têtes, ce ne sont plus les clés. Comptez depuis la fin.",
            "The softmax runs over axis 1: with batches or heads, these are no longer the keys. Count from the end.",
        ),
        "reshaped": Text(
            "`view` et `reshape` relisent les nombres dans le même ordre : ils n'échangent pas deux axes.",
            "`view` and `reshape` reread the numbers in the same order: they do not swap two axes.",
        ),
        "two_axes": Text(
            "Votre transposition ne vaut que sans lot ni tête : ce sont les deux derniers axes de k qu'il faut échanger, quel que soit le nombre d'axes qui les précèdent.",
            "Your transpose only works with no batch and no heads: the last two axes of k must be swapped, however many stand in front.",
        ),
        "no_shift": Text(
            "L'exponentielle déborde quand les scores sont grands : exp(1 000) est infini et inf/inf donne NaN.",
            "The exponential overflows when scores are large: exp(1,000) is infinite and inf/inf gives NaN.",
        ),
        "no_softmax": Text(
            "Il n'y a pas de softmax : les poids peuvent être négatifs et leur somme n'est pas 1.",
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
        "added": Text(
            "Vous ajoutez le masque aux scores : 1 aux clés permises, 0 aux autres, et rien n'est interdit.",
            "You add the mask to the scores: 1 for the allowed keys, 0 for the others, and nothing is forbidden.",
        ),
        "poisoned": Text(
            "Vous multipliez −∞ par le masque : aux places permises, 0 fois l'infini donne NaN, et le softmax le répand sur toute la ligne.",
            "You multiply −∞ by the mask: in the allowed places, 0 times infinity gives NaN, and the softmax spreads it over the whole row.",
        ),
        "after": Text(
            "Vous masquez après le softmax : la somme des poids qui restent n'est plus 1.",
            "You mask after the softmax: the weights that remain no longer sum to 1.",
        ),
    },
    hints=(
        Text(
            "Les formes d'abord : (…, Tq, d_head) et (…, Tk, d_head) donnent des scores (…, Tq, Tk). Quels axes de k faut-il échanger ?",
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
    power = {"no_scale": 1.0, "over_d": 1 / size, "over_length": length**-0.5, "over_values": v.shape[-1] ** -0.5, "times_root": size**0.5}
    scale = next((power[bug] for bug in power if bug in bugs), 1.0 if "late" in bugs else size**-0.5)
    swapped = (
        k.reshape(*k.shape[:-2], size, length) if "reshaped" in bugs else k.transpose(0, 1) if "two_axes" in bugs else k.transpose(-2, -1)
    )
    scores = q @ swapped * scale
    masked = mask is not None and "ignored" not in bugs
    if mask is None or "ignored" in bugs:
        mask = torch.ones_like(scores, dtype=torch.bool)
    elif "inverted" in bugs:
        mask = ~mask
    if "no_shift" in bugs:
        weights = scores.exp() * mask
        return weights / weights.sum(-1, keepdim=True) @ v
    if "added" in bugs:
        scores = scores + mask.float()
    elif "poisoned" in bugs:
        scores = scores + ~mask * -torch.inf if masked else scores
    elif "after" not in bugs:
        scores = scores.masked_fill(~mask, 0.0 if bugs & {"zero", "no_softmax"} else -torch.inf)
    axis = -2 if "over_queries" in bugs else 1 if "axis_one" in bugs else -1
    weights = scores if "no_softmax" in bugs else scores.softmax(axis)
    weights = weights.masked_fill(~mask, 0.0) if "after" in bugs else weights
    return weights * (size**-0.5 if "late" in bugs else 1) @ v


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
            "Vos poids ont pour somme 1 sur les requêtes : ce doit être sur les clés. En colonnes, la colonne j contient les poids de la requête j.",
            "Your weights sum to 1 over the queries: they must do so over the keys. In columns, column j holds the weights of query j.",
        ),
        "swapped": Text(
            "Les rôles de Q et de K sont échangés : l'élément (i, j) des scores est le produit de la clé i et de la requête j.",
            "Q and K trade places: element (i, j) of the scores is the product of key i and query j.",
        ),
        "rows_weights": Text(
            "Vos poids sont justes, mais en lignes : la requête j y est la ligne j. En colonnes, elle doit être la colonne j avant de rencontrer V.",
            "Your weights are right, but in rows: query j is row j. In columns it must be column j before it meets V.",
        ),
        "coordinates": Text(
            "QKᵀ compare ici des coordonnées, et non des jetons : en colonnes, les scores doivent avoir la forme (T, T).",
            "QKᵀ compares coordinates here, not tokens: in columns the scores must have shape (T, T).",
        ),
        "over_tokens": Text(
            "Vous divisez par la racine du nombre de jetons : en colonnes, d_head est le nombre de lignes de Q.",
            "You divide by the root of the number of tokens: in columns, d_head is the number of rows of Q.",
        ),
        "over_d": Text("Vous divisez par d_head et non par √d_head.", "You divide by d_head, not by √d_head."),
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
            "En lignes, les scores QKᵀ ont une ligne par requête. En colonnes, quel produit de K et de Q a la forme (T, T), avec une colonne par requête ?",
            "In rows, the scores QKᵀ have one row per query. In columns, which product of K and Q has shape (T, T), with one column per query?",
        ),
    ),
)
def attention_in_columns(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, *, bugs: Bugs = NONE) -> Tensor:
    q, k, v = w_q @ x, w_k @ x, w_v @ x
    if "swapped" in bugs:
        q, k = k, q
    sizes = {"no_scale": 1, "scale_input": x.shape[0], "over_tokens": x.shape[1], "over_d": q.shape[0] ** 2}
    root = next((sizes[bug] for bug in sizes if bug in bugs), q.shape[0]) ** 0.5
    if "coordinates" in bugs:
        return (q @ k.T / root).softmax(-1) @ v
    if "rows_weights" in bugs:
        return v @ (q.T @ k / root).softmax(1)
    out = v @ (k.T @ q / root).softmax(1 if "over_rows" in bugs else 0)
    return out.T if "in_rows" in bugs else out


SET = (softmax, weights_by_hand, attention, attention_in_columns, kernel_regression)
