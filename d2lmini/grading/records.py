"""The grades of a notebook, and how they are kept from one run to the next."""

import hashlib
import json
import os
import threading
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path

from d2lmini.exercises.sets import EXERCISES
from d2lmini.grading.submissions import Submission
from d2lmini.i18n import Text


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the teacher asks for."""

    folder: Path
    out: Path
    seconds: float = 10.0
    memory: int = 2048
    set: str = ""
    seed: int = 12345
    jobs: int = 2
    fork: bool = hasattr(os, "fork")
    without: tuple[str, ...] = ()


@dataclass
class Mark:
    """The grade of one exercise."""

    name: str
    earned: float
    state: str
    mistakes: list[str]
    text: Text
    code: str = ""


@dataclass
class Record:
    """The grades of one notebook."""

    who: str
    page: str
    digest: str
    set: str = ""
    student: str = ""
    marks: list[Mark] = field(default_factory=list)
    remarks: list[Text] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    @property
    def total(self) -> float:
        """Points earned."""
        return round(sum(mark.earned for mark in self.marks), 2)

    @property
    def maximum(self) -> int:
        """Points that could be earned."""
        return sum(EXERCISES[mark.name].points for mark in self.marks)


# --- on disk, under a name that says all that the grades depend on --------------------------------------------------


def keep(record: Record, submission: Submission, options: Options) -> None:
    """Keep a record, all at once or not at all."""
    path = _place(submission, options)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{threading.get_ident()}")
    draft.write_text(json.dumps(asdict(record)), encoding="utf8")
    draft.replace(path)


def kept(submission: Submission, options: Options) -> Record | None:
    """The record kept of the same notebook graded in the same way, if there is one."""
    try:
        stored = json.loads(_place(submission, options).read_text("utf8"))
        marks = [Mark(**{**mark, "text": Text(*mark["text"])}) for mark in stored.pop("marks")]
        remarks = [Text(*remark) for remark in stored.pop("remarks")]
        return replace(Record(**stored), marks=marks, remarks=remarks, who=submission.who, page=submission.page)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _place(submission: Submission, options: Options) -> Path:
    parts = [digest(submission.read(options.folder)), options.set, options.seed, options.seconds, options.memory, _sources()]
    return options.out / ".results" / f"{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}.json"


def digest(data: bytes | str) -> str:
    """The SHA-256 of a file, or of the reason why it was not read."""
    return hashlib.sha256(data if isinstance(data, bytes) else data.encode()).hexdigest()


@cache
def _sources() -> str:
    """A hash of all that a grade depends on: the exercises, the grader and the files they rest on."""
    package = Path(__file__).resolve().parents[1]
    files = [
        *package.glob("exercises/**/*.py"),
        *package.glob("grading/*.py"),
        *(package / f"{name}.py" for name in ("i18n", "plain", "trial")),
    ]
    parts = [path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes() for path in sorted(files)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()
