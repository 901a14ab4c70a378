"""Deliberate faults in the pure rules: the tests beside them must notice at least 80 of 100.

Each mutation is one small change of one expression, made on a copy of the package that the tests
of that module then run against. Survivors are listed in `mutations/survivors.txt`; a new one
fails here until it is killed or explained there. Not part of `make test`: it runs for minutes.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import flext_tap_oracle_wms

PACKAGE = Path(flext_tap_oracle_wms.__file__).parent
TESTS = Path(__file__).parent
LISTED = TESTS / "mutations" / "survivors.txt"
#: The rules that completeness stands on, and the tests that must hold them.
TARGETS = {
    "paging.py": ["test_paging_properties.py", "sync/test_reading.py"],
    "windows.py": ["test_windows_properties.py"],
    "retry.py": ["test_retry_properties.py", "test_client.py"],
    "bookmarks.py": ["test_bookmarks_properties.py"],
    "sizing.py": ["test_budget_properties.py"],
    "budget.py": ["test_budget_properties.py"],
}
COMPARED = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
COUNTED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult}
JOINED = {ast.And: ast.Or, ast.Or: ast.And}


class Mutator(ast.NodeTransformer):
    """Makes the change of one number, counting the places where one can be made."""

    def __init__(self, wanted: int) -> None:
        self.wanted, self.seen, self.made = wanted, -1, ""

    def _now(self, node: ast.AST, what: str) -> bool:
        self.seen += 1
        if self.seen == self.wanted:
            self.made = f"{getattr(node, 'lineno', 0)}: {what}"
        return self.seen == self.wanted

    def visit_Compare(self, node):
        self.generic_visit(node)
        for n, op in enumerate(node.ops):
            other = COMPARED.get(type(op))
            if other is not None and self._now(node, f"{ast.unparse(node)} -> {other.__name__}"):
                node.ops[n] = other()
        return node

    def visit_BinOp(self, node):
        self.generic_visit(node)
        other = COUNTED.get(type(node.op))
        text = isinstance(node.left, ast.JoinedStr) or isinstance(node.right, ast.JoinedStr)
        if (
            other is not None
            and not text
            and self._now(node, f"{ast.unparse(node)} -> {other.__name__}")
        ):
            node.op = other()
        return node

    def visit_BoolOp(self, node):
        self.generic_visit(node)
        other = JOINED[type(node.op)]
        if self._now(node, f"{ast.unparse(node)} -> {other.__name__}"):
            node.op = other()
        return node

    def visit_UnaryOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.Not) and self._now(node, f"{ast.unparse(node)} -> without not"):
            return node.operand
        return node

    def visit_Constant(self, node):
        value = node.value
        if isinstance(value, bool) and self._now(node, f"{value} -> {not value}"):
            return ast.copy_location(ast.Constant(not value), node)
        if type(value) in {int, float} and self._now(node, f"{value} -> {value + 1}"):
            return ast.copy_location(ast.Constant(value + 1), node)
        return node

    def visit_Return(self, node):
        self.generic_visit(node)
        plain = node.value is None or isinstance(node.value, ast.Constant)
        if not plain and self._now(node, f"{ast.unparse(node)} -> return None"):
            node.value = ast.Constant(None)
        return node


def sites(name: str) -> int:
    mutator = Mutator(-1)
    mutator.visit(ast.parse((PACKAGE / name).read_text(encoding="utf-8")))
    return mutator.seen + 1


def survives(folder: Path, name: str, number: int) -> str | None:
    """Run a module's tests against one mutation; the mutation, if no test failed."""
    tree = ast.parse((PACKAGE / name).read_text(encoding="utf-8"))
    mutator = Mutator(number)
    mutated = ast.fix_missing_locations(mutator.visit(tree))
    root = folder / f"{name}-{number}"
    shutil.copytree(PACKAGE, root / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    (root / PACKAGE.name / name).write_text(ast.unparse(mutated), encoding="utf-8")
    tests = [str(TESTS / each) for each in TARGETS[name]]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:xdist", "--timeout=60", *tests]
    environ = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    environ.pop("PYTEST_XDIST_WORKER", None)
    done = subprocess.run(
        command, env=environ, cwd=TESTS.parents[2], capture_output=True, timeout=300, check=False
    )
    shutil.rmtree(root)
    return f"{name}:{mutator.made}" if done.returncode == 0 else None


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_the_tests_notice_faults_in_the_rules(tmp_path):
    every = [(name, number) for name in TARGETS for number in range(sites(name))]
    step = int(os.environ.get("FLEXT_MUTATION_STEP", "1"))
    chosen = every[::step]
    with ThreadPoolExecutor(os.cpu_count()) as executor:
        found = list(executor.map(lambda each: survives(tmp_path, *each), chosen))
    survivors = sorted(each for each in found if each is not None)
    killed = 1 - len(survivors) / len(chosen)
    print(f"{len(chosen)} mutations, {killed:.0%} killed; survivors:", *survivors, sep="\n")
    assert killed >= 0.8
    if step == 1:
        listed = LISTED.read_text(encoding="utf-8").splitlines()
        assert survivors == [line for line in listed if line and not line.startswith("#")]
