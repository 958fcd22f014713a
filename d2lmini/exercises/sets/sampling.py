"""Exercises on drawing the next token: the nucleus, then a chain of penalty, temperature and top-k to repair."""

import math

import torch
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise, normal
from d2lmini.i18n import Text
from d2lmini.trial import Case

CROSSING = Text(
    "Vous écartez le jeton qui fait franchir p : sans lui, la somme n'atteint pas p. Il appartient au noyau.",
    "You discard the token that makes the sum cross p: without it the sum does not reach p. It belongs to the nucleus.",
)
TOO_MANY = Text(
    "Votre fonction échoue quand k dépasse le vocabulaire : il faut alors garder tous les jetons.",
    "Your function fails when k exceeds the vocabulary: all the tokens must then be kept.",
)

# --- the nucleus --------------------------------------------------------------------------------------------


def _nucleus_cases(seed: int) -> list[Case]:
    draw = normal(seed)
    sure = draw(2, 6)
    sure[0, 4] += 9
    sure[1, 1] += 9
    return [
        Case(Text("3 textes, 7 jetons", "3 texts, 7 tokens"), (draw(3, 7), 0.6)),
        Case(Text("un jeton presque sûr", "a token that is almost certain"), (sure, 0.5)),
        Case(Text("des scores presque égaux", "scores that are almost equal"), (0.2 * draw(4, 11), 0.85)),
        Case(Text("autant de textes que de jetons", "as many texts as tokens"), (2 * draw(5, 5), 0.8)),
        Case(Text("un p très petit", "a very small p"), (draw(2, 8), 0.02)),
    ]


