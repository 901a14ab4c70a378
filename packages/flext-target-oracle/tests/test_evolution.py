"""Tables that change or must not: types by option, columns that come and go, DDL left to a DBA."""
# ruff: noqa: DTZ001 -- TIMESTAMP columns hold naive UTC

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from flext_target_oracle.errors import InputError, SchemaRefusedError
from flext_target_oracle.sql import plan as plans

ID = {"id": {"type": "integer"}}
MOMENT = {"type": "string", "format": "date-time"}
TYPES = """
SELECT COLUMN_NAME, DATA_TYPE, DATA_LENGTH, DATA_PRECISION, DATA_SCALE
  FROM ALL_TAB_COLUMNS WHERE OWNER = :1 AND TABLE_NAME = 'WMS_S' ORDER BY COLUMN_ID"""


def keyed(properties: dict[str, Any], *records: dict[str, Any]) -> list[dict[str, Any]]:
    schema = {"type": "SCHEMA", "stream": "s", "schema": {"properties": properties}}
    return [
        schema | {"key_properties": ["id"]},
        *({"type": "RECORD", "stream": "s", "record": item} for item in records),
    ]


def columns(target: Any) -> dict[str, tuple[Any, ...]]:
    return {row[0]: row[1:] for row in target.account.rows(TYPES, [target.account.user])}


def test_columns_are_sized_by_option(target: Any) -> None:
    properties = ID | {
        "short": {"type": "string", "maxLength": 20},
        "long": {"type": "string", "maxLength": 2000},
        "free": {"type": "string"},
    }
    four_bytes = "𝄞" * 20
    target.ok(keyed(properties, {"id": 1, "short": four_bytes}), size_by_max_length=True)
    lengths = {name: kind[1] for name, kind in columns(target).items()}
    assert (lengths["SHORT"], lengths["LONG"], lengths["FREE"]) == (80, 4000, 4000)
    assert target.table("S", "SHORT") == [(four_bytes,)]


def test_numbers_of_any_scale_by_option(target: Any) -> None:
    properties = ID | {"n": {"type": "number"}}
    text = target.text(keyed(properties, {"id": 1, "n": "@"})).replace(
        '"@"', "0." + "123456789" * 4
    )
    target.ok_text(text, inexact_number="number")
    assert columns(target)["N"][2:] == (None, None)
    assert target.table("S", "N") == [(Decimal("0." + "123456789" * 4),)]
    outcome = target.run(keyed(properties, {"id": 2, "n": 10**45 + 1}), inexact_number="number")
    assert "NUMBER_DIGITS" in str(outcome.error)


def test_instants_with_a_zone_by_option(target: Any) -> None:
    properties = ID | {"mod_ts": MOMENT}
    options = {"timestamp_with_time_zone": True}
    row = {"id": 1, "mod_ts": "2025-07-12T10:00:00.123456-03:00"}
    target.ok(keyed(properties, row), **options)
    assert columns(target)["MOD_TS"][0] == "TIMESTAMP(6) WITH TIME ZONE"
    (committed,) = target.ok(keyed(properties, row), **options).of("BatchCommitted")
    assert committed.rows_unchanged == 1
    target.ok(keyed(properties, row | {"mod_ts": "2025-07-12T09:00:00Z"}), **options)
    found = target.account.rows(
        'SELECT CAST(SYS_EXTRACT_UTC("MOD_TS") AS TIMESTAMP(6)) FROM "WMS_S"'
    )
    assert found == [(datetime(2025, 7, 12, 13, 0, 0, 123456),)]  # the older one did not replace it


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "string", "maxLength": "many"}, "property 'id': `maxLength` is not a number"),
        ({"type": "string", "maxLength": True}, "property 'id': `maxLength` is not a number"),
        (False, "property 'id': its schema is neither an object nor true"),
        (["string"], "property 'id': its schema is neither an object nor true"),
    ],
)
def test_a_broken_schema_is_refused_by_name(target: Any, schema: Any, message: str) -> None:
    outcome = target.run(keyed({"id": schema}))
    assert isinstance(outcome.error, InputError)
    assert message in str(outcome.error)


def test_true_as_a_schema_takes_anything(target: Any) -> None:
    target.ok(keyed(ID | {"x": True, "y": {"anyOf": [True]}}, {"id": 1, "x": [1], "y": "a"}))
    assert target.table("S", "X", "Y") == [("[1]", "a")]


