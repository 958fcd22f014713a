"""Exercises on BERT: pairs in a batch and what masking costs, with those of `hiding` and `reading`."""

from typing import Any

import torch
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise, question
from d2lmini.exercises.sets.hiding import hidden_words, hide_tokens
from d2lmini.exercises.sets.reading import answer_spans, text_similarity
from d2lmini.i18n import Text
from d2lmini.trial import Case

# --- pairs in a batch ---------------------------------------------------------------------------------------


def _pair_cases(seed: int) -> list[Case]:
    generator = torch.Generator().manual_seed(seed)

    def case(fr: str, en: str, lengths: list[tuple[int, int]], max_len: int, cls: int = 1, sep: int = 2, pad: int = 0) -> Case:
        pairs = [[torch.randint(20, 60, (n,), generator=generator).tolist() for n in pair] for pair in lengths]
        return Case(Text(fr, en), ([tuple(pair) for pair in pairs], cls, sep, pad, max_len))

    return [
        case("trois paires courtes", "three short pairs", [(3, 4), (5, 1), (2, 2)], 20),
        case("des paires trop longues", "pairs that are too long", [(9, 2), (3, 8), (7, 7), (1, 2)], 12),
        case("d'autres signes, remplissage 90", "other signs, padding 90", [(4, 3), (2, 6), (1, 1)], 11, cls=7, sep=0, pad=90),
        case("une seule paire, bien trop longue", "a single pair, far too long", [(13, 11)], 10),
        case("une paire juste à la limite", "a pair right at the limit", [(4, 5), (5, 5), (6, 5)], 12),
    ]