@exercise(
    title=Text("Le noyau", "The nucleus"),
    skill=Text("ne garder que les jetons probables, par leur somme", "keep only the likely tokens, by their sum"),
    level=2,
    minutes=20,
    points=3,
    cases=_nucleus_cases,
    mistakes={
        "crossing_lost": CROSSING,
        "crossing_lost_but_one": CROSSING,
        "one_more": Text(
            "Vous gardez un jeton de trop, celui qui suit le franchissement de p : la somme atteignait déjà p avant lui.",
            "You keep one token too many, the one after p is crossed: the sum had already reached p before it.",
        ),
        "ascending": Text(
            "Vous additionnez à partir du jeton le moins probable : le noyau commence par le plus probable.",
            "You add up from the least likely token: the nucleus begins with the likeliest.",
        ),
        "tail": Text(
            "Vous partez du jeton le moins probable et écartez une somme de p : depuis ce bout, c'est 1 − p qu'il faut écarter.",
            "You start from the least likely token and discard a sum of p: from this end, 1 − p is what must go.",
        ),
        "unsorted": Text(
            "Vous additionnez dans l'ordre du vocabulaire : il faut d'abord trier du plus probable au moins probable.",
            "You add up in the order of the vocabulary: sort first, from the likeliest to the least likely.",
        ),
        "sorted_mask": Text(
            "Votre masque suit l'ordre trié, et vos scores celui du vocabulaire : il écarte d'autres jetons que ceux que vous vouliez.",
            "Your mask follows the sorted order, your scores that of the vocabulary: it discards other tokens than those you meant.",
        ),
        "gathered": Text(
            "Vous ramenez le masque à l'ordre du vocabulaire par la mauvaise permutation : trier est un `gather`, revenir en arrière un `scatter`.",
            "You bring the mask back to the order of the vocabulary by the wrong permutation: sorting is a `gather`, undoing it a `scatter`.",
        ),
        "sorted_result": Text(
            "Vous rendez les scores triés : la colonne d'un jeton est son numéro, il doit retrouver la sienne.",
            "You return the scores sorted: a token's column is its number, and it must get its own column back.",
        ),
        "raw": Text(
            "Vous additionnez les scores eux-mêmes : p est une part de la probabilité, il faut d'abord un softmax.",
            "You add up the scores themselves: p is a share of the probability, so a softmax must come first.",
        ),
        "first_axis": Text(
            "Votre softmax porte sur les textes du lot : il doit porter sur le vocabulaire, le dernier axe.",
            "Your softmax runs over the texts of the batch: it must run over the vocabulary, the last axis.",
        ),
        "zeros": Text(
            "Vous mettez à 0 les scores écartés : un score de 0 garde une probabilité, parfois la plus grande. Il faut −∞.",
            "You set the discarded scores to 0: a score of 0 keeps a probability, sometimes the largest. It takes −∞.",
        ),
        "probabilities": Text(
            "Vous rendez des probabilités : la fonction rend des scores, inchangés pour les jetons gardés.",
            "You return probabilities: the function returns scores, unchanged for the tokens that are kept.",
        ),
        "logs": Text(
            "Vous rendez les logarithmes des probabilités : les jetons gardés doivent garder leur score de départ.",
            "You return the logarithms of the probabilities: the tokens that are kept must keep their first score.",
        ),
        "inverted": Text(
            "Vous écartez le noyau et gardez la queue : c'est l'inverse qu'il faut.",
            "You discard the nucleus and keep the tail: do the opposite.",
        ),
        "min_p": Text(
            "Vous comparez chaque jeton au plus probable : c'est une autre règle, celle du min-p. Ici, ce sont des sommes que l'on compare à p.",
            "You compare each token with the likeliest: that is another rule, min-p. Here sums are what is compared with p.",
        ),
        "alone": Text(
            "Vous comparez la probabilité de chaque jeton à p : c'est la somme depuis le plus probable qu'il faut comparer.",
            "You compare the probability of each token with p: the sum from the likeliest on is what must be compared.",
        ),
        "share": Text(
            "Vous gardez une part p du vocabulaire : p est une part de la probabilité, et le nombre de jetons en dépend.",
            "You keep a share p of the vocabulary: p is a share of the probability, and the number of tokens depends on it.",
        ),
        "first_row": Text(
            "Vous gardez autant de jetons dans chaque texte que dans le premier : chaque texte a son propre noyau.",
            "You keep as many tokens in each text as in the first: each text has a nucleus of its own.",
        ),
        "running_total": Text(
            "Votre somme cumulée court sur l'axe des textes : elle doit courir sur les jetons, le dernier axe.",
            "Your running sum goes along the axis of the texts: it must go along the tokens, the last axis.",
        ),
    },
    hints=(
        Text(
            "Un jeton est dans le noyau si les jetons plus probables que lui n'ont pas encore atteint p à eux tous.",
            "A token is in the nucleus if the tokens likelier than it have not yet reached p together.",
        ),
        Text(
            "`sort(descending=True)` rend les valeurs et leurs places. La somme des jetons d'avant est `cumsum` moins le jeton lui-même.",
            "`sort(descending=True)` returns the values and their places. The sum of the tokens before is `cumsum` minus the token itself.",
        ),
        Text(
            "Pour remettre un masque trié à l'ordre du vocabulaire : `scatter(-1, places, mask)` sur un tenseur de la même forme.",
            "To put a sorted mask back in the order of the vocabulary: `scatter(-1, places, mask)` on a tensor of the same shape.",
        ),
    ),
)
def nucleus(scores: Tensor, p: float, *, bugs: Bugs = NONE) -> Tensor:
    likely = scores if "raw" in bugs else scores.softmax(0 if "first_axis" in bugs else -1)
    best = likely.amax(-1, keepdim=True) if "min_p" in bugs else torch.ones(1)
    out = likely < p * best if bugs & {"min_p", "alone"} else _beyond(likely, p, bugs)
    if "inverted" in bugs:
        out = ~out
    kept = likely if "probabilities" in bugs else scores.log_softmax(-1) if "logs" in bugs else scores
    if "sorted_result" in bugs:
        kept, order = kept.sort(descending=True)
        out = out.gather(-1, order)
    return kept.masked_fill(out, 0.0 if bugs & {"zeros", "probabilities"} else -torch.inf)


def _beyond(likely: Tensor, p: float, bugs: Bugs) -> Tensor:
    """Which tokens are beyond the nucleus, in the order of the vocabulary."""
    ordered, order = likely.sort(descending=not bugs & {"ascending", "tail"})
    if "unsorted" in bugs:
        ordered, order = likely, torch.arange(likely.shape[-1]).expand_as(likely)
    total = ordered.cumsum(0 if "running_total" in bugs else -1)
    before = total - ordered
    out = total > p if bugs & {"crossing_lost", "crossing_lost_but_one"} else total <= p if "tail" in bugs else before >= p
    if "one_more" in bugs:
        out = before - torch.cat([ordered[:, :1] * 0, ordered[:, :-1]], dim=1) >= p
    if "crossing_lost_but_one" in bugs:
        out[:, 0] = False
    if "share" in bugs:
        out = (torch.arange(likely.shape[-1]) >= math.ceil(p * likely.shape[-1])).expand_as(out)
    if "first_row" in bugs:
        out = out[:1].expand_as(out)
    if "sorted_mask" in bugs:
        return out
    return out.gather(-1, order) if "gathered" in bugs else torch.zeros_like(out).scatter(-1, order, out)


# --- repair a draw ------------------------------------------------------------------------------------------


