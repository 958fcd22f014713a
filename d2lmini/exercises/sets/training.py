"""Exercises on training a Transformer: what the decoder reads and guesses, and a loss that skips the padding."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise, normal
from d2lmini.i18n import Text
from d2lmini.trial import Case

UNEQUAL = Text(
    "Vos lignes n'ont pas toutes la même longueur : sans remplissage, pas de tableau, donc pas de lot.",
    "Your rows are not all of the same length: without padding there is no table, hence no batch.",
)
FLOOR = Text(
    "Le plancher ajouté dans le logarithme plafonne la surprise.",
    "The floor inside the logarithm caps the surprise.",
)
NO_MEAN = Text("Il reste à en faire une moyenne.", "What remains is to take the mean.")

# --- teacher forcing ----------------------------------------------------------------------------------------


def _answers(seed: int, start: int, end: int, pad: int, *lengths: int) -> tuple:
    """Answers of these lengths, in which no token is repeated and none is a sign, except 0 where 0 is not one."""
    order = torch.randperm(17, generator=torch.Generator().manual_seed(seed)).tolist()
    letters = [token for token in order if token not in (start, end, pad)]
    return [letters[:length] for length in lengths], start, end, pad


def _forcing_cases(seed: int) -> list[Case]:
    return [
        Case(Text("trois réponses", "three answers"), _answers(seed, 1, 2, 0, 5, 3, 1)),
        Case(Text("une seule réponse", "a single answer"), _answers(seed + 1, 1, 2, 0, 4)),
        Case(Text("d'autres signes, remplissage 19", "other signs, padding 19"), _answers(seed + 2, 17, 18, 19, 2, 6, 3, 4)),
        Case(Text("deux réponses de même longueur", "two answers of the same length"), _answers(seed + 3, 2, 0, 1, 3, 3)),
    ]


@exercise(
    title=Text("Ce qu'il lit, ce qu'il devine", "What it reads, what it guesses"),
    skill=Text("préparer le forçage du professeur : décaler, borner, remplir", "prepare teacher forcing: shift, mark the ends, pad"),
    level=2,
    minutes=15,
    points=3,
    cases=_forcing_cases,
    mistakes={
        "swapped": Text(
            "Les deux tableaux sont échangés : `read`, qui commence par le signe de début, vient d'abord.",
            "The two tables trade places: `read`, which begins with the start sign, comes first.",
        ),
        "no_shift": Text(
            "`read` est égal à `guess` : à chaque place, le décodeur a sous les yeux le jeton à deviner. La perte tombera à 0 et il n'aura rien appris.",
            "`read` equals `guess`: at each place the decoder has the token to guess before its eyes. The loss will fall to 0 and it will have learned nothing.",
        ),
        "same_whole": Text(
            "Les deux tableaux contiennent les deux signes et sont égaux : chaque place devine le jeton qu'elle vient de lire. Il faut un décalage d'un cran.",
            "Both tables hold both signs and are equal: each place guesses the token that it has just read. They must differ by a shift of one place.",
        ),
        "end_read": Text(
            "`read` contient aussi le signe de fin : le décodeur ne le lit jamais, puisque rien n'est à deviner après lui.",
            "`read` holds the end sign too: the decoder never reads it, as nothing is to be guessed after it.",
        ),
        "start_guessed": Text(
            "`guess` contient le signe de début : le décodeur le reçoit, il n'a pas à le deviner.",
            "`guess` holds the start sign: the decoder is given it and does not have to guess it.",
        ),
        "end_not_guessed": Text(
            "`guess` n'a pas de signe de fin : le modèle n'apprendra jamais à s'arrêter.",
            "`guess` has no end sign: the model will never learn to stop.",
        ),
        "end_padded": Text(
            "À la place du signe de fin, `guess` a du remplissage : la perte sautera cette place, et le modèle n'apprendra jamais à s'arrêter.",
            "Where the end sign should be, `guess` has padding: the loss will skip that place, and the model will never learn to stop.",
        ),
        "no_end": Text(
            "Vous décalez la réponse sans lui ajouter de fin : il manque une place à chaque ligne, et le modèle n'apprendra jamais à s'arrêter.",
            "You shift the answer without adding an end to it: each row is one place short, and the model will never learn to stop.",
        ),
        "end_after_padding": Text(
            "Le signe de fin vient après le remplissage : il doit suivre immédiatement le dernier jeton de chaque réponse.",
            "The end sign comes after the padding: it must come right after the last token of each answer.",
        ),
        "end_remains": Text(
            "Dans les lignes courtes, `read` garde un signe de fin. La perte saute cette place, mais le décodeur ne lira jamais cela en écrivant : décalez avant de remplir.",
            "In the short rows, `read` keeps an end sign. The loss skips that place, but the decoder will never read this when it writes: shift before padding.",
        ),
        "rolled": Text(
            "La première place de `read` reçoit ce qui était au bout de la ligne : c'est la place du signe de début.",
            "The first place of `read` receives what was at the end of the row: it is the place of the start sign.",
        ),
        "left": Text(
            "Le remplissage est à gauche : ici il vient en fin de ligne, là où le masque causal le cache aux vrais jetons.",
            "The padding is on the left: here it goes to the end of the row, where the causal mask hides it from the real tokens.",
        ),
        "zero": Text(
            "Vous remplissez avec 0 : le numéro du remplissage est `pad`, et 0 peut être un vrai jeton.",
            "You pad with 0: the number of the padding is `pad`, and 0 may be a real token.",
        ),
        "unequal": UNEQUAL,
        "ragged": UNEQUAL,
        "columns": Text(
            "Chaque réponse est une colonne : elle doit être une ligne, (B, T), le lot d'abord.",
            "Each answer is a column: it must be a row, (B, T), the batch first.",
        ),
        "lists": Text("Vous rendez des listes : il faut deux tenseurs d'entiers.", "You return lists: two integer tensors are needed."),
        "floats": Text(
            "Vos tableaux contiennent des réels : un jeton est un numéro de ligne dans une table, donc un entier.",
            "Your tables hold floats: a token is the number of a row in a table, hence an integer.",
        ),
        "stacked": Text(
            "Vous rendez un seul tenseur : rendez deux tenseurs séparés.", "You return a single tensor: return two separate tensors."
        ),
        "read_only": Text(
            "Vous ne rendez que `read` : rendez deux tenseurs, `read` puis `guess`.",
            "You return `read` only: return two tensors, `read` then `guess`.",
        ),
        "signs_swapped": Text(
            "Les signes sont échangés : `start` ouvre `read`, `end` ferme `guess`.",
            "The signs trade places: `start` opens `read`, `end` closes `guess`.",
        ),
        "hard_coded": Text("Les signes sont écrits en dur : prenez les arguments.", "The signs are hard-coded: take the arguments."),
        "too_short": Text("Il manque une place : chaque ligne gagne un signe.", "One place is missing: each row gains a sign."),
        "first_length": Text(
            "Vous prenez la longueur de la première réponse : une autre peut être plus longue.",
            "You take the length of the first answer: another may be longer.",
        ),
        "end_fills": Text(
            "Vous remplissez avec le signe de fin : le remplissage a son propre numéro, `pad`.",
            "You pad with the end sign: the padding has a number of its own, `pad`.",
        ),
    },
    hints=(
        Text(
            "Écrivez d'abord, pour la réponse [5, 8], les deux lignes l'une sous l'autre. Quel signe manque à chacune ?",
            "First write, for the answer [5, 8], the two rows one under the other. Which sign is missing in each?",
        ),
        Text(
            "`[start, *row]` et `[*row, end]` ont la même longueur : un de plus que la réponse.",
            "`[start, *row]` and `[*row, end]` have the same length: one more than the answer.",
        ),
        Text(
            "Cherchez la plus grande longueur T, complétez chaque liste par `[pad] * (T - len(row))`, puis faites un seul `torch.tensor`.",
            "Find the largest length T, complete each list with `[pad] * (T - len(row))`, then make a single `torch.tensor`.",
        ),
    ),
)
def teacher_forcing(answers: list[list[int]], start: int, end: int, pad: int, *, bugs: Bugs = NONE) -> Any:
    if "hard_coded" in bugs:
        start, end, pad = 1, 2, 0
    if "signs_swapped" in bugs:
        start, end = end, start
    whole = [[start, *row, end] for row in answers]
    read, guess = [row[:-1] for row in whole], [row[1:] for row in whole]
    if bugs & {"same_whole", "end_read"}:
        read = whole
    if bugs & {"same_whole", "start_guessed"}:
        guess = whole
    if bugs & {"no_end", "end_not_guessed"}:
        guess = answers
    if "end_padded" in bugs:
        guess = [[*row, pad] for row in answers]
    if "no_end" in bugs:
        read = [row[:-1] for row in read]
    if "no_shift" in bugs:
        read = guess
    if bugs & {"unequal", "ragged"}:
        tables = [torch.tensor(row) for row in read], [torch.tensor(row) for row in guess]
        return tables if "unequal" in bugs else (torch.tensor(read), torch.tensor(guess))
    value = 0 if "zero" in bugs else end if "end_fills" in bugs else pad
    reads, guesses = (_filled(rows, value, "left" in bugs) for rows in (read, guess))
    if "end_remains" in bugs:
        reads = _filled(whole, value)[:, :-1]
    if "rolled" in bugs:
        reads = guesses.roll(1, dims=1)
    if "end_after_padding" in bugs:
        guesses = torch.cat([_filled(answers, value), torch.full((len(answers), 1), end)], dim=1)
    n = {"too_short": reads.shape[1] - 1, "first_length": len(answers[0]) + 1}
    width = next((n[bug] for bug in n if bug in bugs), None)
    return _returned(reads[:, :width], guesses[:, :width], bugs)


def _returned(reads: Tensor, guesses: Tensor, bugs: Bugs) -> Any:
    if "columns" in bugs:
        reads, guesses = reads.T, guesses.T
    if "floats" in bugs:
        reads, guesses = reads.float(), guesses.float()
    tables = (guesses, reads) if "swapped" in bugs else (reads, guesses)
    if "lists" in bugs:
        return tables[0].tolist(), tables[1].tolist()
    return torch.stack(tables) if "stacked" in bugs else tables[0] if "read_only" in bugs else tables


def _filled(rows: list[list[int]], pad: int, left: bool = False) -> Tensor:
    T = max(map(len, rows))
    empty = [[pad] * (T - len(row)) for row in rows]
    return torch.tensor([[*e, *row] if left else [*row, *e] for row, e in zip(rows, empty, strict=True)])


# --- a loss that skips the padding --------------------------------------------------------------------------


def padded_targets(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Tokens to guess: without padding, padded by 0, padded by 6, each of shape (3, 5); and (2, 4) with as many known tokens, padded by 3."""
    full = torch.randint(1, 7, (3, 5), generator=torch.Generator().manual_seed(seed))
    short = full.clone()
    short[1, 3:] = short[2, 1:] = 0
    last = full - 1
    last[0, 4:] = last[1, 2:] = 6
    last[2, 0], last[0, 1] = 0, 0
    return full, short, last, torch.tensor([[2, 0, 1, 2], [1, 2, 3, 3]])


