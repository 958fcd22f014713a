"""Compare what a reader's code gave with the reference, and name the mistake. The reader's code never runs here."""

import itertools
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Literal

from torch import Tensor

from d2lmini import trial
from d2lmini.exercises import gaps
from d2lmini.exercises.exercise import NONE, Bugs, Exercise
from d2lmini.i18n import Text
from d2lmini.plain import same
from d2lmini.trial import Outcome

State = Literal["right", "wrong", "todo", "missing"]

MESSAGES = {
    "right": Text("Bravo, `{name}` est juste ({n} cas).", "Well done, `{name}` is right ({n} cases)."),
    "answered": Text("Bravo, c'est juste.", "Well done, that is right."),
    "todo": Text("`{name}` : pas encore fait.", "`{name}`: not done yet."),
    "missing": Text("`{name}` n'existe pas encore : exécutez d'abord sa cellule.", "`{name}` does not exist yet: run its cell first."),
    "touched": Text(
        "`{name}` modifie ses arguments : qui l'appelle retrouve ses données changées. Travaillez sur une copie.",
        "`{name}` changes its arguments: whoever calls it finds its data changed. Work on a copy.",
    ),
    "passed": Text(" Cas réussis : {passed} sur {n}.", " Cases passed: {passed} of {n}."),
}


@dataclass(frozen=True)
class Verdict:
    """What the check concludes: the share of the points earned, and the mistakes by name (or the kind of gap, as `shape`)."""

    state: State
    score: float
    mistakes: tuple[str, ...]
    text: Text


def diagnose(exercise: Exercise, outcomes: list[Outcome], seed: int = 0) -> Verdict:
    """Name what went wrong: one mistake, else two together, else the first gap between the answer and the reference."""
    references = behavior(exercise, NONE, seed)
    if all((outcome.error == "NotImplementedError" and not outcome.message) or outcome.value is ... for outcome in outcomes):
        return Verdict("todo", 0.0, (), MESSAGES["todo"].fill(name=exercise.name))
    outcomes = [_listed(outcome, reference) for outcome, reference in zip(outcomes, references, strict=True)]
    credits = [_credit(exercise, outcome, reference) for outcome, reference in zip(outcomes, references, strict=True)]
    score = sum(credits) / len(credits)
    if any(outcome.touched for outcome in outcomes):
        return Verdict("wrong", score / 2, ("touched",), MESSAGES["touched"].fill(name=exercise.name))
    if score == 1:
        text = MESSAGES["answered" if exercise.given else "right"].fill(name=exercise.name, n=len(outcomes))
        return Verdict("right", 1.0, (), text)
    worst = next(i for i, credit in enumerate(credits) if credit < 1)
    where = gaps.where(exercise, outcomes[worst], references[worst].value, exercise.cases(seed)[worst].label)
    for size in (1, 2):
        for bugs in itertools.combinations(exercise.mistakes, size):
            if _behaves(exercise, outcomes, frozenset(bugs), seed):
                what = Text(*(" ".join(getattr(exercise.mistakes[bug], language) for bug in bugs) for language in ("fr", "en")))
                return Verdict("wrong", score, bugs, what + where)
    gap, what = gaps.what(exercise, outcomes[worst], references[worst].value)
    passed = MESSAGES["passed"].fill(passed=sum(credit == 1 for credit in credits), n=len(credits))
    return Verdict("wrong", score, (gap,), what + where + (gaps.NOTHING if exercise.given else passed))


@cache
def behavior(exercise: Exercise, bugs: Bugs, seed: int) -> list[Outcome]:
    """What the reference gives on each case, with the mistakes named in `bugs`."""
    return trial.run(partial(exercise.model, bugs=bugs), exercise.cases(seed), trusted=True)


def _listed(outcome: Outcome, reference: Outcome) -> Outcome:
    """Where numbers in a list are asked for, a tensor of them will do."""
    numbers = isinstance(reference.value, list) and not any(isinstance(item, Tensor) for item in reference.value)
    if numbers and isinstance(outcome.value, Tensor) and outcome.value.ndim == 1:
        return replace(outcome, value=outcome.value.tolist())
    return outcome


def _behaves(exercise: Exercise, outcomes: list[Outcome], bugs: Bugs, seed: int) -> bool:
    """Whether the answer does on every case what these mistakes do, errors included; if all are errors, their words count too."""
    pairs = [*zip(outcomes, behavior(exercise, bugs, seed), strict=True)]
    mute = all(outcome.error for outcome in outcomes)
    return all(
        outcome.error == model.error
        and ((outcome.message == model.message or not mute) if outcome.error else same(outcome.value, model.value, exercise.tolerance))
        for outcome, model in pairs
    )


def _credit(exercise: Exercise, outcome: Outcome, reference: Outcome) -> float:
    """1 for a right case; a list of answers earns its share of right ones."""
    if outcome.error:
        return 0.0
    got, expected = outcome.value, reference.value
    if exercise.given and isinstance(expected, list) and isinstance(got, list) and len(got) == len(expected):
        return sum(same(a, b, exercise.tolerance) for a, b in zip(got, expected, strict=True)) / len(expected)
    return float(same(got, expected, exercise.tolerance))
