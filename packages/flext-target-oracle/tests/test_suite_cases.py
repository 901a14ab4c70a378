"""Cases that the suites of well-kept Singer targets have beyond the SDK's, each with its rows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from flext_target_oracle.errors import KeyMissingError, SchemaRefusedError

ID = {"id": {"type": "integer"}}


def schema(properties: dict[str, Any], stream: str = "s", *keys: str) -> dict[str, Any]:
    return {"type": "SCHEMA", "stream": stream, "schema": {"properties": properties},
            "key_properties": list(keys or ("id",))}  # fmt: skip


def records(*rows: dict[str, Any], stream: str = "s") -> list[dict[str, Any]]:
    return [{"type": "RECORD", "stream": stream, "record": row} for row in rows]


def test_large_integers_and_numeric_keys(target: Any) -> None:
    properties = {"id": {"type": "number"}, "n": {"type": "integer"}}
    text = target.text([schema(properties), *records({"id": "@", "n": 10**37})])
    target.ok_text(text.replace('"@"', "1234567890123456789012345678.0123456789"))
    assert target.table("S", "ID", "N") == [
        (Decimal("1234567890123456789012345678.0123456789"), 10**37)
    ]


def test_the_same_schema_may_come_again_and_again(target: Any) -> None:
    outcome = target.ok([each for n in range(5) for each in (schema(ID), *records({"id": n}))])
    assert target.table("S", "ID") == [(n,) for n in range(5)]
    assert len(outcome.of("StreamPrepared")) == 1


def test_a_new_array_column(target: Any) -> None:
    target.ok([schema(ID), *records({"id": 1})])
    more = ID | {"tags": {"type": ["array", "null"], "items": {"type": "string"}}}
    target.ok([schema(more), *records({"id": 1, "tags": ["a"]}, {"id": 2})])
    assert target.table("S", "ID", "TAGS") == [(1, '["a"]'), (2, None)]


def test_an_upper_case_stream_is_the_same_table(target: Any) -> None:
    target.ok([schema(ID, "MyStream"), *records({"id": 1}, stream="MyStream")])
    target.ok([schema(ID, "MYSTREAM"), *records({"id": 2}, stream="MYSTREAM")])
    assert target.table("MYSTREAM", "ID") == [(1,), (2,)]


def test_columns_may_come_in_another_order(target: Any) -> None:
    one, two = {"type": "string"}, {"type": "integer"}
    target.ok([schema(ID | {"a": one, "b": two}), *records({"id": 1, "a": "x", "b": 1})])
    target.ok([schema({"b": two, "a": one} | ID), *records({"b": 2, "id": 2, "a": "y"})])
    assert target.table("S", "ID", "A", "B") == [(1, "x", 1), (2, "y", 2)]


@pytest.mark.parametrize("key", [0, -1])
def test_a_falsy_key_passes(target: Any, key: int) -> None:
    target.ok([schema(ID), *records({"id": key}, {"id": key})])
    assert target.table("S", "ID") == [(key,)]


@pytest.mark.parametrize("key", [None, ""])
def test_a_null_key_fails(target: Any, key: Any) -> None:
    outcome = target.run([schema({"id": {"type": ["string", "null"]}}), *records({"id": key})])
    assert isinstance(outcome.error, KeyMissingError)


def test_a_key_that_changes_is_refused_with_the_remedy(target: Any) -> None:
    properties = ID | {"other": {"type": "integer"}}
    target.ok([schema(properties), *records({"id": 1, "other": 1})])
    outcome = target.run([schema(properties, "s", "other"), *records({"id": 2, "other": 1})])
    assert isinstance(outcome.error, SchemaRefusedError)
    assert 'PRIMARY KEY ("OTHER")' in str(outcome.error)
    assert target.table("S", "ID", "OTHER") == [(1, 1)]


def test_a_table_made_by_hand_is_altered(target: Any) -> None:
    target.account.execute(
        'CREATE TABLE "WMS_S" ("ID" NUMBER(38) PRIMARY KEY, "OWN" DATE DEFAULT DATE \'2026-01-01\')'
    )
    target.ok([schema(ID | {"a": {"type": "string"}}), *records({"id": 1, "a": "x"})])
    found = target.table("S", "ID", "A", "OWN")
    assert found[0][:2] == (1, "x")
    assert found[0][2] is not None


def test_types_that_are_several(target: Any) -> None:
    properties = ID | {
        "a": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "b": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        "c": {"type": ["string", "object", "null"]},
        "d": {},
    }
    rows = [{"id": 1, "a": 1, "b": 1, "c": {"x": 1}, "d": [1]},
            {"id": 2, "a": None, "b": "1", "c": "t", "d": True}]  # fmt: skip
    target.ok([schema(properties), *records(*rows)])
    assert target.table("S", "A", "B", "C", "D") == [
        (1, "1", '{"x": 1}', "[1]"), (None, "1", "t", "true"),
    ]  # fmt: skip


@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_state_follows_what_was_flushed(target: Any, batch_size: int) -> None:
    """A STATE goes out behind its records, one that no open batch holds back, and none is lost."""
    messages = [schema(ID, "a"), schema(ID, "b")]
    for number in range(4):
        messages += records({"id": number}, stream="a" if number % 2 else "b")
        messages.append({"type": "STATE", "value": {"bookmarks": {"a": number, "b": number}}})
    outcome = target.ok(messages, batch_size=batch_size)
    assert outcome.states[-1] == {"bookmarks": {"a": 3, "b": 3}}
    assert target.table("A", "ID") == [(1,), (3,)]
    assert target.table("B", "ID") == [(0,), (2,)]


def test_a_batch_does_not_wait_longer_than_its_age(target: Any) -> None:
    first = [schema(ID), *records({"id": 1}), {"type": "STATE", "value": {"bookmarks": {"s": 1}}}]
    outcome = target.interrupted(first, lambda: None, records({"id": 2}), batch_age_s=0.01)
    assert outcome.error is None
    assert len(outcome.of("BatchCommitted")) == 2
