"""EXECUTE, RE-EXECUTE and FETCH: everything of the request that stands before its rows of binds."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from oracle_emulator.codec.buffers import Reader
from oracle_emulator.ttc.binds import BindInfo, decode_bind_info

_SQL_ID_FIELD_VERSION = 8
_CHUNK_ID_FIELD_VERSION = 9
_OPTIONS_LENGTH = 13


class Option(enum.IntFlag):
    """What an EXECUTE is to do."""

    PARSE = 0x1
    BIND = 0x8
    DEFINE = 0x10
    EXECUTE = 0x20
    FETCH = 0x40
    COMMIT = 0x100
    PLSQL_BIND = 0x400
    NOT_PLSQL = 0x8000
    DESCRIBE = 0x20000
    BATCH_ERRORS = 0x80000


class ExecuteFlag(enum.IntFlag):
    """How an EXECUTE is to be done."""

    SCROLLABLE = 0x02
    ROW_COUNTS = 0x4000


class Orientation(enum.IntEnum):
    """Where a fetch from a scrollable cursor starts."""

    CURRENT = 1
    NEXT = 2
    FIRST = 4
    LAST = 8
    PRIOR = 0x10
    ABSOLUTE = 0x20
    RELATIVE = 0x40


@dataclass(frozen=True, slots=True)
class Execute:
    """An EXECUTE up to its rows; `sql` is None when an open cursor is used again."""

    options: Option
    cursor: int
    prefetch_rows: int
    sql: str | None
    is_query: bool
    executions: int
    flags: ExecuteFlag
    orientation: int
    position: int
    binds: tuple[BindInfo, ...]
    defines: tuple[BindInfo, ...]

    @property
    def row_count(self) -> int:
        """Return how many rows of binds follow, where any do."""
        return 1 if self.is_query else max(1, self.executions)


def decode_execute(reader: Reader, field_version: int) -> Execute:
    """Return the request up to its rows; its header was read already."""
    options = Option(reader.ub() & _KNOWN_OPTIONS)
    cursor = reader.ub()
    reader.u8()
    sql_length = reader.ub()
    reader.u8()
    reader.ub()  # length of the options below
    reader.raw(2)
    reader.ub()  # prefetch buffer
    prefetch_rows = reader.ub()
    reader.ub()  # longest LONG
    reader.u8()
    bind_count = reader.ub()
    reader.raw(6)
    define_count = reader.ub()
    _skip_registration(reader, field_version)
    sql = reader.text() if sql_length else None
    numbers = [reader.ub() for _ in range(_OPTIONS_LENGTH)]
    defines = tuple(decode_bind_info(reader, field_version) for _ in range(define_count))
    binds: tuple[BindInfo, ...] = ()
    if not define_count:
        binds = tuple(decode_bind_info(reader, field_version) for _ in range(bind_count))
    return Execute(
        options=options,
        cursor=cursor,
        prefetch_rows=prefetch_rows,
        sql=sql,
        is_query=bool(numbers[7]),
        executions=numbers[1],
        flags=ExecuteFlag(numbers[9] & _KNOWN_FLAGS),
        orientation=numbers[10],
        position=numbers[11],
        binds=binds,
        defines=defines,
    )


_KNOWN_OPTIONS = sum(Option)
_KNOWN_FLAGS = sum(ExecuteFlag)


def _skip_registration(reader: Reader, field_version: int) -> None:
    reader.ub()  # registration identifier, low half
    reader.raw(3)
    reader.ub()
    reader.u8()
    reader.ub()
    reader.ub()  # registration identifier, high half
    reader.u8()
    reader.ub()
    reader.u8()
    if field_version >= _SQL_ID_FIELD_VERSION:
        reader.u8()
        reader.ub()
        reader.u8()
        reader.ub()
        reader.u8()
    if field_version >= _CHUNK_ID_FIELD_VERSION:
        reader.u8()
        reader.ub()


@dataclass(frozen=True, slots=True)
class Reexecute:
    """A RE-EXECUTE up to its rows; `count` is rows to prefetch for a query, else executions."""

    cursor: int
    count: int
    commit: bool


def decode_reexecute(reader: Reader) -> Reexecute:
    """Return the request up to its rows; its header was read already."""
    cursor, count = reader.ub(), reader.ub()
    reader.ub()
    return Reexecute(cursor, count, commit=bool(reader.ub() & 1))


@dataclass(frozen=True, slots=True)
class Fetch:
    """A FETCH."""

    cursor: int
    rows: int


def decode_fetch(reader: Reader) -> Fetch:
    """Return the request; its header was read already."""
    return Fetch(reader.ub(), reader.ub())
