"""Every load method against a small model: any messages, any batches, any crash, the next run.

docs/specs/load-methods.md and delivery.md §4 in a few lines of dictionaries, and the real target
through the driver: loads that stop and go on, rows late, twice, tied, gone; a column that comes,
and one that becomes a CLOB; runs that are cut at any of their calls and gone on with from the last
STATE, in other batches, in another order between keys, with newer rows behind.
"""
# ruff: noqa: DTZ001 -- TIMESTAMP columns hold naive UTC

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from flext_target_oracle import retrying

BEGIN = datetime(2026, 1, 1)
#: What a note stands for; in a failing example a long text would be pages.
NOTES = {"long": "x" * 4001}
PROPERTIES = {
    "id": {"type": "integer"},
    "mod_ts": {"type": ["string", "null"], "format": "date-time"},
    "note": {"type": ["string", "null"]},
}
EXTRA = {"extra": {"type": ["integer", "null"]}}
#: What a row says besides its key and mod_ts: a note, and `extra` once the schema has it.
Content = tuple[str | None, int | None]
Row = tuple[int, int | None, Content]
#: Few keys, times and values, so that duplicates, late rows, ties and NULL mod_ts all occur.
CONTENT = st.tuples(st.sampled_from(["a", "b", None, "long"]), st.none() | st.integers(0, 1))
ROW = st.tuples(st.integers(1, 3), st.none() | st.integers(0, 2), CONTENT)
#: Rows that only come after a crash are newer than all others.
NEWER = st.lists(st.tuples(st.integers(1, 4), st.just(9), CONTENT), max_size=2)


@dataclass(frozen=True)
class Crash:
    """A run's call that is cut, and what the next run is like that goes on from the last STATE.

    Attributes:
        is_death: whether the run ends there; else it connects again.
    """

    call: int
    when: Literal["before", "after"]
    is_death: bool
    newer: list[Row]
    batch_size: int


@dataclass(frozen=True)
class Tap:
    """What a run brings, whether it is of a full load and which, whether that is then complete.

    Attributes:
        says_so: whether the tap's ACTIVATE_VERSION says of itself that it is the end: it then is
            one of a run without a record, too.
        every: a STATE comes behind so many rows.
    """

    rows: list[Row]
    kind: str
    complete: bool
    says_so: bool
    every: int
    batch_size: int
    crash: Crash | None


SIZE = st.integers(1, 4)
CRASH = st.builds(
    Crash, st.integers(1, 90), st.sampled_from(["before", "after"]), st.booleans(), NEWER, SIZE
)
RUN = st.builds(
    Tap,
    st.lists(ROW, max_size=6),
    st.sampled_from(["incremental", "goes on", "begins anew"]),
    st.booleans(),
    st.booleans(),
    SIZE,
    SIZE,
    st.none() | CRASH,
)
RUNS = st.lists(RUN, min_size=1, max_size=3)
#: From which row on, of all that come, the schema has `extra`.
SINCE = st.integers(0, 9)
#: A load whose last run brings no record, and one of a source that became empty.
EMPTIED = [
    Tap([(1, 0, ("a", None)), (2, 0, ("a", None))], "begins anew", True, True, 2, 2, None),
    Tap([(2, 0, ("b", None))], "begins anew", False, True, 2, 2, None),
    Tap([], "goes on", True, True, 2, 2, Crash(40, "after", True, [], 2)),
    Tap([], "begins anew", True, True, 2, 2, None),
]
#: So many calls make it; a program that never reached its database says so and ends.
FIRST_CONNECTION = 8


@dataclass(frozen=True)
class Held:
    """A row of the model.

    `arrived` orders what was extracted, `batched` is the run it changed in.
    """

    mod_ts: int | None
    content: Content
    arrived: int
    batched: int
    version: int | None
    deleted: bool = False

    @property
    def rank(self) -> tuple[int, int]:
        return (-1 if self.mod_ts is None else self.mod_ts, self.arrived)

    def same(self, other: Held) -> bool:
        return (self.mod_ts, self.content) == (other.mod_ts, other.content)


def merge(table: dict[int, Held], key: int, new: Held) -> None:
    held = table.get(key)
    if held is None:
        table[key] = new
        return
    found = (
        replace(new, version=held.version) if new.rank >= held.rank and not new.same(held) else held
    )
    seen_in = max(filter(None, (held.version, new.version)), default=None)
    table[key] = replace(found, version=seen_in, deleted=False)


