"""Exercises on generation: how likely a text is, a step of beam search, with those of `sampling` and `caching`."""

import math
from functools import cache
from typing import Any

import torch
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise, normal
from d2lmini.exercises.sets.caching import attend_with_cache, cache_sizes
from d2lmini.exercises.sets.sampling import next_probabilities, nucleus
from d2lmini.i18n import Text
from d2lmini.trial import Case

UNDERFLOW = Text(
    "Vous multipliez les probabilités, puis prenez le logarithme : sur un long texte, le produit s'arrondit à 0. Additionnez les logarithmes.",
    "You multiply the probabilities, then take the logarithm: over a long text the product rounds to 0. Add up the logarithms.",
)

# --- the probability of a text ------------------------------------------------------------------------------


def _text_cases(seed: int) -> list[Case]:
    draw, generator = normal(seed), torch.Generator().manual_seed(seed)

    def case(fr: str, en: str, T: int, V: int) -> Case:
        return Case(Text(fr, en), (draw(T, V), torch.randint(V, (T,), generator=generator)))

    large = case("de grands scores", "large scores", 6, 5)
    scores, tokens = large.args
    tokens[3] = (tokens[3] + (scores[2].argmin() == scores[2].argmax())) % 5
    scores[2, tokens[3]] -= 160
    return [
        case("6 jetons, 4 mots", "6 tokens, 4 words", 6, 4),
        case("autant de jetons que de mots", "as many tokens as words", 5, 5),
        case("un seul mot après le début", "a single word after the start", 2, 7),
        large,
        case("un texte de 500 jetons", "a text of 500 tokens", 500, 11),
    ]


