"""Exercises on positions: permuted scores and sinusoids; relative biases, T5's buckets, ALiBi and the rotation are beside."""

import torch
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise, normal
from d2lmini.exercises.sets.alibi import alibi_scores
from d2lmini.exercises.sets.relative_positions import buckets_by_hand, relative_bias
from d2lmini.exercises.sets.rotation import rotary
from d2lmini.i18n import Text
from d2lmini.trial import Case

# --- permuted scores ----------------------------------------------------------------------------------------


def _permuted_cases(seed: int) -> list[Case]:
    draw = normal(seed)
    generator = torch.Generator().manual_seed(seed)

    def order(n: int) -> Tensor:
        """A single cycle: a permutation that its inverse can't be mistaken for."""
        walk = torch.randperm(n, generator=generator)
        return torch.empty_like(walk).scatter(0, walk, walk.roll(1))

    return [
        Case(Text("5 jetons", "5 tokens"), (draw(5, 5), order(5))),
        Case(Text("deux têtes", "two heads"), (draw(2, 7, 7), order(7))),
        Case(Text("un lot de deux, trois têtes", "a batch of two, three heads"), (draw(2, 3, 6, 6), order(6))),
        Case(Text("autant de têtes que de jetons", "as many heads as tokens"), (draw(4, 4, 4), order(4))),
        Case(Text("un seul jeton", "a single token"), (draw(2, 1, 1), order(1))),
    ]


@exercise(
    title=Text("Des jetons dans le désordre", "Tokens out of order"),
    skill=Text("suivre une permutation des jetons jusque dans les scores", "follow a permutation of the tokens into the scores"),
    level=1,
    minutes=10,
    points=2,
    cases=_permuted_cases,
    mistakes={
        "rows": Text(
            "Seules les lignes sont permutées. Les clés viennent des mêmes jetons que les requêtes : les colonnes doivent suivre.",
            "Only the rows are permuted. Keys come from the same tokens as queries: the columns must follow.",
        ),
        "columns": Text(
            "Seules les colonnes sont permutées. Les requêtes viennent des mêmes jetons que les clés : les lignes doivent suivre.",
            "Only the columns are permuted. Queries come from the same tokens as keys: the rows must follow.",
        ),
        "inverse": Text(
            "C'est la permutation inverse : à la place i vient le jeton numéro `order[i]`, et non le jeton i à la place `order[i]`.",
            "This is the inverse permutation: token number `order[i]` comes to place i, not token i to place `order[i]`.",
        ),
        "no_transpose": Text(
            "Les colonnes vont en sens inverse des lignes : vous calculez P S P, et la preuve dit P S Pᵀ.",
            "The columns go the other way from the rows: you compute P S P, and the proof says P S Pᵀ.",
        ),
        "diagonal": Text(
            "Deux listes d'indices données ensemble avancent du même pas : vous n'obtenez qu'une diagonale, et non le tableau.",
            "Two lists of indices given together advance in step: you get a diagonal only, not the table.",
        ),
        "first_axes": Text(
            "Vous permutez les deux premiers axes. Devant les jetons il peut y avoir un lot et des têtes : comptez les axes depuis la fin.",
            "You permute the first two axes. A batch and heads may stand before the tokens: count the axes from the end.",
        ),
        "queries_first": Text(
            "Vous prenez les lignes sur le premier axe, qui peut être celui du lot ou des têtes : les requêtes sont sur l'avant-dernier.",
            "You take the rows along the first axis, which may be that of the batch or the heads: queries are on the second-to-last.",
        ),
        "four_axes": Text(
            "Vous comptez sur un lot et des têtes, mais les scores peuvent n'avoir que deux axes : `...` remplace ceux de devant, même absents.",
            "You rely on a batch and heads, but scores may have two axes only: `...` stands for those in front, even when there are none.",
        ),
        "unchanged": Text(
            "Vous rendez les scores tels quels. L'ordre des jetons ne change pas leurs valeurs, mais il change leur place.",
            "You return the scores as they are. The order of the tokens does not change their values, but it changes their places.",
        ),
    },
    hints=(
        Text(
            "Prenez trois jetons et `order = [2, 0, 1]` : d'où vient le score de la nouvelle requête 0 et de la nouvelle clé 1 ?",
            "Take three tokens and `order = [2, 0, 1]`: where does the score of the new query 0 and the new key 1 come from?",
        ),
        Text(
            "Permutez en deux fois, un axe après l'autre. `...` tient la place des axes de devant.",
            "Permute in two steps, one axis after the other. `...` stands for the axes in front.",
        ),
    ),
)
def permuted_scores(scores: Tensor, order: Tensor, *, bugs: Bugs = NONE) -> Tensor:
    if "diagonal" in bugs:
        return scores[..., order, order]
    if "first_axes" in bugs:
        return scores[order][:, order]
    if "four_axes" in bugs:
        return scores[:, :, order][:, :, :, order]
    if "unchanged" in bugs:
        return scores
    rows = columns = order.argsort() if "inverse" in bugs else order
    if "no_transpose" in bugs:
        columns = rows.argsort()
    if "columns" not in bugs:
        scores = scores[rows] if "queries_first" in bugs else scores[..., rows, :]
    return scores if "rows" in bugs else scores[..., columns]


