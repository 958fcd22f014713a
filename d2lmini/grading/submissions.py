"""Find the notebooks of a folder: each with a name for its student, and its bytes or the reason why they are not read."""

import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from d2lmini.grading.verdicts import clean
from d2lmini.i18n import Text

LARGEST = 100_000_000  # bytes of a notebook; its outputs count, though nobody reads them
FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*#%&;\s]+')
RESERVED = {"con", "prn", "aux", "nul", "overview", "grades", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}


class Mistaken(Exception):
    """A request that can't be fulfilled; the text says why, and the repair."""

    def __init__(self, text: Text) -> None:
        super().__init__(str(text))
        self.text = text


@dataclass(frozen=True)
class Submission:
    """One notebook file."""

    path: Path
    who: str  # as in the table of grades
    page: str  # the name of the student's page, safe on every system

    def read(self, folder: Path) -> bytes | str:
        """Its bytes, or the code of the reason why it can't be read."""
        try:
            if not self.path.resolve().is_relative_to(folder.resolve()):
                return "outside"
            if not self.path.is_file():  # a folder, or a pipe that would be waited for
                return "denied"
            with self.path.open("rb") as file:
                data = file.read(LARGEST + 1)
        except (OSError, RuntimeError):
            return "denied"
        return data if len(data) <= LARGEST else "heavy"


def find(folder: Path) -> list[Submission]:
    """The notebooks of a folder and of the folders in it, sorted; raises `Mistaken` when there is none."""
    if not folder.is_dir():
        text = Text(
            "{folder} n'est pas un dossier : donnez celui qui contient les notebooks.",
            "{folder} is not a folder: give the one that holds the notebooks.",
        )
        raise Mistaken(text.fill(folder=folder))
    paths = [path for pattern in ("*.ipynb", "*/*.ipynb") for path in folder.glob(pattern) if ".ipynb_checkpoints" not in path.parts]
    if not paths:
        text = Text("Aucun notebook (.ipynb) dans {folder} ni juste au-dessous.", "No notebook (.ipynb) in {folder} nor one level down.")
        raise Mistaken(text.fill(folder=folder))
    found: list[Submission] = []
    taken: set[str] = set()
    names: set[str] = set()  # two files may differ by spaces only
    for path in sorted(paths, key=lambda path: os.fsencode(path.relative_to(folder).as_posix())):
        who = clean(
            unicodedata.normalize("NFC", os.fsencode(path.relative_to(folder).with_suffix("").as_posix()).decode("utf8", "replace"))
        )
        page = page_name(who, taken)
        who = " ".join(who.split()) or "_"
        while who in names:
            who += " (2)"
        names.add(who)
        found.append(Submission(path, who, page))
    return found


def page_name(who: str, taken: set[str]) -> str:
    """A file name for a student's page: safe, and different from those taken, which it joins.

    >>> taken = set(); [page_name(who, taken) for who in ("Zoé 🎓", "zoé_🎓", "../con")]
    ['Zoé_🎓.html', 'zoé_🎓-2.html', '_con.html']
    """
    stem = FORBIDDEN.sub("_", who).strip(". ")[:60]
    stem = f"_{stem}" if stem.casefold() in RESERVED or not stem else stem
    name, n = stem, 1
    while name.casefold() in taken:
        n += 1
        name = f"{stem}-{n}"
    taken.add(name.casefold())
    return f"{name}.html"
