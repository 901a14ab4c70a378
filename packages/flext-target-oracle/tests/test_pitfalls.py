"""What loading Oracle gets wrong easily, where no other test holds it; and that each has a test.

docs/specs/target-pitfalls.md says which test holds which pitfall.
"""
# ruff: noqa: DTZ001 -- TIMESTAMP columns hold naive UTC

from __future__ import annotations

import re
import time
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from flext_target_oracle.errors import InputError, SchemaRefusedError
from flext_target_oracle.sql import statements

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "specs" / "target-pitfalls.md"
HERE = Path(__file__).parent
ID = {"id": {"type": "integer"}}
MOMENT = {"type": ["string", "null"], "format": "date-time"}
ROW = re.compile(r"^\| (?P<what>[^|]+) \| (?P<tests>[^|]+) \|$", re.MULTILINE)


def keyed(properties: dict[str, Any], *records: dict[str, Any]) -> list[dict[str, Any]]:
    schema = {"type": "SCHEMA", "stream": "s", "schema": {"properties": properties}}
    return [
        schema | {"key_properties": ["id"]},
        *({"type": "RECORD", "stream": "s", "record": item} for item in records),
    ]


def test_every_pitfall_has_tests_that_exist() -> None:
    rows = [row for row in ROW.finditer(PAGE.read_text(encoding="utf-8"))
            if row["what"] not in {"Pitfall", "---", "Case"}]  # fmt: skip
    assert len(rows) > 50
    for row in rows:
        named = re.findall(r"`([\w/]+\.py)::(\w+)`", row["tests"])
        assert named, row["what"]
        for file, test in named:
            assert f"def {test}(" in (HERE / file).read_text(encoding="utf-8"), (file, test)


def test_a_column_of_nulls_takes_values_later(target: Any) -> None:
    """The driver would guess the type of the first batch's binds; none is guessed."""
    properties = ID | {"n": {"type": ["number", "null"]}, "t": MOMENT, "x": {"type": "string"}}
    nulls = [{"id": number} for number in range(3)]
    values = [{"id": 1, "n": 1.5, "t": "2026-01-01T00:00:00.000001Z", "x": "a" * 3000}]
    target.ok(keyed(properties, *nulls, *values), batch_size=3)
    assert target.table("S", "N", "T", "X")[1] == (
        1.5,
        datetime(2026, 1, 1, 0, 0, 0, 1),
        "a" * 3000,
    )


