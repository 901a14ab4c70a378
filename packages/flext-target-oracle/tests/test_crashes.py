"""docs/specs/delivery.md §4: whatever dies and whenever, the table ends as a small model says.

The run's server calls are counted, and the connection is cut at each of them, before it reached the
server and after it took effect. What the next run gets is cut into other batches, in another order
between keys, with newer rows behind it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

COMMAND = str(Path(sys.executable).with_name("flext-target-oracle"))
#: id, day of mod_ts, note, extra: a duplicate; a text that makes its column a CLOB; a NULL
#: mod_ts after another; a tie with other content. From SECOND on the schema has `extra`.
Row = tuple[int, int | None, str, int | None]
LONG_TEXT = "x" * 4001
ROWS: list[Row] = [
    (1, 1, "a", None), (2, 1, "b", None), (1, 1, "a", None),
    (3, 1, LONG_TEXT, None), (1, 2, "c", None), (2, None, "late", None),
    (1, 2, "c2", 6), (4, 1, "d", 7), (4, 1, "d", 7),
]  # fmt: skip
SECOND = 6
NEWER: list[Row] = [(5, 9, "five", 1), (2, 9, "new", 2)]
#: The overwrite's table before: a row that the load lacks, and an older version of another.
BEFORE: list[Row] = [(90, 1, "gone", None), (1, 1, "before", None)]
LONG = pytest.mark.long
_streams = count(1)


def schema(stream: str, *, extra: bool) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "id": {"type": "integer"},
        "mod_ts": {"type": ["string", "null"], "format": "date-time"},
        "note": {"type": "string"},
    }
    if extra:
        properties["extra"] = {"type": ["integer", "null"]}
    return {
        "type": "SCHEMA", "stream": stream, "schema": {"properties": properties},
        "key_properties": ["id"], "bookmark_properties": ["mod_ts"],
    }  # fmt: skip


def record(stream: str, row: Row, *, extra: bool, version: int | None) -> dict[str, Any]:
    key, day, note, number = row
    values: dict[str, Any] = {"id": key, "note": note}
    values["mod_ts"] = None if day is None else f"2026-01-{day:02}T00:00:00Z"
    if extra:
        values["extra"] = number
    message = {"type": "RECORD", "stream": stream, "record": values}
    return message if version is None else message | {"version": version}


def first_run(
    stream: str, method: str, rows: list[Row] = ROWS, second: int = SECOND, every: int = 3
) -> list[dict[str, Any]]:
    """A tap's output; a bookmark is how many of the rows are behind it."""
    version = 7 if method == "overwrite" else None
    found: list[dict[str, Any]] = [state(stream, 0), schema(stream, extra=False)]
    for number, row in enumerate(rows, 1):
        if number == second + 1:
            found.append(schema(stream, extra=True))
        found.append(record(stream, row, extra=number > second, version=version))
        if number % every == 0:
            found.append(state(stream, number))
    return found + ending(stream, version, len(rows))


def next_run(stream: str, method: str, begin: int, rows: list[Row] = ROWS) -> list[dict[str, Any]]:
    """The rows behind a bookmark, in another order between keys, and newer ones."""
    version = 7 if method == "overwrite" else None
    again = sorted(rows[begin:], key=lambda row: -row[0]) + NEWER
    messages = [record(stream, row, extra=True, version=version) for row in again]
    begun = [state(stream, begin), schema(stream, extra=True)]
    return [*begun, *messages, *ending(stream, version, len(rows))]


def state(stream: str, number: int) -> dict[str, Any]:
    return {"type": "STATE", "value": {"bookmarks": {stream: number}}}


def ending(stream: str, version: int | None, number: int) -> list[dict[str, Any]]:
    activate = {"type": "ACTIVATE_VERSION", "stream": stream, "version": version}
    return [*([] if version is None else [activate]), state(stream, number)]


