"""docs/specs/delivery.md §4, literally: run after run, each cut at the next of its server calls.

A run's calls are counted, and one run is cut at its first, the next at its second, and so on to the
end: before the call reached the server, and after it took effect; within a run that connects again,
and as the run's end, which the next run goes on from, by the last STATE. Each run has one batch and
each phase once, so that every run makes the same calls. What a first run makes besides (tables,
columns that change) is met by test_crashes in `make test`, and here for `-m long`.
"""
# ruff: noqa: DTZ001 -- TIMESTAMP columns hold naive UTC

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Literal

import pytest

from flext_target_oracle import fence, retrying
from flext_target_oracle.delivery import Batch
from flext_target_oracle.errors import DatabaseError
from flext_target_oracle.loader import StreamLoader
from flext_target_oracle.run import Run

When = Literal["before", "after"]
Row = tuple[int, int, str]
BOTH: tuple[When, When] = ("before", "after")
#: A run has fewer, however much of what a cut left it has to mend.
MOST_CALLS = 300
STREAM, TABLE = "s", "WMS_S"
BEGIN = datetime(2026, 1, 1)
METHODS: dict[str, dict[str, Any]] = {
    "upsert": {},
    "append-only": {"load_method": "append-only"},
    "overwrite": {"load_method": "overwrite"},
    "direct path": {"direct_path_rows": 1},
}
#: What a run of the method does, the first of it that no other does. What is before that (logon,
#: the table's preparation, the fence) is the same calls in each, and cut in upsert.
OF_ITS_OWN = {
    "upsert": [b"", b"FOR UPDATE", b"FLEXT_G_", b"MERGE", b"FLEXT_LEDGER"],
    "append-only": [b"FLEXT_G_", b"NOT EXISTS", b"FLEXT_LEDGER"],
    "overwrite": [b'."FLEXT_LOADS"', b"FLEXT_O_", b"MERGE", b"DELETE FROM", b"DROP TABLE"],
    "direct path": [b"FLEXT_S_", b"TRUNCATE", b"LOCK TABLE", b"MERGE"],
}
SCHEMA = {
    "type": "SCHEMA",
    "stream": STREAM,
    "schema": {
        "properties": {
            "id": {"type": "integer"},
            "mod_ts": {"type": "string", "format": "date-time"},
            "note": {"type": "string"},
        }
    },
    "key_properties": ["id"],
    "bookmark_properties": ["mod_ts"],
}


def rows_of(number: int) -> list[Row]:
    """What is new in a source: a row that changes, one that never does, one that was not there."""
    return [(1, number, f"at {number}"), (2, 0, "same"), (10 + number, number, "new")]


def rows_up_to(number: int, since: int = 0) -> list[Row]:
    return [row for each in range(since, number) for row in rows_of(each + 1)]


def state(behind: int) -> dict[str, Any]:
    return {"type": "STATE", "value": {"bookmarks": {STREAM: behind}}}


def record(row: Row) -> dict[str, Any]:
    key, second, note = row
    when = (BEGIN + timedelta(seconds=second)).isoformat() + "Z"
    values = {"id": key, "mod_ts": when, "note": note}
    return {"type": "RECORD", "stream": STREAM, "record": values}


