"""How long something is tried again: by time after a lost connection, by number after a deadlock.

Nothing is executed here; who tries asks whether, and is made to wait.
"""

from __future__ import annotations

import threading

from flext_target_oracle.clock import monotonic_s
from flext_target_oracle.errors import ConnectionLostError, DatabaseError

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0


class Patience:
    """What is left of it for one piece of work."""

    def __init__(self, *, reconnect_s: float, max_retries: int, stopping: threading.Event) -> None:
        self._reconnect_s = reconnect_s
        self._max_retries = max_retries
        self._stopping = stopping
        self._lost_at_s: float | None = None
        self._tries = 0
        self._contended = 0

    @property
    def tries(self) -> int:
        """How often it was tried again."""
        return self._tries

    def bear(self, error: DatabaseError) -> None:
        """Return when the work should be tried again; the first time at once.

        Raises:
            DatabaseError: the error itself, where patience is at its end or the run is.
        """
        if self._stopping.is_set() or not self._is_left(error):
            raise error
        if self._tries:
            self._stopping.wait(min(_FIRST_PAUSE_S * 2 ** (self._tries - 1), _LONGEST_PAUSE_S))
        self._tries += 1

    def _is_left(self, error: DatabaseError) -> bool:
        if not isinstance(error, ConnectionLostError):
            self._contended += 1
            return self._contended <= self._max_retries
        now_s = monotonic_s()
        if self._lost_at_s is None:
            self._lost_at_s = now_s
        return self._reconnect_s > 0 and now_s - self._lost_at_s <= self._reconnect_s
