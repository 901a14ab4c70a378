"""What a mutation is: one small change of one expression of a module's syntax tree. Pure.

Comparisons move by one or turn round, `and` becomes `or`, `not` goes, numbers grow by one, truth
values turn round, sums become differences, and a returned value becomes None.
"""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
COUNTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult,
}  # fmt: skip
JOINED: dict[type[ast.boolop], type[ast.boolop]] = {ast.And: ast.Or, ast.Or: ast.And}


@dataclass(frozen=True)
class Mutation:
    """One change.

    Attributes:
        module: the file, below the package.
        number: which of the module's changes it is.
        name: what is changed into what, and where, without line numbers, which move.
    """

    module: str
    number: int
    name: str

    def code(self, source: Path) -> CodeType:
        """Return the module's code with the change made."""
        path = source / self.module
        mutator = Mutator(self.number)
        tree = mutator.visit(ast.parse(path.read_text(encoding="utf-8")))
        return compile(ast.fix_missing_locations(tree), str(path), "exec")


def of_module(source: Path, module: str) -> list[Mutation]:
    """Return every change that can be made to a module."""
    mutator = Mutator(None)
    mutator.visit(ast.parse((source / module).read_text(encoding="utf-8")))
    seen: Counter[str] = Counter()
    found = []
    for number, made in enumerate(mutator.places):
        seen[made] += 1
        again = f" ({seen[made]})" if seen[made] > 1 else ""
        found.append(Mutation(module, number, f"{module}: {made}{again}"))
    return found


class Mutator(ast.NodeTransformer):
    """Names the places where a change can be made, and makes the wanted one."""

    def __init__(self, wanted: int | None) -> None:
        self._wanted = wanted
        self._within: list[str] = []
        self._around: list[str] = []
        self.places: list[str] = []

    def visit(self, node: ast.AST) -> ast.AST:
        """Visit a node, remembering what stands around a bare constant."""
        bare = any(isinstance(child, ast.Constant) for child in ast.iter_child_nodes(node))
        self._around.append(ast.unparse(node).partition("\n")[0][:70] if bare else "")
        found: ast.AST = super().visit(node)
        self._around.pop()
        return found

    def _now(self, what: str) -> bool:
        self.places.append(f"{'.'.join(self._within) or 'module'}: {what}")
        return len(self.places) - 1 == self._wanted

    def _named(self, node: ast.ClassDef | ast.FunctionDef) -> ast.AST:
        self._within.append(node.name)
        self.generic_visit(node)
        self._within.pop()
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._named(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._named(node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        for n, op in enumerate(node.ops):
            other = COMPARED[type(op)]
            if self._now(f"{ast.unparse(node)} -> {other.__name__}"):
                node.ops[n] = other()
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        other = COUNTED.get(type(node.op))
        text = isinstance(node.left, ast.JoinedStr) or isinstance(node.right, ast.JoinedStr)
        if other and not text and self._now(f"{ast.unparse(node)} -> {other.__name__}"):
            node.op = other()
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        other = JOINED[type(node.op)]
        if self._now(f"{ast.unparse(node)} -> {other.__name__}"):
            node.op = other()
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.Not) and self._now(f"{ast.unparse(node)} -> without not"):
            return node.operand
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        value = node.value
        if isinstance(value, bool):
            if self._now(f"{value} -> {not value} in {self._around[-2]}"):
                return ast.copy_location(ast.Constant(not value), node)
        elif isinstance(value, int | float) and self._now(
            f"{value} -> {value + 1} in {self._around[-2]}"
        ):
            return ast.copy_location(ast.Constant(value + 1), node)
        return node

    def visit_Return(self, node: ast.Return) -> ast.AST:
        self.generic_visit(node)
        plain = node.value is None or isinstance(node.value, ast.Constant)
        if not plain and self._now(f"{ast.unparse(node)} -> return None"):
            node.value = ast.Constant(None)
        return node
