"""docs/specs/delivery.md §8: a database that was set back, a table that is gone or another one."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flext_target_oracle import applying, continuity, fence
from flext_target_oracle.connection import Database
from flext_target_oracle.continuity import Beginning, Remembered
from flext_target_oracle.errors import StreamOutOfStepError
from flext_target_oracle.loader import StreamLoader
from flext_target_oracle.reporting import as_json
from flext_target_oracle.settings import load

SCHEMA = {
    "type": "SCHEMA",
    "stream": "s",
    "schema": {"properties": {"id": {"type": "integer"}}},
    "key_properties": ["id"],
}
NOTHING: dict[str, Any] = {"bookmarks": {}}


def at(day: int, **more: Any) -> dict[str, Any]:
    moment = f"2026-01-{day:02}T00:00:00+00:00"
    return {"bookmarks": {"s": {"replication_key": "m", "replication_key_value": moment} | more}}


def full(records: int | None, *, started: int = 1) -> dict[str, Any]:
    load: dict[str, Any] = {"started_at": f"2026-01-{started:02}T00:00:00+00:00"}
    load |= {"completed_at": "2026-02-01T00:00:00+00:00"} if records is None else {
        "completed_at": None, "ranges": [], "records": records}  # fmt: skip
    return {"bookmarks": {"s": {"full_load": load}}}


def run(target: Any, begin: dict[str, Any] | None, *steps: int | dict[str, Any]) -> Any:
    """A run from a bookmark (None: the tap does not say); steps are ids of records, or STATEs."""
    messages = [] if begin is None else [{"type": "STATE", "value": begin}]
    messages.append(SCHEMA)
    for step in steps:
        if isinstance(step, int):
            messages.append({"type": "RECORD", "stream": "s", "record": {"id": step}})
        else:
            messages.append({"type": "STATE", "value": step})
    return target.run(messages)


def told(target: Any) -> Any:
    ((bookmark,),) = target.account.rows('SELECT "BOOKMARK" FROM "FLEXT_FENCE"')
    return None if bookmark is None else json.loads(bookmark)


def test_what_leaves_in_a_state_line_is_in_the_database(target: Any) -> None:
    outcome = run(target, NOTHING, 1, at(1))
    assert outcome.error is None
    assert outcome.states[-1] == at(1)
    assert told(target) == at(1)["bookmarks"]["s"]
    outcome = run(target, at(1), at(2))  # nothing new to load, yet the bookmark moves
    assert outcome.states[-1] == at(2)
    assert told(target) == at(2)["bookmarks"]["s"]
    assert run(target, at(2), 2, at(3)).error is None


def test_a_database_that_was_set_back_stops_the_stream(target: Any) -> None:
    assert run(target, NOTHING, 1, at(1)).error is None
    target.account.execute('CREATE TABLE "BACKUP" AS SELECT * FROM "FLEXT_FENCE"')
    assert run(target, at(1), 2, at(2)).error is None
    target.account.execute(
        'DELETE FROM "WMS_S" WHERE "ID" = 2',
        'DELETE FROM "FLEXT_FENCE"',
        'INSERT INTO "FLEXT_FENCE" SELECT * FROM "BACKUP"',
    )
    outcome = run(target, at(2), 3, at(3))
    assert isinstance(outcome.error, StreamOutOfStepError)
    for part in ("stream s", "set back", "run `flext refresh s`"):
        assert part in str(outcome.error)
    assert target.table("S", "ID") == [(1,)]
    assert outcome.states == [at(2)]  # what came in goes out; nothing newer
    assert run(target, at(1), 2, 3, at(3)).error is None  # from where the database is


@pytest.mark.parametrize("made_anew", [True, False])
def test_a_table_that_is_gone_or_another_one_stops_the_stream(target: Any, made_anew: bool) -> None:
    assert run(target, NOTHING, 1, at(1)).error is None
    target.account.execute('DROP TABLE "WMS_S" PURGE')
    if made_anew:
        target.account.execute('CREATE TABLE "WMS_S" ("ID" NUMBER(38) PRIMARY KEY)')
    for begin in (at(1), None):  # also where the tap does not say where it begins
        outcome = run(target, begin, 2, at(2))
        assert isinstance(outcome.error, StreamOutOfStepError)
        assert ("is not the table" if made_anew else "is gone") in str(outcome.error)
        assert "flext refresh s" in str(outcome.error)
    assert run(target, NOTHING, 1, 2, at(2)).error is None  # from nothing: all of it comes
    assert target.table("S", "ID") == [(1,), (2,)]
    assert run(target, at(2), 3).error is None  # and from here on it is the one


def test_a_bookmark_without_any_table_stops_the_stream(target: Any) -> None:
    """The database was set back to before the first run, or another one is addressed."""
    for begin in (at(1), at(1, handed_over=True), full(None)):
        outcome = run(target, begin, 2)
        assert isinstance(outcome.error, StreamOutOfStepError)
        assert "is not there" in str(outcome.error)


def test_the_hand_over_may_set_a_bookmark_ahead(target: Any) -> None:
    assert run(target, NOTHING, 1, at(1)).error is None
    assert run(target, at(9, handed_over=True), 2, at(10, handed_over=False)).error is None


def test_a_scope_that_the_database_does_not_know_is_taken(
    target: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(target, NOTHING, 1, at(1)).error is None
    monkeypatch.setenv("FLEXT_SCOPE", "another")
    assert run(target, at(5), 2, at(6)).error is None


def test_what_a_refresh_forgets_no_longer_counts(target: Any) -> None:
    assert run(target, NOTHING, 1, at(1)).error is None
    account = target.account
    account.execute('DROP TABLE "WMS_S" PURGE')
    database = Database(load(account.settings()), run_id="r")
    with database.session("t") as session:
        fence.forget(session, schema=account.user, table=f"{account.user}.WMS_S", scope="local")
    database.close()
    assert run(target, None, 1, at(1)).error is None


def test_a_tap_without_bookmarks_may_lose_its_table(target: Any) -> None:
    """It sends everything again."""
    assert run(target, None, 1).error is None
    target.account.execute('DROP TABLE "WMS_S" PURGE')
    assert run(target, None, 1).error is None


def out_of_step(begin: Any, last: Any) -> bool:
    remembered = Remembered(7, json.dumps(last["bookmarks"]["s"]))
    try:
        continuity.check("s", "t", Beginning(True, begin["bookmarks"]["s"]), remembered, 7)
    except StreamOutOfStepError:
        return True
    return False


class Watched:
    """A lock that says when somebody comes for it."""

    def __init__(self, came: threading.Event) -> None:
        self._lock, self._came = threading.Lock(), came

    def __enter__(self) -> None:
        self._came.set()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_an_earlier_bookmark_that_is_told_as_a_batch_commits_does_not_stay(
    target: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STATE of what came before is told while the next batch commits, which tells a later one."""
    began, applied = StreamLoader.load, applying.apply
    came, late, loaders = threading.Event(), list[threading.Thread](), list[StreamLoader]()

    def apply(session: Any, delivery: Any, entry: Any, *more: Any, **options: Any) -> Any:
        counts = applied(session, delivery, entry, *more, **options)
        assert delivery.tell == as_json(at(2)["bookmarks"]["s"])
        came.clear()

        def tell() -> None:
            loaders[0].tell(as_json(at(1)["bookmarks"]["s"]))
            came.set()

        late.append(threading.Thread(target=tell, daemon=True))
        late[0].start()
        assert came.wait(20)
        return counts

    def load(self: StreamLoader, batch: Any) -> bool:
        loaders.append(self)
        self._telling = Watched(came)  # type: ignore[assignment]  # all that is used of a lock
        is_durable = began(self, batch)
        late[0].join(20)
        return is_durable

    monkeypatch.setattr(applying, "apply", apply)
    monkeypatch.setattr(StreamLoader, "load", load)
    # The batch is closed by the end of input only, so that it knows of the STATE behind it.
    outcome = run(target, NOTHING, 1, at(2))
    assert (outcome.error, outcome.states[-1]) == (None, at(2))
    assert not late[0].is_alive()
    assert told(target) == at(2)["bookmarks"]["s"]


