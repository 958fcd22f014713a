"""Exercises on positions that act on the scores: a number for each clipped offset, T5's buckets, ALiBi's penalty."""

import math

import torch
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise, normal, question
from d2lmini.i18n import Text
from d2lmini.trial import Case

# --- a number for each offset -------------------------------------------------------------------------------


def _bias_cases(seed: int) -> list[Case]:
    draw = normal(seed)
    return [
        Case(Text("6 jetons, K = 2", "6 tokens, K = 2"), (draw(5, 3), 6, 6)),
        Case(Text("les 3 dernières requêtes, 8 clés", "the last 3 queries, 8 keys"), (draw(7, 2), 3, 8)),
        Case(Text("une seule requête, 7 clés", "a single query, 7 keys"), (draw(9, 2), 1, 7)),
        Case(Text("aucun écart à rogner", "no offset to clip"), (draw(13, 4), 5, 5)),
        Case(Text("K = 1", "K = 1"), (draw(3, 5), 4, 4)),
    ]


@exercise(
    title=Text("Un nombre par écart", "A number for each offset"),
    skill=Text("lire une table d'écarts rognés, têtes comprises", "look up a table of clipped offsets, heads included"),
    level=2,
    minutes=15,
    points=4,
    cases=_bias_cases,
    mistakes={
        "reversed": Text(
            "Vous prenez l'écart i − j : le passé et le futur s'échangent. La ligne K + 1 est celle de la clé qui suit la requête.",
            "You take the offset i − j: past and future trade places. Row K + 1 is that of the key just after the query.",
        ),
        "no_shift": Text(
            "Vous lisez la ligne numéro j − i : un indice négatif repart de la fin de la table, sans erreur. L'écart 0 est à la ligne K.",
            "You read row number j − i: a negative index starts again from the end of the table, with no error. Offset 0 is in row K.",
        ),
        "no_clip": Text(
            "Les écarts ne sont pas rognés : trop grands, ils sortent de la table ; trop petits, un indice négatif repart de la fin.",
            "Offsets are not clipped: large ones fall out of the table, and low ones, as negative indices, start again from its end.",
        ),
        "late_clip": Text(
            "Vous rognez entre −K et K après avoir ajouté K : tout le futur tombe sur la ligne de l'écart 0. Rognez l'écart lui-même.",
            "You clip between −K and K after adding K: the whole future falls on the row of offset 0. Clip the offset itself.",
        ),
        "past_unclipped": Text(
            "Seul le futur est rogné : un écart trop petit devient un indice négatif, qui repart de la fin de la table sans erreur.",
            "Only the future is clipped: an offset too low becomes a negative index, which starts again from the end of the table with no error.",
        ),
        "exclusive": Text(
            "L'écart K est perdu : la dernière ligne de la table ne sert jamais.",
            "Offset K is lost: the last row of the table is never used.",
        ),
        "absolute": Text(
            "Vous prenez la distance, sans son signe : la clé d'avant et celle d'après lisent la même ligne.",
            "You take the distance, without its sign: the key before and the key after read the same row.",
        ),
        "aligned_first": Text(
            "La première requête est placée sur la première clé : quand il y a plus de clés, les requêtes sont les derniers jetons.",
            "The first query is placed at the first key: when there are more keys, the queries are the last tokens.",
        ),
        "heads_last": Text(
            "L'axe des têtes est resté le dernier : celui des scores est devant, (H, Tq, Tk).",
            "The axis of the heads has stayed last: that of the scores stands in front, (H, Tq, Tk).",
        ),
        "reshaped": Text(
            "`reshape` redécoupe les nombres dans l'ordre de la mémoire et mélange têtes et positions : il faut déplacer l'axe.",
            "`reshape` cuts the numbers up again in memory order and mixes heads and positions: the axis must be moved.",
        ),
        "keys_first": Text(
            "Les têtes sont devant, mais requêtes et clés ont été échangées au passage : vous rendez (H, Tk, Tq).",
            "Heads come first, but queries and keys were swapped on the way: you return (H, Tk, Tq).",
        ),
    },
    hints=(
        Text(
            "Écrivez d'abord le tableau des écarts j − i, de forme (Tq, Tk). Dans sa dernière ligne, le dernier nombre vaut 0.",
            "First write the table of offsets j − i, of shape (Tq, Tk). The last number of its last row is 0.",
        ),
        Text(
            "K se déduit du nombre de lignes, 2K + 1. Rognez avec `clamp`, puis décalez pour que le plus petit écart donne 0.",
            "K follows from the number of rows, 2K + 1. Clip with `clamp`, then shift so that the lowest offset gives 0.",
        ),
        Text(
            "Indexer la table par un tableau (Tq, Tk) rend (Tq, Tk, H) : `permute` déplace les axes.",
            "Indexing the table with a (Tq, Tk) array returns (Tq, Tk, H): `permute` moves axes.",
        ),
    ),
)
def relative_bias(table: Tensor, n_query: int, n_key: int, *, bugs: Bugs = NONE) -> Tensor:
    reach = (len(table) - 1) // 2
    offset = _offsets(n_query, n_key, bugs)
    if "reversed" in bugs:
        offset = -offset
    if "absolute" in bugs:
        offset = offset.abs()
    if "late_clip" in bugs:
        offset = (offset + reach).clamp(-reach, reach) - reach
    elif "no_clip" not in bugs:
        offset = offset.clamp(None if "past_unclipped" in bugs else -reach, reach - 1 if "exclusive" in bugs else reach)
    bias = table[offset if "no_shift" in bugs else offset + reach]  # (Tq, Tk, H)
    if "heads_last" in bugs:
        return bias
    if "reshaped" in bugs:
        return bias.reshape(-1, n_query, n_key)
    return bias.permute(2, 1, 0) if "keys_first" in bugs else bias.permute(2, 0, 1)