def _chain_cases(seed: int) -> list[Case]:
    draw = normal(seed)
    generator = torch.Generator().manual_seed(seed)
    signed = torch.tensor([0.45, -0.4, 2.2, -1.6, 1.3, 0.9, -0.7]) + 0.1 * draw(7)
    tied = torch.tensor([1.5, 3.5, 1.5, 2.5, 1.5, -0.5]) + draw(1)  # the scores that tie are of tokens not yet written
    long = torch.randint(0, 6, (9,), generator=generator).tolist()
    large = torch.tensor([1.0, 3.0, 2.5, 2.0, -1.0]) + 0.1 * draw(5)
    return [
        Case(Text("un top-k sans rien d'autre", "a top-k and nothing else"), (draw(8), [], 1.0, 1.0, 3)),
        Case(Text("des scores des deux signes", "scores of both signs"), (signed, [0, 1, 3, 4, 6], 1.5, 1.0, 7)),
        Case(Text("un jeton écrit trois fois", "a token written three times"), (signed, [2, 5, 2, 2, 3, 3], 1.3, 0.8, 5)),
        Case(Text("des scores égaux au rang k", "equal scores at rank k"), (tied, [1], 1.2, 0.7, 3)),
        Case(Text("la pénalité change le classement", "the penalty changes the ranking"), (large, [1, 2], 3.0, 1.6, 2)),
        Case(Text("k dépasse le vocabulaire", "k exceeds the vocabulary"), (2 * draw(6), long, 1.2, 1.4, 50)),
        Case(Text("k vaut 1", "k is 1"), (large, [3, 0, 4], 1.3, 0.5, 1)),
    ]


