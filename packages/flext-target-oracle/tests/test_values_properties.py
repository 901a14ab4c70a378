"""Values: what is accepted is bound exactly; the bulk path and the exact path agree."""
# ruff: noqa: DTZ001 -- bound times are naive UTC on purpose

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flext_target_oracle import digests, values
from flext_target_oracle.sql import types
from flext_target_oracle.sql.types import ColumnType, Shape
from flext_target_oracle.values import OverflowedError, Rules, UnfitError, UnusualError

RULES = Rules()
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=None)
ZONES = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(
    min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1), timezones=ZONES | st.just(UTC)
)


def digits_of(value: Decimal) -> tuple[int, int]:
    """Digits before and after the point that the value needs."""
    _, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits)).rstrip("0")
    places = max(0, -(int(exponent) + len(digits) - len(text))) if value else 0
    return max(value.adjusted() + 1, 0) if value else 0, places


@given(DECIMALS)
def test_a_number_is_bound_exactly_or_refused(value: Decimal) -> None:
    whole, places = digits_of(value)
    if whole <= 28 and places <= 10:
        assert values.number(str(value), types.DECIMAL, RULES, integer=False) == value
    else:
        with pytest.raises(UnfitError):
            values.number(str(value), types.DECIMAL, RULES, integer=False)


@given(DECIMALS.filter(lambda value: digits_of(value)[0] <= 27))
def test_rounding_by_rule_is_half_away_from_zero(value: Decimal) -> None:
    bound = values.number(str(value), types.DECIMAL, Rules(rounding=True), integer=False)
    assert abs(Decimal(bound) - value) <= Decimal("0.00000000005")
    assert digits_of(Decimal(bound))[1] <= 10
    if abs(Decimal(bound) - value) == Decimal("0.00000000005"):
        assert abs(Decimal(bound)) > abs(value)


@given(st.integers())
def test_an_integer_is_bound_exactly_or_refused(value: int) -> None:
    if abs(value) < 10**38:
        assert values.number(str(value), types.INTEGER, RULES, integer=True) == value
    else:
        with pytest.raises(UnfitError):
            values.number(str(value), types.INTEGER, RULES, integer=True)


@given(MOMENTS, st.sampled_from(["T", " "]))
def test_a_time_is_bound_in_utc(moment: datetime, between: str) -> None:
    text = moment.isoformat(between)
    offset = moment.utcoffset()
    if offset is not None and offset.total_seconds() % 60:
        return
    expected = moment.astimezone(UTC).replace(tzinfo=None)
    assert values.timestamp(text) == expected
    assert values.bulk_timestamps([text, None]) == [expected, None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-07-12T10:00:00Z", datetime(2025, 7, 12, 10)),
        ("2025-07-12T10:00:00-03:00", datetime(2025, 7, 12, 13)),
        ("2025-07-12T10:00:00.123456000+00:00", datetime(2025, 7, 12, 10, 0, 0, 123456)),
        ("2025-07-12t10:00z", datetime(2025, 7, 12, 10)),
        ("2025-07-12", datetime(2025, 7, 12)),
        ("2025-07-12T10:00:00", datetime(2025, 7, 12, 10)),
    ],
)
def test_forms_of_time(text: str, expected: datetime) -> None:
    assert values.timestamp(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "now", "2025-13-01T00:00:00Z", "2025-07-12T10:00:00.1234567Z", "20250712T100000Z",
     "0001-01-01T00:00:00+05:00", "2025-07-12T24:00:01Z", "2025-07-12T10:00:000Z"],
)  # fmt: skip
def test_no_time_is_guessed(text: str) -> None:
    with pytest.raises(UnfitError):
        values.timestamp(text)
    with pytest.raises(UnusualError):
        values.bulk_timestamps([text])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text()
    | DECIMALS.map(float).filter(math.isfinite),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip
_KINDS = {
    Shape.INTEGER: types.INTEGER,
    Shape.NUMBER: types.DECIMAL,
    Shape.TEXT: types.text(8),
    Shape.BOOLEAN: types.BOOLEAN,
    Shape.TIMESTAMP: types.TIMESTAMP,
    Shape.DATE: types.DATE,
    Shape.TIME: types.text(),
    Shape.JSON: types.CLOB,
    Shape.ANY: types.CLOB,
}
COLUMNS = st.sampled_from(list(_KINDS.items()))


@given(COLUMNS, JSON)
def test_any_value_is_bound_or_refused_and_nothing_else(
    column: tuple[Shape, ColumnType], value: Any
) -> None:
    raw = msgspec.json.encode(value)
    try:
        bound = values.exact(*column, raw, RULES)
    except UnfitError:
        return
    shape, _ = column
    if value is None:
        assert bound is None
    elif shape in {Shape.INTEGER, Shape.NUMBER}:
        assert bound == Decimal(raw.decode())
    elif shape is Shape.BOOLEAN:
        assert bound == int(value)
    elif shape is Shape.TEXT:
        assert bound == (value or None)  # '' is NULL
        assert len(value.encode()) <= 8
    elif shape is Shape.JSON or (shape is Shape.ANY and not isinstance(value, str)):
        assert json.loads(bound) == json.loads(raw)


@given(st.text())
def test_a_text_overflows_by_bytes(text: str) -> None:
    kind = types.text(4)
    if len(text.encode("utf-8", "surrogatepass")) > 4:
        with pytest.raises(OverflowedError):
            values.text(text, kind, RULES)
        with pytest.raises(UnusualError):
            values.bulk_texts([text], kind, RULES, longest_bytes=9999)
    else:
        assert values.text(text, kind, RULES) == text
        assert values.bulk_texts([None, text], kind, RULES, longest_bytes=9999) == [
            None,
            text or None,
        ]


