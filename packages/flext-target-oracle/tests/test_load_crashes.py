"""docs/specs/load-methods.md under cuts: a load that says what is gone, cut at each server call.

As in test_crashes: within one run that connects again, and with runs that end at the cut and the
next one going on from the last STATE. See fix_explorer for what a call is and how all are met.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from flext_target_oracle import retrying

STREAM = "s"
PROPERTIES = {"id": {"type": "integer"}, "n": {"type": "integer"}}
METHODS: dict[str, dict[str, Any]] = {
    "overwrite": {"load_method": "overwrite"},
    "hard": {"on_missing": "hard", "max_delete_percent": 100},
    "soft": {"on_missing": "soft", "max_delete_percent": 100},
}
#: Overwrite is cut at every call by test_every_call, and over several batches by test_crashes.
SHORT = [name for name in METHODS if name != "overwrite"]
OLD = [(1, 0), (2, 0), (3, 0)]
NEW = [(1, 0), (3, 1), (4, 1)]
#: What the table may be while the new version is loaded into it, and when it is complete.
ON_THE_WAY = [OLD, [(1, 0), (2, 0), (3, 1)], [(1, 0), (2, 0), (3, 1), (4, 1)]]
BOTH = ("before", "after")
CONTROL = ("FLEXT_FENCE", "FLEXT_LEDGER", "FLEXT_LOADS", "FLEXT_REJECTS", "FLEXT_VERSION")


def messages(version: int, rows: list[tuple[int, int]], begin: int = 0) -> list[dict[str, Any]]:
    """The tap's output from a bookmark on: how many records of the version are behind it."""
    found: list[dict[str, Any]] = [
        {"type": "STATE", "value": {"bookmarks": {STREAM: begin}}},
        {"type": "SCHEMA", "stream": STREAM, "schema": {"properties": PROPERTIES},
         "key_properties": ["id"]},
    ]  # fmt: skip
    for number, (key, n) in enumerate(rows[begin:], begin + 1):
        record = {"id": key, "n": n}
        found.append({"type": "RECORD", "stream": STREAM, "record": record, "version": version})
        found.append({"type": "STATE", "value": {"bookmarks": {STREAM: number}}})
    found.append({"type": "ACTIVATE_VERSION", "stream": STREAM, "version": version})
    found.append({"type": "STATE", "value": {"bookmarks": {STREAM: "complete"}}})
    return found


class Bench:
    """A schema that is emptied again and again, and a connection of the test's own to it."""

    def __init__(self, runner: Any, connection: Any, options: dict[str, Any]) -> None:
        self.runner, self.connection, self.options = runner, connection, options

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def reset(self, method: str) -> None:
        """The table is as the version before left it."""
        tables = [name for (name,) in self.query("SELECT TABLE_NAME FROM USER_TABLES")]
        with self.connection.cursor() as cursor:
            for name in tables:
                if name in CONTROL:
                    cursor.execute(f"DELETE FROM \"{name}\" WHERE '{name}' <> 'FLEXT_VERSION'")
                else:
                    cursor.execute(f'DROP TABLE "{name}" PURGE')
            self.connection.commit()
        self.runner.ok(messages(1, OLD), **METHODS[method])
        assert self.rows(method) == OLD

    def rows(self, method: str) -> list[tuple[int, int]]:
        there = '"_SDC_DELETED_AT" IS NULL' if method == "soft" else "1 = 1"
        found = self.query(f'SELECT "ID", "N" FROM "WMS_S" WHERE {there} ORDER BY "ID"')
        return [(int(key), int(n)) for key, n in found]

    def run(self, method: str, begin: int = 0, **options: Any) -> Any:
        given = self.options | METHODS[method] | options
        return self.runner.run(messages(2, NEW, begin), **given)

    def shadows(self) -> list[str]:
        return [
            name
            for (name,) in self.query("SELECT TABLE_NAME FROM USER_TABLES")
            if name.startswith("FLEXT_O_")
        ]


@pytest.fixture
def oracle_account(module_account: Any) -> Any:
    return module_account


