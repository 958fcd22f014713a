"""The grader's end of the pipes: start a sandbox, send it jobs, replace it when it dies."""

import json
import os
import pickle
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from d2lmini.grading.sandbox import CONFINED, DATA, ENDED, FLOODED, HEAD, LATE, MOST, READ, REPLY, RUN, remove
from d2lmini.grading.walls import Plan
from d2lmini.plain import unpack

START = 120.0  # seconds a sandbox may take to import PyTorch on a busy machine
GRACE = 30.0  # seconds beyond a job's own before its zygote is given up
KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "CONDA_PREFIX")
ENDS: dict[bytes, Literal["ended", "late", "flooded"]] = {ENDED: "ended", LATE: "late", FLOODED: "flooded"}


@dataclass(frozen=True)
class Reply:
    """How a job ended, the exit code (or minus the signal), how far it came, and the answer when there is one."""

    how: Literal["ended", "late", "flooded", "lost"]
    code: int = 0
    run: bool = False  # all cells had run
    data: Any = None
    garbled: bool = False  # there was an answer, but it is not data


class Worker:
    """A sandbox that does one job after another."""

    def __init__(self, plan: Plan, fork: bool = True) -> None:
        self.plan, self.fork = plan, fork
        self.layers: set[str] = set()
        self.closed = False
        self._sandbox: _Sandbox | None = None

    def start(self) -> None:
        """Start the sandbox; `RuntimeError` when it does not come up."""
        self._sandbox = _Sandbox(self.plan, once=not self.fork)
        self.layers = self._sandbox.layers

    def run(self, job: dict[str, Any]) -> Reply:
        """Do a job; a sandbox that dies costs this job only, and a closed worker loses all."""
        if self.closed:
            return Reply("lost")
        if self._sandbox is None:
            self.start()
        sandbox = self._sandbox
        try:
            reply = sandbox.do(pickle.dumps(job)) if sandbox else Reply("lost")
        except (OSError, ValueError):  # its pipes broke, or were closed meanwhile
            reply = Reply("lost")
        if reply.how == "lost" or not self.fork:
            self._stop()
        return reply

    def close(self) -> None:
        """End the sandbox and all that runs in it."""
        self.closed = True
        self._stop()

    def _stop(self) -> None:
        sandbox, self._sandbox = self._sandbox, None
        if sandbox:
            sandbox.end()


class _Sandbox:
    """One process of `d2lmini.grading.sandbox`, its pipes and its folder."""

    def __init__(self, plan: Plan, once: bool) -> None:
        folder = self.folder = Path(tempfile.mkdtemp(prefix="d2l-grade-")).resolve()
        folder.chmod(0o711)  # another user passes through, and sees nothing
        self.plan, self.once = replace(plan, folder=str(folder)), once
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-B", "-m", "d2lmini.grading.sandbox", json.dumps({**asdict(self.plan), "once": once})],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True, cwd=folder,
            env=_environment(folder),
        )  # fmt: skip
        self.pipe = _Pipe(self.process.stdout.fileno())  # type: ignore[union-attr]
        head = self.pipe.read(REPLY.size, time.monotonic() + START)
        if len(head) < REPLY.size:
            self.end()
            raise RuntimeError(" ".join([sys.executable, "-m", "d2lmini.grading.sandbox"]))
        self.layers = set(self.pipe.read(REPLY.unpack(head)[2], time.monotonic() + GRACE).decode().split())

    def do(self, job: bytes) -> Reply:
        assert self.process.stdin is not None
        self.process.stdin.write(HEAD.pack(len(job)) + job)
        self.process.stdin.flush()
        if self.once:
            started = time.monotonic()
            data = self.pipe.read(MOST, started + self.plan.seconds)
            late = time.monotonic() - started >= self.plan.seconds
            self._kill()
            return _reply("flooded" if len(data) >= MOST else "late" if late else "ended", self.process.wait(), data)
        deadline = time.monotonic() + self.plan.seconds + GRACE
        head = self.pipe.read(REPLY.size, deadline)
        if len(head) < REPLY.size:
            return Reply("lost")
        how, code, size = REPLY.unpack(head)
        data = self.pipe.read(min(size, MOST + 1), deadline)
        return _reply(ENDS[how], code, data) if len(data) == size else Reply("lost")

    def end(self) -> None:
        self._kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]
        remove(self.folder)

    def _kill(self) -> None:
        with suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.kill()


class _Pipe:
    """Bytes of a pipe, read with a deadline; by a thread where pipes can't be waited for (Windows)."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor, self.data, self.over = descriptor, bytearray(), False
        self.news = threading.Condition()
        if sys.platform == "win32":
            threading.Thread(target=self._listen, daemon=True).start()

    def read(self, size: int, deadline: float) -> bytes:
        """So many bytes, or fewer when the other end closed or time ran out."""
        while len(self.data) < size and not self.over and (left := deadline - time.monotonic()) > 0:
            if sys.platform == "win32":
                with self.news:
                    self.news.wait(min(left, 0.1))
            elif select.select([self.descriptor], [], [], left)[0]:
                self._more()
        found, self.data = bytes(self.data[:size]), self.data[size:]
        return found

    def _more(self) -> None:
        more = os.read(self.descriptor, 1 << 16)
        self.data += more
        self.over = not more

    def _listen(self) -> None:
        while not self.over and len(self.data) <= MOST:
            self._more()
            with self.news:
                self.news.notify()


def _reply(how: Literal["ended", "late", "flooded"], code: int, data: bytes) -> Reply:
    """What a child said on its way: bytes from a stranger, which can become nothing else than data."""
    if not data.startswith(READ + CONFINED):
        return Reply("lost")
    rest = data[2:]
    run = rest.startswith(RUN)
    rest = rest.removeprefix(RUN)
    if not rest.startswith(DATA):
        return Reply(how, code, run)
    try:
        return Reply("ended", 0, run, unpack(rest[1:]))
    except ValueError:
        return Reply(how, code, run, garbled=True)


def _environment(folder: Path) -> dict[str, str]:
    """Nothing of the teacher's but what Python needs: neither tokens nor the current folder can leak from what is not there."""
    here = str(Path(__file__).resolve().parents[2])
    paths = [here, *(str(Path(path).resolve()) for path in sys.path if path and Path(path).resolve() != Path.cwd())]
    return {
        **{name: os.environ[name] for name in KEPT if name in os.environ},
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
        **dict.fromkeys(("HOME", "TMPDIR", "TEMP", "TMP", "MPLCONFIGDIR", "USERPROFILE"), str(folder)),
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)),
        "PYTHONHASHSEED": "0",
        "PYTHONIOENCODING": "utf-8",
        "MPLBACKEND": "Agg",
        "OMP_WAIT_POLICY": "PASSIVE",
        "USER": "student",
    }
