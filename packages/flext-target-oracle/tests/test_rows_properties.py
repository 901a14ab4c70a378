"""Batches of records: the fast path gives what the exact path gives, rejects are named."""
# ruff: noqa: DTZ001 -- bound times are naive UTC on purpose

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flext_target_oracle.rows import MAX_RECORD_BYTES, RawBatch, RowReader, Rows
from flext_target_oracle.sql import plan as plans
from flext_target_oracle.sql.plan import StreamSchema, TablePlan
from flext_target_oracle.sql.types import ColumnType
from flext_target_oracle.values import Rules

RECEIVED, BATCHED = datetime(2026, 1, 1), datetime(2026, 1, 2)
TYPES = {
    "id": {"type": "integer"},
    "mod_ts": {"type": ["string", "null"], "format": "date-time"},
    "qty": {"type": "number"},
    "flag": {"type": "boolean"},
    "note": {"type": "string"},
    "day": {"type": "string", "format": "date"},
    "more": {"type": "object"},
}
VALUES = {
    "id": st.integers(-(10**39), 10**39) | st.none(),
    "mod_ts": st.none() | st.datetimes().map(lambda t: t.isoformat() + "Z") | st.just("soon"),
    "qty": st.none() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False, places=3)
    .map(float) | st.just("7"),
    "flag": st.none() | st.booleans(),
    "note": st.none() | st.text(max_size=5) | st.just("x" * 4001) | st.just("é" * 1500),
    "day": st.none() | st.dates().map(str),
    "more": st.none() | st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    "unknown": st.just(1),
}  # fmt: skip
RECORDS = st.lists(
    st.fixed_dictionaries(
        {"id": VALUES["id"]}, optional={k: v for k, v in VALUES.items() if k != "id"}
    ),
    min_size=1,
    max_size=4,
)


def make_plan(properties: dict[str, Any] = TYPES) -> TablePlan:
    source = StreamSchema("allocation", {"properties": properties}, ("id",), ("mod_ts",))
    return plans.wanted(source, schema="OIC", table="T", append=False, metadata=True)


def batch(records: list[Any], extracted: str | None = None) -> RawBatch:
    raws = [json.dumps(record).encode() for record in records]
    count = len(raws)
    return RawBatch(raws, [extracted] * count, [RECEIVED] * count, BATCHED)


def read(records: list[Any], **options: Any) -> Rows:
    return RowReader(make_plan(), Rules(), to_clob=True).read(batch(records, **options))


@given(RECORDS)
def test_both_paths_give_the_same(records: list[Any]) -> None:
    reader = RowReader(make_plan(), Rules(), to_clob=True)
    assert reader.read(batch(records)) == reader._exact(batch(records))


@given(RECORDS)
def test_every_record_is_a_row_or_a_reject_or_overflows(records: list[Any]) -> None:
    found = read(records)
    assert len(found.rows) + len(found.rejects) == len(records)
    for reject in found.rejects:
        assert json.loads(reject.record) in records


def test_an_ordinary_batch_takes_the_fast_path() -> None:
    reader = RowReader(make_plan(), Rules(), to_clob=True)
    records = [{"id": 1, "mod_ts": "2025-07-12T10:00:00-03:00", "qty": 1.5, "more": {"a": [1]}}]
    (row,) = reader._fast(reader._decoder, batch(records, "2025-07-12T11:00:00Z"))  # type: ignore[arg-type]  # compiled for this plan
    assert row[:2] == (1, datetime(2025, 7, 12, 13))
    assert row[-4:] == (datetime(2025, 7, 12, 11), BATCHED, RECEIVED, 0)


def test_a_long_batch_is_read_in_slices_and_counted_through() -> None:
    reader = RowReader(make_plan(), Rules(), to_clob=True)
    many = batch([{"id": key, "qty": key / 4} for key in range(777)])
    found = reader.read(many)
    assert [row[-1] for row in found.rows] == list(range(777))
    assert found == reader._exact(many)
    many = batch([{"id": None if key == 600 else key} for key in range(777)])
    found = reader.read(many)
    assert [row[-1] for row in found.rows] == [key for key in range(777) if key != 600]
    assert [reject.code for reject in found.rejects] == ["KEY_NULL"]