def modelled(method: str, rows: list[Row]) -> list[Row]:
    """The table: of each key the newest row, NULL the oldest; or of each key and day the first."""
    table: dict[Any, Row] = {}
    for row in rows:
        key, day = row[0], row[1]
        if method == "append-only":
            table.setdefault((key, day), row)
        elif key not in table or (day or 0) >= (table[key][1] or 0):
            table[key] = row
    return sorted(table.values(), key=repr)


def found(target: Any, stream: str) -> list[Row]:
    columns = target.account.rows(
        "SELECT COLUMN_NAME FROM ALL_TAB_COLUMNS WHERE OWNER = :1 AND TABLE_NAME = :2",
        [target.account.user, f"WMS_{stream}".upper()],
    )
    names = ["ID", "MOD_TS", "NOTE", *(["EXTRA"] if ("EXTRA",) in columns else [])]
    rows = [(*row, None)[:4] for row in target.table(stream.upper(), *names)]
    return sorted(
        (
            (int(key), when and when.day, note, None if extra is None else int(extra))
            for key, when, note, extra in rows
        ),
        key=repr,
    )


def prefill(target: Any, stream: str) -> None:
    """The table as an earlier load left it."""
    table = f'"WMS_{stream.upper()}"'
    target.account.execute(
        f'CREATE TABLE {table} AS SELECT * FROM "WMS_TEMPLATE"',
        f'ALTER TABLE {table} ADD CONSTRAINT "PK_{stream.upper()}" PRIMARY KEY ("ID")',
    )


def template(target: Any, **options: Any) -> None:
    rows = [record("template", row, extra=False, version=None) for row in BEFORE]
    target.ok([schema("template", extra=False), *rows], **options)


def check_state(target: Any, stream: str, method: str, bookmark: int) -> None:
    """STATE is never ahead of what is committed (of an overwrite that is in the shadow)."""
    if bookmark and method != "overwrite":
        # Ids alone: a crash may have left the other columns on their way to be CLOBs.
        behind = {row[0] for row in ROWS[:bookmark]}
        assert behind <= {int(key) for (key,) in target.table(stream.upper(), "ID")}


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("method", "when", "reconnect_s"),
    [
        ("upsert", "after", 60),  # mended within the run
        ("upsert", "before", 0),  # mended by the next run
        ("append-only", "after", 60),
        ("overwrite", "after", 60),
        pytest.param("upsert", "before", 60, marks=LONG),
        pytest.param("upsert", "after", 0, marks=LONG),
        pytest.param("append-only", "before", 0, marks=LONG),
        pytest.param("append-only", "after", 0, marks=LONG),
        pytest.param("overwrite", "before", 0, marks=LONG),
        pytest.param("overwrite", "after", 0, marks=LONG),
    ],
)
def test_a_cut_at_any_call_leaves_the_model(
    target: Any, proxy: Any, method: str, when: str, reconnect_s: int
) -> None:
    options = {
        "port": proxy.port, "batch_size": 3, "max_parallelism": 1, "reconnect_s": reconnect_s,
        "load_method": method, "on_missing": "keep",
    }  # fmt: skip
    template(target, **options | {"load_method": "upsert"})  # our own tables are there from now on
    if method == "overwrite":
        prefill(target, "whole")
    proxy.arm(None)
    target.ok(first_run("whole", method), **options)
    assert found(target, "whole") == modelled(method, ROWS)
    total = proxy.requests
    # What comes before a fence is taken is the same for each method.
    begin = 1 if method == "upsert" else proxy.first(b'FLEXT_FENCE" WHERE')
    assert total > begin + 25
    recovered = 0
    for call in range(begin, total + 1):
        stream = f"s{call}"
        if method == "overwrite":
            prefill(target, stream)
        proxy.arm(call, when)
        outcome = target.run(first_run(stream, method), **options)
        if not proxy.was_cut:  # a goodbye more or less at the end of a run
            assert call > total - 6
            break
        bookmark = outcome.states[-1]["bookmarks"][stream] if outcome.states else 0
        check_state(target, stream, method, bookmark)
        expected = modelled(method, ROWS)
        if outcome.error is None:
            recovered += 1
        else:
            target.ok(next_run(stream, method, bookmark), **options | {"batch_size": 5})
            expected = modelled(method, ROWS + NEWER)
        assert found(target, stream) == expected, (call, outcome.error)
    # With retries only the first connection's failure ends a run, without them almost any does.
    assert (recovered > (total - begin) / 2) == (reconnect_s > 0)


