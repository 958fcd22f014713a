"""What a reader calls in a notebook: `check`, `hint`, `check_all`, `given`. Each prints or returns; none raises on a wrong answer."""

import difflib
import sys
import zlib
from typing import Any

import torch

from d2lmini import trial
from d2lmini.exercises.diagnosis import MESSAGES, Verdict, diagnose
from d2lmini.exercises.exercise import Exercise
from d2lmini.exercises.sets import EXERCISES, SETS
from d2lmini.i18n import Text, t

MARKS = {"right": "✅", "wrong": "❌", "todo": "⏳", "missing": "⏳"}
_shown: dict[str, int] = {}  # how many hints of each exercise the reader has seen


def check(name: str, answer: Any = None) -> None:
    """Say whether the reader's `name` is right, or which mistake it makes.

    Without `answer`, it is looked up in the notebook.
    """
    verdict = judge(find(name), answer)
    print(f"{MARKS[verdict.state]} {verdict.text}")


def judge(exercise: Exercise, answer: Any = None, seed: int | None = None) -> Verdict:
    """The verdict on an answer, or on the notebook's variable of that name."""
    here = vars(sys.modules["__main__"])
    answer = here.get(exercise.name) if answer is None else answer
    if answer is None or (exercise.given is None and answer is not ... and not callable(answer)):
        return Verdict("missing", 0.0, (), MESSAGES["missing"].fill(name=exercise.name))
    if seed is None:
        seed = seed_of(str(here.get("student", ""))) if exercise.given else 0
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # two threads on tensors this small only wait for each other
    try:
        return diagnose(exercise, trial.run(answer, exercise.cases(seed)), seed)
    finally:
        torch.set_num_threads(threads)


def earned(name: str) -> float:
    """The points that the notebook's answer earns, out of the exercise's: what a grading system reads."""
    exercise = find(name)
    return round(judge(exercise).score * exercise.points, 2)


def hint(name: str) -> None:
    """Print one more hint at each call, the first ones again included."""
    exercise = find(name)
    n = _shown[name] = min(_shown.get(name, 0) + 1, len(exercise.hints))
    for place, text in enumerate(exercise.hints[:n], 1):
        print(f"💡 {place}/{len(exercise.hints)} {text}")


def check_all(which: str) -> None:
    """The state of each exercise of a set, and how far the reader is."""
    if which not in SETS:
        raise ValueError(_unknown("set", which, list(SETS)))
    verdicts = [(exercise, judge(exercise)) for exercise in SETS[which]]
    for exercise, verdict in verdicts:
        print(f"{MARKS[verdict.state]} `{exercise.name}` · {exercise.title}" if verdict.state != "wrong" else f"❌ {verdict.text}")
    done = sum(verdict.state == "right" for _, verdict in verdicts)
    earned = sum(verdict.score * exercise.points for exercise, verdict in verdicts)
    points = sum(exercise.points for exercise, _ in verdicts)
    bar = "█" * done + "░" * (len(verdicts) - done)
    told = Text(f"{earned:.1f}".replace(".", ","), f"{earned:.1f}")
    print(f"{bar} {t('{} sur {} · {} points sur {}', '{} of {} · {} points of {}').format(done, len(verdicts), told, points)}")


def given(name: str, student: str = "") -> Any:
    """The numbers of a question: the same for everyone, or each student's own when a name is given."""
    exercise = find(name)
    if exercise.given is None:
        raise ValueError(f"{name!r} asks for a function and gives no numbers; write the function, then check({name!r}).")
    numbers = exercise.given(seed_of(student))
    return numbers[0] if len(numbers) == 1 else numbers


def seed_of(student: str) -> int:
    """A seed that is a name's own, the same on every machine; 0 for no name."""
    return zlib.crc32(" ".join(student.casefold().split()).encode()) if student.strip() else 0


def find(name: str) -> Exercise:
    """The exercise of that name; `ValueError` with the nearest names when there is none."""
    if name not in EXERCISES:
        raise ValueError(_unknown("exercise", name, list(EXERCISES)))
    return EXERCISES[name]


def _unknown(what: str, name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"no {what} is called {name!r}; " + (f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}.")