@pytest.mark.parametrize("kind", ["integer", "number", "string"])
@pytest.mark.parametrize("key", ["null", "absent", '""'])
def test_a_key_that_is_null_is_refused_whatever_its_type(kind: str, key: str) -> None:
    reader = RowReader(make_plan({"id": {"type": kind}, "note": {"type": "string"}}), Rules(),
                       to_clob=True)  # fmt: skip
    member = "" if key == "absent" else f'"id":{key},'
    plain = "1" if kind != "string" else '"a"'
    raws = [f'{{"id":{plain},"note":"x"}}'.encode(), f'{{{member}"note":"y"}}'.encode()]
    found = reader.read(RawBatch(raws, [None] * 2, [RECEIVED] * 2, BATCHED))
    assert [row[1] for row in found.rows] == ["x"]
    wanted = "TYPE" if key == '""' and kind != "string" else "KEY_NULL"
    assert [(reject.column, reject.code) for reject in found.rejects] == [("ID", wanted)]


NUMBERS = st.integers(-2000, 2000) | st.decimals(-999, 999, places=3).map(float)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"id": st.just(1), "qty": NUMBERS, "count": st.integers(-2000, 2000)}
        ),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from([(5, -2), (3, 5), (4, 4), (5, 2), (2, 0)]),
    st.booleans(),
)
def test_both_paths_give_the_same_in_columns_of_any_scale(
    records: list[Any], size: tuple[int, int], rounding: bool
) -> None:
    """A table that was there before may have columns that hold no ones, or fractions only."""
    plan = make_plan(
        {"id": {"type": "integer"}, "qty": {"type": "number"}, "count": {"type": "integer"}}
    )
    odd = ColumnType("NUMBER", precision=size[0], scale=size[1])
    columns = [plan.columns[0], *(replace(each, type=odd) for each in plan.columns[1:])]
    reader = RowReader(
        replace(plan, columns=tuple(columns)), Rules(rounding=rounding), to_clob=True
    )
    found = reader.read(batch(records))
    assert found == reader._exact(batch(records))
    if not rounding:
        quantum = Decimal(1).scaleb(-size[1])
        for row in found.rows:
            assert all(Decimal(value) % quantum == 0 for value in row[1:3])


def test_an_empty_time_of_extraction_is_refused_beside_others_as_alone() -> None:
    reader = RowReader(make_plan(), Rules(), to_clob=True)
    records = [{"id": 1, "_sdc_extracted_at": ""}, {"id": 2}]
    found = reader.read(batch(records))
    assert found == reader._exact(batch(records))
    assert [reject.code for reject in found.rejects] == ["TIMESTAMP"]


@pytest.mark.parametrize("digits", ["1e-131", "1e-140", "-1e-150", "0." + "0" * 130 + "1"])
@pytest.mark.parametrize("more", ["", ',"unknown":1'])
def test_a_number_below_the_least_one_is_refused(digits: str, more: str) -> None:
    plan = make_plan()
    columns = [
        replace(each, type=ColumnType("NUMBER")) if each.prop == "qty" else each
        for each in plan.columns
    ]
    reader = RowReader(replace(plan, columns=tuple(columns)), Rules(), to_clob=True)
    raw = f'{{"id":1,"qty":{digits}{more}}}'.encode()
    found = reader.read(RawBatch([raw], [None], [RECEIVED], BATCHED))
    assert [(reject.column, reject.code) for reject in found.rejects] == [("QTY", "NUMBER_DIGITS")]
    least = RawBatch([b'{"id":1,"qty":1e-130}'], [None], [RECEIVED], BATCHED)
    assert reader.read(least).rows[0][2] == Decimal("1e-130")


