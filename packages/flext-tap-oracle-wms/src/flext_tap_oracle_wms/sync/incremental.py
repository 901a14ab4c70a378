"""An incremental run: windows of modification times, read in the order of ids.

A row that is modified while its window is read leaves the window without shifting the others,
and is found by the next window. The bookmark stays until a window is drained and is then the
window's end, not the largest time that was seen.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from flext_observability import emit
from flext_tap_oracle_wms import windows
from flext_tap_oracle_wms.events import WindowDrained, WindowStarted
from flext_tap_oracle_wms.paging import Interval
from flext_tap_oracle_wms.sync import reading

if TYPE_CHECKING:
    from datetime import datetime

    from flext_tap_oracle_wms.sync.job import Job
    from flext_tap_oracle_wms.windows import Window


def run(job: Job) -> None:
    """Read what changed since the bookmark, after what a former run left of its window.

    Raises:
        TapError: it cannot go on; the bookmark stays where the last drained window ended.
        LimitReachedError: the record limit is reached before the end.
    """
    end = _end(job)
    opened = job.progress.open_window()
    if opened is not None:
        _drain(job, opened.window, opened.last_id, resumed=True)
    for window in _plan(job, end):
        _drain(job, window, None, resumed=False)


def _end(job: Job) -> datetime:
    settings = job.settings
    server_now, local_now = job.source.server_now()
    return windows.window_end(
        server_now=server_now,
        local_now=local_now,
        max_skew=timedelta(seconds=settings.max_clock_skew_seconds),
        lag=timedelta(seconds=settings.safety_lag_seconds),
    )


def _plan(job: Job, end: datetime) -> list[Window]:
    settings, progress = job.settings, job.progress
    return windows.plan(
        bookmark=progress.bookmark(),
        start_date=settings.start_date,
        end=end,
        lookback=windows.choose_lookback(
            now=end,
            handed_over=progress.handed_over(),
            deep_at=progress.deep_at(),
            daily_at=progress.daily_at(),
        ),
        lookbacks=windows.Lookbacks(
            short=timedelta(seconds=settings.lookback_seconds),
            deep=timedelta(seconds=settings.deep_lookback_seconds),
            daily=timedelta(seconds=settings.daily_lookback_seconds),
            handover=timedelta(seconds=settings.handover_lookback_seconds),
        ),
        longest=timedelta(days=settings.window_days),
    )


def _drain(job: Job, window: Window, last_id: int | None, *, resumed: bool) -> None:
    """Read a window to its end, with a checkpoint after every page, and move the bookmark."""
    key = job.settings.replication_key
    start = None if window.start is None else windows.instant_text(window.start)
    end = windows.instant_text(window.end)
    emit(WindowStarted(job.stream, start, end, window.lookback, resumed=resumed))
    before = job.emitted
    listing = reading.Listing(
        job.listing.entity,
        {**job.listing.params, **window.filters(key)},
        job.listing.page_size,
    )
    job.progress.checkpoint(key, window, last_id)
    for page in reading.by_id(
        job.source, listing, Interval(above=last_id), job.clock, descending=False
    ):
        job.emit_page(page.results, page.fetched_at)
        if page.left is not None:
            job.progress.checkpoint(key, window, page.last_id)
            job.emit_state()
        job.check_limit(more=page.more)
    job.progress.drained(key, window)
    job.emit_state()
    emit(WindowDrained(job.stream, end, job.emitted - before))
