"""NUMBER, BINARY_FLOAT and BINARY_DOUBLE as they travel.

NUMBER is a base-100 floating number of at most 20 digits: an exponent byte, then the digits plus
one; negative numbers carry the complement and end with 102 where they have room. See the public
description of Oracle's NUMBER in any of its drivers; the byte forms here were checked against the
real client.
"""

from __future__ import annotations

import struct
from decimal import ROUND_HALF_UP, Context, Decimal, Inexact

_MAX_DIGITS = 20  # of base 100
_MAX_BYTES = 22
NEGATIVE_END = 102  # behind the digits of a negative number, where there is room
_CONTEXT = Context(prec=40, rounding=ROUND_HALF_UP, Emin=-999_999, Emax=999_999)
_PAIRS_POSITIVE = {f"{digit:02d}": digit + 1 for digit in range(100)}
# A base-100 digit as one byte whose hexadecimal form is its two decimal digits.
_PACKED = [(digit // 10 << 4) | digit % 10 for digit in range(100)]
NO_DIGIT = "f"
DIGITS_POSITIVE = bytes((0xFF, *_PACKED, *[0xFF] * 155))
DIGITS_NEGATIVE = bytes((0xFF, 0xFF, *reversed(_PACKED), *[0xFF] * 154))
_PAIRS_NEGATIVE = {f"{digit:02d}": 101 - digit for digit in range(100)}


class InvalidValueError(ValueError):
    """A value that its type cannot hold, or bytes that are no value of the type."""


def decode_number(data: bytes) -> int | Decimal:
    """Return a NUMBER: int when it is whole, else Decimal. Raises InvalidValueError."""
    if not 1 <= len(data) <= _MAX_BYTES:
        raise InvalidValueError(f"{len(data)} bytes are no NUMBER")
    head = data[0]
    if head & 0x80:
        sign, digits = "", data[1:].translate(DIGITS_POSITIVE).hex()
        places = 2 * (len(data) - head + 191)
    elif head == 0:
        return -(10**126)
    else:
        body = data[1:-1] if data[-1] == NEGATIVE_END else data[1:]
        sign, digits = "-", body.translate(DIGITS_NEGATIVE).hex()
        places = 2 * (len(body) + head - 63)
    if NO_DIGIT in digits:
        raise InvalidValueError("a byte that is no digit of a NUMBER")
    if not digits:
        return 0
    if places <= 0:
        return int(f"{sign}{digits}{'0' * -places}")
    if digits[-1] != "0":
        return Decimal(f"{sign}{digits}E-{places}")
    value = Decimal(f"{sign}{digits[:-1]}E{1 - places}")
    # Whole only for bytes with a zero pair at their end, which no client sends.
    return int(value) if digits.endswith("00") and value == value.to_integral_value() else value


def encode_number(value: int | float | Decimal) -> bytes:
    """Return a NUMBER rounded to what its 20 base-100 digits hold.

    Raises InvalidValueError when out of range.
    """
    if isinstance(value, int):
        negative = value < 0
        digits, exponent = str(-value if negative else value), 0
        if len(digits) > 2 * _MAX_DIGITS - 1:
            return _encode_decimal(Decimal(value))
        return _pack(digits, exponent, negative=negative)
    if isinstance(value, float):
        value = Decimal(repr(value))
    return _encode_decimal(value)


def _encode_decimal(value: Decimal) -> bytes:
    if not value.is_finite():
        raise InvalidValueError("a NUMBER must be finite")
    sign, digit_tuple, exponent = value.as_tuple()
    if len(digit_tuple) > 2 * _MAX_DIGITS - 1:
        value = _fit(value)
        sign, digit_tuple, exponent = value.as_tuple()
    return _pack("".join(map(str, digit_tuple)), int(exponent), negative=bool(sign))


def _fit(value: Decimal) -> Decimal:
    """Round to 40 digits, or 39 where the first base-100 digit holds only one."""
    context = _CONTEXT.copy()
    rounded = context.plus(value)
    if rounded.adjusted() % 2 == 0:
        context.prec = 39
        rounded = context.plus(value)
    return rounded


def _pack(digits: str, exponent: int, *, negative: bool) -> bytes:
    digits = digits.lstrip("0")
    if exponent % 2:
        digits += "0"
        exponent -= 1
    if len(digits) % 2:
        digits = "0" + digits
    if not digits:
        return b"\x80"
    power = exponent // 2 + len(digits) // 2 - 1
    pairs = [digits[index : index + 2] for index in range(0, len(digits), 2)]
    while pairs[-1] == "00":
        pairs.pop()
        if not pairs:
            return b"\x80"
    if power < -65:
        return b"\x80"
    if power > 62:
        raise InvalidValueError("a NUMBER must be below 1e126")
    if not negative:
        return bytes((193 + power, *map(_PAIRS_POSITIVE.__getitem__, pairs)))
    body = bytes((62 - power, *map(_PAIRS_NEGATIVE.__getitem__, pairs)))
    return body + b"\x66" if len(pairs) < _MAX_DIGITS else body


def encode_binary_double(value: float) -> bytes:
    """Return a BINARY_DOUBLE: IEEE 754 made to sort as bytes."""
    return _sortable(struct.pack(">d", value))


def decode_binary_double(data: bytes) -> float:
    """Return a BINARY_DOUBLE. Raises InvalidValueError."""
    return _unsortable(data, ">d")


def encode_binary_float(value: float) -> bytes:
    """Return a BINARY_FLOAT. Raises InvalidValueError when the value is too large for it."""
    try:
        return _sortable(struct.pack(">f", value))
    except OverflowError as error:
        raise InvalidValueError("a value too large for BINARY_FLOAT") from error


def decode_binary_float(data: bytes) -> float:
    """Return a BINARY_FLOAT. Raises InvalidValueError."""
    return _unsortable(data, ">f")


def _sortable(data: bytes) -> bytes:
    if data[0] & 0x80:
        return bytes(byte ^ 0xFF for byte in data)
    return bytes((data[0] | 0x80,)) + data[1:]


def _unsortable(data: bytes, form: str) -> float:
    if len(data) != struct.calcsize(form):
        raise InvalidValueError(f"{len(data)} bytes where {struct.calcsize(form)} are a number")
    if data[0] & 0x80:
        plain = bytes((data[0] & 0x7F,)) + data[1:]
    else:
        plain = bytes(byte ^ 0xFF for byte in data)
    result: float = struct.unpack(form, plain)[0]
    return result


def is_exact(value: Decimal) -> bool:
    """Tell whether NUMBER holds a value without rounding it."""
    context = _CONTEXT.copy()
    context.traps[Inexact] = False
    return _fit(value) == value
