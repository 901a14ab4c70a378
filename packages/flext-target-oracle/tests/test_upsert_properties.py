"""Upsert against a model: any records, in any batches and runs, leave the newest of each key."""
# ruff: noqa: DTZ001 -- TIMESTAMP columns hold naive UTC

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BEGIN = datetime(2026, 1, 1)
PROPERTIES = {
    "id": {"type": "integer"},
    "mod_ts": {"type": ["string", "null"], "format": "date-time"},
    "n": {"type": ["integer", "null"]},
    "doc": {"type": ["object", "null"]},
}
# Few keys, times and values: duplicates, late rows, ties and NULL mod_ts all occur.
ROWS = st.fixed_dictionaries(
    {
        "id": st.integers(1, 3),
        "mod_ts": st.none() | st.integers(0, 2),
        "extracted": st.none() | st.integers(0, 2),
        "n": st.none() | st.integers(0, 1),
        "doc": st.none() | st.integers(0, 1),
    }
)
RUNS = st.lists(st.lists(ROWS, max_size=8), min_size=1, max_size=3)


def moment(step: int | None) -> str | None:
    return None if step is None else (BEGIN + timedelta(days=step)).isoformat() + "Z"


def rank(row: dict[str, Any]) -> tuple[int, int]:
    """The order of versions; NULL is lowest. A row that does not say when it was extracted is
    extracted when it arrives, which is after any time these tests give.
    """
    return (
        -1 if row["mod_ts"] is None else row["mod_ts"],
        10**6 if row["extracted"] is None else row["extracted"],
    )


def modelled(runs: list[list[dict[str, Any]]]) -> list[tuple[Any, ...]]:
    table: dict[int, dict[str, Any]] = {}
    for row in (row for run in runs for row in run):
        held = table.get(row["id"])
        # An unchanged row is not rewritten, so it keeps the time of its last change.
        same = held is not None and all(held[name] == row[name] for name in ("mod_ts", "n", "doc"))
        if held is None or (rank(row) >= rank(held) and not same):
            table[row["id"]] = row
    return [(key, row["mod_ts"], row["n"], row["doc"]) for key, row in sorted(table.items())]


def messages(stream: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    schema = {"type": "SCHEMA", "stream": stream, "schema": {"properties": PROPERTIES}}
    found = [schema | {"key_properties": ["id"], "bookmark_properties": ["mod_ts"]}]
    for row in rows:
        record = {"id": row["id"], "mod_ts": moment(row["mod_ts"]), "n": row["n"]}
        record["doc"] = None if row["doc"] is None else {"v": row["doc"]}
        message = {"type": "RECORD", "stream": stream, "record": record}
        if row["extracted"] is not None:
            message["time_extracted"] = moment(row["extracted"])
        found.append(message)
    return found


@pytest.mark.timeout(600)  # some 50 runs; a busy machine took more than 180 s once
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(RUNS, st.integers(1, 8))
def test_the_table_is_the_model(
    target: Any, runs: list[list[dict[str, Any]]], batch_size: int
) -> None:
    target.account.reset()  # the server need not parse for each example what is of one stream
    stream = "s"
    for rows in runs:
        outcome = target.ok(messages(stream, rows), batch_size=batch_size)
        counted = sum(event.rows_received for event in outcome.of("BatchCommitted"))
        assert counted == len(rows)
    found = [
        (
            key,
            None if when is None else (when - BEGIN).days,
            n,
            None if doc is None else int(doc[-2]),
        )
        for key, when, n, doc in target.table(stream.upper(), "ID", "MOD_TS", "N", "DOC")
    ]
    assert found == modelled(runs)
