"""docs/specs/delivery.md §5: two runs at once, of one scope and of two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import flext_coordination
from flext_coordination import LeaseLostError
from flext_target_oracle import fence
from flext_target_oracle.errors import DatabaseError, FenceHeldError, FenceLostError

MOMENT = {"type": "string", "format": "date-time"}
SCHEMA = {
    "type": "SCHEMA",
    "stream": "s",
    "schema": {
        "properties": {"id": {"type": "integer"}, "mod_ts": MOMENT, "n": {"type": "integer"}}
    },
    "key_properties": ["id"],
}


def messages(*rows: tuple[int, int, int]) -> list[dict[str, Any]]:
    """Rows of id, day of mod_ts, and a number."""
    records = [{"id": key, "mod_ts": f"2026-01-{day:02}T00:00:00Z", "n": n} for key, day, n in rows]
    return [SCHEMA, *({"type": "RECORD", "stream": "s", "record": each} for each in records)]


def ids(target: Any) -> list[int]:
    return [int(key) for (key,) in target.table("S", "ID")]


def state(bookmark: int) -> dict[str, Any]:
    return {"type": "STATE", "value": {"bookmarks": {"s": bookmark}}}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("first_too", [False, pytest.param(True, marks=pytest.mark.long)])
def test_a_run_that_is_paused_anywhere_and_taken_over_commits_nothing_more(
    target: Any, proxy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first_too: bool
) -> None:
    """Paused before each of its server calls (which is, to the server, after the one before).

    Before it looks at a fence it only reads, so to the others these calls are all the same:
    `first_too` is each of them.

    Where the paused run holds the row's lock, its commit is in flight: the second waits for it,
    here for a second, and names it; then the first ends and the second is let in.
    """
    monkeypatch.setattr(fence, "WAIT_S", 1)
    options = {"batch_size": 2, "max_parallelism": 1}
    target.ok(messages((0, 1, 0)))
    proxy.arm(None)
    target.ok(paused(0), port=proxy.port, **options)
    total, waited, lost = proxy.requests, 0, 0
    begin = 1 if first_too else proxy.first(b'FLEXT_FENCE" WHERE') - 1
    with target.account.connect() as connection:
        for call in range(begin, total + 1):
            base = call * 100
            proxy.arm(call, "hold")
            first = target.start(paused(base), port=proxy.port, **options)
            if not proxy.held.wait(60):
                assert call > total - 3  # a goodbye more or less at the end of a run
                first.join()
                break
            flext_coordination.force_release(tmp_path, "local", by="the test")
            theirs = messages((base + 51, 1, 2), (base + 52, 1, 2))
            second = target.start(theirs, **options).join()
            before = table(connection)
            proxy.let_go.set()
            outcome = first.join()
            if second.error is None:
                assert table(connection) == before, call  # no row after the take-over
                assert isinstance(outcome.error, FenceLostError | LeaseLostError), call
                lost += 1
            else:
                assert isinstance(second.error, DatabaseError), (call, second.error)
                assert "stayed locked" in str(second.error)
                assert "V$SESSION" in str(second.error)
                assert target.start(theirs, **options).join().error is None
                waited += 1
            rows = {key: n for key, n in table(connection).items() if key > base}
            assert {key: n for key, n in rows.items() if n == 2} == {base + 51: 2, base + 52: 2}
            mine = sorted(key - base for key, n in rows.items() if n == 1)
            assert mine in ([], [1, 2], [1, 2, 3]), call  # each batch wholly or not at all
            reported = outcome.states[-1]["bookmarks"]["s"] if outcome.states else 0
            assert reported <= len(mine), call
    assert lost > (total - begin) / 2
    assert waited >= 2 * 3  # census, apply and ledger of each of the two batches


def loaded(*keys: int, version: int, is_complete: bool) -> list[dict[str, Any]]:
    """Rows of a load that replaces the table, to its end or not."""
    schema, *records = messages(*((key, 1, version) for key in keys))
    found = [schema, *(each | {"version": version} for each in records)]
    end = {"type": "ACTIVATE_VERSION", "stream": "s", "version": version}
    return [*found, end] if is_complete else found


def test_a_run_that_is_taken_over_drops_nothing_of_the_next_ones_load(
    target: Any, proxy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is paused at each of its last calls: as it commits its load's end, and drops what is left.

    The next run begins a load and leaves it open; the run after that completes it.
    """
    monkeypatch.setattr(fence, "WAIT_S", 1)
    options = {"batch_size": 2, "max_parallelism": 1, "load_method": "overwrite"}
    target.ok(loaded(1, 2, version=1, is_complete=True), **options)
    proxy.arm(None)
    target.ok(loaded(1, 2, version=2, is_complete=True), port=proxy.port, **options)
    total, overtaken = proxy.requests, 0
    ledgers = [place for place, head in enumerate(proxy.seen, 1) if b"FLEXT_LEDGER" in head]
    for call in range(ledgers[-1], total + 1):
        version = call * 10
        proxy.arm(call, "hold")
        mine = loaded(1, 2, version=version, is_complete=True)
        first = target.start(mine, port=proxy.port, **options)
        if not proxy.held.wait(60):
            first.join()
            break
        flext_coordination.force_release(tmp_path, "local", by="the test")
        theirs = loaded(3, 4, version=version + 1, is_complete=False)
        second = target.start(theirs, **options).join()
        proxy.let_go.set()
        first.join()
        if second.error is not None:
            assert "stayed locked" in str(second.error), call
            target.ok(theirs, **options)
        else:
            overtaken += 1
        target.ok(loaded(5, version=version + 1, is_complete=True), **options)
        assert ids(target) == [3, 4, 5], call
    assert overtaken >= 2  # behind its commit


