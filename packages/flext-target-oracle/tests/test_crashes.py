"""docs/specs/delivery.md §4: cut at each request of a run, before and after it took effect."""

from __future__ import annotations

from typing import Any

import pytest

SCHEMA = {
    "type": "SCHEMA",
    "stream": "s",
    "schema": {"properties": {
        "id": {"type": "integer"},
        "mod_ts": {"type": "string", "format": "date-time"},
        "note": {"type": "string"},
    }},
    "key_properties": ["id"],
    "bookmark_properties": ["mod_ts"],
}  # fmt: skip
#: id, version and note of each record; the third is too long for VARCHAR2, so the column changes.
RECORDS = [(1, 1, "a"), (2, 1, "b"), (3, 1, "x" * 4001), (1, 2, "c")]


def messages(stream: str, begin: int = 0) -> list[dict[str, Any]]:
    """The tap's output from a bookmark on; the bookmark is how many records are behind it."""
    found: list[dict[str, Any]] = [
        {"type": "STATE", "value": {"bookmarks": {stream: begin}}},
        SCHEMA | {"stream": stream},
    ]
    for number, (key, version, note) in enumerate(RECORDS[begin:], begin + 1):
        values = {"id": key, "mod_ts": f"2026-01-0{version}T00:00:00Z", "note": note}
        found.append({"type": "RECORD", "stream": stream, "record": values})
        found.append({"type": "STATE", "value": {"bookmarks": {stream: number}}})
    return found


def expected(method: str, count: int = len(RECORDS)) -> list[tuple[Any, ...]]:
    rows = {(key, version): note for key, version, note in RECORDS[:count]}
    if method == "append-only":
        return sorted((key, note) for (key, _), note in rows.items())
    newest = {key: note for (key, _), note in sorted(rows.items())}
    return sorted(newest.items())


def found(target: Any, table: str) -> list[tuple[Any, ...]]:
    return sorted(target.table(table, "ID", "NOTE"))


LONG = pytest.mark.long


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("method", "when", "reconnect_s"),
    [
        ("upsert", "after", 60),  # mended within the run
        ("upsert", "before", 0),  # mended by the next run
        pytest.param("upsert", "before", 60, marks=LONG),
        pytest.param("upsert", "after", 0, marks=LONG),
        pytest.param("append-only", "after", 60, marks=LONG),
        pytest.param("append-only", "before", 0, marks=LONG),
    ],
)
def test_a_cut_at_any_request_loses_and_doubles_nothing(
    target: Any, proxy: Any, method: str, when: str, reconnect_s: int
) -> None:
    options = {
        "port": proxy.port,
        "load_method": method,
        "batch_size": 2,
        "max_parallelism": 1,
        "reconnect_s": reconnect_s,
    }
    target.ok(messages("first"), **options)  # our own tables are there from now on
    proxy.arm(None)
    target.ok(messages("whole"), **options)
    assert found(target, "WHOLE") == expected(method)
    total = proxy.requests
    assert total > 30
    recovered = 0
    for request in range(1, total + 1):
        stream = f"s{request}"
        proxy.arm(request, when)
        first = target.run(messages(stream), **options)
        if not proxy.was_cut:  # a goodbye more or less at the end of a run
            assert request > total - 3
            break
        bookmark = first.states[-1]["bookmarks"][stream] if first.states else 0
        if bookmark:  # STATE is never ahead of what is committed
            behind = {(key,) for key, _, _ in RECORDS[:bookmark]}
            assert behind <= set(target.table(stream.upper(), "ID")), request
        if first.error is None:
            recovered += 1
        else:
            target.ok(messages(stream, bookmark), **options | {"batch_size": 3})
        assert found(target, stream.upper()) == expected(method), request
        ledger = target.account.rows(
            'SELECT SUM("ROWS_INSERTED") FROM "FLEXT_LEDGER" WHERE "STREAM" = :1', [stream]
        )
        assert ledger == [(len(expected(method)),)], request
    # With retries only the first connection's failure ends a run, without them almost any does.
    assert (recovered > total / 2) == (reconnect_s > 0)
