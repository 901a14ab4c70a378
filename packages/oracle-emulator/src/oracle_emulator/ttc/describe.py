"""DESCRIBE: the columns of a result set, and of a table that is to be loaded."""

from __future__ import annotations

from collections.abc import Sequence

from oracle_emulator.codec.buffers import bl2, ub
from oracle_emulator.engine.interface import Column, OracleType, TypeCode
from oracle_emulator.ttc.constants import Message
from oracle_emulator.ttc.protocol import CHARSET_AL16UTF16, CHARSET_AL32UTF8

_FORM_IMPLICIT = 1
_FORM_NATIONAL = 2
_TEXT = frozenset({TypeCode.VARCHAR, TypeCode.CHAR, TypeCode.LONG, TypeCode.CLOB})
_SIZED = frozenset({TypeCode.VARCHAR, TypeCode.CHAR, TypeCode.RAW})
_FIXED_BYTES = {
    TypeCode.NUMBER: 22,
    TypeCode.DATE: 7,
    TypeCode.TIMESTAMP: 11,
    TypeCode.TIMESTAMP_TZ: 13,
    TypeCode.TIMESTAMP_LTZ: 11,
    TypeCode.BINARY_FLOAT: 4,
    TypeCode.BINARY_DOUBLE: 8,
    TypeCode.INTERVAL_DS: 11,
    TypeCode.INTERVAL_YM: 5,
    TypeCode.ROWID: 10,
    TypeCode.CLOB: 4000,
    TypeCode.BLOB: 4000,
    TypeCode.BOOLEAN: 4,
}
_TIMESTAMPS = frozenset({TypeCode.TIMESTAMP, TypeCode.TIMESTAMP_TZ, TypeCode.TIMESTAMP_LTZ})
_TIMESTAMP_DIGITS = 6
_CHARACTER_BYTES = 4
_NATIONAL_CHARACTER_BYTES = 2
_UNLIMITED_SCALE = -127
_MAX_PRECISION = 38


def buffer_bytes(kind: OracleType) -> int:
    """Return the most bytes of a value.

    Never 0, which clients take for a column that is always NULL.
    """
    if kind.code in _SIZED:
        size = kind.size
        if kind.national:
            size *= _NATIONAL_CHARACTER_BYTES
        elif kind.char_semantics:
            size *= _CHARACTER_BYTES
        return max(1, size)
    return _FIXED_BYTES.get(kind.code, 0)


def _precision_and_scale(kind: OracleType) -> tuple[int, int]:
    if kind.code is TypeCode.NUMBER:
        scale = kind.scale
        if scale is None:
            scale = _UNLIMITED_SCALE if kind.precision is None else 0
        unlimited = _MAX_PRECISION if kind.scale is not None else 0  # INTEGER is NUMBER(*,0)
        return kind.precision or unlimited, scale
    if kind.code in _TIMESTAMPS:
        return 0, kind.precision if kind.precision is not None else _TIMESTAMP_DIGITS
    return kind.precision or 0, kind.scale or 0


def _character_set(kind: OracleType) -> tuple[int, int]:
    if kind.code not in _TEXT:
        return 0, 0
    if kind.national:
        return CHARSET_AL16UTF16, _FORM_NATIONAL
    return CHARSET_AL32UTF8, _FORM_IMPLICIT


def encode_column(column: Column, position: int, field_version: int) -> bytes:
    """Return the description of a column; `position` counts from 1."""
    kind = column.type
    precision, scale = _precision_and_scale(kind)
    charset, form = _character_set(kind)
    parts = [
        bytes((kind.code, 0, precision & 0xFF, scale & 0xFF)),
        ub(buffer_bytes(kind)),
        bytes(3),  # array elements, flags, type's identifier
        b"\x00",  # version
        ub(charset),
        bytes((form,)),
        ub(kind.size if kind.code in _SIZED else 0),
    ]
    if field_version >= 8:
        parts.append(b"\x00")
    name = column.name.encode()
    parts += (
        bytes((1 if column.nullable else 0, min(len(name), 0xFF))),
        bl2(name),
        b"\x00\x00",  # schema and name of an object type
        ub(position),
        b"\x00",
    )
    if field_version >= 17:
        parts.append(b"\x00\x00")
    if field_version >= 20:
        parts.append(b"\x00")
    if field_version >= 24:
        parts.append(b"\x00\x00\x00")
    return b"".join(parts)


def encode_describe(columns: Sequence[Column], field_version: int) -> bytes:
    """Return the DESCRIBE INFO message."""
    row_bytes = sum(buffer_bytes(column.type) for column in columns)
    parts = [bytes((Message.DESCRIBE_INFO, 0)), ub(row_bytes), ub(len(columns))]
    if columns:
        parts.append(b"\x00")
    parts += (
        encode_column(column, position, field_version)
        for position, column in enumerate(columns, start=1)
    )
    parts.append(bytes(6))  # date, four counters, key
    return b"".join(parts)
