"""What a notebook holds, read without running it: its code cells, the name of its student, what it defines and how it is written."""

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from d2lmini.grading import normal_form

SKIPPED = {"check", "hint", "check_all", "earned"}  # what a notebook calls to see where it stands
MAGIC = re.compile(r"^(\s*)(?:(?:%%?[^\W\d]|!(?!=)|\?).*|[\w.]+\s*=\s*[%!].*|[\w.]+\?{1,2}\s*)$")
NOT_PYTHON = re.compile(r"%%(?!time\b|timeit\b|capture\b|prun\b)")
LONGEST_CODE = 20_000  # characters of one cell shown in a report


class Unreadable(ValueError):
    """A file that is not a notebook; the message is one of the codes of `verdicts.UNREADABLE`."""


@dataclass
class Facts:
    """What the grader may know of a notebook: texts and nothing else."""

    source: str = ""  # the file of the course that it was made from
    student: str = ""
    names: list[str] = field(default_factory=list)  # all that is bound at top level
    code: dict[str, str] = field(default_factory=dict)  # the cell of each exercise, as the student wrote it
    tokens: list[str] = field(default_factory=list)  # see normal_form


def facts(data: bytes, wanted: list[str]) -> dict[str, Any]:
    """The facts of a notebook, of which `wanted` are the exercises' names, together with its code cells."""
    notebook = parse(data)
    cells = code_cells(notebook)
    found = Facts()
    course = _get(notebook, "metadata", "d2l", "source")
    found.source = course if isinstance(course, str) else ""
    for cell in cells:
        tree = tree_of(cell)
        for statement in tree.body if tree else []:
            found.names += bound(statement)
            found.student = _student(statement) or found.student
            if not is_skipped(statement) and bound(statement) != ["student"]:
                found.tokens += normal_form.tokens(statement, wanted)
        if tree is None:
            found.names += _written(cell)
            found.tokens += _words(cell)
        for name in wanted:
            if mentions(cell, name) and (name not in found.code or not _is_stub(tree, name)):
                found.code[name] = cell[:LONGEST_CODE]
    return {"cells": cells, **asdict(found)}


def parse(data: bytes) -> dict[str, Any]:
    """The notebook in these bytes; raises `Unreadable` with the reason."""
    if not data.strip():
        raise Unreadable("empty")
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        try:
            notebook = json.loads(data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "cp1252", "replace"))
        except (ValueError, RecursionError):
            raise Unreadable("json") from None
    except (ValueError, RecursionError):
        raise Unreadable("json") from None
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells", notebook.get("worksheets")), list):
        raise Unreadable("not_notebook")
    return notebook


def code_cells(notebook: dict[str, Any]) -> list[str]:
    """The code of each cell, in order; formats 3 and 4, with whatever is missing taken as empty."""
    sheets = notebook.get("worksheets")
    cells = notebook.get("cells") or [cell for sheet in sheets or [] for cell in _list(_get(sheet, "cells"))]
    codes = [_get(cell, "source") or _get(cell, "input") for cell in cells if _get(cell, "cell_type") == "code"]
    texts = ["".join(map(str, code)) if isinstance(code, list) else str(code or "") for code in codes]
    return [text.encode("utf8", "replace").decode() for text in texts]  # half an emoji is no Python


def tree_of(cell: str) -> ast.Module | None:
    """The syntax tree of a cell, its magics dropped; None when it is not Python."""
    try:
        return ast.parse(without_magics(cell))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def without_magics(cell: str) -> str:
    """A cell as Python: a line of IPython's own becomes `pass`, so that the lines keep their numbers."""
    try:
        ast.parse(cell)
        return cell
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        if NOT_PYTHON.match(cell.lstrip()):
            return ""
        return "\n".join(_plain_lines(cell.split("\n")))


def _plain_lines(lines: list[str]) -> Iterator[str]:
    """Each line with a magic replaced; one that goes on after a backslash takes the following lines with it."""
    goes_on = False
    for line in lines:
        plain = "" if goes_on else MAGIC.sub(r"\1pass", line)
        goes_on = line.endswith("\\") and (goes_on or plain != line)
        yield plain


def bound(statement: ast.stmt) -> list[str]:
    """The names that a top-level statement binds: functions, classes and variables."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return [node.id for target in targets if target for node in ast.walk(target) if isinstance(node, ast.Name)]


def mentions(cell: str, name: str) -> bool:
    """Whether a cell, even one with a syntax error, means to define this name."""
    return name in _written(cell)


def _written(cell: str) -> list[str]:
    return [a or b for a, b in re.findall(r"(?m)^(?:(?:async\s+)?(?:def|class)\s+(\w+)|(\w+)\s*(?::[^=\n]+)?=(?!=))", cell)]


def is_skipped(statement: ast.stmt) -> bool:
    """Whether a statement only asks for a check or a hint."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(call, ast.Call) and (getattr(call.func, "id", "") or getattr(call.func, "attr", "")) in SKIPPED


def _student(statement: ast.stmt) -> str:
    value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) and "student" in bound(statement) else None
    return value.value[:200] if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""


def _is_stub(tree: ast.Module | None, name: str) -> bool:
    """Whether all that a cell says of a name is that it is still to be written."""
    for statement in tree.body if tree else []:
        if name in bound(statement):
            body = statement.body if isinstance(statement, ast.FunctionDef) else [statement]
            lines = [ast.unparse(line) for line in body if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))]
            return all(line.startswith("raise NotImplementedError") or line in ("pass", f"{name} = ...") for line in lines)
    return False


def _words(cell: str) -> list[str]:
    try:
        return [token.string for token in tokenize.generate_tokens(io.StringIO(cell).readline) if token.string.strip()]
    except (tokenize.TokenError, SyntaxError, ValueError):
        return re.findall(r"\w+|[^\w\s]", cell)


def _get(x: Any, *path: str) -> Any:
    for key in path:
        x = x.get(key) if isinstance(x, dict) else None
    return x


def _list(x: Any) -> list[Any]:
    return x if isinstance(x, list) else []
