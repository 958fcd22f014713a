"""How a statement is written once comments, layout and the choice of names are forgotten: what similarity compares."""

import ast
import builtins
import re
from typing import Any

KEPT = set(dir(builtins)) | {"torch", "math", "np", "numpy", "nn", "F", "self"}
WORD = re.compile(r"[^\W\d]\w*|\d+(?:\.\d*)?(?:e[-+]?\d+)?|\.\d+|'[^'\n]*'|[-+*/@<>=!]=|//|\*\*|->|<<|>>|\S")


def tokens(statement: ast.stmt, kept: list[str]) -> list[str]:
    """The tokens of a statement: names of its own are numbered as they come, those of Python, of modules and `kept` stay.

    >>> tokens(ast.parse("def f(a, b): # sum\\n  total = a+b; return total").body[0], ["f"])[-7:]
    ['v2', '=', 'v0', '+', 'v1', 'return', 'v2']
    """
    if isinstance(statement, ast.Import | ast.ImportFrom) or _is_text(statement):
        return []
    try:
        plain = _Forget({*KEPT, *kept}).visit(statement)
        return WORD.findall(ast.unparse(plain)) if plain else []
    except (RecursionError, ValueError):
        return []


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


class _Forget(ast.NodeTransformer):
    """Rename what a statement names itself, drop docstrings and annotations."""

    def __init__(self, kept: set[str]) -> None:
        self.kept = kept
        self.names: dict[str, str] = {}

    def new(self, name: str) -> str:
        return name if name in self.kept else self.names.setdefault(name, f"v{len(self.names)}")

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self.new(node.id), node.ctx)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return ast.arg(self.new(node.arg))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        if node.value is None:
            return None
        return self.visit(ast.copy_location(ast.Assign([node.target], node.value), node))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name, node.returns = self.new(node.name), None
        node.body = [line for line in node.body if not _is_text(line)] or [ast.Pass()]
        return self.generic_visit(node)
