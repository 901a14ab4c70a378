"""A full load: every row once, in ranges of ids that are read in parallel and resume.

Its start is in the state before its first record and survives resumption; the hand-over to the
incremental pair begins there. Only a load that reached its end says so.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from flext_observability import emit
from flext_tap_oracle_wms import paging, parallel
from flext_tap_oracle_wms.errors import NotFoundError
from flext_tap_oracle_wms.events import LoadCompleted, LoadStarted
from flext_tap_oracle_wms.paging import Interval
from flext_tap_oracle_wms.sync import reading

if TYPE_CHECKING:
    from datetime import datetime

    from flext_tap_oracle_wms.sync.job import Job

#: More ranges than readers, so that none idles while a dense range is read to its end.
_RANGES_PER_READER = 4


def version_of(started_at: datetime) -> int:
    """Return a load's version: its start in milliseconds."""
    return int(started_at.timestamp() * 1000)


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
    if opened is None or opened.ranges is None:
        started_at = _start(job)
        _note(job, started_at, [Interval()], resumed=False)
        left = _read_first_page(job, started_at)
    else:
        started_at, left = opened.started_at, list(opened.ranges)
        _note(job, started_at, left, resumed=True)
    _read_ranges(job, started_at, left)
    _complete(job, started_at)


def _note(job: Job, started_at: datetime, left: list[Interval], *, resumed: bool) -> None:
    emit(LoadStarted(job.stream, started_at.isoformat(), len(left), resumed=resumed))
    job.progress.loading(started_at, left)
    job.emit_state()


def _pages(job: Job, interval: Interval) -> reading.Pages:
    newest_first = job.settings.newest_first
    return reading.by_id(job.source, job.listing, interval, job.clock, descending=newest_first)


def _read_first_page(job: Job, started_at: datetime) -> list[Interval]:
    """Emit the first page alone, which is all of most entities, and cut what is left."""
    with contextlib.closing(_pages(job, Interval())) as pages:
        page = next(pages, None)
    if page is None or page.left is None:
        left: list[Interval] = []
    else:
        left = _cut(job, page.left)
    if page is not None:
        _emit(job, started_at, page, left)
    return left


def _emit(job: Job, started_at: datetime, page: reading.Page, left: list[Interval]) -> None:
    job.emit_page(page.results, page.fetched_at, version_of(started_at))
    job.progress.loading(started_at, left)
    job.emit_state()
    job.check_limit(more=bool(left))


def _read_ranges(job: Job, started_at: datetime, todo: list[Interval]) -> None:
    """Read ranges to their ends; STATE follows every page and holds what is left of each."""
    todo = todo if job.settings.newest_first else todo[::-1]
    left = dict(enumerate(todo))
    workers = job.settings.max_concurrency
    found = parallel.read(todo, lambda interval: _pages(job, interval), workers=workers)
    with contextlib.closing(found):
        for number, page in found:
            if page is None or page.left is None:
                left.pop(number, None)
            else:
                left[number] = page.left
            if page is not None:
                _emit(job, started_at, page, list(left.values()))


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
    job.emitter.activate_version(version_of(started_at))
    job.progress.loaded(started_at, job.clock.now())
    job.emit_state()
    emit(LoadCompleted(job.stream, started_at.isoformat(), job.emitted))


def _start(job: Job) -> datetime:
    """The instant from which changes may be missed by this load: the earlier clock's present."""
    return min(job.source.server_now())


def _cut(job: Job, left: Interval) -> list[Interval]:
    """Cut what is left into ranges, newest first; one where there is nothing to gain."""
    workers = job.settings.max_concurrency
    if workers == 1 or job.record_limit is not None:
        return [left]
    newest_first = job.settings.newest_first
    # One end is where the first page stopped; the other one is asked for.
    far = _edge(job, "id" if newest_first else "-id")
    near = left.below if newest_first else left.above
    if far is None or near is None:
        return [left]
    newest, oldest = (near - 1, far) if newest_first else (far, near + 1)
    if newest < oldest:
        return [left]
    pieces = workers * _RANGES_PER_READER
    return paging.cut(left, newest, oldest, pieces, smallest=job.listing.page_size)


def _edge(job: Job, ordering: str) -> int | None:
    params = {**job.listing.params, "ordering": ordering, "page_size": "1"}
    try:
        found = paging.ids(job.source.list_page(job.listing.entity, params).results)
    except NotFoundError:
        return None  # every row was removed since the first page
    return found[0] if found else None
