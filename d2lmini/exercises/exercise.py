"""What an exercise is: a reference that can also make each classic mistake, the cases that tell them apart, and hints."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from d2lmini.i18n import Text
from d2lmini.trial import Case

Bugs = frozenset[str]
NONE: Bugs = frozenset()


@dataclass(frozen=True, kw_only=True, eq=False)
class Exercise:
    """An exercise is known by the name of what the reader writes: a function, or a variable when `given` is set.

    `model(*args, bugs=…, **kwargs)` is the reference; with names of `mistakes` in `bugs` it makes those mistakes. So one table
    both proves that the checks reject each mistake and names it to the reader.
    """

    name: str
    title: Text
    skill: Text
    level: int  # 1 to 3
    minutes: int
    points: int
    model: Callable[..., Any]
    cases: Callable[[int], list[Case]]  # of a seed
    mistakes: dict[str, Text]
    hints: tuple[Text, ...]
    given: Callable[[int], tuple] | None = None  # of a seed: the numbers of a question to answer with pen and paper
    tolerance: float = 1e-4


def exercise(
    *, title: Text, skill: Text, level: int, minutes: int, points: int, cases: Callable[[int], list[Case]],
    mistakes: dict[str, Text], hints: tuple[Text, ...], tolerance: float = 1e-4,
) -> Callable[[Callable[..., Any]], Exercise]:  # fmt: skip
    """Make a function the reference of an exercise that asks for a function of the same name."""

    def of(model: Callable[..., Any]) -> Exercise:
        return Exercise(
            name=model.__name__, title=title, skill=skill, level=level, minutes=minutes, points=points, model=model, cases=cases,
            mistakes=mistakes, hints=hints, tolerance=tolerance,
        )  # fmt: skip

    return of


def question(
    *, title: Text, skill: Text, level: int, minutes: int, points: int, given: Callable[[int], tuple],
    mistakes: dict[str, Text], hints: tuple[Text, ...], tolerance: float = 1e-2,
) -> Callable[[Callable[..., Any]], Exercise]:  # fmt: skip
    """Make a function of the given numbers the reference of a question: the reader writes its value, found with pen and paper."""

    def cases(seed: int) -> list[Case]:
        return [Case(Text("votre réponse", "your answer"), given(seed))]

    def of(model: Callable[..., Any]) -> Exercise:
        return Exercise(
            name=model.__name__, title=title, skill=skill, level=level, minutes=minutes, points=points, model=model, cases=cases,
            given=given, mistakes=mistakes, hints=hints, tolerance=tolerance,
        )  # fmt: skip

    return of


def normal(seed: int) -> Callable[..., Tensor]:
    """A source of independent normal numbers: `draw = normal(seed)`, then `draw(3, 5)`."""
    generator = torch.Generator().manual_seed(seed)
    return lambda *shape: torch.randn(shape, generator=generator)
