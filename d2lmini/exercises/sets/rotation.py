"""Exercises on positions: turn queries and keys by their ranks."""

import torch
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise, normal
from d2lmini.i18n import Text
from d2lmini.trial import Case

SECOND = Text("La première moitié est juste, la seconde non.", "The first half is right, the second is not.")


def _rotary_cases(seed: int) -> list[Case]:
    draw = normal(seed)
    return [
        Case(Text("5 jetons, d_head = 8", "5 tokens, d_head = 8"), (draw(5, 8), torch.arange(5))),
        Case(Text("un lot de deux, trois têtes", "a batch of two, three heads"), (draw(2, 3, 4, 6), torch.arange(4))),
        Case(Text("un seul jeton, de rang 37", "a single token, of rank 37"), (draw(2, 1, 8), torch.tensor([37]))),
        Case(Text("des rangs quelconques", "any ranks"), (draw(3, 6), torch.tensor([9, 4, 21]))),
        Case(Text("un seul jeton, de rang 0", "a single token, of rank 0"), (draw(1, 8), torch.tensor([0]))),
    ]


@exercise(
    title=Text("Tourner les requêtes et les clés", "Turning queries and keys"),
    skill=Text("écrire la rotation de RoPE sous une convention donnée", "write the rotation of RoPE under a given convention"),
    level=3,
    minutes=20,
    points=5,
    cases=_rotary_cases,
    tolerance=1e-3,
    mistakes={
        "neighbors": Text(
            "Vos couples sont des voisines (0, 1), (2, 3)… Ici un couple prend une coordonnée dans chaque moitié : (c, c + d/2).",
            "Your pairs are neighbors (0, 1), (2, 3)… Here a pair takes one coordinate from each half: (c, c + d/2).",
        ),
        "neighbor_angles": Text(
            "Deux conventions se mêlent : vous mariez les moitiés, mais vous répétez les angles comme pour des voisines. Les deux coordonnées d'un couple doivent tourner du même angle.",
            "Two conventions are mixed: you pair the halves but repeat the angles as for neighbors. Both coordinates of a pair must turn by the same angle.",
        ),
        "neighbor_partners": Text(
            "Deux conventions se mêlent : vos angles sont ceux des moitiés, mais vous échangez des voisines. Le partenaire de c est c + d/2.",
            "Two conventions are mixed: your angles are those of the halves, but you swap neighbors. The partner of c is c + d/2.",
        ),
        "woven": Text(
            "La rotation est juste, le rangement non : vous alternez les deux moitiés du résultat, alors que chaque nombre doit revenir à sa place.",
            "The rotation is right, the layout is not: you alternate the two halves of the result, but each number must return to its own place.",
        ),
        "unwoven": Text(
            "Vous lisez des voisines, puis vous rangez le résultat en deux moitiés : lecture et écriture doivent suivre la même convention, ici les moitiés.",
            "You read neighbors, then put the result in two halves: reading and writing must follow one convention, here that of halves.",
        ),
        "backward": Text(
            "Vous tournez dans l'autre sens : c'est la rotation d'angle −iω. L'angle doit croître avec le rang.",
            "You turn the other way: this is the rotation of angle −iω. The angle must grow with the rank.",
        ),
        "no_minus": Text(
            "Il manque un signe moins : sans lui, ce n'est plus une rotation et la longueur du vecteur change.",
            "A minus sign is missing: without it this is no longer a rotation, and the length of the vector changes.",
        ),
        "second_minus": SECOND,
        "second_crossed": SECOND,
        "second_kept": SECOND,
        "read_swapped": Text(
            "Les deux moitiés sont échangées à la lecture : a est dans la première, b dans la seconde.",
            "The two halves trade places when they are read: a is in the first, b in the second.",
        ),
        "written_swapped": Text(
            "Les deux moitiés sont échangées au rangement : le nombre qui remplace a va dans la première.",
            "The two halves trade places when they are written: the number that replaces a goes to the first.",
        ),
        "sine_cosine": Text(
            "Sinus et cosinus sont échangés : au rang 0, rien ne doit tourner.",
            "Sine and cosine trade places: at rank 0 nothing should turn.",
        ),
        "sequential": Text(
            "Vous calculez la seconde coordonnée avec la première déjà tournée : elle a besoin de l'ancienne.",
            "You compute the second coordinate from the first one already turned: it needs the old one.",
        ),
        "ignored": Text(
            "Les rangs donnés ne servent pas : vous comptez 0, 1, 2… Un jeton lu seul, avec un cache, n'est pas au rang 0.",
            "The given ranks are not used: you count 0, 1, 2… A token read alone, with a cache, is not at rank 0.",
        ),
        "from_first": Text(
            "Vous ramenez le premier rang à 0 : le rang donné compte tel quel.",
            "You bring the first rank back to 0: the given rank counts as it is.",
        ),
        "from_one": Text(
            "Vous ajoutez 1 aux rangs : le rang donné compte tel quel.",
            "You add 1 to the ranks: the given rank counts as it is.",
        ),
        "indexed": Text(
            "Vous cherchez dans x la ligne numéro `position` : un rang n'est pas une place dans x, où le jeton de rang 37 peut être seul.",
            "You look in x for row number `position`: a rank is not a place in x, where the token of rank 37 may be alone.",
        ),
        "half_exponent": Text(
            "Votre exposant est deux fois trop petit : ω_c = 10 000^(−2c/d), et vous prenez −c/d.",
            "Your exponent is too small by a factor of two: ω_c = 10,000^(−2c/d), and you take −c/d.",
        ),
        "double": Text(
            "Votre exposant est deux fois trop grand : il doit aller de 0 à presque −1, par pas de −2/d.",
            "Your exponent is too large by a factor of two: it must go from 0 to almost −1, by steps of −2/d.",
        ),
        "growing": Text(
            "Les vitesses grandissent avec c : il manque le signe moins de l'exposant.",
            "Speeds grow with c: the minus sign of the exponent is missing.",
        ),
        "one_speed": Text(
            "Tous les couples tournent à la vitesse 1 : il manque les ω_c.", "All pairs turn at speed 1: the ω_c are missing."
        ),
        "per_coordinate": Text(
            "Les deux coordonnées d'un couple n'ont pas la même vitesse : il y en a d/2, une par couple, et non d.",
            "The two coordinates of a pair do not have the same speed: there are d/2 of them, one a pair, not d.",
        ),
        "no_axis": Text(
            "Rangs et vitesses se multiplient terme à terme, comme si d_head/2 valait T : il faut une colonne de rangs face à une ligne de vitesses.",
            "Ranks and speeds are multiplied term by term, as if d_head/2 were T: a column of ranks must face a row of speeds.",
        ),
    },
    hints=(
        Text(
            "Les angles ont la forme (T, d_head/2) : un par jeton et par couple. Ils s'étendent d'eux-mêmes aux axes du lot et des têtes.",
            "The angles have shape (T, d_head/2): one for each token and each pair. They broadcast by themselves to the batch and the heads.",
        ),
        Text(
            "`x.chunk(2, dim=-1)` donne les deux moitiés : a, les premières coordonnées de tous les couples, et b, les secondes.",
            "`x.chunk(2, dim=-1)` gives the two halves: a, the first coordinates of all pairs, and b, the second ones.",
        ),
        Text(
            "Développez (a + ib)(cos α + i sin α) : la partie réelle est la nouvelle première moitié, la partie imaginaire la seconde.",
            "Expand (a + ib)(cos α + i sin α): the real part is the new first half, the imaginary part the second.",
        ),
    ),
)
def rotary(x: Tensor, position: Tensor, *, bugs: Bugs = NONE) -> Tensor:
    d = x.shape[-1]
    if "ignored" in bugs:
        position = torch.arange(x.shape[-2])
    if "from_first" in bugs or "from_one" in bugs:
        position = position + 1 if "from_one" in bugs else position - position[0]
    if "indexed" in bugs:
        x = x[..., position, :]
    factor = 1 if "half_exponent" in bugs else 4 if "double" in bugs else 0 if "one_speed" in bugs else 2
    exponent = (1 if "growing" in bugs else -1) * factor * torch.arange(d // 2) / d
    if "per_coordinate" in bugs:
        exponent = (1 if "growing" in bugs else -1) * factor / 2 * torch.arange(d) / d
    angle = (position if "no_axis" in bugs else position[:, None]) * 10_000**exponent
    if "backward" in bugs:
        angle = -angle
    if bugs & MIXED:
        return _misread(x, angle, bugs)
    a, b = (x[..., 0::2], x[..., 1::2]) if "unwoven" in bugs else x.chunk(2, dim=-1)
    a, b = (b, a) if "read_swapped" in bugs else (a, b)
    cos, sin = (angle.sin(), angle.cos()) if "sine_cosine" in bugs else (angle.cos(), angle.sin())
    first = a * cos + b * sin if "no_minus" in bugs else a * cos - b * sin
    second = (first if "sequential" in bugs else a) * sin + b * cos
    if bugs & {"second_minus", "second_crossed", "second_kept"}:
        second = a * sin - b * cos if "second_minus" in bugs else b * sin + a * cos if "second_crossed" in bugs else b
    if "written_swapped" in bugs:
        first, second = second, first
    return torch.stack([first, second], dim=-1).flatten(-2) if "woven" in bugs else torch.cat([first, second], dim=-1)


MIXED = {"neighbors", "neighbor_angles", "neighbor_partners", "per_coordinate"}


def _misread(x: Tensor, angle: Tensor, bugs: Bugs) -> Tensor:
    """x cos + partner sin, with angles or partners laid out as if the coordinates of a pair were neighbors."""
    if angle.shape[-1] < x.shape[-1]:
        angle = angle.repeat_interleave(2, dim=-1) if bugs & {"neighbors", "neighbor_angles"} else torch.cat([angle, angle], dim=-1)
    sign = 1 if "no_minus" in bugs else -1
    a, b = x.chunk(2, dim=-1)
    partner = torch.cat([sign * b, a], dim=-1)
    if bugs & {"neighbors", "neighbor_partners"}:
        partner = torch.stack([sign * x[..., 1::2], x[..., 0::2]], dim=-1).flatten(-2)
    return x * angle.cos() + partner * angle.sin()