def test_a_text_in_character_semantics_has_the_byte_ceiling_too() -> None:
    kind = ColumnType("VARCHAR2", length=4000, in_chars=True)
    assert values.text("x" * 4000, kind, RULES)
    with pytest.raises(OverflowedError):
        values.text("é" * 4000, kind, RULES)


def test_a_character_the_database_lacks_is_refused() -> None:
    latin = Rules(codec="latin-1")
    assert values.text("é", types.CLOB, latin) == "é"
    with pytest.raises(UnfitError, match=r"U\+20AC"):
        values.text("€", types.CLOB, latin)
    with pytest.raises(UnusualError):
        values.bulk_texts(["é"], types.CLOB, latin, longest_bytes=2)


@pytest.mark.parametrize(
    ("shape", "kind", "raw"),
    [
        (Shape.NUMBER, types.DECIMAL, b'"1.5"'),
        (Shape.INTEGER, types.INTEGER, b"1.5"),
        (Shape.INTEGER, types.INTEGER, b"true"),
        (Shape.TEXT, types.text(), b"1"),
        (Shape.BOOLEAN, types.BOOLEAN, b"1"),
        (Shape.JSON, types.CLOB, b'"x"'),
        (Shape.DATE, types.DATE, b'"2025-07-12T10:00:00Z"'),
        (Shape.NUMBER, types.DECIMAL, b"1e99999999999999999999"),
    ],
)
def test_nothing_is_guessed(shape: Shape, kind: ColumnType, raw: bytes) -> None:
    with pytest.raises(UnfitError):
        values.exact(shape, kind, raw, RULES)


OFFSETS = st.sampled_from(["Z", "z", "+00:00", "-03:00", "+05:30", "", "-0300", "+25:00"])
TIMES = st.datetimes().map(lambda moment: moment.isoformat()) | st.sampled_from(
    ["2026-01-01T08:00:00.1234567", "2026-01-01", "2026-01-01T08:00", "2026-01-01T08:00:00-03:00"]
)
KINDS = [types.DECIMAL, types.INTEGER, ColumnType("NUMBER")]
KINDS.append(ColumnType("NUMBER", precision=5, scale=5))


@given(
    st.lists(st.none() | TIMES, max_size=5), OFFSETS, st.sampled_from(["", "Z"]), st.integers(0, 4)
)
def test_a_column_of_times_is_read_as_each_of_them(
    texts: list[str | None], offset: str, other: str, odd: int
) -> None:
    """All in one zone, as a source writes them; or all but one; or with what no zone is."""
    column = [
        None if text is None else text + (other if other and place == odd else offset)
        for place, text in enumerate(texts)
    ]
    try:
        found = values.bulk_timestamps(column)
    except UnusualError:
        return  # it is judged value by value
    assert found == [None if text is None else values.timestamp(text) for text in column]


def test_times_of_one_zone_and_of_several_are_ordinary() -> None:
    moment = datetime(2026, 1, 1, 11)
    local = "2026-01-01T08:00:00-03:00"
    assert values.bulk_timestamps([local, None, local]) == [moment, None, moment]
    assert values.bulk_timestamps([local, "2026-01-01T11:00:00Z"]) == [moment] * 2


@example(["1E+40"], types.DECIMAL)
@example(["-0.0", "1"], types.DECIMAL)
@given(st.lists(DECIMALS | st.integers() | st.none(), max_size=4), st.sampled_from(KINDS))
def test_a_column_of_numbers_is_read_as_each_of_them(numbers: list[Any], kind: ColumnType) -> None:
    raws = [b"null" if each is None else str(each).encode() for each in numbers]
    try:
        found = values.bulk_numbers(raws, kind)
    except UnusualError:
        return  # it is judged value by value
    for raw, value in zip(raws, found, strict=True):
        assert value == values.exact(Shape.NUMBER, kind, raw, RULES)
        assert value or not str(value).startswith("-")


@given(st.integers(-(10**38), 10**38))
def test_a_number_has_one_digest_whatever_it_is_held_as(value: int) -> None:
    found = {
        digests.row_hash(["N"], [held]) for held in (value, Decimal(value), Decimal(f"{value}.0"))
    }
    assert len(found) == 1


TRICKY = st.sampled_from(
    ['2026-01-01T08:00:00","2026-01-01T08:00:00-03:00', r"2026\u002d01-01T08:00:00-03:00",
     r"2026-01-01T08:00:00\u002d03:00", "2026-01-01T08:00:00-03:00\n", '2026-01-01T08:00:00-03:00"',
     "-03:00", "2026-01-01T08:00:00", "2026-01-01T08:00:00-03:00"]
)  # fmt: skip


@given(st.lists(TRICKY, max_size=4))
def test_a_column_of_texts_holds_no_time_that_is_none_by_itself(texts: list[str]) -> None:
    try:
        found = values.bulk_timestamps(texts)
    except UnusualError:
        return
    assert found == [values.timestamp(text) for text in texts]


@given(st.lists(JSON | st.sampled_from(["1.5", "null", "1", 2, 0.5, None]), max_size=3))
def test_a_column_of_values_holds_no_number_that_is_none_by_itself(some: list[Any]) -> None:
    raws = [msgspec.json.encode(each) for each in some]
    try:
        found = values.bulk_numbers(raws, types.DECIMAL)
    except UnusualError:
        return
    assert found == [values.exact(Shape.NUMBER, types.DECIMAL, raw, RULES) for raw in raws]
