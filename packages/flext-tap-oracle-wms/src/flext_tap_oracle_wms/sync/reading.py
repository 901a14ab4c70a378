"""Pages of one list, asked for one after the other, until the server says that none follows.

The rule of the empty list lives here: the WMS answers 404 where a list has no rows. Nothing is
written here, and which list is read is decided by the caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from flext_tap_oracle_wms import paging
from flext_tap_oracle_wms.errors import NotFoundError, ProtocolError
from flext_tap_oracle_wms.paging import Envelope, Interval

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from datetime import datetime

    import msgspec

    from flext_tap_oracle_wms.clock import Clock


class Source(Protocol):
    """The requests that reading needs; `client.WmsClient` makes them."""

    def list_page(self, entity: str, params: Mapping[str, str]) -> Envelope:
        """Return a page; NotFoundError for 404."""
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
        page_size: rows per request at most.
    """

    entity: str
    params: Mapping[str, str]
    page_size: int


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


Pages: TypeAlias = "Generator[Page]"


def by_id(
    source: Source, listing: Listing, interval: Interval, clock: Clock, *, descending: bool
) -> Pages:
    """Yield the pages of an interval of ids, each asked for by the ids that are left.

    Raises:
        ProtocolError: the server repeats itself, or ends the list by a 404 that does not hold.
    """
    first = True
    while not interval.empty:
        params = {
            **listing.params,
            **interval.filters(),
            "ordering": "-id" if descending else "id",
            "page_size": str(listing.page_size),
        }
        try:
            envelope = source.list_page(listing.entity, params)
        except NotFoundError:
            _confirm_end(source, listing.entity, None if first else params)
            return
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
    params = {**listing.params, "page_size": str(listing.page_size)}
    if ordering is not None:
        params["ordering"] = ordering
    try:
        envelope = source.list_page(listing.entity, params)
    except NotFoundError:
        _confirm_end(source, listing.entity, None)
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


def _confirm_end(source: Source, entity: str, params: Mapping[str, str] | None) -> None:
    """Make sure that a 404 means the end of a list, not that something is gone.

    Args:
        source: where to ask.
        entity: whose list it is.
        params: the request to repeat, for a page after the first; None for a first page.

    Raises:
        ProtocolError: it does not mean the end.
    """
    if params is not None:
        try:
            source.list_page(entity, params)
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
