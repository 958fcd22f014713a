"""Build the walls around a student's code, each where the system has it: limits, another user, namespaces, Landlock, a filter of calls."""

import math
import os
import signal
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from d2lmini.grading import linux, seccomp
from d2lmini.grading.walls import FIRST_PRIVATE_UID, Plan, Walls

NOBODY = 65534
PROCESSES = 64  # a student's code may start this many
READABLE = (
    "/usr /lib /lib64 /lib32 /bin /etc/ld.so.cache /etc/localtime /etc/fonts /etc/nsswitch.conf /etc/passwd "
    "/sys/devices/system /proc/cpuinfo /proc/meminfo /proc/stat /proc/sys /dev/zero /dev/random /dev/urandom"
).split()


def unreadable_memory() -> None:
    """Let no process of the same user read this one's memory, nor write to it."""
    if sys.platform == "linux":
        with suppress(OSError):
            linux.prctl(linux.DUMPABLE, 0)


def die_with_parent() -> None:
    """End with the process that started this one."""
    if sys.platform == "linux":
        with suppress(OSError):
            linux.prctl(linux.DEATH_SIGNAL, signal.SIGKILL)


# --- in the zygote, before it imports anything heavy ---------------------------------------------------------------


def namespaces(plan: Plan) -> set[str]:
    """Leave the network and the list of processes behind. With "pids", only the next fork is inside."""
    if sys.platform != "linux" or "namespaces" in plan.without or not succeeds(_enter_namespaces):
        return set()
    _enter_namespaces()
    return {"network", "pids"}


def _enter_namespaces() -> None:
    if os.geteuid() != 0:
        linux.new_user_namespace()
    linux.unshare(linux.NEW_NET | linux.NEW_IPC | linux.NEW_PID)


def succeeds(step: Callable[[], Any]) -> bool:
    """Whether a step works, tried in a process that can be thrown away."""
    pid = os.fork()
    if pid == 0:
        with suppress(BaseException):
            step()
            os._exit(0)
        os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def build(plan: Plan, layers: set[str]) -> Walls:
    """Prepare what each job will use, and find out in a throw-away child which walls really stand."""
    walls = Walls(set(layers), tasks=_tasks())
    if sys.platform == "linux":
        with suppress(OSError):
            linux.prctl(linux.SUBREAPER, 1)
            walls.layers.add("orphans")
        with suppress(OSError):
            linux.prctl(linux.NO_NEW_PRIVS, 1)
            if "landlock" not in plan.without and linux.landlock_version():
                _landlock(plan, walls)
        unreadable_memory()
    if os.geteuid() == 0 and "user" not in plan.without:
        _user(plan, walls)
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        with suppress(BaseException):
            os.write(write, " ".join(confine(plan, walls, Path(plan.folder))).encode())
        os._exit(0)
    os.close(write)
    walls.layers |= set(os.read(read, 1000).decode().split())
    os.close(read)
    os.waitpid(pid, 0)
    return walls


def _user(plan: Plan, walls: Walls) -> None:
    """Choose a user for the students' code: one that no account has, if it can read Python's modules, imported as they are needed."""
    private = FIRST_PRIVATE_UID + zlib.crc32(plan.folder.encode()) % 10**8
    needed = [os.__file__, __file__, *filter(os.path.exists, sys.path)]
    fenced = walls.rules >= 0 and "seccomp" not in plan.without
    for uid, reads_all in ((private, False), (NOBODY, False), (private, True), (NOBODY, True)):
        if (not reads_all or fenced) and succeeds(partial(_try, uid, reads_all, needed)):
            walls.uid, walls.reads_all = uid, reads_all
            return


def _try(uid: int, reads_all: bool, needed: list[str]) -> None:
    become(uid, reads_all)
    for path in needed:
        os.close(os.open(path, os.O_RDONLY))


def become(uid: int, reads_all: bool = False) -> None:
    """Become another user, with no privilege but that of reading where `reads_all`."""
    if reads_all:
        linux.prctl(linux.KEEP_CAPABILITIES, 1)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    if sys.platform == "linux":
        linux.keep_capabilities(linux.READ_ALL if reads_all else 0)


def _landlock(plan: Plan, walls: Walls) -> None:
    """Read Python and the system's libraries, write in the working folders, nothing else; and keep signals inside."""
    rules = linux.ruleset()
    hidden = [Path(path) for path in plan.hidden]
    for root in _readable_roots():
        linux.allow(rules, root, linux.LIST)
        for path in linux.without(root, hidden):
            linux.allow(rules, path, linux.READ)
    linux.allow(rules, Path(os.devnull), linux.READ | linux.WRITE)
    linux.allow(rules, Path(plan.folder), linux.READ | linux.FOLDER_WRITE | linux.TRUNCATE)
    walls.rules = rules
    if linux.landlock_version() >= 6:
        inside = linux.ruleset(files=False)  # a domain around the zygote: what it signals is always its own descendants
        linux.enforce(inside)
        os.close(inside)
        if not can_signal(os.getppid()):
            walls.layers.add("scope")


def _readable_roots() -> Iterator[Path]:
    package = Path(__file__).resolve().parents[1]
    places = [Path(path).resolve() for path in (*READABLE, sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path) if path]
    for place in dict.fromkeys(places):
        if place == package.parent and place.name not in ("site-packages", "dist-packages"):
            yield package  # a working copy of the course: its solutions stand next to the package
        elif place.exists():
            yield place


def can_signal(pid: int) -> bool:
    """Whether this process may send a signal to that one."""
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _tasks() -> int:
    """How many threads this user runs already: the kernel counts them all against the limit on processes."""
    tasks = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            tasks += len(list((folder / "task").iterdir())) if folder.stat().st_uid == os.getuid() else 0
    return tasks


# --- in the child, just before the student's code -------------------------------------------------------------------


def confine(plan: Plan, walls: Walls, folder: Path) -> set[str]:
    """Build the walls around this process; returns those that stand. The working folder is entered first."""
    os.chdir(folder)
    if hasattr(os, "setsid"):
        with suppress(OSError):
            os.setsid()
    layers = _limits(plan, walls)
    if walls.uid:
        become(walls.uid, walls.reads_all)
        layers.add("user")
    if sys.platform == "linux":
        with suppress(OSError):
            linux.keep_capabilities(linux.READ_ALL if walls.reads_all else 0)
        die_with_parent()
        with suppress(OSError):
            linux.prctl(linux.NO_NEW_PRIVS, 1)
            if walls.rules >= 0:
                linux.enforce(walls.rules)
                os.close(walls.rules)
                layers.add("landlock")
        with suppress(OSError):
            if "seccomp" not in plan.without:
                seccomp.enforce()
                layers.add("seccomp")
    return layers


def _limits(plan: Plan, walls: Walls) -> set[str]:
    try:
        import resource
    except ImportError:  # Windows
        return set()
    wanted = {"RLIMIT_CPU": math.ceil(2 * plan.seconds) + 1, "RLIMIT_FSIZE": 0, "RLIMIT_CORE": 0, "RLIMIT_NOFILE": 256}
    if walls.tasks:
        wanted["RLIMIT_NPROC"] = PROCESSES if walls.uid else walls.tasks + PROCESSES
    layers = {"limits"}
    if sys.platform == "linux" and "memory" not in plan.without:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        wanted["RLIMIT_AS"] = pages * resource.getpagesize() + (plan.memory << 20)
        layers.add("memory")
    if "limits" in plan.without:
        wanted = {name: value for name, value in wanted.items() if name == "RLIMIT_AS"}
        layers -= {"limits"}
    for name, value in wanted.items():
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        least = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (least, least))
    return layers