@given(st.integers(1, 28), st.integers(1, 28), st.booleans())
def test_an_instant_is_ahead_if_it_is_later(begin: int, last: int, handed_over: bool) -> None:
    found = out_of_step(at(begin, handed_over=handed_over), at(last))
    assert found == (begin > last and not handed_over)


PROGRESS = st.none() | st.integers(0, 5)


@given(PROGRESS, PROGRESS, st.integers(1, 2), st.integers(1, 2))
def test_a_full_load_is_ahead_if_it_is_a_later_one_or_further(
    begin: int | None, last: int | None, started: int, last_started: int
) -> None:
    far = 10**9
    ours = (started, far if begin is None else begin)
    theirs = (last_started, far if last is None else last)
    assert out_of_step(full(begin, started=started), full(last, started=last_started)) == (
        ours > theirs
    )


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
MEMBERS = st.sampled_from(["replication_key_value", "full_load", "started_at", "records", "x"])
ANY = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(MEMBERS, inner))


@given(ANY, ANY)
def test_any_bookmark_of_any_tap_is_taken_or_refused_by_name(begin: Any, last: Any) -> None:
    remembered = Remembered(None, json.dumps(last, allow_nan=False) if _is_json(last) else None)
    with suppress(StreamOutOfStepError):
        assert continuity.check("s", "t", Beginning(True, begin), remembered, 7) is None


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False).encode()
    except (ValueError, UnicodeEncodeError):
        return False
    return True
