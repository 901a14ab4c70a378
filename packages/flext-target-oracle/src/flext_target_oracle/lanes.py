"""Work in parallel across streams, in order within one, and bounded in bytes.

A lane is a stream's queue. Tasks of a lane run one after another; as many lanes run at the same
time as there are workers. A task that fails closes its lane: what is queued there, and what comes
later, is dropped, and `check` raises its error. Other lanes go on.
"""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial

Task = Callable[[], None]


class Lanes:
    """The workers of a run; threads are made as lanes need them."""

    def __init__(
        self,
        *,
        workers: int,
        buffer_bytes: int,
        waiting: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._buffer_bytes = buffer_bytes
        self._waiting = waiting
        self._changed = threading.Condition()
        self._queues: dict[str, deque[tuple[int, Task]]] = {}
        self._busy: set[str] = set()
        self._held_bytes = 0
        self._failed: dict[str, BaseException] = {}
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="lane")

    def submit(self, lane: str, task: Task, *, size_bytes: int = 0) -> None:
        """Queue a task; waits while as many bytes are held as may be."""
        with self._changed:
            self._wait_until(
                lambda: (
                    bool(self._failed)
                    or self._held_bytes == 0
                    or self._held_bytes + size_bytes <= self._buffer_bytes
                )
            )
            if lane in self._failed:
                return
            self._queues.setdefault(lane, deque()).append((size_bytes, task))
            self._held_bytes += size_bytes
            if lane not in self._busy:
                self._start_next(lane)

    def check(self) -> None:
        """Raise what the first failed task failed with, if any did."""
        if self._failed:
            raise next(iter(self._failed.values()))

    def drain(self) -> None:
        """Wait until every task ran; lanes that failed have none left."""
        with self._changed:
            self._wait_until(lambda: not self._busy)

    def stop(self) -> None:
        """Forget what is queued, wait for what runs, and end the workers."""
        with self._changed:
            for queue in self._queues.values():
                self._held_bytes -= sum(size for size, _ in queue)
                queue.clear()
        self._executor.shutdown(wait=True)

    def _wait_until(self, true: Callable[[], bool]) -> None:
        while not true():
            with self._waiting():
                self._changed.wait()

    def _start_next(self, lane: str) -> None:
        size_bytes, task = self._queues[lane].popleft()
        self._busy.add(lane)
        future = self._executor.submit(contextvars.copy_context().run, task)
        future.add_done_callback(partial(self._finish, lane, size_bytes))

    def _finish(self, lane: str, size_bytes: int, future: Future[None]) -> None:
        with self._changed:
            queue = self._queues[lane]
            self._busy.discard(lane)
            self._held_bytes -= size_bytes
            if (failure := future.exception()) is not None:
                self._failed[lane] = failure
                self._held_bytes -= sum(size for size, _ in queue)
                queue.clear()
            if queue:
                self._start_next(lane)
            self._changed.notify_all()
