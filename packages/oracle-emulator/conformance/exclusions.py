"""Which tests of the driver's suite are outside of what the emulator does, from their source.

A test is excluded by what its own text and that of the functions and fixtures of its module that it
uses says: PL/SQL other than the listed blocks, object types, queues, XML, JSON, vectors. Nothing is
excluded by name.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

#: Blocks that the emulator recognises; what remains of a text without them must hold no PL/SQL.
_KNOWN_BLOCKS = re.compile(
    r"""
    begin\s+null\s*;\s*end\s*;
    | begin\s+execute\s+immediate\s+'[^']*'\s*;
      (\s*exception\s+when\s+others\s+then\s+if\s+sqlcode\s*(!=|<>)\s*-\d+\s+then\s+raise\s*;\s*end\s+if\s*;)?\s*end\s*;
    | begin\s+dbms_(session|lock)\.sleep\([^)]*\)\s*;\s*end\s*;
    | begin\s+dbms_session\.set_identifier\([^)]*\)\s*;\s*end\s*;
    | begin\s+dbms_application_info\.\w+\([^)]*\)\s*;\s*end\s*;
    | begin\s+dbms_stats\.gather_table_stats\([^)]*\)\s*;\s*end\s*;
    | begin\s+dbms_output\.(enable|get_lines?)\([^)]*\)\s*;\s*end\s*;
    """,
    re.IGNORECASE | re.VERBOSE,
)
_REASONS = {
    "PL/SQL": re.compile(
        r"\bbegin\b(?!\s*transaction)[^\"]*?;|\bdeclare\s+\w+|\bcreate\s+(or\s+replace\s+)?"
        r"(editionable\s+|noneditionable\s+)?(function|procedure|package|trigger)\b"
        r"|(?<![\w.])call\s+\w+\s*\(|\bcall(proc|func)\b|\bpkg_\w+|\bproc_test|\bfunc_test|\.arrayvar\("
        r"|\bDB_TYPE_BINARY_INTEGER\b|\bDB_TYPE_CURSOR\b|\bcursor\s*\(\s*select\b|\bgetimplicitresults\b",
        re.IGNORECASE,
    ),
    "object types": re.compile(
        r"\bgettype\b|\budt_\w+|\btestobjects\b|\bDB_TYPE_OBJECT\b|\bnewobject\b|\bsys\.odci"
        r"|\btestbuildings\b|\bsdo_geometry\b|\bcreate\s+(or\s+replace\s+)?type\b",
        re.IGNORECASE,
    ),
    "advanced queuing": re.compile(
        r"\bqueue\(|\bdeqoptions\b|\benqoptions\b|\bbook_queue\b", re.IGNORECASE
    ),
    "XML": re.compile(
        r"\bxmltype\b|\btest(temp)?xml\b|\bxmlelement\b|\bDB_TYPE_XMLTYPE\b", re.IGNORECASE
    ),
    "JSON": re.compile(
        r"\btest(compressed)?json(cols)?\b|\bDB_TYPE_JSON\b|\bis\s+json\b|\bjson_\w+\s*\(|\bjson\s*\("
        r"|\btestosoncols\b|\bjson_supported\b|\bsupports_json\b",
        re.IGNORECASE,
    ),
    "vectors": re.compile(r"vector", re.IGNORECASE),
}  # fmt: skip
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def excluded(module: Path) -> dict[str, str]:
    """Return the excluded tests of a module, name to reason."""
    functions = {
        node.name: node
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, _FUNCTIONS)
    }
    found = {}
    for name, function in functions.items():
        if name.startswith("test_"):
            reason = reason_of("\n".join(_texts(function, functions, set())))
            if reason:
                found[name] = reason
    return found


def reason_of(text: str) -> str | None:
    """Return why a test with this text is excluded; None where it is not."""
    rest = _KNOWN_BLOCKS.sub(" ", text)
    return next((reason for reason, said in _REASONS.items() if said.search(rest)), None)


def _texts(function: Function, functions: dict[str, Function], seen: set[str]) -> Iterator[str]:
    """Yield the code and strings of a function and of what it uses of its module; no docstring."""
    seen.add(function.name)
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    used = {argument.arg for argument in function.args.args}
    yield " ".join(sorted(used))
    for decorator in function.decorator_list:
        yield ast.unparse(decorator)
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.JoinedStr):
                yield "".join(
                    part.value if isinstance(part, ast.Constant) else "x" for part in node.values
                )
            elif isinstance(node, ast.Name):
                used.add(node.id)
        yield ast.unparse(statement)
    for name in sorted(used & functions.keys() - seen):
        if not name.startswith("test_"):
            yield from _texts(functions[name], functions, seen)