@exercise(
    title=Text("La probabilité d'un texte", "The probability of a text"),
    skill=Text("appliquer la règle de la chaîne et mesurer la perplexité", "apply the chain rule and measure perplexity"),
    level=1,
    minutes=15,
    points=3,
    cases=_text_cases,
    mistakes={
        "no_shift": Text(
            "Vous notez chaque jeton avec la ligne où il vient d'être lu : la ligne i note le jeton i + 1. Et le signe de début ne se devine pas.",
            "You rate each token with the row where it has just been read: row i rates token i + 1. And the start sign is not guessed.",
        ),
        "same_places": Text(
            "Vous ôtez le début des scores en même temps que celui du texte : le jeton i + 1 se lit à la ligne i, et c'est la dernière ligne qui ne sert pas.",
            "You remove the start of the scores along with that of the text: token i + 1 is read on row i, and the last row is the one of no use.",
        ),
        "wrong_way": Text(
            "Vous décalez dans le mauvais sens : la ligne i + 1 ne note pas le jeton i, déjà lu, mais le jeton i + 2.",
            "You shift the wrong way: row i + 1 does not rate token i, already read, but token i + 2.",
        ),
        "start_counted": Text(
            "Perplexité : vous divisez par le nombre de jetons lus. Le signe de début n'est pas deviné, il n'y a que T − 1 surprises.",
            "Perplexity: you divide by the number of tokens read. The start sign is not guessed, so there are only T − 1 surprises.",
        ),
        "bits": Text(
            "Votre logarithme est en base 2 : le logarithme naturel est demandé. La perplexité, elle, est juste.",
            "Your logarithm is in base 2: the natural logarithm is asked for. The perplexity itself is right.",
        ),
        "bits_mixed": Text(
            "Vous prenez des logarithmes en base 2, puis une puissance de e : les deux bases doivent être la même.",
            "You take logarithms in base 2, then a power of e: both bases must be the same.",
        ),
        "two": Text(
            "Perplexité : vos logarithmes sont naturels, et vous prenez une puissance de 2. Il faut une puissance de e.",
            "Perplexity: your logarithms are natural, and you take a power of 2. It takes a power of e.",
        ),
        "not_averaged": Text(
            "Perplexité : vous oubliez de diviser par le nombre de jetons devinés. C'est l'inverse de la probabilité du texte entier.",
            "Perplexity: you forgot to divide by the number of tokens guessed. This is the inverse of the probability of the whole text.",
        ),
        "inverse": Text(
            "Perplexité : le signe moins manque dans l'exposant. Elle vaut au moins 1, et non au plus 1.",
            "Perplexity: the minus sign is missing in the exponent. It is at least 1, not at most 1.",
        ),
        "surprise": Text(
            "Vous rendez la surprise du texte, positive : le logarithme de sa probabilité est négatif.",
            "You return the surprise of the text, which is positive: the logarithm of its probability is negative.",
        ),
        "mean": Text(
            "Vous rendez la moyenne des logarithmes : la règle de la chaîne en demande la somme.",
            "You return the mean of the logarithms: the chain rule asks for their sum.",
        ),
        "raw": Text(
            "Vous additionnez les scores eux-mêmes : sans softmax, ce ne sont pas des logarithmes de probabilités.",
            "You add up the scores themselves: without a softmax they are not logarithms of probabilities.",
        ),
        "log_of_softmax": Text(
            "Vous prenez le logarithme après le softmax : une probabilité minuscule s'est déjà arrondie à 0. `log_softmax` l'évite.",
            "You take the logarithm after the softmax: a tiny probability has already been rounded to 0. `log_softmax` avoids it.",
        ),
        "underflow": UNDERFLOW,
        "log_of_zero": UNDERFLOW,
        "no_log": Text(
            "Vous additionnez les probabilités : elles se multiplient, ce sont leurs logarithmes qui s'additionnent.",
            "You add up the probabilities: they multiply, and their logarithms are what adds up.",
        ),
        "first_axis": Text(
            "Votre softmax porte sur les places : il doit porter sur le vocabulaire, le dernier axe.",
            "Your softmax runs over the places: it must run over the vocabulary, the last axis.",
        ),
        "likeliest": Text(
            "Vous prenez à chaque place le jeton le plus probable : c'est celui du texte qu'il faut noter.",
            "You take the likeliest token at each place: the token of the text is the one to rate.",
        ),
        "arithmetic": Text(
            "Perplexité : vous faites la moyenne des inverses 1/p. C'est la moyenne des logarithmes qu'il faut, puis l'exponentielle.",
            "Perplexity: you average the inverses 1/p. Average the logarithms, then take the exponential.",
        ),
        "exchanged": Text(
            "Vous rendez la perplexité en premier : l'ordre demandé est le logarithme, puis la perplexité.",
            "You return the perplexity first: the order asked for is the logarithm, then the perplexity.",
        ),
    },
    hints=(
        Text(
            "Écrivez les jetons lus, et sous chacun le jeton que sa ligne de scores doit noter. Quelle ligne ne sert pas ?",
            "Write the tokens read, and under each the token that its row of scores must rate. Which row is of no use?",
        ),
        Text(
            "`log_softmax(-1)` donne tous les logarithmes ; `gather` prend dans chaque ligne celui d'un jeton.",
            "`log_softmax(-1)` gives all the logarithms; `gather` takes from each row the one of a token.",
        ),
        Text(
            "La perplexité est l'exponentielle de la surprise moyenne d'un jeton deviné.",
            "Perplexity is the exponential of the mean surprise of a guessed token.",
        ),
    ),
)
def text_perplexity(scores: Tensor, tokens: Tensor, *, bugs: Bugs = NONE) -> list[float]:
    rows, guessed = scores[:-1], tokens[1:]
    if "no_shift" in bugs:
        rows, guessed = scores, tokens
    elif "same_places" in bugs:
        rows = scores[1:]
    elif "wrong_way" in bugs:
        rows, guessed = scores[1:], tokens[:-1]
    own = _logs(rows, guessed, bugs)
    if "log_of_zero" in bugs and own.exp().double().prod() == 0:
        raise ValueError  # as math.log(0.0) does
    total = own.exp().double().prod().log() if "underflow" in bugs else own.exp().sum() if "no_log" in bugs else own.sum()
    in_bits = total / math.log(2) if bugs & {"bits", "bits_mixed"} else total
    n = 1 if "not_averaged" in bugs else len(own) + ("start_counted" in bugs)
    mean = (in_bits if "bits_mixed" in bugs else total) / n * (-1 if "inverse" in bugs else 1)
    perplexity = float((2 if "two" in bugs else math.e) ** -mean.double())
    if "arithmetic" in bugs:
        perplexity = float((-own).exp().mean())
    shown = float(in_bits) / (n if "mean" in bugs else 1) * (-1 if "surprise" in bugs else 1)
    return [perplexity, shown] if "exchanged" in bugs else [shown, perplexity]


def _logs(rows: Tensor, guessed: Tensor, bugs: Bugs) -> Tensor:
    """The logarithm of the probability of each guessed token."""
    axis = 0 if "first_axis" in bugs else -1
    logs = rows if "raw" in bugs else rows.softmax(axis).log() if "log_of_softmax" in bugs else rows.log_softmax(axis)
    return logs.amax(-1) if "likeliest" in bugs else logs.gather(-1, guessed[:, None])[:, 0]


# --- a step of beam search ----------------------------------------------------------------------------------


