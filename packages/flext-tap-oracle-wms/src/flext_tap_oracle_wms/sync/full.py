"""A full load: every row once, in ranges of ids that are read in parallel and resume.

Its start is in the state before its first record and survives resumption; the hand-over to the
incremental pair begins there. Only a load that reached its end says so.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from flext_observability import emit
from flext_tap_oracle_wms.errors import ProtocolError
from flext_tap_oracle_wms.events import (
    CountCompared,
    CountMissed,
    LoadCompleted,
    LoadStarted,
    RangeDrained,
)
from flext_tap_oracle_wms.paging import Interval
from flext_tap_oracle_wms.sync import ranges, reading
from flext_tap_oracle_wms.windows import instant_text

if TYPE_CHECKING:
    from datetime import datetime

    from flext_tap_oracle_wms.sync.job import Job


def version_of(started_at: datetime) -> int:
    """Return a load's version: its start in milliseconds."""
    return int(started_at.timestamp() * 1000)


@dataclass
class _Load:
    """A load that runs.

    Attributes:
        records: rows emitted so far, by this run and those before it that it goes on from.
        left: the ranges still to read, by number, in the order in which they are begun.
    """

    job: Job
    started_at: datetime
    records: int = 0
    left: dict[int, Interval] = field(default_factory=dict)

    def note(self) -> None:
        """Put what is left into the state."""
        self.job.progress.loading(self.started_at, list(self.left.values()), self.records)

    def emit(self, page: reading.Page) -> None:
        """Write a page with the STATE after it."""
        job, before = self.job, self.job.emitted
        with job.unit():
            job.emit_page(page.results, page.fetched_at, version_of(self.started_at))
            self.records += job.emitted - before
            self.note()
            job.emit_state()
        job.check_limit(more=bool(self.left))


def load(job: Job) -> None:
    """Read all rows, from where a former run was stopped if it can be resumed.

    Raises:
        TapError: the load cannot go on; what STATE says is emitted is emitted.
        LimitReachedError: the record limit is reached before the end.
    """
    if job.emitter.has_key and job.settings.orders_by_id:
        _load_by_id(job)
    else:
        _load_by_next_page(job)


def _load_by_id(job: Job) -> None:
    opened = job.progress.open_load()
    fresh = opened is None or opened.ranges is None
    if opened is None or opened.ranges is None:
        running = _Load(job, _start(job), left={0: Interval()})
    else:
        running = _Load(job, opened.started_at, opened.records, dict(enumerate(opened.ranges)))
    emit(LoadStarted(job.stream, running.started_at.isoformat(), len(running.left), not fresh))
    with job.unit():
        running.note()
        job.emit_state()
    if fresh:
        _read_first_page(running)
    _read_ranges(running)
    if not fresh or running.records > job.listing.size.ceiling:
        _compare(running)
    _complete(job, running.started_at)


def _read_first_page(running: _Load) -> None:
    """Emit the first page alone, which is all of most entities, and cut what is left."""
    job, newest_first = running.job, running.job.settings.newest_first
    first = reading.by_id(job.source, job.listing, Interval(), job.clock, descending=newest_first)
    with contextlib.closing(first) as pages:
        page = next(pages, None)
    running.left = {} if page is None or page.left is None else {0: page.left}
    if page is not None:
        running.emit(page)
    if page is not None and page.left is not None:
        todo = ranges.cut(job, job.listing, page.left, descending=newest_first)
        running.left = dict(enumerate(todo))


def _read_ranges(running: _Load) -> None:
    """Read ranges to their ends; STATE follows every page and holds what is left of each."""
    job, newest_first = running.job, running.job.settings.newest_first
    todo = list(running.left.values())
    if not newest_first:
        todo.reverse()
    running.left = dict(enumerate(todo))
    with contextlib.closing(ranges.read(job, job.listing, todo, descending=newest_first)) as found:
        for number, page in found:
            if page is None or page.left is None:
                running.left.pop(number, None)
            else:
                running.left[number] = page.left
            if page is not None:
                running.emit(page)
            else:
                emit(RangeDrained(job.stream, todo[number].above, todo[number].below))


def _compare(running: _Load) -> None:
    """Compare the rows that were read with the API's count of those that had to be.

    Rows that were modified since the load began are not counted: some came after their range was
    read. Neither are those just before it, which may have been committed late.

    Raises:
        ProtocolError: rows are missing; the next run begins the load anew.
    """
    job, key = running.job, running.job.replication_key
    if running.records == 0:
        return
    before = running.started_at - timedelta(seconds=job.settings.lookback_seconds)
    more = {} if key is None else {f"{key}__lt": instant_text(before)}
    counted = ranges.count(job, job.listing, more)
    if counted is None:
        return
    if running.records >= counted:
        emit(CountCompared(job.stream, running.records, counted))
        return
    if key is None:
        emit(CountMissed(job.stream, running.records, counted))
        return
    job.progress.loading(running.started_at, None)
    job.emit_state()
    raise ProtocolError(
        f"entity {job.listing.entity}: {running.records} rows were read, but the WMS counts "
        f"{counted} that were there before the load; run again, the load begins anew"
    )


def _load_by_next_page(job: Job) -> None:
    started_at = _start(job)
    emit(LoadStarted(job.stream, started_at.isoformat(), 1, resumed=False))
    job.progress.loading(started_at, None)
    job.emit_state()
    ordering = None if job.settings.orders_by_id else job.settings.ordering
    for page in reading.by_next_page(job.source, job.listing, job.clock, ordering=ordering):
        job.emit_page(page.results, page.fetched_at, version_of(started_at))
        job.check_limit(more=page.more)
    _complete(job, started_at)


def _complete(job: Job, started_at: datetime) -> None:
    with job.unit():
        job.emitter.activate_version(version_of(started_at))
        job.progress.loaded(started_at, job.clock.now())
        job.emit_state()
    emit(LoadCompleted(job.stream, started_at.isoformat(), job.emitted))


def _start(job: Job) -> datetime:
    """The instant from which changes may be missed by this load: the earlier clock's present."""
    return min(job.source.server_now())
