"""Exercises on heads: cut vectors into heads and join them again; the whole layer and sharing are beside."""

from typing import Any

import torch
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise, normal
from d2lmini.exercises.sets.multi_head import cross_attention, multi_head
from d2lmini.exercises.sets.sharing import grouped_attention, head_budget
from d2lmini.i18n import Text
from d2lmini.trial import Case

FLOAT = Text("`/` donne un réel : une taille est un entier.", "`/` gives a float: a size is an integer.")

# --- cut ----------------------------------------------------------------------------------------------------


def _split_cases(seed: int) -> list[Case]:
    draw = normal(seed)
    return [
        Case(Text("trois têtes de 4 nombres", "three heads of 4 numbers"), (draw(2, 5, 12), 3)),
        Case(Text("cinq têtes de 2 nombres", "five heads of 2 numbers"), (draw(3, 4, 10), 5)),
        Case(Text("un seul jeton", "a single token"), (draw(2, 1, 6), 2)),
        Case(Text("une seule tête", "a single head"), (draw(2, 3, 5), 1)),
        Case(Text("des têtes d'un seul nombre", "heads of a single number"), (draw(2, 3, 4), 4)),
    ]


@exercise(
    title=Text("Découper en têtes", "Cut into heads"),
    skill=Text("découper des vecteurs en têtes sans mélanger les jetons", "cut vectors into heads without mixing up tokens"),
    level=1,
    minutes=10,
    points=2,
    cases=_split_cases,
    mistakes={
        "no_transpose": Text(
            "La forme est juste, mais aucun nombre n'a bougé : la mémoire est relue dans l'ordre. La première tête reçoit des jetons entiers, "
            "débités en tranches, au lieu d'un morceau de chaque jeton.",
            "The shape is right, but no number has moved: the memory is read again in order. The first head receives whole tokens, "
            "chopped into slices, instead of one piece of each token.",
        ),
        "tokens_first": Text(
            "Les têtes sont restées derrière les jetons : l'attention, qui travaille sur les deux derniers axes, comparerait les têtes d'un même jeton.",
            "The heads have stayed behind the tokens: attention, which works on the last two axes, would compare the heads of one token.",
        ),
        "wrong_cut": Text(
            "Vous coupez en (B, H, T, d_head) avant d'échanger deux axes : la coupe doit laisser entier l'axe des jetons, et ne toucher que le dernier.",
            "You cut into (B, H, T, d_head) before swapping two axes: the cut must leave the axis of tokens whole, and touch the last one only.",
        ),
        "transpose_first": Text(
            "Vous transposez avant de couper : chaque tête reçoit bien ses coordonnées, mais rangées coordonnée par coordonnée ; ses lignes mélangent les jetons.",
            "You transpose before cutting: each head does get its own coordinates, but stored coordinate by coordinate; its rows mix tokens.",
        ),
        "interleaved": Text(
            "Chaque tête prend une coordonnée sur n_head. Un morceau est d'un seul tenant : les d_head premières coordonnées, puis les suivantes.",
            "Each head takes one coordinate in n_head. A piece is a block of consecutive ones: the first d_head coordinates, then the next ones.",
        ),
        "overlapping": Text(
            "Les morceaux se chevauchent : chacun commence un seul nombre après le précédent, au lieu de d_head nombres après.",
            "The pieces overlap: each starts a single number after the one before it, instead of d_head numbers after.",
        ),
        "size_for_number": Text(
            "Le nombre de têtes et leur taille sont échangés : il y a n_head morceaux, chacun de d_model / n_head nombres.",
            "The number of heads and their size trade places: there are n_head pieces, each of d_model / n_head numbers.",
        ),
        "size_before_tokens": Text(
            "Les deux derniers axes sont échangés : chaque tête attend un tableau (T, d_head), une ligne par jeton.",
            "The last two axes trade places: each head expects a table (T, d_head), one row a token.",
        ),
        "heads_first": Text(
            "L'axe des têtes est venu devant celui du lot, qui doit rester le premier.",
            "The axis of heads has come before that of the batch, which must stay first.",
        ),
        "more_tokens": Text(
            "Les morceaux sont rangés l'un après l'autre sur l'axe des jetons : il faut un axe de plus, celui des têtes.",
            "The pieces are stored one after the other along the axis of tokens: one more axis is needed, that of heads.",
        ),
        "folded": Text(
            "Les têtes sont fondues dans l'axe du lot : gardez-leur un axe à elles, le deuxième.",
            "The heads are folded into the axis of the batch: keep an axis of their own for them, the second one.",
        ),
        "float_view": FLOAT,
        "float_reshape": FLOAT,
        "tokens_cut": Text(
            "Vous coupez l'axe des jetons : c'est le dernier, celui des coordonnées, qu'il faut couper.",
            "You cut the axis of tokens: the last one, that of coordinates, is the one to cut.",
        ),
        "whole": Text(
            "Chaque tête reçoit le vecteur entier : elle ne doit en avoir qu'un morceau, de d_head nombres.",
            "Each head receives the whole vector: it should have only a piece of it, of d_head numbers.",
        ),
    },
    hints=(
        Text(
            "Deux gestes : couper le dernier axe en deux, puis déplacer un axe. Le premier ne déplace aucun nombre.",
            "Two moves: cut the last axis in two, then move an axis. The first one moves no number.",
        ),
        Text(
            "Après la coupe, la forme est (B, T, H, d_head) : les morceaux d'un même jeton se suivent.",
            "After the cut, the shape is (B, T, H, d_head): the pieces of one token follow each other.",
        ),
        Text("Il reste à échanger les axes 1 et 2.", "What remains is to swap axes 1 and 2."),
    ),
)
def split_heads(x: Tensor, n_head: int, *, bugs: Bugs = NONE) -> Tensor:
    B, T, d_model = x.shape
    d_head = d_model // n_head
    if "float_view" in bugs or "float_reshape" in bugs:
        cut: Any = x.view if "float_view" in bugs else x.reshape
        return cut(B, T, n_head, d_model / n_head)
    if "tokens_cut" in bugs:
        return torch.stack(x.chunk(n_head, dim=1), dim=1)
    if "whole" in bugs:
        return x[:, None].expand(B, n_head, T, d_model)
    if "no_transpose" in bugs:
        return x.reshape(B, n_head, T, d_head)
    if "wrong_cut" in bugs:
        return x.reshape(B, n_head, T, d_head).transpose(1, 2)
    if "transpose_first" in bugs:
        return x.transpose(1, 2).reshape(B, n_head, T, d_head)
    if "interleaved" in bugs:
        return x.reshape(B, T, d_head, n_head).permute(0, 3, 1, 2)
    if "overlapping" in bugs:
        return x.unfold(2, d_head, 1)[:, :, :n_head].transpose(1, 2)
    if "size_for_number" in bugs:
        n_head, d_head = d_head, n_head
    pieces = x.reshape(B, T, n_head, d_head)
    if "tokens_first" in bugs:
        return pieces.transpose(2, 3) if "size_before_tokens" in bugs else pieces
    heads = pieces.transpose(1, 2)
    if "size_before_tokens" in bugs:
        heads = heads.transpose(2, 3)
    if "heads_first" in bugs:
        return heads.transpose(0, 1)
    if "folded" in bugs or "more_tokens" in bugs:
        return heads.flatten(0, 1) if "folded" in bugs else heads.flatten(1, 2)
    return heads


