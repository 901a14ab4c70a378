from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle_emulator.codec import temporal
from oracle_emulator.codec.numbers import InvalidValueError
from oracle_emulator.engine.interface import YearMonth

naive = datetime.fromisoformat
OFFSETS = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
AWARE = st.builds(
    lambda value, zone: value.replace(tzinfo=zone),
    st.datetimes(naive("0002-01-01"), naive("9998-01-01")),
    OFFSETS,
)
INTERVALS = st.timedeltas(timedelta(days=-999_999_999), timedelta(days=999_999_999))


def test_known_forms():
    moment = naive("2026-11-23T08:05:09.250000")
    assert temporal.encode_date(moment).hex() == "787e0b1709060a"
    assert temporal.encode_timestamp(moment).hex() == "787e0b1709060a0ee6b280"
    assert temporal.encode_timestamp(moment.replace(microsecond=0)).hex() == "787e0b1709060a"


@given(st.datetimes())
def test_a_timestamp_comes_back(value):
    assert temporal.decode_datetime(temporal.encode_timestamp(value)) == value


@given(st.datetimes())
def test_a_date_loses_fractions_and_nothing_else(value):
    decoded = temporal.decode_datetime(temporal.encode_date(value))
    assert decoded == value.replace(microsecond=0)


@given(AWARE)
def test_an_instant_comes_back_with_its_offset(value):
    decoded = temporal.decode_datetime(temporal.encode_timestamp_tz(value))
    assert decoded == value
    assert decoded.utcoffset() == value.utcoffset()


@given(st.datetimes(max_value=naive("9999-01-01")), st.integers(0, 999_999_999))
def test_nanoseconds_round_to_the_nearest_microsecond(value, nanoseconds):
    data = temporal.encode_date(value) + nanoseconds.to_bytes(4, "big")
    whole = value.replace(microsecond=0)
    error = (temporal.decode_datetime(data) - whole) // timedelta(
        microseconds=1
    ) * 1000 - nanoseconds
    assert -500 < error <= 500


@given(INTERVALS)
def test_a_day_interval_comes_back(value):
    assert temporal.decode_interval_ds(temporal.encode_interval_ds(value)) == value


@given(st.integers(-(10**9), 10**9), st.integers(-11, 11))
def test_a_year_interval_comes_back(years, months):
    value = YearMonth(years, months)
    assert temporal.decode_interval_ym(temporal.encode_interval_ym(value)) == value


@given(st.binary(max_size=14))
def test_any_bytes_are_a_value_or_refused(data):
    for decode in (
        temporal.decode_datetime,
        temporal.decode_interval_ds,
        temporal.decode_interval_ym,
    ):
        value = None
        with suppress(InvalidValueError):
            value = decode(data)
        assert value is None or isinstance(value, datetime | timedelta | YearMonth)


def test_the_year_zero_is_refused():
    with pytest.raises(InvalidValueError):
        temporal.decode_datetime(bytes((100, 100, 1, 1, 1, 1, 1)))


def test_utc_is_kept():
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert temporal.encode_timestamp_tz(moment)[-2:] == bytes((20, 60))
