"""What a notebook's results depend on: its code, and the part of d2lmini that this code imports."""

import ast
import hashlib
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from book.press import ROOT

PACKAGE = ROOT / "d2lmini"


def key(cells: Iterable[str]) -> str:
    """One hash of the code cells and of every d2lmini module they reach, comments and docstrings aside.

    A comment mended in the library doesn't train every chapter again; a changed line does.
    """
    cells = list(cells)
    digest = hashlib.sha256("\n".join(cells).encode())
    code = "\n".join("" if row.lstrip().startswith(("%", "!")) else row for row in "\n".join(cells).split("\n"))
    for module in sorted(_reached(_imports(ast.parse(code), PACKAGE / "__init__.py"))):
        digest.update(_essence(module))
    return digest.hexdigest()[:16]


def _reached(modules: set[Path]) -> set[Path]:
    """The modules themselves and all that they import inside the package, directly or not."""
    seen: set[Path] = set()
    todo = list(modules)
    while todo:
        module = todo.pop()
        if module not in seen:
            seen.add(module)
            todo += _dependencies(module)
    return seen


@cache
def _dependencies(module: Path) -> frozenset[Path]:
    return frozenset(_imports(ast.parse(module.read_text("utf8")), module))


def _imports(tree: ast.AST, module: Path) -> set[Path]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                source = _source_of(node.module, alias.name)
                names |= {source} if source else {node.module, f"{node.module}.{alias.name}"}
    found = set()
    for name in names:
        path = _path(name)
        if name.split(".")[0] == PACKAGE.name:
            found |= {file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()}
    return found - {module}


def _path(name: str) -> Path:
    return PACKAGE.parent.joinpath(*name.split("."))


def _source_of(package: str, name: str) -> str | None:
    """The module where a package finds one of its names: whoever imports a widget doesn't depend on the other widgets."""
    shelf = _path(package) / "__init__.py"
    if not package.startswith(f"{PACKAGE.name}.") or not shelf.is_file():
        return None
    imports = [node for node in ast.parse(shelf.read_text("utf8")).body if isinstance(node, ast.ImportFrom) and node.module != package]
    return next((node.module for node in imports if name in [alias.name for alias in node.names]), None)


@cache
def _essence(module: Path) -> bytes:
    """A module without what can't change a result; a widget's page-side files, and those that all widgets share, count whole."""
    tree = ast.parse(module.read_text("utf8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    script = module.with_suffix(".mjs")
    neighbors = re.findall(r'from "\./(\w+)\.mjs"', script.read_text("utf8")) if script.is_file() else []
    beside = sorted(file for stem in {module.stem, "shared", *neighbors} for file in module.parent.glob(f"{stem}.[mc][js]s"))
    return ast.unparse(tree).encode() + b"".join(file.read_bytes() for file in beside)