# --- join ---------------------------------------------------------------------------------------------------


def _merge_cases(seed: int) -> list[Case]:
    draw = normal(seed)
    return [
        Case(Text("trois têtes, cinq jetons", "three heads, five tokens"), (draw(2, 3, 5, 4),)),
        Case(Text("cinq têtes, deux jetons", "five heads, two tokens"), (draw(3, 5, 2, 3),)),
        Case(Text("autant de têtes que de jetons", "as many heads as tokens"), (draw(2, 4, 4, 3),)),
        Case(Text("un seul jeton", "a single token"), (draw(2, 3, 1, 4),)),
        Case(Text("une seule tête", "a single head"), (draw(2, 1, 5, 3),)),
    ]


@exercise(
    title=Text("Recoller les têtes", "Join the heads again"),
    skill=Text("remettre bout à bout ce que les têtes rapportent à un jeton", "lay end to end what the heads bring back to a token"),
    level=1,
    minutes=10,
    points=2,
    cases=_merge_cases,
    mistakes={
        "no_transpose": Text(
            "La forme est juste, mais les jetons ne sont pas repassés devant les têtes : chaque ligne contient des morceaux de plusieurs jetons.",
            "The shape is right, but the tokens have not moved back before the heads: each row holds pieces of several tokens.",
        ),
        "other_axes": Text(
            "Vous échangez les jetons et les coordonnées : ce sont les jetons et les têtes qui doivent changer de place.",
            "You swap the tokens and the coordinates: it is the tokens and the heads that must change places.",
        ),
        "interleaved": Text(
            "Les têtes sont entrelacées, un nombre de chacune à tour de rôle : les morceaux doivent se suivre, tout le premier, puis tout le deuxième.",
            "The heads are interleaved, one number of each in turn: the pieces must follow each other, all of the first, then all of the second.",
        ),
        "view": Text(
            "`view` refuse : la transposition n'a rien déplacé en mémoire, et les nombres d'un jeton ne s'y suivent pas. Il faut une opération qui les recopie.",
            "`view` refuses: the transpose moved nothing in memory, and the numbers of a token do not follow each other there. An operation that copies them is needed.",
        ),
        "long_heads": Text(
            "Vous mettez bout à bout les jetons d'une même tête : ce sont les têtes d'un même jeton qu'il faut réunir.",
            "You lay end to end the tokens of one head: it is the heads of one token that must be brought together.",
        ),
        "lengths": Text(
            "Vous prenez H pour T : z arrive en (B, H, T, d_head), et la sortie a T lignes.",
            "You take H for T: z comes as (B, H, T, d_head), and the output has T rows.",
        ),
        "more_tokens": Text(
            "Les têtes sont rangées l'une après l'autre sur l'axe des jetons : il y en aurait H fois trop. C'est le dernier axe qui doit s'allonger.",
            "The heads are stored one after the other along the axis of tokens: there would be H times too many. The last axis must grow.",
        ),
        "more_texts": Text(
            "Les têtes sont rangées l'une après l'autre sur l'axe du lot, comme autant de textes. C'est le dernier axe qui doit s'allonger.",
            "The heads are stored one after the other along the axis of the batch, like so many texts. The last axis must grow.",
        ),
        "tokens_merged": Text(
            "Vous fondez les jetons et les têtes : ce sont les deux derniers axes qu'il faut fondre.",
            "You merge tokens and heads: it is the last two axes that must merge.",
        ),
        "not_joined": Text(
            "Les têtes sont bien revenues derrière les jetons ; il reste à fondre les deux derniers axes en un.",
            "The heads are back behind the tokens; what remains is to merge the last two axes into one.",
        ),
        "mean": Text(
            "Vous faites la moyenne des têtes : ce qu'elles avaient séparé se mélange de nouveau. Il faut les mettre bout à bout.",
            "You take the mean of the heads: what they had kept apart is mixed again. They must be laid end to end.",
        ),
        "sum": Text(
            "Vous additionnez les têtes : ce qu'elles avaient séparé se mélange de nouveau. Il faut les mettre bout à bout.",
            "You add up the heads: what they had kept apart is mixed again. They must be laid end to end.",
        ),
    },
    hints=(
        Text(
            "C'est le découpage à l'envers : ses deux gestes, dans l'ordre inverse.",
            "It is the cutting backwards: its two moves, in reverse order.",
        ),
        Text(
            "Avant de fondre deux axes, ils doivent être voisins, et dans le bon ordre : les têtes, puis leurs coordonnées.",
            "Before two axes merge, they must be neighbors, in the right order: the heads, then their coordinates.",
        ),
        Text(
            "`flatten` et `reshape` recopient les nombres quand il le faut ; `view` jamais.",
            "`flatten` and `reshape` copy the numbers when needed; `view` never does.",
        ),
    ),
)
def merge_heads(z: Tensor, *, bugs: Bugs = NONE) -> Tensor:
    B, H, T, d_head = z.shape
    if "mean" in bugs or "sum" in bugs:
        return z.mean(1) if "mean" in bugs else z.sum(1)
    if "more_tokens" in bugs or "long_heads" in bugs:
        return z.flatten(1, 2) if "more_tokens" in bugs else z.flatten(2, 3)
    if "more_texts" in bugs:
        return z.transpose(0, 1).flatten(0, 1)
    if "interleaved" in bugs:
        return z.permute(0, 2, 3, 1).reshape(B, T, H * d_head)
    if "other_axes" in bugs:
        z = z.transpose(2, 3)
    elif "no_transpose" not in bugs:
        z = z.transpose(1, 2)
    if "tokens_merged" in bugs:
        return z.flatten(1, 2)
    if "not_joined" in bugs or "lengths" in bugs:
        return z if "not_joined" in bugs else z.reshape(B, H, T * d_head)
    return z.view(B, T, H * d_head) if "view" in bugs else z.reshape(B, T, H * d_head)


SET = (split_heads, merge_heads, multi_head, cross_attention, grouped_attention, head_budget)
