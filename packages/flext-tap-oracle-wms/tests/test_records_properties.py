"""Records: both flatteners give the same, equal to an independent reckoning."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flext_tap_oracle_wms import records, schema
from flext_tap_oracle_wms.errors import RecordError

DESCRIBED = {
    "id": {"type": "integer"},
    "mod_ts": {"type": "datetime"},
    "note": {"type": "string", "max_length": 30},
    "qty": {"type": "decimal"},
    "line": {"type": "integer"},
    "picked_flg": {"type": "boolean"},
    "due_date": {"type": "date"},
    "order_dtl_id": {"type": "relation"},
    "status_id": {"type": "relation"},
    "order_dtl_set": {"type": "whatever"},
}
FIELDS = schema.fields_of("allocation", DESCRIBED)
COLUMNS = schema.columns_of(FIELDS)

decimal_texts = st.decimals(allow_nan=False, allow_infinity=False).map(str)
stamps = st.datetimes(timezones=st.timezones()).map(lambda value: value.isoformat())
rows = st.fixed_dictionaries(
    {
        "id": st.integers(1, 2**63),
        "url": st.just("https://host/allocation/1"),
        "mod_ts": st.none() | st.just("") | stamps,
        "note": st.none() | st.text(),
        "qty": st.none() | decimal_texts | st.integers(),
        "line": st.none() | st.integers(),
        "picked_flg": st.none() | st.booleans(),
        "due_date": st.none() | st.dates().map(str),
        "order_dtl_id": st.none()
        | st.fixed_dictionaries({"id": st.integers(1), "key": st.text(), "url": st.text()}),
        "status_id": st.none() | st.integers(0, 99),
        "order_dtl_set": st.none()
        | st.just([])
        | st.fixed_dictionaries({"result_count": st.integers(0), "url": st.text()}),
    }
)


def expected(row: dict[str, Any]) -> dict[str, Any]:
    """The record as the conventions say, by a way of its own."""
    relation = row["order_dtl_id"] or {}
    found = row["order_dtl_set"]
    return {
        "id": row["id"],
        "mod_ts": row["mod_ts"] or None,
        "note": row["note"],
        "qty": None if row["qty"] is None else Decimal(row["qty"]),
        "line": row["line"],
        "picked_flg": row["picked_flg"],
        "due_date": row["due_date"],
        "order_dtl_id": relation.get("id"),
        "order_dtl_key": relation.get("key"),
        "status_id": row["status_id"],
        "order_dtl_set_count": found["result_count"] if found else (None if found is None else 0),
    }


def parsed(lines: bytes) -> list[dict[str, Any]]:
    return [json.loads(line, parse_float=Decimal) for line in lines.split(b"\n") if line]


@settings(max_examples=60)
@given(st.lists(rows, max_size=4), st.none() | st.integers(0))
def test_both_flatteners_give_what_the_conventions_say(page: list[dict[str, Any]], version: Any):
    raw = msgspec.Raw(json.dumps(page).encode())
    generated = records.generate("allocation", FIELDS, COLUMNS, open_ended=True)
    slow = records.flatten_rows("allocation", COLUMNS, records.decode(raw))
    fast = records.lines("allocation", generated(raw), "t", version)
    assert fast == records.lines("allocation", slow, "t", version)
    messages = parsed(fast)
    assert [message["record"] for message in messages] == [expected(row) for row in page]
    for message in messages:
        assert message["type"] == "RECORD"
        assert message["stream"] == "allocation"
        assert message["time_extracted"] == "t"
        assert message.get("version") == version
        assert ("version" in message) == (version is not None)


def test_a_record_has_the_columns_of_its_schema():
    generated = records.generate("allocation", FIELDS, COLUMNS, open_ended=True)
    record = msgspec.to_builtins(generated(msgspec.Raw(b'[{"id": 1}]'))[0])
    assert list(record) == list(schema.json_schema(COLUMNS)["properties"])


@pytest.mark.parametrize(
    ("value", "columns"),
    [
        ("text", {"extra": "text"}),
        (None, {"extra": None}),
        (5, {"extra": 5}),
        (True, {"extra": True}),
        ({"id": 4, "key": "K", "url": ""}, {"extra": 4, "extra_key": "K"}),
        ([1, 2], {"extra": "[1,2]"}),
        ("00123", {"extra": "00123"}),
    ],
)
def test_an_undescribed_key_becomes_a_column_without_loss(value: object, columns: dict[str, Any]):
    raw = msgspec.Raw(json.dumps([{"id": 1, "extra": value}]).encode())
    generated = records.generate("allocation", FIELDS, COLUMNS, open_ended=True)
    with pytest.raises(records.UnexpectedError):
        generated(raw)
    page = records.decode(raw)
    new = records.drift(FIELDS, page)
    widened = schema.columns_of((*FIELDS, *new))
    record = records.flatten_rows("allocation", widened, page)[0]
    assert {name: record[name] for name in record if name.startswith("extra")} == columns


def test_a_key_that_was_deselected_is_left_out():
    generated = records.generate("allocation", FIELDS, COLUMNS[:1], open_ended=False)
    page = msgspec.Raw(b'[{"id": 1, "extra": 2, "note": "n"}]')
    assert msgspec.to_builtins(generated(page)[0]) == {"id": 1}


def test_a_status_that_comes_as_an_object_gets_its_key_column():
    raw = msgspec.Raw(b'[{"id": 1, "status_id": {"id": 10, "key": "Open", "url": ""}}]')
    new = records.drift(FIELDS, records.decode(raw))
    assert new == [schema.Field("status_id", "relation")]


def test_a_value_that_does_not_fit_names_stream_id_and_field_and_not_the_value():
    raw = msgspec.Raw(b'[{"id": 77, "qty": "secret stuff"}]')
    generated = records.generate("allocation", FIELDS, COLUMNS, open_ended=True)
    with pytest.raises(records.UnexpectedError):
        generated(raw)
    with pytest.raises(RecordError) as raised:
        records.flatten_rows("allocation", COLUMNS, records.decode(raw))
    message = str(raised.value)
    assert "allocation" in message
    assert "77" in message
    assert "qty" in message
    assert "secret" not in message
