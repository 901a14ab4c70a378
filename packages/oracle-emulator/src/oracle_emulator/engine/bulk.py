"""Rows in bulk: COPY for an INSERT of nothing but binds, and for direct path load.

The common types are written as COPY's text here, a column at a time where a column can be judged at
once; rows with any other type go through the driver's own formatting.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from oracle_emulator.engine import names, types
from oracle_emulator.engine.interface import Column, Row, TypeCode
from oracle_emulator.engine.translate.context import Translation

if TYPE_CHECKING:
    from oracle_emulator.engine.session import EngineSession

BULK_FROM_ROWS = 4
Apply = Callable[[Sequence[Row]], list[int]]
Convert = Callable[[Any], Any]

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


def insert(session: EngineSession, plan: Translation, rows: Sequence[Row]) -> Apply | None:
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
    converters: list[Convert | None] = []
    for name, bind in zip(listed, simple.binds, strict=True):
        column = info.column(name)
        if column is None:
            return None
        code = plan.bind_types[bind].code
        if code not in _DIRECT.get(column.type.code, frozenset()) and any(
            row[bind] is not None for row in rows
        ):
            return None
        converters.append(converter(column, plan.bind_types[bind].code))
    columns = ", ".join(names.quote(name) for name in listed)
    order = simple.binds if simple.binds != list(range(len(simple.binds))) else None

    def apply(some: Sequence[Row]) -> list[int]:
        copy_rows(session, plan.physical_target, columns, some, converters, order)
        return [1] * len(some)

    return apply


def copy_rows(
    session: EngineSession,
    target: str,
    columns: str,
    rows: Sequence[Row],
    converters: Sequence[Convert | None],
    order: Sequence[int] | None,
) -> None:
    """COPY rows into a table. `order` says which value of a row is which column's."""
    statement = f"COPY {target} ({columns}) FROM STDIN".encode()
    with session.run.cursor() as cursor, cursor.copy(statement) as copy:
        ordered = rows if order is None else [[row[index] for index in order] for row in rows]
        if all(convert in _WRITTEN for convert in converters):
            for start in range(0, len(ordered), _BLOCK_ROWS):
                copy.write(_block(ordered[start : start + _BLOCK_ROWS], converters))
            return
        needed = [(i, convert) for i, convert in enumerate(converters) if convert is not None]
        for row in ordered:
            values = list(row)
            for index, convert in needed:
                if values[index] is not None:
                    values[index] = convert(values[index])
            copy.write_row(values)


_BLOCK_ROWS = 2000
_SPECIAL = re.compile("[\\x00\ufdd0\ufdd1\t\n\r\\\\]")
_ESCAPES = {9: "\\t", 10: "\\n", 13: "\\r", 92: "\\\\"}


def _block(rows: Sequence[Row], converters: Sequence[Convert | None]) -> str:
    """Rows as COPY's text format has them."""
    template = "\t".join(["%s"] * len(converters)) + "\n"
    changed = {
        index: convert
        for index, convert in enumerate(converters)
        if convert is not None and _to_change(rows, index, convert)
    }
    if changed:
        rows = [_changed(row, changed) for row in rows]
    return "".join(
        [
            template % tuple(["\\N" if value is None else value for value in row])
            if None in row
            else template % tuple(row)
            for row in rows
        ]
    )


def _to_change(rows: Sequence[Row], index: int, convert: Convert) -> bool:
    """Whether a column holds a value that cannot be written as it is."""
    if convert is not as_text:
        return True
    whole = " ".join([row[index] or "" for row in rows])  # type: ignore[misc]  # all are str
    return _SPECIAL.search(whole) is not None


def _changed(row: Row, changed: Mapping[int, Convert]) -> list[Any]:
    values = list(row)
    for index, convert in changed.items():
        if values[index] is not None:
            value = convert(values[index])
            values[index] = value.translate(_ESCAPES) if convert is as_text and value else value
    return values


def as_text(value: Any) -> Any:
    """A text as it is stored."""
    return types.for_storage(value)


def converter(column: Column, bind: TypeCode | None = None) -> Convert | None:
    """What must be done to a value before it is stored; nothing to numbers and timestamps."""
    code = column.type.code
    if code is TypeCode.DATE:
        return None if bind is TypeCode.DATE else types.to_second
    if code in {TypeCode.NUMBER, TypeCode.TIMESTAMP}:
        return None
    if code in {TypeCode.VARCHAR, TypeCode.CHAR, TypeCode.CLOB, TypeCode.LONG}:
        return as_text
    return types.for_storage


# Whose values are written here; None are the numbers and moments.
_WRITTEN: tuple[Convert | None, ...] = (None, as_text, types.to_second)
