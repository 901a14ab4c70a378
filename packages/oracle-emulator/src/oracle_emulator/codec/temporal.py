"""DATE, TIMESTAMP with and without time zone, and the two INTERVAL types as they travel."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta, timezone

from oracle_emulator.codec.numbers import InvalidValueError
from oracle_emulator.engine.interface import YearMonth

_BIAS = 1 << 31
_MICROSECOND = timedelta(microseconds=1)
_SECOND = 1_000_000  # in microseconds
_DATE_BYTES, _TIMESTAMP_BYTES, _TSTZ_BYTES = 7, 11, 13
_FIELDS = struct.Struct(">7BI").unpack_from


def encode_date(value: datetime) -> bytes:
    """Return the 7 bytes of a DATE: fractions of a second are not part of it."""
    year = value.year
    return bytes(
        (
            year // 100 + 100,
            year % 100 + 100,
            value.month,
            value.day,
            value.hour + 1,
            value.minute + 1,
            value.second + 1,
        )
    )


def encode_timestamp(value: datetime) -> bytes:
    """Return a TIMESTAMP: 11 bytes, or 7 where the fraction is zero."""
    if not value.microsecond:
        return encode_date(value)
    return encode_date(value) + (value.microsecond * 1000).to_bytes(4, "big")


def encode_timestamp_tz(value: datetime) -> bytes:
    """Return the 13 bytes of a TIMESTAMP WITH TIME ZONE: the instant in UTC, then the offset."""
    offset = value.utcoffset() or timedelta(0)
    utc = (value - offset).replace(tzinfo=None)
    minutes = (
        abs(int(offset.total_seconds()) // 60)
        if offset >= timedelta(0)
        else -(int(-offset.total_seconds()) // 60)
    )
    hour, minute = divmod(abs(minutes), 60)
    sign = -1 if minutes < 0 else 1
    fraction = (utc.microsecond * 1000).to_bytes(4, "big")
    return encode_date(utc) + fraction + bytes((sign * hour + 20, sign * minute + 60))


def decode_datetime(data: bytes) -> datetime:
    """Return a DATE, TIMESTAMP or TIMESTAMP WITH TIME ZONE (13 bytes: aware).

    Nanoseconds round half up to microseconds.

    Raises InvalidValueError for bytes that are no point in time between the years 1 and 9999.
    """
    size = len(data)
    if size not in {_DATE_BYTES, _TIMESTAMP_BYTES, _TSTZ_BYTES}:
        raise InvalidValueError(f"{size} bytes are no date")
    micros = 0
    try:
        if size == _DATE_BYTES:
            century, year, month, day, hour, minute, second = data
        else:
            century, year, month, day, hour, minute, second, nanos = _FIELDS(data)
            micros = (nanos + 500) // 1000
        value = datetime(  # noqa: DTZ001  # Oracle's DATE and TIMESTAMP have no time zone
            century * 100 + year - 10_100,
            month,
            day,
            hour - 1,
            minute - 1,
            second - 1,
            micros if micros < _SECOND else 0,
        )
        if micros >= _SECOND:  # rounded up to the next second
            value += micros * _MICROSECOND
        if size == _TSTZ_BYTES:
            offset = timedelta(hours=data[11] - 20, minutes=data[12] - 60)
            return value.replace(tzinfo=UTC).astimezone(timezone(offset))
    except (ValueError, OverflowError) as error:
        raise InvalidValueError("bytes that are no point in time") from error
    return value


def encode_interval_ds(value: timedelta) -> bytes:
    """Return an INTERVAL DAY TO SECOND; every field carries the sign."""
    total = value // _MICROSECOND
    sign = -1 if total < 0 else 1
    seconds, microseconds = divmod(abs(total), 1_000_000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return (
        (sign * days + _BIAS).to_bytes(4, "big")
        + bytes((sign * hour + 60, sign * minute + 60, sign * second + 60))
        + (sign * microseconds * 1000 + _BIAS).to_bytes(4, "big")
    )


def decode_interval_ds(data: bytes) -> timedelta:
    """Return an INTERVAL DAY TO SECOND. Raises InvalidValueError."""
    if len(data) != 11:
        raise InvalidValueError(f"{len(data)} bytes are no INTERVAL DAY TO SECOND")
    nanoseconds = int.from_bytes(data[7:11], "big") - _BIAS
    microseconds = abs(nanoseconds) // 1000
    try:
        return timedelta(
            days=int.from_bytes(data[:4], "big") - _BIAS,
            hours=data[4] - 60,
            minutes=data[5] - 60,
            seconds=data[6] - 60,
            microseconds=microseconds if nanoseconds >= 0 else -microseconds,
        )
    except OverflowError as error:
        raise InvalidValueError("an interval of too many days") from error


def encode_interval_ym(value: YearMonth) -> bytes:
    """Return an INTERVAL YEAR TO MONTH."""
    return (value.years + _BIAS).to_bytes(4, "big") + bytes((value.months + 60,))


def decode_interval_ym(data: bytes) -> YearMonth:
    """Return an INTERVAL YEAR TO MONTH. Raises InvalidValueError."""
    if len(data) != 5:
        raise InvalidValueError(f"{len(data)} bytes are no INTERVAL YEAR TO MONTH")
    return YearMonth(int.from_bytes(data[:4], "big") - _BIAS, data[4] - 60)