@dataclass
class Source:
    """A source that grows with every run, and the table as runs that ended anywhere left it.

    Attributes:
        number: of the run, from 1 on.
        bookmark: of the last STATE.
        table: what a run left.
        sent: how many records the run was given.
    """

    method: str
    number: int = 0
    bookmark: int = 0
    table: list[Row] = field(default_factory=list)
    sent: int = 0

    def messages(self) -> list[dict[str, Any]]:
        """The tap's output of the next run; all of it is one batch."""
        self.number += 1
        self.sent = len(self.batch())
        found = [state(self.bookmark), SCHEMA]
        if self.method == "overwrite":
            load: dict[str, Any] = {"stream": STREAM, "version": self.number}
            found += [record(row) | load for row in self.batch()]
            found.append({"type": "ACTIVATE_VERSION", "flext_complete": True} | load)
        else:
            found += [record(row) for row in self.batch()]
        return [*found, state(self.number)]

    def batch(self) -> list[Row]:
        """What a run reads that goes on from the last STATE, or begins its load anew.

        Every other run reads the keys in another order, each key's rows in theirs.
        """
        since = self.number - 1 if self.method == "overwrite" else self.bookmark
        rows = rows_up_to(self.number, since)
        return sorted(rows, key=lambda row: -row[0]) if self.number % 2 else rows

    def in_the_end(self) -> list[Row]:
        """The table, if no row was lost on the way."""
        rows = self.batch() if self.method == "overwrite" else rows_up_to(self.number)
        return sorted(
            {row[: 2 if self.method == "append-only" else 1]: row for row in rows}.values()
        )

    def complete(self) -> list[Row]:
        """The table, if the run's batch takes effect: docs/specs/load-methods.md."""
        held: dict[Any, Row] = {}
        for row in [*(() if self.method == "overwrite" else self.table), *self.batch()]:
            if self.method == "append-only":
                held.setdefault(row[:2], row)
            else:
                held[row[0]] = row
        return sorted(held.values())

    def ended(self, outcome: Any, table: list[Row], *, is_whole: bool) -> None:
        """A run ended: its batch is in wholly or not at all, and STATE is not ahead of it."""
        reported = outcome.states[-1]["bookmarks"][STREAM] if outcome.states else self.bookmark
        complete = self.complete()
        assert table == complete or (table == self.table and not is_whole), "it is another table"
        assert reported in {self.bookmark, self.number}
        assert reported == self.bookmark or table == complete, "STATE is ahead"
        assert reported == self.number or not is_whole
        self.bookmark, self.table = reported, table


@dataclass
class Bench:
    """A schema, and a connection of the test's own to it."""

    runner: Any
    proxy: Any
    connection: Any

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def empty(self) -> None:
        """Drop all tables."""
        with self.connection.cursor() as cursor:
            for (name,) in self.query("SELECT TABLE_NAME FROM USER_TABLES"):
                cursor.execute(f'DROP TABLE "{name}" PURGE')

    def found(self) -> list[Row]:
        if (TABLE,) not in self.query("SELECT TABLE_NAME FROM USER_TABLES"):
            return []
        rows = self.query(f'SELECT "ID", "MOD_TS", "NOTE" FROM "{TABLE}"')
        return sorted((int(key), (when - BEGIN).seconds, note) for key, when, note in rows)

    def run(self, source: Source, *, reconnect_s: int = 0) -> Any:
        options = METHODS[source.method] | {"max_parallelism": 1, "reconnect_s": reconnect_s}
        outcome = self.runner.run(source.messages(), **options, port=self.proxy.port)
        is_whole = outcome.error is None
        source.ended(outcome, self.found(), is_whole=is_whole)
        return outcome


@pytest.fixture
def oracle_account(module_account: Any) -> Any:
    return module_account


@pytest.fixture
def bench(
    target: Any, proxy: Any, monkeypatch: pytest.MonkeyPatch, recurring_shadows: None
) -> Iterator[Bench]:
    del recurring_shadows
    monkeypatch.setattr(retrying, "_FIRST_PAUSE_S", 0)
    monkeypatch.setattr("oracledb.defaults.stmtcachesize", 0)  # each call says what it executes
    with target.account.connect() as connection:
        made = Bench(target, proxy, connection)
        made.empty()
        yield made


def cut(proxy: Any, call: int, when: When, *, is_death: bool) -> Callable[[], bool]:
    """Cut the next run at a call, and at all later ones if that is its end; say if it was met."""
    calls = count(1)
    met = list[int]()

    def judge(_link: int, _place: int, _head: bytes) -> When | None:
        number = next(calls)
        if number == call:
            met.append(number)
            return when
        return "before" if is_death and number > call else None

    proxy.leave_to(judge)
    return lambda: bool(met)


