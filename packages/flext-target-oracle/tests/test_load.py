"""What arrives in the tables: the mission's examples, every type, existing tables, rejects."""
# ruff: noqa: DTZ001 -- TIMESTAMP columns hold naive UTC

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from flext_target_oracle.errors import (
    FenceLostError,
    KeyMissingError,
    RowRefusedError,
    SchemaRefusedError,
)

EXAMPLE: list[dict[str, Any]] = [
    {"type": "SCHEMA", "stream": "allocation", "schema": {"properties": {
        "id": {"type": "integer"}, "mod_ts": {"type": "string", "format": "date-time"}}}},
    {"type": "RECORD", "stream": "allocation",
     "record": {"id": 12345, "mod_ts": "2025-07-12T10:00:00Z"}},
    {"type": "STATE", "value": {"allocation": {"replication_key_value": "2025-07-12T10:00:00Z"}}},
]  # fmt: skip
KEYED = [EXAMPLE[0] | {"key_properties": ["id"]}, *EXAMPLE[1:]]
TYPES = """
SELECT COLUMN_NAME, DATA_TYPE, DATA_LENGTH, CHAR_USED, DATA_PRECISION, DATA_SCALE, NULLABLE
  FROM ALL_TAB_COLUMNS WHERE OWNER = :1 AND TABLE_NAME = :2 ORDER BY COLUMN_ID"""
MOMENT = {"type": "string", "format": "date-time"}


def columns(target: Any, table: str) -> list[tuple[Any, ...]]:
    return list(target.account.rows(TYPES, [target.account.user, table]))


def keyed(properties: dict[str, Any], *records: dict[str, Any]) -> list[dict[str, Any]]:
    schema = {"type": "SCHEMA", "stream": "s", "schema": {"properties": properties}}
    return [
        schema | {"key_properties": ["id"]},
        *({"type": "RECORD", "stream": "s", "record": item} for item in records),
    ]


ID = {"id": {"type": "integer"}}


def test_the_example_creates_the_table_loads_the_row_and_prints_the_state(target: Any) -> None:
    outcome = target.ok(EXAMPLE)
    metadata = [(f"_SDC_{name}_AT", "TIMESTAMP(6)", None, "Y")
                for name in ("EXTRACTED", "BATCHED", "RECEIVED")]  # fmt: skip
    assert [(c[0], c[1], c[4], c[6]) for c in columns(target, "WMS_ALLOCATION")] == [
        ("ID", "NUMBER", Decimal(38), "Y"),
        ("MOD_TS", "TIMESTAMP(6)", None, "Y"),
        *metadata,
    ]
    assert target.table("ALLOCATION", "ID", "MOD_TS") == [(12345, datetime(2025, 7, 12, 10))]
    assert outcome.states == [EXAMPLE[2]["value"]]
    assert len(outcome.of("StreamAppended")) == 1


def test_with_a_key_the_column_is_not_null_and_the_primary_key(target: Any) -> None:
    target.ok(KEYED)
    assert columns(target, "WMS_ALLOCATION")[0][6] == "N"
    found = target.account.rows(
        "SELECT C.CONSTRAINT_NAME, CC.COLUMN_NAME FROM ALL_CONSTRAINTS C JOIN ALL_CONS_COLUMNS CC"
        " ON CC.OWNER = C.OWNER AND CC.CONSTRAINT_NAME = C.CONSTRAINT_NAME"
        " WHERE C.OWNER = :1 AND C.TABLE_NAME = 'WMS_ALLOCATION' AND C.CONSTRAINT_TYPE = 'P'",
        [target.account.user],
    )
    assert found == [("PK_WMS_ALLOCATION", "ID")]


def test_every_type_of_the_mapping_is_read_back(target: Any) -> None:
    properties = {
        "id": {"type": "integer"},
        "text": {"type": "string"},
        "number": {"type": "number"},
        "flag": {"type": "boolean"},
        "moment": MOMENT,
        "day": {"type": "string", "format": "date"},
        "clock": {"type": "string", "format": "time"},
        "thing": {"type": "object"},
        "things": {"type": "array"},
    }
    target.ok(keyed(properties))
    assert [c[:6] for c in columns(target, "WMS_S")[:9]] == [
        ("ID", "NUMBER", 22, None, 38, 0),
        ("TEXT", "VARCHAR2", 4000, "B", None, None),
        ("NUMBER", "NUMBER", 22, None, 38, 10),
        ("FLAG", "NUMBER", 22, None, 1, 0),
        ("MOMENT", "TIMESTAMP(6)", 11, None, None, 6),
        ("DAY", "DATE", 7, None, None, None),
        ("CLOCK", "VARCHAR2", 4000, "B", None, None),
        ("THING", "CLOB", 4000, None, None, None),
        ("THINGS", "CLOB", 4000, None, None, None),
    ]


