"""Call a reader's function on prepared cases; only data comes out, so this half may run in a sandbox."""

import copy
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from d2lmini.i18n import Text
from d2lmini.plain import plain, same


@dataclass(frozen=True)
class Case:
    """One call: what it is about, and its arguments."""

    label: Text
    args: tuple = ()
    kwargs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one call gave: a value as plain data, or the error that it raised and the line of the function that raised it."""

    value: Any = None
    error: str = ""
    message: str = ""
    line: int = 0
    touched: bool = False  # whether the call changed its arguments


def run(answer: Any, cases: Sequence[Case], *, trusted: bool = False) -> list[Outcome]:
    """One outcome a case. An answer that is no function is its own value; a trusted function gets the arguments, not copies."""
    if not callable(answer):
        return [_own(answer)] * len(cases)
    return [_call(answer, case, trusted) for case in cases]


def _own(answer: Any) -> Outcome:
    try:
        return Outcome(value=plain(answer))
    except Exception as error:
        return Outcome(error=type(error).__name__, message=str(error)[:300])


def _call(function: Callable[..., Any], case: Case, trusted: bool) -> Outcome:
    args, kwargs = (case.args, case.kwargs) if trusted else copy.deepcopy((case.args, case.kwargs))
    try:
        value = plain(function(*args, **kwargs))
        touched = not trusted and not all(map(_unchanged, [*args, *kwargs.values()], [*case.args, *case.kwargs.values()]))
        return Outcome(value=value, touched=touched)
    except Exception as error:
        return Outcome(error=type(error).__name__, message=str(error)[:300], line=_line(function, error))


def _unchanged(after: Any, before: Any) -> bool:
    try:
        return same(plain(after), plain(before), 0.0)
    except TypeError:  # a module or a function among the arguments
        return True


def _line(function: Callable[..., Any], error: Exception) -> int:
    """The line, counted from the function's `def`, that was running; 0 when it is not known."""
    code = getattr(function, "__code__", None)
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code is code]
    return lines[-1] - code.co_firstlineno + 1 if code and lines else 0
