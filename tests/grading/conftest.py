"""One grading of all the hostile notebooks, shared by the tests."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from d2lmini.exercises.sets import EXERCISES, SETS
from d2lmini.grading import grader
from d2lmini.grading.records import Options, Record
from d2lmini.grading.workers import Worker
from tests.grading import hostile, samples

SECONDS, MEMORY = 2.0, 700
SHORT = ("softmax", "weights_by_hand", "kernel_regression")  # exercises enough to see that neighbours are untouched
WITHOUT = tuple(filter(None, os.environ.get("D2L_WITHOUT", "").split(",")))  # walls left out, to test as on a poorer system
GOOD = {  # neighbours of the hostile notebooks, each with its total
    "ana": ({}, 14),
    "bob": ({"softmax": "def softmax(scores):\n    return scores.exp() / scores.exp().sum(-1, keepdim=True)\n"}, 13.2),
    "zoe": ({"kernel_regression": "def kernel_regression(x_query, x, y, width):\n    return y\n"}, 11),
}


@dataclass
class Graded:
    """What came out, and what the attacks aimed at."""

    place: hostile.Place
    expected: dict[str, hostile.Attack]
    records: dict[str, Record]
    worker: Worker
    before: dict[str, object]
    listened: list[bytes]


def options(folder: Path, out: Path, **more: object) -> Options:
    return Options(**{"folder": folder, "out": out, "seconds": SECONDS, "memory": MEMORY, "without": WITHOUT, **more})


def good(folder: Path) -> None:
    for name, (changed, _) in GOOD.items():
        samples.save(folder / f"{name}.ipynb", samples.cells(**changed))


def grade(asked: Options) -> dict[str, Record]:
    """The records by name."""
    return {record.who: record for record in grader.grade(asked, lambda text: None)}


def snapshot(*folders: Path) -> dict[str, object]:
    """All that may be seen of these files: names, sizes, dates, rights, contents."""
    seen: dict[str, object] = {}
    for folder in folders:
        for path in [folder, *folder.rglob("*")]:
            about = path.lstat()
            content = path.read_bytes() if path.is_file() and not path.is_symlink() and about.st_size < 10**6 else b""
            seen[str(path)] = (about.st_size, about.st_mode, about.st_mtime_ns if path.is_file() else 0, content)
    return seen


def sandboxes(mark: str) -> list[str]:
    """The command lines of the sandboxes still alive that were told of this folder; a forked child has its parent's."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if "grading.sandbox" in line and mark in line:
            lines.append(line)
    return lines


@pytest.fixture(scope="module")
def short_set() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SETS, "attention", tuple(EXERCISES[name] for name in SHORT))
        yield


@pytest.fixture(scope="module")
def graded(short_set: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graded]:
    root = tmp_path_factory.mktemp("hostile")
    with aimed_at(root) as (place, sockets):
        worker = Worker(grader.plan(options(place.submissions, place.out)))
        worker.start()  # tells the walls of this system: no attack is tried that nothing would stop
        good(place.submissions)
        expected = hostile.build(place, worker.layers)
        (root / "elsewhere.ipynb").write_text("{}")
        (place.submissions / "link.ipynb").symlink_to(root / "elsewhere.ipynb")
        (place.submissions / "folder.ipynb").mkdir()
        if hasattr(os, "mkfifo"):
            os.mkfifo(place.submissions / "pipe.ipynb")
        before = snapshot(place.victim, place.submissions)
        records = grade(options(place.submissions, place.out))
        listened = []
        for listener in sockets:
            with contextlib.suppress(BlockingIOError):
                listened.append(listener.accept()[0].recv(9) if listener.type == socket.SOCK_STREAM else listener.recv(9))
        yield Graded(place, expected, records, worker, before, listened)
        worker.close()


class aimed_at:  # noqa: N801
    """Set up what attacks aim at, and take it down."""

    def __init__(self, root: Path) -> None:
        victim, submissions, out = (root / name for name in ("victim", "submissions", "out"))
        for folder in (victim, submissions, out):
            folder.mkdir()
            folder.chmod(0o777)
        (victim / "kept").write_text("kept")
        (victim / "kept").chmod(0o666)
        for folder in [root, *root.parents]:  # open the way, so that only the grader's walls protect what is there
            if folder.parent.name and folder.stat().st_uid == os.getuid() and folder.is_relative_to(tempfile.gettempdir()):
                folder.chmod(folder.stat().st_mode | 0o055)
        self.sockets = [socket.socket(socket.AF_INET, kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)]
        for listener in self.sockets:
            listener.bind(("127.0.0.1", 0))
            listener.setblocking(False)
        self.sockets[0].listen()
        self.canary = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        ports = [listener.getsockname()[1] for listener in self.sockets]
        self.place = hostile.Place(victim, submissions, out, *ports, self.canary.pid)

    def __enter__(self) -> tuple[hostile.Place, list[socket.socket]]:
        return self.place, self.sockets

    def __exit__(self, *_: object) -> None:
        for folder in ("/tmp", "/var/tmp", "/dev/shm"):
            for path in Path(folder).glob(f"d2l-escape-{self.canary.pid}*"):  # only when the walls did not hold
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        self.canary.kill()
        self.canary.wait()
        for listener in self.sockets:
            listener.close()
