"""The source of an exercise set: comments in both languages, answers to take out, facts and mistakes from the bank."""

import re

from d2lmini.i18n import LANGUAGES, Language

TAG = "solution"  # prose that only the solved notebook has
SUFFIX = "_exercises"  # 02_attention_exercises: the page of the set of 02_attention
ANSWER = re.compile(r"^(?P<indent>[ \t]*)### BEGIN SOLUTION\n(?P<answer>.*?)^[ \t]*### END SOLUTION(?:\n|\Z)", re.M | re.S)
YOURS = {"fr": "à vous", "en": "your turn"}
NAMED = {"fr": "Les erreurs que la vérification reconnaît", "en": "The mistakes that the check recognizes"}
HEADING = re.compile(r"^## \{exercise\}`(\w+)`", re.M)


def code(text: str, language: Language, unsolved: bool = False) -> str:
    """A code cell with its comments `#: fr | en` in one language, and with its answer or a stub."""
    text = comments(text, language)
    if unsolved:
        text = ANSWER.sub(lambda match: _stub(match["indent"], match["answer"], language), text)
    return re.sub(r"^[ \t]*### (?:BEGIN|END) SOLUTION(?:\n|\Z)", "", text, flags=re.M).rstrip("\n")


def comments(text: str, language: Language) -> str:
    """A code cell with its comments `#: fr | en` in one language."""
    return re.sub(r"#: (.*?) \| (.*)", lambda match: "# " + match[1 + LANGUAGES.index(language)], text)


def _stub(indent: str, answer: str, language: Language) -> str:
    """What stands in an answer's place: an error that the checks know inside a function, `name = ...` outside."""
    if indent:
        return f"{indent}raise NotImplementedError  # {YOURS[language]}\n"
    names = dict.fromkeys(re.findall(r"^(\w+) = ", answer, re.M))
    return "".join(f"{name} = ...  # {YOURS[language]}\n" for name in [*names][-1:])


def is_answer(text: str) -> bool:
    """Whether a code cell holds an answer."""
    return ANSWER.search(text) is not None


def expand(text: str, language: Language) -> str:
    """`## {exercise}`name`` → its number, title and facts; `{mistakes}`name`` → what the checks say of each mistake.

    Raises `ValueError` on a name that the bank doesn't know.
    """
    text = HEADING.sub(lambda match: _heading(match[1], language), text)
    return re.sub(r"^\{mistakes\}`(\w+)`", lambda match: _mistakes(match[1], language), text, flags=re.M)


def hints(text: str, language: Language) -> list[str]:
    """The hints of the exercise whose heading a prose cell holds, if it holds one."""
    name = HEADING.search(text)
    return [getattr(hint, language) for hint in _find(name[1]).hints] if name else []


def _heading(name: str, language: Language) -> str:
    from d2lmini.exercises.sets import SETS

    exercise = _find(name)
    place = next(exercises.index(exercise) for exercises in SETS.values() if exercise in exercises) + 1
    stars = "★" * exercise.level + "☆" * (3 - exercise.level)
    facts = [stars, f"{exercise.minutes} min", f"{exercise.points} point{'s' * (exercise.points > 1)}", getattr(exercise.skill, language)]
    return f"## {place}. {getattr(exercise.title, language)}\n\n*{' · '.join(facts)}*"


def _mistakes(name: str, language: Language) -> str:
    told = "\n".join(dict.fromkeys(f"- {getattr(text, language)}" for text in _find(name).mistakes.values()))
    return f"<details>\n<summary>{NAMED[language]}</summary>\n\n{told}\n\n</details>"


def _find(name: str):  # type: ignore[no-untyped-def]
    from d2lmini.exercises.notebook import find  # brings torch: for sets only

    return find(name)