def test_values_arrive_exactly(target: Any) -> None:
    properties = ID | {
        "text": {"type": "string"},
        "number": {"type": "number"},
        "flag": {"type": "boolean"},
        "moment": MOMENT,
        "day": {"type": "string", "format": "date"},
        "thing": {"type": "object"},
    }
    big = "9" * 28 + "." + "9" * 10
    messages = keyed(properties, {"id": 10**38 - 1, "text": "a\0é€𝄞", "flag": True,
        "moment": "2025-07-12T10:00:00.123456-03:00", "day": "2025-07-12",
        "thing": {"a": [1.10, None, "é"]}}, {"id": -1, "text": "", "flag": False})  # fmt: skip
    messages[1]["record"]["number"] = "@"
    text = target.text(messages).replace('"@"', big)
    target.ok_text(text)
    assert target.table("S", "ID", "TEXT", "NUMBER", "FLAG", "MOMENT", "DAY", "THING") == [
        (-1, None, None, 0, None, None, None),
        (
            10**38 - 1, "a\0é€𝄞", Decimal(big), 1, datetime(2025, 7, 12, 13, 0, 0, 123456),
            datetime(2025, 7, 12), '{"a": [1.1, null, "\\u00e9"]}',
        ),
    ]  # fmt: skip


def test_metadata_says_when(target: Any) -> None:
    messages = keyed(ID, {"id": 1}, {"id": 2})
    messages[1]["time_extracted"] = "2025-07-12T10:00:00+02:00"
    target.ok(messages)
    first, second = target.table("S", "_SDC_EXTRACTED_AT", "_SDC_BATCHED_AT", "_SDC_RECEIVED_AT")
    assert first[0] == datetime(2025, 7, 12, 8)
    assert first[2] <= first[1]
    assert second[0] == second[2]


def test_without_metadata_the_table_has_none(target: Any) -> None:
    target.ok(KEYED, add_record_metadata=False)
    assert [c[0] for c in columns(target, "WMS_ALLOCATION")] == ["ID", "MOD_TS"]
    target.ok(KEYED, add_record_metadata=False)
    assert target.table("ALLOCATION", "ID") == [(12345,)]


def test_a_second_run_of_the_same_changes_nothing(target: Any) -> None:
    target.ok(KEYED)
    before = target.table("ALLOCATION", "ID", "_SDC_BATCHED_AT")
    (committed,) = target.ok(KEYED).of("BatchCommitted")
    assert (committed.rows_inserted, committed.rows_updated, committed.rows_unchanged) == (0, 0, 1)
    assert target.table("ALLOCATION", "ID", "_SDC_BATCHED_AT") == before


def test_new_properties_become_columns(target: Any) -> None:
    target.ok(keyed(ID, {"id": 1}))
    target.ok(keyed(ID | {"note": {"type": "string"}}, {"id": 1, "note": "x"}))
    assert target.table("S", "ID", "NOTE") == [(1, "x")]


def test_a_schema_may_change_within_a_run(target: Any) -> None:
    first = keyed(ID | {"old": {"type": "string"}}, {"id": 1, "old": "a"})
    second = keyed(ID | {"new": {"type": "number"}}, {"id": 1, "new": 2}, {"id": 2, "new": 3})
    target.ok([*first, *second])
    assert target.table("S", "ID", "OLD", "NEW") == [(1, "a", 2), (2, None, 3)]


def test_a_text_over_4000_bytes_makes_the_column_a_clob(target: Any) -> None:
    properties = ID | {"note": {"type": "string", "maxLength": 20000}}
    target.ok(keyed(properties, {"id": 1, "note": "short"}))
    long = "é" * 10_000
    outcome = target.ok(keyed(properties, {"id": 2, "note": long}, {"id": 3, "note": "x"}))
    assert target.table("S", "ID", "NOTE") == [(1, "short"), (2, long), (3, "x")]
    assert [event.column for event in outcome.of("ColumnWidened")] == ["NOTE"]
    target.ok(keyed(properties, {"id": 1, "note": "again"}))
    assert target.table("S", "ID", "NOTE")[0] == (1, "again")


