"""Change a solution in every small way: `python -m tests.exercises.mutate [SET …]` tells which changes pass the checks."""

import ast
import copy
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO

from book.press import SOLUTIONS
from book.press.solutions import code, is_answer
from book.press.source import Code, read
from d2lmini import trial
from d2lmini.exercises.diagnosis import behavior, diagnose
from d2lmini.exercises.exercise import NONE, Exercise
from d2lmini.exercises.sets import SETS
from d2lmini.plain import same

SWAPS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.MatMult: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.And: ast.Or, ast.Or: ast.And,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """Each change of a function's body: where it is and how it reads, and the whole code so changed."""
    tree = ast.parse(source)
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for part in function.body
        for node in ast.walk(part)
    }
    for place, node in enumerate(ast.walk(tree)):
        if id(node) in inside:
            for variant in variants(node):
                changed = copy.deepcopy(tree)
                target = next(other for n, other in enumerate(ast.walk(changed)) if n == place)
                changed = _Replace(target, variant).visit(changed)
                yield f"{ast.unparse(node)} → {ast.unparse(variant)}".replace("\n", " "), ast.unparse(ast.fix_missing_locations(changed))


def variants(node: ast.AST) -> Iterator[ast.AST]:
    """The small changes of one node."""
    match node:
        case ast.BinOp(op=op) | ast.BoolOp(op=op) if type(op) in SWAPS:
            yield _with(node, op=SWAPS[type(op)]())
        case ast.Compare(ops=[op]) if type(op) in SWAPS:
            yield _with(node, ops=[SWAPS[type(op)]()])
        case ast.UnaryOp(operand=operand):
            yield operand
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield from (ast.Constant(value + 1), ast.Constant(value - 1))
        case ast.Constant(value=float(value)):
            yield ast.Constant(2 * value + 1)
        case ast.If():
            yield from (_with(node, test=ast.Constant(True)), _with(node, test=ast.Constant(False)))
        case ast.Slice(lower=lower, upper=upper):
            yield from (_with(node, **{side: None}) for side, bound in (("lower", lower), ("upper", upper)) if bound)
        case ast.Call(func=func, args=args, keywords=keywords):
            if isinstance(func, ast.Attribute) and not (isinstance(func.value, ast.Name) and func.value.id in ("torch", "F", "math")):
                yield func.value
            yield from (_with(node, keywords=[k for k in keywords if k is not gone]) for gone in keywords)
            if len(args) >= 2:
                yield _with(node, args=[args[1], args[0], *args[2:]])


def _with(node: ast.AST, **changes: object) -> ast.AST:
    changed = copy.deepcopy(node)
    for name, value in changes.items():
        setattr(changed, name, value)
    return changed


class _Replace(ast.NodeTransformer):
    def __init__(self, target: ast.AST, variant: ast.AST) -> None:
        self.target, self.variant = target, variant

    def visit(self, node: ast.AST) -> ast.AST:
        return self.variant if node is self.target else super().generic_visit(node)


def solutions(which: str) -> tuple[dict, dict[str, str]]:
    """What a set's cells define together, and the code of each function that is an answer."""
    (path,) = SOLUTIONS.glob(f"[0-9][0-9]_{which}.md")
    shared: dict = {}
    answers: dict[str, str] = {}
    for cell in read(path):
        if isinstance(cell, Code) and not cell.text.startswith("check"):
            text = code(cell.text, "en")
            with redirect_stdout(StringIO()):
                exec(text, shared)
            functions = [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
            if is_answer(cell.text) and functions:
                answers[functions[-1]] = text
    return shared, answers


def tried(exercise: Exercise, source: str, shared: dict) -> Iterator[tuple[str, list[trial.Outcome]]]:
    """Each change of a solution with what it gives on the cases: nothing when it loops for ever."""
    cases = exercise.cases(0)
    for change, text in mutants(source):
        outcomes: list[trial.Outcome] = []
        with _at_most(2):
            space = dict(shared)
            exec(text, space)
            outcomes = trial.run(space[exercise.name], cases)
        yield change, outcomes


def passes(exercise: Exercise, outcomes: list[trial.Outcome]) -> bool:
    """Whether a change goes unseen (diagnosis says the same, after a longer search for the name of the mistake)."""
    expected = behavior(exercise, NONE, 0)
    return bool(outcomes) and all(
        not outcome.error and not outcome.touched and same(outcome.value, reference.value, exercise.tolerance)
        for outcome, reference in zip(outcomes, expected, strict=True)
    )


class _TooLong(BaseException):
    pass


@contextmanager
def _at_most(seconds: int) -> Iterator[None]:
    """A mutant that loops for ever counts as killed."""

    def stop(*_: object) -> None:
        raise _TooLong

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    except _TooLong:
        pass
    finally:
        signal.alarm(0)


def main(names: list[str]) -> None:
    """Print every survivor, and for each set how many mutants there are, how many are killed and how many of these are named."""
    for which in names or SETS:
        if not [*SOLUTIONS.glob(f"*_{which}.md")]:
            continue
        shared, answers = solutions(which)
        total = killed = named = 0
        for exercise in SETS[which]:
            for change, outcomes in tried(exercise, answers[exercise.name], shared) if exercise.name in answers else ():
                total += 1
                if passes(exercise, outcomes):
                    print(f"  {exercise.name}: {change}")
                else:
                    killed += 1
                    named += bool(outcomes) and {*diagnose(exercise, outcomes).mistakes} <= {*exercise.mistakes}
        print(f"{which}: {total} mutants, {killed} killed, {named} of them named")


if __name__ == "__main__":
    main(sys.argv[1:])
