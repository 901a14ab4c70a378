"""Pages of one list, asked for one after the other, until the server says that none follows.

The rule of the empty list lives here: the WMS answers 404 where a list has no rows. Nothing is
written here, and which list is read is decided by the caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from flext_tap_oracle_wms import paging
from flext_tap_oracle_wms.errors import (
    NotFoundError,
    ProtocolError,
    ServerError,
    UnreachableError,
)
from flext_tap_oracle_wms.paging import Envelope, Interval

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from datetime import datetime

    import msgspec

    from flext_tap_oracle_wms.clock import Clock
    from flext_tap_oracle_wms.sizing import PageSize


class Source(Protocol):
    """The requests that reading needs; `client.WmsClient` makes them."""

    def list_page(
        self, entity: str, params: Mapping[str, str], size: PageSize | None = None
    ) -> Envelope:
        """Return a page, of as many rows as size says; NotFoundError for 404."""
        ...

    def follow(self, next_page: str) -> Envelope:
        """Return the page at an address; NotFoundError for 404."""
        ...

    def confirm(self, entity: str, *, anew: bool) -> bool:
        """Return whether the WMS describes the entity, now or (unless anew) earlier in the run."""
        ...

    def server_now(self) -> tuple[datetime, datetime]:
        """Return the present by the clock of the WMS and by this machine's."""
        ...


@dataclass(frozen=True)
class Listing:
    """What is asked for: an entity's rows, filtered, in pages of a size.

    Attributes:
        params: filters, fields and page mode; ids, order and size are added for each page.
        size: rows per request, less while the WMS cannot keep up.
    """

    entity: str
    params: Mapping[str, str]
    size: PageSize


@dataclass(frozen=True)
class Page:
    """A page that was read, and what is left after it.

    Attributes:
        results: the records, raw.
        fetched_at: when the answer was there.
        more: whether another page follows.
        left: the ids still to read; None when there are none, or no ids to go by.
        last_id: the id of its last record, None for a page without any.
    """

    results: msgspec.Raw
    fetched_at: datetime
    more: bool
    left: Interval | None
    last_id: int | None


#: How often in a row a last page may have fewer rows than are counted.
_PATIENCE = 4
Pages: TypeAlias = "Generator[Page]"


def by_id(
    source: Source, listing: Listing, interval: Interval, clock: Clock, *, descending: bool
) -> Pages:
    """Yield the pages of an interval of ids, each asked for by the ids that are left.

    Raises:
        ProtocolError: the server repeats itself, or ends the list by a 404 that does not hold.
    """
    first, short = True, 0
    while not interval.empty:
        params = {
            **listing.params,
            **interval.filters(),
            "ordering": "-id" if descending else "id",
        }
        try:
            envelope = _page(source, listing, params, interval)
        except NotFoundError:
            _confirm_end(source, listing, None if first else params)
            return
        if envelope.next_page is None and _lacks_rows(envelope):
            short += 1
            if short < _PATIENCE:
                continue
            raise ProtocolError(
                f"entity {listing.entity}: the WMS counts {envelope.result_count} rows and sends "
                f"fewer on its last page, {_PATIENCE} times in a row; run again"
            )
        short = 0
        ids = paging.ids(envelope.results)
        interval = interval.after(ids, descending=descending)
        if not ids and envelope.next_page is not None:
            raise ProtocolError(
                f"entity {listing.entity}: the WMS sent a page without rows that says more "
                "follow, so that reading cannot go on"
            )
        more = envelope.next_page is not None and not interval.empty
        yield Page(
            envelope.results,
            clock.now(),
            more=more,
            left=interval if more else None,
            last_id=ids[-1] if ids else None,
        )
        if not more:
            return
        first = False


def by_next_page(source: Source, listing: Listing, clock: Clock, *, ordering: str | None) -> Pages:
    """Yield the pages of a list that has no ids to go on from, as `next_page` leads.

    Raises:
        ProtocolError: `next_page` leads back to a page that was read, or to nothing.
    """
    params = dict(listing.params)
    if ordering is not None:
        params["ordering"] = ordering
    try:
        envelope = source.list_page(listing.entity, params, listing.size)
    except NotFoundError:
        _confirm_end(source, listing, None)
        return
    seen: set[str] = set()
    while True:
        following = envelope.next_page
        more = following is not None
        yield Page(envelope.results, clock.now(), more=more, left=None, last_id=None)
        if following is None:
            return
        if following in seen:
            raise ProtocolError(
                f"entity {listing.entity}: next_page leads to a page that was read already"
            )
        seen.add(following)
        try:
            envelope = source.follow(following)
        except NotFoundError:
            raise ProtocolError(
                f"entity {listing.entity}: the WMS answered 404 for a page that it had named as "
                "the next one; run again"
            ) from None


def _page(
    source: Source, listing: Listing, params: Mapping[str, str], interval: Interval
) -> Envelope:
    """Return a page; one that fails at the smallest size says which row it was."""
    try:
        return source.list_page(listing.entity, params, listing.size)
    except (ServerError, UnreachableError) as error:
        if listing.size.value > 1 or listing.size.ceiling == 1:
            raise
        raise type(error)(
            f"{error}; even as a page of one row: the next row of entity {listing.entity} "
            f"{interval.text()} cannot be read"
        ) from None


def _lacks_rows(envelope: Envelope) -> bool:
    """Whether a last page has fewer rows than the API counts.

    Count and rows are two questions to the database, so a row between them may make it so once.
    """
    counted = envelope.result_count
    return counted is not None and counted > paging.count(envelope.results)


def _confirm_end(source: Source, listing: Listing, params: Mapping[str, str] | None) -> None:
    """Make sure that a 404 means the end of a list, not that something is gone.

    Args:
        source: where to ask.
        listing: whose end it is.
        params: the request to repeat, for a page after the first; None for a first page.

    Raises:
        ProtocolError: it does not mean the end.
    """
    entity = listing.entity
    if params is not None:
        try:
            source.list_page(entity, params, listing.size)
        except NotFoundError:
            pass
        else:
            raise ProtocolError(
                f"entity {entity}: the WMS answered 404 and then rows to the same request; its "
                "answers do not hold, so the end of the list is unknown; run again"
            )
    if not source.confirm(entity, anew=params is not None):
        raise ProtocolError(
            f"entity {entity}: the WMS answers 404 for its list and for its description, so it "
            "is not an empty list; check base_url and entities"
        )
