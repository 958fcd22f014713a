"""Run a student's cells and answer with plain data. This happens in a child that has no reference and no way out."""

import __future__

import ast
import builtins
import importlib.abc
import os
import random
import signal
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

import d2lmini
from d2lmini import trial
from d2lmini.grading import notebooks
from d2lmini.i18n import Text
from d2lmini.plain import pack
from d2lmini.trial import Case, Outcome

MOST_BYTES = 1 << 20  # of one returned value
REMEMBERED = 5  # bindings of a name: a duplicated cell may put an empty stub after the answer
ANNOTATIONS = __future__.annotations.compiler_flag  # never computed: they may name what is not installed here
SAFE = (
    ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.UnaryOp, ast.BinOp, ast.Name, ast.Attribute, ast.Lambda,
    ast.expr_context, ast.unaryop, ast.Add, ast.Sub, ast.Mult, ast.Div,
)  # fmt: skip


def answer(job: dict[str, Any], run: Callable[[], None]) -> bytes:
    """Do a job: the facts of a notebook, or the outcomes of one exercise. `run()` once the cells have run."""
    if job["kind"] == "facts":
        try:
            return pack(notebooks.facts(job["data"], job["names"]))
        except notebooks.Unreadable as reason:
            return pack({"unreadable": str(reason)})
    names = _prepare(job)
    cells = _Cells(job["name"], job["patience"], names)
    kept = (is_definition if job["function"] else is_assignment) if job["only_definitions"] else None
    cells.run(job["cells"], kept)
    if job["function"]:
        functions = [value for value in cells.values if callable(value) or value is ...]
        if cells.values and not functions:
            cells.note = ["not_function", type(cells.values[-1]).__name__[:50]]
        cells.values = functions
    run()
    cases = [Case(Text("", ""), tuple(args), kwargs) for args, kwargs in job["cases"]]
    try:
        outcomes = _best(cells.values, cases)
        packed = [_packable(outcome) for outcome in outcomes]
    except BaseException as error:  # what trial lets through: SystemExit, KeyboardInterrupt
        return pack({"note": ["exit", type(error).__name__[:50]], "outcomes": []})
    return pack({"note": cells.note, "outcomes": packed})


def _best(values: list[Any], cases: list[Case]) -> list[Outcome]:
    """The outcomes of the last binding that works on some case, else of the last one that was solved, else of the last one."""
    solved: list[Outcome] = []
    first: list[Outcome] = []
    for value in reversed(values):
        found = trial.run(value, cases)
        if not all(outcome.error or outcome.value is ... for outcome in found):
            return found
        if not all((outcome.error == "NotImplementedError" and not outcome.message) or outcome.value is ... for outcome in found):
            solved = solved or found
        first = first or found
    return solved or first


def _packable(outcome: Outcome) -> list[Any]:
    """An outcome as a list, once it is sure that it can be packed."""
    try:
        if _size(outcome.value) > MOST_BYTES:
            raise ValueError(f"the result weighs more than {MOST_BYTES >> 20} MB")
        pack(outcome.value)
        return [outcome.value, outcome.error, outcome.message, outcome.line, outcome.touched]
    except Exception as error:
        return [None, type(error).__name__, str(error)[:300], 0, outcome.touched]


def _size(value: Any) -> int:
    if isinstance(value, torch.Tensor):
        return value.numel() * value.element_size()
    parts = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
    return 64 + len(value) if isinstance(value, str) else 64 + sum(map(_size, parts))


# --- the world that a notebook sees ---------------------------------------------------------------------------------


