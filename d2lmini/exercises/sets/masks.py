"""Exercises on masks: causal, padding, places counted by hand; packed texts and −∞ have their own modules."""

import torch
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise, question
from d2lmini.exercises.sets.minus_infinity import additive_mask, masked_softmax
from d2lmini.exercises.sets.packed_texts import packed_window_mask
from d2lmini.i18n import Text
from d2lmini.trial import Case

# --- causal mask --------------------------------------------------------------------------------------------


def _causal_cases(seed: int) -> list[Case]:
    return [
        Case(Text("5 requêtes, 5 clés", "5 queries, 5 keys"), (5, 5)),
        Case(Text("2 requêtes, 7 clés", "2 queries, 7 keys"), (2, 7)),
        Case(Text("1 requête, 4 clés", "1 query, 4 keys"), (1, 4)),
        Case(Text("un seul jeton", "a single token"), (1, 1)),
        Case(Text("4 requêtes, 6 clés", "4 queries, 6 keys"), (4, 6)),
    ]


@exercise(
    title=Text("Le masque causal d'un décodeur qui se souvient", "The causal mask of a decoder that remembers"),
    skill=Text("aligner un masque causal sur la dernière clé", "align a causal mask with the last key"),
    level=1,
    minutes=10,
    points=2,
    cases=_causal_cases,
    mistakes={
        "top_left": Text(
            "Le triangle part du coin haut gauche : avec plus de clés que de requêtes, un nouveau mot ne voit plus que le début du texte.",
            "The triangle starts from the top left corner: with more keys than queries, a new word sees only the beginning of the text.",
        ),
        "inverted": Text(
            "Le masque est inversé : True doit marquer ce que la requête a le droit de regarder, non ce qui lui est interdit.",
            "The mask is inverted: True must mark what the query may look at, not what it is forbidden.",
        ),
        "reversed": Text(
            "Chaque requête voit le futur au lieu du passé : vous gardez le triangle du mauvais côté de la diagonale.",
            "Each query sees the future instead of the past: you keep the triangle on the wrong side of the diagonal.",
        ),
        "strict": Text(
            "Un jeton ne se voit pas lui-même : avec autant de clés que de requêtes, le premier ne voit plus rien.",
            "A token does not see itself: with as many keys as queries, the first one sees nothing at all.",
        ),
        "one_more": Text(
            "Chaque requête voit une clé de trop, juste après elle : c'est le mot qu'elle doit deviner.",
            "Each query sees one key too many, just after itself: the word it has to guess.",
        ),
        "offset": Text(
            "Le décalage a le mauvais signe : avec plus de clés que de requêtes, il ferme des places au lieu d'en ouvrir.",
            "The offset has the wrong sign: with more keys than queries, it closes places instead of opening some.",
        ),
        "transposed": Text("Le tableau est transposé : une ligne est une requête.", "The table is transposed: a row is a query."),
        "no_keys": Text(
            "Le nombre de clés n'est pas utilisé : les clés gardées en mémoire n'ont pas de colonne.",
            "The number of keys is not used: the keys kept in memory have no column.",
        ),
        "all_rows": Text(
            "Vous rendez une ligne par clé : il n'en faut qu'une par requête, et les requêtes sont les derniers jetons.",
            "You return one row per key: only one per query is needed, and the queries are the last tokens.",
        ),
        "last_columns": Text(
            "Vous coupez des colonnes : ce sont les dernières lignes qu'il faut garder.",
            "You cut columns: the last rows are the ones to keep.",
        ),
        "appended": Text(
            "Les clés gardées en mémoire viennent avant, non après : la colonne 0 est la plus ancienne.",
            "The keys kept in memory come before, not after: column 0 is the oldest.",
        ),
        "open": Text(
            "Tout est ouvert : chaque requête voit le futur.",
            "Everything is open: each query sees the future.",
        ),
        "floats": Text(
            "Le masque est fait de réels, 0 et 1 : une bibliothèque les ajouterait aux scores sans rien interdire. Il faut des booléens.",
            "The mask holds floats, 0 and 1: a library would add them to the scores and forbid nothing. Booleans are needed.",
        ),
    },
    hints=(
        Text(
            "Numérotez les clés à partir de 0. Où se trouve, parmi elles, la dernière requête ? Et la première ?",
            "Number the keys from 0. Where is the last query among them? And the first?",
        ),
        Text(
            "La requête de la ligne i est le jeton i + n_key − n_query ; elle voit les clés jusqu'à celle-là.",
            "The query of row i is token i + n_key − n_query; it sees the keys up to that one.",
        ),
        Text(
            "`tril` garde le triangle du bas, et son argument décale la diagonale vers la droite. Sur des booléens, il rend des booléens.",
            "`tril` keeps the lower triangle, and its argument shifts the diagonal to the right. Given booleans, it returns booleans.",
        ),
    ),
)
def causal_mask(n_query: int, n_key: int, *, bugs: Bugs = NONE) -> Tensor:
    if "no_keys" in bugs:
        n_key = n_query
    if "all_rows" in bugs:
        n_query = n_key
    shift = n_query - n_key if "offset" in bugs else 0 if "top_left" in bugs else n_key - n_query
    shift += 1 if "one_more" in bugs else -1 if "strict" in bugs else 0
    ones = torch.ones(n_query, n_key, dtype=torch.bool)
    mask = ones.triu(shift) if "reversed" in bugs else ones if "open" in bugs else ones.tril(shift)
    if "last_columns" in bugs:
        mask = torch.ones(n_key, n_key, dtype=torch.bool).tril()[:, -n_query:]
    if "appended" in bugs:
        mask = ones.tril() | (torch.arange(n_key) >= n_query)
    mask = ~mask if "inverted" in bugs else mask
    mask = mask.T if "transposed" in bugs else mask
    return mask.float() if "floats" in bugs else mask


