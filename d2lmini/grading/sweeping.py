"""End all that a job started, whatever it did to escape: double forks, sessions of their own, bombs; and end nothing else."""

import os
import signal
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

from d2lmini.grading.isolation import become, can_signal, succeeds
from d2lmini.grading.walls import FIRST_PRIVATE_UID, Walls


def sweep(walls: Walls, child: int) -> int:
    """End every process that a job started, whatever it did to escape, and none else; returns how the first one ended."""
    for end in (os.killpg, os.kill):
        with suppress(OSError):
            end(child, signal.SIGKILL)
    if {"pids", "scope"} & walls.layers and _alone(walls):
        with suppress(OSError):
            os.kill(-1, signal.SIGKILL)  # reaches only what is inside: this namespace, or this Landlock domain
    elif walls.uid >= FIRST_PRIVATE_UID:
        succeeds(partial(_kill_all_of, walls.uid))
    ended: dict[int, int] = {}
    for _ in range(1000):
        for pid in [] if "pids" in walls.layers else _descendants():
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if not _living(ended):
            break
        time.sleep(0.001)
    return ended.get(child, 0)


def _kill_all_of(uid: int) -> None:
    become(uid)
    if os.getuid() == os.geteuid() == uid >= FIRST_PRIVATE_UID:
        os.kill(-1, signal.SIGKILL)  # reaches only what that user runs: students' code


def _alone(walls: Walls) -> bool:
    """Whether a signal to everyone stays inside: asked again each time, for outside are the teacher's programs."""
    if "pids" in walls.layers:
        return os.getpid() == 1 and os.getppid() == 0
    return not can_signal(os.getppid())


def _living(ended: dict[int, int]) -> bool:
    """Bury the dead; whether some child still lives."""
    with suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            ended[found[0]] = found[1]
        return True
    return False


def _descendants() -> list[int]:
    """All descendants that /proc knows."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, IndexError, ValueError):
            parent = int(stat.read_text("latin1").rpartition(")")[2].split()[1])
            parents.setdefault(parent, []).append(int(stat.parent.name))
    found: list[int] = []
    waiting = [os.getpid()]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found