@exercise(
    title=Text("Un lot de paires", "A batch of pairs"),
    skill=Text(
        "assembler, raccourcir et compléter des paires de textes pour BERT", "join, shorten and fill up pairs of texts for BERT"
    ),
    level=1,
    minutes=20,
    points=4,
    cases=_pair_cases,
    mistakes={
        "one_sep": Text("Il manque le `sep` entre les deux textes.", "The `sep` between the two texts is missing."),
        "open_end": Text("Il manque le `sep` final : chaque texte finit par le sien.", "The final `sep` is missing: each text ends with one."),
        "no_cls": Text("Il manque `cls` en tête.", "`cls` is missing in front."),
        "sep_in_second": Text(
            "Le premier `sep` est encore du premier segment : il finit le texte A.", "The first `sep` still belongs to the first segment: it ends text A."
        ),
        "last_sep": Text(
            "Le dernier `sep` est du second segment : il finit le texte B.", "The last `sep` belongs to the second segment: it ends text B."
        ),
        "one_segment": Text(
            "Toutes vos places sont du segment 0 : le texte B et son `sep` sont du segment 1.",
            "All your places are in segment 0: text B and its `sep` are in segment 1.",
        ),
        "padded_segment": Text(
            "Votre remplissage est du segment 1 : la consigne lui donne 0.", "Your padding is in segment 1: the statement gives it 0."
        ),
        "cut_joined": Text(
            "Vous coupez la suite une fois assemblée : elle perd son `sep`, et seul le texte B raccourcit. Coupez les textes d'abord.",
            "You cut the sequence once joined: it loses its `sep`, and only text B gets shorter. Cut the texts first.",
        ),
        "only_b": Text(
            "Vous ne raccourcissez que le texte B : à chaque fois, c'est le plus long des deux qui perd un jeton.",
            "You only shorten text B: each time, the longer of the two loses a token.",
        ),
        "halves": Text(
            "Vous donnez à chaque texte la moitié de la place : un texte court n'a pas besoin de toute la sienne, laissez-la à l'autre.",
            "You give each text half of the room: a short text does not need all of its own, leave it to the other.",
        ),
        "a_on_ties": Text(
            "À longueurs égales, c'est le texte B qui perd un jeton.", "When they are as long, text B is the one that loses a token."
        ),
        "from_the_front": Text(
            "Vous ôtez le premier jeton du texte le plus long : c'est le dernier qui part.", "You remove the first token of the longer text: the last one goes."
        ),
        "no_room": Text(
            "Vos paires longues dépassent `max_len` : gardez de la place pour les trois signes.",
            "Your long pairs exceed `max_len`: keep room for the three signs.",
        ),
        "too_short": Text(
            "Vous coupez une paire qui tient juste : elle peut avoir `max_len` jetons, signes compris.",
            "You cut a pair that just fits: it may have `max_len` tokens, signs included.",
        ),
        "to_the_limit": Text(
            "Vous complétez jusqu'à `max_len` : la plus longue paire du lot suffit, le reste serait calculé pour rien.",
            "You fill up to `max_len`: the longest pair of the batch is enough, the rest would be computed for nothing.",
        ),
        "left": Text("Vous complétez à gauche : le remplissage va à droite.", "You fill up on the left: the padding goes on the right."),
        "zero": Text("Vous prenez 0 pour le remplissage : son numéro est `pad`.", "You take 0 for the padding: its number is `pad`."),
        "all_seen": Text(
            "Votre masque ouvre tout : le remplissage ne doit pas être regardé.", "Your mask opens everything: the padding must not be looked at."
        ),
        "seen_inverted": Text(
            "Le masque est inversé : `True` veut dire « a le droit d'être regardé ».", 'The mask is inverted: `True` means "may be looked at".'
        ),
        "signs_hidden": Text(
            "Votre masque cache aussi `cls` et `sep` : seul le remplissage est caché.", "Your mask hides `cls` and `sep` too: only the padding is hidden."
        ),
    },
    hints=(
        Text(
            "Une fonction qui prépare une seule paire, puis une boucle qui complète toutes les lignes à la même longueur.",
            "A function that prepares a single pair, then a loop that fills up all the rows to the same length.",
        ),
        Text(
            "Raccourcissez des copies, `list(a)` et `list(b)`, avec une boucle `while` : `pop()` ôte le dernier jeton.",
            "Shorten copies, `list(a)` and `list(b)`, with a `while` loop: `pop()` removes the last token.",
        ),
        Text(
            "Les segments d'une paire : `len(a) + 2` zéros, puis `len(b) + 1` uns. Le masque vient des longueurs.",
            "The segments of a pair: `len(a) + 2` zeros, then `len(b) + 1` ones. The mask comes from the lengths.",
        ),
    ),
)  # fmt: skip
def pair_batch(pairs: list, cls: int, sep: int, pad: int, max_len: int, *, bugs: Bugs = NONE) -> tuple[Tensor, Tensor, Tensor]:
    rows = [_joined(*_shortened(a, b, max_len, bugs), cls, sep, bugs) for a, b in pairs]
    if "cut_joined" in bugs:
        rows = [(tokens[:max_len], segments[:max_len]) for tokens, segments in rows]
    T = max_len if "to_the_limit" in bugs else max(len(tokens) for tokens, _ in rows)
    tokens = _filled([tokens for tokens, _ in rows], T, 0 if "zero" in bugs else pad, bugs)
    segments = _filled([segments for _, segments in rows], T, int("padded_segment" in bugs), bugs)
    seen = _filled([[1] * len(tokens) for tokens, _ in rows], T, int("all_seen" in bugs), bugs) > 0
    if "signs_hidden" in bugs:
        seen &= (tokens != cls) & (tokens != sep)
    return tokens, segments, ~seen if "seen_inverted" in bugs else seen


