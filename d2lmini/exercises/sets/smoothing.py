"""The exercise on label smoothing: a loss whose targets doubt, and that skips the padding."""

from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise, normal
from d2lmini.exercises.sets.training import padded_targets
from d2lmini.i18n import Text
from d2lmini.trial import Case

FLOOR = Text(
    "Le plancher ajouté dans le logarithme plafonne la surprise des jetons très improbables.",
    "The floor inside the logarithm caps the surprise of very unlikely tokens.",
)
NO_MEAN = Text("Il reste à en faire une moyenne.", "What remains is to take the mean.")


@cache
def _smoothing_cases(seed: int) -> list[Case]:
    draw, (full, short, last, square) = normal(seed), padded_targets(seed)
    scores = draw(3, 5, 7)
    return [
        Case(Text("sans remplissage, lissage 0,1", "no padding, smoothing 0.1"), (scores, full, 0, 0.1)),
        Case(Text("5, 3 et 1 vrais jetons", "5, 3 and 1 real tokens"), (draw(3, 5, 7), short, 0, 0.3)),
        Case(Text("un remplissage de numéro 6", "padding numbered 6"), (2 * draw(3, 5, 7), last, 6, 0.2)),
        Case(Text("de grands scores", "large scores"), (300 * scores, short, 0, 0.1)),
        Case(Text("autant de places que de jetons connus", "as many places as known tokens"), (draw(2, 4, 4), square, 3, 0.4)),
        Case(Text("pas de lissage", "no smoothing"), (draw(3, 5, 7), short, 0, 0.0)),
        Case(Text("trois jetons connus", "three known tokens"), (draw(1, 2, 3), torch.tensor([[2, 1]]), 0, 0.25)),
    ]