def steady(bench: Bench, method: str) -> tuple[Source, range, int]:
    """A source behind its first runs, which made the tables.

    Returns:
        It, the places of the calls to cut, and that of the first one behind the logon: a program
        that never reached its database says so and ends.
    """
    source, proxy = Source(method), bench.proxy
    for _ in range(3):  # direct path fills two tables in turn
        proxy.arm(None)
        assert bench.run(source).error is None
    places = [proxy.first(text) for text in OF_ITS_OWN[method]]
    return source, range(places[0], MOST_CALLS), proxy.first(b"SYS_CONTEXT")


def around_commit(bench: Bench) -> tuple[Source, range, int]:
    source, _, first = steady(bench, "upsert")
    ledger = b'INTO "%s"."FLEXT_LEDGER"' % bench.runner.account.user.encode()
    place = bench.proxy.first(ledger)
    return source, range(place, place + 1), first


def assert_mended(bench: Bench, source: Source, calls: range, first: int) -> None:
    """A run that is cut anywhere connects again, ends well, and counts its batch once."""
    for when in BOTH:
        for call in calls:
            was_met = cut(bench.proxy, call, when, is_death=False)
            outcome = bench.run(source, reconnect_s=3600)
            if not was_met():
                break
            if call < first:
                assert isinstance(outcome.error, DatabaseError)
                continue
            assert outcome.error is None, (call, when)
            (counted,) = outcome.of("BatchCommitted")
            assert counted.rows_received == source.sent
            assert counted.rows_rejected + counted.rows_stale == 0


def assert_outlived(bench: Bench, source: Source, calls: range, _first: int) -> None:
    """A run that ends anywhere is gone on with by the next, which ends one call later."""
    for when in BOTH:
        for call in calls:
            was_met = cut(bench.proxy, call, when, is_death=True)
            outcome = bench.run(source)
            if not was_met():
                assert outcome.error is None
                break
    bench.proxy.arm(None)
    assert bench.run(source).error is None
    assert source.table == source.in_the_end()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("method", METHODS)
def test_a_run_mends_a_cut_at_every_call(bench: Bench, method: str) -> None:
    assert_mended(bench, *steady(bench, method))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("method", METHODS)
def test_the_next_run_goes_on_from_a_death_at_every_call(bench: Bench, method: str) -> None:
    assert_outlived(bench, *steady(bench, method))


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("is_death", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_a_first_run_cut_at_every_call(bench: Bench, method: str, is_death: bool) -> None:
    """It makes all tables; the next one, which is not cut, finds what it left of them."""
    for when in BOTH:
        for call in range(1, MOST_CALLS):
            bench.empty()
            source = Source(method)
            was_met = cut(bench.proxy, call, when, is_death=is_death)
            outcome = bench.run(source, reconnect_s=0 if is_death else 3600)
            if not was_met():
                assert any(b"CREATE" in head for head in bench.proxy.seen)
                break
            if not is_death and call > 8:  # connected once
                assert outcome.error is None, (call, when)
            bench.proxy.arm(None)
            assert bench.run(source).error is None, (call, when)


# what the checks above are worth


def state_before_commit(self: Run, stream: str, loader: StreamLoader, batch: Batch) -> None:
    self._durable(stream, batch.end)
    loader.load(batch)


@pytest.mark.parametrize(
    ("broken", "name", "by", "check", "found"),
    [
        (Run, "_load", state_before_commit, assert_outlived, "^STATE is ahead"),
        (fence, "was_committed", lambda *_: True, assert_mended, "^it is another table"),
        (fence, "was_committed", lambda *_: False, assert_mended, "assert FenceLostError"),
    ],
    ids=["STATE before COMMIT", "in doubt is committed", "in doubt is not committed"],
)
def test_what_is_broken_is_found(
    bench: Bench, monkeypatch: pytest.MonkeyPatch,
    broken: Any, name: str, by: Any, check: Any, found: str,
) -> None:  # fmt: skip
    given = around_commit(bench)
    monkeypatch.setattr(broken, name, by)
    with pytest.raises(AssertionError, match=found):
        check(bench, *given)