def paused(base: int) -> list[dict[str, Any]]:
    """Two batches of a run, if two rows make one."""
    schema, *records = messages(*((base + number, 1, 1) for number in (1, 2, 3)))
    return [state(0), schema, *records[:2], state(2), *records[2:], state(3)]


def table(connection: Any) -> dict[int, int]:
    with connection.cursor() as cursor:
        cursor.execute('SELECT "ID", "N" FROM "WMS_S"')
        return {int(key): int(n) for key, n in cursor.fetchall()}


def test_a_live_run_of_another_workspace_is_not_taken_over(
    target: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two machines that do not share `.token`: the lease in the database is judged (§5.1)."""
    other = tmp_path / "other"
    other.mkdir()
    seen: list[BaseException | None] = []

    def meanwhile() -> None:
        monkeypatch.setenv("FLEXT_WORKSPACE", str(other))
        seen.append(target.start(messages((9, 1, 9))).join().error)
        monkeypatch.setenv("FLEXT_WORKSPACE", str(tmp_path))

    outcome = target.interrupted(messages((1, 1, 1)), meanwhile, messages((2, 1, 1))[1:])
    assert outcome.error is None
    (error,) = seen
    assert isinstance(error, FenceHeldError)
    for part in ("scope local is held by run", "UTC", "wait for it to end"):
        assert part in str(error)
    assert ids(target) == [1, 2]
    monkeypatch.setenv("FLEXT_WORKSPACE", str(other))
    assert target.start(messages((9, 1, 9))).join().error is None  # it was given back
    assert ids(target) == [1, 2, 9]


@pytest.mark.parametrize("fresh", [True, False])
def test_full_and_incremental_at_once_both_end_and_the_newest_versions_stand(
    target: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: bool
) -> None:
    """Two scopes on one table; `fresh`: neither finds the table there."""
    if not fresh:
        target.ok(messages((1, 1, 0)))
    keys = range(1, 61)
    older = messages(*((key, 2, 2) for key in keys))
    newer = messages(*((key, 3, 3) for key in keys if key % 2), *((key, 2, 2) for key in (61, 62)))
    runs = []
    for scope, lines in (("full", older), ("incremental", newer)):
        monkeypatch.setenv("FLEXT_SCOPE", scope)
        runs.append(target.start(lines, batch_size=3, max_parallelism=3))
    for run in runs:
        assert run.join().error is None
    expected = [(key, 3 if key % 2 else 2) for key in keys] + [(61, 2), (62, 2)]
    assert target.table("S", "ID", "N") == expected
