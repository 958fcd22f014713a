"""The exercise on texts packed end to end under a window, for the set of chapter 3."""

import torch
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise
from d2lmini.i18n import Text
from d2lmini.trial import Case

# --- packed texts under a window ----------------------------------------------------------------------------


def _packed_cases(seed: int) -> list[Case]:
    return [
        Case(Text("deux lignes de 6 jetons", "two rows of 6 tokens"), (torch.tensor([[0, 0, 0, 0, 1, 1], [0, 1, 1, 1, 1, 1]]), 3)),
        Case(Text("une ligne de 8 jetons", "one row of 8 tokens"), (torch.tensor([[7, 7, 7, 7, 2, 2, 2, 5]]), 2)),
        Case(Text("autant de lignes que de jetons", "as many rows as tokens"), (torch.tensor([[0, 0, 0], [4, 4, 1], [2, 3, 3]]), 2)),
        Case(Text("une fenêtre de 1", "a window of 1"), (torch.tensor([[0, 0, 1, 1], [0, 0, 0, 0]]), 1)),
        Case(Text("une fenêtre plus longue que le texte", "a window longer than the text"), (torch.tensor([[0, 0, 0, 1, 1]]), 9)),
    ]


@exercise(
    title=Text("Des textes bout à bout, sous une fenêtre", "Packed texts, under a window"),
    skill=Text("combiner trois masques par « et », pour tout un lot", 'combine three masks with "and", for a whole batch'),
    level=2,
    minutes=20,
    points=4,
    cases=_packed_cases,
    mistakes={
        "no_segments": Text(
            "Les textes ne sont pas séparés : un jeton regarde la fin du texte qui précède le sien.",
            "The texts are not separated: a token looks at the end of the text before its own.",
        ),
        "no_batch": Text(
            "Votre masque ne dépend pas du lot : il ignore où finit un texte et où commence le suivant.",
            "Your mask does not depend on the batch: it ignores where a text ends and where the next one begins.",
        ),
        "size_one": Text(
            "L'axe du lot est de taille 1 : toutes les lignes auraient le même masque, et les textes ne sont pas séparés.",
            "The axis of the batch has size 1: all rows would have the same mask, and the texts are not separated.",
        ),
        "ordered": Text(
            "Vous comparez l'ordre des numéros : ce ne sont que des étiquettes, égales ou non.",
            "You compare the order of the numbers: they are mere labels, equal or not.",
        ),
        "no_causal": Text(
            "Un jeton voit le futur de son texte : la fenêtre ne borne que le passé.",
            "A token sees the future of its text: the window bounds the past only.",
        ),
        "no_window": Text(
            "La fenêtre n'est pas utilisée : tout le passé du texte reste ouvert.",
            "The window is not used: the whole past of the text stays open.",
        ),
        "or": Text(
            "Vous combinez par « ou » : une place n'est ouverte que si toutes les règles l'ouvrent.",
            'You combine with "or": a place is open only if every rule opens it.',
        ),
        "one_more": Text(
            "La fenêtre a un jeton de trop : elle en compte `width`, le jeton lui-même compris.",
            "The window has one token too many: it counts `width` of them, the token itself included.",
        ),
        "one_less": Text(
            "Il manque un jeton à la fenêtre : elle en compte `width`, le jeton lui-même compris.",
            "The window is one token short: it counts `width` of them, the token itself included.",
        ),
        "negative": Text(
            "Un indice négatif repart de la fin : le début de la ligne en voit la fin.",
            "A negative index counts from the end: the start of the row sees its end.",
        ),
        "both_sides": Text(
            "La fenêtre s'ouvre des deux côtés : celle-ci doit finir au jeton lui-même.",
            "The window opens on both sides: this one must end at the token itself.",
        ),
        "reversed": Text(
            "La fenêtre s'ouvre sur le futur : la ligne est celle du jeton qui regarde, la colonne celle du jeton regardé.",
            "The window opens onto the future: the row is the one who looks, the column the one looked at.",
        ),
        "strict": Text(
            "Un jeton ne se voit pas lui-même : le premier jeton de chaque texte devient aveugle.",
            "A token does not see itself: the first token of each text becomes blind.",
        ),
        "inverted": Text("Le masque est inversé : True ouvre une place.", "The mask is inverted: True opens a place."),
        "axes": Text(
            "Un seul des deux exemplaires de `segment` reçoit un axe, et pas le bon : vous comparez entre elles les lignes du lot.",
            "Only one of the two copies of `segment` gets an axis, and not the right one: you compare the rows of the batch with one another.",
        ),
        "first_row": Text(
            "Vous ne lisez que la première ligne du lot : chaque ligne a ses propres textes, donc son propre masque.",
            "You read the first row of the batch only: each row has texts of its own, hence a mask of its own.",
        ),
        "first_row_copied": Text(
            "Vous recopiez pour tout le lot le masque de sa première ligne : chaque ligne a ses propres textes.",
            "You copy the mask of the first row for the whole batch: each row has texts of its own.",
        ),
        "precedence": Text(
            "`&` passe avant `<=` et `==` : mettez des parenthèses autour de chaque comparaison.",
            "`&` binds tighter than `<=` and `==`: put parentheses around each comparison.",
        ),
    },
    hints=(
        Text(
            "Écrivez trois conditions : même texte ; pas dans le futur ; pas trop loin dans le passé.",
            "Write three conditions: same text; not in the future; not too far in the past.",
        ),
        Text(
            "L'écart i − j entre les positions suffit à écrire deux de ces trois conditions. Essayez : quels écarts sont permis avec une fenêtre de 1 ?",
            "The gap i − j between positions is enough to write two of these three conditions. Try: which gaps does a window of 1 allow?",
        ),
        Text(
            "Pour comparer chaque jeton à chaque jeton de sa ligne, donnez à `segment` les formes (B, T, 1) et (B, 1, T).",
            "To compare each token with each token of its row, give `segment` the shapes (B, T, 1) and (B, 1, T).",
        ),
    ),
)
def packed_window_mask(segment: Tensor, width: int, *, bugs: Bugs = NONE) -> Tensor:
    n = segment.shape[-1]
    i, j = torch.arange(n)[:, None], torch.arange(n)
    gap = j - i if "reversed" in bugs else (i - j).abs() if "both_sides" in bugs else i - j
    if "negative" in bugs:  # place −1 is the last one, and there is none before place −n
        if width > n + 1:
            raise IndexError
        gap = gap.remainder(n)
    longest = width + (1 if "one_more" in bugs else -1 if "one_less" in bugs else 0)
    recent = gap < (n + 1 if "no_window" in bugs else longest)
    past = gap >= (-n if "no_causal" in bugs else 1 if "strict" in bugs else 0)
    mine, theirs = segment[:, :, None], segment[:, None]
    own = segment[:, None] == segment if "axes" in bugs else mine >= theirs if "ordered" in bugs else mine == theirs
    if {"no_segments", "no_batch", "size_one"} & bugs:
        own = torch.ones(1 if "size_one" in bugs else len(segment), n, n, dtype=torch.bool)
    if {"first_row", "no_batch"} & bugs:
        own = own[0]
    if "first_row_copied" in bugs:
        own = own[:1].expand(len(segment), n, n)
    if "precedence" in bugs:
        return (own & j) <= (i & recent)
    mask = own | (past & recent) if "or" in bugs else own & past & recent
    return ~mask if "inverted" in bugs else mask
