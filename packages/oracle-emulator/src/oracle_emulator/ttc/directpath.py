"""Direct path load: preparing a table, the stream of rows in pieces, and the end of the load."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from oracle_emulator.codec.buffers import MalformedError, Reader, ub
from oracle_emulator.codec.numbers import InvalidValueError
from oracle_emulator.codec.scan import PackedRow, read_rows, skip_rows
from oracle_emulator.codec.values import decoder
from oracle_emulator.engine.interface import Column, OracleType, TypeCode
from oracle_emulator.ttc.constants import Message
from oracle_emulator.ttc.describe import encode_column

FINISH = 2
ABORT = 1

_KEYWORD_TABLE = 1
_KEYWORD_SCHEMA = 3
_KEYWORD_COLUMN = 4
_OUT_VALUES = 4
_OUT_CURSOR = 3

_FIRST = 0x08
_LAST = 0x04
_CONTINUES = 0x02
_FAST_PIECE = 0x20
_WHOLE_FAST_ROW = b"\x3c"
_HEAD_BYTES = 4  # flags, 2 of length, number of segments
_SEGMENT_NULL = 255
_SEGMENT_LONG = 254


@dataclass(frozen=True, slots=True)
class Prepare:
    """Which columns of which table are to be loaded."""

    schema: str | None
    table: str
    columns: tuple[str, ...]


def decode_prepare(reader: Reader) -> Prepare:
    """Return the request; its header was read already. Raises MalformedError."""
    reader.ub()
    reader.u8()
    keyword_count = reader.ub()
    reader.u8()
    value_count = reader.ub(2)
    reader.raw(6)
    schema: str | None = None
    table: str | None = None
    columns = []
    for _ in range(keyword_count):
        if reader.ub(2):
            reader.bl()
        value = reader.text() if reader.ub(2) else ""
        keyword = reader.ub(2)
        if keyword == _KEYWORD_SCHEMA:
            schema = value or None
        elif keyword == _KEYWORD_TABLE:
            table = value
        elif keyword == _KEYWORD_COLUMN:
            columns.append(value)
    for _ in range(value_count):
        reader.ub()
    if table is None:
        raise MalformedError("a direct path load without a table")
    return Prepare(schema, table, tuple(columns))


def encode_prepare(columns: Sequence[Column], cursor: int, field_version: int) -> bytes:
    """Return the answer up to its end."""
    parts = [bytes((Message.PARAMETER,)), ub(len(columns))]
    parts += (
        encode_column(column, position, field_version)
        for position, column in enumerate(columns, start=1)
    )
    parts += (ub(0), ub(_OUT_VALUES))
    parts += (ub(cursor if index == _OUT_CURSOR else 0) for index in range(_OUT_VALUES))
    return b"".join(parts)


def encode_no_values() -> bytes:
    """Return the answer, up to its end, to a stream and to an operation."""
    return bytes((Message.PARAMETER, 0))


@dataclass(frozen=True, slots=True)
class LoadStream:
    """Rows in pieces."""

    cursor: int
    data: bytes


def decode_load_stream(reader: Reader) -> LoadStream:
    """Return the request; its header was read already."""
    cursor = reader.ub(2)
    reader.u8()
    length = reader.ub()
    reader.ub()
    reader.u8()
    reader.ub()
    reader.raw(2)
    return LoadStream(cursor, reader.raw(length))


@dataclass(frozen=True, slots=True)
class LoadOperation:
    """The end of a load: FINISH or ABORT, or a number that is neither."""

    code: int
    cursor: int


def decode_load_operation(reader: Reader) -> LoadOperation:
    """Return the request; its header was read already."""
    code, cursor = reader.ub(), reader.ub(2)
    reader.u8()
    reader.ub()
    reader.raw(2)
    return LoadOperation(code, cursor)


def split_rows(data: bytes, column_count: int) -> list[PackedRow]:
    """Return the rows of a stream as the bare bytes of their values. Raises MalformedError."""
    rows: list[PackedRow] = []
    reader = Reader(data)
    while reader.remaining():
        plain, reader.position = read_rows(
            data, reader.position, _HEAD_BYTES, _opens(column_count), column_count, len(data)
        )
        rows += plain
        if reader.remaining():
            row = _split_row(reader)
            if len(row) != column_count:
                raise MalformedError(f"a row of {len(row)} values for {column_count} columns")
            rows.append(row)
    return rows


def count_rows(data: bytes, column_count: int) -> int:
    """Return how many rows a stream has. Raises MalformedError."""
    count = 0
    reader = Reader(data)
    while reader.remaining():
        passed, reader.position = skip_rows(
            data, reader.position, _HEAD_BYTES, _opens(column_count), column_count, len(data)
        )
        count += passed
        if reader.remaining():
            _split_row(reader)
            count += 1
    return count


def _opens(column_count: int) -> Callable[[bytes], bool]:
    """Return what tells that a head is of a whole row with so many values in a single piece."""

    def opens(head: bytes) -> bool:
        return head[:1] == _WHOLE_FAST_ROW and head[-1] == column_count

    return opens


def _split_row(reader: Reader) -> PackedRow:
    """Return a row that may be in several pieces, with values over several segments."""
    row: list[list[bytes]] = []  # each value as its segments
    flags = 0
    while not flags & _LAST:
        flags = reader.u8()
        if flags & _FAST_PIECE:
            reader.u16be()
        if flags & _FIRST:
            row = []
        for index in range(reader.u8()):
            segment = _segment(reader)
            if index == 0 and flags & _CONTINUES and row:
                row[-1].append(segment)
            else:
                row.append([segment])
    return [b"".join(value) for value in row]


def _segment(reader: Reader) -> bytes:
    length = reader.u8()
    if length == _SEGMENT_NULL:
        return b""
    return reader.raw(reader.u16be() if length == _SEGMENT_LONG else length)


def value_types(columns: Sequence[Column]) -> list[OracleType]:
    """Return the types in which each column's values travel: CLOBs come as UTF-16.

    Raises InvalidValueError for a type that cannot be loaded.
    """
    types = []
    for column in columns:
        kind = column.type
        if kind.code is TypeCode.CLOB:
            kind = OracleType(TypeCode.LONG, national=True)
        elif kind.code is TypeCode.BLOB:
            kind = OracleType(TypeCode.LONG_RAW)
        if decoder(kind) is None:
            raise InvalidValueError(f"column {column.name}: type {kind.code.name} cannot be loaded")
        types.append(kind)
    return types
