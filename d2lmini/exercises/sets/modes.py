"""Exercises on the three modes: what reaches what after several layers, with those of `mode_counts`, `layouts` and `holes`."""

import torch
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise
from d2lmini.exercises.sets.holes import hole_probabilities
from d2lmini.exercises.sets.layouts import middle_last, packed_layout
from d2lmini.exercises.sets.mode_counts import places_by_mode, predictions_by_mode
from d2lmini.i18n import Text
from d2lmini.trial import Case

TERMS = Text(
    "Vous combinez les masques place par place, avec « et » ou un produit terme à terme : cela ne suit aucun chemin d'un jeton à l'autre.",
    'You combine the masks place by place, with "and" or a term by term product: this follows no path from one token to another.',
)

# --- what reaches what --------------------------------------------------------------------------------------


def _reach_cases(seed: int) -> list[Case]:
    generator = torch.Generator().manual_seed(seed)

    def window(n: int, width: int) -> Tensor:
        return torch.ones(n, n, dtype=torch.bool).tril() & ~torch.ones(n, n, dtype=torch.bool).tril(-width)

    def drawn(n: int, share: float) -> Tensor:
        """A mask without its diagonal, in which a share of the places is open."""
        return (torch.rand(n, n, generator=generator) < share) & ~torch.eye(n, dtype=torch.bool)

    everything = torch.ones(4, 4, dtype=torch.bool)
    start = torch.zeros(5, 5, dtype=torch.bool)
    start[:, 0] = True  # all look at the first token
    sums = torch.zeros(5, 5, dtype=torch.bool)
    sums[0] = True  # the first token looks at all
    return [
        Case(Text("3 couches, une fenêtre de 2 jetons", "3 layers, a window of 2 tokens"), ([window(7, 2)] * 3,)),
        Case(Text("tous regardent le premier, puis il regarde tout", "all look at the first, then it looks at all"), ([start, sums],)),
        Case(Text("le premier regarde tout, puis tous le regardent", "the first looks at all, then all look at it"), ([sums, start],)),
        Case(Text("une seule couche", "a single layer"), ([drawn(5, 0.4)],)),
        Case(Text("trois masques différents", "three different masks"), ([drawn(11, 0.13), window(11, 3), drawn(11, 0.13)],)),
        Case(Text("40 couches qui voient tout", "40 layers that see everything"), ([everything] * 40,)),
    ]


