"""The client's bytes: a message is decoded when all of it is there, however it is cut."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

from oracle_emulator.codec.buffers import IncompleteError, Reader

T = TypeVar("T")
Steps = Generator[None, None, T]
"""A piece of the conversation: it yields whenever it needs more bytes."""


class InputStream:
    """Payloads that were received and not yet consumed."""

    def __init__(self) -> None:
        self.reader = Reader()
        self.consumed = 0  # bytes of finished messages, ever
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._missing = 1

    def feed(self, payload: bytes) -> bool:
        """Take a payload; tell whether it is worth going on with decoding."""
        self._pending.append(payload)
        self._pending_bytes += len(payload)
        if self._pending_bytes < self._missing:
            return False
        rest = self.reader.data[self.reader.position :]
        self.consumed += self.reader.position
        self.reader.data = rest + b"".join(self._pending)
        self.reader.position = 0
        self._pending.clear()
        self._pending_bytes = 0
        self._missing = 1
        return True

    def clear(self) -> None:
        """Forget everything that was not consumed."""
        self.reader = Reader()
        self._pending.clear()
        self._pending_bytes = 0
        self._missing = 1

    def total(self) -> int:
        """Return how many bytes were consumed, ever."""
        return self.consumed + self.reader.position

    def wait(self, error: IncompleteError, mark: int) -> None:
        """Go back to a mark and remember how much is wanted before the next attempt."""
        self.reader.position = mark
        self._missing = error.missing

    def complete(self, decode: Callable[[Reader], T]) -> Steps[T]:
        """Decode something as a whole, waiting for as many bytes as it takes."""
        while True:
            mark = self.reader.position
            try:
                return decode(self.reader)
            except IncompleteError as error:
                self.wait(error, mark)
            yield

    def go_through(
        self,
        step: Callable[[Reader, int], int],
        count: int,
        missing: Callable[[int, int], int],
    ) -> Steps[None]:
        """Go through a number of things; `step` says over how many of them it came.

        `missing` says how much has to come before the next step, from how many of them are left
        and how many bytes are unread.
        """
        left = count - step(self.reader, count)
        while left:
            self._missing = missing(left, self.reader.remaining())
            yield
            left -= step(self.reader, left)

    def complete_many(self, decode: Callable[[Reader], T], count: int) -> Steps[list[T]]:
        """Decode a number of the same thing; what is done is not done again when bytes run out."""
        done: list[T] = []
        while len(done) < count:
            mark = self.reader.position
            try:
                while len(done) < count:
                    mark = self.reader.position
                    done.append(decode(self.reader))
            except IncompleteError as error:
                self.wait(error, mark)
                yield
        return done