def _offsets(n_query: int, n_key: int, bugs: Bugs) -> Tensor:
    """j − i, the last query standing at the last key."""
    first = 0 if "aligned_first" in bugs else n_key - n_query
    return torch.arange(n_key) - torch.arange(first, first + n_query)[:, None]


# --- buckets of offsets, by hand ----------------------------------------------------------------------------


def _buckets(seed: int) -> tuple:
    """Seven offsets, none on the edge of a bucket, and a largest distance 4·r⁴: the buckets start at 4, 4r, 4r² and 4r³."""
    generator = torch.Generator().manual_seed(seed)

    def between(low: float, high: float) -> int:
        return int(torch.randint(math.ceil(low), int(high), (), generator=generator))

    r = between(3, 6)
    offsets = [
        0, -between(1, 4), between(1, 4), 3 + r, -between(4 * r**1.9, 4 * r**2), between(4 * r**2.6, 4 * r**3),
        -between(4.5 * r**4, 6 * r**4),
    ]  # fmt: skip
    order = torch.randperm(len(offsets), generator=generator).tolist()
    return [offsets[i] for i in order], 4 * r**4


@question(
    title=Text("Ranger des écarts par tranches", "Sorting offsets into buckets"),
    skill=Text("placer un écart dans les tranches de T5", "place an offset in the buckets of T5"),
    level=2,
    minutes=15,
    points=3,
    given=_buckets,
    mistakes={
        "no_side": Text(
            "Le passé et le futur partagent leurs tranches : celles du futur viennent après les 8 du passé.",
            "Past and future share their buckets: those of the future come after the 8 of the past.",
        ),
        "swapped": Text(
            "Les côtés sont échangés : l'écart est j − i, et une clé qui suit la requête a un écart positif.",
            "The sides are swapped: the offset is j − i, and a key after the query has a positive offset.",
        ),
        "signed": Text(
            "Un numéro de tranche n'est jamais négatif : il sert d'indice dans une table.",
            "The number of a bucket is never negative: it serves as an index into a table.",
        ),
        "causal": Text(
            "Vous mettez tout le futur en 0, comme un décodeur : un encodeur regarde des deux côtés, et le futur a ses tranches.",
            "You put the whole future in 0, as a decoder does: an encoder looks both ways, and the future has its buckets.",
        ),
        "packed": Text(
            "Vous serrez les tranches du futur : la distance 1 y a le numéro 8 + 1. Le 8 serait celui de la distance 0, et reste vide.",
            "You pack the buckets of the future: distance 1 has number 8 + 1 there. Number 8 would be that of distance 0, and stays empty.",
        ),
        "doubling": Text(
            "Vous doublez chaque borne, quelle que soit la distance maximale : le rapport r entre deux bornes dépend d'elle, r⁴ = maximum / 4.",
            "You double each bound, whatever the largest distance: the ratio r between two bounds depends on it, r⁴ = largest / 4.",
        ),
        "zero": Text("L'écart 0 compte avec le passé : sa tranche est 0.", "Offset 0 counts with the past: its bucket is 0."),
        "from_one": Text("Les tranches se comptent à partir de 0.", "Buckets are counted from 0."),
        "all_buckets": Text(
            "Vous donnez 16 tranches à chaque côté : il y en a 16 en tout, donc 8 par côté, dont 4 exactes.",
            "You give 16 buckets to each side: there are 16 in all, hence 8 a side, of which 4 are exact.",
        ),
        "clipped": Text(
            "Vous donnez une tranche à chaque distance jusqu'à 7, comme Shaw : ici, dès 4, les distances se partagent des tranches.",
            "You give each distance up to 7 a bucket of its own, as Shaw does: here, from 4 on, distances share buckets.",
        ),
        "linear": Text(
            "Vos tranches lointaines ont toutes la même largeur : c'est le logarithme de la distance qu'on coupe en parts égales.",
            "Your far buckets all have the same width: it is the logarithm of the distance that is cut into equal parts.",
        ),
        "no_ratio": Text(
            "Le logarithme part de 1 : il doit partir de 4, la première distance partagée. C'est log(distance / 4).",
            "The logarithm starts from 1: it must start from 4, the first distance that is shared. It is log(distance / 4).",
        ),
        "restarted": Text(
            "Les tranches partagées viennent après les 4 exactes : la formule commence par 4 +, sinon deux distances éloignées se confondent.",
            "Shared buckets come after the 4 exact ones: the formula starts with 4 +, or else two distances far apart become one.",
        ),
        "rounded": Text(
            "Vous arrondissez au plus proche : on garde la partie entière, car une tranche va d'une borne à la suivante.",
            "You round to the nearest: keep the integer part, because a bucket goes from one bound to the next.",
        ),
        "unclamped": Text(
            "Au-delà de la distance maximale, tout reste dans la dernière tranche du côté : la 7 pour le passé.",
            "Beyond the largest distance, everything stays in the last bucket of its side: 7 for the past.",
        ),
    },
    hints=(
        Text(
            "Oubliez d'abord le signe : trouvez la tranche de la distance, de 0 à 7. Le côté vient ensuite.",
            "Forget the sign at first: find the bucket of the distance, from 0 to 7. The side comes next.",
        ),
        Text(
            "Les tranches 4 à 7 commencent à 4, 4r, 4r² et 4r³, où r⁴ est la distance maximale divisée par 4.",
            "Buckets 4 to 7 start at 4, 4r, 4r² and 4r³, where r⁴ is the largest distance divided by 4.",
        ),
        Text(
            "Si r = 3, les bornes sont 4, 12, 36 et 108 : la distance 40 a franchi 36 sans atteindre 108, sa tranche est 6.",
            "If r = 3, the bounds are 4, 12, 36 and 108: distance 40 has passed 36 without reaching 108, its bucket is 6.",
        ),
    ),
)
def buckets_by_hand(offsets: list[int], max_distance: int, *, bugs: Bugs = NONE) -> list[int]:
    return [_bucket(offset, max_distance, bugs) for offset in offsets]