# --- padding mask -------------------------------------------------------------------------------------------


def _padding_cases(seed: int) -> list[Case]:
    return [
        Case(Text("3 textes, 7 clés", "3 texts, 7 keys"), (torch.tensor([4, 7, 2]), 7)),
        Case(Text("un seul texte", "a single text"), (torch.tensor([3]), 5)),
        Case(Text("autant de textes que de clés", "as many texts as keys"), (torch.tensor([3, 1, 4, 2]), 4)),
        Case(Text("un texte vide", "an empty text"), (torch.tensor([5, 0]), 6)),
    ]


@exercise(
    title=Text("Le masque de remplissage", "The padding mask"),
    skill=Text(
        "passer de longueurs à un masque qui se diffuse sur les requêtes", "go from lengths to a mask that broadcasts over the queries"
    ),
    level=1,
    minutes=10,
    points=2,
    cases=_padding_cases,
    mistakes={
        "one_more": Text(
            "Vous ouvrez une place de trop, le premier jeton vide : un texte de longueur 4 occupe les places 0, 1, 2 et 3.",
            "You open one place too many, the first empty token: a text of length 4 fills places 0, 1, 2 and 3.",
        ),
        "one_less": Text(
            "Vous fermez le dernier vrai jeton de chaque texte : les places se comptent à partir de 0.",
            "You close the last real token of each text: places are counted from 0.",
        ),
        "inverted": Text(
            "Le masque est inversé : True doit marquer les vrais jetons, non le remplissage.",
            "The mask is inverted: True must mark the real tokens, not the padding.",
        ),
        "left": Text(
            "Vous fermez le début des textes : ici le remplissage vient après les vrais jetons.",
            "You close the beginning of the texts: here the padding comes after the real tokens.",
        ),
        "no_axis": Text(
            "Il manque l'axe des requêtes, au milieu : face à des scores (B, Tq, Tk), un masque (B, Tk) prendrait les textes pour des requêtes.",
            "The axis of the queries is missing, in the middle: against scores (B, Tq, Tk), a mask (B, Tk) would take the texts for queries.",
        ),
        "first_axis": Text(
            "L'axe ajouté est le premier : vos textes se retrouvent sur l'axe des requêtes. Il le faut au milieu.",
            "The added axis comes first: your texts end up on the axis of the queries. It belongs in the middle.",
        ),
        "rows": Text(
            "Vous fermez des lignes : le remplissage ferme des colonnes, car c'est lui que personne ne doit regarder.",
            "You close rows: padding closes columns, for it is what nobody should look at.",
        ),
        "both": Text(
            "Vous fermez aussi les lignes des jetons vides : ces requêtes deviennent aveugles, sans profit. Fermez les colonnes seulement.",
            "You close the rows of the empty tokens too: these queries become blind, for no benefit. Close the columns only.",
        ),
        "expanded": Text(
            "Vous recopiez la même ligne pour chaque requête : un axe de taille 1 suffit, et il convient à tout nombre de requêtes.",
            "You copy the same row for every query: an axis of size 1 is enough, and it fits any number of queries.",
        ),
        "longest": Text(
            "Le masque s'arrête à la fin du texte le plus long : il lui faut `n_key` colonnes, même si les dernières sont fermées pour tous.",
            "The mask stops at the end of the longest text: it needs `n_key` columns, even if the last ones are closed for all.",
        ),
        "heads": Text(
            "Il y a un axe de trop : la forme demandée est (B, 1, Tk), sans axe pour les têtes.",
            "There is one axis too many: the shape asked for is (B, 1, Tk), with no axis for the heads.",
        ),
        "one_by_one": Text(
            "Vous comparez positions et longueurs une à une : chaque position doit rencontrer chaque longueur ; donnez aux unes et aux autres un axe différent.",
            "You compare positions and lengths one by one: every position must meet every length; give positions and lengths different axes.",
        ),
    },
    hints=(
        Text(
            "La place numéro j d'un texte contient un vrai jeton à une condition sur j et sur la longueur du texte. Laquelle ?",
            "Place number j of a text holds a real token on one condition about j and the length of the text. Which one?",
        ),
        Text(
            "`torch.arange(n_key)` a la forme (Tk,) ; mettez les longueurs en (B, 1) : la comparaison donne (B, Tk).",
            "`torch.arange(n_key)` has shape (Tk,); put the lengths in (B, 1): the comparison gives (B, Tk).",
        ),
        Text(
            "Indexer par `None` ajoute un axe de taille 1 à l'endroit où vous l'écrivez.",
            "Indexing with `None` adds an axis of size 1 where you write it.",
        ),
    ),
)
def padding_mask(lengths: Tensor, n_key: int, *, bugs: Bugs = NONE) -> Tensor:
    places = torch.arange(int(lengths.max()) if "longest" in bugs else n_key)
    if "one_by_one" in bugs:
        return (places < lengths)[:, None]
    limits = lengths[:, None] + (1 if "one_more" in bugs else -1 if "one_less" in bugs else 0)
    real = places >= n_key - limits if "left" in bugs else places < limits
    real = ~real if "inverted" in bugs else real
    if "both" in bugs:
        return real[:, :, None] & real[:, None]
    if "expanded" in bugs:
        return real[:, None].expand(-1, n_key, -1)
    if "no_axis" in bugs:
        return real
    if "heads" in bugs:
        return real[:, None, None]
    return real[None] if "first_axis" in bugs else real[:, :, None] if "rows" in bugs else real[:, None]


