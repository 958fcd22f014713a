"""Exercises on positions: make distance cost, head by head, as ALiBi does."""

import torch
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise, normal
from d2lmini.exercises.sets.relative_positions import ALIGNED_BACKWARD, offsets
from d2lmini.i18n import Text
from d2lmini.trial import Case

FLOOR = Text(
    "`//` arrondit l'exposant : avec 16 têtes, les pentes vont par deux.", "`//` rounds the exponent: with 16 heads, slopes come in pairs."
)
PENALTY = Text(
    "Vous renvoyez la pénalité seule : il faut l'ajouter aux scores.", "You return the penalty alone: it is to be added to the scores."
)


def _alibi_cases(seed: int) -> list[Case]:
    draw = normal(seed)
    return [
        Case(Text("4 têtes, 5 jetons", "4 heads, 5 tokens"), (draw(4, 5, 6), draw(4, 5, 6))),
        Case(Text("un lot de deux, 8 têtes", "a batch of two, 8 heads"), (draw(2, 8, 3, 5), draw(2, 8, 3, 5))),
        Case(Text("une seule requête, 9 clés", "a single query, 9 keys"), (draw(2, 1, 7), draw(2, 9, 7))),
        Case(Text("autant de têtes que de jetons", "as many heads as tokens"), (draw(4, 4, 3), draw(4, 4, 3))),
        Case(Text("16 têtes", "16 heads"), (draw(16, 2, 4), draw(16, 3, 4))),
    ]