@LONG
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("method", ["upsert", "append-only", "overwrite"])
def test_a_kill_at_any_call_leaves_the_model(
    target: Any, proxy: Any, tmp_path: Path, method: str
) -> None:
    """kill -9 while a call is on its way; it may reach the server after the process is gone."""
    options = {"batch_size": 3, "max_parallelism": 1, "load_method": method}
    template(target, **options | {"load_method": "upsert"})
    given_settings = target.account.settings() | options | {"port": proxy.port}
    environ = os.environ | {"FLEXT_WORKSPACE": str(tmp_path)}
    for name, value in given_settings.items():
        environ[f"FLEXT_TARGET_ORACLE_{name.upper()}"] = str(value)
    for call in count(1):
        stream = f"s{call}"
        if method == "overwrite":
            prefill(target, stream)
        proxy.arm(call, "hold")
        with subprocess.Popen(
            [COMMAND, "--config=ENV"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environ,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(target.text(first_run(stream, method)).encode())
            process.stdin.close()
            while not proxy.held.wait(0.05) and process.poll() is None:
                continue
            process.kill()
            lines = process.stdout.read().splitlines()
        proxy.let_go.set()
        if not proxy.held.is_set():
            assert process.returncode == 0
            assert call > 40
            assert found(target, stream) == modelled(method, ROWS)
            break
        bookmark = target.bookmark(lines[-1], stream) if lines else 0
        check_state(target, stream, method, bookmark)
        target.ok(next_run(stream, method, bookmark), **options | {"batch_size": 5})
        assert found(target, stream) == modelled(method, ROWS + NEWER), call


# Few keys, days and texts: duplicates, late rows, ties and NULL mod_ts all occur.
ANY_ROW = st.tuples(
    st.integers(1, 3),
    st.none() | st.integers(1, 3),
    st.sampled_from(["a", "b", LONG_TEXT]),
    st.none(),
)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(ANY_ROW, min_size=1, max_size=9),
    method=st.sampled_from(["upsert", "append-only"]),
    second=st.integers(0, 9),
    every=st.integers(1, 4),
    sizes=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    workers=st.integers(1, 3),
    call=st.integers(20, 70),
    when=st.sampled_from(["before", "after"]),
)
def test_any_rows_in_any_batches_with_any_crash_leave_the_model(
    target: Any, proxy: Any, rows: list[Row], method: str, second: int, every: int,
    sizes: tuple[int, int], workers: int, call: int, when: str,
) -> None:  # fmt: skip
    stream = f"p{next(_streams)}"
    options = {
        "port": proxy.port, "load_method": method, "max_parallelism": workers, "reconnect_s": 0,
    }  # fmt: skip
    proxy.arm(call, when)
    messages = first_run(stream, method, rows, second, every)
    outcome = target.run(messages, **options, batch_size=sizes[0])
    expected = modelled(method, rows)
    if outcome.error is not None:
        proxy.arm(None)
        bookmark = outcome.states[-1]["bookmarks"][stream] if outcome.states else 0
        target.ok(next_run(stream, method, bookmark, rows), **options, batch_size=sizes[1])
        expected = modelled(method, rows + NEWER)
    got = found(target, stream)
    assert len(got) == len(expected)
    if method == "append-only":  # of equal days the order between batches decides the content
        got, expected = [row[:2] for row in got], [row[:2] for row in expected]  # type: ignore[misc]  # shorter rows
    assert got == expected
