"""The exercise on filling a hole with an ordinary decoder, by trying every word, for the set of chapter 11."""

from typing import Any

import torch
from torch import Tensor, fx, nn

from d2lmini.exercises.exercise import NONE, Bugs, exercise, normal
from d2lmini.i18n import Text
from d2lmini.trial import Case


class _Decoder(nn.Module):
    """Scores of the next token, from the tokens so far: a small network of random weights, which forgets slowly."""

    def __init__(self, V: int, T: int, heat: float, seed: int) -> None:
        super().__init__()
        draw, age = normal(seed), torch.arange(T)[:, None] - torch.arange(T)
        parts = draw(V, 16), heat * draw(16, V), (0.6 ** age.clamp(min=0)).tril()
        self.table, self.output, self.memory = (nn.Parameter(x, requires_grad=False) for x in parts)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) → (B, T, V)."""
        n = tokens.shape[1]
        return (self.memory[:n, :n] @ self.table[tokens]).tanh() @ self.output


def _decoder(V: int, T: int, heat: float, seed: int) -> Any:
    """A model (tokens) → scores, traced so that only torch's own parts enter the sandbox."""
    return fx.symbolic_trace(_Decoder(V, T, heat, seed)).forward  # not the module itself, which prints its errors


def _hole_cases(seed: int) -> list[Case]:
    generator = torch.Generator().manual_seed(seed)

    def case(fr: str, en: str, V: int, T: int, place: int, heat: float) -> Case:
        tokens = torch.randint(V, (T,), generator=generator)
        return Case(Text(fr, en), (_decoder(V, T, heat, seed), tokens, place))

    return [
        case("6 jetons, un trou au milieu", "6 tokens, a hole in the middle", 5, 6, 3, 0.3),
        case("le premier mot manque", "the first word is missing", 7, 5, 1, 0.3),
        case("le dernier mot manque", "the last word is missing", 3, 4, 3, 0.3),
        case("autant de jetons que de mots", "as many tokens as words", 6, 6, 2, 0.4),
        case("un texte de 300 jetons", "a text of 300 tokens", 4, 300, 120, 0.3),
    ]


