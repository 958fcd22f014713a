"""A tiny package for the tests of the loader: built here, installed nowhere, downloaded from a folder."""

import hashlib
import io
import os
import subprocess
import zipfile
from pathlib import Path

from d2lmini.data import extract
from d2lmini.data.sources import Source
from d2lmini.i18n import Text

TEXT = "Au commencement, il y eut un fichier de 47 octets."
WHEEL = "tiny_texts-1.2-py3-none-any.whl"


def wheel(text: str = TEXT) -> bytes:
    """A wheel that pip accepts; the same bytes for the same text."""
    files = {
        "tiny_texts/data/text.txt": text,
        "tiny_texts/data/other.txt": "left behind",
        "tiny_texts-1.2.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny-texts\nVersion: 1.2\n",
        "tiny_texts-1.2.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "tiny_texts-1.2.dist-info/RECORD": "",
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def tiny(**changes) -> Source:
    """The source that describes this wheel."""
    facts = {
        "name": "tiny",
        "package": "tiny-texts",
        "version": "1.2",
        "registry": "PyPI",
        "sha256": hashlib.sha256(wheel()).hexdigest(),
        "size": len(wheel()),
        "extract": extract.members("tiny_texts/data/text.txt"),
        "what": Text("un petit texte", "a small text"),
        "licence": Text("MIT", "MIT"),
        "citation": "Nobody (2026)",
    }
    return Source(**{**facts, **changes})


def debian_package(folder: Path, compressed: bytes) -> Path:
    """A Debian package with one file, built by dpkg-deb itself."""
    tree = folder / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_text(
        "Package: tiny-texts\nVersion: 1.2\nArchitecture: all\nMaintainer: a <a@b.c>\nDescription: tiny\n"
    )
    (tree / "usr" / "share").mkdir(parents=True)
    (tree / "usr" / "share" / "text.txt.dz").write_bytes(compressed)
    for path in [tree, *tree.rglob("*")]:
        os.chmod(path, 0o755)  # noqa: PTH101
    subprocess.run(["dpkg-deb", "--build", str(tree), str(folder / "tiny.deb")], check=True, capture_output=True)
    return folder / "tiny.deb"
