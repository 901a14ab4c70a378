"""Values: digits, times and ids come out as they went in, or not at all."""

from __future__ import annotations

import json
from decimal import Decimal

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flext_tap_oracle_wms import values

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def digits(value: object) -> str:
    return bytes(value).decode() if isinstance(value, msgspec.Raw) else str(value)


@given(st.decimals(allow_nan=False, allow_infinity=False))
@example(Decimal("1E+400"))
@example(Decimal("0.1000000000000000055511151231257827"))
@example(Decimal("-0.00"))
def test_a_decimal_text_keeps_its_digits(value: Decimal):
    assert digits(values.number(str(value))) == str(value)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_json_number_keeps_its_digits(value: Decimal):
    row = values.tolerant_decoder.decode(f'[{{"n": {value}}}]'.encode())[0]
    emitted = msgspec.json.encode({"n": values.number(row["n"])})
    assert json.loads(emitted, parse_float=Decimal, parse_int=Decimal)["n"] == value
    assert str(value).encode() in emitted


@given(st.text() | st.from_regex(r"\s*[+-]?[0-9]*\.?[0-9]*([eE][+-]?[0-9]{1,3})?\s*"))
@example("007.50")
@example("+.5")
@example("5.")
@example("1_000")
@example("٣")
def test_a_text_is_a_json_number_of_the_same_value_or_refused(text: str):
    try:
        found = values.number_from_text(text)
    except values.MisfitError:
        return
    if found is None:
        assert not text.strip()
        return
    assert values.JSON_NUMBER.fullmatch(bytes(found))
    assert Decimal(digits(found)) == Decimal(text.strip())


@pytest.mark.parametrize("text", ["NaN", "Infinity", "0x10", "1,5", "1_0", "٣", "--1", ".", "e5"])
def test_what_is_no_number_is_refused(text: str):
    with pytest.raises(values.MisfitError):
        values.number_from_text(text)


@given(st.integers(-(10**60) + 1, 10**60 - 1))
def test_an_integer_is_the_same_from_number_text_and_whole_decimal(value: int):
    assert values.integer(value) == value
    assert values.integer(str(value)) == value
    assert values.integer(msgspec.Raw(f"{value}.000".encode())) == value


@pytest.mark.parametrize("value", [True, "1.5", "x", [], {}, msgspec.Raw(b"1.5")])
def test_what_is_no_integer_is_refused(value: object):
    with pytest.raises(values.MisfitError):
        values.integer(value)


@given(json_values)
def test_a_text_column_takes_everything_and_loses_nothing(value: object):
    found = values.text(value)
    if value is None or isinstance(value, str):
        assert found == value
    else:
        assert found is not None
        assert json.loads(found) == value


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (None, None),
        ([], 0),
        ([{"id": 1}, {"id": 2}], 2),
        ({"result_count": 3, "url": "u"}, 3),
        (4, 4),
    ],
)
def test_a_set_is_its_count(value: object, count: int | None):
    assert values.set_count(value) == count


@pytest.mark.parametrize(
    ("value", "id_", "key"),
    [
        ({"id": 7, "key": "A,1", "url": ""}, 7, "A,1"),
        ({"id": 7, "key": ""}, 7, ""),
        (None, None, None),
        (10, 10, None),
    ],
)
def test_a_relation_is_its_id_and_key(value: object, id_: int | None, key: str | None):
    assert values.relation_id(value) == id_
    assert values.relation_key(value) == key


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, True), ("false", False), ("TRUE", True), ("", None), (None, None)],
)
def test_a_boolean_word_is_what_it_says(value: object, expected: bool | None):
    assert values.boolean(value) is expected
