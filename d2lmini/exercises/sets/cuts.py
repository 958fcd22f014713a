"""Exercises on cutting words: by the rank of merges and by longest piece, by hand; then the most probable cut."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch

from d2lmini.exercises.exercise import NONE, Bugs, exercise, question
from d2lmini.exercises.sets.merges import merged
from d2lmini.i18n import Text
from d2lmini.trial import Case

# --- cuts by hand -------------------------------------------------------------------------------------------

# A and B stand for vowels, X and Y for consonants. In each line, no two of the mistakes below give the same cuts.
LESSONS = (
    ("X+A XA+XA Y+XA A+X AX+AX A+XA", "AXAXAXA XAXAAX AXAXBAXA"),
    ("X+A A+XA XA+X X+B B+XA XA+XA", "XAXBXAX XAXAAXAX XAXAXAAX"),
    ("A+X AX+AX X+AX Y+AX X+A XAX+A", "XAXAXAX AXAXAA XAXAYBXA"),
    ("X+A B+Y X+BY X+B BY+X XA+XA", "BYXAXAXA YBXBXBYA BYXBYB"),
    ("A+X AX+AX Y+A AX+B A+AX AX+A", "YAXAXAX XAXAYAYB XAXAXAA"),
)


def _lesson(seed: int) -> tuple[list[tuple[str, ...]], list[str]]:
    """Six merges in the order in which they were learned, and three words to cut."""
    generator = torch.Generator().manual_seed(seed)
    merges, words = LESSONS[int(torch.randint(len(LESSONS), (), generator=generator))]
    vowels, consonants = (
        "".join(letters[i] for i in torch.randperm(len(letters), generator=generator)[:2]) for letters in ("aeiou", "lmnprst")
    )
    names = str.maketrans("ABXY", vowels + consonants)
    return [tuple(pair.split("+")) for pair in merges.translate(names).split()], words.translate(names).split()


@question(
    title=Text("Découper à la main", "Cut by hand"),
    skill=Text(
        "rejouer des fusions dans leur ordre, et voir qu'un glouton coupe autrement",
        "replay merges in order, and see that a greedy reader cuts in another way",
    ),
    level=2,
    minutes=15,
    points=4,
    given=_lesson,
    mistakes={
        "greedy": Text(
            "Vous prenez à chaque fois le plus long jeton qui commence ici : le BPE n'est pas glouton, il rejoue ses fusions dans l'ordre.",
            "Each time you take the longest token that begins here: BPE is not greedy, it replays its merges in order.",
        ),
        "left_first": Text(
            "Vous fusionnez la première paire connue en partant de la gauche : c'est le rang de la fusion qui décide, non sa place dans le mot.",
            "You merge the first known pair from the left: the rank of the merge decides, not its place in the word.",
        ),
        "reverse": Text(
            "Vous commencez par la dernière fusion apprise : il faut les rejouer dans l'ordre où elles ont été apprises.",
            "You begin with the last merge learned: they must be replayed in the order in which they were learned.",
        ),
        "first_place": Text(
            "Vous n'appliquez chaque fusion qu'une fois par mot : elle vaut à tous les endroits du mot où la paire se trouve.",
            "You apply each merge once per word: it holds at every place of the word where the pair stands.",
        ),
        "letters_only": Text(
            "Vous ne fusionnez que des lettres : un jeton né d'une fusion peut être fusionné à son tour.",
            "You merge letters only: a token born of a merge can be merged in turn.",
        ),
        "no_last": Text("Vous n'appliquez pas la dernière fusion de la liste.", "You do not apply the last merge of the list."),
        "one_merge": Text(
            "Vous vous arrêtez après la première fusion qui agit sur le mot : il faut essayer aussi toutes les suivantes.",
            "You stop after the first merge that acts on the word: all the next ones must be tried too.",
        ),
        "from_right": Text(
            "Vous fusionnez en partant de la droite : quand une paire se chevauche elle-même, c'est celle de gauche qui est fusionnée.",
            "You merge from the right: when a pair overlaps itself, the left one is merged.",
        ),
        "by_rank": Text(
            "Quatrième réponse : vous rejouez encore les fusions ; ici leur ordre ne compte plus, seul compte le plus long début connu.",
            "Fourth answer: you replay the merges again; here their order no longer matters, only the longest known beginning.",
        ),
        "backward": Text(
            "Quatrième réponse : vous partez de la fin du mot ; le plus long morceau se prend à partir du début.",
            "Fourth answer: you start from the end of the word; the longest piece is taken from the beginning.",
        ),
        "two_letters": Text(
            "Quatrième réponse : vous vous contentez de morceaux de deux lettres ; le vocabulaire en a de plus longs, essayez-les d'abord.",
            "Fourth answer: you make do with pieces of two letters; the vocabulary has longer ones, try them first.",
        ),
    },
    hints=(
        Text(
            "Écrivez le mot lettre par lettre. Prenez la première fusion de la liste, appliquez-la partout où elle peut l'être, puis passez à la suivante.",
            "Write the word letter by letter. Take the first merge of the list, apply it wherever you can, then go to the next one.",
        ),
        Text(
            "Une lettre déjà fusionnée ne fait plus paire avec sa voisine : seul le jeton entier a des voisins.",
            "A letter that is already merged no longer pairs with its neighbor: only the whole token has neighbors.",
        ),
        Text(
            "Pour la quatrième réponse, oubliez l'ordre : le vocabulaire contient les lettres et les six jetons nés des fusions. Prenez le plus long qui commence le mot, puis recommencez sur le reste.",
            "For the fourth answer, forget the order: the vocabulary holds the letters and the six tokens born of the merges. Take the longest one that begins the word, then start again on the rest.",
        ),
    ),
)
def cuts_by_hand(merges: list[tuple[str, str]], words: list[str], *, bugs: Bugs = NONE) -> list[str]:
    vocabulary = {"".join(pair) for pair in merges} | {*"".join(words)}
    cuts = [_longest(word, vocabulary) if "greedy" in bugs else _replayed(word, merges, bugs) for word in words]
    last = _longest(words[0], {piece for piece in vocabulary if len(piece) <= 2} if "two_letters" in bugs else vocabulary)
    if "backward" in bugs:
        mirrored = {piece[::-1] for piece in vocabulary}
        last = [piece[::-1] for piece in reversed(_longest(words[0][::-1], mirrored))]
    if "by_rank" in bugs:
        last = _replayed(words[0], merges, NONE)
    return [" ".join(cut) for cut in (*cuts, last)]


def _replayed(word: str, merges: list[tuple[str, str]], bugs: Bugs) -> list[str]:
    pieces = [*word]
    if bugs & {"left_first", "reverse"}:
        while known := [pair for pair in pairwise(pieces) if pair in merges]:
            pair = max(known, key=merges.index) if "reverse" in bugs else known[0]
            pieces = merged(pieces, pair, "".join(pair), NONE if "reverse" in bugs else frozenset({"first_only"}))
        return pieces
    how = {"first_only" for bug in bugs & {"first_place"}} | bugs & {"from_right"}
    for left, right in merges[:-1] if "no_last" in bugs else merges:
        if "letters_only" in bugs and len(left + right) > 2:
            continue
        before, pieces = pieces, merged(pieces, (left, right), left + right, frozenset(how))
        if "one_merge" in bugs and pieces != before:
            break
    return pieces


def _longest(word: str, vocabulary: set[str]) -> list[str]:
    pieces = []
    while word:
        pieces.append(next(word[:n] for n in range(len(word), 0, -1) if word[:n] in vocabulary))
        word = word.removeprefix(pieces[-1])
    return pieces


# --- the most probable cut ----------------------------------------------------------------------------------


def _all_cuts(word: str, pieces: Any) -> list[list[str]]:
    """All of them, those that begin with the shortest pieces first."""
    if not word:
        return [[]]
    return [[word[:n], *rest] for n in range(1, len(word) + 1) if word[:n] in pieces for rest in _all_cuts(word[n:], pieces)]


def _cut_cases(seed: int) -> list[Case]:
    generator = torch.Generator().manual_seed(seed)
    word = "abcbacab"
    spans = [word[i:j] for i in range(8) for j in range(i + 1, min(8, i + 3) + 1)]
    drawn = {piece: -4 * float(torch.rand((), generator=generator)) - 1.5 * len(piece) for piece in dict.fromkeys(spans)}
    march = {"march": -3.0, "marche": -5.5, "m": -3.5, "ar": -2.5, "ch": -2.75, "e": -2.0, "s": -2.25, "es": -2.5, "rs": -4.5}
    seam = {"port": -4.0, "e": -2.0, "porte": -4.5, "feuille": -6.5, "s": -2.0, "ef": -3.0, "euil": -1.5, "le": -1.0}
    ends = {"a": -1.0, "ab": -0.5, "abc": -0.25, "bcd": -4.0, "d": -8.0}
    often = {"r": -2.0, "e": -1.0, "re": -3.5, "mis": -4.0, "remise": -7.5, "remis": -9.0, "m": -3.0, "is": -2.0, "se": -4.0}
    return [
        Case(Text("un radical et sa terminaison", "a stem and its ending"), ("marches", march)),
        Case(Text("un long mot composé", "a long compound word"), ("portefeuille", seam)),
        Case(Text("le plus long début mène à une impasse", "the longest beginning leads nowhere"), ("abcd", ends)),
        Case(Text("des morceaux fréquents, d'autres rares", "frequent pieces and rare ones"), ("remise", often)),
        Case(Text("un mot tiré au sort", "a word drawn at random"), (word, drawn)),
        Case(Text("le mot entier est un morceau", "the whole word is a piece"), ("or", {"or": -2.0, "o": -1.5, "r": -1.25})),
        Case(Text("une lettre inconnue à la fin", "an unknown letter at the end"), ("marchez", march)),
        Case(Text("une lettre inconnue au début", "an unknown letter at the beginning"), ("zar", march)),
    ]


@exercise(
    title=Text("Le découpage le plus probable", "The most probable cut"),
    skill=Text("chercher un meilleur chemin par programmation dynamique", "look for a best path by dynamic programming"),
    level=3,
    minutes=30,
    points=5,
    cases=_cut_cases,
    mistakes={
        "longest": Text(
            "Vous prenez toujours le plus long morceau connu, comme WordPiece : il faut la plus grande somme sur le mot entier.",
            "You always take the longest known piece, as WordPiece does: the largest sum over the whole word is needed.",
        ),
        "likeliest": Text(
            "Vous prenez à chaque place le morceau le plus probable, sans regarder la suite : c'est la somme sur le mot entier qui compte.",
            "At each place you take the most probable piece, without looking further: the sum over the whole word is what counts.",
        ),
        "fewest": Text(
            "Vous cherchez le moins de morceaux : deux morceaux rares peuvent être moins probables que trois fréquents.",
            "You look for the fewest pieces: two rare pieces may be less probable than three frequent ones.",
        ),
        "no_sum": Text(
            "À chaque fin, vous gardez le dernier morceau le plus probable sans compter ce qui le précède : ajoutez le meilleur score de son début.",
            "At each end you keep the most probable last piece without counting what comes before: add the best score of its beginning.",
        ),
        "least": Text(
            "Vous gardez la plus petite somme : les scores sont négatifs, et le plus probable est le plus proche de zéro.",
            "You keep the smallest sum: scores are negative, and the most probable is the one nearest to zero.",
        ),
        "mean": Text(
            "Vous comparez des moyennes par morceau : la probabilité d'un découpage est un produit, donc son logarithme une somme.",
            "You compare means per piece: the probability of a cut is a product, so its logarithm is a sum.",
        ),
        "all_zero": Text(
            "Le mot revient toujours entier : aucune somme, toutes étant négatives, ne bat le score dont vous partez. Partez de −∞, sauf au début du mot, qui vaut 0.",
            "The word always comes back whole: no sum, all being negative, beats the score you start from. Start from −∞, except at the beginning of the word, which is 0.",
        ),
        "no_start": Text(
            "Vous rendez toujours la liste vide. Le début du mot a-t-il un score de départ ? Il vaut 0 : partir de −∞ là aussi rend tout découpage impossible.",
            "You always return the empty list. Does the beginning of the word have a score to start with? It is 0: starting from −∞ there too makes every cut impossible.",
        ),
        "not_whole": Text(
            "Un morceau qui couvre tout le mot n'est jamais essayé : vos bornes s'arrêtent une place trop tôt.",
            "A piece that covers the whole word is never tried: your bounds stop one place too early.",
        ),
        "two_letters": Text(
            "Vous n'essayez que des morceaux de deux lettres au plus : un morceau peut être aussi long que le mot.",
            "You try pieces of at most two letters: a piece may be as long as the word.",
        ),
        "backward": Text(
            "Les morceaux sont rendus du dernier au premier : on remonte le chemin depuis la fin, il faut donc retourner la liste.",
            "The pieces are returned from last to first: the path is walked back from the end, so the list must be reversed.",
        ),
        "places": Text(
            "Vous rendez des places dans le mot : ce sont les morceaux eux-mêmes qu'il faut.",
            "You return places in the word: the pieces themselves are wanted.",
        ),
        "score": Text(
            "Vous rendez le meilleur score : c'est le découpage qu'il faut.", "You return the best score: the cut is what is wanted."
        ),
        "with_score": Text(
            "Vous rendez le score avec le découpage : seule la liste des morceaux est demandée.",
            "You return the score along with the cut: only the list of pieces is asked for.",
        ),
        "none": Text(
            "Vous rendez None quand le mot ne peut pas être découpé : la liste vide est demandée.",
            "You return None when the word cannot be cut: the empty list is asked for.",
        ),
        "whole_word": Text(
            "Quand le mot ne peut pas être découpé, vous le rendez entier : il n'est pas dans le vocabulaire, et c'est la liste vide qu'il faut.",
            "When the word cannot be cut, you return it whole: it is not in the vocabulary, and the empty list is wanted.",
        ),
        "key_error": Text(
            "Un mot qui ne peut pas être découpé lève une erreur : demandez d'abord si le morceau est dans `scores`, et rendez la liste vide.",
            "A word that cannot be cut raises an error: ask first whether the piece is in `scores`, and return the empty list.",
        ),
        "beginning": Text(
            "Quand la fin du mot n'est pas connue, vous rendez le découpage de son début : un découpage doit couvrir tout le mot.",
            "When the end of the word is not known, you return the cut of its beginning: a cut must cover the whole word.",
        ),
        "joined": Text("Vous rendez un texte : il faut la liste des morceaux.", "You return a text: the list of pieces is wanted."),
    },
    hints=(
        Text(
            "Supposez connu le meilleur découpage de chaque début du mot. Quel est le dernier morceau du mot entier ?",
            "Suppose that you know the best cut of each beginning of the word. What is the last piece of the whole word?",
        ),
        Text(
            "Pour chaque fin, de la première lettre à la dernière, essayez tous les débuts : le score du début, plus celui du morceau. Gardez la plus grande somme, et d'où elle vient.",
            "For each end, from the first letter to the last, try all the beginnings: the score of the beginning, plus that of the piece. Keep the largest sum, and where it comes from.",
        ),
        Text(
            "Le meilleur score vaut 0 pour le début vide, −∞ ailleurs au départ. À la fin, remontez de début en début ; si le score du mot est resté à −∞, il ne peut pas être découpé.",
            "The best score is 0 for the empty beginning, −∞ elsewhere at first. In the end, walk back from beginning to beginning; if the score of the word is still −∞, it cannot be cut.",
        ),
    ),
)
def best_cut(word: str, scores: dict[str, float], *, bugs: Bugs = NONE) -> Any:
    cut, total = _greedy_cut(word, scores, bugs) if bugs & {"longest", "likeliest"} else _searched(word, scores, bugs)
    if not _all_cuts(word, scores):
        if "key_error" in bugs:
            raise KeyError
        if bugs & {"none", "whole_word"}:
            return None if "none" in bugs else [word]
    if not cut and "beginning" in bugs:
        cut, total = next((found for n in range(len(word), 0, -1) if (found := _searched(word[:n], scores, bugs))[0]), ([], total))
    if "score" in bugs:
        return total
    if "places" in bugs:
        return [sum(map(len, cut[:i])) for i in range(len(cut))]
    cut = cut[::-1] if "backward" in bugs else cut
    return [cut, total] if "with_score" in bugs else " ".join(cut) if "joined" in bugs else cut


def _greedy_cut(word: str, scores: dict[str, float], bugs: Bugs) -> tuple[list[str], float]:
    cut: list[str] = []
    start = 0
    while start < len(word):
        known = [word[start:end] for end in range(start + 1, len(word) + 1) if word[start:end] in scores]
        if not known:
            return [], -math.inf
        cut.append(max(known, key=len if "longest" in bugs else scores.__getitem__))
        start += len(cut[-1])
    return cut, sum(map(scores.__getitem__, cut))


def _searched(word: str, scores: dict[str, float], bugs: Bugs) -> tuple[list[str], float]:
    if bugs & {"no_start", "all_zero"}:
        return ([], -math.inf) if "no_start" in bugs else ([word], 0.0)
    if "no_sum" in bugs:
        return _last_pieces(word, scores)
    cuts = _all_cuts(word, scores)
    if "not_whole" in bugs:
        cuts = [cut for cut in cuts if len(cut) > 1]
    if "two_letters" in bugs:
        cuts = [cut for cut in cuts if max(map(len, cut)) <= 2]
    values: dict[str, Callable[[list[str]], float]] = {
        "least": lambda cut: -_total(cut, scores),
        "mean": lambda cut: _total(cut, scores) / len(cut),
        "fewest": lambda cut: _total(cut, scores) - 1000 * len(cut),
    }
    best: list[str] = max(cuts, key=next((values[bug] for bug in values if bug in bugs), lambda cut: _total(cut, scores)), default=[])
    return best, _total(best, scores) if best else -math.inf


def _total(cut: list[str], scores: dict[str, float]) -> float:
    return sum(scores[piece] for piece in cut)


def _last_pieces(word: str, scores: dict[str, float]) -> tuple[list[str], float]:
    """From the end, always the most probable last piece of what is left, when its beginning can be reached."""
    cut: list[str] = []
    while word:
        known = [word[start:] for start in range(len(word)) if word[start:] in scores and (not start or _all_cuts(word[:start], scores))]
        if not known:
            return [], -math.inf
        cut.insert(0, max(known, key=scores.__getitem__))
        word = word.removesuffix(cut[0])
    return cut, _total(cut, scores)
