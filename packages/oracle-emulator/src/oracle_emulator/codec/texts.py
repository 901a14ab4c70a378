"""Values as plain text, a column at a time, straight from the bytes in which they travel.

What is written is what the value's own decoder and Python would make of it: numbers in digits with
a point, moments in ISO 8601's basic format (20260131T235959.000001, with Z where they have a zone),
texts in UTF-8, RAW in hexadecimal digits. No value is made on the way, which is what makes rows in
bulk cheap. NULL is not here: the caller leaves it out. One value alone is `values`' matter.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from oracle_emulator.codec import numbers, temporal
from oracle_emulator.codec.numbers import DIGITS_NEGATIVE, DIGITS_POSITIVE
from oracle_emulator.codec.values import UTF16
from oracle_emulator.engine.interface import OracleType, TypeCode

Writer = Callable[[Sequence[bytes]], Sequence[bytes]]
"""Takes the bytes of values, none of them NULL, and returns their texts in the same order.

It raises ValueError for bytes that are no value of the type.
"""

_ZERO = 0x80
_MAX_NUMBER_BYTES = 22
_DATE_BYTES, _TIMESTAMP_BYTES, _TSTZ_BYTES = 7, 11, 13
_BETWEEN = "\t"  # in no text that is made here


def number_texts(values: Sequence[bytes]) -> list[bytes]:
    """Return NUMBERs in digits. Raises InvalidValueError."""
    texts = []
    for value in values:
        head, negative = value[0], False
        if head > _ZERO and len(value) > 1:
            digits = value[1:].translate(DIGITS_POSITIVE).hex()
            point = 2 * head - 384
        elif 0 < head < _ZERO and len(value) > 2:
            body = value[1:-1] if value[-1] == numbers.NEGATIVE_END else value[1:]
            digits, negative = body.translate(DIGITS_NEGATIVE).hex(), True
            point = 126 - 2 * head
        else:
            texts.append(format(Decimal(numbers.decode_number(value)), "f"))
            continue
        if point >= len(digits):
            text = digits + "0" * (point - len(digits))
        elif point > 0:
            text = f"{digits[:point]}.{digits[point:]}".rstrip("0")
        else:
            text = f".{'0' * -point}{digits}".rstrip("0")
        texts.append("-" + text if negative else text)
    joined = _BETWEEN.join(texts)
    if numbers.NO_DIGIT in joined or max(map(len, values), default=0) > _MAX_NUMBER_BYTES:
        for value in values:
            numbers.decode_number(value)
    return joined.encode().split(_BETWEEN.encode()) if texts else []


def moment_texts(values: Sequence[bytes]) -> list[bytes]:
    """Return DATEs, TIMESTAMPs and TIMESTAMPs WITH TIME ZONE in ISO 8601. Raises ValueError."""
    sizes = set(map(len, values))
    texts: list[str] | None = None
    if sizes == {_DATE_BYTES}:
        texts = _clocks(b"".join(values), _DATE_BYTES)
    elif sizes == {_TIMESTAMP_BYTES}:
        texts = _stamps(b"".join(values))
    elif sizes == {_DATE_BYTES, _TIMESTAMP_BYTES}:  # a zero fraction is left out
        texts = _stamps(b"".join([value.ljust(_TIMESTAMP_BYTES, b"\x00") for value in values]))
    if texts is None:
        texts = [_moment_text(value) for value in values]
    return [text.encode() for text in texts]


def _moment_text(value: bytes) -> str:
    moment = temporal.decode_datetime(value)
    if moment.tzinfo is None:
        return _basic(moment)
    return _basic(moment.astimezone(UTC)) + "Z"


def _basic(moment: datetime) -> str:
    fraction = f".{moment.microsecond:06d}" if moment.microsecond else ""
    return moment.isoformat(timespec="seconds")[:19].replace("-", "").replace(":", "") + fraction


# What each byte of a DATE may be for the fast way, and what is taken from it. Days beyond the 28th
# are looked at one by one, years before 100 and beyond 9899 go the slow way.
_DATE_FIELDS = tuple(
    (bytes(range(low, high + 1)), offset)
    for low, high, offset in (
        (101, 198, 100), (100, 199, 100), (1, 12, 0), (1, 31, 0), (1, 24, 1), (1, 60, 1),
        (1, 60, 1),
    )
)  # fmt: skip
_PACKED = {
    offset: bytes(
        (n - offset) // 10 << 4 | (n - offset) % 10 if 0 <= n - offset <= 99 else 0
        for n in range(256)
    )
    for offset in (0, 1, 100)
}
_DAY = 3
_LATE_DAYS = bytes((29, 30, 31))


def _clocks(joined: bytes, stride: int) -> list[str] | None:
    """Return the date and time in which each value of `stride` bytes begins; None for an odd one.

    Every byte becomes the byte whose hexadecimal form is its two decimal digits, and a byte more
    makes two equal halves, between which the T is put when all of it is written out at once.
    """
    packed = bytearray(b"\xff") * (len(joined) // stride * 8)
    for place, (allowed, offset) in enumerate(_DATE_FIELDS):
        field = joined[place::stride]
        if field.translate(None, allowed):
            return None
        if place == _DAY and len(field.translate(None, _LATE_DAYS)) < len(field):
            _check_days(joined, stride)
        packed[place::8] = field.translate(_PACKED[offset])
    return packed.hex("T", 4)[:-2].split("ffT")


def _check_days(joined: bytes, stride: int) -> None:
    """Raise InvalidValueError for a day that its month does not have."""
    midnight = bytes((1, 1, 1))
    for date in {joined[start : start + 4] for start in range(0, len(joined), stride)}:
        temporal.decode_datetime(date + midnight)


def _stamps(joined: bytes) -> list[str] | None:
    """Return TIMESTAMPs of 11 bytes each; None where one has to be rounded."""
    clocks = _clocks(joined, _TIMESTAMP_BYTES)
    fractions = [nanos for (nanos,) in struct.iter_unpack(">7xI", joined)]
    if clocks is None or max(fractions) >= 1_000_000_000 or any(n % 1000 for n in fractions):
        return None
    return [f"{clock}.{nanos // 1000:06d}" for clock, nanos in zip(clocks, fractions, strict=True)]


def character_texts(values: Sequence[bytes]) -> Sequence[bytes]:
    """Return texts as they are, which is UTF-8. Raises UnicodeDecodeError when it is not."""
    _BETWEEN.encode().join(values).decode()
    return values


def national_texts(values: Sequence[bytes]) -> list[bytes]:
    """Return texts that travel as UTF-16. Raises UnicodeError."""
    return [value.decode(UTF16).encode() for value in values]


def raw_texts(values: Sequence[bytes]) -> list[bytes]:
    """Return RAWs in hexadecimal digits."""
    return [value.hex().encode() for value in values]


def float_texts(values: Sequence[bytes]) -> list[bytes]:
    """Return BINARY_FLOATs so that they are read back exactly. Raises InvalidValueError."""
    return [repr(numbers.decode_binary_float(value)).encode() for value in values]


def double_texts(values: Sequence[bytes]) -> list[bytes]:
    """Return BINARY_DOUBLEs so that they are read back exactly. Raises InvalidValueError."""
    return [repr(numbers.decode_binary_double(value)).encode() for value in values]


_CHARACTERS = frozenset({TypeCode.VARCHAR, TypeCode.CHAR, TypeCode.LONG})
_WRITERS: dict[TypeCode, Writer] = {
    TypeCode.NUMBER: number_texts,
    TypeCode.DATE: moment_texts,
    TypeCode.TIMESTAMP: moment_texts,
    TypeCode.TIMESTAMP_TZ: moment_texts,
    TypeCode.TIMESTAMP_LTZ: moment_texts,
    TypeCode.RAW: raw_texts,
    TypeCode.LONG_RAW: raw_texts,
    TypeCode.BINARY_FLOAT: float_texts,
    TypeCode.BINARY_DOUBLE: double_texts,
}


def writer(kind: OracleType) -> Writer | None:
    """Return what writes the values of a type; None for types whose values have to be made."""
    if kind.code in _CHARACTERS:
        return national_texts if kind.national else character_texts
    return _WRITERS.get(kind.code)
