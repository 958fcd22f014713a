"""The command `grade`: check the request, grade, write the reports, say where they are."""

import argparse
import os
import sys
from pathlib import Path

from d2lmini.grading import pages, report
from d2lmini.grading.grader import grade
from d2lmini.grading.records import Options, Record
from d2lmini.grading.submissions import Mistaken
from d2lmini.i18n import Language, Text, get_language


def run(given: argparse.Namespace) -> int:
    """Grade as asked; returns the exit code."""
    try:
        options = _options(given)
        found = report.gather(grade(options, lambda text: print(text, file=sys.stderr)))
        _write(found, options.out, get_language())
    except Mistaken as mistake:
        print(mistake.text, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        text = Text(
            "Interrompu : ce qui est corrigé est gardé ; relancez pour finir.", "Stopped: what is graded is kept; run again to finish."
        )
        print(text, file=sys.stderr)
        return 130
    print(_summary(found.records, options.out))
    return 0


def _options(given: argparse.Namespace) -> Options:
    for name, least in (("time", 0.1), ("memory", 16), ("jobs", 1)):
        if not getattr(given, name) >= least:
            text = Text("--{name} {value} est trop petit : au moins {least}.", "--{name} {value} is too small: at least {least}.")
            raise Mistaken(text.fill(name=name, value=getattr(given, name), least=least))
    folder, out = Path(given.folder), Path(given.out)
    if out.resolve() == folder.resolve() or folder.resolve() in out.resolve().parents:
        text = Text(
            "--out {out} est dans le dossier des notebooks : choisissez-en un autre.",
            "--out {out} is in the folder of notebooks: choose another.",
        )
        raise Mistaken(text.fill(out=out))
    if out.exists() and not out.is_dir():
        raise Mistaken(Text("--out {out} n'est pas un dossier.", "--out {out} is not a folder.").fill(out=out))
    return Options(
        folder=folder, out=out, seconds=given.time, memory=given.memory, set=given.set, seed=given.seed, jobs=given.jobs,
        fork=given.fork and hasattr(os, "fork"), without=tuple(filter(None, given.without.split(","))),
    )  # fmt: skip


def _write(found: report.Class, out: Path, language: Language) -> None:
    """Write the table, a page for each student and the overview."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "grades.csv").write_text(report.table(found, language), encoding="utf-8-sig", newline="")
        for record in found.records:
            page = pages.student_page(record, language)
            (out / record.page).write_text(page, encoding="utf8")
        (out / pages.OVERVIEW).write_text(pages.overview(found, language), encoding="utf8")
    except OSError as error:
        text = Text(
            "Impossible d'écrire dans {out} ({error}) : choisissez un autre --out.",
            "{out} can't be written ({error}): choose another --out.",
        )
        raise Mistaken(text.fill(out=out, error=error.strerror or error)) from None


def _summary(records: list[Record], out: Path) -> Text:
    text = Text("Corrigés : {n}. Ouvrez {page} ; les notes sont dans {table}.", "Graded: {n}. Open {page}; the grades are in {table}.")
    return text.fill(n=len(records), page=out / pages.OVERVIEW, table=out / "grades.csv")
