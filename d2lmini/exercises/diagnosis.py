"""Compare what a reader's code gave with the reference, and name the mistake. The reader's code never runs here."""

import itertools
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, Literal

import torch
from torch import Tensor

from d2lmini import trial
from d2lmini.exercises.exercise import NONE, Bugs, Exercise
from d2lmini.i18n import Text
from d2lmini.plain import kind, same
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
    "none": Text("`{name}` renvoie None : il manque sans doute un `return`.", "`{name}` returns None: a `return` is probably missing."),
    "raised": Text("`{name}` lève {error}{line} : {message}.", "`{name}` raises {error}{line}: {message}."),
    "line": Text(" à sa ligne {line}", " on its line {line}"),
    "type": Text("Il fallait {expected}, et `{name}` donne {got}.", "{expected} was expected, and `{name}` gives {got}."),
    "shape": Text("Il fallait la forme {expected}, et `{name}` donne {got}.", "Shape {expected} was expected, and `{name}` gives {got}."),
    "length": Text("Nombre de réponses attendu : {expected} ; reçu : {got}.", "Number of answers expected: {expected}; received: {got}."),
    "nan": Text(
        "Le résultat contient des NaN : 0/0, ∞ − ∞, ou un softmax dont toute la ligne vaut −∞.",
        "The result contains NaN: 0/0, ∞ − ∞, or a softmax whose whole row is −∞.",
    ),
    "value": Text("Le résultat n'est pas le bon.", "The result is not the right one."),
    "where": Text(
        " Premier écart, cas « {label} »{index} : attendu {expected}, obtenu {got}.",
        ' First gap, case "{label}"{index}: expected {expected}, got {got}.',
    ),
    "wrong_one": Text(" Réponse fausse : la {place}.", " Wrong answer: number {place}."),
    "index": Text(", indice {index}", ", index {index}"),
    "case": Text(" Cas « {label} ».", ' Case "{label}".'),
    "passed": Text(" Cas réussis : {passed} sur {n}.", " Cases passed: {passed} of {n}."),
}
KINDS = {
    "bool": Text("un tenseur de booléens", "a tensor of booleans"),
    "int": Text("un tenseur d'entiers", "a tensor of integers"),
    "float": Text("un tenseur de réels", "a tensor of floats"),
    "list": Text("une liste", "a list"),
    "dict": Text("un dictionnaire", "a dictionary"),
    "number": Text("un nombre", "a number"),
    "str": Text("un texte", "a text"),
    "None": Text("None", "None"),
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
    if all(outcome.error == "NotImplementedError" or outcome.value is ... for outcome in outcomes):
        return Verdict("todo", 0.0, (), MESSAGES["todo"].fill(name=exercise.name))
    outcomes = [_listed(outcome, reference) for outcome, reference in zip(outcomes, references, strict=True)]
    credits = [_credit(exercise, outcome, reference) for outcome, reference in zip(outcomes, references, strict=True)]
    score = sum(credits) / len(credits)
    if any(outcome.touched for outcome in outcomes):
        return Verdict("wrong", score / 2, ("touched",), MESSAGES["touched"].fill(name=exercise.name))
    if score == 1:
        text = MESSAGES["answered" if exercise.given else "right"].fill(name=exercise.name, n=len(outcomes))
        return Verdict("right", 1.0, (), text)
    where = _where(exercise, outcomes, references, credits, seed)
    for size in (1, 2):
        for bugs in itertools.combinations(exercise.mistakes, size):
            if _behaves(exercise, outcomes, frozenset(bugs), seed):
                what = Text(*(" ".join(getattr(exercise.mistakes[bug], language) for bug in bugs) for language in ("fr", "en")))
                return Verdict("wrong", score, bugs, what + where)
    worst = next(i for i, credit in enumerate(credits) if credit < 1)
    gap, what = _gap(exercise.name, outcomes[worst], references[worst].value)
    if gap != "value":
        label = exercise.cases(seed)[worst].label
        where = Text("", "") if exercise.given else MESSAGES["case"].fill(label=label)
    passed = MESSAGES["passed"].fill(passed=sum(credit == 1 for credit in credits), n=len(credits))
    return Verdict("wrong", score, (gap,), what + where + (Text("", "") if exercise.given else passed))


@cache
def behavior(exercise: Exercise, bugs: Bugs, seed: int) -> list[Outcome]:
    """What the reference gives on each case, with the mistakes named in `bugs`."""
    return trial.run(partial(exercise.model, bugs=bugs), exercise.cases(seed), trusted=True)


def _listed(outcome: Outcome, reference: Outcome) -> Outcome:
    """Where numbers in a list are asked for, a tensor of them will do."""
    if isinstance(reference.value, list) and isinstance(outcome.value, Tensor):
        return replace(outcome, value=outcome.value.tolist())
    return outcome


def _behaves(exercise: Exercise, outcomes: list[Outcome], bugs: Bugs, seed: int) -> bool:
    """Whether the answer does on every case what these mistakes do, errors included."""
    return all(
        outcome.error == model.error and (outcome.error != "" or same(outcome.value, model.value, exercise.tolerance))
        for outcome, model in zip(outcomes, behavior(exercise, bugs, seed), strict=True)
    )


def _credit(exercise: Exercise, outcome: Outcome, reference: Outcome) -> float:
    """1 for a right case; a list of answers earns its share of right ones."""
    if outcome.error:
        return 0.0
    got, expected = outcome.value, reference.value
    if exercise.given and isinstance(expected, list) and isinstance(got, list) and len(got) == len(expected):
        return sum(same(a, b, exercise.tolerance) for a, b in zip(got, expected, strict=True)) / len(expected)
    return float(same(got, expected, exercise.tolerance))


def _gap(name: str, outcome: Outcome, expected: Any) -> tuple[str, Text]:
    """What kind of gap separates an answer from the reference, and a sentence for it."""
    got = outcome.value
    if outcome.error:
        line = MESSAGES["line"].fill(line=outcome.line) if outcome.line else Text("", "")
        message = outcome.message.strip().rstrip(".") or "…"
        return "raised", MESSAGES["raised"].fill(name=name, error=outcome.error, line=line, message=message)
    if got is None:
        return "none", MESSAGES["none"].fill(name=name)
    if _type(got) != _type(expected):
        return "type", MESSAGES["type"].fill(name=name, expected=KINDS[_type(expected)], got=KINDS[_type(got)])
    if isinstance(expected, Tensor) and got.shape != expected.shape:
        return "shape", MESSAGES["shape"].fill(name=name, expected=tuple(expected.shape), got=tuple(got.shape))
    if isinstance(expected, list) and len(got) != len(expected):
        return "length", MESSAGES["length"].fill(expected=len(expected), got=len(got))
    if isinstance(expected, Tensor) and kind(expected) == "float" and got.isnan().any():
        return "nan", MESSAGES["nan"]
    return "value", MESSAGES["value"]


def _type(x: Any) -> str:
    if isinstance(x, Tensor):
        return kind(x) if x.ndim else "number"
    return "number" if isinstance(x, int | float) else type(x).__name__ if isinstance(x, list | dict | str) else "None"


def _where(exercise: Exercise, outcomes: list[Outcome], references: list[Outcome], credits: list[float], seed: int) -> Text:
    """The first place where an answer leaves the reference; for a question, only which answer is wrong."""
    worst = next(i for i, credit in enumerate(credits) if credit < 1)
    got, expected = outcomes[worst].value, references[worst].value
    if exercise.given:
        if isinstance(expected, list) and isinstance(got, list) and len(got) == len(expected) > 1:
            n = next(n for n, (a, b) in enumerate(zip(got, expected, strict=True), 1) if not same(a, b, exercise.tolerance))
            return MESSAGES["wrong_one"].fill(place=Text("1re" if n == 1 else f"{n}e", str(n)))
        return Text("", "")
    label = exercise.cases(seed)[worst].label
    if isinstance(expected, Tensor) and isinstance(got, Tensor) and got.shape == expected.shape and expected.numel():
        gap = ~torch.isclose(got.double(), expected.double(), rtol=exercise.tolerance, atol=exercise.tolerance, equal_nan=True)
        place = tuple(int(i) for i in gap.nonzero()[0]) if gap.any() else (0,) * expected.ndim
        index = MESSAGES["index"].fill(index=f"[{', '.join(str(i) for i in place)}]") if expected.ndim else Text("", "")
        return MESSAGES["where"].fill(label=label, index=index, expected=_told(expected[place]), got=_told(got[place]))
    if outcomes[worst].error or _type(got) != _type(expected) or isinstance(expected, Tensor):
        return MESSAGES["case"].fill(label=label)
    return MESSAGES["where"].fill(label=label, index=Text("", ""), expected=_told(expected), got=_told(got))


def _told(x: Any) -> Text:
    """A value as each language writes it, short."""
    if isinstance(x, Tensor) and x.ndim == 0:
        x = x.item()
    if isinstance(x, bool) or not isinstance(x, int | float):
        text = str(x.tolist() if isinstance(x, Tensor) else x)
        return Text(*[text if len(text) <= 80 else text[:79] + "…"] * 2)
    text = f"{x:.4g}" if isinstance(x, float) else str(x)
    text = text.replace("-", "−").replace("inf", "∞")
    return Text(text.replace(".", ","), text)