def _shortened(a: list[int], b: list[int], max_len: int, bugs: Bugs) -> tuple[list[int], list[int]]:
    if "cut_joined" in bugs:
        return a, b
    a, b = list(a), list(b)
    room = max_len - (0 if "no_room" in bugs else 4 if "too_short" in bugs else 3)
    if "halves" in bugs and len(a) + len(b) > room:
        return a[: room // 2], b[: room // 2]
    while len(a) + len(b) > room:
        longer = a if len(a) > len(b) or ("a_on_ties" in bugs and len(a) == len(b)) else b
        longer = b if "only_b" in bugs and b else longer
        longer.pop(0 if "from_the_front" in bugs else -1)
    return a, b


def _joined(a: list[int], b: list[int], cls: int, sep: int, bugs: Bugs) -> tuple[list[int], list[int]]:
    first = [*([] if "no_cls" in bugs else [cls]), *a, *([] if "one_sep" in bugs else [sep])]
    second = [*b, *([] if "open_end" in bugs else [sep])]
    n = len(first) - ("sep_in_second" in bugs)
    segments = [0] * n + [int("one_segment" not in bugs)] * (len(first) + len(second) - n)
    if "last_sep" in bugs:
        segments[-1] = 0
    return first + second, segments


def _filled(rows: list[list[int]], T: int, value: int, bugs: Bugs) -> Tensor:
    fill = [[value] * (T - len(row)) for row in rows]
    return torch.tensor([more + row if "left" in bugs else row + more for row, more in zip(rows, fill, strict=True)])


# --- what masking asks and costs ----------------------------------------------------------------------------


def _numbers(seed: int) -> tuple:
    """Such that every expected count is whole."""
    generator = torch.Generator().manual_seed(seed)

    def pick(*choices: Any) -> Any:
        return choices[int(torch.randint(len(choices), (), generator=generator))]

    return pick(20, 40, 60), pick(103, 123, 203), pick(10, 15, 20), pick(20_000, 30_000), pick(6, 7, 8, 9)


@question(
    title=Text("Ce que les masques demandent", "What the masks ask for"),
    skill=Text("prévoir combien de jetons sont choisis, masqués, intacts", "foresee how many tokens are chosen, masked, left alone"),
    level=2,
    minutes=15,
    points=4,
    given=_numbers,
    tolerance=4e-3,
    mistakes={
        "all_tokens": Text(
            "Réponse 1 : vous comptez aussi les signes, qui ne sont jamais choisis.", "Answer 1: you count the signs too, which are never chosen."
        ),
        "one_sign": Text(
            "Réponse 1 : il y a trois signes dans une paire, `[CLS]` et deux `[SEP]`.", "Answer 1: a pair holds three signs, `[CLS]` and two `[SEP]`."
        ),
        "one_pair": Text("Vous comptez une seule paire : le lot en a `B`.", "You count a single pair: the batch has `B` of them."),
        "all_masked": Text(
            "Réponse 2 : les jetons choisis ne deviennent pas tous `[MASK]`.", "Answer 2: the chosen tokens do not all become `[MASK]`."
        ),
        "masked_and_drawn": Text(
            "Réponse 2 : vous comptez aussi les jetons remplacés au hasard.", "Answer 2: you count the tokens replaced at random too."
        ),
        "without_kept": Text(
            "Réponse 3 : des jetons choisis restent intacts, il faut les compter.", "Answer 3: some chosen tokens stay intact, and must be counted."
        ),
        "with_drawn": Text(
            "Réponse 3 : un jeton remplacé au hasard n'est pas intact.", "Answer 3: a token replaced at random is not intact."
        ),
        "kept_only": Text(
            "Réponse 3 : vous ne comptez que les jetons choisis. Ceux qui n'ont pas été choisis sont intacts aussi.",
            "Answer 3: you count only the chosen tokens. Those that were not chosen are intact too.",
        ),
        "share_of_all": Text(
            "Réponse 4 : vous divisez par tous les mots. La question porte sur les mots intacts.",
            "Answer 4: you divide by all the words. The question is about the intact words.",
        ),
        "share_of_chosen": Text(
            "Réponse 4 : vous divisez par les jetons choisis. Le modèle, lui, ne sait pas lesquels le sont : la question porte sur les mots intacts.",
            "Answer 4: you divide by the chosen tokens. The model does not know which they are: the question is about the intact words.",
        ),
        "fraction": Text("Réponse 4 : elle est demandée en pour cent.", "Answer 4: a percentage is asked for."),
        "some_chosen": Text(
            "Réponse 5 : vous donnez la probabilité qu'un mot au moins soit choisi.", "Answer 5: you give the probability that at least one word is chosen."
        ),
        "all_chosen": Text(
            "Réponse 5 : vous donnez la probabilité que tous les mots soient choisis.", "Answer 5: you give the probability that all words are chosen."
        ),
        "added": Text(
            "Réponse 5 : vous retranchez k fois le taux. Les mots sont choisis indépendamment : leurs probabilités se multiplient.",
            "Answer 5: you subtract k times the rate. Words are chosen independently: their probabilities multiply.",
        ),
        "none_masked": Text(
            "Réponse 5 : vous donnez la probabilité qu'aucun mot ne devienne `[MASK]`. Un mot peut être choisi sans être masqué.",
            "Answer 5: you give the probability that no word becomes `[MASK]`. A word may be chosen without being masked.",
        ),
        "every_place": Text(
            "Réponse 6 : vous notez toutes les places. Seules celles des jetons choisis entrent dans la perte.",
            "Answer 6: you rate all the places. Only those of the chosen tokens enter the loss.",
        ),
        "masked_places": Text(
            "Réponse 6 : vous ne notez que les `[MASK]`. Tous les jetons choisis sont à retrouver.",
            "Answer 6: you rate the `[MASK]` only. All the chosen tokens are to be found.",
        ),
        "one_score": Text(
            "Réponse 6 : chaque place reçoit un score par mot du vocabulaire.", "Answer 6: each place gets a score for each word of the vocabulary."
        ),
    },
    hints=(
        Text(
            "Combien de mots ordinaires dans une paire de `T` jetons ? Dans le lot ? Combien en choisit-on en moyenne ?",
            "How many ordinary words are there in a pair of `T` tokens? In the batch? How many are chosen on average?",
        ),
        Text(
            "Un mot intact est ou bien non choisi, ou bien choisi et laissé : dressez le tableau des quatre sorts.",
            "An intact word is either not chosen, or chosen and left as it is: draw up the table of the four fates.",
        ),
        Text(
            "Pour la réponse 5, chaque mot échappe au choix avec la probabilité 1 − r, indépendamment des autres.",
            "For answer 5, each word escapes with probability 1 − r, independently of the others.",
        ),
    ),
)  # fmt: skip
def masking_counts(B: int, T: int, percent: int, V: int, k: int, *, bugs: Bugs = NONE) -> list[float]:
    words = (1 if "one_pair" in bugs else B) * (T - (0 if "all_tokens" in bugs else 1 if "one_sign" in bugs else 3))
    r = percent / 100
    chosen = words * r
    masked = chosen * (1.0 if "all_masked" in bugs else 0.9 if "masked_and_drawn" in bugs else 0.8)
    kept = 0.1 * chosen
    intact = words - chosen + (0.0 if "without_kept" in bugs else 2 * kept if "with_drawn" in bugs else kept)
    intact = kept if "kept_only" in bugs else intact
    share = kept / (words if "share_of_all" in bugs else chosen if "share_of_chosen" in bugs else intact)
    none = (1 - (0.8 * r if "none_masked" in bugs else r)) ** k
    none = 1 - none if "some_chosen" in bugs else r**k if "all_chosen" in bugs else 1 - k * r if "added" in bugs else none
    places = B * T if "every_place" in bugs else masked if "masked_places" in bugs else chosen
    scores = float(places) if "one_score" in bugs else float(places * V)
    return [chosen, masked, intact, share * (1 if "fraction" in bugs else 100), none, scores]


SET = (pair_batch, hide_tokens, hidden_words, masking_counts, text_similarity, answer_spans)