def _loss_cases(seed: int) -> list[Case]:
    draw, (full, short, last, square) = normal(seed), padded_targets(seed)
    scores = draw(3, 5, 7)
    return [
        Case(Text("sans remplissage", "no padding"), (scores, full, 0)),
        Case(Text("5, 3 et 1 vrais jetons", "5, 3 and 1 real tokens"), (draw(3, 5, 7), short, 0)),
        Case(Text("un remplissage de numéro 6", "padding numbered 6"), (draw(3, 5, 7), last, 6)),
        Case(Text("de grands scores", "large scores"), (300 * scores, short, 0)),
        Case(Text("autant de places que de jetons connus", "as many places as known tokens"), (draw(2, 4, 4), square, 3)),
        Case(Text("un seul jeton", "a single token"), (draw(1, 1, 4), torch.tensor([[2]]), 0)),
    ]


@exercise(
    title=Text("Une perte qui saute le remplissage", "A loss that skips the padding"),
    skill=Text("moyenner l'entropie croisée sur les vrais jetons", "average the cross-entropy over the real tokens"),
    level=2,
    minutes=15,
    points=4,
    cases=_loss_cases,
    mistakes={
        "padding": Text(
            "Le remplissage compte dans la perte : le modèle passerait son temps à apprendre à deviner des jetons vides.",
            "The padding counts in the loss: the model would spend its time learning to guess empty tokens.",
        ),
        "over_all": Text(
            "Le remplissage est retiré de la somme, mais vous divisez par toutes les places : plus un lot est rempli, plus sa perte paraît petite.",
            "The padding is out of the sum, but you divide by all the places: the more padding in a batch, the smaller its loss looks.",
        ),
        "by_row": Text(
            "Vous moyennez dans chaque ligne, puis entre les lignes : un jeton d'un texte court compte plus qu'un autre. Ici chaque vrai jeton compte autant.",
            "You average within each row, then over the rows: a token of a short text counts more than another. Here each real token counts the same.",
        ),
        "over_rows": Text(
            "Vous divisez par le nombre de textes : la perte grandit avec leur longueur. Divisez par le nombre de vrais jetons.",
            "You divide by the number of texts: the loss grows with their length. Divide by the number of real tokens.",
        ),
        "total": Text(
            "C'est la somme sur les vrais jetons : il reste à diviser par leur nombre.",
            "This is the sum over the real tokens: now divide it by how many there are.",
        ),
        "zero": Text(
            "Vous sautez le jeton 0 : le remplissage a le numéro `pad`, et 0 peut être un vrai jeton.",
            "You skip token 0: the padding has the number `pad`, and 0 may be a real token.",
        ),
        "by_score": Text(
            "Vous prenez le score du bon jeton sans le normaliser : il manque le softmax sur le vocabulaire, puis le logarithme.",
            "You take the score of the right token without normalizing it: the softmax over the vocabulary, then the logarithm, are missing.",
        ),
        "no_log": Text(
            "Vous moyennez la probabilité : il manque son logarithme.", "You average the probability: its logarithm is missing."
        ),
        "no_log_no_sign": Text(
            "Vous moyennez les probabilités du bon jeton : la surprise est l'opposé de leur logarithme.",
            "You average the probabilities of the right token: the surprise is minus their logarithm.",
        ),
        "sign": Text(
            "Le signe est inversé : la perte est positive, et l'entraînement la fait descendre.",
            "The sign is reversed: the loss is positive, and training brings it down.",
        ),
        "bits": Text(
            "La surprise est ici en nats : prenez le logarithme naturel.", "The surprise is in nats here: take the natural logarithm."
        ),
        "first_axis": Text(
            "Le softmax porte sur les textes du lot, le premier axe : il doit porter sur le vocabulaire, le dernier.",
            "The softmax runs over the texts of the batch, the first axis: it must run over the vocabulary, the last one.",
        ),
        "over_places": Text(
            "Le softmax porte sur les places du texte : il doit porter sur le vocabulaire, le dernier axe.",
            "The softmax runs over the places of the text: it must run over the vocabulary, the last axis.",
        ),
        "empty_scores": Text(
            "Mettre à 0 les scores du remplissage ne le retire pas : chaque place vide coûte encore ln V. C'est la place qu'il faut sauter.",
            "Setting the scores of the padding to 0 does not remove it: each empty place still costs ln V. The place itself must be skipped.",
        ),
        "class_axis": Text(
            "`cross_entropy` lit le vocabulaire sur le second axe, et vous lui donnez (B, T, V) : échangez deux axes, ou aplatissez B et T.",
            "`cross_entropy` reads the vocabulary on the second axis, and you give it (B, T, V): swap two axes, or flatten B and T.",
        ),
        "reshaped": Text(
            "`reshape` (ou `view`) vers (B, V, T) coupe les lignes de scores et mélange les places : il fallait échanger deux axes, ou aplatir B et T.",
            "`reshape` (or `view`) to (B, V, T) cuts the rows of scores and mixes the places: two axes had to be swapped, or B and T flattened.",
        ),
        "twice": Text(
            "Le softmax est appliqué deux fois : `cross_entropy` attend des scores, et fait elle-même le softmax et le logarithme.",
            "The softmax is applied twice: `cross_entropy` expects scores, and takes the softmax and the logarithm itself.",
        ),
        "log_zero": Text(
            "Avec de grands scores, une probabilité s'arrondit à 0, et son logarithme à −∞. Prenez les deux ensemble : `log_softmax` ou `logsumexp`.",
            "With large scores, a probability rounds to 0 and its logarithm to −∞. Take both at once: `log_softmax` or `logsumexp`.",
        ),
        "overflow": Text(
            "De grands scores vous donnent NaN : l'exponentielle déborde (∞/∞), ou un logarithme de 0 est multiplié par 0. Prenez `log_softmax` ou `logsumexp`.",
            "Large scores give you NaN: the exponential overflows (∞/∞), or a logarithm of 0 is multiplied by 0. Take `log_softmax` or `logsumexp`.",
        ),
        **{f"floor_{n}": FLOOR for n in (8, 9, 10, 12)},
        "perplexity": Text(
            "C'est la perplexité : on demande la moyenne, sans exponentielle.",
            "This is the perplexity: the mean is asked for, without the exponential.",
        ),
        "each_place": NO_MEAN,
        "each_token": NO_MEAN,
        "padding_only": Text(
            "Le masque est inversé : vous moyennez sur le remplissage seul.", "The mask is inverted: you average over the padding alone."
        ),
    },
    hints=(
        Text(
            "La surprise d'une place est −ln p, où p est la probabilité que le modèle donne au bon jeton.",
            "The surprise of a place is −ln p, where p is the probability that the model gives to the right token.",
        ),
        Text(
            "`guess != pad` dit où sont les vrais jetons ; `scores[guess != pad]` ne garde que leurs lignes, de forme (n, V).",
            "`guess != pad` tells where the real tokens are; `scores[guess != pad]` keeps only their rows, of shape (n, V).",
        ),
        Text(
            "Le chapitre aplatit les deux premiers axes et laisse `F.cross_entropy` sauter un numéro, avec `ignore_index`.",
            "The chapter flattens the first two axes and lets `F.cross_entropy` skip one number, with `ignore_index`.",
        ),
    ),
)
def padded_loss(scores: Tensor, guess: Tensor, pad: int, *, bugs: Bugs = NONE) -> float | Tensor:
    if "reshaped" in bugs:
        scores = scores.reshape(len(scores), scores.shape[2], -1).transpose(1, 2)
    if "empty_scores" in bugs:
        scores = scores * (guess != pad)[..., None]
    if "class_axis" in bugs:
        return F.cross_entropy(scores, guess, ignore_index=pad).item()
    surprise = -_logs(scores, bugs).gather(-1, guess[..., None])[..., 0]
    if bugs & {"sign", "no_log_no_sign"}:
        surprise = -surprise
    if "bits" in bugs:
        surprise = surprise / torch.tensor(2.0).log()
    real = guess != (0 if "zero" in bugs else -1 if bugs & {"padding", "empty_scores"} else pad)
    if "padding_only" in bugs:
        real = ~real
    kept = surprise.where(real, 0.0)
    if bugs & {"each_place", "each_token"}:
        return kept.flatten() if "each_place" in bugs else surprise[real]
    if "by_row" in bugs:
        return (kept.sum(1) / real.sum(1)).mean().item()
    n = 1 if "total" in bugs else guess.numel() if "over_all" in bugs else len(guess) if "over_rows" in bugs else real.sum()
    mean = kept.sum() / n
    return (mean.exp() if "perplexity" in bugs else mean).item()


def _logs(scores: Tensor, bugs: Bugs) -> Tensor:
    """The logarithms of probabilities, (B, T, V), or what stands for them."""
    axis = 0 if "first_axis" in bugs else 1 if "over_places" in bugs else -1
    if "twice" in bugs:
        scores = scores.softmax(axis)
    if "by_score" in bugs:
        return scores
    if bugs & {"no_log", "no_log_no_sign"}:
        return scores.softmax(axis)
    if "overflow" in bugs:
        return (scores.exp() / scores.exp().sum(axis, keepdim=True)).log()
    floor = next((10.0**-n for n in (8, 9, 10, 12) if f"floor_{n}" in bugs), 0.0)
    return (scores.softmax(axis) + floor).log() if floor or "log_zero" in bugs else scores.log_softmax(axis)
