"""docs/specs/delivery.md §4: whatever dies and whenever, the table ends as a small model says.

Server calls of a run are cut, before they reached the server and after they took effect: within one
run that connects again, and with runs that end there and the next one going on from the last STATE.
What the next run gets is cut into other batches, in another order between keys, with newer rows
behind it. `make test` cuts here what a first run and changing columns make, and each commit: the
rest is test_every_call's; `-m long` cuts all. See fix_explorer for what a call is.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from flext_target_oracle import fence, retrying
from flext_target_oracle.delivery import Batch
from flext_target_oracle.loader import StreamLoader
from flext_target_oracle.run import Run

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
#: The overwrite's table before: a row that the load lacks, and an older version of another.
BEFORE: list[Row] = [(90, 1, "gone", None), (1, 1, "before", None)]
METHODS = ["upsert", "append-only", "overwrite"]
VERSION = 7
STREAM, TABLE = "s", "WMS_S"
CONTROL = ("FLEXT_FENCE", "FLEXT_LEDGER", "FLEXT_LOADS", "FLEXT_REJECTS", "FLEXT_VERSION")
#: Where a call is that only a first run makes, or one whose columns change, and where a batch is
#: committed; test_every_call cuts the others.
FIRST = (b"CREATE", b"ALTER TABLE", b"FLEXT_VERSION", b"FLEXT_CLOB", b"TABLE_ID", b"EXCLUSIVE_FOR",
         b'"FLEXT_FENCE" ("TABLE_NAME"', b"FLEXT_LEDGER")  # fmt: skip
LONG = pytest.mark.long
BOTH = ("before", "after")


def schema(*, extra: bool) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "id": {"type": "integer"},
        "mod_ts": {"type": ["string", "null"], "format": "date-time"},
        "note": {"type": "string"},
    }
    if extra:
        properties["extra"] = {"type": ["integer", "null"]}
    return {
        "type": "SCHEMA", "stream": STREAM, "schema": {"properties": properties},
        "key_properties": ["id"], "bookmark_properties": ["mod_ts"],
    }  # fmt: skip


def record(row: Row, *, extra: bool, version: int | None) -> dict[str, Any]:
    key, day, note, number = row
    values: dict[str, Any] = {"id": key, "note": note}
    values["mod_ts"] = None if day is None else f"2026-01-{day:02}T00:00:00Z"
    if extra:
        values["extra"] = number
    message = {"type": "RECORD", "stream": STREAM, "record": values}
    return message if version is None else message | {"version": version}


def state(number: int) -> dict[str, Any]:
    """A bookmark is how many rows of the source are behind it."""
    return {"type": "STATE", "value": {"bookmarks": {STREAM: number}}}


def tap(method: str, begin: int, chunks: list[list[Row]]) -> list[dict[str, Any]]:
    """The rows behind a bookmark, a STATE behind each chunk; the schema changes at SECOND."""
    version = VERSION if method == "overwrite" else None
    extra, behind = begin >= SECOND, begin
    found = [state(begin), schema(extra=extra)]
    for chunk in chunks:
        if behind >= SECOND and not extra:
            extra = True
            found.append(schema(extra=True))
        behind += len(chunk)
        found += [record(row, extra=extra, version=version) for row in chunk]
        found.append(state(behind))
    if version is not None:
        found.append({"type": "ACTIVATE_VERSION", "stream": STREAM, "version": version})
    return [*found, state(behind)]


def first_run(method: str) -> list[dict[str, Any]]:
    """The tap's output from nothing."""
    return tap(method, 0, [ROWS[at : at + 3] for at in range(0, len(ROWS), 3)])


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


@dataclass
class Bench:
    """A schema that is emptied again and again, and a connection of the test's own to it."""

    runner: Any
    connection: Any
    options: dict[str, Any]

    def query(self, sql: str, *binds: Any) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, list(binds))
            return list(cursor.fetchall())

    def execute(self, *statements: str) -> None:
        with self.connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        self.connection.commit()

    def reset(self, method: str, *, control_too: bool = False) -> None:
        """Nothing is there but the table of the overwrite, as an earlier load left it."""
        tables = [name for (name,) in self.query("SELECT TABLE_NAME FROM USER_TABLES")]
        emptied = [] if control_too else [name for name in CONTROL[:4] if name in tables]
        dropped = set(tables) - set(() if control_too else CONTROL)
        self.execute(
            *(f'DROP TABLE "{name}" PURGE' for name in sorted(dropped)),
            *(f'DELETE FROM "{name}"' for name in emptied),
        )
        if method == "overwrite":
            rows = [record(row, extra=False, version=None) for row in BEFORE]
            self.runner.ok([schema(extra=False), *rows])

    def found(self) -> list[Row] | None:
        """The table; None if there is none. A column that becomes a CLOB is read where it is."""
        columns = [
            name
            for (name,) in self.query(
                "SELECT COLUMN_NAME FROM USER_TAB_COLUMNS WHERE TABLE_NAME = :1", TABLE
            )
        ]
        if not columns:
            return None
        (note,) = {"NOTE"} & set(columns) or [name for name in columns if "FLEXT_CLOB" in name]
        extra = '"EXTRA"' if "EXTRA" in columns else "NULL"
        rows = self.query(f'SELECT "ID", "MOD_TS", "{note}", {extra} FROM "{TABLE}"')
        return sorted(
            (
                (int(key), when and when.day, text, None if number is None else int(number))
                for key, when, text, number in rows
            ),
            key=repr,
        )

    def run(self, messages: list[dict[str, Any]], **more: Any) -> Any:
        return self.runner.run(messages, **self.options | more)


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
    monkeypatch.setattr("oracledb.defaults.fetch_lobs", False)
    with target.account.connect() as connection:
        yield Bench(target, connection, {"port": proxy.port, "max_parallelism": 1})


