"""Print the book: stage both editions, run Sphinx on two cores, swap the finished site in."""

import argparse
import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from book.press import CHAPTERS, ROOT, Refused, landing, stage
from d2lmini.i18n import LANGUAGES, Language

BUILD = ROOT / "build"
STAMP = ".stamp"
ENGINE = ("sphinx", "myst-nb", "myst-parser", "sphinx-book-theme", "pydata-sphinx-theme", "sphinxcontrib-katex")


def build(languages: tuple[Language, ...] = LANGUAGES, out: Path = BUILD / "html", chapters: Path = CHAPTERS) -> str:
    """Bring `out` up to date and say what was done; an interrupted or failed build leaves `out` as it was."""
    BUILD.mkdir(exist_ok=True)
    with _alone():
        for language in languages:
            stage.stage(language, BUILD / "src" / language, chapters)
        stamp = _stamp(languages)
        if (out / STAMP).exists() and (out / STAMP).read_text() == stamp:
            return f"{_shown(out)}: nothing changed"
        with tempfile.TemporaryDirectory(dir=BUILD, prefix="html-") as folder:
            draft = Path(folder) / "html"
            _sphinx(languages, draft)
            shutil.rmtree(draft / "jupyter_execute", ignore_errors=True)  # a copy of the staged notebooks
            landing.write(draft, languages)
            (draft / STAMP).write_text(stamp)
            _swap(draft, out)
        return f"{_shown(out)}: {sum(1 for _ in out.rglob('*.html'))} pages"


def _sphinx(languages: tuple[Language, ...], draft: Path) -> None:
    """One Sphinx a language, side by side; the log of one that fails is shown whole."""
    running = {}
    for language in languages:
        source, doctrees = BUILD / "src" / language, BUILD / "doctrees" / f"{language}-{_press()}"
        for old in BUILD.glob(f"doctrees/{language}-*"):
            if old != doctrees:  # another press read them: its reading may differ
                shutil.rmtree(old)
        command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
        command += ["-c", str(ROOT / "book"), "-d", str(doctrees), "-D", f"language={language}", str(source), str(draft / language)]
        environment = dict(os.environ, D2L_LANGUAGE=language, D2L_SOURCES=str(source), PYTHONPATH=str(ROOT))
        running[language] = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        logs = {language: process.communicate()[0] for language, process in running.items()}
    finally:
        for process in running.values():
            process.kill()
    failed = [f"[{language}]\n{logs[language]}" for language, process in running.items() if process.returncode]
    if failed:
        raise SystemExit("the book was not printed:\n" + "\n".join(failed))


def _swap(draft: Path, out: Path) -> None:
    """Put the finished site where readers look; two renames, so that no half-written page is ever seen."""
    out.parent.mkdir(parents=True, exist_ok=True)
    old = out.with_name(f".{out.name}-old")
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.rename(old)
    try:
        draft.rename(out)
    except BaseException:
        if old.exists():
            old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _stamp(languages: tuple[Language, ...]) -> str:
    """One hash of all that the site is made from."""
    files = sorted(path for language in languages for path in (BUILD / "src" / language).rglob("*") if path.is_file())
    digest = hashlib.sha256(f"{languages} {_press()} {os.environ.get('D2L_REPOSITORY', '')}".encode())
    for path in files:
        digest.update(f"{path.relative_to(BUILD)}\n".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _press() -> str:
    """One hash of the press itself: settings, templates, extension and the versions of the engine."""
    book = ROOT / "book"
    files = [*book.glob("*.py"), *book.glob("*.yml"), *book.glob("*.bib"), *book.glob("_templates/**/*.html"), *book.glob("press/*.py")]
    digest = hashlib.sha256(" ".join(importlib.metadata.version(name) for name in ENGINE).encode())
    for path in sorted(files):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@contextmanager
def _alone() -> Iterator[None]:
    """Two builds at once wait for each other, where the system can lock files."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with (BUILD / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def main(arguments: list[str]) -> None:
    """The command line: `python -m book.press.build [--language fr|en] [--out build/html]`."""
    parser = argparse.ArgumentParser(prog="python -m book.press.build", description=__doc__)
    parser.add_argument("--language", choices=LANGUAGES, help="print one edition only")
    parser.add_argument("--out", type=Path, default=BUILD / "html", help="where the site goes (default: build/html)")
    parser.add_argument("--chapters", type=Path, default=CHAPTERS, help="another folder of chapters, for a draft")
    chosen = parser.parse_args(arguments)
    print(build((chosen.language,) if chosen.language else LANGUAGES, chosen.out.resolve(), chosen.chapters.resolve()))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Refused as refusal:
        raise SystemExit(str(refusal)) from None
    except KeyboardInterrupt:
        raise SystemExit("interrupted: the site is as it was before.") from None
