"""What a full load and an incremental run have in common: one stream, its means, its limit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flext_observability import emit, metrics
from flext_tap_oracle_wms import paging
from flext_tap_oracle_wms.events import ProgressMade

if TYPE_CHECKING:
    from collections.abc import Collection
    from contextlib import AbstractContextManager
    from datetime import datetime

    import msgspec

    from flext_tap_oracle_wms.bookmarks import State, StreamState
    from flext_tap_oracle_wms.clock import Clock
    from flext_tap_oracle_wms.emit import StreamEmitter
    from flext_tap_oracle_wms.settings import Settings
    from flext_tap_oracle_wms.sync.reading import Listing, Source


#: How long a stream is silent between two words on its progress.
PROGRESS_EVERY_S = 1.0


class LimitReachedError(Exception):
    """As many records as were asked for are out; the load stays open where it is."""


@dataclass
class Job:
    """One stream of one run.

    Attributes:
        listing: the stream's list, with the user's filters, without those of time or id.
        fields: the names of the entity's fields.
        replication_key: the timestamp by which its changes are found; None if it has none.
        record_limit: records after which the stream stops, None for all.
        emitted: records that are out so far.
        pages: pages that are out so far.
        expected: rows that this run has to read, as far as the WMS has counted them.
    """

    stream: str
    listing: Listing
    settings: Settings
    source: Source
    emitter: StreamEmitter
    state: State
    clock: Clock
    fields: Collection[str] = ()
    replication_key: str | None = None
    record_limit: int | None = None
    emitted: int = field(default=0)
    pages: int = field(default=0)
    expected: int | None = None
    _told_s: float = field(init=False)

    def __post_init__(self) -> None:
        self._told_s = self.clock.monotonic_s()

    @property
    def progress(self) -> StreamState:
        """The stream's part of the state."""
        return self.state.stream(self.stream)

    def unit(self) -> AbstractContextManager[None]:
        """Keep a page and the STATE after it together."""
        return self.emitter.unit()

    def emit_page(
        self, results: msgspec.Raw, fetched_at: datetime, version: int | None = None
    ) -> None:
        """Write a page's records, as far as the limit lets, and tell of progress now and then.

        Raises:
            LimitReachedError: the page went beyond the limit and was cut.
        """
        self._write_page(results, fetched_at, version)
        now_s = self.clock.monotonic_s()
        if now_s - self._told_s < PROGRESS_EVERY_S:
            return
        self._told_s = now_s
        in_flight = self.source.in_flight(self.listing.entity)
        retries = int(metrics.total("retries", self.stream))
        done, pages = self.emitted, self.pages
        emit(ProgressMade(self.stream, done, pages, in_flight, self.expected, retries))

    def _write_page(self, results: msgspec.Raw, fetched_at: datetime, version: int | None) -> None:
        self.pages += 1
        limit = self.record_limit
        if limit is None:
            self.emitted += self.emitter.write_page(results, fetched_at, version)
            return
        cut = paging.count(results) > limit - self.emitted
        shown = paging.head(results, limit - self.emitted) if cut else results
        self.emitted += self.emitter.write_page(shown, fetched_at, version)
        if cut:
            raise LimitReachedError

    def check_limit(self, *, more: bool) -> None:
        """Stop where the limit is reached and there is more to read.

        Raises:
            LimitReachedError: that is so.
        """
        if more and self.record_limit is not None and self.emitted >= self.record_limit:
            raise LimitReachedError

    def finish(self) -> None:
        """Hand over what is left, whole pages each, however the reading ended."""
        self.emitter.finish(self.state)

    def emit_state(self) -> None:
        """Write a complete STATE."""
        self.emitter.write_state(self.state)