def _bucket(offset: int, max_distance: int, bugs: Bugs) -> int:
    side = 16 if "all_buckets" in bugs else 8
    exact, distance = side // 2, abs(offset)
    bucket = distance
    if distance >= exact and "clipped" not in bugs:
        growth = math.log(distance / exact) / math.log(max_distance / exact)
        if "linear" in bugs:
            growth = (distance - exact) / (max_distance - exact)
        elif "no_ratio" in bugs:
            growth = math.log(distance) / math.log(max_distance)
        elif "doubling" in bugs:
            growth = math.log2(distance / exact) / (side - exact)
        bucket = (0 if "restarted" in bugs else exact) + (round if "rounded" in bugs else int)(growth * (side - exact))
    if "unclamped" not in bugs:
        bucket = min(bucket, side - 1)
    if "signed" in bugs:
        return bucket if offset > 0 else -bucket
    if "causal" in bugs and offset > 0:
        return 0
    after = offset >= 0 if "zero" in bugs else offset < 0 if "swapped" in bugs else offset > 0
    return bucket + ("from_one" in bugs) + (0 if "no_side" in bugs else (side - ("packed" in bugs)) * after)


# --- ALiBi --------------------------------------------------------------------------------------------------


def _alibi_cases(seed: int) -> list[Case]:
    draw = normal(seed)
    return [
        Case(Text("4 têtes, 5 jetons", "4 heads, 5 tokens"), (draw(4, 5, 6), draw(4, 5, 6))),
        Case(Text("un lot de deux, 8 têtes", "a batch of two, 8 heads"), (draw(2, 8, 3, 5), draw(2, 8, 3, 5))),
        Case(Text("une seule requête, 9 clés", "a single query, 9 keys"), (draw(2, 1, 7), draw(2, 9, 7))),
        Case(Text("autant de têtes que de jetons", "as many heads as tokens"), (draw(4, 4, 3), draw(4, 4, 3))),
    ]


