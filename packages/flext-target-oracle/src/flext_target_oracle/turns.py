"""The order of a stream's batches: staged side by side, applied one after another.

Numbers are given to workers in order, so the lowest number that is not applied is always at work:
whoever waits here waits for one that has what it needs.
"""

from __future__ import annotations

import threading


class EarlierFailedError(Exception):
    """A batch with a lower number failed: nothing after it may be applied."""


class Turns:
    """Whose turn it is, from 1 on."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._next = 1
        self._failed_at: int | None = None

    def wait(self, number: int) -> None:
        """Return when every lower number is done.

        Raises:
            EarlierFailedError: one of them failed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._next == number or self._is_lost(number))
            if self._next != number:
                raise EarlierFailedError

    def wait_for(self, number: int) -> None:
        """Return when the number, and with it every lower one, is done; at once where none is.

        Raises:
            EarlierFailedError: one of them failed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._next > number or self._is_lost(number + 1))
            if self._next <= number:
                raise EarlierFailedError

    def has_come(self, number: int) -> bool:
        """Return whether the number's turn has come."""
        with self._changed:
            return self._next >= number

    def done(self, number: int) -> None:
        """The number's work is committed: the next may go on."""
        with self._changed:
            self._next = number + 1
            self._changed.notify_all()

    def fail(self, number: int) -> None:
        """The number's work failed, whether its turn had come or not: none after it may go on."""
        with self._changed:
            self._failed_at = number if self._failed_at is None else min(number, self._failed_at)
            self._changed.notify_all()

    def _is_lost(self, number: int) -> bool:
        return self._failed_at is not None and self._failed_at < number