@exercise(
    title=Text("Faire payer la distance", "Making distance cost"),
    skill=Text("ajouter aux scores la pénalité d'ALiBi, tête par tête", "add ALiBi's penalty to the scores, head by head"),
    level=2,
    minutes=20,
    points=4,
    cases=_alibi_cases,
    mistakes={
        "bonus": Text(
            "La distance rapporte au lieu de coûter : il manque un signe moins, et les clés les plus lointaines gagnent.",
            "Distance pays instead of costing: a minus sign is missing, and the farthest keys win.",
        ),
        "future_bonus": Text(
            "L'écart j − i a gardé son signe : les clés qui suivent la requête gagnent des points. Il faut la distance |i − j|.",
            "The offset j − i has kept its sign: keys after the query gain points. The distance |i − j| is needed.",
        ),
        "past_bonus": Text(
            "L'écart a gardé son signe, et les clés du passé gagnent des points : il faut retrancher la distance |i − j|.",
            "The offset has kept its sign, and keys of the past gain points: the distance |i − j| is to be subtracted.",
        ),
        "rank": Text(
            "Vous ajoutez la pente fois le rang de la clé. Sous un masque causal, les poids seraient les mêmes, mais ce score-là n'est pas relatif.",
            "You add the slope times the rank of the key. Under a causal mask the weights would be the same, but that score is not relative.",
        ),
        "causal": Text(
            "Vous fermez les clés qui suivent la requête : ici aucun masque, elles paient leur distance comme les autres.",
            "You close the keys after the query: there is no mask here, they pay for their distance like the others.",
        ),
        "from_zero": Text(
            "La première pente vaut 1 : h va de 1 à H, et non de 0 à H − 1.",
            "The first slope is 1: h goes from 1 to H, not from 0 to H − 1.",
        ),
        "fixed_eight": Text(
            "Vos pentes sont 1/2, 1/4, 1/8… : ce n'est vrai que pour 8 têtes. L'exposant est −8h/H.",
            "Your slopes are 1/2, 1/4, 1/8…: this holds for 8 heads only. The exponent is −8h/H.",
        ),
        "no_eight": Text(
            "Il manque le 8 de l'exposant −8h/H : vos pentes vont jusqu'à 1/2, et non jusqu'à 1/256.",
            "The 8 of the exponent −8h/H is missing: your slopes go down to 1/2, not to 1/256.",
        ),
        "floor": FLOOR,
        "floor_first": FLOOR,
        "upside_down": Text(
            "Les pentes sont à l'envers : la tête 1 a la plus forte.",
            "Slopes are in reverse order: head 1 has the steepest.",
        ),
        "one_slope": Text(
            "Toutes les têtes ont la même pente : chacune doit avoir la sienne, donc sa propre portée.",
            "All heads have the same slope: each must have its own, hence its own reach.",
        ),
        "base_e": Text("Les pentes sont des puissances de 2, et non de e.", "Slopes are powers of 2, not of e."),
        "growing": Text(
            "Les pentes dépassent 1 et grandissent avec h : il manque le signe moins de l'exposant.",
            "Slopes exceed 1 and grow with h: the minus sign of the exponent is missing.",
        ),
        "per_query": Text(
            "Vos pentes changent d'une requête à l'autre : il faut une pente par tête, donc deux axes de taille 1 derrière.",
            "Your slopes change from one query to another: there must be one slope a head, so two axes of size 1 come after it.",
        ),
        "per_key": Text(
            "Vos pentes changent d'une clé à l'autre : il faut une pente par tête, donc deux axes de taille 1 derrière.",
            "Your slopes change from one key to another: there must be one slope a head, so two axes of size 1 come after it.",
        ),
        "batch_heads": Text(
            "Vous lisez le nombre de têtes sur le premier axe : avec un lot devant, c'est l'axe −3 qui compte les têtes.",
            "You read the number of heads on the first axis: with a batch in front, it is axis −3 that counts the heads.",
        ),
        "second_axis": Text(
            "Vous lisez le nombre de têtes sur l'axe 1 : sans lot devant, cet axe est celui des requêtes. C'est l'axe −3 qui compte les têtes.",
            "You read the number of heads on axis 1: with no batch in front, that axis is the queries'. It is axis −3 that counts the heads.",
        ),
        "aligned_backward": ALIGNED_BACKWARD,
        "aligned_first": Text(
            "La première requête est placée sur la première clé : quand il y a plus de clés, les requêtes sont les derniers jetons.",
            "The first query is placed at the first key: when there are more keys, the queries are the last tokens.",
        ),
        "no_scale": Text("Vous oubliez de diviser q·k par √d_head.", "You forgot to divide q·k by √d_head."),
        "scale_model": Text(
            "Les scores sont divisés par √d_model : une tête ne compare que d_head coordonnées, c'est √d_head qu'il faut.",
            "The scores are divided by √d_model: a head compares only d_head coordinates, so √d_head is needed.",
        ),
        "scaled": Text(
            "La pénalité est divisée par √d_head, elle aussi : elle s'ajoute aux scores déjà réduits.",
            "The penalty is divided by √d_head, too: it is added to the scores once they are scaled.",
        ),
        "weights": Text(
            "Vous renvoyez les poids : on demande les scores, avant le softmax.",
            "You return the weights: return the scores, before the softmax.",
        ),
        "penalty": PENALTY,
        "penalty_expanded": PENALTY,
        "no_penalty": Text(
            "La pénalité manque, ou vaut 0 : un entier à une puissance négative donne 0, s'il doit rester entier.",
            "The penalty is missing, or is 0: an integer to a negative power gives 0, if it must stay an integer.",
        ),
    },
    hints=(
        Text(
            "Trois morceaux : les scores (…, H, Tq, Tk), les distances (Tq, Tk), les pentes (H,).",
            "Three pieces: the scores (…, H, Tq, Tk), the distances (Tq, Tk), the slopes (H,).",
        ),
        Text("H est `q.shape[-3]`.", "H is `q.shape[-3]`."),
        Text(
            "`slopes[:, None, None]` a la forme (H, 1, 1) : chaque tête multiplie tout le tableau des distances.",
            "`slopes[:, None, None]` has shape (H, 1, 1): each head multiplies the whole table of distances.",
        ),
        Text(
            "La requête numéro i est le jeton de rang Tk − Tq + i.",
            "Query number i is the token of rank Tk − Tq + i.",
        ),
    ),
)
def alibi_scores(q: Tensor, k: Tensor, *, bugs: Bugs = NONE) -> Tensor:
    n_head, n_key, root = q.shape[0 if "batch_heads" in bugs else 1 if "second_axis" in bugs else -3], k.shape[-2], q.shape[-1] ** 0.5
    h = torch.ones(n_head) if "one_slope" in bugs else torch.arange(n_head) + ("from_zero" not in bugs)
    eight = 1 if "no_eight" in bugs else 8
    exponent = (eight if "growing" in bugs else -eight) * h / (8 if "fixed_eight" in bugs else n_head)
    if "floor" in bugs or "floor_first" in bugs:
        exponent = exponent.floor() if "floor" in bugs else exponent.ceil()
    slopes = exponent.exp() if "base_e" in bugs else 2**exponent
    slopes = slopes.flip(0) if "upside_down" in bugs else slopes * ("no_penalty" not in bugs)
    offset = offsets(q.shape[-2], n_key, bugs)
    cost = offset if "past_bonus" in bugs else -offset if "future_bonus" in bugs else offset.abs()
    if "rank" in bugs:
        cost = -torch.arange(n_key).expand_as(cost)
    behind = 0 if "per_key" in bugs else 1 if "per_query" in bugs else 2  # axes of size 1 after that of the heads
    penalty = (1 if "bonus" in bugs else -1) * slopes.view(-1, *[1] * behind) * cost
    if "penalty" in bugs:
        return penalty
    if "penalty_expanded" in bugs:
        return penalty.expand(*q.shape[:-1], n_key)
    divisor = 1 if "no_scale" in bugs else root * n_head**0.5 if "scale_model" in bugs else root
    scores = q @ k.transpose(-2, -1) / divisor + penalty / (root if "scaled" in bugs else 1)
    if "causal" in bugs:
        scores = scores.masked_fill(offset > 0, -torch.inf)
    return scores.softmax(-1) if "weights" in bugs else scores
