"""One value of one type: the table from Oracle's types to their encoders and decoders.

Encoders return the value with its length byte; decoders take the bare bytes. LOB locators, cursors
and rows are not here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from oracle_emulator.codec import numbers, rowids, temporal
from oracle_emulator.codec.buffers import bl
from oracle_emulator.codec.numbers import InvalidValueError
from oracle_emulator.engine.interface import OracleType, TypeCode, Value, YearMonth

Decoder = Callable[[bytes], Value]
Encoder = Callable[[Value], bytes]
_T = TypeVar("_T")

NULL = b"\x00"
UTF16 = "utf-16-be"


def _decode_national(data: bytes) -> str:
    return data.decode(UTF16)


def _decode_boolean(data: bytes) -> bool:
    return data[-1] == 1


def _decode_raw(data: bytes) -> bytes:
    return data


_TEXT_TYPES = frozenset({TypeCode.VARCHAR, TypeCode.CHAR, TypeCode.LONG})

_DECODERS: dict[TypeCode, Decoder] = {
    TypeCode.NUMBER: numbers.decode_number,
    TypeCode.DATE: temporal.decode_datetime,
    TypeCode.TIMESTAMP: temporal.decode_datetime,
    TypeCode.TIMESTAMP_TZ: temporal.decode_datetime,
    TypeCode.TIMESTAMP_LTZ: temporal.decode_datetime,
    TypeCode.RAW: _decode_raw,
    TypeCode.LONG_RAW: _decode_raw,
    TypeCode.BINARY_FLOAT: numbers.decode_binary_float,
    TypeCode.BINARY_DOUBLE: numbers.decode_binary_double,
    TypeCode.INTERVAL_DS: temporal.decode_interval_ds,
    TypeCode.INTERVAL_YM: temporal.decode_interval_ym,
    TypeCode.BOOLEAN: _decode_boolean,
    TypeCode.ROWID: bytes.decode,
    TypeCode.UROWID: bytes.decode,
}


def decoder(kind: OracleType) -> Decoder | None:
    """Return the decoder of a type's bare bytes; None for types without one.

    It raises ValueError for bytes that are no value of the type.
    """
    if kind.code in _TEXT_TYPES:
        return _decode_national if kind.national else bytes.decode
    return _DECODERS.get(kind.code)


def _encode_text(value: Value) -> bytes:
    return bl(_expect(value, str).encode())


def _encode_national(value: Value) -> bytes:
    return bl(_expect(value, str).encode(UTF16))


def _encode_number(value: Value) -> bytes:
    if not isinstance(value, int | float | Decimal):
        raise InvalidValueError(f"a NUMBER column holds {type(value).__name__}")
    data = numbers.encode_number(value)
    return bytes((len(data),)) + data


def _encode_date(value: Value) -> bytes:
    return b"\x07" + temporal.encode_date(_expect(value, datetime))


def _encode_timestamp(value: Value) -> bytes:
    return bl(temporal.encode_timestamp(_expect(value, datetime)))


def _encode_timestamp_tz(value: Value) -> bytes:
    return b"\x0d" + temporal.encode_timestamp_tz(_expect(value, datetime))


def _encode_raw(value: Value) -> bytes:
    return bl(_expect(value, bytes))


def _encode_float(value: Value) -> bytes:
    return b"\x04" + numbers.encode_binary_float(_as_float(value))


def _encode_double(value: Value) -> bytes:
    return b"\x08" + numbers.encode_binary_double(_as_float(value))


def _encode_interval_ds(value: Value) -> bytes:
    return b"\x0b" + temporal.encode_interval_ds(_expect(value, timedelta))


def _encode_interval_ym(value: Value) -> bytes:
    return b"\x05" + temporal.encode_interval_ym(_expect(value, YearMonth))


def _encode_boolean(value: Value) -> bytes:
    return b"\x02\x01\x01" if _expect(value, bool) else b"\x01\x00"


def _encode_rowid(value: Value) -> bytes:
    rowid = rowids.parse_rowid(_expect(value, str))
    if rowid == rowids.NONE:
        raise InvalidValueError("text that is no ROWID")
    return b"\x0d" + rowids.encode_rowid(rowid)


_ENCODERS: dict[TypeCode, Encoder] = {
    TypeCode.NUMBER: _encode_number,
    TypeCode.DATE: _encode_date,
    TypeCode.TIMESTAMP: _encode_timestamp,
    TypeCode.TIMESTAMP_TZ: _encode_timestamp_tz,
    TypeCode.TIMESTAMP_LTZ: _encode_timestamp,
    TypeCode.RAW: _encode_raw,
    TypeCode.LONG_RAW: _encode_raw,
    TypeCode.BINARY_FLOAT: _encode_float,
    TypeCode.BINARY_DOUBLE: _encode_double,
    TypeCode.INTERVAL_DS: _encode_interval_ds,
    TypeCode.INTERVAL_YM: _encode_interval_ym,
    TypeCode.BOOLEAN: _encode_boolean,
    TypeCode.ROWID: _encode_rowid,
}


def encoder(kind: OracleType) -> Encoder | None:
    """Return the encoder of a type's non-null values; None for types without one.

    It raises InvalidValueError for values that are not of the type.
    """
    if kind.code in _TEXT_TYPES:
        return _encode_national if kind.national else _encode_text
    return _ENCODERS.get(kind.code)


def _expect(value: Value, kind: type[_T]) -> _T:
    if not isinstance(value, kind):
        raise InvalidValueError(f"a value of type {type(value).__name__}, not {kind.__name__}")
    return value


def _as_float(value: Value) -> float:
    if not isinstance(value, int | float | Decimal):
        raise InvalidValueError(f"a value of type {type(value).__name__}, not a number")
    return float(value)