@exercise(
    title=Text("Faire payer la distance", "Making distance cost"),
    skill=Text("ajouter aux scores la pénalité d'ALiBi, tête par tête", "add ALiBi's penalty to the scores, head by head"),
    level=2,
    minutes=15,
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
            "Vous ajoutez la pente fois le rang de la clé. Sous un masque causal le softmax n'y verrait rien, mais ce score-là n'est pas relatif.",
            "You add the slope times the rank of the key. Under a causal mask the softmax would not see it, but that score is not relative.",
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
            "Les pentes s'étendent sur l'axe des requêtes : il faut une pente par tête, donc deux axes de taille 1 derrière.",
            "Slopes broadcast along the queries: there is one slope a head, so two axes of size 1 must come after it.",
        ),
        "per_key": Text(
            "Les pentes s'étendent sur l'axe des clés : il faut une pente par tête, donc deux axes de taille 1 derrière.",
            "Slopes broadcast along the keys: there is one slope a head, so two axes of size 1 must come after it.",
        ),
        "batch_heads": Text(
            "Vous lisez le nombre de têtes sur le premier axe : avec un lot devant, c'est l'axe −3 qui compte les têtes.",
            "You read the number of heads on the first axis: with a batch in front, it is axis −3 that counts the heads.",
        ),
        "aligned_first": Text(
            "La première requête est placée sur la première clé : quand il y a plus de clés, les requêtes sont les derniers jetons.",
            "The first query is placed at the first key: when there are more keys, the queries are the last tokens.",
        ),
        "no_scale": Text("Vous oubliez de diviser q·k par √d_head.", "You forgot to divide q·k by √d_head."),
        "scaled": Text(
            "La pénalité est divisée par √d_head, elle aussi : elle s'ajoute aux scores déjà réduits.",
            "The penalty is divided by √d_head, too: it is added to the scores once they are scaled.",
        ),
        "weights": Text(
            "Vous renvoyez les poids : on demande les scores, avant le softmax.",
            "You return the weights: the scores are asked for, before the softmax.",
        ),
        "penalty": Text(
            "Vous renvoyez la pénalité seule : il faut l'ajouter aux scores.",
            "You return the penalty alone: it is to be added to the scores.",
        ),
    },
    hints=(
        Text(
            "Trois morceaux : les scores (…, H, Tq, Tk), les distances (Tq, Tk), les pentes (H,).",
            "Three pieces: the scores (…, H, Tq, Tk), the distances (Tq, Tk), the slopes (H,).",
        ),
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
    n_head, n_key, root = q.shape[0 if "batch_heads" in bugs else -3], k.shape[-2], q.shape[-1] ** 0.5
    h = torch.ones(n_head) if "one_slope" in bugs else torch.arange(n_head) + ("from_zero" not in bugs)
    eight = 1 if "no_eight" in bugs else 8
    exponent = (eight if "growing" in bugs else -eight) * h / (8 if "fixed_eight" in bugs else n_head)
    slopes = exponent.exp() if "base_e" in bugs else 2**exponent
    offset = _offsets(q.shape[-2], n_key, bugs)
    cost = offset if "past_bonus" in bugs else -offset if "future_bonus" in bugs else offset.abs()
    if "rank" in bugs:
        cost = -torch.arange(n_key).expand_as(cost)
    behind = 0 if "per_key" in bugs else 1 if "per_query" in bugs else 2  # axes of size 1 after that of the heads
    penalty = (1 if "bonus" in bugs else -1) * slopes.view(-1, *[1] * behind) * cost
    if "penalty" in bugs:
        return penalty
    scores = q @ k.transpose(-2, -1) / (1 if "no_scale" in bugs else root) + penalty / (root if "scaled" in bugs else 1)
    if "causal" in bugs:
        scores = scores.masked_fill(offset > 0, -torch.inf)
    return scores.softmax(-1) if "weights" in bugs else scores
