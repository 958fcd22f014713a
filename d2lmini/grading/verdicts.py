"""From what came out of the sandbox to a verdict: the diagnosis of the exercises, or why there is nothing to diagnose."""

import re
import unicodedata
from typing import Any

from d2lmini.exercises.diagnosis import Verdict, diagnose
from d2lmini.exercises.exercise import Exercise
from d2lmini.grading.workers import Reply
from d2lmini.i18n import Text
from d2lmini.trial import Outcome

FAILURES = {
    "missing": Text("`{name}` n'est pas défini dans le notebook.", "`{name}` is not defined in the notebook."),
    "syntax": Text(
        "Erreur de syntaxe à la ligne {line} de la cellule qui définit `{name}` : {message}.",
        "Syntax error on line {line} of the cell that defines `{name}`: {message}.",
    ),
    "cell": Text(
        "La cellule qui définit `{name}` lève {error} : {message}.",
        "The cell that defines `{name}` raises {error}: {message}.",
    ),
    "not_function": Text(
        "`{name}` n'est pas une fonction mais un objet de type {type} : un autre nom l'a sans doute recouverte.",
        "`{name}` is not a function but an object of type {type}: it was probably overwritten.",
    ),
    "late": Text(
        "La cellule qui définit `{name}` ne finit pas à temps : boucle infinie ?",
        "The cell that defines `{name}` does not end in time: an endless loop?",
    ),
    "time": Text("`{name}` ne finit pas à temps : boucle infinie ?", "`{name}` does not end in time: an endless loop?"),
    "memory": Text("`{name}` demande trop de mémoire.", "`{name}` asks for too much memory."),
    "signal": Text("`{name}` arrête Python brutalement (signal {number}).", "`{name}` stops Python abruptly (signal {number})."),
    "exit": Text(
        "`{name}` met fin au programme au lieu de renvoyer un résultat.", "`{name}` ends the program instead of returning a result."
    ),
    "flooded": Text("`{name}` renvoie bien trop de données.", "`{name}` returns far too much data."),
    "garbled": Text("La réponse de `{name}` n'est pas lisible.", "The answer of `{name}` can't be read."),
    "lost": Text(
        "Le correcteur a perdu ce programme en route : relancez la correction.", "The grader lost this program on its way: grade again."
    ),
}
UNREADABLE = {
    "empty": Text("Le fichier est vide.", "The file is empty."),
    "json": Text("Le fichier n'est pas un notebook : son JSON est abîmé.", "The file is not a notebook: its JSON is broken."),
    "not_notebook": Text("Le fichier est du JSON, mais pas un notebook.", "The file is JSON, but not a notebook."),
    "heavy": Text("Le fichier est trop gros pour un notebook.", "The file is too big for a notebook."),
    "outside": Text("Un lien qui mène hors du dossier : il n'est pas suivi.", "A link that leads out of the folder: it is not followed."),
    "denied": Text("Le fichier ne peut pas être lu.", "The file can't be read."),
    "lost": Text("Le correcteur n'a pas pu lire le fichier.", "The grader could not read the file."),
}
OUT_OF_MEMORY = re.compile(r"t allocate memory|bad_alloc|not enough memory")
OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069]")  # they make a text read in another order than it is written


def failure(exercise: Exercise, code: str, **fields: Any) -> Verdict:
    """The verdict when there is no result to compare."""
    state = "missing" if code == "missing" else "wrong"
    text = FAILURES[code].fill(name=exercise.name, **{key: clean(str(value)).rstrip(".") for key, value in fields.items()})
    return Verdict(state, 0.0, () if code == "missing" else (code,), text)  # type: ignore[arg-type]


def verdict(exercise: Exercise, reply: Reply, seed: int) -> Verdict:
    """The verdict on one exercise, of the sandbox's reply."""
    if reply.how == "lost":
        return failure(exercise, "lost")
    if reply.data is None:
        return _silent(exercise, reply)
    try:
        note, outcomes = list(reply.data["note"]), [_outcome(*fields) for fields in reply.data["outcomes"]]
        if not outcomes:
            return _noted(exercise, note)
        if all(outcome.error == "MemoryError" or OUT_OF_MEMORY.search(outcome.message) for outcome in outcomes):
            return failure(exercise, "memory")
        return diagnose(exercise, outcomes, seed)
    except Exception:  # a student may have written these data by hand
        return failure(exercise, "garbled")


def _silent(exercise: Exercise, reply: Reply) -> Verdict:
    if reply.how != "ended":
        return failure(exercise, "time" if reply.how == "late" else "flooded")
    if reply.code < 0:
        return failure(exercise, "signal", number=-reply.code)
    return failure(exercise, "garbled" if reply.garbled else "exit")


def _noted(exercise: Exercise, note: list[Any]) -> Verdict:
    code, *rest = note or ["missing"]
    if code in ("lost", "signal", "flooded", "time"):  # what only the grader says
        code, rest = "garbled", []
    names = {"syntax": ("line", "message"), "cell": ("error", "message"), "not_function": ("type",)}.get(code, ())
    return failure(exercise, code, **dict(zip(names, rest, strict=False)))


def _outcome(value: Any, error: Any, message: Any, line: Any, touched: Any) -> Outcome:
    """An outcome made of nothing but its kinds, texts cleaned."""
    if not isinstance(line, int) or abs(line) > 10**6:
        line = 0
    return Outcome(value=value, error=clean(str(error))[:80], message=clean(str(message))[:300], line=line, touched=touched is True)


def clean(text: str) -> str:
    """A text of a stranger that can be written anywhere: no half characters, no control characters, no reversed reading.

    >>> clean("a\\x00b\\ud800c\\n")
    'ab?c\\n'
    """
    whole = OVERRIDES.sub("", text.encode("utf8", "replace").decode("utf8"))
    return "".join(letter for letter in whole if letter in "\n\t" or unicodedata.category(letter) != "Cc")
