"""Texts straight from bytes say what the decoded values say, for bytes of any client."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle_emulator.codec import numbers, temporal
from oracle_emulator.codec.texts import writer
from oracle_emulator.codec.values import decoder
from oracle_emulator.engine.interface import OracleType, TypeCode

NUMBERS = st.integers(-(10**39), 10**39) | st.decimals(
    min_value=Decimal("-1e120"), max_value=Decimal("1e120"), allow_nan=False
)
MOMENTS = st.datetimes(min_value=datetime(1, 1, 1))  # noqa: DTZ001  # Oracle's have no zone
ZONES = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
INNER = st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1))  # noqa: DTZ001  # given one
SENT = {
    TypeCode.NUMBER: NUMBERS.map(numbers.encode_number),
    TypeCode.DATE: MOMENTS.map(temporal.encode_date),
    TypeCode.TIMESTAMP: MOMENTS.map(temporal.encode_timestamp)
    | st.builds(
        lambda moment, nanos: temporal.encode_date(moment) + nanos.to_bytes(4, "big"),
        MOMENTS,
        st.integers(0, 999_999_999),
    ),
    TypeCode.TIMESTAMP_TZ: st.builds(
        lambda moment, zone: temporal.encode_timestamp_tz(moment.replace(tzinfo=zone)),
        INNER,
        ZONES,
    ),
    TypeCode.RAW: st.binary(min_size=1, max_size=20),
    TypeCode.BINARY_DOUBLE: st.floats().map(numbers.encode_binary_double),
    TypeCode.BINARY_FLOAT: st.floats(width=32).map(numbers.encode_binary_float),
    TypeCode.VARCHAR: st.text(min_size=1).map(str.encode),
}
LATE_DAYS = st.builds(  # some of which their month does not have
    lambda year, month, day: bytes((120, year, month, day, 1, 1, 1)),
    st.integers(100, 199),
    st.sampled_from([1, 2, 4, 12]),
    st.integers(28, 32),
)
ODD_DATES = st.lists(st.sampled_from([0, 1, 2, 12, 29, 30, 31, 60, 100, 101, 120, 199]),
                     min_size=7, max_size=13).map(bytes)  # fmt: skip


def meaning(code, text):
    """Return the value that a text stands for."""
    if code is TypeCode.NUMBER:
        return Decimal(text)
    if code is TypeCode.RAW:
        return bytes.fromhex(text)
    if code in {TypeCode.BINARY_DOUBLE, TypeCode.BINARY_FLOAT}:
        return repr(float(text))
    if code is TypeCode.VARCHAR:
        return text
    clock, _, fraction = text.removesuffix("Z").partition(".")
    moment = datetime.strptime(clock, "%Y%m%dT%H%M%S")  # noqa: DTZ007  # Oracle's have no zone
    moment = moment.replace(microsecond=int(fraction.ljust(6, "0")))
    return moment.replace(tzinfo=UTC) if text.endswith("Z") else moment


def shown(code, value):
    return repr(value) if code in {TypeCode.BINARY_DOUBLE, TypeCode.BINARY_FLOAT} else value


@pytest.mark.parametrize("code", SENT)
@given(data=st.data())
def test_texts_say_what_the_values_are(code, data):
    column = data.draw(st.lists(SENT[code], max_size=8))
    kind = OracleType(code)
    texts = [text.decode() for text in writer(kind)(column)]
    decode = decoder(kind)
    assert [meaning(code, t) for t in texts] == [shown(code, decode(v)) for v in column]


@given(st.lists(NUMBERS.map(numbers.encode_number), max_size=8))
def test_numbers_have_no_more_digits_than_they_need(column):
    for text, value in zip(writer(OracleType(TypeCode.NUMBER))(column), column, strict=True):
        expected = Decimal(numbers.decode_number(value))
        assert Decimal(text.decode()).as_tuple().exponent == min(expected.as_tuple().exponent, 0)


@given(st.lists(st.text(min_size=1).map(lambda text: text.encode("utf-16-be"))))
def test_national_texts_become_utf8(column):
    write = writer(OracleType(TypeCode.VARCHAR, national=True))
    assert [t.decode() for t in write(column)] == [v.decode("utf-16-be") for v in column]


def of_each(column, make):
    """Return what is made of each value alone, or that it is refused."""
    made = []
    for value in column:
        try:
            made.append(make(value))
        except ValueError:
            made.append("refused")
    return made


@pytest.mark.parametrize("code", SENT)
@given(data=st.data())
def test_bytes_that_are_no_value_are_refused_by_both(code, data):
    odd = SENT[code] | st.binary(min_size=1, max_size=24) | ODD_DATES | LATE_DAYS
    column = data.draw(st.lists(odd, max_size=4))
    kind = OracleType(code)
    decode, write = decoder(kind), writer(kind)
    expected = of_each(column, lambda value: shown(code, decode(value)))
    texts = of_each(column, lambda value: write([value])[0].decode())
    assert [t if t == "refused" else meaning(code, t) for t in texts] == expected
    if "refused" in expected:
        with pytest.raises(ValueError):  # noqa: PT011  # whichever value is met first says why
            write(column)
    else:
        assert [meaning(code, text.decode()) for text in write(column)] == expected