def test_columns_that_vanish_stay_and_keep_their_values(target: Any) -> None:
    target.ok(keyed(ID | {"old": {"type": "string"}}, {"id": 1, "old": "a"}))
    target.ok(keyed(ID | {"new": {"type": "string"}}, {"id": 1, "new": "b"}))
    assert target.table("S", "ID", "OLD", "NEW") == [(1, "a", "b")]


def test_a_row_hash_survives_a_column_that_is_added(target: Any) -> None:
    options = {"load_method": "append-only", "replication_key": ""}
    rows = [{"id": 1, "a": "x"}, {"id": 1, "a": "y"}, {"id": 1, "a": "x"}]
    target.ok(keyed(ID | {"a": {"type": "string"}}, *rows), **options)
    more = ID | {"a": {"type": "string"}, "b": {"type": "string"}}
    target.ok(keyed(more, *rows, {"id": 1, "a": "x", "b": "z"}), **options)
    assert sorted(target.table("S", "A", "B"), key=repr) == [("x", "z"), ("x", None), ("y", None)]


@pytest.mark.parametrize("steps", range(5))
def test_a_clob_in_the_making_goes_on_from_each_step(target: Any, steps: int) -> None:
    properties = ID | {"note": {"type": "string"}}
    target.ok(keyed(properties, {"id": 1, "note": "short"}))
    copy = plans.clob_name("NOTE")
    every = [
        f'ALTER TABLE "WMS_S" ADD ("{copy}" CLOB)',
        f'UPDATE "WMS_S" SET "{copy}" = "NOTE"',
        'ALTER TABLE "WMS_S" DROP COLUMN "NOTE"',
        f'ALTER TABLE "WMS_S" RENAME COLUMN "{copy}" TO "NOTE"',
    ]
    target.account.execute(*every[:steps])
    target.ok(keyed(properties, {"id": 2, "note": "x" * 5000}))
    assert target.table("S", "ID", "NOTE") == [(1, "short"), (2, "x" * 5000)]
    assert columns(target)["NOTE"][0] == "CLOB"
    assert copy not in columns(target)


def ddl_of(error: BaseException | None) -> list[str]:
    assert isinstance(error, SchemaRefusedError), error
    return [text.strip() for text in str(error).partition(":\n")[2].split(";") if text.strip()]


def tables(target: Any) -> set[str]:
    return {name for (name,) in target.account.rows("SELECT TABLE_NAME FROM USER_TABLES")}


def test_without_ddl_all_of_it_is_printed_and_none_is_run(target: Any) -> None:
    messages = keyed(ID | {"note": {"type": "string"}}, {"id": 1, "note": "a"})
    outcome = target.run(messages, ddl=False)
    needed = ddl_of(outcome.error)
    assert tables(target) == set()
    assert outcome.of("DdlNeeded")[0].stream == "s"
    assert len(needed) == 5 + 2  # our tables, the stream's and its staging
    target.account.execute(*needed)  # the DBA
    target.ok(messages, ddl=False)
    assert target.table("S", "ID", "NOTE") == [(1, "a")]
    target.ok(messages)  # and with DDL allowed nothing is missing either


def test_without_ddl_a_new_column_and_a_clob_are_printed(target: Any) -> None:
    properties = ID | {"note": {"type": "string"}}
    target.ok(keyed(properties, {"id": 1}))
    more = properties | {"b": {"type": "integer"}}
    needed = ddl_of(target.run(keyed(more, {"id": 1}), ddl=False).error)
    assert [text.split("(")[0].split('"')[0] for text in needed] == [
        "ALTER TABLE ", "CREATE GLOBAL TEMPORARY TABLE ",
    ]  # fmt: skip
    before = columns(target)
    long = keyed(properties, {"id": 1, "note": "x" * 5000})
    needed = ddl_of(target.run(long, ddl=False).error)
    assert columns(target) == before
    target.account.execute(*needed)
    target.account.execute(*ddl_of(target.run(long, ddl=False).error))  # its staging
    target.ok(long, ddl=False)
    assert target.table("S", "NOTE") == [("x" * 5000,)]


def test_a_stream_cannot_take_the_name_of_one_of_our_tables(target: Any) -> None:
    messages = keyed(ID, {"id": 1})
    messages = [message | {"stream": "ledger"} for message in messages]
    outcome = target.run(messages, table_prefix="FLEXT_")
    assert isinstance(outcome.error, SchemaRefusedError)
    assert "FLEXT_LEDGER could be one of FLEXT's own" in str(outcome.error)