def totals(outcome: Any) -> Counter[str]:
    found: Counter[str] = Counter()
    for event in outcome.of("BatchCommitted"):
        for name in ("received", "inserted", "updated", "unchanged", "stale", "rejected"):
            found[name] += getattr(event, f"rows_{name}")
    return found


@pytest.fixture(scope="module")
def mended(explorer: Any) -> Any:
    """What one method's runs have cut needs not be cut in another's."""
    return explorer(BOTH, ("before",), is_fatal=False, only=FIRST)


@pytest.fixture(scope="module")
def deaths(explorer: Any) -> Any:
    """Dead before a call, or at one that has no effect, is dead after the one before."""
    return explorer(("after",), (), is_fatal=True, only=FIRST)


def assert_mended(bench: Bench, proxy: Any, explorer: Any, method: str) -> None:
    """Run until nothing new is cut: each run ends well, and counts each batch once."""
    counted = []
    for _ in explorer.runs(proxy):
        bench.reset(method)
        outcome = bench.run(first_run(method), batch_size=3, load_method=method, reconnect_s=3600)
        assert outcome.error is None
        assert bench.found() == modelled(method, ROWS)
        assert outcome.states[-1] == state(len(ROWS))["value"]
        counted.append(totals(outcome))
    assert explorer.calls > 50
    assert all(each == counted[-1] for each in counted)


@pytest.mark.timeout(900)
@pytest.mark.xdist_group("crashes-mended")
@pytest.mark.parametrize("method", METHODS)
def test_a_run_mends_every_cut(bench: Bench, proxy: Any, mended: Any, method: str) -> None:
    """Each call is cut before and after, those that mend what a cut left too."""
    assert_mended(bench, proxy, mended, method)


@LONG
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("method", METHODS)
def test_a_run_mends_every_cut_of_its_own(
    bench: Bench, proxy: Any, explorer: Any, method: str
) -> None:
    """What other methods' runs have cut as well, and reads both ways."""
    assert_mended(bench, proxy, explorer(BOTH, BOTH, is_fatal=False), method)


@dataclass
class History:
    """What a source held, was read and took effect, over runs that end anywhere."""

    method: str
    source: list[Row] = field(default_factory=lambda: list(ROWS))
    bookmark: int = 0
    table: list[Row] | None = None
    is_swapped: bool = False
    sent: list[Row] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)  # of its batches, in rows sent

    def next(self, number: int) -> tuple[list[dict[str, Any]], int]:
        """The next run's input, and its batches' size; other ones each time."""
        size, batch_size = ((3, 2), (3, 3), (2, 5))[number % 3]
        places = range(self.bookmark, len(self.source))
        parts = [[p for p in places if p < SECOND], [p for p in places if p >= SECOND]]
        chunks, self.sent, self.ends = list[list[Row]](), list[Row](), [0]
        for part in parts:
            rows = [self.source[place] for place in part]
            found = [rows[at : at + size] for at in range(0, len(rows), size)]
            if number % 2 == 0:  # in another order between keys
                found = [sorted(chunk, key=lambda row: -row[0]) for chunk in found]
            chunks += found
            first = len(self.sent)
            self.sent += [row for chunk in found for row in chunk]
            self.ends += [*range(first, len(self.sent), batch_size), len(self.sent)]
        return tap(self.method, self.bookmark, chunks), batch_size

    def ended(self, states: list[Any], table: list[Row] | None) -> None:
        """A run ended: what it left must be the whole of some of its batches.

        Of those, at least, that its STATE says are durable.
        """
        begin = self.bookmark
        if states:
            self.bookmark = states[-1]["bookmarks"][STREAM]
        reported, before = self.bookmark - begin, self.table or []
        if self.method == "overwrite" and not self.is_swapped:
            may_be = [self.table, modelled(self.method, self.source)]
            self.is_swapped = table != self.table
        else:  # what comes of a version that is complete is merged, batch by batch
            ends = [end for end in self.ends if end >= reported]
            may_be = [modelled(self.method, before + self.sent[:end]) for end in ends]
            if self.table is None and not reported:
                may_be.append(None)
        assert table in may_be
        self.table = table


