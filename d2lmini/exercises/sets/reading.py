"""Exercises on what an encoder's vectors are used for: find an answer inside a text, compare texts."""

import torch
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise, normal
from d2lmini.i18n import Text
from d2lmini.trial import Case

# --- an answer inside a text --------------------------------------------------------------------------------


def _span_cases(seed: int) -> list[Case]:
    draw, generator = normal(seed), torch.Generator().manual_seed(seed)

    def case(fr: str, en: str, B: int, T: int, longest: int, *, shift: float = 0.0, null: float = -1.5) -> Case:
        """Texts of which a stretch may hold the answer; `null` raises the scores of place 0."""
        starts, ends = 2 * draw(B, T) + shift, 2 * draw(B, T) + shift
        first = torch.randint(1, T // 3 + 1, (B, 1), generator=generator)
        last = torch.randint(T // 2, T - 1, (B, 1), generator=generator)
        starts[:, 0], ends[:, 0] = null + draw(B), null + draw(B)
        places = torch.arange(T)
        return Case(Text(fr, en), (starts, ends, (places >= first) & (places <= last), longest))

    blind = case("un texte sans place permise", "a text without an allowed place", 3, 13, 4, null=-9.0)
    blind.args[2][1] = False
    return [
        case("un grand lot, 3 jetons au plus", "a large batch, 3 tokens at most", 41, 17, 3),
        case("un seul jeton permis", "a single token allowed", 11, 11, 1),
        case("des scores tous négatifs", "scores that are all negative", 13, 12, 5, shift=-9.0, null=-16.0),
        case("des textes souvent sans réponse", "texts that often hold no answer", 29, 13, 7, null=2.0),
        blind,
    ]


@exercise(
    title=Text("Où est la réponse ?", "Where is the answer?"),
    skill=Text("lire un début et une fin dans deux lignes de scores", "read a start and an end from two rows of scores"),
    level=3,
    minutes=25,
    points=5,
    cases=_span_cases,
    mistakes={
        "apart": Text(
            "Vous prenez le meilleur début et la meilleure fin chacun de son côté : c'est leur couple qu'il faut choisir.",
            "You take the best start and the best end each on its own: it is their pair that must be chosen.",
        ),
        "start_first": Text(
            "Vous fixez le meilleur début avant de chercher la fin : un autre début peut avoir une bien meilleure fin.",
            "You settle on the best start before you look for the end: another start may have a much better end.",
        ),
        "end_first": Text(
            "Vous fixez la meilleure fin avant de chercher le début : une autre fin peut avoir un bien meilleur début.",
            "You settle on the best end before you look for the start: another end may have a much better start.",
        ),
        "crossed": Text(
            "Votre réponse peut finir avant de commencer : il faut début ≤ fin.", "Your answer may end before it starts: start ≤ end is needed."
        ),
        "no_limit": Text("Vos réponses peuvent dépasser `longest` jetons.", "Your answers may exceed `longest` tokens."),
        "one_longer": Text(
            "Vos réponses peuvent avoir un jeton de trop : du début à la fin comprise, il y en a fin − début + 1.",
            "Your answers may have one token too many: from the start to the end, both included, there are end − start + 1.",
        ),
        "one_shorter": Text(
            "Vous refusez les réponses de `longest` jetons exactement : elles sont permises.",
            "You refuse answers of exactly `longest` tokens: they are allowed.",
        ),
        "two_at_least": Text(
            "Vous refusez les réponses d'un seul jeton : la fin peut être le début.", "You refuse answers of a single token: the end may be the start."
        ),
        "any_place": Text(
            "Vos réponses sortent des places permises : la question et les signes n'en contiennent pas.",
            "Your answers leave the allowed places: the question and the signs hold none.",
        ),
        "end_anywhere": Text(
            "Vos fins sortent des places permises : le début et la fin doivent y être tous deux.",
            "Your ends leave the allowed places: both the start and the end must be there.",
        ),
        "start_anywhere": Text(
            "Vos débuts sortent des places permises : le début et la fin doivent y être tous deux.",
            "Your starts leave the allowed places: both the start and the end must be there.",
        ),
        "never_silent": Text(
            "Vous donnez toujours une réponse : quand la place 0 a un total au moins aussi grand, il n'y en a pas.",
            "You always give an answer: when place 0 has a total at least as high, there is none.",
        ),
        "null_start": Text(
            "Vous comparez le meilleur couple au seul score de début de la place 0 : son total compte aussi sa fin.",
            "You compare the best pair with the start score of place 0 alone: its total counts its end too.",
        ),
        "zeros": Text(
            "Vous mettez à 0 les couples refusés : quand tous les totaux sont négatifs, c'est l'un d'eux qui gagne. Il faut −∞.",
            "You set the refused pairs to 0: when all totals are negative, one of them wins. It takes −∞.",
        ),
        "products": Text(
            "Vous multipliez les scores : deux scores très négatifs font un grand produit. Les scores s'additionnent.",
            "You multiply the scores: two very negative scores make a large product. Scores add up.",
        ),
        "probabilities": Text(
            "Vous additionnez des probabilités : elles se multiplient, ce qui revient à additionner les scores eux-mêmes.",
            "You add up probabilities: they multiply, which amounts to adding up the scores themselves.",
        ),
        "exclusive": Text(
            "Votre fin est la place d'après : donnez celle du dernier jeton de la réponse.", "Your end is the place after: give that of the last token of the answer."
        ),
        "exchanged": Text(
            "Vous rendez la fin avant le début.", "You return the end before the start."
        ),
        "same_for_all": Text(
            "Vous prenez le meilleur couple du lot entier : chaque texte a sa propre réponse.", "You take the best pair of the whole batch: each text has its own answer."
        ),
    },
    hints=(
        Text(
            "Pour un texte, dressez le tableau (T, T) de tous les totaux : une ligne par début, une colonne par fin. Quelles cases sont permises ?",
            "For one text, draw up the table (T, T) of all totals: a row for each start, a column for each end. Which cells are allowed?",
        ),
        Text(
            "`starts[:, :, None] + ends[:, None, :]` fait le tableau de chaque texte. Les cases refusées reçoivent −∞.",
            "`starts[:, :, None] + ends[:, None, :]` makes the table of each text. The refused cells get −∞.",
        ),
        Text(
            "Le maximum d'un tableau aplati est à la place `début * T + fin`. Comparez sa valeur au total de la place 0.",
            "The maximum of a flattened table is at place `start * T + end`. Compare its value with the total of place 0.",
        ),
    ),
)  # fmt: skip
def answer_spans(starts: Tensor, ends: Tensor, allowed: Tensor, longest: int, *, bugs: Bugs = NONE) -> Tensor:
    T = starts.shape[1]
    totals = _totals(starts, ends, bugs).masked_fill(~_pairs(allowed, longest, bugs), 0.0 if "zeros" in bugs else -torch.inf)
    best, place = totals.flatten(1).max(1)
    if "same_for_all" in bugs:
        best, place = best.max().expand_as(best), place[best.argmax()].expand_as(place)
    start, end = place // T, place % T
    inside = [scores.masked_fill(~allowed, -torch.inf) for scores in (starts, ends)]
    texts = torch.arange(len(starts))
    if bugs & {"apart", "start_first"}:
        start = inside[0].argmax(1)
        end = inside[1].argmax(1) if "apart" in bugs else totals[texts, start].argmax(1)
        best = inside[0].amax(1) + inside[1].amax(1) if "apart" in bugs else totals[texts, start, end]
    elif "end_first" in bugs:
        end = inside[1].argmax(1)
        start = totals[texts, :, end].argmax(1)
        best = totals[texts, start, end]
    null = _totals(starts, ends, bugs)[:, 0, 0]
    silent = best <= (starts[:, 0] if "null_start" in bugs else null)
    if "never_silent" in bugs:
        silent = silent & False
    spans = torch.stack([start, end + ("exclusive" in bugs)], dim=1).masked_fill(silent[:, None], 0)
    return spans.flip(1) if "exchanged" in bugs else spans


def _totals(starts: Tensor, ends: Tensor, bugs: Bugs) -> Tensor:
    if "products" in bugs:
        return starts[:, :, None] * ends[:, None]
    if "probabilities" in bugs:
        starts, ends = starts.softmax(1), ends.softmax(1)
    return starts[:, :, None] + ends[:, None]


def _pairs(allowed: Tensor, longest: int, bugs: Bugs) -> Tensor:
    """Which pairs (start, end) are answers."""
    T = allowed.shape[1]
    start, end = torch.arange(T)[:, None], torch.arange(T)
    longest += 1 if "one_longer" in bugs else -1 if "one_shorter" in bugs else 0
    ordered = end > start if "two_at_least" in bugs else end >= start
    short = end < start + (T if "no_limit" in bugs else longest)
    if "crossed" in bugs:
        ordered, short = start == start, (end - start).abs() < longest
    starts, ends = allowed[:, :, None], allowed[:, None]
    anywhere = torch.arange(T) > 0  # a pair at place 0 would be no answer anyway
    starts = anywhere[None, :, None] if bugs & {"any_place", "start_anywhere"} else starts
    ends = anywhere[None, None] if bugs & {"any_place", "end_anywhere"} else ends
    return (ordered & short)[None] & starts & ends


# --- texts that resemble one another ------------------------------------------------------------------------


def _text_cases(seed: int) -> list[Case]:
    draw = normal(seed)

    def case(fr: str, en: str, lengths: tuple[int, ...], d: int, *, scale: float = 1.0) -> Case:
        B, T = len(lengths), max(lengths)
        vectors = draw(B, T, d) + draw(B, 1, d)  # the words of a text have something in common
        vectors = vectors * (scale * draw(B, 1, 1)).exp()  # and some texts speak louder
        return Case(Text(fr, en), (vectors, torch.arange(T) < torch.tensor(lengths)[:, None]))

    apart = case("deux textes opposés", "two opposite texts", (3, 3), 5)
    apart.args[0][1] = -apart.args[0][0] + 0.1 * draw(3, 5)
    return [
        case("quatre textes de longueurs différentes", "four texts of different lengths", (5, 2, 7, 3), 11),
        apart,
        case("aucun remplissage", "no padding", (4, 4, 4, 4, 4, 4), 3),
        case("des textes d'un seul mot", "texts of a single word", (1, 6, 1, 1, 2), 7, scale=2.0),
        case("un lot plus grand", "a larger batch", (3, 8, 5, 1, 9, 2, 13, 4, 6, 11, 7), 5, scale=1.5),
    ]


@exercise(
    title=Text("Des textes qui se ressemblent", "Texts that are alike"),
    skill=Text("résumer un texte par une moyenne, et comparer par un cosinus", "sum up a text by a mean, and compare by a cosine"),
    level=2,
    minutes=20,
    points=4,
    cases=_text_cases,
    mistakes={
        "padding": Text(
            "Votre moyenne compte le remplissage : ses vecteurs ne veulent rien dire.", "Your mean counts the padding: its vectors mean nothing."
        ),
        "full_length": Text(
            "Vous ôtez le remplissage de la somme, puis divisez par la longueur du lot : divisez par le nombre de vrais jetons du texte.",
            "You take the padding out of the sum, then divide by the length of the batch: divide by the number of real tokens in the text.",
        ),
        "sums": Text("Vous rendez des sommes : il faut des moyennes.", "You return sums: means are needed."),
        "inverted": Text(
            "Vous faites la moyenne du remplissage : `real` vaut `True` pour les vrais jetons.",
            "You average the padding: `real` is `True` for the real tokens.",
        ),
        "first_token": Text(
            "Vous prenez le vecteur du premier jeton : c'est la moyenne de tous qui est demandée.",
            "You take the vector of the first token: the mean of all is asked for.",
        ),
        "last_place": Text(
            "Vous prenez le vecteur de la dernière place, qui est souvent du remplissage.",
            "You take the vector of the last place, which is often padding.",
        ),
        "maximum": Text(
            "Vous prenez le maximum de chaque coordonnée : il faut la moyenne.", "You take the maximum of each coordinate: it takes the mean."
        ),
        "unit_tokens": Text(
            "Vous normalisez les jetons avant la moyenne : on normalise la moyenne, et seulement pour comparer.",
            "You normalize the tokens before the mean: normalize the mean, and only to compare.",
        ),
        "unit_means": Text(
            "Les moyennes que vous rendez sont normalisées : seule la comparaison a besoin de vecteurs de norme 1.",
            "The means that you return are normalized: only the comparison needs vectors of norm 1.",
        ),
        "dot": Text(
            "Vous comparez par un produit scalaire : un texte aux grands vecteurs ressemblerait à tout. Divisez par les deux normes.",
            "You compare by a dot product: a text with large vectors would be like everything. Divide by both norms.",
        ),
        "one_norm": Text(
            "Vous ne divisez que par une des deux normes : un cosinus ne dépend d'aucune.",
            "You divide by only one of the two norms: a cosine depends on neither.",
        ),
        "squared": Text(
            "Vous divisez par le carré des normes : sur la diagonale, un cosinus vaut 1.",
            "You divide by the squares of the norms: on the diagonal a cosine is 1.",
        ),
        "over_texts": Text(
            "Vous normalisez le long des textes : la norme est celle d'un vecteur, le dernier axe.",
            "You normalize along the texts: the norm is that of a vector, the last axis.",
        ),
        "itself": Text(
            "Chaque texte est son propre voisin : cherchez parmi les autres.", "Each text is its own neighbor: search among the others."
        ),
        "zero_for_itself": Text(
            "Vous mettez 0 sur la diagonale avant de chercher : quand tous les autres cosinus sont négatifs, un texte redevient son propre voisin. Il faut −∞.",
            "You put 0 on the diagonal before searching: when all other cosines are negative, a text is its own neighbor again. It takes −∞.",
        ),
        "second_lost": Text(
            "La diagonale des ressemblances que vous rendez est effacée : effacez-la sur une copie.",
            "The diagonal of the similarities that you return is erased: erase it on a copy.",
        ),
        "least_alike": Text("Vous cherchez le texte le moins semblable.", "You look for the text that is least alike."),
    },
    hints=(
        Text(
            "Mettez à zéro les vecteurs du remplissage, faites la somme, puis divisez par le nombre de vrais jetons de chaque texte.",
            "Set the vectors of the padding to zero, take the sum, then divide by the number of real tokens in each text.",
        ),
        Text(
            "Divisez chaque moyenne par sa norme : le produit de cette table par sa transposée donne tous les cosinus.",
            "Divide each mean by its norm: the product of this table and its transpose gives all the cosines.",
        ),
        Text(
            "Pour exclure le texte lui-même, `fill_diagonal_` sur une copie, avec −∞, puis `argmax`.",
            "To rule out the text itself, `fill_diagonal_` on a copy, with −∞, then `argmax`.",
        ),
    ),
)  # fmt: skip
def text_similarity(vectors: Tensor, real: Tensor, *, bugs: Bugs = NONE) -> tuple[Tensor, Tensor, Tensor]:
    means = _means(vectors, real, bugs)
    norms = means.norm(dim=0 if "over_texts" in bugs else 1, keepdim=True)
    unit = means / (norms**2 if "squared" in bugs else norms)
    alike = means @ means.T if "dot" in bugs else (unit @ means.T if "one_norm" in bugs else unit @ unit.T)
    others = alike.clone()
    if "itself" not in bugs:
        others.fill_diagonal_(0.0 if "zero_for_itself" in bugs else torch.inf if "least_alike" in bugs else -torch.inf)
    nearest = others.argmin(1) if "least_alike" in bugs else others.argmax(1)
    return unit if "unit_means" in bugs else means, others if "second_lost" in bugs else alike, nearest


def _means(vectors: Tensor, real: Tensor, bugs: Bugs) -> Tensor:
    if "first_token" in bugs:
        return vectors[:, 0]
    if "last_place" in bugs:
        return vectors[:, -1]
    if "maximum" in bugs:
        return vectors.masked_fill(~real[:, :, None], -torch.inf).amax(1)
    real = ~real if "inverted" in bugs else torch.ones_like(real) if "padding" in bugs else real
    vectors = vectors / vectors.norm(dim=2, keepdim=True) if "unit_tokens" in bugs else vectors
    sums = (vectors * real[:, :, None]).sum(1)
    return sums if "sums" in bugs else sums / (real.shape[1] if "full_length" in bugs else real.sum(1, keepdim=True))