def _prepare(job: dict[str, Any]) -> dict[str, Any]:
    """A fresh `__main__`, an empty keyboard, fixed seeds, and a stub in place of the exercises; returns the names of `__main__`."""
    main = types.ModuleType("__main__")
    sys.modules["__main__"], sys.argv = main, [""]
    os.environ.update(dict.fromkeys(("HOME", "TMPDIR", "MPLCONFIGDIR"), str(Path.cwd())))
    here: Any = builtins
    here.input = lambda *_: ""
    here.display = here.get_ipython = lambda *_, **__: None
    stub = types.ModuleType("d2lmini.exercises")
    stub.__path__ = []
    for name in notebooks.SKIPPED:
        setattr(stub, name, lambda *_, **__: None)
    given = job["given"]
    d2lmini.exercises = stub  # type: ignore[attr-defined]
    stub.given = lambda name, student="": given.get(name)  # type: ignore[attr-defined]
    sys.modules["d2lmini.exercises"] = sys.modules["d2lmini.exercises.notebook"] = stub
    sys.meta_path.insert(0, _Refuse())
    random.seed(0)
    torch.manual_seed(0)
    return vars(main)


class _Refuse(importlib.abc.MetaPathFinder):
    """The exercises, their answers and the grader can't be imported."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        if fullname.startswith(("d2lmini.exercises", "d2lmini.grading")):
            raise ImportError(f"{fullname} is not available while a notebook is graded")


class _Late(BaseException):
    """A statement took too long."""


class _Cells:
    """Cells run statement by statement, so that a bad line costs one line; remembers what was bound to one name."""

    def __init__(self, name: str, patience: float, names: dict[str, Any]) -> None:
        self.name, self.patience, self.names = name, patience, names
        self.values: list[Any] = []
        self.note: list[Any] = []  # why the name may be missing: a code, and what fills its message

    def run(self, cells: list[str], kept: Callable[[ast.stmt], bool] | None) -> None:
        for cell in cells:
            try:
                tree = ast.parse(notebooks.without_magics(cell))
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                if notebooks.mentions(cell, self.name):
                    self.note = ["syntax", getattr(error, "lineno", 0) or 0, str(getattr(error, "msg", error))[:200]]
                continue
            for statement in tree.body:
                if not notebooks.is_skipped(statement) and (kept is None or kept(statement)):
                    self.step(statement)

    def step(self, statement: ast.stmt) -> None:
        me = os.getpid()
        try:
            with _alarm(self.patience):
                exec(compile(ast.Module([statement], []), "<notebook>", "exec", ANNOTATIONS), self.names)
        except _Late:
            problem = ["late"]
        except MemoryError:
            problem = ["memory"]
        except BaseException as error:  # SystemExit and KeyboardInterrupt too: they end a statement, not the notebook
            problem = ["memory"] if "t allocate memory" in str(error) else ["cell", type(error).__name__, str(error)[:200]]
        else:
            problem = []
        if os.getpid() != me:
            os._exit(0)  # a forked copy may not answer
        if problem and self.name in notebooks.bound(statement):
            self.note = problem
        value = self.names.get(self.name)
        if value is not None and not (self.values and self.values[-1] is value):
            self.values = [*self.values[1 - REMEMBERED :], value]


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raise `_Late` when the block takes longer, and again as long as that is ignored. Windows has no such alarm."""

    def ring(*_: Any) -> None:
        raise _Late

    if not hasattr(signal, "setitimer"):
        yield
        return
    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def is_definition(statement: ast.stmt) -> bool:
    """Whether a statement can't hang: an import, a function, a class, a constant.

    >>> [is_definition(line) for line in ast.parse("a = [1, 1 / 3]\\nb = sum(a)\\nwhile a: pass").body]
    [True, False, False]
    """
    if isinstance(statement, ast.Assign):
        return all(isinstance(node, SAFE) for node in _walk(statement.value))
    return isinstance(statement, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def is_assignment(statement: ast.stmt) -> bool:
    """Whether a statement may be needed by the answer to a question: a definition, or any assignment."""
    return isinstance(statement, ast.Assign | ast.AnnAssign) or is_definition(statement)


def _walk(node: ast.AST) -> list[ast.AST]:
    """A node and what it is made of, the bodies of functions left out."""
    children = [] if isinstance(node, ast.Lambda) else list(ast.iter_child_nodes(node))
    return [node, *(part for child in children for part in _walk(child))]