@exercise(
    title=Text("Le droit de douter", "The right to doubt"),
    skill=Text("lisser les étiquettes sans rien donner au remplissage", "smooth the labels and give nothing to the padding"),
    level=2,
    minutes=20,
    points=4,
    cases=_smoothing_cases,
    mistakes={
        "torch": Text(
            "C'est la convention de PyTorch : ε s'y partage entre les V jetons, le bon et le remplissage compris. Ici il va aux V − 2 autres.",
            "This is the convention of PyTorch: there ε is shared among the V tokens, the right one and the padding included. Here it goes to the V − 2 others.",
        ),
        "all_others": Text(
            "Vous partagez ε entre les V − 1 jetons faux : le remplissage en est un, et il ne doit rien recevoir.",
            "You share ε among the V − 1 wrong tokens: the padding is one of them, and it must get nothing.",
        ),
        "right_shares": Text(
            "Le bon jeton prend sa part de ε, entre V − 1 jetons : il garde 1 − ε, et ε va aux V − 2 autres.",
            "The right token takes its share of ε, among V − 1 tokens: it keeps 1 − ε, and ε goes to the V − 2 others.",
        ),
        "added": Text(
            "Le bon jeton reçoit 1 − ε et, en plus, une part de ε : les cibles d'une place n'ont plus une somme de 1.",
            "The right token gets 1 − ε and a share of ε on top: the targets of a place no longer add up to 1.",
        ),
        "pad_too": Text(
            "Vous divisez par V − 2, mais le remplissage reçoit aussi sa part : les cibles d'une place n'ont plus une somme de 1.",
            "You divide by V − 2, but the padding gets a share too: the targets of a place no longer add up to 1.",
        ),
        "divided_by_all": Text(
            "Vous divisez ε par V, mais le bon jeton et le remplissage n'en prennent rien : il manque une partie de ε.",
            "You divide ε by V, but the right token and the padding take none of it: part of ε is missing.",
        ),
        "divided_by_others": Text(
            "Vous divisez ε par V − 1, mais seuls V − 2 jetons en reçoivent : il manque une part.",
            "You divide ε by V − 1, but only V − 2 tokens receive any: one share is missing.",
        ),
        "not_shared": Text(
            "Chaque autre jeton reçoit ε entier : divisez-le entre eux.", "Each other token gets the whole of ε: divide it among them."
        ),
        "not_weakened": Text(
            "Le bon jeton garde une cible de 1 : ce que reçoivent les autres doit lui être retiré.",
            "The right token keeps a target of 1: what the others get must be taken from it.",
        ),
        "right_only": Text(
            "Vous affaiblissez le bon jeton sans rien donner aux autres : la perte rétrécit, mais elle vise toujours une probabilité de 1.",
            "You weaken the right token and give nothing to the others: the loss shrinks, but it still aims at a probability of 1.",
        ),
        "traded": Text("Les rôles de ε et de 1 − ε sont échangés.", "ε and 1 − ε trade places."),
        "hard": Text("Votre perte ne lisse rien : ε n'y joue aucun rôle.", "Your loss smooths nothing: ε plays no part in it."),
        "log_of_mean": Text(
            "Vous prenez le logarithme d'un mélange de probabilités : c'est chaque logarithme qui reçoit sa cible pour poids.",
            "You take the logarithm of a mixture of probabilities: it is each logarithm that gets its target for a weight.",
        ),
        "divergence": Text(
            "Vous retirez l'entropie des cibles : c'est une divergence, dont le minimum est 0. L'entropie croisée est demandée.",
            "You subtract the entropy of the targets: that is a divergence, whose minimum is 0. Cross-entropy is asked for.",
        ),
        "narrow_softmax": Text(
            "Vous retirez le remplissage du softmax : il garde sa probabilité, c'est sa cible qui est nulle.",
            "You take the padding out of the softmax: it keeps its probability, and its target is what is zero.",
        ),
        "minus_infinity": Text(
            "Un score de −∞ pour le remplissage, multiplié par une cible de 0, donne NaN : laissez les scores, et annulez la cible.",
            "A score of −∞ for the padding, times a target of 0, gives NaN: leave the scores alone, and make the target zero.",
        ),
        "padding": Text(
            "Les places de remplissage comptent dans la perte : le modèle apprendrait à deviner du vide.",
            "The padding places count in the loss: the model would learn to guess the void.",
        ),
        "padding_only": Text(
            "Le masque est inversé : vous moyennez sur le remplissage seul.", "The mask is inverted: you average over the padding alone."
        ),
        "over_all": Text(
            "Les places vides sont retirées de la somme, mais vous divisez par toutes les places : divisez par le nombre de vrais jetons.",
            "The empty places are out of the sum, but you divide by all the places: divide by the number of real tokens.",
        ),
        "by_row": Text(
            "Vous moyennez dans chaque ligne, puis entre les lignes : ici chaque vrai jeton compte autant.",
            "You average within each row, then over the rows: here each real token counts the same.",
        ),
        "over_rows": Text(
            "Vous divisez par le nombre de textes : divisez par le nombre de vrais jetons.",
            "You divide by the number of texts: divide by the number of real tokens.",
        ),
        "total": Text(
            "C'est la somme sur les vrais jetons : il reste à diviser par leur nombre.",
            "This is the sum over the real tokens: now divide it by how many there are.",
        ),
        "over_vocabulary": Text(
            "Vous moyennez aussi sur le vocabulaire : les cibles d'une place sont des poids de somme 1, il faut additionner.",
            "You average over the vocabulary too: the targets of a place are weights that add up to 1, so take the sum.",
        ),
        "zero": Text(
            "Vous prenez le jeton 0 pour le remplissage : il a le numéro `pad`, et 0 peut être un vrai jeton.",
            "You take token 0 for the padding: its number is `pad`, and 0 may be a real token.",
        ),
        "sign": Text("Le signe est inversé : la perte est positive.", "The sign is reversed: the loss is positive."),
        "bits": Text(
            "La surprise est ici en nats : prenez le logarithme naturel.", "The surprise is in nats here: take the natural logarithm."
        ),
        "no_log": Text("Il manque le logarithme des probabilités.", "The logarithm of the probabilities is missing."),
        "raw_scores": Text("Il manque le softmax sur le vocabulaire.", "The softmax over the vocabulary is missing."),
        "twice": Text("Le softmax est appliqué deux fois.", "The softmax is applied twice."),
        "first_axis": Text(
            "Le softmax porte sur les textes du lot : il doit porter sur le vocabulaire, le dernier axe.",
            "The softmax runs over the texts of the batch: it must run over the vocabulary, the last axis.",
        ),
        "over_places": Text(
            "Le softmax porte sur les places du texte : il doit porter sur le vocabulaire, le dernier axe.",
            "The softmax runs over the places of the text: it must run over the vocabulary, the last axis.",
        ),
        "log_zero": Text(
            "Avec de grands scores, une probabilité s'arrondit à 0 et son logarithme à −∞. Prenez les deux ensemble : `log_softmax`.",
            "With large scores, a probability rounds to 0 and its logarithm to −∞. Take both at once: `log_softmax`.",
        ),
        **{f"floor_{n}": FLOOR for n in (8, 9, 10, 12)},
        "each_place": NO_MEAN,
        "each_token": NO_MEAN,
    },
    hints=(
        Text(
            "Écrivez d'abord les cibles d'une seule place, avec V = 5 : quatre nombres non nuls, de somme 1.",
            "First write the targets of a single place, with V = 5: four numbers that are not zero, adding up to 1.",
        ),
        Text(
            "Partez d'un tableau (B, T, V) rempli de ε/(V − 2), écrivez-y 1 − ε au bon jeton avec `scatter`, puis 0 dans la colonne `pad`.",
            "Start from a table (B, T, V) filled with ε/(V − 2), write 1 − ε there at the right token with `scatter`, then 0 in column `pad`.",
        ),
        Text(
            "La perte d'une place est −Σ cible · log p, la somme portant sur le vocabulaire ; gardez les places où `guess != pad`.",
            "The loss of a place is −Σ target · log p, a sum over the vocabulary; keep the places where `guess != pad`.",
        ),
    ),
)
def smoothed_loss(scores: Tensor, guess: Tensor, pad: int, epsilon: float, *, bugs: Bugs = NONE) -> float | Tensor:
    pad = 0 if "zero" in bugs else pad
    logs = _logs(scores, pad, bugs)
    target = _targets(guess, scores.shape[-1], pad, epsilon, bugs)
    losses = -(target * logs).sum(-1)
    if "log_of_mean" in bugs:
        losses = -(target * logs.exp()).sum(-1).log()
    if "divergence" in bugs:
        losses = losses + torch.special.xlogy(target, target).sum(-1)
    if "over_vocabulary" in bugs:
        losses = losses / scores.shape[-1]
    losses = -losses if "sign" in bugs else losses / torch.tensor(2.0).log() if "bits" in bugs else losses
    real = guess != (-1 if "padding" in bugs else pad)
    if "padding_only" in bugs:
        real = ~real
    kept = losses.where(real, 0.0)
    if bugs & {"each_place", "each_token"}:
        return kept if "each_place" in bugs else losses[real]
    if "by_row" in bugs:
        return (kept.sum(1) / real.sum(1)).mean().item()
    n = 1 if "total" in bugs else guess.numel() if "over_all" in bugs else len(guess) if "over_rows" in bugs else real.sum()
    return (kept.sum() / n).item()


