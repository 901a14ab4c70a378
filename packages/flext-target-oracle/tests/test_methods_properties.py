"""Every load method against a small model: loads that stop and go on, rows late, twice, tied, gone.

docs/specs/load-methods.md in a few lines of dictionaries, and the real target through the driver.
"""
# ruff: noqa: DTZ001 -- TIMESTAMP columns hold naive UTC

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BEGIN = datetime(2026, 1, 1)
PROPERTIES = {
    "id": {"type": "integer"},
    "mod_ts": {"type": ["string", "null"], "format": "date-time"},
    "n": {"type": ["integer", "null"]},
}
#: Few keys, times and values, so that duplicates, late rows, ties and NULL mod_ts all occur.
ROW = st.tuples(st.integers(1, 3), st.none() | st.integers(0, 2), st.integers(0, 1))
#: What a run brings, whether it is of a full load and which, and whether the load is then complete.
RUN = st.tuples(
    st.lists(ROW, max_size=6),
    st.sampled_from(["incremental", "goes on", "begins anew"]),
    st.booleans(),
)
RUNS = st.lists(RUN, min_size=1, max_size=4)
_streams = count(1)


@dataclass(frozen=True)
class Held:
    """A row of the model.

    `arrived` orders what was extracted, `batched` is the run it changed in.
    """

    mod_ts: int | None
    n: int
    arrived: int
    batched: int
    version: int | None
    deleted: bool = False

    @property
    def rank(self) -> tuple[int, int]:
        return (-1 if self.mod_ts is None else self.mod_ts, self.arrived)

    def same(self, other: Held) -> bool:
        return (self.mod_ts, self.n) == (other.mod_ts, other.n)


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
    versions: dict[tuple[Any, ...], int] = field(default_factory=dict)
    shadow: dict[int, Held] = field(default_factory=dict)
    version: int | None = None
    began: int = 0
    last: int = 0
    arrivals: int = 0

    def run(self, number: int, rows: list[Any], kind: str, complete: bool) -> int | None:
        """Take a run; return the version that its records carry."""
        if kind == "incremental":
            for key, mod_ts, n in rows:
                self.take(key, mod_ts, n, number, None, self.table)
            return None
        if kind == "begins anew" or self.version is None:
            self.last += 1
            if rows:
                self.version, self.began, self.shadow = self.last, number, {}
        version = self.version or self.last
        goal = self.shadow if self.method == "overwrite" else self.table
        for key, mod_ts, n in rows:
            self.take(key, mod_ts, n, number, version, goal)
        if complete and rows:
            self.complete(version)
        return version

    def take(
        self, key: int, mod_ts: Any, n: int, run: int, version: Any, goal: dict[int, Held]
    ) -> None:
        self.arrivals += 1
        if self.method == "append-only":
            self.versions.setdefault((key, mod_ts), n)
        elif self.method == "append-only by hash":
            self.versions.setdefault((key, mod_ts, n), n)
        elif self.method == "last arrival" and (held := goal.get(key)) is not None:
            new = Held(mod_ts, n, self.arrivals, run, version)
            goal[key] = held if new.same(held) else new
        else:
            merge(goal, key, Held(mod_ts, n, self.arrivals, run, version))

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

    def rows(self) -> list[Any]:
        if self.method.startswith("append-only"):
            return sorted(((key[0], key[1], n) for key, n in self.versions.items()), key=repr)
        found = [(key, held.mod_ts, held.n) for key, held in self.table.items()]
        return sorted(found, key=repr)

    def deleted(self) -> set[int]:
        return {key for key, held in self.table.items() if held.deleted}


OPTIONS: dict[str, dict[str, Any]] = {
    "last arrival": {"keep_newer": False},
    "append-only": {"load_method": "append-only"},
    "append-only by hash": {"load_method": "append-only", "replication_key": "none"},
    "hard": {"on_missing": "hard", "max_delete_percent": 100},
    "soft": {"on_missing": "soft", "max_delete_percent": 100},
    "overwrite": {"load_method": "overwrite"},
}


def messages(
    stream: str, method: str, rows: list[Any], version: int | None, complete: bool
) -> list[dict[str, Any]]:
    schema = {"type": "SCHEMA", "stream": stream, "schema": {"properties": PROPERTIES}}
    found: list[dict[str, Any]] = [schema | {"key_properties": ["id"]}]
    if method != "append-only by hash":
        found[0]["bookmark_properties"] = ["mod_ts"]
    for key, mod_ts, n in rows:
        when = None if mod_ts is None else (BEGIN + timedelta(days=mod_ts)).isoformat() + "Z"
        message = {
            "type": "RECORD",
            "stream": stream,
            "record": {"id": key, "mod_ts": when, "n": n},
        }
        found.append(message if version is None else message | {"version": version})
    if complete and version is not None:
        found.append({"type": "ACTIVATE_VERSION", "stream": stream, "version": version})
    return found


def assert_model(target: Any, method: str, runs: list[Any], batch_size: int) -> None:
    stream, model = f"s{next(_streams)}", Model(method)
    for number, (rows, kind, complete) in enumerate(runs):
        version = model.run(number, rows, kind, complete)
        options = dict(OPTIONS[method])
        if method == "overwrite" and version is None:
            options["load_method"] = "upsert"  # the incremental job beside the full one
        target.ok(
            messages(stream, method, rows, version, complete), **options, batch_size=batch_size
        )
    found = [
        (key, None if when is None else (when - BEGIN).days, n)
        for key, when, n in target.table(stream.upper(), "ID", "MOD_TS", "N")
    ]
    assert sorted(((int(k), d, int(n)) for k, d, n in found), key=repr) == model.rows()
    if method == "soft":
        marks = target.table(stream.upper(), "ID", "_SDC_DELETED_AT")
        assert {key for key, at in marks if at is not None} == model.deleted()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("method", OPTIONS)
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(runs=RUNS, batch_size=st.integers(1, 4))
def test_the_table_is_the_model(target: Any, method: str, runs: list[Any], batch_size: int) -> None:
    assert_model(target, method, runs, batch_size)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("method", OPTIONS)
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(runs=RUNS, batch_size=st.integers(1, 4))
def test_the_table_is_the_model_for_long(
    target: Any, method: str, runs: list[Any], batch_size: int
) -> None:
    assert_model(target, method, runs, batch_size)