@exercise(
    title=Text("Un décodeur qui regarde à droite", "A decoder that looks to the right"),
    skill=Text(
        "remplir un trou par la règle de la chaîne, sans changer le modèle", "fill a hole by the chain rule, with the model unchanged"
    ),
    level=3,
    minutes=25,
    points=5,
    cases=_hole_cases,
    tolerance=1e-3,
    mistakes={
        "left_only": Text(
            "Vous ne lisez que la gauche du trou : c'est la réponse d'un décodeur ordinaire. Les mots de droite dépendent aussi de celui qui manque.",
            "You read only what stands left of the hole: this is the answer of an ordinary decoder. The words on the right depend on the missing one too.",
        ),
        "right_only": Text(
            "Vous ne notez que la suite : la probabilité du mot lui-même, sachant la gauche, compte aussi.",
            "You rate only what follows: the probability of the word itself, given the left, counts too.",
        ),
        "next_only": Text(
            "Vous vous arrêtez au mot qui suit le trou : tous ceux qui viennent après ont lu le mot essayé, ils comptent aussi.",
            "You stop at the word after the hole: all those that come later have read the word on trial, they count too.",
        ),
        "last_lost": Text(
            "Il manque la probabilité du dernier jeton : seule la dernière ligne de scores, qui devine l'après, ne sert pas.",
            "The probability of the last token is missing: only the last row of scores, which guesses what comes after, is of no use.",
        ),
        "no_shift": Text(
            "Vous notez chaque jeton avec la ligne où il vient d'être lu : la ligne i note le jeton i + 1.",
            "You rate each token with the row where it has just been read: row i rates token i + 1.",
        ),
        "mean": Text(
            "Vous faites la moyenne des logarithmes avant le softmax : il faut leur somme, sinon les écarts entre les mots sont aplatis.",
            "You average the logarithms before the softmax: their sum is needed, or the gaps between words are flattened.",
        ),
        "raw": Text(
            "Vous additionnez les scores eux-mêmes : ce ne sont pas des logarithmes de probabilités.",
            "You add up the scores themselves: they are not logarithms of probabilities.",
        ),
        "added": Text(
            "Vous additionnez les probabilités du texte : elles se multiplient, ce sont leurs logarithmes qui s'additionnent.",
            "You add up the probabilities of the text: they multiply, and their logarithms are what adds up.",
        ),
        "underflow": Text(
            "Vous multipliez les probabilités : sur un long texte, tous les produits s'arrondissent à 0. Additionnez les logarithmes.",
            "You multiply the probabilities: over a long text all the products round to 0. Add up the logarithms.",
        ),
        "logs": Text(
            "Vous rendez les logarithmes des textes entiers : il faut encore en faire des probabilités du mot, de somme 1.",
            "You return the logarithms of the whole texts: turn them into probabilities of the word, which sum to 1.",
        ),
        "not_shared": Text(
            "Vous rendez la probabilité du texte entier pour chaque mot : le trou est rempli à coup sûr, la somme sur les mots vaut 1.",
            "You return the probability of the whole text for each word: the hole is filled for sure, so the sum over the words is 1.",
        ),
        "over_texts": Text(
            "Un softmax porte sur les essais plutôt que sur le vocabulaire : dans chaque essai, chaque ligne de scores a le sien.",
            "A softmax runs over the trials instead of the vocabulary: in each trial, each row of scores has its own.",
        ),
        "best": Text(
            "Vous rendez le meilleur mot : il faut la probabilité de chacun.",
            "You return the best word: the probability of each is needed.",
        ),
        "place_before": Text(
            "Vous essayez les mots une place trop tôt : `place` compte le signe de début, qui est à 0.",
            "You try the words one place too early: `place` counts the start sign, which is at 0.",
        ),
    },
    hints=(
        Text(
            "Le modèle sait dire combien un texte entier est probable. Combien de textes entiers sont possibles ici ?",
            "The model can tell how likely a whole text is. How many whole texts are possible here?",
        ),
        Text(
            "`tokens.repeat(V, 1)` donne V copies du texte, un lot que le modèle lit d'un coup. V est le dernier axe des scores.",
            "`tokens.repeat(V, 1)` gives V copies of the text, a batch that the model reads at one go. V is the last axis of the scores.",
        ),
        Text(
            "P(mot | gauche, droite) est proportionnel à P(gauche, mot, droite). Un softmax sur les V logarithmes fait la division.",
            "P(word | left, right) is proportional to P(left, word, right). A softmax over the V logarithms does the division.",
        ),
    ),
)
def hole_probabilities(model: nn.Module, tokens: Tensor, place: int, *, bugs: Bugs = NONE) -> Tensor | int:
    scores = model(tokens[None])
    V, place = scores.shape[-1], place - ("place_before" in bugs)
    if "left_only" in bugs:
        return scores[0, place - 1].softmax(-1)
    tries = tokens.repeat(V, 1)
    tries[:, place] = torch.arange(V)
    logs = _logs(model(tries), bugs)
    rows, guessed = (logs, tries) if "no_shift" in bugs else (logs[:, :-1], tries[:, 1:])
    own = rows.gather(-1, guessed[..., None])[..., 0]
    first = place if "right_only" in bugs else 0
    last = place + 1 if "next_only" in bugs else own.shape[1] - ("last_lost" in bugs)
    own = own[:, first:last]
    totals = own.mean(1) if "mean" in bugs else own.sum(1)
    if bugs & {"logs", "not_shared"}:
        return totals if "logs" in bugs else totals.exp()
    if bugs & {"added", "underflow"}:
        chances = own.exp().sum(1) if "added" in bugs else own.exp().prod(1)
        return chances / chances.sum()
    return int(totals.argmax()) if "best" in bugs else totals.softmax(0)


def _logs(scores: Tensor, bugs: Bugs) -> Tensor:
    return scores if "raw" in bugs else scores.log_softmax(0 if "over_texts" in bugs else -1)