@dataclass
class Model:
    """The table as docs/specs/load-methods.md says it must be."""

    method: str
    table: dict[int, Held] = field(default_factory=dict)
    versions: dict[tuple[Any, ...], Content] = field(default_factory=dict)
    shadow: dict[int, Held] = field(default_factory=dict)
    version: int | None = None
    began: int = 0
    last: int = 0
    arrivals: int = 0

    def version_of(self, tap: Tap) -> int | None:
        """The version that the records of the next run carry."""
        if tap.kind == "incremental":
            return None
        if self.version is None or tap.kind == "begins anew":
            return self.last + 1
        return self.version

    def run(self, number: int, rows: list[Row], tap: Tap) -> None:
        """Take a run, all of its rows."""
        if tap.kind == "incremental":
            for row in rows:
                self.take(row, number, None, self.table)
            return
        if not rows and not tap.complete:
            return  # no message has its version
        if tap.kind == "begins anew" or self.version is None:
            self.last += 1
            self.version, self.began, self.shadow = self.last, number, {}
        version = self.version or self.last
        goal = self.shadow if self.method == "overwrite" else self.table
        for row in rows:
            self.take(row, number, version, goal)
        if tap.complete and (rows or tap.says_so):
            self.complete(version)

    def take(self, row: Row, run: int, version: Any, goal: dict[int, Held]) -> None:
        key, mod_ts, content = row
        self.arrivals += 1
        if self.method == "append-only":
            self.versions.setdefault((key, mod_ts), content)
        elif self.method == "append-only by hash":
            self.versions.setdefault((key, mod_ts, content), content)
        elif self.method == "last arrival" and (held := goal.get(key)) is not None:
            new = Held(mod_ts, content, self.arrivals, run, version)
            goal[key] = held if new.same(held) else new
        else:
            merge(goal, key, Held(mod_ts, content, self.arrivals, run, version))

    def complete(self, version: int) -> None:
        if self.method == "overwrite":
            for key in [key for key, held in self.table.items() if held.batched < self.began]:
                if key not in self.shadow:
                    del self.table[key]
            for key, new in self.shadow.items():
                merge(self.table, key, new)
        for key, held in list(self.table.items()):
            if (held.version or 0) < version and held.batched < self.began:
                if self.method == "hard":
                    del self.table[key]
                elif self.method == "soft":
                    self.table[key] = replace(held, deleted=True)
        self.version = None

    def rows(self) -> list[Row]:
        if self.method.startswith("append-only"):
            held = [(key[0], key[1], content) for key, content in self.versions.items()]
        else:
            held = [(key, row.mod_ts, row.content) for key, row in self.table.items()]
        return sorted(held, key=repr)

    def deleted(self) -> set[int]:
        return {key for key, held in self.table.items() if held.deleted}


OPTIONS: dict[str, dict[str, Any]] = {
    "upsert": {},
    "last arrival": {"keep_newer": False},
    "append-only": {"load_method": "append-only"},
    "append-only by hash": {"load_method": "append-only", "replication_key": "none"},
    "hard": {"on_missing": "hard", "max_delete_percent": 100},
    "soft": {"on_missing": "soft", "max_delete_percent": 100},
    "overwrite": {"load_method": "overwrite", "max_delete_percent": 100},
}


@dataclass
class Source:
    """One stream's tap.

    Attributes:
        since: from which row of a run on the schema has `extra`; below 0, it always had.
    """

    stream: str
    method: str
    tap: Tap
    version: int | None
    since: int

    def schema(self, *, extra: bool) -> dict[str, Any]:
        properties = PROPERTIES | (EXTRA if extra else {})
        found = {"type": "SCHEMA", "stream": self.stream, "schema": {"properties": properties}}
        ordered = (
            {} if self.method == "append-only by hash" else {"bookmark_properties": ["mod_ts"]}
        )
        return found | {"key_properties": ["id"]} | ordered

    def state(self, behind: int) -> dict[str, Any]:
        return {"type": "STATE", "value": {"bookmarks": {self.stream: behind}}}

    def record(self, row: Row, *, extra: bool) -> dict[str, Any]:
        key, mod_ts, (note, number) = row
        when = None if mod_ts is None else (BEGIN + timedelta(days=mod_ts)).isoformat() + "Z"
        text = NOTES.get(note or "", note)
        values = {"id": key, "mod_ts": when, "note": text} | ({"extra": number} if extra else {})
        message = {"type": "RECORD", "stream": self.stream, "record": values}
        return message if self.version is None else message | {"version": self.version}

    def messages(self, begin: int, newer: list[Row], *, is_again: bool) -> list[dict[str, Any]]:
        """The output from a bookmark on, which is how many rows are behind it."""
        rows = self.tap.rows + newer
        found = [self.state(begin), self.schema(extra=begin >= self.since)]
        for at in range(begin, len(rows)):
            if at and at == self.since and at > begin:
                found.append(self.schema(extra=True))
            found.append(self.record(rows[at], extra=at >= self.since))
            if (at + 1) % self.tap.every == 0:
                found.append(self.state(at + 1))
        if is_again:
            found = reordered(found)
        if self.tap.complete and self.version is not None:
            activate = {"type": "ACTIVATE_VERSION", "stream": self.stream, "version": self.version}
            found.append(activate | ({"flext_complete": True} if self.tap.says_so else {}))
        return [*found, self.state(len(rows))]


