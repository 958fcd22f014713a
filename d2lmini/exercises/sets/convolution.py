"""Exercises on convolutions, for the set of chapter 1: how far a stack of them sees, and one written with shared tables."""

import itertools
import math
import operator

import torch
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise, normal
from d2lmini.i18n import Text
from d2lmini.trial import Case

# --- receptive field ----------------------------------------------------------------------------------------


def _field_cases(seed: int) -> list[Case]:
    return [
        Case(Text("une couche de largeur 3", "one layer of width 3"), ([3], [1])),
        Case(Text("cinq couches de largeur 3", "five layers of width 3"), ([3] * 5, [1] * 5)),
        Case(Text("des largeurs 3, 5 et 7", "widths 3, 5 and 7"), ([3, 5, 7], [1, 1, 1])),
        Case(Text("des dilatations 1, 2, 4 et 8", "dilations 1, 2, 4 and 8"), ([3] * 4, [1, 2, 4, 8])),
        Case(Text("la dilatation avant la dernière couche", "the dilation before the last layer"), ([5, 3, 3], [3, 2, 1])),
        Case(Text("une couche à trous", "one layer with gaps"), ([3], [4])),
        Case(Text("une couche ordinaire, puis une à trous", "an ordinary layer, then one with gaps"), ([3, 3], [1, 4])),
        Case(Text("deux couches de largeur 1", "two layers of width 1"), ([1, 1], [1, 4])),
        Case(Text("aucune couche", "no layer"), ([], [])),
    ]


