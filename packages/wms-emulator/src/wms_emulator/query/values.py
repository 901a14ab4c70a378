"""Texts of a query string as values of columns."""

import re
from datetime import date, datetime, tzinfo
from decimal import Decimal

from wms_emulator.clock import to_us
from wms_emulator.query.errors import QueryError
from wms_emulator.records import decimal_key
from wms_emulator.schema.model import Field, Kind

_INTEGER = re.compile(r"[+-]?\d{1,18}")
_DECIMAL = re.compile(r"[+-]?\d{1,40}(\.\d{1,12})?")
_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:?\d\d)?", re.IGNORECASE
)
_BOOLEANS = {"true": 1, "false": 0, "1": 1, "0": 0}


def instant_us(text: str, zone: tzinfo) -> int:
    """A timestamp as microseconds since the epoch; without an offset it is read in `zone`.

    Raises:
        ValueError: not of the documented form.
    """
    if not _INSTANT.fullmatch(text):
        raise ValueError("expected YYYY-mm-ddTHH:MM:SS[.ffffff][offset]")
    moment = datetime.fromisoformat(text.upper())
    return to_us(moment if moment.tzinfo else moment.replace(tzinfo=zone))


def boolean(text: str) -> int:
    """A boolean as a column holds it.

    Raises:
        ValueError: neither true nor false.
    """
    if text.lower() not in _BOOLEANS:
        raise ValueError("expected true or false")
    return _BOOLEANS[text.lower()]


def integer(text: str) -> int:
    """An integer.

    Raises:
        ValueError: not one, or over 18 digits.
    """
    if not _INTEGER.fullmatch(text):
        raise ValueError("expected an integer")
    return int(text)


def _day(text: str) -> str:
    if len(text) != 10:
        raise ValueError("expected YYYY-mm-dd")
    return date.fromisoformat(text).isoformat()


def _decimal(text: str) -> bytes:
    if not _DECIMAL.fullmatch(text):
        raise ValueError("expected a number")
    return decimal_key(Decimal(text))


def parse(field: Field, text: str, zone: tzinfo, key: str) -> object:
    """The column value that `text` stands for.

    Raises:
        QueryError: the text is no value of this field.
    """
    try:
        match field.kind:
            case Kind.TS:
                return instant_us(text, zone)
            case Kind.BOOL:
                return boolean(text)
            case Kind.DATE:
                return _day(text)
            case Kind.DEC:
                return _decimal(text)
            case Kind.TEXT:
                return text
        return integer(text)
    except ValueError as error:
        raise QueryError(key, f"{text!r}: {error}") from error
