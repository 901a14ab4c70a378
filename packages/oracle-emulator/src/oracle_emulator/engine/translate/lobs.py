"""Where LOBs may not stand: ORDER BY, GROUP BY, DISTINCT and set operators that compare rows.

Only plain columns are known for LOBs here; an expression that makes one is PostgreSQL's to judge.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from oracle_emulator.engine import names
from oracle_emulator.engine.errors import error
from oracle_emulator.engine.interface import OracleError, TypeCode
from oracle_emulator.engine.translate.context import Context

_LOBS = {TypeCode.CLOB: "CLOB", TypeCode.BLOB: "BLOB"}
_LONGS = frozenset({TypeCode.LONG, TypeCode.LONG_RAW})
Scope = dict[str, dict[str, TypeCode]]  # the name of a table here -> its columns


def check(tree: exp.Expr, context: Context) -> None:
    """Raise ORA-00932 (LOB) or ORA-00997 (LONG). Must run after identifiers were folded."""
    for select in tree.find_all(exp.Select):
        compared = list(_compared(select))
        if not compared:
            continue
        scope = _scope(select, context)
        for item in compared:
            _judge(item, scope, select, context)


def _compared(select: exp.Select) -> Iterator[exp.Expr]:
    """The expressions by which a query's rows are compared."""
    order, group = select.args.get("order"), select.args.get("group")
    for ordered in order.expressions if order is not None else ():
        yield ordered.this
    yield from group.expressions if group is not None else ()
    parent = select.parent
    united = isinstance(parent, exp.SetOperation) and parent.args.get("distinct")
    if select.args.get("distinct") or united:
        yield from (item.unalias() for item in select.expressions)


def _scope(select: exp.Select, context: Context) -> Scope:
    sources = [select.args.get("from_"), *(select.args.get("joins") or [])]
    scope: Scope = {}
    for source in sources:
        table = source.this if source is not None else None
        if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier):
            continue
        name = names.logical(table.name)
        owner = names.logical(table.db) if table.args.get("db") else context.schema
        named = (owner, name)
        columns = context.columns(context.synonym(named) or named)
        scope[names.logical(table.alias) or name] = {
            column.name: column.type.code for column in columns.values()
        }
    return scope


def _judge(item: exp.Expr, scope: Scope, select: exp.Select, context: Context) -> None:
    if isinstance(item, exp.Literal) and not item.is_string and item.name.isdigit():
        position = int(item.name) - 1
        if 0 <= position < len(select.expressions):
            item = select.expressions[position].unalias()
    if not isinstance(item, exp.Column):
        return
    table, column = names.logical(item.table), names.logical(item.name)
    tables = [scope[table]] if table in scope else list(scope.values()) if not table else []
    if isinstance(item.this, exp.Star):
        found = [code for columns in tables for code in columns.values()]
    else:
        found = [columns[column] for columns in tables if column in columns]
    for code in found:
        if code in _LOBS:
            raise _refused(_LOBS[code], context)
        if code in _LONGS:
            raise error(997)


def _refused(kind: str, context: Context) -> OracleError:
    if context.capabilities.named_errors:  # 23ai has an error of its own for it
        return error(22848, kind)
    return error(932, "-", kind)