@pytest.fixture
def bench(target: Any, proxy: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(retrying, "_FIRST_PAUSE_S", 0)
    monkeypatch.setattr("oracledb.defaults.stmtcachesize", 0)  # each call says what it executes
    with target.account.connect() as connection:
        options = {"port": proxy.port, "batch_size": 2, "max_parallelism": 1}
        yield Bench(target, connection, options)


#: Where a call is that only a load of a version makes; test_crashes cuts the others.
LOADING = (b"FLEXT_LOADS", b"FLEXT_O_", b"TABLE_VERSION", b"_DELETED_AT", b"EXCLUSIVE_FOR")


@pytest.fixture(scope="module")
def mended(explorer: Any) -> Any:
    return explorer(BOTH, ("before",), is_fatal=False, only=LOADING)


@pytest.fixture(scope="module")
def deaths(explorer: Any) -> Any:
    return explorer(("after",), (), is_fatal=True, only=LOADING)


#: So many calls a load has at least that no other run, or no other load before it, makes.
OF_ITS_OWN = 4


def assert_mended(bench: Bench, proxy: Any, explorer: Any, method: str, least: int) -> None:
    removed, cuts = [], 0
    for _ in explorer.runs(proxy):
        bench.reset(method)
        outcome = bench.run(method, reconnect_s=3600)
        cuts += explorer.cuts
        assert outcome.error is None, explorer.last_cut
        assert outcome.states[-1]["bookmarks"][STREAM] == "complete"
        assert bench.rows(method) == NEW
        assert bench.shadows() == []
        removed.append([event.rows_removed for event in outcome.of("LoadEnded")])
    assert cuts >= least
    assert removed == [[1]] * len(removed)


def assert_outlived(bench: Bench, proxy: Any, explorer: Any, method: str, least: int) -> None:
    number, cuts = 0, 0
    while number != 1:  # a first run that lives: all its calls were somebody's last
        bench.reset(method)
        begin, was = 0, OLD
        for number in explorer.runs(proxy):
            outcome = bench.run(method, begin, reconnect_s=0)
            cuts += explorer.cuts
            reached = outcome.states[-1]["bookmarks"][STREAM] if outcome.states else begin
            rows, place = bench.rows(method), (number, explorer.last_cut)
            allowed = [OLD] if method == "overwrite" else ON_THE_WAY
            assert rows == NEW or (rows in allowed and was != NEW), place
            if reached == "complete":  # STATE is never ahead of what took effect
                assert rows == NEW, place
                reached = len(NEW)
            elif method != "overwrite":
                assert dict(NEW[:reached]).items() <= dict(rows).items(), place
            # A tap that goes on reads at least the end of what it had read.
            begin, was = min(reached, len(NEW) - 1), rows
        assert outcome.error is None
        assert rows == NEW
        bench.runner.ok(messages(3, NEW), **METHODS[method])
        assert bench.shadows() == []  # what deaths left goes with the next load at the latest
    assert cuts >= least


@pytest.mark.timeout(900)
@pytest.mark.xdist_group("crashes-mended")
@pytest.mark.parametrize("method", SHORT)
def test_a_load_mends_every_cut(bench: Bench, proxy: Any, mended: Any, method: str) -> None:
    """It removes what is gone and nothing else, once, and leaves no shadow."""
    assert_mended(bench, proxy, mended, method, OF_ITS_OWN)


@pytest.mark.timeout(900)
@pytest.mark.xdist_group("crashes-deaths")
@pytest.mark.parametrize("method", SHORT)
def test_the_next_run_mends_every_death_in_a_load(
    bench: Bench, proxy: Any, deaths: Any, method: str
) -> None:
    """Readers see the rows of before or of after; STATE is never ahead."""
    assert_outlived(bench, proxy, deaths, method, OF_ITS_OWN)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("assert_it", [assert_mended, assert_outlived])
def test_a_load_cut_at_every_call_of_its_own(
    bench: Bench, proxy: Any, explorer: Any, method: str, assert_it: Any
) -> None:
    """What other methods' loads have cut, and calls that other runs make too."""
    calls = explorer(BOTH, BOTH, is_fatal=assert_it is assert_outlived)
    assert_it(bench, proxy, calls, method, 50)