def test_texts_of_every_size_arrive_and_change(target: Any) -> None:
    """In one row and in several columns, over 4000, 32767 and 65536 bytes, and back to nothing."""
    sizes = [0, 1, 3999, 4000, 4001, 32_767, 32_768, 70_000]
    properties = ID | {name: {"type": ["string", "null"]} for name in ("a", "b", "c")}
    for turn in range(2):
        rows = [
            {
                "id": number,
                "a": "é" * (size // 2),
                "b": f"{turn}" * size,
                "c": "x" * sizes[-1 - number],
            }
            for number, size in enumerate(sizes)
        ]
        target.ok(keyed(properties, *rows), batch_size=3)
        expected = [
            (row["id"], row["a"] or None, row["b"] or None, row["c"] or None) for row in rows
        ]
        assert target.table("S", "ID", "A", "B", "C") == expected
    target.ok(keyed(properties, *({"id": row["id"]} for row in rows)))
    assert set(target.table("S", "A", "B", "C")) == {(None, None, None)}


def test_changes_to_and_from_null_are_seen(target: Any) -> None:
    properties = ID | {"x": {"type": ["string", "null"]}, "o": {"type": ["object", "null"]}}

    def counts(**row: Any) -> tuple[int, int]:
        (committed,) = target.ok(keyed(properties, {"id": 1} | row)).of("BatchCommitted")
        return committed.rows_updated, committed.rows_unchanged

    target.ok(keyed(properties, {"id": 1}))
    assert counts(x="", o=None) == (0, 1)  # '' is NULL
    assert counts(x="a") == (1, 0)
    assert counts(x="") == (1, 0)
    assert counts(o={"a": 1}) == (1, 0)
    assert counts(o=None) == (1, 0)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_what_is_no_number_is_no_number(target: Any, number: str) -> None:
    messages = keyed(ID | {"n": {"type": "number"}}, {"id": 1, "n": 7})
    text = target.text(messages).replace('"n": 7', f'"n": {number}')
    outcome = target.run_source(iter(text.splitlines()))
    assert outcome.error is not None
    assert isinstance(outcome.error, InputError) == (number != "1e400")
    assert target.account.rows("SELECT COUNT(*) FROM USER_TABLES WHERE TABLE_NAME = 'WMS_S'") in (
        [(0,)], [(1,)],
    )  # fmt: skip


def test_the_hosts_time_zone_changes_nothing(target: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/Sao_Paulo")
    time.tzset()
    try:
        messages = keyed(ID | {"t": MOMENT}, {"id": 1, "t": "2026-01-01T10:00:00+02:00"})
        messages[1]["time_extracted"] = "2026-01-01T09:00:00Z"
        target.ok(messages)
        (found,) = target.table("S", "T", "_SDC_EXTRACTED_AT", "_SDC_RECEIVED_AT")
        now = target.account.rows(
            "SELECT CAST(SYS_EXTRACT_UTC(SYSTIMESTAMP) AS TIMESTAMP(6)) FROM DUAL"
        )
    finally:
        monkeypatch.undo()
        time.tzset()
    assert found[:2] == (datetime(2026, 1, 1, 8), datetime(2026, 1, 1, 9))
    assert abs((found[2] - now[0][0]).total_seconds()) < 3000  # not hours apart


def test_a_date_cannot_hold_an_instant(target: Any) -> None:
    target.account.execute('CREATE TABLE "WMS_S" ("ID" NUMBER(38) PRIMARY KEY, "T" DATE)')
    outcome = target.run(keyed(ID | {"t": MOMENT}, {"id": 1}))
    assert isinstance(outcome.error, SchemaRefusedError)
    assert 'column "T": DATE cannot hold date-time' in str(outcome.error)


def test_any_word_is_a_name(target: Any) -> None:
    words = [
        "select",
        "table",
        "level",
        "rowid ",
        "date",
        "_x",
        "a:b",
        "a b",
        "é",
        "1",
        "size",
        "$",
    ]
    properties = ID | {word: {"type": "integer"} for word in words}
    target.ok(keyed(properties, {"id": 1} | {word: n for n, word in enumerate(words)}))
    names = [word.upper() for word in words]
    assert target.table("S", *names) == [tuple(range(len(words)))]


def test_an_index_has_32_columns(target: Any) -> None:
    properties = {f"k{number}": {"type": "integer"} for number in range(33)}
    schema = {"type": "SCHEMA", "stream": "s", "schema": {"properties": properties}}
    outcome = target.run([schema | {"key_properties": list(properties)}])
    assert isinstance(outcome.error, SchemaRefusedError)
    assert "33 key properties" in str(outcome.error)


def test_a_batch_closes_at_its_bytes(target: Any) -> None:
    rows = [{"id": number, "x": "a" * 1000} for number in range(10)]
    outcome = target.ok(keyed(ID | {"x": {"type": "string"}}, *rows), batch_bytes=3000)
    assert [event.rows_received for event in outcome.of("BatchCommitted")] == [3, 3, 3, 1]


def test_a_session_neither_runs_dml_in_parallel_nor_waits_for_no_lock() -> None:
    assert "ALTER SESSION DISABLE PARALLEL DML" in statements.SESSION
    assert "ALTER SESSION SET DDL_LOCK_TIMEOUT = 30" in statements.SESSION


def test_the_driver_is_past_its_known_errors() -> None:
    assert tuple(int(part) for part in version("oracledb").split(".")[:3]) >= (4, 0, 2)
