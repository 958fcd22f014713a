"""The process where students' code runs: a zygote that imports PyTorch once and forks a child for each job, or (--once) a single job.

`python -m d2lmini.grading.sandbox PLAN`, driven through its input and output by `workers.py`. It never imports the exercises.
"""

import json
import os
import pickle
import select
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from d2lmini.grading import isolation
from d2lmini.grading.sweeping import sweep
from d2lmini.grading.walls import LAYERS, Plan, Walls

HEAD = struct.Struct("<Q")  # before a job: its size
REPLY = struct.Struct("<cqQ")  # before a reply: how it ended, the code, the size
MOST = 16 << 20  # bytes that a child may answer
ENDED, LATE, FLOODED, ORPHANED = b"E", b"L", b"F", b"O"
READ, CONFINED, RUN, DATA = b"R", b"C", b"T", b"D"  # what a child says as it goes: job read, walls built, cells run, answer
SETTLING = 0.3  # seconds between a child's last word and its end
STEP = 0.05  # seconds between two looks at a silent child


def main(plan: Plan, once: bool) -> None:
    """Say which walls stand, then serve."""
    if once:
        serve_once(plan)
        return
    layers = isolation.namespaces(plan)
    if "pids" in layers:
        _first_of_its_namespace()
    load()
    walls = isolation.build(plan, layers)
    _send(ENDED, 0, " ".join(sorted(walls.layers)).encode())
    for number in range(sys.maxsize):
        ahead = _read(0, HEAD.size)
        if len(ahead) < HEAD.size or not _serve(plan, walls, number, *HEAD.unpack(ahead)):
            break
    remove(Path(plan.folder))  # the grader does it too, unless it was killed


def load() -> None:
    """Import what every job needs, and let PyTorch do once what it does on first use."""
    import torch

    from d2lmini.grading import running  # noqa: F401

    torch.set_num_threads(1)
    scores = torch.randn(3, 3, requires_grad=True)
    torch.einsum("ij,jk->ik", scores, scores.softmax(-1)).sum().backward()


def _first_of_its_namespace() -> None:
    """Go on as the first process of the new namespace: when it ends, the kernel ends all the others."""
    inside = os.fork()
    if inside:
        os.close(0)
        os.close(1)
        os.waitpid(inside, 0)
        os._exit(0)
    isolation.die_with_parent()


def _serve(plan: Plan, walls: Walls, number: int, size: int) -> bool:
    """Fork a child for one job and pass on its answer; whether the next job can be read."""
    folder = Path(plan.folder) / str(number)
    folder.mkdir(mode=0o700)
    if walls.uid:
        os.chown(folder, walls.uid, walls.uid)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(read)
            _child(plan, walls, folder, size, write)
        finally:
            os._exit(1)
    os.close(write)
    how, data = _watch(child, read, plan.seconds)
    os.close(read)
    gone = _gone(child, SETTLING if how == ENDED else 0)
    status = sweep(walls, child)
    empty(Path(plan.folder))  # where no other user stands between, a child may have written next to its own folder
    if how == ORPHANED:
        return False
    _send(how, os.waitstatus_to_exitcode(status) if gone else 0, data)
    return data[:1] == READ


def _watch(child: int, read: int, seconds: float) -> tuple[bytes, bytes]:
    """What a child says until it ends, says too much or runs late; a lost parent ends it too."""
    deadline, data = time.monotonic() + seconds, bytearray()
    while (left := deadline - time.monotonic()) > 0:
        dead = _gone(child)
        inputs = [read, 0] if data[:1] == READ else [read]  # once the job has been read, only its end can come on the input
        ready = select.select(inputs, [], [], 0 if dead else min(left, STEP))[0]
        if 0 in ready:
            return ORPHANED, b""
        more = os.read(read, 1 << 16) if read in ready else b""
        data += more
        if len(data) > MOST:
            return FLOODED, bytes(data[:3])
        if not more and (dead or read in ready):
            return ENDED, bytes(data)
    return LATE, bytes(data)


def _gone(child: int, patience: float = 0) -> bool:
    """Whether a child has ended by itself, after some patience; it stays to be buried. Unknown, so no, where waitid is missing."""
    deadline = time.monotonic() + patience
    while hasattr(os, "waitid"):
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return True
        if time.monotonic() >= deadline:
            break
        time.sleep(0.001)
    return False


def _child(plan: Plan, walls: Walls, folder: Path, size: int, write: int) -> None:
    """Read the job, let go of everything else, and answer."""
    job = _read(0, size)
    os.write(write, READ)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    expected = walls.layers & set(LAYERS) - {"network", "pids"}
    if expected - isolation.confine(plan, walls, folder):
        return
    os.closerange(3, write)
    os.closerange(write + 1, 256)
    os.write(write, CONFINED)
    _answer(job, lambda data: _write(write, data))


def _answer(job: bytes, say: Callable[[bytes], None]) -> None:
    from d2lmini.grading import running
    from d2lmini.plain import pack

    end = os._exit  # a student may replace it
    try:
        say(DATA + running.answer(pickle.loads(job), lambda: say(RUN)))
    except MemoryError:
        say(DATA + pack({"note": ["memory"], "outcomes": []}))
    end(0)


def serve_once(plan: Plan) -> None:
    """Where there is no fork: one job from the input, answered on the output, then the end."""
    load()
    walls = isolation.build(plan, set()) if hasattr(os, "fork") else Walls(set())
    if walls.uid:
        os.chown(plan.folder, walls.uid, walls.uid)
    _send(ENDED, 0, " ".join(sorted(walls.layers)).encode())
    head = _read(0, HEAD.size)
    if len(head) < HEAD.size:
        return
    job, answers = _read(0, HEAD.unpack(head)[0]), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    isolation.confine(plan, walls, Path(plan.folder))
    os.write(answers, READ + CONFINED)
    _answer(job, lambda data: _write(answers, data))


def remove(folder: Path) -> None:
    """Remove a working folder and all that it holds."""
    empty(folder)
    with suppress(OSError):
        folder.rmdir()


def empty(folder: Path) -> None:
    """Remove what a folder holds, however deep and whatever its rights: what a folder in it holds is first moved to the top."""
    number = 0
    with suppress(OSError):
        while paths := list(folder.iterdir()):
            for path in paths:
                if path.is_symlink() or not path.is_dir():
                    path.unlink()
                    continue
                path.chmod(0o700)
                for inner in list(path.iterdir()):
                    if inner.is_dir() and not inner.is_symlink():
                        inner.chmod(0o700)  # without it, not even its owner may move it
                    number += 1
                    inner.rename(folder / f".moved {number}")
                path.rmdir()


def _read(descriptor: int, size: int) -> bytes:
    data = bytearray()
    while len(data) < size and (more := os.read(descriptor, min(size - len(data), 1 << 20))):
        data += more
    return bytes(data)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _send(how: bytes, code: int, data: bytes) -> None:
    _write(1, REPLY.pack(how, code, len(data)) + data)


def _plan(text: str) -> tuple[Plan, bool]:
    given = json.loads(text)
    once = given.pop("once")
    return Plan(**{**given, "hidden": tuple(given["hidden"]), "without": tuple(given["without"])}), once


if __name__ == "__main__":
    main(*_plan(sys.argv[1]))