def reordered(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same with records between two others in another order between keys."""
    found, records = list[dict[str, Any]](), list[dict[str, Any]]()
    for message in [*messages, None]:
        if message is not None and message["type"] == "RECORD":
            records.append(message)
            continue
        found += sorted(records, key=lambda each: -each["record"]["id"])
        records = []
        if message is not None:
            found.append(message)
    return found


def load(target: Any, proxy: Any, source: Source, options: dict[str, Any]) -> list[Row]:
    """Run the tap into the target, and again after a crash; return the rows that came in all."""
    tap, crash, calls = source.tap, source.tap.crash, count(1)

    def judge(_link: int, _place: int, _head: bytes) -> str | None:
        call = next(calls)
        if crash is None or call < crash.call or (call > crash.call and not crash.is_death):
            return None
        return crash.when if call == crash.call else "before"

    proxy.leave_to(judge)
    reconnect_s = 0 if crash is None or crash.is_death else 3600
    first = source.messages(0, [], is_again=False)
    outcome = target.run(
        first, **options, port=proxy.port, batch_size=tap.batch_size, reconnect_s=reconnect_s
    )
    if outcome.error is None:
        return tap.rows
    assert crash is not None, outcome.error
    assert crash.is_death or crash.call <= FIRST_CONNECTION, outcome.error
    reached = outcome.states[-1]["bookmarks"][source.stream] if outcome.states else 0
    # A tap that goes on reads at least the end of what it had read.
    begin = max(min(reached, len(tap.rows) - 1), 0)
    newer = masked(crash.newer, source.since - len(tap.rows)) if tap.rows else []
    again = source.messages(begin, newer, is_again=True)
    target.ok(again, **options, batch_size=crash.batch_size)
    return tap.rows + newer


def masked(rows: list[Row], since: int) -> list[Row]:
    """The rows as their schema tells of them: before `since` none has `extra`."""
    return [
        (key, mod_ts, (note, extra if at >= since else None))
        for at, (key, mod_ts, (note, extra)) in enumerate(rows)
    ]


def assert_model(target: Any, proxy: Any, method: str, taps: list[Tap], since: int) -> None:
    target.account.reset()
    stream, model = "s", Model(method)
    for number, tap in enumerate(taps):
        source = Source(stream, method, replace(tap, rows=masked(tap.rows, since)), None, since)
        options = dict(OPTIONS[method])
        source.version = model.version_of(tap)
        if method == "overwrite" and source.version is None:
            options["load_method"] = "upsert"  # the incremental job beside the full one
        rows = load(target, proxy, source, options)
        model.run(number, rows, tap)
        since -= len(rows)
    assert found(target, stream) == model.rows()
    if method == "soft":
        marks = target.table(stream.upper(), "ID", "_SDC_DELETED_AT")
        assert {key for key, at in marks if at is not None} == model.deleted()


def found(target: Any, stream: str) -> list[Row]:
    notes = {text: note for note, text in NOTES.items()}
    columns = target.account.rows(
        "SELECT COLUMN_NAME FROM USER_TAB_COLUMNS WHERE TABLE_NAME = :1", [f"WMS_{stream}".upper()]
    )
    names = ["ID", "MOD_TS", "NOTE", *(["EXTRA"] if ("EXTRA",) in columns else [])]
    return sorted(
        (
            (
                int(row[0]),
                None if row[1] is None else (row[1] - BEGIN).days,
                (
                    notes.get(row[2], row[2]),
                    None if len(row) == 3 or row[3] is None else int(row[3]),
                ),
            )
            for row in target.table(stream.upper(), *names)
        ),
        key=repr,
    )


def examples(number: int) -> Any:
    return settings(
        max_examples=number,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@pytest.fixture
def oracle_account(module_account: Any) -> Any:
    return module_account


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch, recurring_shadows: None) -> None:
    del recurring_shadows
    monkeypatch.setattr(retrying, "_FIRST_PAUSE_S", 0)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("method", OPTIONS)
@examples(5)
@given(taps=RUNS, since=SINCE)
@example(taps=EMPTIED[:3], since=0)
@example(taps=EMPTIED, since=0)
def test_the_table_is_the_model(
    target: Any, proxy: Any, method: str, taps: list[Tap], since: int
) -> None:
    assert_model(target, proxy, method, taps, since)


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("method", OPTIONS)
@examples(100)
@given(taps=RUNS, since=SINCE)
def test_the_table_is_the_model_for_long(
    target: Any, proxy: Any, method: str, taps: list[Tap], since: int
) -> None:
    assert_model(target, proxy, method, taps, since)