def test_a_text_over_4000_bytes_is_refused_by_setting(target: Any) -> None:
    properties = ID | {"note": {"type": "string"}}
    outcome = target.run(keyed(properties, {"id": 7, "note": "x" * 4001}), on_overflow="reject")
    assert isinstance(outcome.error, RowRefusedError)
    for part in ("stream s", '{"id":7}', '"NOTE"', "TEXT_TOO_LONG", "max_rejects"):
        assert part in str(outcome.error)
    assert target.table("S", "ID") == []


def test_a_refused_row_stops_the_run_and_nothing_of_its_batch_is_in(target: Any) -> None:
    messages = keyed(ID | {"n": {"type": "number"}}, {"id": 1, "n": 1}, {"id": 2, "n": "1"})
    outcome = target.run([*messages, {"type": "STATE", "value": {"bookmarks": {"s": 2}}}])
    assert isinstance(outcome.error, RowRefusedError)
    assert outcome.states == []
    assert target.table("S", "ID") == []


def test_refused_rows_within_the_allowance_are_kept(target: Any) -> None:
    messages = keyed(ID | {"n": {"type": "number"}}, {"id": 1, "n": 1}, {"id": 2, "n": "1"})
    state = {"bookmarks": {"s": 2}}
    outcome = target.ok([*messages, {"type": "STATE", "value": state}], max_rejects=1)
    assert outcome.states == [state]
    assert target.table("S", "ID") == [(1,)]
    kept = target.account.rows(
        'SELECT "STREAM", "COLUMN_NAME", "CODE", "RECORD" FROM "FLEXT_REJECTS"'
    )
    assert kept == [("s", "N", "TYPE", '{"id": 2, "n": "1"}')]
    (ledger,) = target.account.rows(
        'SELECT "ROWS_RECEIVED", "ROWS_INSERTED", "ROWS_REJECTED", "BOOKMARK" FROM "FLEXT_LEDGER"'
    )
    assert ledger == (2, 1, 1, "2")


def test_a_row_without_its_key_is_refused(target: Any) -> None:
    outcome = target.run(keyed(ID, {"note": 1}))
    assert isinstance(outcome.error, KeyMissingError)
    assert "KEY_NULL" in str(outcome.error)


def test_one_failing_stream_leaves_the_other_its_rows_and_bookmark(target: Any) -> None:
    def stream(name: str) -> dict[str, Any]:
        return keyed(ID)[0] | {"stream": name}

    def row(name: str, **values: Any) -> dict[str, Any]:
        return {"type": "RECORD", "stream": name, "record": values}

    begin = {"bookmarks": {"good": 0, "bad": 0}}
    end = {"bookmarks": {"good": 1, "bad": 1}}
    outcome = target.run(
        [
            {"type": "STATE", "value": begin}, stream("bad"), stream("good"),
            row("bad", id=None), row("good", id=1), {"type": "STATE", "value": end},
        ]
    )  # fmt: skip
    assert isinstance(outcome.error, KeyMissingError)
    assert target.table("GOOD", "ID") == [(1,)]
    assert outcome.states[-1] == {"bookmarks": {"good": 1, "bad": 0}}


def test_an_existing_table_without_the_key_is_refused(target: Any) -> None:
    target.account.execute('CREATE TABLE "WMS_S" ("ID" NUMBER(38))')
    outcome = target.run(keyed(ID, {"id": 1}))
    assert isinstance(outcome.error, SchemaRefusedError)
    assert 'ADD CONSTRAINT "PK_WMS_S" PRIMARY KEY ("ID")' in str(outcome.error)
    assert target.table("S", "ID") == []


def test_an_existing_table_is_used_with_its_own_types(target: Any) -> None:
    target.account.execute('CREATE TABLE "WMS_S" ("ID" NUMBER(9) PRIMARY KEY, "N" NUMBER(5,2))')
    properties = ID | {"n": {"type": "number"}}
    target.ok(keyed(properties, {"id": 1, "n": 123.45}))
    assert target.table("S", "ID", "N") == [(1, Decimal("123.45"))]
    outcome = target.run(keyed(properties, {"id": 2, "n": 1.005}))
    assert "NUMBER_DECIMALS" in str(outcome.error)
    target.ok(keyed(properties, {"id": 2, "n": 1.005}), inexact_number="round")
    assert target.table("S", "N")[1] == (Decimal("1.01"),)


def test_a_column_of_another_type_is_refused(target: Any) -> None:
    target.account.execute('CREATE TABLE "WMS_S" ("ID" NUMBER(38) PRIMARY KEY, "N" DATE)')
    outcome = target.run(keyed(ID | {"n": {"type": "number"}}, {"id": 1, "n": 1}))
    assert isinstance(outcome.error, SchemaRefusedError)
    assert 'column "N": DATE cannot hold number' in str(outcome.error)


