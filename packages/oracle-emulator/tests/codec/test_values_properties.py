from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle_emulator.codec.buffers import Reader
from oracle_emulator.codec.numbers import InvalidValueError
from oracle_emulator.codec.values import decoder, encoder
from oracle_emulator.engine.interface import OracleType, TypeCode, Value

VALUES = {
    TypeCode.VARCHAR: st.text(min_size=1),
    TypeCode.CHAR: st.text(min_size=1),
    TypeCode.LONG: st.text(min_size=1, max_size=400),
    TypeCode.RAW: st.binary(min_size=1),
    TypeCode.LONG_RAW: st.binary(min_size=1, max_size=400),
    TypeCode.NUMBER: st.integers(-(10**30), 10**30) | st.decimals(-1000, 1000, places=6),
    TypeCode.DATE: st.datetimes().map(lambda value: value.replace(microsecond=0)),
    TypeCode.TIMESTAMP: st.datetimes(),
    TypeCode.BINARY_DOUBLE: st.floats(allow_nan=False),
    TypeCode.BINARY_FLOAT: st.floats(width=32, allow_nan=False),
    TypeCode.INTERVAL_DS: st.timedeltas(timedelta(days=-9999), timedelta(days=9999)),
    TypeCode.BOOLEAN: st.booleans(),
}
TYPED = st.sampled_from(sorted(VALUES)).flatmap(lambda code: st.tuples(st.just(code), VALUES[code]))


@given(TYPED, st.booleans())
def test_a_value_comes_back(typed, national):
    code, value = typed
    kind = OracleType(code, national=national)
    data = Reader(encoder(kind)(value)).bl()
    assert decoder(kind)(data) == value


@given(st.sampled_from(sorted(VALUES)), st.binary(min_size=1, max_size=30), st.booleans())
def test_any_bytes_are_a_value_or_refused(code, data, national):
    value = None
    with suppress(ValueError):
        value = decoder(OracleType(code, national=national))(data)
    assert value is None or isinstance(value, Value)


@pytest.mark.parametrize(
    ("code", "value"),
    [
        (TypeCode.VARCHAR, 1),
        (TypeCode.NUMBER, "1"),
        (TypeCode.DATE, "2026-01-01"),
        (TypeCode.RAW, "x"),
        (TypeCode.ROWID, "not a rowid"),
        (TypeCode.NUMBER, Decimal("NaN")),
    ],
)
def test_a_value_of_another_type_is_refused(code, value):
    with pytest.raises(InvalidValueError):
        encoder(OracleType(code))(value)
