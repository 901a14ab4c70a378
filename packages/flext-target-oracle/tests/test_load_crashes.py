"""docs/specs/load-methods.md under cuts: a load that says what is gone, cut at each request.

The database is asked for the rows after the run, or the next one, has mended what the cut left.
"""

from __future__ import annotations

from typing import Any

import pytest

PROPERTIES = {"id": {"type": "integer"}, "n": {"type": "integer"}}
METHODS: dict[str, dict[str, Any]] = {
    "overwrite": {"load_method": "overwrite"},
    "hard": {"on_missing": "hard", "max_delete_percent": 100},
    "soft": {"on_missing": "soft", "max_delete_percent": 100},
}
OLD = [(1, 0), (2, 0), (3, 0)]
NEW = [(1, 0), (3, 1), (4, 1)]


def messages(
    stream: str, version: int, rows: list[tuple[int, int]], begin: int = 0
) -> list[dict[str, Any]]:
    """The tap's output from a bookmark on: how many records of the version are behind it."""
    found: list[dict[str, Any]] = [
        {"type": "STATE", "value": {"bookmarks": {stream: begin}}},
        {"type": "SCHEMA", "stream": stream, "schema": {"properties": PROPERTIES},
         "key_properties": ["id"]},
    ]  # fmt: skip
    for number, (key, n) in enumerate(rows[begin:], begin + 1):
        record = {"id": key, "n": n}
        found.append({"type": "RECORD", "stream": stream, "record": record, "version": version})
        found.append({"type": "STATE", "value": {"bookmarks": {stream: number}}})
    found.append({"type": "ACTIVATE_VERSION", "stream": stream, "version": version})
    found.append({"type": "STATE", "value": {"bookmarks": {stream: "complete"}}})
    return found


def rows(target: Any, stream: str, method: str) -> list[tuple[int, ...]]:
    if method != "soft":
        return [(int(key), int(n)) for key, n in target.table(stream, "ID", "N")]
    marked = target.table(stream, "ID", "N", "_SDC_DELETED_AT")
    return [(int(key), int(n)) for key, n, at in marked if at is None]


@pytest.mark.long
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("when", "reconnect_s"), [("after", 60), ("before", 0)])
def test_a_load_cut_at_any_request_removes_what_is_gone_and_nothing_else(
    target: Any, proxy: Any, method: str, when: str, reconnect_s: int
) -> None:
    options = METHODS[method] | {
        "port": proxy.port, "batch_size": 2, "max_parallelism": 1, "reconnect_s": reconnect_s,
    }  # fmt: skip
    target.ok(messages("whole", 1, OLD), **options)
    proxy.arm(None)
    target.ok(messages("whole", 2, NEW), **options)
    assert rows(target, "WHOLE", method) == NEW
    total = proxy.requests
    assert total > 25
    for request in range(1, total + 1):
        stream = f"s{request}"
        proxy.arm(None)
        target.ok(messages(stream, 1, OLD), **options)
        proxy.arm(request, when)
        first = target.run(messages(stream, 2, NEW), **options)
        if not proxy.was_cut:  # a goodbye more or less at the end of a run
            assert request > total - 3
            break
        reached = first.states[-1]["bookmarks"][stream] if first.states else 0
        if reached == "complete":  # STATE is never ahead of what took effect
            assert rows(target, stream.upper(), method) == NEW, request
        else:
            # A tap that goes on reads at least the end of what it had read.
            begin = min(reached, len(NEW) - 1)
            target.ok(messages(stream, 2, NEW, begin), **options)
        assert rows(target, stream.upper(), method) == NEW, request
    left = target.account.rows(
        "SELECT TABLE_NAME FROM USER_TABLES WHERE TABLE_NAME LIKE 'FLEXT_O%'"
    )
    # A shadow that a cut left goes with the next load of its table: none has two.
    tables = [name.rpartition("_")[0] for (name,) in left]
    assert len(set(tables)) == len(tables)
