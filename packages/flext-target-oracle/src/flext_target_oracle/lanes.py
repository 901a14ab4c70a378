"""Work of many streams on a few workers, bounded in bytes; the order in which tasks begin.

A lane is a stream's queue. Its tasks begin in order and run side by side while the processor has
time for that, but for those that must be alone: all before them are over, none after them has
begun. A free worker goes to the lane with the fewest at work; a lane without any is never kept
waiting for the processor. A task that fails closes its lane: what is queued there, and what comes
later, is dropped, and `check` raises its error. Other lanes go on.
"""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial

from flext_target_oracle.processor import WINDOW_S, Processor

Task = Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Queued:
    task: Task
    size_bytes: int
    alone: bool


@dataclass(slots=True)
class _Lane:
    queue: deque[_Queued] = field(default_factory=deque)
    running: int = 0
    is_alone: bool = False

    def may_begin(self, *, beside: bool) -> bool:
        """Whether the first of the queue may begin now; `beside`: also where others are at work."""
        if not self.queue or self.is_alone:
            return False
        return not self.running or (beside and not self.queue[0].alone)


class Lanes:
    """The workers of a run; threads are made as they are needed."""

    def __init__(
        self,
        *,
        workers: int,
        buffer_bytes: int,
        waiting: Callable[[], AbstractContextManager[None]],
        processor: Processor | None = None,
    ) -> None:
        self._buffer_bytes = buffer_bytes
        self._waiting = waiting
        self._changed = threading.Condition()
        self._lanes: dict[str, _Lane] = {}
        self._processor = processor or Processor()
        self._free, self._at_work = workers, 0
        self._held_bytes = 0
        self._failed: dict[str, BaseException] = {}
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="lane")

    def submit(self, lane: str, task: Task, *, size_bytes: int = 0, alone: bool = False) -> None:
        """Queue a task; waits while as many bytes are held as may be.

        Args:
            lane: its stream.
            task: what runs in a worker.
            size_bytes: what it holds until it is over.
            alone: whether nothing else of the lane runs beside it.
        """
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
            queue = self._lanes.setdefault(lane, _Lane()).queue
            queue.append(_Queued(task, size_bytes, alone))
            self._held_bytes += size_bytes
            self._begin_what_may()

    def check(self) -> None:
        """Raise what the first failed task failed with, if any did; begin what may begin by now."""
        with self._changed:
            self._begin_what_may()
            if self._failed:
                raise next(iter(self._failed.values()))

    def drain(self) -> None:
        """Wait until every task ran; lanes that failed have none left."""
        with self._changed:
            self._wait_until(
                lambda: not any(lane.running or lane.queue for lane in self._lanes.values())
            )

    def stop(self) -> None:
        """Forget what is queued, wait for what runs, and end the workers."""
        with self._changed:
            for lane in self._lanes.values():
                self._forget(lane)
        self._executor.shutdown(wait=True)

    def _wait_until(self, true: Callable[[], bool]) -> None:
        while not true():
            # Whether what is queued may begin shows again after a while.
            is_queued = any(lane.queue for lane in self._lanes.values())
            with self._waiting():
                self._changed.wait(WINDOW_S if is_queued else None)
            self._begin_what_may()

    def _forget(self, lane: _Lane) -> None:
        self._held_bytes -= sum(queued.size_bytes for queued in lane.queue)
        lane.queue.clear()

    def _begin_what_may(self) -> None:
        self._processor.look(self._at_work)
        while self._free:
            beside = self._at_work < self._processor.workers
            ready = [name for name, lane in self._lanes.items() if lane.may_begin(beside=beside)]
            if not ready:
                return
            name = min(ready, key=lambda each: self._lanes[each].running)
            lane = self._lanes[name]
            # To the end of the order: among equals the one that waited longest is next.
            self._lanes[name] = self._lanes.pop(name)
            queued = lane.queue.popleft()
            lane.running += 1
            lane.is_alone = queued.alone
            self._free, self._at_work = self._free - 1, self._at_work + 1
            try:
                future = self._executor.submit(contextvars.copy_context().run, queued.task)
            except RuntimeError as error:  # no thread can be started
                self._over(name, queued, error)
            else:
                future.add_done_callback(partial(self._finish, name, queued))

    def _finish(self, name: str, queued: _Queued, future: Future[None]) -> None:
        with self._changed:
            self._processor.look(self._at_work)
            self._over(name, queued, future.exception())
            self._begin_what_may()
            self._changed.notify_all()

    def _over(self, name: str, queued: _Queued, failure: BaseException | None) -> None:
        lane = self._lanes[name]
        lane.running -= 1
        lane.is_alone = lane.is_alone and not queued.alone
        self._free, self._at_work = self._free + 1, self._at_work - 1
        self._held_bytes -= queued.size_bytes
        if failure is not None:
            self._failed.setdefault(name, failure)
            self._forget(lane)
