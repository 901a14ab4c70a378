"""A list by ranges of ids: cut evenly by asking the WMS, read in parallel, one request each.

Ids have gaps and lie unevenly, so their span says nothing about how many rows a range has. The
paged mode does: its count, and the row at a rank.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flext_observability import emit
from flext_tap_oracle_wms import paging, parallel
from flext_tap_oracle_wms.errors import NotFoundError, ServerError, UnreachableError
from flext_tap_oracle_wms.events import RangesProbeFailed
from flext_tap_oracle_wms.sync import reading

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from flext_tap_oracle_wms.paging import Interval
    from flext_tap_oracle_wms.sync.job import Job
    from flext_tap_oracle_wms.sync.reading import Listing, Page

#: Ranges that are read side by side for each request that may be in flight: while one's answer is
#: decoded, another one's request is on its way, so that the budget, not the readers, is the limit.
_READERS_PER_REQUEST = 2
#: More ranges than readers where only their ids are even: none idles while a dense one is read.
_RANGES_PER_READER = 2


def read(
    job: Job, listing: Listing, todo: Sequence[Interval], *, descending: bool
) -> Generator[tuple[int, Page | None]]:
    """Yield the pages of ranges with the number of their range, and None for one that is read."""

    def pages(interval: Interval) -> Iterator[Page]:
        return reading.by_id(job.source, listing, interval, job.clock, descending=descending)

    return parallel.read(todo, pages, workers=_readers(job))


def read_lists(job: Job, lists: Sequence[Listing]) -> Generator[tuple[int, Page | None]]:
    """Yield the pages of whole lists, several read at a time, as `read` does."""

    def pages(listing: Listing) -> Iterator[Page]:
        return reading.by_id(job.source, listing, paging.Interval(), job.clock, descending=True)

    return parallel.read(lists, pages, workers=_readers(job))


def _readers(job: Job) -> int:
    in_flight = job.settings.max_concurrency
    return 1 if in_flight == 1 else in_flight * _READERS_PER_REQUEST


def cut(job: Job, listing: Listing, left: Interval, *, descending: bool) -> list[Interval]:
    """Cut what is left of a list into ranges of as many rows, newest first; one if that is best."""
    if job.settings.max_concurrency == 1 or job.record_limit is not None:
        return [left]
    for way in (_even_by_rows, _even_by_ids):
        try:
            found = way(job, listing, left, descending=descending)
        except (ServerError, UnreachableError) as error:
            # Only speed is lost by it: one range holds the same rows.
            emit(RangesProbeFailed(job.stream, str(error)))
            continue
        if found is not None:
            return found
    return [left]


def count(job: Job, listing: Listing, more: Mapping[str, str]) -> int | None:
    """Return how many rows a list has under further filters; None if the WMS does not say."""
    params = {**listing.params, **more, "page_mode": "paged", "page_size": "1", "ordering": "id"}
    try:
        return job.source.list_page(listing.entity, params).result_count
    except NotFoundError:
        return 0


def _even_by_rows(
    job: Job, listing: Listing, left: Interval, *, descending: bool
) -> list[Interval] | None:
    del descending  # ranks are counted from the lowest id, whichever way is read
    rows = count(job, listing, left.filters())
    if rows is None:
        return None
    job.expected = job.emitted + rows
    wanted = paging.ranks(rows, _readers(job), smallest=listing.size.ceiling)

    def id_at(rank: int) -> Iterator[int]:
        params = {**listing.params, **left.filters(), "page_mode": "paged", "ordering": "id"}
        try:
            found = job.source.list_page(
                listing.entity, {**params, "page_size": "1", "page": str(rank)}
            )
        except NotFoundError:
            return  # rows were removed meanwhile: one cut fewer
        yield from paging.ids(found.results)

    probes = parallel.read(wanted, id_at, workers=job.settings.max_concurrency)
    return paging.cut_at(left, [found for _, found in probes if found is not None])


def _even_by_ids(
    job: Job, listing: Listing, left: Interval, *, descending: bool
) -> list[Interval] | None:
    # One end is where the first page stopped; the other one is asked for.
    far = _edge(job, listing, "id" if descending else "-id")
    near = left.below if descending else left.above
    if far is None or near is None:
        return None
    newest, oldest = (near - 1, far) if descending else (far, near + 1)
    if newest < oldest:
        return None
    pieces = _readers(job) * _RANGES_PER_READER
    return paging.cut(left, newest, oldest, pieces, smallest=listing.size.ceiling)


def _edge(job: Job, listing: Listing, ordering: str) -> int | None:
    params = {**listing.params, "ordering": ordering, "page_size": "1"}
    try:
        found = paging.ids(job.source.list_page(listing.entity, params).results)
    except NotFoundError:
        return None  # every row was removed since the first page
    return found[0] if found else None