# --- sinusoids ----------------------------------------------------------------------------------------------


def _sinusoidal_cases(seed: int) -> list[Case]:
    return [
        Case(Text("7 positions de 6 nombres", "7 positions of 6 numbers"), (7, 6)),
        Case(Text("60 positions de 4 nombres", "60 positions of 4 numbers"), (60, 4)),
        Case(Text("un seul couple", "a single pair"), (5, 2)),
        Case(Text("la position 0 seule", "position 0 alone"), (1, 8)),
        Case(Text("plus de nombres que de positions", "more numbers than positions"), (3, 10)),
    ]


@exercise(
    title=Text("Les ondes de 2017", "The waves of 2017"),
    skill=Text("écrire le codage sinusoïdal de Vaswani et al.", "write the sinusoidal scheme of Vaswani et al."),
    level=2,
    minutes=15,
    points=3,
    cases=_sinusoidal_cases,
    tolerance=1e-3,
    mistakes={
        "halves": Text(
            "Vous rangez tous les sinus, puis tous les cosinus : ici ils alternent, le sinus en 2c et le cosinus en 2c + 1.",
            "You put all the sines, then all the cosines: here they alternate, the sine at 2c and the cosine at 2c + 1.",
        ),
        "swapped": Text(
            "Sinus et cosinus sont échangés : à la position 0, la première coordonnée doit valoir sin(0) = 0.",
            "Sine and cosine trade places: at position 0 the first coordinate must be sin(0) = 0.",
        ),
        "half_exponent": Text(
            "Votre exposant est deux fois trop petit : il faut −2c/d, et vous prenez −c/d. Les ondes lentes manquent.",
            "Your exponent is too small by a factor of two: −2c/d is needed, and you take −c/d. The slow waves are missing.",
        ),
        "double": Text(
            "Votre exposant est deux fois trop grand : 2c est déjà le numéro de la coordonnée paire, ne le doublez pas une seconde fois.",
            "Your exponent is too large by a factor of two: 2c is already the number of the even coordinate, do not double it again.",
        ),
        "per_coordinate": Text(
            "Le sinus et le cosinus d'un couple n'ont pas la même vitesse : la coordonnée 2c + 1 garde l'exposant 2c/d de sa voisine.",
            "The sine and the cosine of a pair do not have the same speed: coordinate 2c + 1 keeps the exponent 2c/d of its neighbor.",
        ),
        "growing": Text(
            "Les vitesses grandissent avec c : il manque un signe moins à l'exposant. La première onde doit être la plus rapide.",
            "Speeds grow with c: the exponent lacks a minus sign. The first wave must be the fastest.",
        ),
        "last_speed": Text(
            "La dernière vitesse vaut exactement 1/10 000 chez vous. L'exposant 2c/d s'arrête avant 1, à (d − 2)/d.",
            "Your last speed is exactly 1/10,000. The exponent 2c/d stops short of 1, at (d − 2)/d.",
        ),
        "one_speed": Text(
            "Toutes les ondes ont la vitesse 1 : une division entière a sans doute changé 2c/d en 0.",
            "All waves have speed 1: an integer division has probably turned 2c/d into 0.",
        ),
        "floor": Text(
            "`//` arrondit l'exposant : toutes les vitesses se confondent, sauf la première.",
            "`//` rounds the exponent: all the speeds but the first are the same.",
        ),
        "c_from_one": Text(
            "c part de 0 : la première vitesse est 1.",
            "c starts at 0: the first speed is 1.",
        ),
        "last_pair": Text(
            "Le dernier couple n'est pas rempli.",
            "The last pair is not filled.",
        ),
        "too_many": Text(
            "c va de 0 à d/2 − 1 : il y a d/2 couples, et non d.",
            "c goes from 0 to d/2 − 1: there are d/2 pairs, not d.",
        ),
        "all_sines": Text(
            "Il n'y a que des sinus. Un sinus seul confond deux points du cercle : chaque vitesse a aussi son cosinus.",
            "There are sines only. A sine alone confuses two points of the circle: each speed has its cosine, too.",
        ),
        "scrambled": Text(
            "`reshape` a mêlé les positions : les sinus et les cosinus doivent être empilés sur le dernier axe avant d'être aplatis.",
            "`reshape` has mixed positions up: sines and cosines must be stacked along the last axis before they are flattened.",
        ),
        "from_one": Text(
            "Vous comptez les positions à partir de 1 : la première est 0.",
            "You count positions from 1: the first one is 0.",
        ),
        "transposed": Text(
            "Les positions sont en colonnes : la ligne i doit être le vecteur de la position i, prêt à s'ajouter au jeton i.",
            "Positions are in columns: row i must be the vector of position i, ready to be added to token i.",
        ),
    },
    hints=(
        Text(
            "Commencez par les angles : une colonne de n positions, une ligne de d/2 vitesses. Quelle forme a leur produit ?",
            "Start with the angles: a column of n positions, a row of d/2 speeds. Which shape does their product have?",
        ),
        Text(
            "`torch.arange(0, d, 2)` donne déjà les 2c : un par couple, sans autre facteur.",
            "`torch.arange(0, d, 2)` already gives the 2c: one for each pair, with no other factor.",
        ),
        Text(
            "Pour alterner, remplissez `p[:, 0::2]` puis `p[:, 1::2]`.",
            "To alternate, fill `p[:, 0::2]`, then `p[:, 1::2]`.",
        ),
    ),
)
def sinusoidal_positions(n: int, d_model: int, *, bugs: Bugs = NONE) -> Tensor:
    position = torch.arange(n) + ("from_one" in bugs)
    at = torch.arange(d_model)  # each coordinate
    exponent = (at if "per_coordinate" in bugs else 2 * (at // 2)) / d_model
    if "floor" in bugs:
        exponent = (at >= 2).float()
    if "c_from_one" in bugs:
        exponent = exponent + 2 / d_model
    if "last_speed" in bugs:
        exponent = torch.linspace(0, 1, d_model // 2).repeat_interleave(2)
    factor = 0.5 if "half_exponent" in bugs else 2.0 if "double" in bugs else 0.0 if "one_speed" in bugs else 1.0
    angle = position[:, None] * 10_000 ** ((1 if "growing" in bugs else -1) * factor * exponent)
    sine = (at % 2 == 0) != ("swapped" in bugs)
    p = torch.where(sine | torch.tensor("all_sines" in bugs), angle.sin(), angle.cos())
    if "too_many" in bugs:
        p[0, d_model] = 0.0
    if "last_pair" in bugs:
        p[:, -2:] = 0.0
    if "scrambled" in bugs:
        return torch.stack([p[:, 0::2], p[:, 1::2]]).reshape(n, d_model)
    if "halves" in bugs:
        p = torch.cat([p[:, 0::2], p[:, 1::2]], dim=-1)
    return p.T if "transposed" in bugs else p


SET = (permuted_scores, sinusoidal_positions, relative_bias, buckets_by_hand, alibi_scores, rotary)
