"""Oracle's types against PostgreSQL's: limits, storage, binds and the description of results.

No I/O.

What a DDL writes into the side catalogue is a `DataType`; what a bind is cast to, and what a result
column without a table column behind it is described as, follow from two small tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from oracle_emulator.engine import text
from oracle_emulator.engine.errors import error
from oracle_emulator.engine.interface import OracleError, OracleType, TypeCode, Value, YearMonth

MAX_VARCHAR_BYTES = 4000  # MAX_STRING_SIZE = STANDARD
MAX_CHAR_BYTES = 2000
MAX_RAW_BYTES = 2000
POSTGRES_FRACTION = 6  # PostgreSQL keeps microseconds; TIMESTAMP(7..9) is rounded to them

BIND_TYPES: Mapping[TypeCode, str] = {
    TypeCode.VARCHAR: "text",
    TypeCode.CHAR: "text",
    TypeCode.LONG: "text",
    TypeCode.ROWID: "text",
    TypeCode.UROWID: "text",
    TypeCode.NUMBER: "numeric",
    TypeCode.DATE: "ora.odate",
    TypeCode.TIMESTAMP: "timestamp",
    TypeCode.TIMESTAMP_TZ: "timestamptz",
    TypeCode.TIMESTAMP_LTZ: "timestamptz",
    TypeCode.RAW: "bytea",
    TypeCode.LONG_RAW: "bytea",
    TypeCode.CLOB: "ora.clob",
    TypeCode.BLOB: "ora.blob",
    TypeCode.BINARY_FLOAT: "real",
    TypeCode.BINARY_DOUBLE: "double precision",
    TypeCode.INTERVAL_DS: "interval",
    TypeCode.INTERVAL_YM: "ora.iym",
    TypeCode.BOOLEAN: "boolean",
}


@dataclass(frozen=True, slots=True)
class DataType:
    """A column type as a DDL states it: what the catalogue shows, and how PostgreSQL stores it."""

    name: str  # DATA_TYPE of ALL_TAB_COLUMNS
    oracle: OracleType
    storage: str  # PostgreSQL's type

    @property
    def length_limit(self) -> bool:
        """Whether a value's length must be checked on store."""
        return self.name in {"VARCHAR2", "NVARCHAR2", "RAW"}


def number(precision: int | None, scale: int | None) -> DataType:
    """NUMBER, NUMBER(p) or NUMBER(p,s). Raises ORA-01727, ORA-01728."""
    if precision is None and scale is None:
        return DataType("NUMBER", OracleType(TypeCode.NUMBER, 22, None, None), "numeric")
    if precision is not None and not 1 <= precision <= 38:
        raise error(1727)
    if scale is not None and not -84 <= scale <= 127:
        raise error(1728)
    return DataType(
        "NUMBER",
        OracleType(TypeCode.NUMBER, 22, precision, scale or 0),
        f"numeric({precision or 38},{scale or 0})",
    )


def floating(binary_precision: int = 126) -> DataType:
    """FLOAT(b): a NUMBER that remembers a binary precision."""
    if not 1 <= binary_precision <= 126:
        raise error(1727)
    return DataType("FLOAT", OracleType(TypeCode.NUMBER, 22, binary_precision, -127), "numeric")


def varchar(
    size: int,
    *,
    in_characters: bool = False,
    national: bool = False,
    limit_bytes: int = MAX_VARCHAR_BYTES,
) -> DataType:
    """VARCHAR2(n) or NVARCHAR2(n). Raises ORA-00910 beyond the limit."""
    limit = limit_bytes // 2 if national else limit_bytes
    if not 1 <= size <= limit:
        raise error(910)
    name = "NVARCHAR2" if national else "VARCHAR2"
    kind = OracleType(
        TypeCode.VARCHAR, size, char_semantics=in_characters or national, national=national
    )
    return DataType(name, kind, "text")


def char(size: int, *, in_characters: bool = False, national: bool = False) -> DataType:
    """CHAR(n) or NCHAR(n), padded with blanks. Raises ORA-00910 beyond the limit."""
    limit = MAX_CHAR_BYTES // 2 if national else MAX_CHAR_BYTES
    if not 1 <= size <= limit:
        raise error(910)
    kind = OracleType(
        TypeCode.CHAR, size, char_semantics=in_characters or national, national=national
    )
    return DataType("NCHAR" if national else "CHAR", kind, f"character({size})")


def raw(size: int, limit_bytes: int = MAX_RAW_BYTES) -> DataType:
    """RAW(n). Raises ORA-00910 beyond the limit."""
    if not 1 <= size <= limit_bytes:
        raise error(910)
    return DataType("RAW", OracleType(TypeCode.RAW, size), "bytea")


