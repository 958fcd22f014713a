"""Calls of the Linux kernel that Python does not offer, through ctypes: prctl, namespaces, capabilities, Landlock."""

import ctypes
import os
import stat
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

NO_NEW_PRIVS, SUBREAPER, DUMPABLE, DEATH_SIGNAL, KEEP_CAPABILITIES = 38, 36, 4, 1, 8  # prctl
READ_ALL = 1 << 2  # the capability to read whatever the user
NEW_USER, NEW_PID, NEW_NET, NEW_IPC = 0x10000000, 0x20000000, 0x40000000, 0x08000000  # unshare

# Landlock: what a rule may allow, by the version of the kernel's interface that brought it.
READ, LIST = 0b1101, 0b1000  # execute, read a file, list a folder; the last alone
WRITE = 1 << 1
FOLDER_WRITE = WRITE | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 12  # remove and make folders, files, sockets, links
TRUNCATE = 1 << 14
ON_FILES = READ & ~(1 << 3) | WRITE | TRUNCATE
RIGHTS = {1: (1 << 13) - 1, 2: 1 << 13, 3: TRUNCATE, 5: 1 << 15}
CREATE, ADD, RESTRICT = 444, 445, 446


def prctl(option: int, value: int, data: bytes | None = None) -> None:
    """Set one property of this process; `OSError` when the kernel refuses."""
    third = ctypes.c_ulong(0) if data is None else data
    _checked(_libc().prctl(option, ctypes.c_ulong(value), third, ctypes.c_ulong(0), ctypes.c_ulong(0)), "prctl")


def unshare(flags: int) -> None:
    """Leave the shared namespaces; `OSError` where that is not permitted."""
    _checked(_libc().unshare(flags), "unshare")


def new_user_namespace() -> None:
    """Become alone in a user namespace, under the same number, so that other namespaces may be made without being root."""
    uid, gid = os.getuid(), os.getgid()
    unshare(NEW_USER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def keep_capabilities(kept: int) -> None:
    """Keep these privileges and no other, not even inside a namespace of one's own."""
    header, wanted = struct.pack("=II", 0x20080522, 0), struct.pack("=6I", kept, kept, 0, 0, 0, 0)
    _checked(_libc().capset(header, wanted), "capset")


def landlock_version() -> int:
    """The version of Landlock's interface, 0 where there is none."""
    return max(_libc().syscall(CREATE, ctypes.c_long(0), ctypes.c_long(0), ctypes.c_long(1)), 0)


def ruleset(files: bool = True) -> int:
    """A new set of rules, as a file descriptor: without files, it only keeps signals inside."""
    version = landlock_version()
    handled = sum(rights for since, rights in RIGHTS.items() if since <= version) if files else 0
    tcp = 0b11 if files else 0
    kept_in = 0b11 if files else 0b10  # abstract sockets and signals
    words = (handled, tcp, kept_in)[: 3 if version >= 6 else 2 if version >= 4 else 1]
    data = struct.pack(f"={len(words)}Q", *words)
    found = _libc().syscall(CREATE, data, ctypes.c_long(len(data)), ctypes.c_long(0))
    return _checked(found, "landlock_create_ruleset")


def allow(rules: int, path: Path, rights: int) -> None:
    """Allow `rights` beneath a path; what does not exist or may not be opened is left out."""
    rights &= sum(some for since, some in RIGHTS.items() if since <= landlock_version())
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(opened).st_mode):
            rights &= ON_FILES
        data = struct.pack("=Qi", rights, opened)
        if rights:
            _checked(_libc().syscall(ADD, ctypes.c_long(rules), ctypes.c_long(1), data, ctypes.c_long(0)), "landlock_add_rule")
    finally:
        os.close(opened)


def enforce(rules: int) -> None:
    """Live under these rules from now on; nothing can lift them."""
    _checked(_libc().syscall(RESTRICT, ctypes.c_long(rules), ctypes.c_long(0)), "landlock_restrict_self")


def without(root: Path, hidden: Iterable[Path]) -> Iterator[Path]:
    """The paths that together cover `root` except what lies beneath `hidden`."""
    inside = [path for path in hidden if path == root or root in path.parents]
    if not inside:
        yield root
    elif root not in inside and root.is_dir():
        for path in sorted(root.iterdir()):
            yield from without(path, inside)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, call: str) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{call}: {os.strerror(error)}")
    return result
