"""SIGTERM and SIGINT: the main thread stops where it waits, never in the middle of something."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flext_target_oracle.errors import TerminatedError


class Interruption:
    """Whether the process was asked to stop."""

    def __init__(self) -> None:
        self._signum: int | None = None
        self._waiting = False
        self._over = False

    def request(self, signum: int) -> None:
        """Take a signal; raises TerminatedError only while the main thread waits."""
        self._signum = signum
        if self._waiting:
            self.check()

    def check(self) -> None:
        """Raise TerminatedError if the process was asked to stop and has not begun to."""
        if self._signum is not None and not self._over:
            self._over = True
            raise TerminatedError(self._signum)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """The block only waits: a signal may end it."""
        self._waiting = True
        try:
            self.check()
            yield
        finally:
            self._waiting = False
