"""Exercises on positions that act on the scores: a number for each clipped offset, and T5's buckets; ALiBi is beside."""

import math

import torch
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise, normal, question
from d2lmini.i18n import Text
from d2lmini.trial import Case

ALIGNED_BACKWARD = Text(
    "Le décalage est à l'envers : la requête i est au rang i + Tk − Tq.", "The shift is backward: query i is at rank i + Tk − Tq."
)
MISREAD = Text("K est mal lu : la table a 2K + 1 lignes.", "K is misread: the table has 2K + 1 rows.")

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
        "half_clip": Text(
            "Après le décalage, on rogne entre 0 et 2K.",
            "After the shift, clip between 0 and 2K.",
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
        "aligned_backward": ALIGNED_BACKWARD,
        "aligned_before": Text(
            "Les écarts sont décalés d'un rang : la dernière requête est au rang Tk − 1, et l'écart 0 à la ligne K d'une table de 2K + 1 lignes.",
            "Offsets are off by one: the last query is at rank Tk − 1, and offset 0 in row K of a table of 2K + 1 rows.",
        ),
        "square": Text(
            "Gardez les n_query dernières lignes.",
            "Keep the last n_query rows.",
        ),
        "all_rows": MISREAD,
        "all_rows_but_one": MISREAD,
        "rows_held": MISREAD,
        "half_rows_and_one": MISREAD,
        "columns": MISREAD,
        "float": Text(
            "`/` donne un réel : K et les numéros de ligne sont des entiers.",
            "`/` gives a float: K and row numbers are integers.",
        ),
        "heads_last": Text(
            "L'axe des têtes est resté le dernier : il doit passer devant, comme dans les scores, (H, Tq, Tk).",
            "The axis of the heads has stayed last: it must come first, as it does in the scores, (H, Tq, Tk).",
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
    rows = len(table)
    reach = (table.shape[1] - 1) // 2 if "columns" in bugs else rows if "all_rows" in bugs else rows // 2
    if "all_rows_but_one" in bugs or "rows_held" in bugs:
        reach = rows - 1
    if "half_rows_and_one" in bugs:
        reach = (rows + 1) // 2
    n_query = n_key if "square" in bugs else n_query
    offset = offsets(n_query, n_key, bugs)
    if "reversed" in bugs:
        offset = -offset
    if "absolute" in bugs:
        offset = offset.abs()
    if "late_clip" in bugs:
        offset = (offset + reach).clamp(-reach, reach) - reach
    elif "half_clip" in bugs:
        offset = (offset + reach).clamp(0, reach) - reach
    elif "rows_held" in bugs:
        offset = offset.clamp(-reach, 0)
    elif "no_clip" not in bugs:
        offset = offset.clamp(None if "past_unclipped" in bugs else -reach, reach - 1 if "exclusive" in bugs else reach)
    row = offset if "no_shift" in bugs else offset + reach
    bias = table[row.float() if "float" in bugs else row]  # (Tq, Tk, H)
    if "heads_last" in bugs:
        return bias
    if "reshaped" in bugs:
        return bias.reshape(-1, n_query, n_key)
    return bias.permute(2, 1, 0) if "keys_first" in bugs else bias.permute(2, 0, 1)


def offsets(n_query: int, n_key: int, bugs: Bugs) -> Tensor:
    """j − i, the last query standing at the last key."""
    first = 0 if "aligned_first" in bugs else n_query - n_key if "aligned_backward" in bugs else n_key - n_query
    first -= "aligned_before" in bugs
    return torch.arange(n_key) - torch.arange(first, first + n_query)[:, None]


SIGNED = Text(
    "Un numéro de tranche n'est jamais négatif : il sert d'indice dans une table.",
    "The number of a bucket is never negative: it serves as an index into a table.",
)
ROUNDED_UP = Text(
    "Vous arrondissez par excès : on garde la partie entière, une tranche commence à sa borne.",
    "You round up: keep the integer part, a bucket starts at its bound.",
)

# --- buckets of offsets, by hand ----------------------------------------------------------------------------


def _buckets(seed: int) -> tuple:
    """Eight offsets, one of them where a bucket starts, and a largest distance 4·r⁴: the buckets start at 4, 4r, 4r² and 4r³."""
    generator = torch.Generator().manual_seed(seed)

    def between(low: float, high: float) -> int:
        return int(torch.randint(math.ceil(low), int(high), (), generator=generator))

    r = between(3, 6)
    offsets = [
        0, -between(1, 4), between(1, 4), 3 + r, -between(4 * r**1.3, 4 * r**1.4), -4 * r**2, between(4 * r**2.6, 4 * r**3),
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
            "Chez vous, le passé et le futur partagent leurs tranches : celles du futur doivent venir après les 8 du passé.",
            "In your answer past and future share their buckets: those of the future must come after the 8 of the past.",
        ),
        "swapped": Text(
            "Les côtés sont échangés : l'écart est j − i, et une clé qui suit la requête a un écart positif.",
            "The sides are swapped: the offset is j − i, and a key after the query has a positive offset.",
        ),
        "signed": SIGNED,
        "signed_past": SIGNED,
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
        "rounded_up": ROUNDED_UP,
        "one_more": ROUNDED_UP,
        "bound_before": Text(
            "Une borne ouvre la tranche suivante : une distance égale à une borne y est déjà.",
            "A bound opens the next bucket: a distance equal to a bound is already in it.",
        ),
        "thirty_two": Text(
            "Vous ajoutez 16 pour le futur : il y a 16 tranches en tout, donc 8 de chaque côté.",
            "You add 16 for the future: there are 16 buckets in all, hence 8 on each side.",
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
        bucket = (0 if "restarted" in bugs else exact) + _part(growth * (side - exact), bugs)
    if "unclamped" not in bugs:
        bucket = min(bucket, side - 1)
    if "signed" in bugs:
        return bucket if offset > 0 else -bucket
    if "causal" in bugs and offset > 0:
        return 0
    after = offset >= 0 if "zero" in bugs else offset < 0 if "swapped" in bugs else offset > 0
    bucket += ("from_one" in bugs) + (0 if "no_side" in bugs else (side * (1 + ("thirty_two" in bugs)) - ("packed" in bugs)) * after)
    return -bucket if "signed_past" in bugs and offset < 0 else bucket


def _part(growth: float, bugs: Bugs) -> int:
    """The integer part, or another way to round."""
    if "rounded_up" in bugs or "bound_before" in bugs:
        return math.ceil(growth - 1e-9) - ("bound_before" in bugs)
    return round(growth) if "rounded" in bugs else int(growth + 1e-9) + ("one_more" in bugs)
