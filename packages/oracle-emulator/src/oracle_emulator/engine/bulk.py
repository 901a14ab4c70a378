"""Rows in bulk: which INSERT of nothing but binds is a COPY, and what of it is sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from oracle_emulator.engine import copying
from oracle_emulator.engine.interface import Column, PackedRows, Row, TypeCode
from oracle_emulator.engine.translate.context import Translation

if TYPE_CHECKING:
    from oracle_emulator.engine.session import EngineSession

BULK_FROM_ROWS = 4


@dataclass(frozen=True, slots=True)
class Bulk:
    """What is sent for each row, and what stores some of it and returns how many rows each made."""

    items: Sequence[Any]
    apply: Callable[[Sequence[Any]], list[int]]


# For each type of column the types of binds whose values COPY may store as they are.
_DIRECT: dict[TypeCode, frozenset[TypeCode]] = {
    TypeCode.NUMBER: frozenset({TypeCode.NUMBER}),
    TypeCode.VARCHAR: frozenset({TypeCode.VARCHAR, TypeCode.CHAR, TypeCode.LONG, TypeCode.CLOB}),
    TypeCode.CHAR: frozenset({TypeCode.VARCHAR, TypeCode.CHAR}),
    TypeCode.CLOB: frozenset({TypeCode.VARCHAR, TypeCode.CHAR, TypeCode.LONG, TypeCode.CLOB}),
    TypeCode.DATE: frozenset({TypeCode.DATE, TypeCode.TIMESTAMP}),
    TypeCode.TIMESTAMP: frozenset({TypeCode.DATE, TypeCode.TIMESTAMP}),
    TypeCode.TIMESTAMP_TZ: frozenset({TypeCode.TIMESTAMP_TZ, TypeCode.TIMESTAMP_LTZ}),
    TypeCode.TIMESTAMP_LTZ: frozenset({TypeCode.TIMESTAMP_TZ, TypeCode.TIMESTAMP_LTZ}),
    TypeCode.RAW: frozenset({TypeCode.RAW, TypeCode.LONG_RAW}),
    TypeCode.BLOB: frozenset({TypeCode.RAW, TypeCode.LONG_RAW, TypeCode.BLOB}),
    TypeCode.BINARY_FLOAT: frozenset({TypeCode.BINARY_FLOAT, TypeCode.NUMBER}),
    TypeCode.BINARY_DOUBLE: frozenset(
        {TypeCode.BINARY_DOUBLE, TypeCode.BINARY_FLOAT, TypeCode.NUMBER}
    ),
    TypeCode.INTERVAL_DS: frozenset({TypeCode.INTERVAL_DS}),
    TypeCode.INTERVAL_YM: frozenset({TypeCode.INTERVAL_YM}),
    TypeCode.LONG: frozenset({TypeCode.VARCHAR, TypeCode.CHAR, TypeCode.LONG, TypeCode.CLOB}),
    TypeCode.LONG_RAW: frozenset({TypeCode.RAW, TypeCode.LONG_RAW, TypeCode.BLOB}),
    TypeCode.BOOLEAN: frozenset({TypeCode.BOOLEAN}),
}


def insert(session: EngineSession, plan: Translation, rows: Sequence[Row]) -> Bulk | None:
    """COPY for an INSERT of binds whose types are those of the columns; None for any other."""
    simple, target = plan.bulk, plan.target
    if simple is None or target is None or len(rows) < BULK_FROM_ROWS:
        return None
    info = session.database.catalogue.table(target)
    if info is None or info.is_view:
        return None
    listed = simple.columns or [column.name for column in info.columns.values()]
    if len(listed) != len(simple.binds):
        return None
    found: list[Column] = []
    for name, bind in zip(listed, simple.binds, strict=True):
        column = info.column(name)
        if column is None:
            return None
        if plan.bind_types[bind].code not in _DIRECT.get(
            column.type.code, frozenset()
        ) and not _is_null(rows, bind):
            return None
        found.append(column)
    kinds = [plan.bind_types[bind].code for bind in simple.binds]
    statement = copying.copy_statement(plan.physical_target, listed)
    lines = copying.copy_lines(rows, simple.binds, found, kinds)
    if lines is not None:
        return Bulk(lines, lambda some: copying.copy_text(session, statement, some))
    converters = [copying.converter(*pair) for pair in zip(found, kinds, strict=True)]
    order = simple.binds if simple.binds != list(range(len(simple.binds))) else None
    return Bulk(rows, lambda some: copying.copy_rows(session, statement, some, converters, order))


def _is_null(rows: Sequence[Row], bind: int) -> bool:
    if isinstance(rows, PackedRows):
        return rows.is_null(bind)
    return all(row[bind] is None for row in rows)