@exercise(
    title=Text("Jusqu'où voit une pile de convolutions", "How far a stack of convolutions sees"),
    skill=Text("calculer le champ récepteur d'une pile de convolutions", "compute the receptive field of a stack of convolutions"),
    level=1,
    minutes=10,
    points=2,
    cases=_field_cases,
    mistakes={
        "product": Text(
            "Vous multipliez les largeurs. Une couche de plus n'ajoute que quelques places à chaque bout : le champ croît par addition.",
            "You multiply the widths. One more layer only adds a few places at each end: the field grows by addition.",
        ),
        "sum": Text(
            "Vous additionnez les largeurs entières : la place du milieu est recomptée à chaque couche.",
            "You add up the whole widths: the place in the middle is counted again for each layer.",
        ),
        "recounted": Text(
            "Chaque couche ajoute une place de trop : le mot du milieu est déjà compté, seuls ses voisins sont nouveaux.",
            "Each layer adds one place too many: the word in the middle is already counted, only its neighbors are new.",
        ),
        "no_self": Text(
            "Il manque une place, celle du mot lui-même : sans aucune couche, une sortie voit déjà son entrée.",
            "One place is missing, that of the word itself: with no layer at all, an output already sees its input.",
        ),
        "ignored": Text(
            "La dilatation n'est pas utilisée : une fenêtre à trous s'étend plus loin que sa largeur.",
            "The dilation is not used: a window with gaps extends further than its width.",
        ),
        "counted": Text(
            "Vous comptez les entrées atteintes : l'étendue va de la première à la dernière, trous compris.",
            "You count the inputs that are reached: the extent goes from the first to the last, gaps included.",
        ),
        "added": Text(
            "Vous ajoutez la dilatation à la largeur : elle étire chaque intervalle de la fenêtre, et se multiplie par leur nombre.",
            "You add the dilation to the width: it stretches each interval of the window, and is multiplied by their number.",
        ),
        "stretched": Text(
            "Vous prenez largeur × dilatation pour l'étendue de la fenêtre. Comptez les intervalles : w entrées n'en ont que w − 1.",
            "You take width × dilation as the span of the window. Count the intervals: w inputs only have w − 1 of them.",
        ),
        "skipped": Text(
            "Vous prenez la dilatation pour le nombre de places sautées : c'est l'écart d'une entrée à la suivante, et 1 veut dire côte à côte.",
            "You take the dilation as the number of places skipped: it is the step from one input to the next, and 1 means side by side.",
        ),
        "one_side": Text(
            "Vous ne comptez qu'un côté : la fenêtre s'étend autant à gauche qu'à droite du mot.",
            "You count one side only: the window extends as far to the left of the word as to its right.",
        ),
        "twice": Text(
            "Chaque couche compte double chez vous : w − 1 est le total des places ajoutées, les deux côtés réunis.",
            "Each layer counts double in your version: w − 1 is the total number of places added, both sides together.",
        ),
        "widest": Text(
            "Vous gardez la fenêtre la plus étendue : les couches s'empilent, et chacune repart d'où la précédente s'arrête.",
            "You keep the widest window: layers are stacked, and each starts from where the previous one stops.",
        ),
        "first": Text(
            "Seule la première couche compte : votre boucle rend son résultat trop tôt.",
            "Only the first layer counts: your loop returns its result too early.",
        ),
        "last": Text(
            "Seule la dernière couche compte : chaque tour de boucle efface le précédent au lieu de s'y ajouter.",
            "Only the last layer counts: each turn of the loop erases the previous one instead of adding to it.",
        ),
        "last_read": Text(
            "Vous ne lisez que la dernière couche : toutes étendent le champ, et sans aucune couche il n'y a pas de dernière.",
            "You only read the last layer: all of them extend the field, and without any layer there is no last one.",
        ),
        "not_first": Text(
            "La première couche est oubliée : en Python, les indices commencent à 0.",
            "The first layer is forgotten: in Python, indices start at 0.",
        ),
        "no_layer": Text(
            "Sans aucune couche, votre code cherche quand même la première : le champ vaut alors 1.",
            "Without any layer, your code still looks for the first one: the field is then 1.",
        ),
        "alike": Text(
            "Vous supposez toutes les couches pareilles à la première : chacune a sa largeur et sa dilatation.",
            "You assume that all layers are like the first: each has its own width and its own dilation.",
        ),
        "three": Text(
            "Vous supposez toutes les largeurs égales à 3 : `widths` donne celle de chaque couche.",
            "You assume that all widths are equal to 3: `widths` gives that of each layer.",
        ),
        "compounded": Text(
            "Vous multipliez entre elles les dilatations des couches : chacune se compte en places du texte, non en pas de la couche d'avant.",
            "You multiply the layers' dilations together: each is counted in places of the text, not in steps of the layer before.",
        ),
    },
    hints=(
        Text(
            "Commencez sans couche, puis ajoutez-les une à une. De combien de places le champ s'agrandit-il à chaque fois ?",
            "Start without any layer, then add them one by one. By how many places does the field grow each time?",
        ),
        Text(
            "Une fenêtre de 3 entrées espacées de 4 places va de −4 à +4 : elle a deux intervalles de 4 places.",
            "A window of 3 inputs spaced 4 places apart goes from −4 to +4: it has two intervals of 4 places.",
        ),
        Text(
            "Le champ vaut 1 au départ ; chaque couche y ajoute ses intervalles, multipliés par leur longueur.",
            "The field starts at 1; each layer adds its intervals to it, times their length.",
        ),
    ),
)
def receptive_field(widths: list[int], dilations: list[int], *, bugs: Bugs = NONE) -> int | None:
    if "ignored" in bugs:
        dilations = [1] * len(widths)
    if "compounded" in bugs:
        dilations = list(itertools.accumulate(dilations, operator.mul))
    if "skipped" in bugs:
        dilations = [d + 1 for d in dilations]
    if "three" in bugs:
        widths = [3] * len(widths)
    if {"no_layer", "last_read"} & bugs and not widths:
        raise IndexError
    pairs = [*zip(widths, dilations, strict=True)]
    if "counted" in bugs:
        return len({sum(steps) for steps in itertools.product(*(range(-(w // 2) * d, w // 2 * d + 1, d) for w, d in pairs))})
    grown = [w * d - 1 if "stretched" in bugs else w + d - 2 if "added" in bugs else (w - 1) * d for w, d in pairs]
    spans = [g + 1 for g in grown]
    if "first" in bugs:
        return spans[0] if spans else None
    if {"last", "last_read"} & bugs:
        grown = grown[-1:]
    if "not_first" in bugs:
        grown = grown[1:]
    if "alike" in bugs:
        grown = grown[:1] * len(grown)
    if "product" in bugs:
        return math.prod(spans)
    if "sum" in bugs or "recounted" in bugs:
        return sum(spans) + ("recounted" in bugs)
    if "widest" in bugs:
        return max(spans)
    total = 2 * sum(grown) if "twice" in bugs else sum(g // 2 for g in grown) if "one_side" in bugs else sum(grown)
    return total if "no_self" in bugs else total + 1


# --- convolution --------------------------------------------------------------------------------------------


def _convolution_cases(seed: int) -> list[Case]:
    draw = normal(seed)
    return [
        Case(Text("6 mots, largeur 3", "6 words, width 3"), (draw(6, 4), draw(3, 4, 2))),
        Case(Text("7 mots, largeur 5, tables carrées", "7 words, width 5, square tables"), (draw(7, 3), draw(5, 3, 3))),
        Case(Text("2 mots, largeur 5", "2 words, width 5"), (draw(2, 3), draw(5, 3, 4))),
        Case(Text("un seul mot", "a single word"), (draw(1, 4), draw(3, 4, 4))),
        Case(Text("largeur 1", "width 1"), (draw(5, 3), draw(1, 3, 2))),
    ]


@exercise(
    title=Text("Une convolution, table par table", "A convolution, table by table"),
    skill=Text("appliquer les mêmes tables à toutes les places d'un texte", "apply the same tables at every place of a text"),
    level=2,
    minutes=20,
    points=4,
    cases=_convolution_cases,
    mistakes={
        "flipped": Text(
            "Les tables sont prises dans l'ordre inverse : la première va au voisin le plus à gauche, la dernière au plus à droite.",
            "The tables are taken in reverse order: the first is for the leftmost neighbor, the last for the rightmost.",
        ),
        "causal": Text(
            "Votre fenêtre s'achève sur le mot : elle devait être centrée sur lui, et voir autant à droite qu'à gauche.",
            "Your window ends at the word: it had to be centered on it, and see as far to the right as to the left.",
        ),
        "starts": Text(
            "Votre fenêtre commence au mot : il faut la reculer de la moitié de sa largeur pour qu'elle soit centrée.",
            "Your window starts at the word: it must be moved back by half its width to be centered.",
        ),
        "early": Text(
            "Votre fenêtre est décalée d'une place vers la gauche : vérifiez à la main quelle table lit le mot i lui-même.",
            "Your window is shifted one place to the left: check by hand which table reads word i itself.",
        ),
        "width_three": Text(
            "Votre fenêtre recule toujours d'une place : c'est juste pour une largeur 3, mais le recul dépend de la largeur.",
            "Your window always moves back by one place: this is right for a width of 3, but the move depends on the width.",
        ),
        "offset_index": Text(
            "Vous numérotez les tables par l'écart entre les places : `tables[0]` tombe au milieu, alors qu'elle est pour le voisin le plus à gauche.",
            "You number the tables by the gap between places: `tables[0]` falls in the middle, whereas it is for the leftmost neighbor.",
        ),
        "no_edge": Text(
            "Il manque les sorties des bords : chaque mot doit en avoir une, les places hors du texte comptant pour zéro.",
            "The outputs at the edges are missing: each word must have one, places outside the text counting as zero.",
        ),
        "only_full": Text(
            "Les sorties des bords sont restées à zéro : une fenêtre qui dépasse lit quand même les mots qu'elle contient.",
            "The outputs at the edges were left at zero: a window that sticks out still reads the words that it holds.",
        ),
        "wrap": Text(
            "Ce qui sort par un bord rentre par l'autre : le premier mot lit le dernier. Hors du texte, il n'y a que des zéros.",
            "What leaves at one edge comes back at the other: the first word reads the last. Outside the text there are only zeros.",
        ),
        "negative": Text(
            "Un indice négatif ne sort pas du texte : en Python, il repart de la fin, et le premier mot lit le dernier.",
            "A negative index does not leave the text: in Python it counts from the end, and the first word reads the last.",
        ),
        "no_guard": Text(
            "Rien n'arrête la fenêtre aux bords du texte : à droite elle lève une IndexError, à gauche un indice négatif repart de la fin.",
            "Nothing stops the window at the edges of the text: on the right it raises an IndexError, on the left a negative index counts from the end.",
        ),
        "repeated": Text(
            "Hors du texte, vous relisez le mot du bord : ces places comptent pour zéro.",
            "Outside the text you read the word at the edge again: those places count as zero.",
        ),
        "no_first": Text(
            "Aucune fenêtre ne lit le premier mot : sa place est 0, et 0 est dans le texte.",
            "The first word is never read by any window: its place is 0, and 0 is inside the text.",
        ),
        "transposed": Text(
            "La table est prise dans l'autre sens : un mot est une ligne de d nombres, multipliée à droite par une table (d, d_out).",
            "The table is taken the other way: a word is a row of d numbers, multiplied on its right by a (d, d_out) table.",
        ),
        "short": Text(
            "La dernière table ne sert jamais : `range` s'arrête juste avant sa borne, et le voisin le plus à droite est perdu.",
            "The last table is never used: `range` stops just before its bound, and the rightmost neighbor is lost.",
        ),
        "overwritten": Text(
            "Chaque table efface ce que la précédente a donné : il faut additionner leurs résultats.",
            "Each table erases what the previous one gave: their results must be added up.",
        ),
        "one_word": Text(
            "Votre boucle rend son résultat après le premier mot : le `return` est trop à droite.",
            "Your loop returns after the first word: `return` is indented too far.",
        ),
        "like_input": Text(
            "La sortie a d_out nombres par mot, non d.",
            "The output has d_out numbers for each word, not d.",
        ),
        "mean": Text(
            "Vous divisez par la largeur : une convolution additionne, et ce sont ses tables qui dosent.",
            "You divide by the width: a convolution adds up, and its tables set the proportions.",
        ),
    },
    hints=(
        Text(
            "Deux boucles suffisent : l'une sur les mots i, l'autre sur les tables m. Quelle place j la table m lit-elle ?",
            "Two loops are enough: one over the words i, one over the tables m. Which place j does table m read?",
        ),
        Text(
            "Avec une largeur 3, m vaut 0, 1, 2 et j vaut i − 1, i, i + 1. Et avec une largeur 5 ?",
            "With a width of 3, m is 0, 1, 2 and j is i − 1, i, i + 1. And with a width of 5?",
        ),
        Text(
            "Avant de lire le mot j, vérifiez que cette place existe, des deux côtés ; sinon, n'ajoutez rien.",
            "Before reading word j, check that this place exists, on both sides; if not, add nothing.",
        ),
    ),
)
def convolution(x: Tensor, tables: Tensor, *, bugs: Bugs = NONE) -> Tensor:
    length, width = len(x), len(tables)
    reach = width // 2
    if "flipped" in bugs:
        tables = tables.flip(0)
    if "offset_index" in bugs:
        tables = tables.roll(reach, 0)
    if "transposed" in bugs:
        tables = tables.transpose(1, 2)
    first = {"causal": 1 - width, "starts": 0, "early": -reach - 1, "width_three": -1}
    m = torch.arange(width)
    i = torch.arange(length)[:, None]
    j = i + m + next((first[bug] for bug in first if bug in bugs), -reach)  # (T, width): which word each table reads
    inside = (j >= 0) & (j < length)
    if "no_guard" in bugs and j.max() >= length:
        raise IndexError
    if "no_guard" in bugs or "wrap" in bugs or "repeated" in bugs:
        inside = torch.ones_like(inside)
    if "negative" in bugs:
        inside = j < length
    if "no_first" in bugs:
        inside &= j != 0
    if "short" in bugs:
        inside &= m < width - 1
    if "overwritten" in bugs:
        inside &= m == torch.where(inside, m, -1).amax(1, keepdim=True)
    read = x[j.clamp(0, length - 1) if "repeated" in bugs else j % length] * inside[..., None]
    out = torch.einsum("imd,mde->ie", read, tables) / (width if "mean" in bugs else 1)
    full = (i >= reach) & (i < length - reach)
    if "no_edge" in bugs and not full.any():
        raise RuntimeError
    if "like_input" in bugs and out.shape != x.shape:
        raise RuntimeError
    out = out * (i == 0) if "one_word" in bugs else out
    return out[full[:, 0]] if "no_edge" in bugs else out * full if "only_full" in bugs else out
