"""Pages of one list, asked for one after the other, until the server says that none follows.

The rule of the empty list lives here (`_confirm_nothing`): the WMS answers 404 where a list has no
rows, and also where something is wrong, so one such answer never ends a list. Nothing is written
here, and which list is read is decided by the caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeAlias

import msgspec

from flext_tap_oracle_wms import paging
from flext_tap_oracle_wms.errors import (
    NotFoundError,
    ProtocolError,
    ServerError,
    UnreachableError,
)
from flext_tap_oracle_wms.paging import Envelope, Interval

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from datetime import datetime

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

    def in_flight(self, entity: str) -> int:
        """Return how many pages of an entity are on their way now."""
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
    # Bounds come from rows that were seen, so a bounded interval is of a list that has rows.
    known, short = interval != Interval(), 0
    while not interval.empty:
        params = {
            **listing.params,
            **interval.filters(),
            "ordering": "-id" if descending else "id",
        }
        try:
            envelope = _page(source, listing, params, interval)
        except NotFoundError:
            envelope = _NOTHING
        if _is_nothing(envelope):
            _confirm_nothing(source, listing, params, known=known)
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
        known = True


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
        envelope = _NOTHING
    if _is_nothing(envelope):
        _confirm_nothing(source, listing, params, known=False)
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
        if _is_nothing(envelope) and not _is_nothing(_again(partial(source.follow, following))):
            raise ProtocolError(_fickle(listing.entity))


def _page(
    source: Source, listing: Listing, params: Mapping[str, str], interval: Interval
) -> Envelope:
    """Return a page; one that fails says which rows were due, at the smallest size which row."""
    try:
        return source.list_page(listing.entity, params, listing.size)
    except (ServerError, UnreachableError) as error:
        where = f"of entity {listing.entity} {interval.text()}"
        told = (
            f"rows {where} were due"
            if listing.size.value > 1
            else f"even as a page of one row: the next row {where} cannot be read"
        )
        raise type(error)(f"{error}; {told}") from None


def _lacks_rows(envelope: Envelope) -> bool:
    """Whether a last page has fewer rows than the API counts.

    Count and rows are two questions to the database, so a row between them may make it so once.
    """
    counted = envelope.result_count
    return counted is not None and counted > paging.count(envelope.results)


_NOTHING = Envelope(results=msgspec.Raw(b"[]"), next_page=None)
#: What of a request does not choose rows.
_SHAPE = frozenset({"fields", "ordering", "page_mode", "page_size"})


def _is_nothing(envelope: Envelope) -> bool:
    """Whether an answer says that there are no rows and no more pages."""
    return envelope.next_page is None and not paging.count(envelope.results)


def _again(request: Callable[[], Envelope]) -> Envelope:
    """Ask once more; 404 is an answer without rows."""
    try:
        return request()
    except NotFoundError:
        return _NOTHING


def _confirm_nothing(
    source: Source, listing: Listing, params: Mapping[str, str], *, known: bool
) -> None:
    """Make sure that an answer without rows means that there are none.

    The same request must give the same again. Then a request that chooses no rows tells whether
    the list works at all: it gives a row, or the entity is empty, which it cannot be if it is known
    to have rows, and is not if the WMS does not describe it any more.

    Args:
        source: where to ask.
        listing: whose rows were asked for.
        params: the request that gave none.
        known: whether the entity had rows in this run or an earlier one.

    Raises:
        ProtocolError: it may mean something else, so what is left of the list is unknown.
    """
    entity = listing.entity
    if not _is_nothing(_again(partial(source.list_page, entity, params, listing.size))):
        raise ProtocolError(_fickle(entity))
    if known or set(params) - _SHAPE:
        any_row = {name: listing.params[name] for name in ("page_mode",) if name in listing.params}
        any_row["page_size"] = "1"
        if not _is_nothing(_again(partial(source.list_page, entity, any_row))):
            return
    if known:
        raise ProtocolError(
            f"entity {entity}: the WMS answers as if the entity had no rows at all, after it has "
            "sent some; run again, and if this stays look at the user's permissions"
        )
    if not source.confirm(entity, anew=True):
        raise ProtocolError(
            f"entity {entity}: the WMS answers 404 for its list and for its description, so it "
            "is not an empty list; check base_url and entities"
        )


def _fickle(entity: str) -> str:
    return (
        f"entity {entity}: the WMS answered without rows and then with rows to the same request; "
        "its answers do not hold, so the end of the list is unknown; run again"
    )
