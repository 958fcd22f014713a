"""The first place where an answer leaves the reference, and the words for it when no known mistake explains it."""

from typing import Any

import torch
from torch import Tensor

from d2lmini.exercises.exercise import Exercise
from d2lmini.i18n import Text
from d2lmini.plain import kind, same
from d2lmini.trial import Outcome

NOTHING = Text("", "")
MESSAGES = {
    "none": Text("`{name}` renvoie None : il manque sans doute un `return`.", "`{name}` returns None: a `return` is probably missing."),
    "raised": Text("`{name}` lève {error}{line} : `{message}`.", "`{name}` raises {error}{line}: `{message}`."),
    "line": Text(" à sa ligne {line}", " on its line {line}"),
    "type": Text("`{name}` doit donner {expected}, et donne {got}.", "`{name}` should give {expected}, and gives {got}."),
    "shape": Text("Il fallait la forme {expected}, et `{name}` donne {got}.", "Shape {expected} was expected, and `{name}` gives {got}."),
    "length": Text("`{name}` compte {got} éléments ; il en faut {expected}.", "`{name}` holds {got} items; {expected} are needed."),
    "nan": Text(
        "Le résultat contient des NaN : 0/0, ∞ − ∞, ou un softmax dont toute la ligne vaut −∞.",
        "The result contains NaN: 0/0, ∞ − ∞, or a softmax whose whole row is −∞.",
    ),
    "value": Text("Le résultat n'est pas le bon.", "The result is not the right one."),
    "where": Text(
        " Premier écart, cas « {label} »{place} : attendu {expected}, obtenu {got}.",
        ' First gap, case "{label}"{place}: expected {expected}, got {got}.',
    ),
    "wrong_one": Text(" Réponse fausse : la {place}.", " Wrong answer: number {place}."),
    "item": Text(", résultat {n}", ", result {n}"),
    "index": Text(", indice {index}", ", index {index}"),
    "case": Text(" Cas « {label} »{place}.", ' Case "{label}"{place}.'),
}
KINDS = {
    "bool": Text("un tenseur de booléens", "a tensor of booleans"),
    "int": Text("un tenseur d'entiers", "a tensor of integers"),
    "float": Text("un tenseur de réels", "a tensor of floats"),
    "list": Text("une liste ou un tuple", "a list or a tuple"),
    "dict": Text("un dictionnaire", "a dictionary"),
    "number": Text("un nombre", "a number"),
    "str": Text("un texte", "a text"),
    "None": Text("None", "None"),
}


def what(exercise: Exercise, outcome: Outcome, expected: Any) -> tuple[str, Text]:
    """What kind of gap separates an answer from the reference, and a sentence for it."""
    name = exercise.name
    if outcome.error:
        line = MESSAGES["line"].fill(line=outcome.line) if outcome.line else NOTHING
        message = outcome.message.strip().replace("`", "'").rstrip(".") or "…"
        return "raised", MESSAGES["raised"].fill(name=name, error=outcome.error, line=line, message=message)
    if outcome.value is None:
        return "none", MESSAGES["none"].fill(name=name)
    _, got, expected = _descend(outcome.value, expected, exercise.tolerance)
    if _type(got) != _type(expected):
        return "type", MESSAGES["type"].fill(name=name, expected=KINDS[_type(expected)], got=KINDS[_type(got)])
    if isinstance(expected, Tensor) and got.shape != expected.shape:
        return "shape", MESSAGES["shape"].fill(name=name, expected=tuple(expected.shape), got=tuple(got.shape))
    if isinstance(expected, list) and len(got) != len(expected):
        return "length", MESSAGES["length"].fill(name=name, expected=len(expected), got=len(got))
    if isinstance(expected, Tensor) and kind(expected) == "float" and got.isnan().any():
        return "nan", MESSAGES["nan"]
    return "value", MESSAGES["value"]


def where(exercise: Exercise, outcome: Outcome, expected: Any, label: Text) -> Text:
    """The case, the place in it, what was expected there and what came; for a question, only which answer is wrong."""
    got, tolerance = outcome.value, exercise.tolerance
    if exercise.given:
        if isinstance(expected, list) and isinstance(got, list) and len(got) == len(expected) > 1:
            n = _first(got, expected, tolerance)
            return MESSAGES["wrong_one"].fill(place=Text("1re" if n == 1 else f"{n}e", str(n)))
        return NOTHING
    place, got, expected = _descend(got, expected, tolerance)
    if outcome.error or _type(got) != _type(expected):
        return MESSAGES["case"].fill(label=label, place=place)
    if isinstance(expected, Tensor):
        if got.shape != expected.shape or not expected.numel():
            return MESSAGES["case"].fill(label=label, place=place)
        gap = ~torch.isclose(got.double(), expected.double(), rtol=tolerance, atol=tolerance, equal_nan=True)
        index = tuple(int(i) for i in gap.nonzero()[0]) if gap.any() else (0,) * expected.ndim
        place += MESSAGES["index"].fill(index=f"[{', '.join(str(i) for i in index)}]") if expected.ndim else NOTHING
        got, expected = got[index], expected[index]
    return MESSAGES["where"].fill(label=label, place=place, expected=_told(expected), got=_told(got))


def _descend(got: Any, expected: Any, tolerance: float) -> tuple[Text, Any, Any]:
    """Into lists of tensors or of lists, down to the first items that differ: where they are, and both."""
    place = NOTHING
    while (
        isinstance(expected, list) and isinstance(got, list) and len(got) == len(expected)
        and any(isinstance(item, Tensor | list) for item in expected) and not same(got, expected, tolerance)
    ):  # fmt: skip
        n = _first(got, expected, tolerance)
        place += MESSAGES["item"].fill(n=n)
        got, expected = got[n - 1], expected[n - 1]
    return place, got, expected


def _first(got: list, expected: list, tolerance: float) -> int:
    """Which item is the first to differ, counted from 1."""
    return next(n for n, (a, b) in enumerate(zip(got, expected, strict=True), 1) if not same(a, b, tolerance))


def _type(x: Any) -> str:
    if isinstance(x, Tensor):
        return kind(x) if x.ndim else "number"
    return "number" if isinstance(x, int | float) else type(x).__name__ if isinstance(x, list | dict | str) else "None"


def _short(x: Any) -> Any:
    """The beginning of a value, tensors as lists: enough for a line."""
    if isinstance(x, Tensor):
        return x.reshape(-1)[:80].tolist()
    return [_short(item) for item in x[:80]] if isinstance(x, list) else x


def _told(x: Any) -> Text:
    """A value as each language writes it, short."""
    if isinstance(x, Tensor) and x.ndim == 0:
        x = x.item()
    if isinstance(x, bool) or not isinstance(x, int | float):
        text = str(_short(x))
        return Text(*[text if len(text) <= 80 else text[:79] + "…"] * 2)
    text = f"{x:.4g}" if isinstance(x, float) else str(x)[:80]
    text = text.replace("-", "−").replace("inf", "∞")
    return Text(text.replace(".", ","), text)
