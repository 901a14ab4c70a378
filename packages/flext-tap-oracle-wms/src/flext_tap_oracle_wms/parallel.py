"""Several sources read at a time, one request of each in flight; items come out one by one.

Threads live here and nowhere else. What a source is (a range of ids, an entity to describe) is
the matter of the function that reads it, what becomes of its items the caller's: it sees all of
them in one thread, those of one source in their order.
"""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

R = TypeVar("R")
P = TypeVar("P")
#: How long the end waits for requests that are in flight.
_PATIENCE_S = 5.0


class _Closed(Exception):  # noqa: N818 -- never leaves this module
    """The reader of the channel has gone."""


class _Channel(Generic[P]):
    """A bounded hand-over from the workers to the one reader."""

    def __init__(self, size: int, workers: int) -> None:
        self._size = size
        self._workers = workers
        self._items: deque[P] = deque()
        self._error: BaseException | None = None
        self._closed = False
        # Two, so that an item wakes the reader and a place one worker, not everybody each time.
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._filled = threading.Condition(self._lock)

    def put(self, item: P) -> None:
        with self._lock:
            self._room.wait_for(lambda: self._closed or len(self._items) < self._size)
            if self._closed:
                raise _Closed
            self._items.append(item)
            self._filled.notify()

    def __enter__(self) -> None:
        """Begin a worker's part."""

    def __exit__(self, _cls: object, error: BaseException | None, _trace: object) -> bool:
        """End a worker's part; its error goes to the reader, who raises it."""
        with self._lock:
            self._workers -= 1
            if error is not None and not isinstance(error, _Closed):
                self._error = self._error or error
            self._filled.notify()
        return True

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._room.notify_all()

    @property
    def closed(self) -> bool:
        with self._lock:
            return self._closed or self._error is not None

    def __iter__(self) -> Iterator[P]:
        """Yield what was put; what was put before a failure comes before the failure."""
        while True:
            with self._lock:
                self._filled.wait_for(lambda: self._items or self._error or not self._workers)
                if not self._items:
                    if self._error is not None:
                        raise self._error
                    return
                item = self._items.popleft()
                self._room.notify()
            yield item


def read(
    sources: Sequence[R], items: Callable[[R], Iterable[P]], *, workers: int
) -> Generator[tuple[int, P | None]]:
    """Yield each item with the number of its source, and None for a source that has ended.

    Sources begin in their order, at most `workers` at a time. The first error ends all: items
    that were there before it still come out, then it is raised.
    """
    workers = min(workers, len(sources))
    if workers <= 1:
        for number, source in enumerate(sources):
            for item in items(source):
                yield number, item
            yield number, None
        return
    channel: _Channel[tuple[int, P | None]] = _Channel((workers + 1) // 2, workers)
    waiting = deque(enumerate(sources))
    threads = [
        threading.Thread(
            target=contextvars.copy_context().run,
            args=(_work, waiting, items, channel),
            name=f"reader-{number}",
            daemon=True,  # a request may take minutes; ending the process does not wait for it
        )
        for number in range(workers)
    ]
    for thread in threads:
        thread.start()
    try:
        yield from channel
    finally:
        channel.close()
        for thread in threads:
            thread.join(timeout=_PATIENCE_S / workers)


def _work(
    waiting: deque[tuple[int, R]],
    items: Callable[[R], Iterable[P]],
    channel: _Channel[tuple[int, P | None]],
) -> None:
    with channel:
        while not channel.closed:
            try:
                number, source = waiting.popleft()
            except IndexError:
                return
            for item in items(source):
                channel.put((number, item))
            channel.put((number, None))