@cache  # they are drawn until the ends rank as wished
def _beam_cases(seed: int) -> list[Case]:
    draw, generator = normal(seed), torch.Generator().manual_seed(seed)

    def case(fr: str, en: str, n: int, V: int, width: int, length: int, end: int, alpha: float, ends: tuple[int, ...]) -> Case:
        """Scores in which the end token holds exactly these ranks among the best 2·width continuations."""
        while True:
            beams = torch.randint(V - 1, (n, length), generator=generator)
            beams += beams >= end  # a text that goes on does not hold the end token
            totals = (-1.5 * length - draw(n).abs()).sort(descending=True).values if length else torch.zeros(1)
            logs = (1.2 * draw(n, V) + 2.0 * (torch.arange(V) == end) * draw(n, 1)).log_softmax(-1)
            sums = (totals[:, None] + logs).flatten().sort(descending=True)
            ranked = (sums.indices[: 2 * width] % V == end).nonzero().flatten().tolist()
            parents = sums.indices[:width] // V
            if tuple(ranked) == ends and (-sums.values[: 2 * width + 1].diff()).min() > 1e-3 and (n == 1 or parents.unique().numel() > 1):
                return Case(Text(fr, en), (beams.tolist(), totals.tolist(), logs, width, end, alpha))

    return [
        case("3 faisceaux, une fin bien classée", "3 beams, an end that ranks high", 3, 7, 3, 4, 2, 1.0, (1,)),
        case("une fin mal classée", "an end that ranks low", 2, 6, 2, 3, 5, 0.7, (2,)),
        case("deux fins dans le même pas", "two ends in the same step", 4, 5, 4, 2, 0, 0.6, (0, 5)),
        case("aucune fin", "no end", 3, 8, 3, 5, 1, 1.0, ()),
        case("un faisceau vide, un petit vocabulaire", "an empty beam, a small vocabulary", 1, 3, 2, 0, 1, 1.0, (0,)),
        case("un pas de glouton", "a greedy step", 1, 5, 1, 3, 4, 0.5, (1,)),
    ]