# --- open places --------------------------------------------------------------------------------------------


def _places(seed: int) -> tuple:
    """A text's length, its prefix, a window of another size, and a token so near the end that fewer tokens see it than the window holds."""
    generator = torch.Generator().manual_seed(seed)
    ranges = ((9, 13), (3, 5), (5, 7), (1, 3))
    n, n_prefix, width, after = (int(torch.randint(low, high, (), generator=generator)) for low, high in ranges)
    return n, n_prefix, width, n - after


@question(
    title=Text("Compter les places ouvertes", "Counting the open places"),
    skill=Text("lire un masque par lignes et par colonnes, sans machine", "read a mask by rows and by columns, without a machine"),
    level=2,
    minutes=15,
    points=4,
    given=_places,
    mistakes={
        "no_diagonal": Text(
            "Vous oubliez la diagonale du masque causal : un jeton se voit lui-même.",
            "You forgot the diagonal of the causal mask: a token sees itself.",
        ),
        "half": Text(
            "Le masque causal ouvre un peu plus de la moitié du carré : la diagonale est ouverte tout entière.",
            "The causal mask opens a little more than half of the square: its whole diagonal is open.",
        ),
        "twice": Text(
            "Préfixe : la moitié basse de son carré était déjà ouverte par le masque causal, et vous la comptez deux fois.",
            "Prefix: the lower half of its square was already open in the causal mask, and you count it twice.",
        ),
        "prefix_diagonal": Text(
            "Préfixe : vous comptez sa diagonale deux fois, le masque causal l'ouvrait déjà.",
            "Prefix: you count its diagonal twice, for the causal mask already opened it.",
        ),
        "closed_prefix": Text(
            "Préfixe : vous le comptez comme un texte à part, mais tous les jetons qui le suivent le voient aussi.",
            "Prefix: you count it as a text of its own, but all the tokens that follow see it too.",
        ),
        "and": Text(
            "Préfixe : il se combine au masque causal par « ou », non par « et » ; il ouvre des places, il n'en ferme pas.",
            'Prefix: it combines with the causal mask by "or", not by "and"; it opens places and closes none.',
        ),
        "no_corner": Text(
            "Fenêtre : les premiers jetons n'ont pas assez de passé pour la remplir, il manque un coin.",
            "Window: the first tokens do not have enough past to fill it, so a corner is missing.",
        ),
        "corner": Text(
            "Fenêtre : le coin que vous ôtez est trop grand. À la première ligne, une place est ouverte : le jeton se voit lui-même.",
            "Window: the corner you remove is too large. On the first row one place is open: the token sees itself.",
        ),
        "wider": Text(
            "Fenêtre : vous la prenez trop large d'un jeton, car le jeton lui-même est l'un de ceux qu'elle compte.",
            "Window: you take it one token too wide, for the token itself is one of those it counts.",
        ),
        "both_sides": Text("Fenêtre : vous l'ouvrez aussi sur le futur.", "Window: you open it onto the future too."),
        "row": Text(
            "Ceux qui voient un jeton se lisent dans sa colonne, non dans sa ligne : lui-même et les suivants, jusqu'à la fin du texte.",
            "Those who see a token are read down its column, not along its row: itself and the next ones, up to the end of the text.",
        ),
        "not_itself": Text("Parmi ceux qui voient un jeton, il y a lui-même.", "Among those who see a token is the token itself."),
        "same_sense": Text(
            "Pour `nn.MultiheadAttention`, True veut dire « interdit » : le passé que notre masque ouvrait est maintenant fermé.",
            'For `nn.MultiheadAttention`, True means "forbidden": the past that our mask opened is now closed.',
        ),
        "diagonal_kept": Text(
            "Lu à l'envers, le masque causal ferme aussi la diagonale : le jeton ne se voit plus lui-même.",
            "Read the other way round, the causal mask closes the diagonal too: the token no longer sees itself.",
        ),
    },
    hints=(
        Text(
            "Dessinez chaque masque pour 5 jetons, un préfixe de 3 et une fenêtre de 3, puis comptez ligne par ligne.",
            "Draw each mask for 5 tokens, a prefix of 3 and a window of 3, then count row by row.",
        ),
        Text(
            "Le préfixe n'ajoute que les places au-dessus de la diagonale, dans son carré. La fenêtre ôte un triangle en bas à gauche.",
            "The prefix only adds the places above the diagonal, inside its square. The window removes a triangle at the bottom left.",
        ),
        Text(
            "Pour la quatrième réponse, descendez une colonne ; pour la cinquième, lisez une ligne en échangeant ouvert et fermé.",
            "For the fourth answer, go down a column; for the fifth, read a row with open and closed exchanged.",
        ),
    ),
)
def open_places(n: int, n_prefix: int, width: int, token: int, *, bugs: Bugs = NONE) -> list[int | float]:
    i, j = torch.arange(n)[:, None], torch.arange(n)
    w = width + 1 if "wider" in bugs else width
    past = j < i if "no_diagonal" in bugs else j <= i
    prefix = past & (j < n_prefix) if "and" in bugs else past | ((j < n_prefix) & (i < n_prefix) & (i != j))
    if "closed_prefix" in bugs:
        prefix &= (i < n_prefix) | (j >= n_prefix)
    window = (i - j).abs() < w if "both_sides" in bugs else (j <= i) & (i - j < w)
    again = n_prefix * (n_prefix + 1) // 2 if "twice" in bugs else n_prefix if "prefix_diagonal" in bugs else 0
    corner = w * (w - 1) // 2 if "no_corner" in bugs else -w if "corner" in bugs and "wider" not in bugs else 0
    return [
        n * n / 2 if "half" in bugs else int(past.sum()),
        int(prefix.sum()) + again,
        int(window.sum()) + corner,
        width if "row" in bugs else n - token + ("not_itself" not in bugs),
        token if "same_sense" in bugs else n - token + ("diagonal_kept" in bugs),
    ]


SET = (causal_mask, padding_mask, open_places, packed_window_mask, additive_mask, masked_softmax)
