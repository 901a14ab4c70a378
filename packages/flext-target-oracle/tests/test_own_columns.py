"""Properties that are called as columns of ours: they are the source's own where we have none."""
# ruff: noqa: DTZ001 -- TIMESTAMP columns hold naive UTC

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from flext_target_oracle.errors import SchemaRefusedError

INTEGER = {"type": "integer"}
PROPERTIES = {
    "id": INTEGER,
    "v": {"type": "string"},
    "_sdc_deleted_at": {"type": "string", "format": "date-time"},
    "_sdc_table_version": INTEGER,
}
ROW = (1, "b", datetime(2026, 1, 2), 8)


def messages(value: str, day: int, number: int, *, key: bool) -> list[dict[str, Any]]:
    deleted = f"2026-01-{day:02}T00:00:00Z"
    record = {"id": 1, "v": value, "_sdc_deleted_at": deleted, "_sdc_table_version": number}
    return [
        {
            "type": "SCHEMA", "stream": "s", "schema": {"properties": PROPERTIES},
            "key_properties": ["id"] if key else [],
        },
        {"type": "RECORD", "stream": "s", "record": record},
    ]  # fmt: skip


def stored(target: Any) -> list[tuple[Any, ...]]:
    return list(target.table("S", "ID", "V", "_SDC_DELETED_AT", "_SDC_TABLE_VERSION"))


def test_they_are_inserted_and_updated(target: Any) -> None:
    target.ok(messages("a", 1, 7, key=True))
    target.ok(messages("b", 2, 8, key=True))
    assert stored(target) == [ROW]


def test_one_of_them_alone_is_a_change(target: Any) -> None:
    target.ok(messages("b", 1, 8, key=True))
    target.ok(messages("b", 2, 8, key=True))
    assert stored(target) == [ROW]


@pytest.mark.parametrize(
    ("key", "method"), [(False, "upsert"), (False, "append-only"), (True, "append-only")]
)
def test_they_are_appended(target: Any, key: bool, method: str) -> None:
    more = {"append_at_least_once": True} if not key and method == "append-only" else {}
    target.ok(messages("b", 2, 8, key=key), load_method=method, **more)
    assert stored(target) == [ROW]


def test_they_come_by_a_shadow(target: Any) -> None:
    target.ok(messages("a", 1, 7, key=True))
    schema, record = messages("b", 2, 8, key=True)
    activate = {"type": "ACTIVATE_VERSION", "stream": "s", "version": 5}
    target.ok([schema, record | {"version": 5}, activate], load_method="overwrite")
    assert stored(target) == [ROW]


def test_the_hash_that_tells_versions_apart_is_ours(target: Any) -> None:
    schema = {
        "type": "SCHEMA", "stream": "s", "key_properties": ["id"],
        "schema": {"properties": {"id": INTEGER, "_sdc_row_hash": {"type": "string"}}},
    }  # fmt: skip
    outcome = target.run([schema], load_method="append-only")
    assert isinstance(outcome.error, SchemaRefusedError)
    assert "'_sdc_row_hash' is reserved" in str(outcome.error)