@exercise(
    title=Text("Réparer un tirage", "Repair a draw"),
    skill=Text("enchaîner pénalité, température et top-k sans faute", "chain penalty, temperature and top-k without a mistake"),
    level=2,
    minutes=25,
    points=4,
    cases=_chain_cases,
    mistakes={
        "each_time": Text(
            "Un jeton écrit plusieurs fois est puni plusieurs fois : il ne doit l'être qu'une.",
            "A token written several times is punished several times: it must be punished once.",
        ),
        "divided": Text(
            "Vous divisez aussi les scores négatifs : divisé, un score négatif remonte vers 0, et le jeton est récompensé. Il faut le multiplier.",
            "You divide negative scores too: divided, a negative score rises toward 0 and the token is rewarded. It must be multiplied.",
        ),
        "multiplied": Text(
            "Vous multipliez aussi les scores positifs : multiplié, un score positif monte, et le jeton est récompensé. Il faut le diviser.",
            "You multiply positive scores too: multiplied, a positive score rises and the token is rewarded. It must be divided.",
        ),
        "rewarded": Text(
            "La pénalité est à l'envers pour les deux signes : un jeton déjà écrit devient plus probable.",
            "The penalty is the wrong way round for both signs: a token already written becomes likelier.",
        ),
        "subtracted": Text(
            "Vous soustrayez la pénalité : la règle demandée divise ou multiplie, et 1 n'y change rien.",
            "You subtract the penalty: the rule asked for divides or multiplies, and with 1 it changes nothing.",
        ),
        "last_only": Text(
            "Seul le dernier jeton écrit est puni : tous ceux du texte doivent l'être.",
            "Only the last token written is punished: all those of the text must be.",
        ),
        "others": Text(
            "Vous punissez les jetons qui ne sont pas dans le texte : ce sont les autres.",
            "You punish the tokens that are not in the text: it must be the others.",
        ),
        "no_penalty": Text("La pénalité n'est pas utilisée.", "The penalty is not used."),
        "late_penalty": Text(
            "Vous punissez des probabilités, toutes positives, et non des scores : la pénalité vient avant le softmax.",
            "You punish probabilities, all of them positive, rather than scores: the penalty comes before the softmax.",
        ),
        "k_first": Text(
            "Vous choisissez les k jetons avant la pénalité : elle peut changer le classement, et doit venir d'abord.",
            "You choose the k tokens before the penalty: it may change the ranking, and must come first.",
        ),
        "zeros": Text(
            "Les scores écartés valent 0 : exp(0) vaut 1, et ces jetons gardent une probabilité. Il faut −∞.",
            "The discarded scores are 0: exp(0) is 1, and these tokens keep a probability. It takes −∞.",
        ),
        "times_heat": Text(
            "Vous multipliez par la température : une température basse aplatirait les probabilités. Il faut diviser.",
            "You multiply by the temperature: a low temperature would flatten the probabilities. Divide.",
        ),
        "no_heat": Text("La température n'est pas utilisée.", "The temperature is not used."),
        "late_heat": Text(
            "Vous divisez les probabilités par la température : leur somme n'est plus 1. Divisez les scores, avant le softmax.",
            "You divide the probabilities by the temperature: they no longer sum to 1. Divide the scores, before the softmax.",
        ),
        "ties": Text(
            "Vous gardez exactement k jetons : ceux dont le score égale celui du dernier doivent rester aussi.",
            "You keep exactly k tokens: those whose score equals that of the last one must stay too.",
        ),
        "strict": Text(
            "Vous écartez aussi le jeton de rang k : la comparaison avec son score doit être stricte.",
            "You discard the token of rank k too: the comparison with its score must be strict.",
        ),
        "one_more": Text(
            "Vous gardez un jeton de trop : compté à partir de 0, le rang k est l'indice k − 1.",
            "You keep one token too many: counted from 0, rank k is index k − 1.",
        ),
        "no_k": Text("k n'est pas utilisé : tous les jetons restent.", "k is not used: all the tokens remain."),
        "topk_error": TOO_MANY,
        "index_error": TOO_MANY,
        "not_renormalized": Text(
            "Vous écartez des jetons après le softmax : les probabilités qui restent n'ont plus 1 pour somme.",
            "You discard tokens after the softmax: the probabilities that remain no longer sum to 1.",
        ),
        "logs": Text(
            "Vous rendez des logarithmes : la fonction rend des probabilités, de somme 1.",
            "You return logarithms: the function returns probabilities, which sum to 1.",
        ),
    },
    hints=(
        Text(
            "Il y a trois erreurs. Suivez à la main un jeton écrit deux fois, un jeton écrit dont le score est négatif, un jeton écarté.",
            "There are three mistakes. Follow by hand a token written twice, a written token whose score is negative, a discarded token.",
        ),
        Text(
            "Un jeton puni doit perdre des chances : que devient −2 quand on le divise par 1,5 ?",
            "A punished token must lose chances: what becomes of −2 when you divide it by 1.5?",
        ),
        Text(
            "Quel score donne une probabilité nulle après l'exponentielle ? Ce n'est pas 0. Et `set(written)` ne contient chaque jeton qu'une fois.",
            "Which score gives a zero probability after the exponential? It is not 0. And `set(written)` holds each token once.",
        ),
    ),
)
def next_probabilities(scores: Tensor, written: list[int], penalty: float, heat: float, k: int, *, bugs: Bugs = NONE) -> Tensor:
    cut = scores if "k_first" in bugs else None
    if "late_penalty" not in bugs:
        scores = _punished(scores, written, penalty, bugs)
    scores = scores * heat if "times_heat" in bugs else scores if bugs & {"no_heat", "late_heat"} else scores / heat
    out = _discarded(scores if cut is None else cut, k, bugs)
    if "not_renormalized" in bugs:
        return scores.softmax(-1).masked_fill(out, 0.0)
    scores = scores.masked_fill(out, 0.0 if "zeros" in bugs else -torch.inf)
    if "logs" in bugs:
        return scores.log_softmax(-1)
    likely = scores.softmax(-1)
    if "late_penalty" in bugs:
        likely = _punished(likely, written, penalty, bugs)
        likely = likely / likely.sum()
    return likely / heat if "late_heat" in bugs else likely


def _punished(scores: Tensor, written: list[int], penalty: float, bugs: Bugs) -> Tensor:
    scores = scores.clone()
    tokens = written if "each_time" in bugs else [*dict.fromkeys(written)]
    tokens = tokens[:0] if "no_penalty" in bugs else written[-1:] if "last_only" in bugs else tokens
    for token in [i for i in range(len(scores)) if i not in tokens] if "others" in bugs else tokens:
        up = scores[token] <= 0
        if bugs & {"divided", "multiplied"}:
            up = torch.tensor("multiplied" in bugs)
        elif "rewarded" in bugs:
            up = ~up
        if "subtracted" in bugs:
            scores[token] -= penalty
        else:
            scores[token] *= penalty if up else 1 / penalty
    return scores


def _discarded(scores: Tensor, k: int, bugs: Bugs) -> Tensor:
    """Which tokens are not among the k best."""
    if "index_error" in bugs and k > len(scores):
        raise IndexError
    k = k if "topk_error" in bugs else min(k, len(scores))
    best = scores.topk(k)
    if "no_k" in bugs:
        return torch.zeros(len(scores), dtype=torch.bool)
    if "ties" in bugs:
        return torch.ones(len(scores), dtype=torch.bool).index_fill(0, best.indices, False)
    if "one_more" in bugs:
        best = scores.topk(min(k + 1, len(scores)))
    last = best.values[-1]
    return scores <= last if "strict" in bugs else scores < last
