"""Interrupts: seen by the reading thread at once, answered by the executing thread exactly once."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Interrupts:
    """Counts interrupts between the thread that sees them and the thread that answers them.

    A marker arrives twice: at once, through `arrive`, so that a running statement can be cancelled,
    and later in its place among the packets, through `take_marker`. A call that was interrupted
    answers before the marker's place is reached.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancel: Callable[[], None] | None = None
        self._open = 0  # arrived and not answered
        self._answered_early = 0  # answered, but the marker's place is still to come

    def arrive(self) -> None:
        """Note an interrupt and cancel what is running. For the reading thread."""
        with self._lock:
            self._open += 1
            if self._cancel is not None:
                self._cancel()

    def start(self, cancel: Callable[[], None]) -> bool:
        """Enter a call that `cancel` can stop; False when an interrupt was there before."""
        with self._lock:
            if self._open:
                return False
            self._cancel = cancel
            return True

    def stop(self) -> bool:
        """Leave the call; True when it was interrupted, which is now taken as answered."""
        with self._lock:
            self._cancel = None
            if not self._open:
                return False
            self._answered_early += self._open
            self._open = 0
            return True

    def take_marker(self) -> bool:
        """Reach a marker's place; True when it is still to be answered."""
        with self._lock:
            if self._answered_early:
                self._answered_early -= 1
                return False
            self._open = max(0, self._open - 1)
            return True
