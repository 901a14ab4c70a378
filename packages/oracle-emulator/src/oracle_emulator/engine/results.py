"""Result sets: PostgreSQL's result described and read with Oracle's types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from oracle_emulator.engine import names, text, types
from oracle_emulator.engine.catalogue import TableInfo
from oracle_emulator.engine.errors import error
from oracle_emulator.engine.interface import Column, OracleType, Row, TypeCode, Value
from oracle_emulator.engine.translate.context import Translation

_TEXTS = frozenset({TypeCode.VARCHAR, TypeCode.CHAR, TypeCode.CLOB, TypeCode.LONG, TypeCode.ROWID})
_BYTES = frozenset({TypeCode.RAW, TypeCode.BLOB, TypeCode.LONG_RAW})


def columns(
    result: psycopg.pq.abc.PGresult,
    plan: Translation,
    type_names: dict[int, str],
    relation: Callable[[int], TableInfo | None],
) -> tuple[Column, ...]:
    """Describe a result: table columns exactly, expressions by what PostgreSQL made of them."""
    return tuple(
        _column(result, index, plan, type_names, relation) for index in range(result.nfields)
    )


def _column(
    result: psycopg.pq.abc.PGresult,
    index: int,
    plan: Translation,
    type_names: dict[int, str],
    relation: Callable[[int], TableInfo | None],
) -> Column:
    heading = plan.headings[index] if index < len(plan.headings) else None
    name = heading or names.logical((result.fname(index) or b"").decode())
    relid = result.ftable(index)
    table = relation(relid) if relid else None
    origin = table.columns.get(result.ftablecol(index)) if table is not None else None
    if origin is not None:
        return Column(name, origin.type, origin.nullable)
    if index in plan.literals:
        return Column(name, OracleType(TypeCode.CHAR, plan.literals[index]))
    type_name = type_names.get(result.ftype(index), "")
    return Column(name, types.described(type_name, result.fmod(index)))


class ResultSet:
    """An open result. Its rows are all on our side, so it holds nothing in PostgreSQL.

    `is_there` tells whether the rows that it reads still exist: TRUNCATE and DROP take them away.
    """

    def __init__(
        self,
        cursor: psycopg.Cursor[Any],
        described: tuple[Column, ...],
        is_there: Callable[[], bool],
    ) -> None:
        self.columns = described
        self._is_there = is_there
        self._cursor = cursor
        self._left = cursor.rowcount
        self._converters = [
            (i, c) for i, c in enumerate(map(_converter, described)) if c is not None
        ]

    def fetch(self, rows: int) -> tuple[list[Row], bool]:
        """Return up to `rows` rows, and whether more may follow.

        Raises ORA-08103 once a table that it reads was truncated or dropped.
        """
        if self._cursor.closed:
            raise error(1002)
        if not self._is_there():
            raise error(8103)
        found: list[Row] = self._cursor.fetchmany(rows)
        self._left -= len(found)
        if self._converters:
            found = [self._converted(row) for row in found]
        return found, self._left > 0

    def _converted(self, row: Sequence[Any]) -> Row:
        values = list(row)
        for index, converter in self._converters:
            value = values[index]
            if value is not None:
                values[index] = converter(value)
        return tuple(values)

    def close(self) -> None:
        """Let go of the rows."""
        self._cursor.close()


class Described:
    """The columns of a statement that was described and not run."""

    def __init__(self, described: tuple[Column, ...]) -> None:
        self.columns = described

    def fetch(self, rows: int) -> tuple[list[Row], bool]:
        """There are no rows."""
        del rows
        return [], False

    def close(self) -> None:
        """Nothing is held."""


def _converter(column: Column) -> Callable[[Any], Value] | None:
    code = column.type.code
    if code in _TEXTS:
        return _text
    if code in _BYTES:
        return bytes
    return None


def _text(value: Any) -> Value:
    return text.original(value) if isinstance(value, str) else str(value)
