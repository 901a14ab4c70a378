"""How long a first load would take: what the WMS counts, and how long one page takes it.

Two requests per stream; nothing is written. The arithmetic is pages times seconds, divided by the
requests in flight, which is what a load comes to while the WMS answers as fast as it does now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flext_tap_oracle_wms.errors import NotFoundError, ProtocolError

if TYPE_CHECKING:
    from flext_tap_oracle_wms.clock import Clock
    from flext_tap_oracle_wms.sync.reading import Listing, Source


@dataclass(frozen=True)
class Estimate:
    """What a full load of one stream has before it.

    Attributes:
        rows: as the WMS counts them, under the stream's filters.
        page_rows: rows per request.
        page_s: seconds that one full page took.
        in_flight: requests at a time.
    """

    rows: int
    page_rows: int
    page_s: float
    in_flight: int

    @property
    def pages(self) -> int:
        """Requests that the rows take."""
        return -(-self.rows // self.page_rows)

    @property
    def seconds(self) -> float:
        """The load's duration, of this stream alone."""
        return -(-self.pages // self.in_flight) * self.page_s


def of_listing(source: Source, listing: Listing, clock: Clock, *, in_flight: int) -> Estimate:
    """Return the estimate of a stream's full load.

    Args:
        source: the requests.
        listing: what the stream's pages are asked for with.
        clock: by which the page is timed.
        in_flight: requests at a time; one for a stream that has no ids to be cut by.

    Raises:
        TapError: the WMS does not answer, or not with a count.
    """
    size = listing.size.ceiling
    counted = {**listing.params, "page_mode": "paged", "page_size": "1"}
    try:
        found = source.list_page(listing.entity, counted)
        began_s = clock.monotonic_s()
        source.list_page(listing.entity, {**listing.params, "page_size": str(size)})
        page_s = clock.monotonic_s() - began_s
    except NotFoundError:
        return Estimate(0, size, 0.0, in_flight)
    if found.result_count is None:
        raise ProtocolError(
            f"entity {listing.entity}: the WMS answered in page_mode paged without a count"
        )
    return Estimate(found.result_count, size, page_s, in_flight)
