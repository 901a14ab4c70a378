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


def modelled(runs: list[list[dict[str, Any]]]) -> dict[int, list[dict[str, Any]]]:
    """What may stand of each key: one row, but for the time of its extraction, nearly always.

    A row that comes again unchanged is not rewritten and keeps its time, unless both come in one
    batch, where the later one stands (docs/specs/delivery.md §2).
    """
    table: dict[int, list[dict[str, Any]]] = {}
    for row in (row for run in runs for row in run):
        after = []
        for held in table.get(row["id"], [row]):
            is_newer = rank(row) >= rank(held)
            is_same = all(held[name] == row[name] for name in ("mod_ts", "n", "doc"))
            after += [row] * is_newer + [held] * (is_same or not is_newer)
        table[row["id"]] = [each for at, each in enumerate(after) if each not in after[:at]]
    return table


def content(row: dict[str, Any]) -> tuple[Any, ...]:
    return (row["id"], row["mod_ts"], row["n"], row["doc"])


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
    wanted = modelled(runs)
    assert [key for key, *_ in found] == sorted(wanted)
    assert all(row in map(content, wanted[row[0]]) for row in found)
    if all(
        row["extracted"] is None for run in runs for row in run
    ):  # extracted in order of arrival
        assert all(len({*map(content, rows)}) == 1 for rows in wanted.values())
