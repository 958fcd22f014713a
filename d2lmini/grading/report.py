"""What the teacher takes away: a table of grades that opens in a spreadsheet, and the figures of the class."""

import csv
import io
from collections import Counter
from dataclasses import dataclass

from d2lmini.exercises.sets import EXERCISES
from d2lmini.grading.records import Record
from d2lmini.grading.similarity import Pair, pairs
from d2lmini.grading.verdicts import FAILURES
from d2lmini.i18n import Language, Text

COLUMNS = {
    "who": Text("étudiant", "student"),
    "name": Text("nom dans le notebook", "name in the notebook"),
    "total": Text("total", "total"),
    "maximum": Text("sur", "out of"),
    "percent": Text("%", "%"),
    "mistakes": Text("erreurs", "mistakes"),
    "remark": Text("remarque", "remark"),
    "similar": Text("ressemble à", "similar to"),
}
GAPS = {
    "touched": Text("Les arguments sont modifiés.", "The arguments are changed."),
    "none": Text("La fonction ne renvoie rien.", "The function returns nothing."),
    "raised": Text("La fonction lève une erreur.", "The function raises an error."),
    "type": Text("Le résultat n'est pas du bon type.", "The result is not of the right type."),
    "shape": Text("Le résultat n'a pas la bonne forme.", "The result does not have the right shape."),
    "length": Text("Il n'y a pas le bon nombre de réponses.", "There is not the right number of answers."),
    "nan": Text("Le résultat contient des NaN.", "The result contains NaN."),
    "value": Text("Le résultat est faux, sans erreur reconnue.", "The result is wrong, with no mistake recognized."),
}
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True)
class Class:
    """All the records, in order, and the pairs that look alike."""

    records: list[Record]
    alike: list[Pair]

    @property
    def exercises(self) -> list[str]:
        """The exercises' names, in the order of the sets."""
        names = {mark.name for record in self.records for mark in record.marks}
        return [name for name in EXERCISES if name in names]

    def mistakes(self) -> list[tuple[str, str, int]]:
        """Each mistake with its exercise and how many made it, the commonest first."""
        counts = Counter((mark.name, code) for record in self.records for mark in record.marks for code in mark.mistakes)
        return [(name, code, n) for (name, code), n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]

    def similar_to(self, who: str) -> list[str]:
        """The others that a notebook looks like."""
        return [pair.second if pair.first == who else pair.first for pair in self.alike if who in (pair.first, pair.second)]


def gather(records: list[Record]) -> Class:
    """The class of these records."""
    tokens = {record.who: record.tokens for record in records}
    return Class(records, pairs(tokens, {record.who: record.digest for record in records}))


def name_of(exercise: str, code: str) -> Text:
    """A mistake in one sentence: the exercise's own, else the kind of gap or of failure."""
    mistakes = EXERCISES[exercise].mistakes
    return (
        mistakes.get(code) or GAPS.get(code) or FAILURES[code].fill(name=exercise, line="…", message="…", error="…", type="…", number="…")
    )


def table(found: Class, language: Language) -> str:
    """The grades as CSV, as a spreadsheet of that language expects it: `;` and decimal commas in French."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";" if language == "fr" else ",", lineterminator="\r\n")
    titles = {key: getattr(title, language) for key, title in COLUMNS.items()}
    names = found.exercises
    writer.writerow([titles["who"], titles["name"], *names, *list(titles.values())[2:]])
    for record in found.records:
        earned = {mark.name: decimal(mark.earned, language) for mark in record.marks}
        percent = decimal(round(100 * record.total / record.maximum, 1), language)
        mistakes = " ".join(f"{mark.name}:{'+'.join(mark.mistakes) or mark.state}" for mark in record.marks if mark.state != "right")
        remark = " ".join(getattr(remark, language) for remark in record.remarks)
        words = [mistakes, remark, ", ".join(found.similar_to(record.who))]
        points = [*(earned.get(name, "") for name in names), decimal(record.total, language), str(record.maximum), percent]
        writer.writerow([guarded(record.who), guarded(record.student), *points, *map(guarded, words)])
    return text.getvalue()


def guarded(cell: str) -> str:
    """A text that no spreadsheet takes for a formula.

    >>> guarded("=1+1"), guarded("Zoé")
    ("'=1+1", 'Zoé')
    """
    return f"'{cell}" if cell.lstrip(" \u00a0").startswith(FORMULA) or cell.startswith(FORMULA) else cell


def decimal(x: float, language: Language) -> str:
    """A number that a spreadsheet reads: no thousands, no zero at the end.

    >>> decimal(2.50, "fr"), decimal(3.0, "en")
    ('2,5', '3')
    """
    text = f"{x:.2f}".rstrip("0").rstrip(".")
    return text.replace(".", ",") if language == "fr" else text
