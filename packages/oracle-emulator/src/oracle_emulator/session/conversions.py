"""Values that come back into binds of another type than their own, as RETURNING INTO converts them.

Conversions that hang on the session's NLS settings are the engine's; what is here does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from oracle_emulator.engine.interface import OracleError, OracleType, Row, TypeCode, Value

_TEXT = frozenset({TypeCode.VARCHAR, TypeCode.CHAR, TypeCode.LONG, TypeCode.CLOB})
_BINARY = frozenset({TypeCode.RAW, TypeCode.LONG_RAW, TypeCode.BLOB})
_NUMBERS = frozenset({TypeCode.NUMBER, TypeCode.BINARY_FLOAT, TypeCode.BINARY_DOUBLE})


def converted_rows(rows: Sequence[Row], types: Sequence[OracleType]) -> list[Row]:
    """Return rows with every value of its bind's type. Raises OracleError."""
    return [
        [converted(value, kind) for value, kind in zip(row, types, strict=True)] for row in rows
    ]


def converted(value: Value, kind: OracleType) -> Value:
    """Return a value as one of a type; unchanged where nothing has to be done.

    Raises OracleError: 1722 for text that is no number, 1465 for text that is no RAW.
    """
    if kind.code in _TEXT:
        if isinstance(value, bytes):
            return value.hex().upper()
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            return number_text(Decimal(str(value)))
    elif isinstance(value, str):
        if kind.code in _BINARY:
            try:
                return bytes.fromhex(value)
            except ValueError as error:
                raise OracleError(1465, "invalid hex number") from error
        if kind.code in _NUMBERS:
            try:
                return Decimal(value.strip())
            except InvalidOperation as error:
                raise OracleError(1722, "invalid number") from error
    return value


def number_text(value: Decimal) -> str:
    """Return a number as Oracle writes it: no exponent, no zero before the point or at the end."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    sign = "-" if text.startswith("-") else ""
    digits = text.removeprefix("-")
    if digits.startswith("0."):
        digits = digits[1:]
    return f"{sign}{digits}" if digits.strip("0.") else "0"