def assert_outlived(bench: Bench, proxy: Any, explorer: Any, method: str) -> None:
    """After each, a batch is there wholly or not at all, and no STATE is ahead of the table."""
    number = 0
    while number != 1:  # a first run that lives: all its calls were somebody's last
        bench.reset(method)
        history = History(method, table=bench.found())
        for number in explorer.runs(proxy):
            messages, size = history.next(number)
            outcome = bench.run(messages, batch_size=size, load_method=method, reconnect_s=0)
            history.ended(outcome.states, bench.found())
            if explorer.cuts:
                history.source.append((number % 4 + 1, 9 + number % 20, f"new {number}", number))
        assert outcome.error is None
        assert history.bookmark == len(history.source)
        assert history.table == modelled(method, history.source)
    assert explorer.calls > 50


@pytest.mark.timeout(900)
@pytest.mark.xdist_group("crashes-deaths")
@pytest.mark.parametrize("method", METHODS)
def test_the_next_run_mends_every_death(bench: Bench, proxy: Any, deaths: Any, method: str) -> None:
    """A run ends at each call; the next one goes on from the last STATE, and ends at the next."""
    assert_outlived(bench, proxy, deaths, method)


@LONG
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("method", METHODS)
def test_the_next_run_mends_every_death_of_its_own(
    bench: Bench, proxy: Any, explorer: Any, method: str
) -> None:
    """With those before a call, at reads, and where other methods' runs have ended."""
    assert_outlived(bench, proxy, explorer(BOTH, BOTH, is_fatal=True), method)


# what the checks above are worth


def state_before_commit(self: Run, stream: str, loader: StreamLoader, batch: Batch) -> None:
    self._durable(stream, batch.end)
    loader.load(batch)


@pytest.mark.parametrize(
    ("broken", "name", "by", "check", "found"),
    [
        (Run, "_load", state_before_commit, assert_outlived, r"^assert (None|\[.*) in "),
        (fence, "was_committed", lambda *_: True, assert_mended, "^assert FenceLostError"),
        (fence, "was_committed", lambda *_: False, assert_mended, "^assert FenceLostError"),
    ],
    ids=["STATE before COMMIT", "in doubt is committed", "in doubt is not committed"],
)
def test_what_is_broken_is_found(
    bench: Bench, proxy: Any, explorer: Any, monkeypatch: pytest.MonkeyPatch,
    broken: Any, name: str, by: Any, check: Any, found: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(broken, name, by)
    around_commit = (b'INTO "FLEXT', b"MERGE", b"FLEXT_LEDGER")
    calls = explorer(BOTH, BOTH, is_fatal=check is assert_outlived, only=around_commit)
    with pytest.raises(AssertionError, match=found):
        check(bench, proxy, calls, "upsert")
    assert calls.cut


@LONG
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("method", METHODS)
def test_the_next_run_mends_a_kill_at_any_call(
    bench: Bench, proxy: Any, forker: Any, tmp_path: Path, method: str
) -> None:
    """kill -9 while a call is on its way; it may reach the server after the process is gone."""
    bench.reset("overwrite")  # our own tables are there from now on
    options = {"batch_size": 3, "max_parallelism": 1, "load_method": method}
    environ = {"FLEXT_WORKSPACE": str(tmp_path)}
    for name, value in (bench.runner.account.settings() | options | bench.options).items():
        environ[f"FLEXT_TARGET_ORACLE_{name.upper()}"] = str(value)
    text = bench.runner.text(first_run(method))
    for call in count(1):
        bench.reset(method)
        history = History(method, table=bench.found())
        proxy.arm(call, "hold")
        process = forker.start(text, environ)
        while not proxy.held.wait(0.02) and not process.is_over():
            continue
        code = process.kill()
        lines = process.said.read_bytes().splitlines()
        proxy.let_go.set()
        if not proxy.held.is_set():
            assert code == 0
            assert bench.found() == modelled(method, ROWS)
            assert call > 40
            break
        assert code == -signal.SIGKILL
        if lines:
            history.bookmark = bench.runner.bookmark(lines[-1], STREAM)
        history.source += [(5, 9, "five", 1), (2, 9, "new", 2)]
        # The held call may take effect until the next run waits for its end at the fence's row.
        messages, size = history.next(2)
        proxy.arm(None)
        outcome = bench.run(messages, batch_size=size, load_method=method)
        assert outcome.error is None, call
        assert bench.found() == modelled(method, history.source), call