@exercise(
    title=Text("Ce qui parvient à qui", "What reaches whom"),
    skill=Text("suivre l'information de couche en couche", "follow information from layer to layer"),
    level=2,
    minutes=20,
    points=4,
    cases=_reach_cases,
    mistakes={
        "no_residual": Text(
            "Un jeton dont le masque ferme la diagonale s'oublie lui-même : la connexion résiduelle le garde, dans chaque couche.",
            "A token whose mask closes the diagonal forgets itself: the residual connection keeps it, in each layer.",
        ),
        "late_residual": Text(
            "Vous n'ajoutez la connexion résiduelle qu'à la fin : chaque couche a la sienne, et ce qu'un jeton sait déjà traverse la suivante.",
            "You add the residual connection at the end only: each layer has its own, and what a token knows already goes through the next.",
        ),
        "union": Text(
            "Vous réunissez les masques : cela donne ce que l'on voit en un pas. Un jeton reçoit aussi ce que les autres ont reçu avant lui.",
            "You join the masks: this gives what one step sees. A token also receives what the others have received before.",
        ),
        "reversed": Text(
            "Vous traversez les couches dans le mauvais sens : la première de la liste lit les jetons, la dernière lit ce que les autres ont fait.",
            "You go through the layers the wrong way: the first of the list reads the tokens, the last reads what the others have made.",
        ),
        "intersection": TERMS,
        "identity": TERMS,
        "last": Text(
            "Vous ne gardez que la dernière couche : elle lit des vecteurs qui en contiennent déjà d'autres.",
            "You keep the last layer only: it reads vectors that already hold others.",
        ),
        "first_power": Text(
            "Vous répétez le masque de la première couche : chaque couche a le sien.",
            "You repeat the mask of the first layer: each layer has its own.",
        ),
        "first_twice": Text(
            "La première couche passe deux fois : partez d'avant elle, quand chaque jeton ne contient que lui-même.",
            "The first layer passes twice: start from before it, when each token holds nothing but itself.",
        ),
        "first_bare": Text(
            "Vous partez du masque de la première couche sans sa connexion résiduelle : sa diagonale peut être fermée.",
            "You start from the mask of the first layer without its residual connection: its diagonal may be closed.",
        ),
        "first_skipped": Text(
            "La première couche manque : sans aucune couche, chaque jeton contient déjà lui-même.",
            "The first layer is missing: without any layer, each token already holds itself.",
        ),
        "forever": Text(
            "Vous répétez les couches jusqu'à ce que rien ne change : le modèle n'en a que celles de la liste, une fois chacune.",
            "You repeat the layers until nothing changes: the model has only those of the list, once each.",
        ),
        "transposed": Text(
            "Les axes sont échangés : la ligne est le vecteur de sortie, la colonne le jeton d'entrée.",
            "The axes are swapped: the row is the output vector, the column the input token.",
        ),
        "counts": Text(
            "Vous rendez le nombre des chemins : il faut des booléens, y en a-t-il un ?",
            "You return the number of paths: booleans are needed, is there one?",
        ),
        "overflow": Text(
            "Vous comptez les chemins dans des entiers : au bout de quelques dizaines de couches, le compte déborde, et peut retomber à 0. Revenez aux booléens à chaque couche.",
            "You count the paths in integers: after a few dozen layers the count overflows, and may fall back to 0. Go back to booleans at each layer.",
        ),
    },
    hints=(
        Text(
            "Avant toute couche, chaque vecteur ne contient que son propre jeton. Que contient-il après une couche ?",
            "Before any layer, each vector holds its own token only. What does it hold after one layer?",
        ),
        Text(
            "Après une couche, le vecteur i contient tout ce que contenaient les vecteurs qu'il regarde, et ce qu'il contenait déjà.",
            "After a layer, vector i holds all that the vectors it looks at held, and what it held already.",
        ),
        Text(
            "Un produit de matrices de 0 et de 1 compte les chemins : une place est ouverte si son compte dépasse 0.",
            "A product of matrices of 0 and 1 counts paths: a place is open if its count is above 0.",
        ),
    ),
)
def reach_through(masks: list[Tensor], *, bugs: Bugs = NONE) -> Tensor:
    same = torch.eye(len(masks[0]), dtype=torch.bool)
    masks = masks[::-1] if "reversed" in bugs else masks
    masks = [masks[0]] * len(masks) if "first_power" in bugs else masks
    bare = bool(bugs & {"no_residual", "late_residual"})
    layers = [mask if bare else mask | same for mask in masks]
    if bugs & {"union", "intersection"}:
        tower = torch.stack(layers)
        found = tower.any(0) if "union" in bugs else tower.all(0)
    elif bugs & {"last", "identity"}:
        found = layers[-1] if "last" in bugs else same
    else:
        found = _through(layers, masks[0], same, bugs)
    if bugs & {"counts", "overflow"}:
        paths = torch.stack([layer.double() if "counts" in bugs else layer.long() for layer in layers])
        product = paths[0]
        for layer in paths[1:]:
            product = layer @ product
        found = product if "counts" in bugs else product > 0
    found = found | same if "late_residual" in bugs else found
    return found.T if "transposed" in bugs else found


def _through(layers: list[Tensor], first: Tensor, same: Tensor, bugs: Bugs) -> Tensor:
    """What each vector holds after the layers, each of which looks at what the one before has made."""
    found = layers[0] if "first_twice" in bugs else first if "first_bare" in bugs else same
    if "forever" in bugs:
        layers = layers * len(same)
    elif "first_twice" not in bugs and bugs & {"first_bare", "first_skipped"}:
        layers = layers[1:]
    for layer in layers:
        found = layer.float() @ found.float() > 0
    return found


SET = (predictions_by_mode, reach_through, places_by_mode, packed_layout, middle_last, hole_probabilities)