@pytest.mark.parametrize("prop", ["more", "note", "unknown"])
def test_json_that_is_too_deep_to_be_read_is_refused_and_no_other_record(prop: str) -> None:
    """How deep can be read depends on how deep the program is: every depth around is tried."""
    reader, outcomes = RowReader(make_plan(), Rules(), to_clob=True), set()
    for depth in range(600, sys.getrecursionlimit() + 5):
        deep = b'{"id":1,"%b":%b%b}' % (prop.encode(), b'{"a":' * depth + b"1", b"}" * depth)
        plain = b'{"id":2}'
        raw = RawBatch([deep, plain], [None] * 2, [RECEIVED] * 2, BATCHED)
        found = reader.read(raw)
        outcomes.add(tuple(reject.code for reject in found.rejects))
        assert [row[0] for row in found.rows][-1] == 2
        assert len(found.rows) + len(found.rejects) == 2
        assert all(reject.record == deep.decode() for reject in found.rejects)
    assert ("JSON",) in outcomes
    assert len(outcomes) == 2


def test_a_long_text_asks_for_a_clob_but_a_key_is_refused() -> None:
    assert read([{"id": 1, "note": "x" * 4001}]).overflowing == {"NOTE"}
    properties = {"id": {"type": "string"}}
    reader = RowReader(make_plan(properties), Rules(), to_clob=True)
    (reject,) = reader.read(batch([{"id": "x" * 4001}])).rejects
    assert (reject.column, reject.code) == ("ID", "TEXT_TOO_LONG")


def test_a_long_text_is_refused_by_setting() -> None:
    reader = RowReader(make_plan(), Rules(), to_clob=False)
    (reject,) = reader.read(batch([{"id": 1, "note": "x" * 4001}])).rejects
    assert (reject.column, reject.code, reject.key) == ("NOTE", "TEXT_TOO_LONG", '{"id":1}')


def test_a_missing_key_is_refused() -> None:
    (reject,) = read([{"note": "x"}]).rejects
    assert (reject.column, reject.code) == ("ID", "KEY_NULL")


def test_an_undeclared_property_is_told() -> None:
    found = read([{"id": 1, "unknown": 1}])
    assert found.undeclared == {"unknown"}
    assert len(found.rows) == 1


def test_a_huge_record_is_refused() -> None:
    (reject,) = read([{"id": 1, "note": "x" * MAX_RECORD_BYTES}]).rejects
    assert reject.code == "RECORD_TOO_LARGE"


def test_a_record_that_is_no_object_is_refused() -> None:
    (reject,) = read([[1]]).rejects
    assert reject.code == "JSON"


def test_a_broken_escape_is_refused_not_replaced() -> None:
    raws = [b'{"id":1,"note":"\\ud800"}']
    one = RawBatch(raws, [None], [RECEIVED], BATCHED)
    (reject,) = RowReader(make_plan(), Rules(), to_clob=True).read(one).rejects
    assert reject.code == "JSON"


def test_a_line_break_between_the_tokens_of_a_record_parts_nothing() -> None:
    """Records are decoded as lines; one that has two of them is read by itself."""
    texts = [b'{"id":1}', b'{"id":\n2,\n"qty":1.5}', b'{"id":3,"qty":\n0}']
    batch_of = RawBatch(texts, [None] * 3, [RECEIVED] * 3, BATCHED)
    found = RowReader(make_plan(), Rules(), to_clob=True).read(batch_of)
    assert [(row[0], row[2]) for row in found.rows] == [(1, None), (2, Decimal("1.5")), (3, 0)]


def test_nul_is_kept() -> None:
    (row,) = read([{"id": 1, "note": "a\0b"}]).rows
    assert row[4] == "a\0b"


def test_the_record_may_say_when_it_was_extracted() -> None:
    (row,) = read([{"id": 1, "_sdc_extracted_at": "2025-01-01T00:00:00Z"}]).rows
    assert row[-4] == datetime(2025, 1, 1)


def test_odd_property_names_are_read() -> None:
    plan = make_plan({"id": {"type": "integer"}, 'a"b\\c\n': {"type": "string"}})
    found = RowReader(plan, Rules(), to_clob=True).read(batch([{"id": 1, 'a"b\\c\n': "x"}]))
    assert found.rows[0][:2] == (1, "x")