def test_two_streams_of_one_table_are_refused(target: Any) -> None:
    messages = [keyed(ID)[0] | {"stream": "a"}, keyed(ID)[0] | {"stream": "A"}]
    assert "streams 'a' and 'A' are both table WMS_A" in str(target.run(messages).error)


def test_an_undeclared_property_is_told_once(target: Any) -> None:
    outcome = target.ok(keyed(ID, {"id": 1, "x": 1}, {"id": 2, "x": 1}))
    assert [event.property_name for event in outcome.of("PropertyIgnored")] == ["x"]
    assert target.table("S", "ID") == [(1,), (2,)]


def test_small_batches_give_the_same_and_state_follows_each(target: Any) -> None:
    rows = [{"id": number} for number in range(1, 6)]
    messages: list[dict[str, Any]] = keyed(ID)
    for item in rows:
        messages += [
            {"type": "RECORD", "stream": "s", "record": item},
            {"type": "STATE", "value": {"bookmarks": {"s": item["id"]}}},
        ]
    outcome = target.ok(messages, batch_size=2)
    assert target.table("S", "ID") == [(number,) for number in range(1, 6)]
    assert len(outcome.of("BatchCommitted")) == 3
    assert outcome.states[-1] == {"bookmarks": {"s": 5}}
    seen = [line["bookmarks"]["s"] for line in outcome.states]
    assert seen == sorted(seen)


def test_append_only_keeps_versions_and_repeats_none(target: Any) -> None:
    properties = ID | {"mod_ts": MOMENT, "n": {"type": "integer"}}
    one, two = "2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z"
    messages = keyed(properties, {"id": 1, "mod_ts": one, "n": 1}, {"id": 1, "mod_ts": two, "n": 2})
    for _ in range(2):
        target.ok(messages, load_method="append-only")
    assert target.table("S", "ID", "N", order='"N"') == [(1, 1), (1, 2)]


def test_append_only_without_replication_key_goes_by_the_whole_row(target: Any) -> None:
    properties = ID | {"n": {"type": "integer"}, "o": {"type": "object"}}
    messages = keyed(properties, {"id": 1, "n": 1}, {"id": 1, "n": 1}, {"id": 1, "n": 1, "o": {}})
    for _ in range(2):
        target.ok(messages, load_method="append-only")
    assert target.table("S", "ID", "N", "O", order='DBMS_LOB.GETLENGTH("O") NULLS FIRST') == [
        (1, 1, None),
        (1, 1, "{}"),
    ]


def test_append_only_without_key_needs_consent(target: Any) -> None:
    outcome = target.run(EXAMPLE, load_method="append-only")
    assert "append_at_least_once" in str(outcome.error)
    target.ok(EXAMPLE, load_method="append-only", append_at_least_once=True)
    assert target.table("ALLOCATION", "ID") == [(12345,)]


def test_activate_version_removes_nothing(target: Any) -> None:
    messages = [*keyed(ID, {"id": 1}), {"type": "ACTIVATE_VERSION", "stream": "s", "version": 2}]
    outcome = target.ok(messages)
    assert [event.version for event in outcome.of("VersionKept")] == [2]
    assert target.table("S", "ID") == [(1,)]


def test_a_run_that_was_taken_over_commits_nothing_more(target: Any) -> None:
    schema, *rows = keyed(ID, {"id": 1}, {"id": 2})

    def messages() -> Any:
        yield schema
        yield rows[0]
        yield rows[1]

    target.ok(list(messages()))
    table = f"{target.account.user}.WMS_S"
    taken = target.interrupted(
        [schema, rows[0]],
        lambda: target.account.execute(
            f'UPDATE "FLEXT_FENCE" SET "FENCE" = 99 WHERE "TABLE_NAME" = \'{table}\''
        ),
        [keyed(ID, {"id": 3})[1]],
    )
    assert isinstance(taken.error, FenceLostError)
    assert "fence 99" in str(taken.error)
    assert target.table("S", "ID") == [(1,), (2,)]


@pytest.mark.parametrize("parallel", [1, 4])
def test_many_streams_at_once(target: Any, parallel: int) -> None:
    messages: list[dict[str, Any]] = []
    names = [f"s{number}" for number in range(6)]
    messages += [keyed(ID)[0] | {"stream": name} for name in names]
    for number in range(20):
        messages += [{"type": "RECORD", "stream": name, "record": {"id": number}} for name in names]
    target.ok(messages, max_parallelism=parallel, batch_size=7)
    for name in names:
        assert target.table(name.upper(), "ID") == [(number,) for number in range(20)]
