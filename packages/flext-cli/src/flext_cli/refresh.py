"""`flext refresh`: one stream read whole again, whatever the database holds.

For a database that was set back, or a table that is gone: the next runs would go on from a bookmark
that the table does not reach. Only after every row has been read again does the database forget
what it was told: a stream that its run had stopped stays stopped after a refresh that failed. One
that nothing had stopped goes on, as it did before, and every run of it says that a refresh did not
end (`unfinished`), until one does.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from flext_cli import again, clock, courses, unfinished
from flext_cli.again import Place, Reading, Watcher
from flext_cli.ends import Opened
from flext_cli.errors import AgainRefusedError, EndError
from flext_cli.handover import Pair
from flext_cli.unfinished import Refresh
from flext_cli.verify import reading
from flext_target_oracle import control_tables, fence
from flext_target_oracle.connection import Database
from flext_target_oracle.settings import Settings
from flext_target_oracle.sql import identifiers

_OWNER = "flext refresh"
_PURPOSE = "refresh"
_COMPLETE = "LoadCompleted"


@dataclass(frozen=True)
class Refreshed:
    """What was done.

    Attributes:
        scopes: those whose bookmarks count again.
    """

    run_id: str
    scopes: tuple[str, ...]


class _Completion:
    """Passes a run's lines on, and sees whether the tap came to the load's end."""

    def __init__(self, stream: str, watcher: Watcher) -> None:
        self.progress = watcher.progress
        self.seen = False
        self._stream = stream
        self._watcher = watcher

    def take(self, line: str) -> None:
        """Take a line of the run's log."""
        self._watcher.take(line)
        if _COMPLETE not in line:
            return
        try:
            record = json.loads(line)
        except ValueError:
            return
        name = record.get("stream") or record.get("stream_name")
        if name == self._stream and str(record.get("event")).split(" ")[0] == _COMPLETE:
            self.seen = True


def run(place: Place, stream: str, watcher: Watcher) -> Refreshed:
    """Read every row of a stream again, older or not, then let its bookmarks count again.

    Raises:
        AgainRefusedError: the stream has no key, so that its rows would be there twice, or the run
            read less than all.
        LeaseTakenError: a run of the stream stays at work.
        JobFailedError: the run failed; the stream stays as it was judged before.
        EndError, SettingsRefusedError: an end does not answer.
    """
    pairs = again.pairs(place.project, stream)
    pair = again.choose(place.project, stream, "full")
    with (
        again.holding(place, pairs, run_id=str(uuid.uuid4()), owner=_OWNER),
        courses.opened(place, pair, workers=1) as opened,
    ):
        memory = _memory(place, pair, stream, opened)
        _refuse_without_key(stream, opened, memory.settings)
        begun = Refresh(place.environment, stream, clock.now().isoformat(timespec="seconds"))
        with unfinished.marked(place.project.workspace(place.environ), begun):
            run_id = _read(place, pair, stream, memory, watcher)
            scopes = memory.renew([each.state_id(place.environment) for each in pairs])
    return Refreshed(run_id, tuple(scopes))


def _read(place: Place, pair: Pair, stream: str, memory: _Memory, watcher: Watcher) -> str:
    """Load all of the stream; answers the run's id."""
    own_scope = f"{pair.state_id(place.environment)}:{_PURPOSE}"
    memory.renew([own_scope])
    completion = _Completion(stream, watcher)
    changed = Reading(stream, _PURPOSE, {"sync_mode": "full"}, {"keep_newer": "false"})
    run_id = again.read(place, pair, changed, completion)
    if not completion.seen:
        raise AgainRefusedError(
            f"the run read less than all of {stream}, so its bookmarks do not count yet",
            remedy="take record_limit out of the settings, and begin the refresh again",
        )
    if not memory.renew([own_scope]):
        raise EndError(
            f"the refresh loaded {stream}, but not into {memory.table}",
            remedy="say schema, table_prefix and control_schema in `.env` alone",
        )
    return run_id


@dataclass(frozen=True)
class _Memory:
    """What the database was told of a table, by scope."""

    database: Database
    settings: Settings
    schema: str
    table: str

    def renew(self, scopes: Sequence[str]) -> list[str]:
        """Let these scopes begin from anything; answers those that were known."""
        with self.database.session(_OWNER) as session:
            if control_tables.ensure(session, self.schema, ddl=self.settings.ddl):
                return []  # there is none yet; the run says what a DBA must make
            return [
                scope
                for scope in scopes
                if fence.forget(session, schema=self.schema, table=self.table, scope=scope)
            ]


def _memory(place: Place, pair: Pair, stream: str, opened: Opened) -> _Memory:
    database, settings = opened.ends.oracle, again.target_of(place, pair)
    name = identifiers.identifier(
        settings.table_prefix + stream, max_bytes=database.max_identifier_bytes
    )
    schema = settings.control_schema or opened.ends.control_schema
    return _Memory(database, settings, schema, f"{settings.target_schema}.{name}")


def _refuse_without_key(stream: str, opened: Opened, settings: Settings) -> None:
    listing = reading.listing(opened.ends.wms, opened.ends.settings, stream, clock.now())
    if settings.load_method != "overwrite" and reading.KEY not in listing.types:
        raise AgainRefusedError(
            f"{stream} has no {reading.KEY}, so that rows read again would be there twice",
            remedy="set load_method overwrite for its loader, or let a DBA empty the table first",
        )