def _targets(guess: Tensor, V: int, pad: int, epsilon: float, bugs: Bugs) -> Tensor:
    """What each place aims at, (B, T, V)."""
    right = F.one_hot(guess, V).float()
    others = 1 - right
    if "torch" in bugs:
        return (1 - epsilon) * right + epsilon / V
    if "pad_too" not in bugs and "all_others" not in bugs:
        others[..., pad] = 0
    if bugs & {"right_shares", "added"}:
        others = others + right
    if "traded" in bugs:
        epsilon = 1 - epsilon
    shares = {
        "all_others": V - 1, "right_shares": V - 1, "divided_by_all": V, "divided_by_others": V - 1,
        "not_shared": 1,
    }  # fmt: skip
    share: Any = epsilon / next((shares[bug] for bug in shares if bug in bugs), V - 2)
    if bugs & {"right_only", "hard"}:
        share = 0.0
    return (1.0 if bugs & {"not_weakened", "hard"} else 1 - epsilon) * right + share * others


def _logs(scores: Tensor, pad: int, bugs: Bugs) -> Tensor:
    """The logarithms of probabilities, (B, T, V), or what stands for them."""
    axis = 0 if "first_axis" in bugs else 1 if "over_places" in bugs else -1
    if bugs & {"narrow_softmax", "minus_infinity"}:
        scores = scores.index_fill(-1, torch.tensor(pad), -torch.inf)
    if "twice" in bugs:
        scores = scores.softmax(axis)
    if bugs & {"raw_scores", "no_log"}:
        return scores if "raw_scores" in bugs else scores.softmax(axis)
    floor = next((10.0**-n for n in (8, 9, 10, 12) if f"floor_{n}" in bugs), 0.0)
    logs = (scores.softmax(axis) + floor).log() if floor or "log_zero" in bugs else scores.log_softmax(axis)
    return logs.index_fill(-1, torch.tensor(pad), 0.0) if "narrow_softmax" in bugs else logs
