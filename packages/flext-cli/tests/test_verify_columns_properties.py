"""The rules by column say of every record what the rules by record say."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flext_cli import expected
from flext_cli.verify import columns, rows

texts = st.text(max_size=20)
relations = st.builds(
    lambda number, key: {"id": number, "key": key, "url": "https://wms.example/x"},
    st.integers(1, 10**12),
    texts,
)
instants = st.datetimes(timezones=st.just(timezone(timedelta(hours=-3)))).map(
    lambda moment: moment.replace(year=2000 + moment.year % 100).isoformat()
)
decimals = st.decimals(allow_nan=False, allow_infinity=False, places=4).map(str)
# The words of describe, and a value that fits each.
FIELDS = {
    "id": ("integer", st.integers(1, 10**9)),
    "code": ("string", texts),
    "order_id": ("relation", relations | st.none()),
    "parent": ("relation", relations | st.none()),
    "status_id": ("relation", st.integers(0, 99)),
    "line_set": ("relation", st.lists(st.integers(), max_size=3) | st.builds(
        lambda count: {"result_count": count, "url": "x"}, st.integers(0, 9))),
    "qty": ("number", decimals | st.none() | st.just("")),
    "is_open": ("boolean", st.booleans() | st.none()),
    "mod_ts": ("datetime", instants),
    "ship_date": ("date", st.dates().map(str) | st.none()),
    "when_ts": ("", instants | st.none()),
    "odd_date": ("strange", st.dates().map(str)),
    "extra": ("", texts | st.none()),
    "note": ("string", st.dictionaries(texts, texts, max_size=2) | texts),
}  # fmt: skip
records = st.fixed_dictionaries({}, optional={name: value for name, (_, value) in FIELDS.items()})
TYPES = {name: word for name, (word, _) in FIELDS.items()}


@given(records)
def test_both_rules_agree(record):
    by_record = expected.row(record, TYPES)
    live = [columns.LiveColumn(name, "VARCHAR2", 4000) for name in by_record]
    arranged = columns.arrange(live, TYPES)
    assert {column.name: column.value(record) for column in arranged} == by_record
    (row,) = rows.compiled(arranged, last=7)([record])
    assert row == (*by_record.values(), 7)
    assert [type(each) for each in row[:-1]] == [type(c.value(record)) for c in arranged]
    assert columns.uncovered(arranged, record) == set()


@given(records, st.sampled_from(["order_id", "parent"]))
def test_both_rules_agree_on_a_relation_that_describe_leaves_out(record, left_out):
    types = {name: word for name, word in TYPES.items() if name != left_out}
    by_record = expected.row(record, types)
    live = [columns.LiveColumn(name, "VARCHAR2", 4000) for name in by_record]
    arranged = columns.arrange(live, types)
    assert {column.name: column.value(record) for column in arranged} == by_record
    keys = {f"{name.removesuffix('_id')}_key".upper() for name in ("order_id", "parent")}
    assert all(column.volatile for column in arranged if column.name in keys)


@given(records, st.sampled_from(sorted(FIELDS)))
def test_a_key_without_a_column_is_noticed(record, left_out):
    by_record = expected.row(record, TYPES)
    mine = {name for name in by_record if name.lower().removesuffix("_count") != left_out}
    arranged = columns.arrange([columns.LiveColumn(n, "VARCHAR2", 4000) for n in mine], TYPES)
    assert columns.uncovered(arranged, record) == ({left_out} & record.keys())


ANYTHING = (
    st.none() | st.booleans() | st.integers() | decimals.map(Decimal) | texts | relations
    | st.lists(st.integers(), max_size=2) | st.dictionaries(st.sampled_from(["id", "key"]), texts)
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["code", "order_id", "line_set", "extra"]), ANYTHING))
def test_the_short_way_of_a_page_is_the_long_way_whatever_a_record_holds(record):
    names = ("CODE", "ORDER_ID", "ORDER_KEY", "EXTRA")
    for kind in ("VARCHAR2", "NUMBER", "CLOB"):
        live = [columns.LiveColumn(name, kind, 4000) for name in names]
        arranged = columns.arrange(live, TYPES)
        wanted = outcome(lambda each=arranged: tuple(c.value(record) for c in each))
        assert (
            outcome(lambda each=arranged: rows.compiled(each, last=0)([record])[0][:-1]) == wanted
        )


def outcome(work):
    """What it returns with each value's type, or the type of its error."""
    try:
        found = work()
    except (ValueError, TypeError) as error:
        return type(error)
    return [(type(each), each) for each in found]


@pytest.mark.parametrize(
    ("text", "whole"), [("x" * 4000, True), ("é" * 2000, True), ("é" * 2001, False)]
)
def test_a_text_too_long_to_be_staged_equals_nothing_that_can_be_stored(text, whole):
    arranged = columns.arrange([columns.LiveColumn("CODE", "VARCHAR2", 4000)], TYPES)
    ((staged, _),) = rows.compiled(arranged, last=0)([{"code": text}])
    assert (staged == text) is whole
    assert len(staged.encode()) <= rows.TEXT_BYTES


def test_our_own_columns_are_not_compared_and_unknown_ones_must_be_null():
    live = [columns.LiveColumn(n, "VARCHAR2", 9) for n in ("ID", "_SDC_BATCHED_AT", "OLD_THING")]
    arranged = columns.arrange(live, TYPES)
    assert [column.name for column in arranged] == ["ID", "OLD_THING"]
    assert arranged[1].value({"id": 1}) is None


def test_instants_become_utc_and_keep_microseconds():
    (column,) = columns.arrange([columns.LiveColumn("MOD_TS", "TIMESTAMP", 11)], TYPES)
    assert column.value({"mod_ts": "2026-01-01T00:00:00.000001-03:00"}) == datetime(
        2026, 1, 1, 3, 0, 0, 1, tzinfo=UTC
    ).replace(tzinfo=None)