def timestamp(fraction: int = 6, zone: str = "") -> DataType:
    """TIMESTAMP(f), with zone "TIME ZONE" or "LOCAL TIME ZONE". Raises ORA-30088."""
    if not 0 <= fraction <= 9:
        raise OracleError(30088, "datetime/interval precision is out of range")
    kept = min(fraction, POSTGRES_FRACTION)
    if not zone:
        oracle = OracleType(TypeCode.TIMESTAMP, 11, fraction, fraction)
        return DataType(f"TIMESTAMP({fraction})", oracle, f"timestamp({kept})")
    code = TypeCode.TIMESTAMP_TZ if zone == "TIME ZONE" else TypeCode.TIMESTAMP_LTZ
    oracle = OracleType(code, 13 if code is TypeCode.TIMESTAMP_TZ else 11, fraction, fraction)
    return DataType(f"TIMESTAMP({fraction}) WITH {zone}", oracle, f"timestamptz({kept})")


PLAIN_TYPES: Mapping[str, DataType] = {
    "DATE": DataType("DATE", OracleType(TypeCode.DATE, 7), "ora.odate"),
    "CLOB": DataType("CLOB", OracleType(TypeCode.CLOB, 4000), "ora.clob"),
    "NCLOB": DataType("NCLOB", OracleType(TypeCode.CLOB, 4000, national=True), "ora.clob"),
    "BLOB": DataType("BLOB", OracleType(TypeCode.BLOB, 4000), "ora.blob"),
    "LONG": DataType("LONG", OracleType(TypeCode.LONG), "ora.clob"),
    "BINARY_FLOAT": DataType("BINARY_FLOAT", OracleType(TypeCode.BINARY_FLOAT, 4), "real"),
    "BINARY_DOUBLE": DataType(
        "BINARY_DOUBLE", OracleType(TypeCode.BINARY_DOUBLE, 8), "double precision"
    ),
    "INTEGER": DataType("NUMBER", OracleType(TypeCode.NUMBER, 22, None, 0), "numeric(38,0)"),
}


BOOLEAN = DataType("BOOLEAN", OracleType(TypeCode.BOOLEAN, 1), "boolean")


def bind_type(kind: OracleType) -> str:
    """The PostgreSQL type to which a bind is cast.

    Raises ORA-03001 for a type that cannot be bound.
    """
    known = BIND_TYPES.get(kind.code)
    if known is None:
        raise error(932, "-", kind.code.name)
    return known


def for_storage(value: Value) -> Any:
    """A bind's value in the form that is sent to PostgreSQL."""
    if value is None or isinstance(value, Decimal | int):
        return value
    if isinstance(value, str):
        return text.stored(value) or None
    if isinstance(value, YearMonth):
        return f"{value.years} years {value.months} months"
    if isinstance(value, timedelta):
        return f"{value.days} days {value.seconds} seconds {value.microseconds} microseconds"
    if isinstance(value, bytes):
        return value or None
    return value


def to_second(value: Value) -> Value:
    """A datetime as a DATE keeps it: without its fraction."""
    return value.replace(microsecond=0) if isinstance(value, datetime) else value


_BY_NAME: Mapping[str, OracleType] = {
    "numeric": OracleType(TypeCode.NUMBER, 22),
    "int2": OracleType(TypeCode.NUMBER, 22),
    "int4": OracleType(TypeCode.NUMBER, 22),
    "int8": OracleType(TypeCode.NUMBER, 22),
    "oid": OracleType(TypeCode.NUMBER, 22),
    "float4": OracleType(TypeCode.BINARY_FLOAT, 4),
    "float8": OracleType(TypeCode.BINARY_DOUBLE, 8),
    "text": OracleType(TypeCode.VARCHAR, MAX_VARCHAR_BYTES),
    "varchar": OracleType(TypeCode.VARCHAR, MAX_VARCHAR_BYTES),
    "name": OracleType(TypeCode.VARCHAR, 128),
    "bpchar": OracleType(TypeCode.CHAR, MAX_CHAR_BYTES),
    "odate": OracleType(TypeCode.DATE, 7),
    "clob": OracleType(TypeCode.CLOB, 4000),
    "blob": OracleType(TypeCode.BLOB, 4000),
    "bytea": OracleType(TypeCode.RAW, MAX_RAW_BYTES),
    "timestamp": OracleType(TypeCode.TIMESTAMP, 11, 6, 6),
    "timestamptz": OracleType(TypeCode.TIMESTAMP_TZ, 13, 6, 6),
    "interval": OracleType(TypeCode.INTERVAL_DS, 11, 9, 9),
    "iym": OracleType(TypeCode.INTERVAL_YM, 5, 9, 0),
    "rowid": OracleType(TypeCode.ROWID, 18),
    "bool": OracleType(TypeCode.BOOLEAN, 1),
    "unknown": OracleType(TypeCode.VARCHAR, 1),
}


def described(type_name: str, modifier: int) -> OracleType:
    """The Oracle type of an expression of PostgreSQL's type `type_name` (with its modifier)."""
    kind = _BY_NAME.get(type_name)
    if kind is None:
        raise error(932, "-", type_name)
    if modifier < 4:
        return kind
    if type_name in {"varchar", "bpchar"}:
        return OracleType(kind.code, modifier - 4)
    if type_name == "numeric":
        packed = modifier - 4
        scale = (packed & 0x7FF) ^ 0x400
        return OracleType(TypeCode.NUMBER, 22, (packed >> 16) & 0xFFFF, scale - 0x400)
    return kind
