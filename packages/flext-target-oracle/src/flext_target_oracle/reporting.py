"""STATE on its way out: which lines may go, that the database knows what they say, the writing.

Used by every thread of a run; a line at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from flext_observability import emit
from flext_target_oracle import events
from flext_target_oracle.state import Bookmarks, bookmark_of

StateWriter = Callable[[dict[str, Any]], None]


class Teller(Protocol):
    """A stream's loader, as far as STATE goes."""

    def tell(self, bookmark: str) -> None:
        """Let the database know a bookmark before it leaves."""


class Reports:
    """The STATE of a run against what is durable."""

    def __init__(self, write: StateWriter) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._bookmarks = Bookmarks()
        self._tellers: dict[str, Teller] = {}
        self.newest: dict[str, Any] | None = None

    def include(self, stream: str, teller: Teller) -> None:
        """Take up a stream."""
        with self._lock:
            self._tellers[stream] = teller

    def received(self, state: dict[str, Any], positions: Mapping[str, int]) -> None:
        """Take a STATE message that came after so much of each stream."""
        self.newest = state
        with self._lock:
            self._bookmarks.received(state, positions)
        self.write()

    def durable(self, stream: str, position: int) -> None:
        """Take note of what is durable of a stream, and write what it lets go."""
        with self._lock:
            self._bookmarks.durable(stream, position)
        self.write()

    def covered(self, stream: str, position: int) -> str | None:
        """Return the stream's newest bookmark that so much of it covers, as JSON."""
        with self._lock:
            bookmark = self._bookmarks.covered(stream, position)
        return None if bookmark is None else as_json(bookmark)

    def write(self) -> None:
        """Write a line if there is a new one. The database knows its bookmarks before.

        Raises:
            StateUnwrittenError: nobody reads it.
            TargetError: the database could not be told.
        """
        with self._lock:
            state = self._bookmarks.line()
            if state is None:
                return
            for stream, teller in self._tellers.items():
                bookmark = bookmark_of(state, stream)
                if bookmark is not None:
                    teller.tell(as_json(bookmark))
            self._write(state)
            streams = len(self._tellers)
        emit(events.StateWritten(streams))


def as_json(bookmark: Any) -> str:
    """Return a bookmark as the ledger and the fence row hold it."""
    return msgspec.json.encode(bookmark).decode()
