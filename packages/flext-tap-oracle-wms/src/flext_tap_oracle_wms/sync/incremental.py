"""An incremental run: windows of modification times, read in the order of ids.

A row that is modified while its window is read leaves the window without shifting the others,
and is found by the next window. The bookmark stays until a window is drained and is then the
window's end, not the largest time that was seen.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from flext_observability import emit
from flext_tap_oracle_wms import moments, windows
from flext_tap_oracle_wms.events import WindowDrained, WindowStarted
from flext_tap_oracle_wms.paging import Interval
from flext_tap_oracle_wms.sync import backfill, reading

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from flext_tap_oracle_wms.sync.job import Job
    from flext_tap_oracle_wms.windows import Window


#: Looks behind that also read rows without a time, which no window covers.
_WITH_TIMELESS = frozenset({"none", "daily", "handover"})


def run(job: Job) -> None:
    """Read what changed since the bookmark, after what a former run left of its window.

    Raises:
        TapError: it cannot go on; the bookmark stays where the last drained window ended.
        LimitReachedError: the record limit is reached before the end.
    """
    end = _end(job)
    backfill.newly_visible(job)
    opened = job.progress.open_window()
    if opened is not None:
        _drain(job, opened.window, opened.last_id, resumed=True)
    for window in _plan(job, end):
        _drain(job, window, None, resumed=False)


def _end(job: Job) -> datetime:
    settings = job.settings
    server_now, local_now = job.source.server_now()
    end = windows.window_end(
        server_now=server_now,
        local_now=local_now,
        max_skew=timedelta(seconds=settings.max_clock_skew_seconds),
        lag=timedelta(seconds=settings.safety_lag_seconds),
    )
    if settings.end_date is None:
        return end
    return min(end, moments.resolve(settings.end_date, local_now))


def _plan(job: Job, end: datetime) -> list[Window]:
    settings, progress = job.settings, job.progress
    deep_at, daily_at = progress.looked_back_at()
    return windows.plan(
        bookmark=progress.bookmark(),
        start_date=None
        if settings.start_date is None
        else moments.resolve(settings.start_date, end),
        end=end,
        lookback=windows.choose_lookback(
            now=end,
            handed_over=progress.handed_over(),
            deep_at=deep_at,
            daily_at=daily_at,
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
    key = job.replication_key
    assert key is not None  # noqa: S101 -- streams without one are read whole
    start = None if window.start is None else windows.instant_text(window.start)
    end = windows.instant_text(window.end)
    emit(WindowStarted(job.stream, start, end, window.lookback, resumed=resumed))
    before = job.emitted
    job.progress.checkpoint(key, window, last_id)
    for page in _pages(job, window.filters(key), last_id):
        with job.unit():
            job.emit_page(page.results, page.fetched_at)
            if page.left is not None:
                job.progress.checkpoint(key, window, page.last_id)
                job.emit_state()
        job.check_limit(more=page.more)
    if window.lookback in _WITH_TIMELESS:
        for page in _pages(job, {f"{key}__isnull": "true"}, None):
            job.emit_page(page.results, page.fetched_at)
            job.check_limit(more=True)
    job.progress.drained(key, window)
    job.emit_state()
    emit(WindowDrained(job.stream, end, job.emitted - before))


def _pages(job: Job, filters: Mapping[str, str], last_id: int | None) -> reading.Pages:
    listing = replace(job.listing, params={**job.listing.params, **filters})
    interval = Interval(above=last_id)
    return reading.by_id(job.source, listing, interval, job.clock, descending=False)
