import math
import struct
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from oracle_emulator.codec.numbers import (
    InvalidValueError,
    decode_binary_double,
    decode_binary_float,
    decode_number,
    encode_binary_double,
    encode_binary_float,
    encode_number,
    is_exact,
)

KNOWN = {
    0: "80",
    1: "c102",
    -1: "3e6466",
    100: "c202",
    10: "c10b",
    Decimal("0.01"): "c002",
    Decimal("123.45"): "c202182e",
    Decimal("-123.45"): "3d644e3866",
}
DIGITS = st.builds(
    lambda digits, exponent, sign: Decimal((sign, digits, exponent)),
    st.lists(st.integers(0, 9), min_size=1, max_size=38).map(tuple),
    st.integers(-90, 80),
    st.integers(0, 1),
)


def test_known_forms():
    assert {value: encode_number(value).hex() for value in KNOWN} == KNOWN


@given(st.integers(-(10**38), 10**38))
def test_integers_come_back_as_integers(value):
    decoded = decode_number(encode_number(value))
    assert decoded == value
    assert isinstance(decoded, int)


@given(DIGITS)
@example(Decimal("1E+125"))
@example(Decimal("1E-128"))
def test_what_fits_comes_back(value):
    assert is_exact(value)
    assert decode_number(encode_number(value)) == value


@given(DIGITS, DIGITS)
def test_bytes_sort_as_numbers(left, right):
    order = (left > right) - (left < right)
    a, b = encode_number(left), encode_number(right)
    assert (a > b) - (a < b) == order


@given(st.integers(10**40, 10**60))
def test_more_digits_are_rounded_to_what_fits(value):
    decoded = decode_number(encode_number(value))
    assert len(encode_number(value)) <= 21
    assert abs(decoded - value) <= Decimal(value) / 10**38


@given(st.floats(-1e100, 1e100))
def test_floats_keep_their_shortest_decimal(value):
    if value == 0 or abs(value) > 1e-100:
        assert float(decode_number(encode_number(value))) == value


@given(
    st.sampled_from([10**126, Decimal("1E+126"), Decimal("Infinity"), Decimal("NaN"), -(10**127)])
)
def test_what_a_number_cannot_hold_is_refused(value):
    with pytest.raises(InvalidValueError):
        encode_number(value)


@given(st.floats(allow_nan=True))
def test_doubles_come_back(value):
    decoded = decode_binary_double(encode_binary_double(value))
    assert decoded == value or (math.isnan(decoded) and math.isnan(value))


@given(st.floats(width=32))
def test_floats_come_back(value):
    decoded = decode_binary_float(encode_binary_float(value))
    assert decoded == value or (math.isnan(decoded) and math.isnan(value))


@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_doubles_sort_as_bytes(left, right):
    if left < right:
        assert encode_binary_double(left) < encode_binary_double(right)


@given(st.binary(max_size=12).filter(lambda data: len(data) != 8))
def test_a_double_of_another_length_is_refused(data):
    with pytest.raises(InvalidValueError):
        decode_binary_double(data)


def test_a_float_too_large_is_refused():
    with pytest.raises(InvalidValueError):
        encode_binary_float(struct.unpack(">d", bytes.fromhex("7fe0000000000000"))[0])
