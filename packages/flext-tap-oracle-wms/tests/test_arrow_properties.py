"""Arrow tables hold what the records hold, exactly, whichever way the records were made."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import msgspec
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flext_tap_oracle_wms import arrow, records, schema
from flext_tap_oracle_wms.errors import RecordError

FIELDS = schema.fields_of(
    "allocation",
    {
        "id": {"type": "integer"},
        "mod_ts": {"type": "datetime"},
        "note": {"type": "string"},
        "qty": {"type": "decimal"},
        "picked_flg": {"type": "boolean"},
        "due_date": {"type": "date"},
        "order_dtl_id": {"type": "relation"},
    },
)
COLUMNS = schema.columns_of(FIELDS)
SCHEMA = arrow.schema_of(COLUMNS)
ARRIVED = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
DIGITS = st.from_regex(
    r"-?(0|[1-9][0-9]{0,45})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?", fullmatch=True
)
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda n: timezone(timedelta(minutes=n)))
FIRST, LAST = datetime.fromisoformat("0002-01-01"), datetime.fromisoformat("9998-01-01")
INSTANTS = st.datetimes(FIRST, LAST, timezones=OFFSETS)
ROWS = st.fixed_dictionaries(
    {
        "id": st.integers(1, 2**63 - 1),
        "mod_ts": st.none() | INSTANTS.map(datetime.isoformat),
        "note": st.none() | st.text(),
        "qty": st.none() | DIGITS,
        "picked_flg": st.none() | st.booleans(),
        "due_date": st.none() | st.dates().map(str),
        "order_dtl_id": st.none()
        | st.fixed_dictionaries({"id": st.integers(1, 2**62), "key": st.text()}),
    }
)


def both_ways(page):
    raw = msgspec.Raw(json.dumps(page).encode())
    yield records.generate("allocation", FIELDS, COLUMNS, open_ended=True)(raw)
    yield records.flatten_rows("allocation", COLUMNS, records.decode(raw))


def made(page):
    return [
        arrow.table("allocation", COLUMNS, SCHEMA, found, ARRIVED).to_pylist()
        for found in both_ways(page)
    ]


@settings(max_examples=60, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=4))
def test_a_table_holds_what_the_records_hold(page):
    for found in made(page):
        for row, cells in zip(page, found, strict=True):
            relation = row["order_dtl_id"] or {}
            moment = None if row["mod_ts"] is None else datetime.fromisoformat(row["mod_ts"])
            assert cells == {
                "id": row["id"],
                "mod_ts": moment,
                "note": row["note"],
                "qty": row["qty"],  # digit for digit
                "picked_flg": row["picked_flg"],
                "due_date": row["due_date"],
                "order_dtl_id": relation.get("id"),
                "order_dtl_key": relation.get("key"),
                "_sdc_extracted_at": ARRIVED,
            }


def test_types_are_those_of_the_specification():
    assert {field.name: str(field.type) for field in SCHEMA} == {
        "id": "int64",
        "mod_ts": "timestamp[us, tz=UTC]",
        "note": "string",
        "qty": "string",
        "picked_flg": "bool",
        "due_date": "string",
        "order_dtl_id": "int64",
        "order_dtl_key": "string",
        "_sdc_extracted_at": "timestamp[us, tz=UTC]",
    }
    assert [field.name for field in SCHEMA if not field.nullable] == ["id", "_sdc_extracted_at"]
    assert SCHEMA.metadata == {b"flext_format": b"1"}


@given(INSTANTS, st.sampled_from(["T", "t", " "]))
@example(datetime.fromisoformat("2026-01-31"), "T")
def test_a_time_is_its_instant_and_one_without_offset_is_utc(moment, letter):
    text = moment.isoformat().replace("T", letter)
    (cells,), _ = made([{"id": 1, "mod_ts": text}])
    assert cells["mod_ts"] == (moment if moment.tzinfo else moment.replace(tzinfo=UTC))


@pytest.mark.parametrize(
    "row",
    [
        {"id": 77, "mod_ts": "2026-01-01T00:00:00.1234567Z"},
        {"id": 77, "mod_ts": "0000-12-31T00:00:00Z"},
        {"id": 77, "mod_ts": "0001-01-01T00:00:00+14:00"},
        {"id": 77, "mod_ts": "9999-12-31T23:59:59-01:00"},
        {"id": 77, "mod_ts": "2026-02-30T00:00:00Z"},
        {"id": 77, "mod_ts": "soon"},
        {"id": 77, "order_dtl_id": {"id": 2**63, "key": "K"}},
    ],
)
def test_what_a_type_cannot_hold_is_refused_by_stream_id_and_field(row):
    for found in both_ways([{"id": 1}, row]):
        with pytest.raises(RecordError) as raised:
            arrow.table("allocation", COLUMNS, SCHEMA, found, ARRIVED)
        text = str(raised.value)
        field = next(name for name in row if name != "id")
        assert "stream allocation, id 77" in text
        assert field in text
        assert str(row[field]) not in text
        assert "hand_over" in text


def test_digits_are_json_numbers():
    (cells,), _ = made([{"id": 1, "qty": "1.50"}])
    assert Decimal(cells["qty"]) == Decimal("1.50")
    assert pa.types.is_string(SCHEMA.field("qty").type)
