"""`python -m d2lmini grade FOLDER`: grade a folder of notebooks."""

import argparse
import sys
from collections.abc import Sequence

from d2lmini.i18n import LANGUAGES, set_language, t


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code: 2 for a request that can't be fulfilled, 130 after Ctrl-C."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    first = argparse.ArgumentParser(add_help=False)
    first.add_argument("--lang", default="en")
    chosen = first.parse_known_args(given)[0].lang
    set_language(chosen if chosen in LANGUAGES else "en")  # before the help texts are written
    options = _parser().parse_args(given)
    from d2lmini.grading import command

    return command.run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m d2lmini", description=t("Les outils du cours.", "The tools of the course."))
    commands = parser.add_subparsers(required=True, metavar="grade")
    grade = commands.add_parser("grade", help=t("corriger un dossier de notebooks", "grade a folder of notebooks"))
    grade.add_argument(
        "folder", metavar=t("DOSSIER", "FOLDER"), help=t("le dossier des notebooks remis", "the folder of notebooks handed in")
    )
    grade.add_argument("--lang", choices=LANGUAGES, default="en", help=t("langue des rapports (en)", "language of the reports (en)"))
    grade.add_argument("--time", type=float, default=10, help=t("secondes par exercice (10)", "seconds for an exercise (10)"))
    grade.add_argument("--memory", type=int, default=2048, help=t("mégaoctets par exercice (2048)", "megabytes for an exercise (2048)"))
    grade.add_argument("--out", default="grades", help=t("dossier des rapports (grades)", "folder of the reports (grades)"))
    grade.add_argument(
        "--set", default="", help=t("série d'exercices, sinon celle du notebook", "set of exercises, else the notebook's own")
    )
    grade.add_argument("--seed", type=int, default=12345, help=t("graine des données d'essai (12345)", "seed of the trial data (12345)"))
    grade.add_argument("--jobs", type=int, default=2, help=t("notebooks corrigés à la fois (2)", "notebooks graded at once (2)"))
    grade.add_argument("--no-fork", dest="fork", action="store_false", help=argparse.SUPPRESS)
    grade.add_argument("--without", default="", help=argparse.SUPPRESS)  # layers of isolation left out, for the tests
    return parser


if __name__ == "__main__":
    sys.exit(main())
