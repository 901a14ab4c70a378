"""Rows beside the bookmark's course: a stretch of time, single ids, newly visible facilities.

No bookmark moves here. What was read is not noted page by page: a backfill that is cut begins
anew.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from flext_observability import emit
from flext_tap_oracle_wms import inputs, moments
from flext_tap_oracle_wms.errors import SettingsError
from flext_tap_oracle_wms.events import BackfillCompleted, BackfillStarted
from flext_tap_oracle_wms.paging import Interval
from flext_tap_oracle_wms.sync import ranges, reading
from flext_tap_oracle_wms.windows import instant_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flext_tap_oracle_wms.sync.job import Job
    from flext_tap_oracle_wms.sync.reading import Listing

#: Ids in one filter, so that addresses stay short.
_IDS_PER_FILTER = 40
#: The same where the ids are the rows' own: a page of as many answers it.
_ROWS_PER_FILTER = 100


def run(job: Job) -> None:
    """Read what changed between start_date and end_date, or the ids of a file, or everything.

    Raises:
        SettingsError: a stretch of time for an entity without replication key, ids for one without.
        TapError: it cannot go on; no bookmark has moved.
        LimitReachedError: the record limit is reached before the end.
    """
    settings, key = job.settings, job.replication_key
    if settings.ids_file is not None:
        _read_ids(job, settings.ids_file)
        job.emit_state()
        return
    span = {"gte": settings.start_date, "lt": settings.end_date}
    now = min(job.source.server_now())
    wanted = {
        f"{key}__{lookup}": instant_text(moments.resolve(text, now))
        for lookup, text in span.items()
        if text is not None
    }
    if wanted and key is None:
        raise SettingsError(
            f"start_date, end_date: entity {job.stream} has no replication key to choose by; "
            "backfill it without them, or leave it out"
        )
    _read(job, "sync_mode backfill", [wanted])
    job.emit_state()


def _read_ids(job: Job, path: str) -> None:
    if not job.emitter.has_key:
        raise SettingsError(f"ids_file: entity {job.stream} has no id to choose by")
    wanted = inputs.ids(path, job.stream)
    emit(BackfillStarted(job.stream, f"{len(wanted)} ids of ids_file"))
    lists = []
    for start in range(0, len(wanted), _ROWS_PER_FILTER):
        chosen = ",".join(map(str, wanted[start : start + _ROWS_PER_FILTER]))
        lists.append(replace(job.listing, params={**job.listing.params, "id__in": chosen}))
    before = job.emitted
    with contextlib.closing(ranges.read_lists(job, lists)) as found:
        for _, page in found:
            if page is not None:
                job.emit_page(page.results, page.fetched_at)
                job.check_limit(more=True)
    emit(BackfillCompleted(job.stream, job.emitted - before))


def newly_visible(job: Job) -> None:
    """Read the rows of facilities and companies that the user sees since this run or a former.

    Raises:
        TapError: it cannot go on; what is due stays due.
        LimitReachedError: the record limit is reached before the end.
    """
    due = job.progress.due_backfill()
    if not any(due.values()):
        return
    lists: list[Mapping[str, str]] = []
    for entity, ids in due.items():
        field = "id" if job.listing.entity == entity else f"{entity}_id"
        if ids and field not in job.fields:
            # Its rows do not say whose they are: all of them must be read.
            lists = [{}]
            break
        for start in range(0, len(ids), _IDS_PER_FILTER):
            chosen = ",".join(map(str, ids[start : start + _IDS_PER_FILTER]))
            lists.append({f"{field}__in": chosen})
    _read(job, "newly visible facilities or companies", lists)
    job.progress.backfilled()
    job.emit_state()


def _read(job: Job, reason: str, lists: list[Mapping[str, str]]) -> None:
    emit(BackfillStarted(job.stream, reason))
    before = job.emitted
    for more in lists:
        listing = replace(job.listing, params={**job.listing.params, **more})
        if job.emitter.has_key:
            _by_ranges(job, listing)
        else:
            for page in reading.by_next_page(job.source, listing, job.clock, ordering=None):
                job.emit_page(page.results, page.fetched_at)
                job.check_limit(more=page.more)
    job.expected = None  # what is read after it was not counted
    emit(BackfillCompleted(job.stream, job.emitted - before))


def _by_ranges(job: Job, listing: Listing) -> None:
    first = reading.by_id(job.source, listing, Interval(), job.clock, descending=True)
    with contextlib.closing(first) as pages:
        page = next(pages, None)
    if page is None:
        return
    job.emit_page(page.results, page.fetched_at)
    job.check_limit(more=page.more)
    if page.left is None:
        return
    todo = ranges.cut(job, listing, page.left, descending=True)
    with contextlib.closing(ranges.read(job, listing, todo, descending=True)) as found:
        for _, each in found:
            if each is not None:
                job.emit_page(each.results, each.fetched_at)
                job.check_limit(more=True)