@exercise(
    title=Text("Un pas de recherche en faisceau", "A step of beam search"),
    skill=Text("prolonger, finir et noter des débuts de texte", "extend, finish and score beginnings of texts"),
    level=3,
    minutes=30,
    points=6,
    cases=_beam_cases,
    mistakes={
        "each_beam": Text(
            "Vous prolongez chaque faisceau par son meilleur jeton : les suites de tous les faisceaux se classent ensemble, et l'un d'eux peut disparaître.",
            "You extend each beam by its best token: the continuations of all beams are ranked together, and a beam may vanish.",
        ),
        "width_only": Text(
            "Vous ne regardez que `width` suites : si l'une finit, il manque un faisceau. Regardez-en deux fois plus.",
            "You look at only `width` continuations: if one ends, a beam is missing. Look at twice as many.",
        ),
        "few_a_beam": Text(
            "Vous ne gardez que `width` suites de chaque faisceau avant de classer : si l'une finit, il peut manquer un faisceau.",
            "You keep only `width` continuations of each beam before ranking: if one ends, a beam may be missing.",
        ),
        "any_rank": Text(
            "Vous gardez un texte fini quel que soit son rang : classé après les `width` premiers, il est abandonné.",
            "You keep a finished text whatever its rank: when it ranks after the first `width`, it is dropped.",
        ),
        "no_total": Text(
            "Vous classez les suites par leur seul dernier jeton : ajoutez le total du faisceau qu'elles prolongent.",
            "You rank the continuations by their last token alone: add the total of the beam that they extend.",
        ),
        "probabilities": Text(
            "Vous ajoutez des probabilités à des logarithmes : `logs` contient déjà des logarithmes, ajoutez-les tels quels.",
            "You add probabilities to logarithms: `logs` already holds logarithms, add them as they are.",
        ),
        "lowest": Text(
            "Vous prenez les suites les moins probables : les logarithmes sont négatifs, le plus grand est le plus proche de 0.",
            "You take the least likely continuations: logarithms are negative, and the largest is the nearest to 0.",
        ),
        "no_length": Text(
            "La note d'un texte fini n'est pas divisée par sa longueur à la puissance `alpha`.",
            "The score of a finished text is not divided by its length to the power of `alpha`.",
        ),
        "without_end": Text(
            "La longueur d'un texte fini compte aussi le jeton de fin, dont la probabilité est dans le total.",
            "The length of a finished text counts the end token too, since its probability is in the total.",
        ),
        "times_length": Text(
            "Vous multipliez par la longueur : il faut diviser, sans quoi les longs textes perdent encore plus.",
            "You multiply by the length: divide, or long texts lose even more.",
        ),
        "plain_length": Text(
            "Vous divisez par la longueur sans sa puissance `alpha` : un `alpha` plus petit pénalise moins les textes courts.",
            "You divide by the length without its power `alpha`: a smaller `alpha` penalizes short texts less.",
        ),
        "normalized_going": Text(
            "Vous divisez aussi les totaux des faisceaux qui continuent : au pas suivant, on ajouterait un logarithme à une moyenne.",
            "You divide the totals of the beams that go on too: at the next step a logarithm would be added to a mean.",
        ),
        "past_the_end": Text(
            "Un texte fini continue parmi les faisceaux : après le jeton de fin, on n'écrit plus rien.",
            "A finished text goes on among the beams: after the end token nothing more is written.",
        ),
        "end_cut": Text(
            "Vous ôtez le jeton de fin des textes finis : ici on le garde.",
            "You remove the end token from the finished texts: here it is kept.",
        ),
        "free_end": Text(
            "La note d'un texte fini oublie la probabilité du jeton de fin : s'arrêter est un choix comme un autre.",
            "The score of a finished text leaves out the probability of the end token: stopping is a choice like any other.",
        ),
        "old_totals": Text(
            "Les totaux rendus sont ceux des anciens faisceaux : ajoutez-y le logarithme du jeton choisi.",
            "The totals that you return are those of the old beams: add the logarithm of the token chosen.",
        ),
        "first_parent": Text(
            "Vous prolongez toujours le premier faisceau : une suite prolonge le sien, le numéro de sa ligne dans `logs`.",
            "You always extend the first beam: a continuation extends its own, the number of its row in `logs`.",
        ),
        "too_many": Text(
            "Vous gardez plus de `width` faisceaux : les suites de trop ne servent qu'à remplacer celles qui finissent.",
            "You keep more than `width` beams: the extra continuations serve only to replace those that end.",
        ),
        "too_few_left": Text(
            "Votre fonction échoue quand il y a moins de 2·`width` suites : au premier pas, un seul faisceau et un petit vocabulaire en donnent peu.",
            "Your function fails when there are fewer than 2·`width` continuations: at the first step one beam and a small vocabulary give few.",
        ),
        "tokens_only": Text(
            "Vous rendez le dernier jeton de chaque faisceau : il faut le texte entier, celui du faisceau prolongé.",
            "You return the last token of each beam: the whole text is needed, that of the beam it extends.",
        ),
    },
    hints=(
        Text(
            "Mettez les totaux en colonne et ajoutez-les à `logs` : vous avez le total de chaque suite, une ligne par faisceau.",
            "Put the totals in a column and add them to `logs`: you have the total of each continuation, one row a beam.",
        ),
        Text(
            "Aplati, le tableau se classe d'un coup. `divmod(place, V)` rend la ligne, donc le faisceau, et la colonne, donc le jeton.",
            "Once flattened, the table is ranked at one go. `divmod(place, V)` returns the row, so the beam, and the column, so the token.",
        ),
        Text(
            "Parcourez les suites par rang. Trois cas : une fin de rang inférieur à `width`, une autre fin, une suite qui continue s'il reste de la place.",
            "Go through the continuations by rank. Three cases: an end of rank below `width`, another end, one that goes on if there is room left.",
        ),
    ),
)
def beam_step(beams: list[list[int]], totals: list[float], logs: Tensor, width: int, end: int, alpha: float, *, bugs: Bugs = NONE) -> Any:
    V, before = logs.shape[1], torch.tensor(totals)[:, None]
    sums = before + (logs.exp() if "probabilities" in bugs else logs)
    n = (1 if "width_only" in bugs else 2) * width
    n = n if "too_few_left" in bugs else min(n, sums.numel())
    rated = logs if "no_total" in bugs else sums
    best = rated.flatten().topk(n, largest="lowest" not in bugs).indices.tolist()
    if "few_a_beam" in bugs:
        least = rated.topk(min(width, V), dim=1).values[:, -1].tolist()
        best = [place for place in best if rated.flatten()[place] >= least[place // V]]
    if "each_beam" in bugs:
        best = [i * V + int(row.argmax()) for i, row in enumerate(logs)]
    room = n if "too_many" in bugs else width
    going: list[Any] = []
    going_totals: list[float] = []
    finished: list[Any] = []
    for rank, place in enumerate(best):
        parent, token = divmod(place, V)
        text = [*beams[0 if "first_parent" in bugs else parent], token]
        total = float(sums[parent, token])
        ended = token == end
        if ended and (rank < width or "any_rank" in bugs):
            own = totals[parent] if "free_end" in bugs else total
            finished.append([text[:-1] if "end_cut" in bugs else text, _score(own, len(text), alpha, bugs)])
        if (not ended or "past_the_end" in bugs) and len(going) < room:
            going.append([token] if "tokens_only" in bugs else text)
            kept = totals[parent] if "old_totals" in bugs else total
            going_totals.append(kept / len(text) ** alpha if "normalized_going" in bugs else kept)
    return going, going_totals, finished


def _score(total: float, length: int, alpha: float, bugs: Bugs) -> float:
    length -= "without_end" in bugs
    if "times_length" in bugs:
        return total * length**alpha
    return total if "no_length" in bugs else total / length ** (1 if "plain_length" in bugs else alpha)


SET = (text_perplexity, nucleus, next_probabilities, cache_sizes, attend_with_cache, beam_step)
